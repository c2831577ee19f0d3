// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * NVIDIA's libraries as tests want them: as much of the CUDA runtime, cuDNN, cuBLASLt and NVRTC as
 * executor `cudnn` uses, computed plainly on this processor.
 *
 * It is stricter than the real ones. What is asked of it wrongly is a fault: pointers outside of
 * what was allocated, descriptors that were destroyed or do not fit together, work spaces too
 * small, work done while a graph is captured. The call fails then, and `fault` says why.
 */
#ifndef JC_TEST_FAKE_CUDA_H
#define JC_TEST_FAKE_CUDA_H

#include "runtime/exec/cudnn/gpu.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct fake_cuda {
    int n_devices;
    size_t free_bytes;         ///< what cudaMemGetInfo tells
    bool refuses_fusion;       ///< fused convolutions are refused when they are run
    bool refuses_integer_bias; ///< heuristics have no int8 product with a bias
    bool breaks_integer_bias;  ///< they have, and it is refused when it is run
    int refused_algorithm;     ///< of convolutions, when they are run; -1 = none
    int n_failed;              ///< calls that failed because they were to
    int fails_after;           ///< so many calls that may fail do not; -1 = none fails

    int n_live;            ///< things that were made and not destroyed
    size_t allocated;      ///< bytes, now
    size_t most_allocated; ///< bytes, ever
    int n_graph_launches;
    const void **trace; ///< [trace_size] first matrices of the products that ran; NULL = not kept
    size_t n_trace, trace_size;
    int n_fused, n_convolutions, n_products, n_kernels; ///< run, not captured
    cudnnTensorFormat_t last_format;                    ///< of the last convolution's weights
    cudnnMathType_t last_math;
    char fault[256]; ///< the first; "" = none
} fake_cuda;

extern fake_cuda fake;

/** As after the start: one device, nothing run. What is alive stays so. */
void fake_reset(void);

// --- Between the libraries -------------------------------------------------------------------

/** Keep a fault, unless there is one. Returns false. */
bool fake_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** True if this call is to fail, and is no fault. */
bool fake_is_to_fail(void);

/** Fault unless all bytes from here on were allocated, and are aligned. */
bool fake_is_memory(const void *at, size_t bytes, size_t alignment, const char *what);

/** Do it now, or note it in the graph that is captured. @param state  copied */
void fake_put(void (*run)(const void *state), const void *state, size_t size);

/** One value of a tensor; integers are rounded and kept in their range. */
double fake_load(cu_type type, const void *values, size_t i);
void fake_store(cu_type type, void *values, size_t i, double value);

#endif
