// SPDX-License-Identifier: Apache-2.0
// The executor `cudnn` as the program sees it: a module that is opened when it is asked for, for
// its libraries take long to load and are absent on most machines.
#include "cudnn/cudnn_module.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct jc_executor_handle {
    const jc_executor *module;
    jc_executor_handle *handle; ///< the module's
};

struct jc_task {
    const jc_executor *module;
    jc_task *task; ///< the module's
};

static jc_status find_module(const jc_executor **out_module, jc_error *err) {
#ifdef JC_CUDNN_MODULE_BUILT
    // One of another's choice, or that of the build folder or of the installation.
    const char *chosen = getenv("JOULECAST_CUDNN_MODULE");
    const char *const paths[] = {JC_CUDNN_MODULE_BUILT, JC_CUDNN_MODULE_INSTALLED};
    void *object = chosen == NULL ? NULL : dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; chosen == NULL && object == NULL && i < 2; ++i) {
        object = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (object == NULL) {
        const char *why = dlerror();
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "its module cannot be opened, which needs the CUDA toolkit with cuDNN "
                            "9: %.300s",
                            why == NULL ? "" : why);
    }
    // It is never closed: NVIDIA's libraries have threads, and handlers at exit.
    *out_module = dlsym(object, CUDNN_MODULE_SYMBOL);
    return *out_module != NULL
               ? JC_OK
               : jc_error_set(err, JC_EUNSUPPORTED, NULL, 0, "its module is no executor");
#else
    (void)out_module;
    return jc_error_set(
        err, JC_EUNSUPPORTED, NULL, 0,
        "this build is without cuDNN: install the CUDA toolkit (12.8 or newer) with "
        "cuDNN 9 and build with -Dcudnn=enabled");
#endif
}

static void close_handle(jc_executor_handle *handle) {
    if (handle != NULL) {
        handle->module->close(handle->handle);
        free(handle);
    }
}

static jc_status open_handle(const jc_executor_options *options, jc_executor_handle **out_handle,
                             jc_error *err) {
    const jc_executor *module = NULL;
    jc_executor_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = find_module(&module, err);
    if (status == JC_OK) {
        handle->module = module;
        status = module->open(options, &handle->handle, err);
    }
    if (status != JC_OK) {
        free(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

static void describe(const jc_executor_handle *handle, jc_executor_info *out_info) {
    handle->module->describe(handle->handle, out_info);
}

static void release(jc_task *task) {
    if (task != NULL) {
        task->module->release(task->task);
        free(task);
    }
}

static jc_status wrap(const jc_executor *module, jc_task *inner, jc_task **out_task,
                      jc_error *err) {
    jc_task *task = malloc(sizeof *task);
    if (task == NULL) {
        module->release(inner);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    *task = (jc_task){.module = module, .task = inner};
    *out_task = task;
    return JC_OK;
}

static jc_status prepare_kernel(jc_executor_handle *handle, const jc_kernel *kernel,
                                jc_task **out_task, jc_error *err) {
    jc_task *inner = NULL;
    const jc_status status = handle->module->prepare_kernel(handle->handle, kernel, &inner, err);
    return status == JC_OK ? wrap(handle->module, inner, out_task, err) : status;
}

static jc_status prepare_network(jc_executor_handle *handle, const jc_network *network,
                                 jc_task **out_task, jc_error *err) {
    jc_task *inner = NULL;
    const jc_status status = handle->module->prepare_network(handle->handle, network, &inner, err);
    return status == JC_OK ? wrap(handle->module, inner, out_task, err) : status;
}

static jc_status run(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    return task->module->run(task->task, n, out_seconds, err);
}

// The processor only starts work and waits: what else it does disturbs nothing.
static double worked_s(const jc_task *task) {
    (void)task;
    return (double)NAN;
}

static void explain(const jc_task *task, char *text, size_t size) {
    task->module->explain(task->task, text, size);
}

extern const jc_executor executor_cudnn;

const jc_executor executor_cudnn = {
    .name = "cudnn",
    .summary = CUDNN_SUMMARY,
    .is_gpu = true,
    .open = open_handle,
    .close = close_handle,
    .describe = describe,
    .prepare_kernel = prepare_kernel,
    .prepare_network = prepare_network,
    .run = run,
    .worked_s = worked_s,
    .release = release,
    .explain = explain,
};
