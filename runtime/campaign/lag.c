// SPDX-License-Identifier: Apache-2.0
#include "lag.h"

#include <math.h>
#include <stdio.h>

static const double WINDOW_S = 2;     // longer than any meter is known to average
static const double BATCH_S = 0.02;   // between two looks at the clock
static const double LEAST_RISE = 0.2; // of the power at work: less is drowned in its noise

double lag_of(double energy_j, double duration_s, double work_w, double rest_w) {
    const double rise_w = work_w - rest_w;
    return rise_w > LEAST_RISE * work_w ? fmax(0, (work_w * duration_s - energy_j) / rise_w)
                                        : (double)NAN;
}

// Passes for a time, between two readings of the meter.
static jc_status work(const jc_campaign_options *o, jc_task *task, double pass_s,
                      jc_meter_window *out_window, jc_error *err) {
    const uint64_t n = (uint64_t)fmax(1, BATCH_S / pass_s);
    jc_status status = o->meter->begin(o->meter_handle, err);
    double total_s = 0;
    while (status == JC_OK && total_s < WINDOW_S && (o->stop == NULL || *o->stop == 0)) {
        double seconds = 0;
        status = o->executor->run(task, n, &seconds, err);
        total_s += fmax(seconds, 1e-6);
    }
    jc_error late;
    const jc_status ended = o->meter->end(o->meter_handle, out_window, &late);
    if (status == JC_OK && ended != JC_OK) {
        status = ended;
        if (err != NULL) {
            *err = late;
        }
    }
    return status;
}

// What two windows, one after the other, tell; not why where they were cut short.
static lag_answer judge(const jc_campaign_options *o, const jc_meter_window *rise,
                        const jc_meter_window *steady, double rest_w) {
    const double work_w = steady->energy_j / steady->duration_s;
    lag_answer answer = {.lag_s = (double)NAN, .has_run = true};
    if (o->stop != NULL && *o->stop != 0) {
        return answer;
    }
    answer.lag_s = lag_of(rise->energy_j, rise->duration_s, work_w, rest_w);
    if (isnan(answer.lag_s)) {
        (void)snprintf(answer.why, sizeof answer.why,
                       "power rises from %.3g W at rest to %.3g W at work, which is too little",
                       rest_w, work_w);
    }
    return answer;
}

jc_status lag_measure(const jc_campaign_options *o, const jc_kernel *kernel, double rest_w,
                      lag_answer *out_answer, jc_error *err) {
    jc_error why = {.status = JC_OK};
    jc_task *task = NULL;
    double pass_s = 0;
    jc_meter_window rise = {.energy_j = (double)NAN};
    jc_meter_window steady = {.energy_j = (double)NAN};
    jc_status status = o->executor->prepare_kernel(o->executor_handle, kernel, &task, &why);
    if (status == JC_OK) {
        status = o->executor->run(task, 1, &pass_s, &why);
    }
    if (status == JC_OK) {
        status = work(o, task, fmax(pass_s, 1e-6), &rise, &why);
    }
    if (status == JC_OK) {
        status = work(o, task, fmax(pass_s, 1e-6), &steady, &why);
    }
    o->executor->release(task);
    if (status == JC_ENOMETER || status == JC_EPERM) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    if (status == JC_OK) {
        *out_answer = judge(o, &rise, &steady, rest_w);
    } else {
        *out_answer = (lag_answer){.lag_s = (double)NAN};
        (void)snprintf(out_answer->why, sizeof out_answer->why, "%.199s", why.message);
    }
    return JC_OK;
}
