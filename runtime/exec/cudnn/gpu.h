// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/cudnn: one GPU, the libraries' handles on it, and kernels compiled for
 * it.
 *
 * CUDA's headers are included here and nowhere else. Nothing of the GPU is ever set: no clocks, no
 * power limits, no modes.
 */
#ifndef JC_EXEC_CUDNN_GPU_H
#define JC_EXEC_CUDNN_GPU_H

#include "layout.h"

#include <joulecast/status.h>

#if defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#endif
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <nvrtc.h>
#if defined __GNUC__
#pragma GCC diagnostic pop
#endif

enum { KERNEL_POINTERS = 8, KERNEL_NUMBERS = 28, KERNEL_REALS = 12, KERNEL_RESULT = 7 };

/** What kernels of kernels.cu take. */
typedef struct kernel_args {
    void *p[KERNEL_POINTERS];
    long long n[KERNEL_NUMBERS];
    float f[KERNEL_REALS];
} kernel_args;

/** A kernel that was compiled. */
typedef struct gpu_kernel {
    char *options; ///< what it was compiled with
    cudaLibrary_t library;
    cudaKernel_t function;
} gpu_kernel;

typedef struct gpu {
    cudaStream_t stream;
    cudaEvent_t begin, end;
    cudnnHandle_t dnn;
    cublasLtHandle_t lt;
    char name[96];    ///< "NVIDIA H100 80GB HBM3"
    char address[32]; ///< on the PCI bus: "0000:01:00.0"
    int capability_major, capability_minor;
    int n_multiprocessors;
    size_t cache_bytes; ///< of the last cache
    gpu_kernel *kernels;
    size_t n_kernels;
} gpu;

/**
 * The first GPU that this process may see (CUDA_VISIBLE_DEVICES).
 *
 * @retval JC_EUNSUPPORTED  no driver, no GPU, or one that the libraries do not know; err says which
 */
JC_MUST_USE jc_status gpu_open(gpu *out_gpu, jc_error *err);
void gpu_close(gpu *g);

/**
 * A kernel of kernels.cu, compiled unless it was before.
 *
 * @param options  NULL-terminated list of "-D…"
 * @retval JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status gpu_find_kernel(gpu *g, const char *name, const char *const *options,
                                      cudaKernel_t *out_function, jc_error *err);

/** Bytes of the GPU's memory that are free; 0 if it does not tell. */
uint64_t gpu_free_bytes(void);

// What a library answered, as a status; `what` was tried.
JC_MUST_USE jc_status gpu_check(cudaError_t answer, const char *what, jc_error *err);
JC_MUST_USE jc_status gpu_check_dnn(cudnnStatus_t answer, const char *what, jc_error *err);
JC_MUST_USE jc_status gpu_check_lt(cublasStatus_t answer, const char *what, jc_error *err);

#endif
