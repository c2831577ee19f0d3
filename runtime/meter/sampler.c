// SPDX-License-Identifier: Apache-2.0
// A thread that samples a power sensor while a window is open.
#include "sampler.h"

#include "arithmetic.h"
#include "ticker.h"

#include "common/clock.h"

#include <math.h>
#include <stdlib.h>

// Reading a sensor costs the machine work and power: not more often than this.
#define LEAST_INTERVAL_S 0.01
// Nothing is renewed so slowly that it should be looked at less often.
#define MOST_INTERVAL_S 0.1
// A sample that comes so many intervals late leaves a gap.
#define GAP_INTERVALS 4

struct sampler {
    meter_power power;
    double step_s;
    double interval_s;
    ticker *ticker; // its lock guards what follows, and the sensor
    power_integral integral;
    jc_status status; // of the window
    jc_error err;
};

jc_status sampler_read(const meter_power *power, double *out_w, jc_error *err) {
    double power_w = (double)NAN;
    const jc_status status = power->read(power->source, &power_w, err);
    if (status != JC_OK) {
        return status;
    }
    if (!(power_w >= 0 && power_w <= power->max_w)) {
        return jc_error_set(err, JC_EIO, NULL, 0, "%s tells %g W, which cannot be", power->name,
                            power_w);
    }
    *out_w = power_w;
    return JC_OK;
}

// The sample belongs to the moment before the reading, at both ends and in between.
static void take_sample(void *context) {
    sampler *s = context;
    double power_w = 0;
    const double now_s = clock_now_s();
    if (s->status == JC_OK) {
        s->status = sampler_read(&s->power, &power_w, &s->err);
    }
    if (s->status == JC_OK && !power_integral_add(&s->integral, now_s, power_w)) {
        s->status =
            jc_error_set(&s->err, JC_EIO, NULL, 0, "%s: the clock went back", s->power.name);
    }
}

jc_status sampler_create(const meter_power *power, double step_s, sampler **out_sampler,
                         jc_error *err) {
    sampler *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    s->power = *power;
    s->step_s = step_s;
    s->interval_s = fmin(fmax(step_s / 2, LEAST_INTERVAL_S), MOST_INTERVAL_S);
    const jc_status status = ticker_create(s->interval_s, take_sample, s, &s->ticker, err);
    if (status != JC_OK) {
        free(s);
        return status;
    }
    *out_sampler = s;
    return JC_OK;
}

void sampler_free(sampler *s) {
    if (s == NULL) {
        return;
    }
    ticker_free(s->ticker);
    free(s);
}

jc_status sampler_begin(sampler *s, jc_error *err) {
    ticker_lock(s->ticker);
    power_integral_init(&s->integral, GAP_INTERVALS * s->interval_s);
    s->status = JC_OK;
    take_sample(s);
    const jc_status status = s->status;
    if (status == JC_OK) {
        ticker_start(s->ticker);
    } else if (err != NULL) {
        *err = s->err;
    }
    ticker_unlock(s->ticker);
    return status;
}

static void fill_window(const sampler *s, jc_meter_window *window) {
    const power_integral *integral = &s->integral;
    *window = (jc_meter_window){
        .energy_j = integral->energy_j,
        .duration_s = integral->last_s - integral->begin_s,
        .error_j = power_integral_error_j(integral, fmax(s->step_s, s->power.least_end_s)),
        .gap_s = integral->gap_s,
        .temperature_c = (double)NAN,
        .throttled_s = (double)NAN,
        .throttled_by_heat_s = (double)NAN,
        .clock_hz = (double)NAN};
}

jc_status sampler_end(sampler *s, jc_meter_window *out_window, jc_error *err) {
    ticker_lock(s->ticker);
    ticker_stop(s->ticker);
    take_sample(s);
    jc_status status = s->status;
    if (status == JC_OK && s->integral.most_w <= 0) {
        status = jc_error_set(&s->err, JC_EIO, NULL, 0,
                              "%s told 0 W all the time: it does not measure", s->power.name);
    }
    if (status == JC_OK) {
        fill_window(s, out_window);
    } else if (err != NULL) {
        *err = s->err;
    }
    ticker_unlock(s->ticker);
    return status;
}
