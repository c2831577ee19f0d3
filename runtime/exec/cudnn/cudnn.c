// SPDX-License-Identifier: Apache-2.0
// The executor `cudnn`: the libraries that frameworks run on NVIDIA's GPUs.
#include "cudnn_module.h"
#include "kernel.h"

#include "runtime/exec/shared/fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What images lie like. */
typedef enum image_order { ORDER_USUAL, ORDER_NCHW, ORDER_NHWC } image_order;

struct jc_executor_handle {
    gpu gpu;
    image_order order;
    jc_weight_state weights;
    uint64_t seed;
    uint64_t memory_limit_bytes; ///< 0 = three quarters of what is free at the time
};

static void close_handle(jc_executor_handle *handle) {
    if (handle != NULL) {
        gpu_close(&handle->gpu);
        free(handle);
    }
}

static jc_status parse_order(const char *text, image_order *out_order, jc_error *err) {
    if (text == NULL || text[0] == '\0') {
        *out_order = ORDER_USUAL;
    } else if (strcmp(text, "nchw") == 0) {
        *out_order = ORDER_NCHW;
    } else if (strcmp(text, "nhwc") == 0) {
        *out_order = ORDER_NHWC;
    } else {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "executor cudnn has no layout '%.40s'; cudnn:nchw or cudnn:nhwc", text);
    }
    return JC_OK;
}

static jc_status open_handle(const jc_executor_options *options, jc_executor_handle **out_handle,
                             jc_error *err) {
    jc_executor_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    handle->weights = options->weights;
    handle->seed = options->seed;
    handle->memory_limit_bytes = options->memory_limit_bytes;
    jc_status status = parse_order(options->command, &handle->order, err);
    if (status == JC_OK) {
        status = gpu_open(&handle->gpu, err);
    }
    if (status != JC_OK) {
        free(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

static void describe(const jc_executor_handle *handle, jc_executor_info *out_info) {
    static const char *const orders[] = {
        [ORDER_USUAL] = "", [ORDER_NCHW] = ", NCHW", [ORDER_NHWC] = ", NHWC"};
    jc_executor_info info = {.threads = 0, .fuses = fuse_rules()};
    const size_t version = cudnnGetVersion();
    (void)snprintf(info.software, sizeof info.software, "cuDNN %zu.%zu.%zu, CUDA %d.%d",
                   version / 10000, version / 100 % 100, version % 100, CUDART_VERSION / 1000,
                   CUDART_VERSION % 1000 / 10);
    (void)snprintf(info.implementation, sizeof info.implementation, "sm_%d%d%s",
                   handle->gpu.capability_major, handle->gpu.capability_minor,
                   orders[handle->order]);
    (void)snprintf(info.gpu, sizeof info.gpu, "%s", handle->gpu.address);
    (void)snprintf(info.machine, sizeof info.machine, "%s", handle->gpu.name);
    *out_info = info;
}

// --- Tasks -----------------------------------------------------------------------------------

static jc_task *create_task(jc_executor_handle *handle, jc_precision precision) {
    jc_task *task = calloc(1, sizeof *task);
    if (task != NULL) {
        cu_program *p = &task->program;
        p->gpu = &handle->gpu;
        p->seed = handle->seed;
        p->precision = precision;
        // Tensor cores read channels last; in f32 frameworks leave images as they come.
        p->channels_last = handle->order == ORDER_USUAL ? cu_activation_type(p) != CU_F32
                                                        : handle->order == ORDER_NHWC;
        p->memory_limit_bytes =
            handle->memory_limit_bytes != 0 ? handle->memory_limit_bytes : gpu_free_bytes() / 4 * 3;
    }
    return task;
}

static void release(jc_task *task) {
    if (task != NULL) {
        cu_clear(&task->program);
        free(task);
    }
}

static jc_status finish(jc_task *task, jc_task **out_task, jc_error *err) {
    const jc_status status = cu_finish(&task->program, err);
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
    task->program.reuse_bytes = memory_reuse(kernel, handle->weights, handle->gpu.cache_bytes);
    cu_build_kernel(&task->program, kernel);
    return finish(task, out_task, err);
}

static jc_status prepare_network(jc_executor_handle *handle, const jc_network *network,
                                 jc_task **out_task, jc_error *err) {
    jc_task *task = create_task(handle, network->precision);
    if (task == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    task->program.is_network = true;
    cu_build_network(&task->program, network);
    return finish(task, out_task, err);
}

static jc_status run(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    return cu_run(&task->program, n, out_seconds, err);
}

// Where there is no room for so many copies of the weights, or they would be too many, or runs are
// too short to use them all, they are warmer than was asked for: then the row says so.
static void explain(const jc_task *task, char *text, size_t size) {
    const cu_program *p = &task->program;
    const uint64_t distance_bytes = (uint64_t)p->n_apart * p->set_bytes;
    if (p->set_bytes > 0 && distance_bytes < p->reuse_bytes) {
        (void)snprintf(text, size, "%s%sweights anew after %.3g MB", p->algorithm,
                       p->algorithm[0] == '\0' ? "" : "; ", (double)distance_bytes / 1e6);
    } else {
        (void)snprintf(text, size, "%s", p->algorithm);
    }
}

const jc_executor joulecast_executor_cudnn = {
    .name = "cudnn",
    .summary = CUDNN_SUMMARY,
    .is_gpu = true,
    .open = open_handle,
    .close = close_handle,
    .describe = describe,
    .prepare_kernel = prepare_kernel,
    .prepare_network = prepare_network,
    .run = run,
    .release = release,
    .explain = explain,
};
