// SPDX-License-Identifier: Apache-2.0
// The CUDA runtime.
#include "fake.h"

#include "half.h"

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { MOST_ALLOCATIONS = 64, MOST_THREADS = 256, STACK_BYTES = 65536 };

static const fake_cuda initial = {
    .n_devices = 1, .free_bytes = (size_t)1 << 30, .refused_algorithm = -1, .fails_after = -1};

fake_cuda fake = {
    .n_devices = 1, .free_bytes = (size_t)1 << 30, .refused_algorithm = -1, .fails_after = -1};

void fake_reset(void) {
    const int n_live = fake.n_live;
    const size_t allocated = fake.allocated;
    fake = initial;
    fake.n_live = n_live;
    fake.allocated = allocated;
}

bool fake_fault(const char *format, ...) {
    if (fake.fault[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(fake.fault, sizeof fake.fault, format, args);
        va_end(args);
    }
    return false;
}

bool fake_is_to_fail(void) {
    if (fake.fails_after > 0) {
        --fake.fails_after;
        return false;
    }
    fake.n_failed += fake.fails_after == 0;
    return fake.fails_after == 0;
}

static cudaError_t made(void) {
    fake.n_live++;
    return cudaSuccess;
}

// --- Devices ---------------------------------------------------------------------------------

cudaError_t cudaGetDeviceCount(int *count) {
    *count = fake.n_devices;
    return fake.n_devices == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
    memset(properties, 0, sizeof *properties);
    (void)snprintf(properties->name, sizeof properties->name, "NVIDIA Fake 100");
    properties->major = 9;
    properties->multiProcessorCount = 2;
    properties->l2CacheSize = 1 << 16;
    properties->pciDomainID = 0;
    properties->pciBusID = 1;
    properties->pciDeviceID = 0;
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetPCIBusId(char *address, int size, int device) {
    (void)snprintf(address, (size_t)size, "0000:01:00.0");
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

const char *cudaGetErrorString(cudaError_t error) {
    return error == cudaErrorMemoryAllocation ? "out of memory"
           : error == cudaErrorNoDevice       ? "no CUDA-capable device is detected"
                                              : "some error";
}

// --- Memory ----------------------------------------------------------------------------------

static struct {
    char *at;
    size_t bytes;
} allocations[MOST_ALLOCATIONS];

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    *free_bytes = fake.free_bytes;
    *total = fake.free_bytes;
    return cudaSuccess;
}

// Filled with what is no number, so that what is read before it is written shows.
cudaError_t cudaMalloc(void **out, size_t bytes) {
    if (fake_is_to_fail() || fake.allocated + bytes > fake.free_bytes) {
        return cudaErrorMemoryAllocation;
    }
    for (int i = 0; i < MOST_ALLOCATIONS; ++i) {
        if (allocations[i].at == NULL) {
            if (posix_memalign((void **)&allocations[i].at, 256, bytes == 0 ? 1 : bytes) != 0) {
                return cudaErrorMemoryAllocation;
            }
            memset(allocations[i].at, 0xff, bytes);
            allocations[i].bytes = bytes;
            fake.allocated += bytes;
            fake.most_allocated =
                fake.allocated > fake.most_allocated ? fake.allocated : fake.most_allocated;
            *out = allocations[i].at;
            return made();
        }
    }
    return cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void *at) {
    for (int i = 0; i < MOST_ALLOCATIONS; ++i) {
        if (at != NULL && allocations[i].at == at) {
            fake.allocated -= allocations[i].bytes;
            fake.n_live--;
            free(at);
            allocations[i].at = NULL;
            return cudaSuccess;
        }
    }
    (void)fake_fault("%p is freed, which is not allocated", at);
    return cudaErrorInvalidValue;
}

bool fake_is_memory(const void *at, size_t bytes, size_t alignment, const char *what) {
    const char *begin = at;
    if ((uintptr_t)begin % alignment != 0) {
        return fake_fault("%s does not lie at a multiple of %zu", what, alignment);
    }
    for (int i = 0; i < MOST_ALLOCATIONS; ++i) {
        if (allocations[i].at != NULL && begin >= allocations[i].at &&
            begin + bytes <= allocations[i].at + allocations[i].bytes) {
            return true;
        }
    }
    return fake_fault("%s: %zu bytes at %p are not allocated", what, bytes, at);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    if (kind != cudaMemcpyDeviceToHost || !fake_is_memory(from, bytes, 1, "what is copied")) {
        return cudaErrorInvalidValue;
    }
    memcpy(to, from, bytes);
    return cudaSuccess;
}

// --- Work: now, or in a graph ----------------------------------------------------------------

typedef struct work {
    void (*run)(const void *state);
    void *state;
    size_t size;
} work;

struct CUgraph_st {
    work *work;
    size_t n;
};

static struct CUgraph_st *captured; // NULL = nothing is captured
static bool is_captured_wrongly;

struct CUstream_st {
    int nothing;
};

void fake_put(void (*run)(const void *state), const void *state, size_t size) {
    if (captured == NULL) {
        run(state);
        return;
    }
    captured->work = realloc(captured->work, (captured->n + 1) * sizeof *captured->work);
    work *w = &captured->work[captured->n++];
    *w = (work){.run = run, .state = malloc(size), .size = size};
    memcpy(w->state, state, size);
}

static void free_graph(struct CUgraph_st *graph) {
    for (size_t i = 0; i < graph->n; ++i) {
        free(graph->work[i].state);
    }
    free(graph->work);
    free(graph);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags) {
    (void)flags;
    *out = calloc(1, sizeof **out);
    return made();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    free(stream);
    fake.n_live--;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    (void)stream;
    if (captured != NULL) {
        is_captured_wrongly = true;
        (void)fake_fault("a stream is waited for while it is captured");
        return cudaErrorStreamCaptureUnsupported;
    }
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
    (void)stream;
    (void)mode;
    if (captured != NULL || fake_is_to_fail()) {
        return cudaErrorIllegalState;
    }
    captured = calloc(1, sizeof *captured);
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out) {
    (void)stream;
    *out = captured;
    captured = NULL;
    fake.n_live++;
    if (is_captured_wrongly) {
        is_captured_wrongly = false;
        return cudaErrorStreamCaptureInvalidated;
    }
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph,
                                 unsigned long long flags) {
    (void)flags;
    if (fake_is_to_fail()) {
        return cudaErrorMemoryAllocation;
    }
    struct CUgraph_st *copy = calloc(1, sizeof *copy);
    copy->work = calloc(graph->n + 1, sizeof *copy->work);
    for (size_t i = 0; i < graph->n; ++i) {
        copy->work[copy->n++] =
            (work){graph->work[i].run, malloc(graph->work[i].size), graph->work[i].size};
        memcpy(copy->work[i].state, graph->work[i].state, graph->work[i].size);
    }
    *out = (cudaGraphExec_t)(void *)copy;
    return made();
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    free_graph(graph);
    fake.n_live--;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    return cudaGraphDestroy((cudaGraph_t)(void *)graph);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
    (void)stream;
    if (fake_is_to_fail()) {
        return cudaErrorLaunchFailure;
    }
    const struct CUgraph_st *g = (struct CUgraph_st *)(void *)graph;
    for (size_t i = 0; i < g->n; ++i) {
        g->work[i].run(g->work[i].state);
    }
    fake.n_graph_launches++;
    return fake.fault[0] == '\0' ? cudaSuccess : cudaErrorLaunchFailure;
}

// --- Events ----------------------------------------------------------------------------------

struct CUevent_st {
    struct timespec time;
    bool is_recorded;
};

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags) {
    (void)flags;
    *out = calloc(1, sizeof **out);
    return made();
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    free(event);
    fake.n_live--;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    (void)stream;
    event->is_recorded = true;
    (void)clock_gettime(CLOCK_MONOTONIC, &event->time);
    return fake_is_to_fail() ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return event->is_recorded ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    *milliseconds = 1e-3F + 1e3F * (float)(end->time.tv_sec - begin->time.tv_sec) +
                    1e-6F * (float)(end->time.tv_nsec - begin->time.tv_nsec);
    return cudaSuccess;
}

// --- Kernels of kernels.cu: libraries of this processor ----------------------------------------

struct CUlib_st {
    void *object;
};

typedef struct fake_dim {
    unsigned x, y, z;
} fake_dim;

struct CUkern_st {
    void (*function)(const kernel_args args);
    fake_dim *thread, *block, *block_size, *grid_size;
    void (**sync)(void);
    bool syncs;
    struct CUkern_st *next; ///< all of them, freed with their libraries
    struct CUlib_st *library;
};

static struct CUkern_st *kernels;

// "Code" is the path of a library; see nvrtc.c.
cudaError_t cudaLibraryLoadData(cudaLibrary_t *out, const void *code, enum cudaJitOption *options,
                                void **values, unsigned n, enum cudaLibraryOption *more,
                                void **more_values, unsigned n_more) {
    (void)options, (void)values, (void)n, (void)more, (void)more_values, (void)n_more;
    void *object = dlopen(code, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL || fake_is_to_fail()) {
        return cudaErrorInvalidPtx;
    }
    *out = calloc(1, sizeof **out);
    (*out)->object = object;
    return made();
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
    for (struct CUkern_st **at = &kernels; *at != NULL;) {
        struct CUkern_st *kernel = *at;
        if (kernel->library == library) {
            *at = kernel->next;
            free(kernel);
        } else {
            at = &kernel->next;
        }
    }
    (void)dlclose(library->object);
    free(library);
    fake.n_live--;
    return cudaSuccess;
}

static void find(const struct CUlib_st *library, const char *name, void *out_pointer) {
    void *address = dlsym(library->object, name);
    memcpy(out_pointer, &address, sizeof address);
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *out, cudaLibrary_t library, const char *name) {
    struct CUkern_st *kernel = calloc(1, sizeof *kernel);
    kernel->library = library;
    find(library, name, &kernel->function);
    find(library, "fake_thread", &kernel->thread);
    find(library, "fake_block", &kernel->block);
    find(library, "fake_block_size", &kernel->block_size);
    find(library, "fake_grid_size", &kernel->grid_size);
    find(library, "fake_sync", &kernel->sync);
    kernel->syncs = strcmp(name, "normalise") == 0 || strcmp(name, "reduce_rows") == 0;
    kernel->next = kernels;
    kernels = kernel;
    *out = kernel;
    return kernel->function != NULL ? cudaSuccess : cudaErrorSymbolNotFound;
}

typedef struct kernel_launch {
    struct CUkern_st *kernel;
    kernel_args args;
    unsigned blocks, threads;
} kernel_launch;

// Threads of a block that wait for each other take turns, each on a stack of its own.
static ucontext_t scheduler, contexts[MOST_THREADS];
static bool is_done[MOST_THREADS];
static unsigned current;
static const kernel_launch *at_hand;

static void wait_for_others(void) {
    (void)swapcontext(&contexts[current], &scheduler);
}

static void thread_main(void) {
    at_hand->kernel->function(at_hand->args);
    is_done[current] = true;
}

static void run_block_in_turns(const kernel_launch *l) {
    static char stacks[MOST_THREADS][STACK_BYTES];
    at_hand = l;
    *l->kernel->sync = wait_for_others;
    for (unsigned t = 0; t < l->threads; ++t) {
        (void)getcontext(&contexts[t]);
        contexts[t].uc_stack.ss_sp = stacks[t];
        contexts[t].uc_stack.ss_size = STACK_BYTES;
        contexts[t].uc_link = &scheduler;
        is_done[t] = false;
        makecontext(&contexts[t], thread_main, 0);
    }
    for (bool any = true; any;) {
        any = false;
        for (current = 0; current < l->threads; ++current) {
            if (!is_done[current]) {
                l->kernel->thread->x = current;
                (void)swapcontext(&scheduler, &contexts[current]);
                any = true;
            }
        }
    }
}

static void run_kernel(const void *state) {
    const kernel_launch *l = state;
    fake.n_kernels++;
    l->kernel->block_size->x = l->threads;
    l->kernel->grid_size->x = l->blocks;
    for (unsigned b = 0; b < l->blocks; ++b) {
        l->kernel->block->x = b;
        if (l->kernel->syncs) {
            run_block_in_turns(l);
            continue;
        }
        for (unsigned t = 0; t < l->threads; ++t) {
            l->kernel->thread->x = t;
            l->kernel->function(l->args);
        }
    }
}

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **args,
                             size_t shared_bytes, cudaStream_t stream) {
    (void)stream;
    kernel_launch l = {.blocks = grid.x, .threads = block.x};
    memcpy(&l.kernel, &function, sizeof l.kernel);
    memcpy(&l.args, args[0], sizeof l.args);
    if (grid.x == 0 || grid.y != 1 || grid.z != 1 || block.x == 0 || block.x > MOST_THREADS ||
        shared_bytes != 0) {
        (void)fake_fault("a kernel with a grid of %u blocks of %u threads", grid.x, block.x);
        return cudaErrorInvalidConfiguration;
    }
    for (int i = 0; i < KERNEL_POINTERS; ++i) {
        if (l.args.p[i] != NULL && !fake_is_memory(l.args.p[i], 1, 1, "what a kernel takes")) {
            return cudaErrorIllegalAddress;
        }
    }
    if (fake_is_to_fail()) {
        return cudaErrorLaunchFailure;
    }
    fake_put(run_kernel, &l, sizeof l);
    return cudaSuccess;
}

// --- Values ----------------------------------------------------------------------------------

double fake_load(cu_type type, const void *values, size_t i) {
    unsigned bits = 0;
    float f = 0;
    switch (type) {
    case CU_F32:
        return (double)((const float *)values)[i];
    case CU_F16:
        return (double)fake_half_to_float(((const unsigned short *)values)[i]);
    case CU_BF16:
        bits = (unsigned)((const unsigned short *)values)[i] << 16;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    case CU_S8:
        return ((const signed char *)values)[i];
    case CU_S32:
        return ((const int *)values)[i];
    }
    return (double)NAN;
}

void fake_store(cu_type type, void *values, size_t i, double value) {
    const float f = (float)value;
    unsigned bits = 0;
    switch (type) {
    case CU_F32:
        ((float *)values)[i] = f;
        break;
    case CU_F16:
        ((unsigned short *)values)[i] = fake_float_to_half(f);
        break;
    case CU_BF16:
        memcpy(&bits, &f, sizeof bits);
        ((unsigned short *)values)[i] = (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        break;
    case CU_S8:
        ((signed char *)values)[i] = (signed char)rint(fmin(fmax(value, -128), 127));
        break;
    case CU_S32:
        ((int *)values)[i] = (int)rint(value);
        break;
    }
}
