// SPDX-License-Identifier: Apache-2.0
// A thread that samples a power sensor while a window is open.
#include "sampler.h"

#include "arithmetic.h"
#include "clock.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
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
    pthread_t thread;
    pthread_mutex_t mutex; // guards all below, and the sensor
    pthread_cond_t wake;
    bool is_open;
    bool must_stop;
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
static void take_sample(sampler *s) {
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

static struct timespec after(double seconds) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail: the clock exists, t is ours
    const long ns = t.tv_nsec + (long)(seconds * 1e9);
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

static void *sample(void *argument) {
    sampler *s = argument;
    (void)pthread_mutex_lock(&s->mutex); // a plain mutex that we hold once: cannot fail
    while (!s->must_stop) {
        if (!s->is_open) {
            (void)pthread_cond_wait(&s->wake, &s->mutex);
            continue;
        }
        const struct timespec next = after(s->interval_s);
        while (s->is_open && !s->must_stop &&
               pthread_cond_timedwait(&s->wake, &s->mutex, &next) == 0) {
        }
        if (s->is_open && !s->must_stop) {
            take_sample(s);
        }
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static jc_status start_thread(sampler *s) {
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&s->mutex, NULL) != 0 || pthread_condattr_init(&attributes) != 0) {
        return JC_ENOMEM;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); // a clock that exists
    const int failed = pthread_cond_init(&s->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (failed != 0) {
        return JC_ENOMEM;
    }
    // Signals are the program's: no thread of a library takes them.
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int refused = pthread_create(&s->thread, NULL, sample, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused == 0 ? JC_OK : JC_ENOMEM;
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
    if (start_thread(s) != JC_OK) {
        free(s);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "no thread can be started to sample power");
    }
    *out_sampler = s;
    return JC_OK;
}

void sampler_free(sampler *s) {
    if (s == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&s->mutex);
    s->must_stop = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->mutex);
    (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->mutex);
    free(s);
}

jc_status sampler_begin(sampler *s, jc_error *err) {
    (void)pthread_mutex_lock(&s->mutex);
    power_integral_init(&s->integral, GAP_INTERVALS * s->interval_s);
    s->status = JC_OK;
    take_sample(s);
    s->is_open = s->status == JC_OK;
    (void)pthread_cond_signal(&s->wake);
    const jc_status status = s->status;
    if (status != JC_OK && err != NULL) {
        *err = s->err;
    }
    (void)pthread_mutex_unlock(&s->mutex);
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
        .throttled_s = (double)NAN};
}

jc_status sampler_end(sampler *s, jc_meter_window *out_window, jc_error *err) {
    (void)pthread_mutex_lock(&s->mutex);
    s->is_open = false;
    take_sample(s);
    (void)pthread_cond_signal(&s->wake);
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
    (void)pthread_mutex_unlock(&s->mutex);
    return status;
}
