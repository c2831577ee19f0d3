// SPDX-License-Identifier: Apache-2.0
// The executor `onednn`: the library that PyTorch and TensorFlow run on processors.
#include "kernel.h"
#include "network.h"
#include "threads.h"

#include "runtime/exec/shared/fuse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct jc_executor_handle {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int threads;
    jc_weight_state weights;
    uint64_t seed;
    uint64_t memory_limit_bytes; ///< 0 = three quarters of what is free at the time
};

static void close_handle(jc_executor_handle *handle) {
    if (handle != NULL) {
        (void)dnnl_stream_destroy(handle->stream);
        (void)dnnl_engine_destroy(handle->engine);
        free(handle);
    }
}

static jc_status open_handle(const jc_executor_options *options, jc_executor_handle **out_handle,
                             jc_error *err) {
    jc_executor_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    handle->threads = options->threads > 0 ? options->threads : threads_available();
    handle->weights = options->weights;
    handle->seed = options->seed;
    handle->memory_limit_bytes = options->memory_limit_bytes;
    if (dnnl_engine_create(&handle->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&handle->stream, handle->engine, dnnl_stream_default_flags) !=
            dnnl_success) {
        close_handle(handle);
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "oneDNN finds no processor that it can use");
    }
    *out_handle = handle;
    return JC_OK;
}

// --- What it is ------------------------------------------------------------------------------

static const char *isa_name(dnnl_cpu_isa_t isa) {
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_mic:
        return "avx512_mic";
    case dnnl_cpu_isa_avx512_mic_4ops:
        return "avx512_mic_4ops";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
    case dnnl_cpu_isa_all:
    default:
        return "";
    }
}

static void describe(const jc_executor_handle *handle, jc_executor_info *out_info) {
    const dnnl_version_t *version = dnnl_version();
    jc_executor_info info = {.threads = handle->threads, .fuses = fuse_rules()};
    (void)snprintf(info.software, sizeof info.software, "oneDNN %d.%d.%d, OpenMP", version->major,
                   version->minor, version->patch);
    (void)snprintf(info.implementation, sizeof info.implementation, "%s",
                   isa_name(dnnl_get_effective_cpu_isa()));
    *out_info = info;
}

// --- Tasks -----------------------------------------------------------------------------------

// Memory that can be had without pushing others out; source: proc(5), MemAvailable.
static uint64_t free_memory_bytes(void) {
    uint64_t kilobytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kilobytes) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kilobytes == 0 ? UINT64_C(1) << 30 : kilobytes * 1024;
}

static uint64_t last_level_cache_bytes(void) {
    long bytes = -1;
#ifdef _SC_LEVEL3_CACHE_SIZE
    bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    bytes = bytes > 0 ? bytes : sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return bytes > 0 ? (uint64_t)bytes : UINT64_C(64) << 20;
}

static jc_task *create_task(const jc_executor_handle *handle, jc_precision precision) {
    jc_task *task = calloc(1, sizeof *task);
    if (task != NULL) {
        task->program.engine = handle->engine;
        task->program.stream = handle->stream;
        task->program.threads = handle->threads;
        task->program.seed = handle->seed;
        task->program.precision = precision;
        task->program.memory_limit_bytes = handle->memory_limit_bytes != 0
                                               ? handle->memory_limit_bytes
                                               : free_memory_bytes() / 4 * 3;
        threads_use(handle->threads); // primitives are made for so many
    }
    return task;
}

static void release(jc_task *task) {
    if (task != NULL) {
        program_clear(&task->program);
        free(task);
    }
}

static jc_status finish(jc_task *task, jc_task **out_task, jc_error *err) {
    const jc_status status = program_finish(&task->program, err);
    if (status != JC_OK) {
        release(task);
        return status;
    }
    *out_task = task;
    return JC_OK;
}

static jc_status prepare_kernel(jc_executor_handle *handle, const jc_kernel *kernel,
                                jc_task **out_task, jc_error *err) {
    jc_task *task = create_task(handle, kernel->precision);
    if (task == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    task->program.reuse_bytes = memory_reuse(kernel, handle->weights, last_level_cache_bytes());
    build_kernel(&task->program, kernel);
    return finish(task, out_task, err);
}

static jc_status prepare_network(jc_executor_handle *handle, const jc_network *network,
                                 jc_task **out_task, jc_error *err) {
    jc_task *task = create_task(handle, network->precision);
    if (task == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    build_network(&task->program, network);
    return finish(task, out_task, err);
}

static jc_status run(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    return program_run(&task->program, n, out_seconds, err);
}

extern const jc_executor executor_onednn;

const jc_executor executor_onednn = {
    .name = "onednn",
    .summary = "oneDNN, what PyTorch and TensorFlow run on processors",
    .open = open_handle,
    .close = close_handle,
    .describe = describe,
    .prepare_kernel = prepare_kernel,
    .prepare_network = prepare_network,
    .run = run,
    .release = release,
};
