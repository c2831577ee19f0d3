// SPDX-License-Identifier: Apache-2.0
// What the harness adds to a measurement: an executor that does nothing says that each pass takes a
// microsecond, so all time that passes is the harness's own. Prints the seconds for each call of
// the executor, for each window, and the share of the window.
#include <joulecast/campaign.h>

#include <stdio.h>
#include <time.h>

enum { WINDOWS = 2000 };

static const double PASS_S = 1e-6, WINDOW_S = 0.1;

static uint64_t n_calls;

static double now_s(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail for this clock
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static jc_status run_nothing(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    (void)task;
    (void)err;
    ++n_calls;
    *out_seconds = PASS_S * (double)n;
    return JC_OK;
}

int main(void) {
    const jc_executor executor = {.name = "nothing", .run = run_nothing};
    const jc_meter *meter = jc_meter_find("none");
    const jc_meter_options meter_options = {.root_fd = -1};
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    jc_status status = meter->open(&meter_options, &handle, &err);
    const jc_window_options options = {.window_s = WINDOW_S, .rel_error = 0.02, .max_load = 1};
    const double begin_s = now_s();
    for (int i = 0; i < WINDOWS && status == JC_OK; ++i) {
        jc_window window;
        status = jc_window_measure(&executor, NULL, meter, handle, &options, &window, &err);
    }
    const double taken_s = now_s() - begin_s;
    if (status != JC_OK) {
        (void)fprintf(stderr, "overhead: %s\n", err.message);
        return 1;
    }
    meter->close(handle);
    (void)printf("%.9f %.9f %.9f\n", taken_s / (double)n_calls, taken_s / WINDOWS,
                 taken_s / WINDOWS / WINDOW_S);
    return 0;
}
