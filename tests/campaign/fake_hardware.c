// SPDX-License-Identifier: Apache-2.0
#include "fake_hardware.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

fake_hardware fake;

struct jc_executor_handle {
    int unused;
};

struct jc_meter_handle {
    int unused;
};

struct jc_task {
    double pass_s;
    int64_t elements;
    bool fails;
    bool crashes;
};

static int n_batches_before; // the window

static jc_executor_handle the_executor;
static jc_meter_handle the_meter;

double fake_pass_s(const jc_kernel *kernel) {
    return 1e-6 * (double)kernel->size[1];
}

static jc_status open_executor(const jc_executor_options *options, jc_executor_handle **out_handle,
                               jc_error *err) {
    (void)options;
    (void)err;
    *out_handle = &the_executor;
    return JC_OK;
}

static void close_executor(jc_executor_handle *handle) {
    (void)handle;
}

static void describe_executor(const jc_executor_handle *handle, jc_executor_info *out_info) {
    (void)handle;
    *out_info = (jc_executor_info){.software = "fake 1", .threads = 3};
}

static jc_status make_task(double pass_s, bool fails, jc_task **out_task) {
    jc_task *task = calloc(1, sizeof *task);
    *task = (jc_task){.pass_s = pass_s, .fails = fails};
    *out_task = task;
    return JC_OK;
}

static jc_status prepare_kernel(jc_executor_handle *handle, const jc_kernel *kernel,
                                jc_task **out_task, jc_error *err) {
    (void)handle;
    ++fake.n_prepared;
    if (kernel->size[1] == fake.refused) {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0, "never\nheard of it");
    }
    if (kernel->size[1] == fake.too_large) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "1 TB is needed");
    }
    const jc_status status = make_task(
        fake_pass_s(kernel), fake.fails_always || kernel->size[1] == fake.failing, out_task);
    (*out_task)->elements = kernel->size[1];
    (*out_task)->crashes = fake.crashes_always || kernel->size[1] == fake.crashing;
    return status;
}

static jc_status prepare_network(jc_executor_handle *handle, const jc_network *network,
                                 jc_task **out_task, jc_error *err) {
    (void)handle;
    (void)err;
    ++fake.n_prepared;
    return make_task(1e-3 * (double)network->batch_size, false, out_task);
}

void (*fake_handler_of(int signal))(int) {
    struct sigaction action;
    (void)sigaction(signal, NULL, &action);
    return action.sa_handler;
}

static void *crash_with_others(void *barrier) {
    (void)pthread_barrier_wait(barrier);
    (void)raise(SIGSEGV);
    return NULL;
}

static void crash(void) {
    enum { MOST_THREADS = 8 };
    pthread_t threads[MOST_THREADS];
    pthread_barrier_t barrier;
    (void)pthread_barrier_init(&barrier, NULL, (unsigned)fake.crashing_threads + 1);
    for (int i = 0; i < fake.crashing_threads && i < MOST_THREADS; ++i) {
        (void)pthread_create(&threads[i], NULL, crash_with_others, &barrier);
    }
    (void)crash_with_others(&barrier);
}

static jc_status run(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    fake.abort_handler = fake_handler_of(SIGABRT);
    if (task->crashes) {
        crash();
    }
    if (task->fails) {
        return jc_error_set(err, JC_EIO, NULL, 0, "something broke");
    }
    const struct timespec pause = {0, (long)(1e9 * fake.slow_s)};
    (void)nanosleep(&pause, NULL); // a shorter one does no harm
    ++fake.n_batches;
    fake.running = task->elements;
    *out_seconds = task->pass_s * (double)n * (1 + fake.noise * (fake.n_batches % 2));
    return JC_OK;
}

static double worked_s(const jc_task *task) {
    (void)task;
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (1 - fake.lacked_share) * ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
}

static void release(jc_task *task) {
    free(task);
}

static void explain(const jc_task *task, char *text, size_t size) {
    (void)task;
    (void)snprintf(text, size, "winograd, fused");
}

const jc_executor fake_executor = {
    .name = "fake",
    .summary = "",
    .open = open_executor,
    .close = close_executor,
    .describe = describe_executor,
    .prepare_kernel = prepare_kernel,
    .prepare_network = prepare_network,
    .run = run,
    .worked_s = worked_s,
    .release = release,
    .explain = explain,
};

static jc_status open_meter(const jc_meter_options *options, jc_meter_handle **out_handle,
                            jc_error *err) {
    (void)options;
    (void)err;
    *out_handle = &the_meter;
    return JC_OK;
}

static void close_meter(jc_meter_handle *handle) {
    (void)handle;
}

static void describe_meter(const jc_meter_handle *handle, jc_meter_info *out_info) {
    (void)handle;
    *out_info =
        (jc_meter_info){.step_s = 1e-3, .declared_idle_w = fake.rest_w > 0 ? (double)NAN : 20};
}

static jc_status begin(jc_meter_handle *handle, jc_error *err) {
    (void)handle;
    (void)err;
    ++fake.n_windows;
    n_batches_before = fake.n_batches;
    if (fake.stop_after > 0 && fake.n_windows > fake.stop_after) {
        fake.stop = 1;
    }
    return JC_OK;
}

static jc_status end(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err) {
    (void)handle;
    if (fake.meter_gone_after > 0 && fake.n_windows > fake.meter_gone_after) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "someone pulled the plug");
    }
    if (fake.nonsense_from > 0 && fake.n_windows >= fake.nonsense_from &&
        fake.n_windows < fake.nonsense_from + fake.nonsense_windows) {
        return jc_error_set(err, JC_EIO, NULL, 0, "it went backwards");
    }
    const bool is_hot = fake.n_windows <= fake.hot_windows;
    if (fake.n_batches == n_batches_before) {
        ++fake.n_rests;
        *out_window = (jc_meter_window){.energy_j = 2 * fake.rest_w, .duration_s = 2};
        return JC_OK;
    }
    ++fake.n_works;
    const double work_w = fake.running == fake.light ? 1 + fake.rest_w : 50;
    *out_window =
        (jc_meter_window){.energy_j = 2 * work_w - (fake.n_works == 1 ? fake.first_missing_j : 0),
                          .duration_s = 2,
                          .error_j = 3,
                          .temperature_c = 61,
                          .clock_hz = 1e9 + 1e6 * fake.n_windows,
                          .throttled_s = is_hot ? 2 * fake.heat_share : 0,
                          .throttled_by_heat_s = is_hot ? 2 * fake.heat_share : 0};
    return JC_OK;
}

const jc_meter fake_meter = {
    .name = "fake",
    .source = "external",
    .summary = "",
    .open = open_meter,
    .close = close_meter,
    .describe = describe_meter,
    .begin = begin,
    .end = end,
};
