// SPDX-License-Identifier: Apache-2.0
#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The text of kernels.cu.
extern const char cudnn_kernels_source[];

jc_status gpu_check(cudaError_t answer, const char *what, jc_error *err) {
    if (answer == cudaSuccess) {
        return JC_OK;
    }
    return jc_error_set(err, answer == cudaErrorMemoryAllocation ? JC_ENOMEM : JC_EIO, NULL, 0,
                        "CUDA, %s: %.200s", what, cudaGetErrorString(answer));
}

jc_status gpu_check_dnn(cudnnStatus_t answer, const char *what, jc_error *err) {
    if (answer == CUDNN_STATUS_SUCCESS) {
        return JC_OK;
    }
    // Categories: what is wrong with the question is 2xxx, what is not supported 3xxx.
    const int category = (int)answer / 1000;
    return jc_error_set(err, category == 2 || category == 3 ? JC_EUNSUPPORTED : JC_EIO, NULL, 0,
                        "cuDNN, %s: %.200s", what, cudnnGetErrorString(answer));
}

jc_status gpu_check_lt(cublasStatus_t answer, const char *what, jc_error *err) {
    if (answer == CUBLAS_STATUS_SUCCESS) {
        return JC_OK;
    }
    const bool is_refusal =
        answer == CUBLAS_STATUS_NOT_SUPPORTED || answer == CUBLAS_STATUS_INVALID_VALUE;
    return jc_error_set(err, is_refusal ? JC_EUNSUPPORTED : JC_EIO, NULL, 0, "cuBLAS, %s: %.200s",
                        what, cublasLtGetStatusString(answer));
}

// --- Opening ---------------------------------------------------------------------------------

static jc_status describe(gpu *g, int device, jc_error *err) {
    struct cudaDeviceProp properties;
    const jc_status status =
        gpu_check(cudaGetDeviceProperties(&properties, device), "properties", err);
    if (status == JC_OK) {
        (void)snprintf(g->name, sizeof g->name, "%.95s", properties.name);
        g->capability_major = properties.major;
        g->capability_minor = properties.minor;
        g->n_multiprocessors = properties.multiProcessorCount;
        g->cache_bytes = properties.l2CacheSize > 0 ? (size_t)properties.l2CacheSize : 0;
        return gpu_check(cudaDeviceGetPCIBusId(g->address, (int)sizeof g->address, device),
                         "address", err);
    }
    return status;
}

static jc_status create_handles(gpu *g, jc_error *err) {
    jc_status status =
        gpu_check(cudaStreamCreateWithFlags(&g->stream, cudaStreamNonBlocking), "a stream", err);
    // Waiting for an event does not keep a core busy: the meter's thread may need one.
    if (status == JC_OK) {
        status =
            gpu_check(cudaEventCreateWithFlags(&g->begin, cudaEventBlockingSync), "an event", err);
    }
    if (status == JC_OK) {
        status =
            gpu_check(cudaEventCreateWithFlags(&g->end, cudaEventBlockingSync), "an event", err);
    }
    if (status == JC_OK) {
        status = gpu_check_dnn(cudnnCreate(&g->dnn), "start", err);
    }
    if (status == JC_OK) {
        status = gpu_check_dnn(cudnnSetStream(g->dnn, g->stream), "its stream", err);
    }
    if (status == JC_OK) {
        status = gpu_check_lt(cublasLtCreate(&g->lt), "start", err);
    }
    return status;
}

jc_status gpu_open(gpu *out_gpu, jc_error *err) {
    gpu g = {.n_kernels = 0};
    int n = 0;
    const cudaError_t answer = cudaGetDeviceCount(&n);
    if (answer != cudaSuccess || n == 0) {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "no NVIDIA GPU that CUDA can use: %.120s; is the driver installed, and "
                            "at least as new as CUDA %d.%d?",
                            answer != cudaSuccess ? cudaGetErrorString(answer) : "there is none",
                            CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    }
    jc_status status = gpu_check(cudaSetDevice(0), "the first GPU", err);
    if (status == JC_OK) {
        status = describe(&g, 0, err);
    }
    if (status == JC_OK) {
        status = create_handles(&g, err);
    }
    if (status != JC_OK) {
        gpu_close(&g);
        if (err != NULL) {
            err->status = JC_EUNSUPPORTED;
        }
        return JC_EUNSUPPORTED;
    }
    *out_gpu = g;
    return JC_OK;
}

void gpu_close(gpu *g) {
    // What fails while things are freed changes nothing any more.
    for (size_t i = 0; i < g->n_kernels; ++i) {
        (void)cudaLibraryUnload(g->kernels[i].library);
        free(g->kernels[i].options);
    }
    free(g->kernels);
    if (g->lt != NULL) {
        (void)cublasLtDestroy(g->lt);
    }
    if (g->dnn != NULL) {
        (void)cudnnDestroy(g->dnn);
    }
    if (g->begin != NULL) {
        (void)cudaEventDestroy(g->begin);
    }
    if (g->end != NULL) {
        (void)cudaEventDestroy(g->end);
    }
    if (g->stream != NULL) {
        (void)cudaStreamDestroy(g->stream);
    }
    *g = (gpu){.n_kernels = 0};
}

uint64_t gpu_free_bytes(void) {
    size_t free_bytes = 0;
    size_t total = 0;
    return cudaMemGetInfo(&free_bytes, &total) == cudaSuccess ? free_bytes : 0;
}

// --- Kernels ---------------------------------------------------------------------------------

// All options in one text, which is what a compiled kernel is known by. The caller frees.
static char *join(const char *name, const char *const *options) {
    size_t size = strlen(name) + 1;
    for (size_t i = 0; options[i] != NULL; ++i) {
        size += strlen(options[i]) + 1;
    }
    char *text = malloc(size);
    if (text != NULL) {
        size_t at = (size_t)snprintf(text, size, "%s", name);
        for (size_t i = 0; options[i] != NULL; ++i) {
            at += (size_t)snprintf(text + at, size - at, " %s", options[i]);
        }
    }
    return text;
}

static jc_status report_compiler(nvrtcProgram program, nvrtcResult answer, const char *name,
                                 jc_error *err) {
    char *log = NULL;
    size_t size = 0;
    if (nvrtcGetProgramLogSize(program, &size) == NVRTC_SUCCESS) {
        log = calloc(size + 1, 1);
        if (log != NULL && nvrtcGetProgramLog(program, log) != NVRTC_SUCCESS) {
            log[0] = '\0';
        }
    }
    (void)jc_error_set(err, JC_EIO, NULL, 0, "NVRTC cannot compile kernel %s: %s; %.300s", name,
                       nvrtcGetErrorString(answer), log == NULL ? "" : log);
    free(log);
    return JC_EIO;
}

// The code of a kernel for this GPU; the caller frees.
static jc_status compile(const gpu *g, const char *name, const char *const *options,
                         char **out_code, jc_error *err) {
    enum { MOST_OPTIONS = 40 };
    const char *all[MOST_OPTIONS];
    char target[32];
    char which[64];
    int n = 0;
    (void)snprintf(target, sizeof target, "-arch=sm_%d%d", g->capability_major,
                   g->capability_minor);
    (void)snprintf(which, sizeof which, "-DKERNEL_%s", name);
    all[n++] = target;
    all[n++] = which;
    for (size_t i = 0; options[i] != NULL && n < MOST_OPTIONS; ++i) {
        all[n++] = options[i];
    }
    nvrtcProgram program = NULL;
    nvrtcResult answer =
        nvrtcCreateProgram(&program, cudnn_kernels_source, "kernels.cu", 0, NULL, NULL);
    if (answer != NVRTC_SUCCESS) {
        return jc_error_set(err, JC_EIO, NULL, 0, "NVRTC: %s", nvrtcGetErrorString(answer));
    }
    size_t size = 0;
    char *code = NULL;
    answer = nvrtcCompileProgram(program, n, all);
    if (answer == NVRTC_SUCCESS) {
        answer = nvrtcGetCUBINSize(program, &size);
    }
    if (answer == NVRTC_SUCCESS) {
        code = malloc(size);
        answer = code == NULL ? NVRTC_ERROR_OUT_OF_MEMORY : nvrtcGetCUBIN(program, code);
    }
    const jc_status status =
        answer == NVRTC_SUCCESS ? JC_OK : report_compiler(program, answer, name, err);
    (void)nvrtcDestroyProgram(&program);
    if (status != JC_OK) {
        free(code);
        return status;
    }
    *out_code = code;
    return JC_OK;
}

static jc_status load(gpu_kernel *kernel, const char *code, const char *name, jc_error *err) {
    const jc_status status =
        gpu_check(cudaLibraryLoadData(&kernel->library, code, NULL, NULL, 0, NULL, NULL, 0),
                  "a compiled kernel", err);
    return status == JC_OK
               ? gpu_check(cudaLibraryGetKernel(&kernel->function, kernel->library, name), name,
                           err)
               : status;
}

jc_status gpu_find_kernel(gpu *g, const char *name, const char *const *options,
                          cudaKernel_t *out_function, jc_error *err) {
    gpu_kernel kernel = {.options = join(name, options)};
    for (size_t i = 0; kernel.options != NULL && i < g->n_kernels; ++i) {
        if (strcmp(g->kernels[i].options, kernel.options) == 0) {
            *out_function = g->kernels[i].function;
            free(kernel.options);
            return JC_OK;
        }
    }
    gpu_kernel *kernels = realloc(g->kernels, (g->n_kernels + 1) * sizeof *kernels);
    if (kernels == NULL || kernel.options == NULL) {
        g->kernels = kernels != NULL ? kernels : g->kernels;
        free(kernel.options);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    g->kernels = kernels;
    char *code = NULL;
    jc_status status = compile(g, name, options, &code, err);
    if (status == JC_OK) {
        status = load(&kernel, code, name, err);
        free(code);
    }
    if (status != JC_OK) {
        if (kernel.library != NULL) {
            (void)cudaLibraryUnload(kernel.library);
        }
        free(kernel.options);
        return status;
    }
    kernels[g->n_kernels++] = kernel;
    *out_function = kernel.function;
    return JC_OK;
}
