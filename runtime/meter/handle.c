// SPDX-License-Identifier: Apache-2.0
// What all meters that read hardware share.
#include "handle.h"

#include "arithmetic.h"
#include "sampler.h"
#include "ticker.h"

#include "common/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_COUNTERS = 128, STEPS_WATCHED = 9 };

// A counter that has not moved for so many of its steps is stuck: a machine always draws power.
#define STUCK_STEPS 20
// No window lasts longer: a counter that cannot wrap twice by then needs no keeper.
#define LONGEST_WINDOW_S 86400.0
// Polled without a pause for so long; what has not shown its step by then is slow.
#define BUSY_WATCH_S 0.05

/** Changes of a value that is polled. */
typedef struct step_watch {
    bool has_value;
    double value;
    bool has_changed;
    double change_s; ///< time of the last change
    double intervals_s[STEPS_WATCHED];
    size_t n;
} step_watch;

struct jc_meter_handle {
    jc_arena arena;
    void *source;
    void (*release)(void *source);
    void (*note_begin)(void *source); // NULL = nothing else is noted
    void (*note_end)(void *source, jc_meter_window *window);
    meter_counter counters[MOST_COUNTERS];
    size_t n_counters;
    sampler *sampler; // NULL = counters
    char power_name[128];
    double step_s;
    double begin_s;

    // Counters that wrap are read within long windows, too: no window is too long. The lock of the
    // ticker guards what follows, and the counters' readings.
    ticker *keeper; // NULL = none wraps
    double last_s;  // time of the last reading
    jc_status status;
    jc_error err;
};

jc_meter_handle *handle_create(void) {
    return calloc(1, sizeof(jc_meter_handle));
}

void handle_own(jc_meter_handle *handle, void *source, void (*release)(void *source)) {
    handle->source = source;
    handle->release = release;
}

void handle_note(jc_meter_handle *handle, void (*begin)(void *source),
                 void (*end)(void *source, jc_meter_window *window)) {
    handle->note_begin = begin;
    handle->note_end = end;
}

void *handle_source(const jc_meter_handle *handle) {
    return handle->source;
}

jc_arena *handle_arena(jc_meter_handle *handle) {
    return &handle->arena;
}

static void close_counter(const meter_counter *counter) {
    if (counter->fd >= 0) {
        (void)close(counter->fd); // read only: nothing can be lost
    }
}

jc_status handle_add_counter(jc_meter_handle *handle, const meter_counter *counter, jc_error *err) {
    if (handle->n_counters == MOST_COUNTERS) {
        close_counter(counter);
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "more than %d counters of energy: such a machine is not known",
                            MOST_COUNTERS);
    }
    handle->counters[handle->n_counters++] = *counter;
    return JC_OK;
}

jc_status counter_read_file(const meter_counter *counter, uint64_t *out_count, jc_error *err) {
    return root_reread_count(counter->fd, counter->path, out_count, err);
}

// ---- Steps ----

static void watch_value(step_watch *watch, double now_s, double value) {
    if (watch->has_value && value != watch->value) {
        if (watch->has_changed && watch->n < STEPS_WATCHED) {
            watch->intervals_s[watch->n++] = now_s - watch->change_s;
        }
        watch->has_changed = true;
        watch->change_s = now_s;
    }
    watch->has_value = true;
    watch->value = value;
}

static void pause_between_polls(double watched_s) {
    if (watched_s > BUSY_WATCH_S) {
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL); // a shorter one does no harm
    }
}

static jc_status watch_all(const jc_meter_handle *handle, step_watch *watches, double patience_s,
                           jc_error *err) {
    const double begin_s = clock_now_s();
    for (double now_s = begin_s; now_s - begin_s <= patience_s; now_s = clock_now_s()) {
        bool done = true;
        for (size_t i = 0; i < handle->n_counters; ++i) {
            uint64_t count = 0;
            const jc_status status = handle->counters[i].read(&handle->counters[i], &count, err);
            if (status != JC_OK) {
                return status;
            }
            watch_value(&watches[i], clock_now_s(), (double)count);
            done = done && watches[i].n == STEPS_WATCHED;
        }
        if (done) {
            break;
        }
        pause_between_polls(now_s - begin_s);
    }
    return JC_OK;
}

// Keep the counters that move; the slowest one decides the step.
static jc_status keep_moving(jc_meter_handle *handle, step_watch *watches, double patience_s,
                             jc_error *err) {
    size_t kept = 0;
    jc_status status = JC_OK;
    for (size_t i = 0; i < handle->n_counters; ++i) {
        meter_counter *counter = &handle->counters[i];
        if (!watches[i].has_changed) {
            if (!counter->may_rest && status == JC_OK) {
                status = jc_error_set(err, JC_ENOMETER, NULL, 0,
                                      "the counter of %s has not moved within %g s: it does not "
                                      "measure",
                                      counter->name, patience_s);
            }
            close_counter(counter);
            continue;
        }
        counter->limits.step_s =
            watches[i].n == 0 ? patience_s : median_of(watches[i].intervals_s, watches[i].n);
        handle->step_s = fmax(handle->step_s, counter->limits.step_s);
        handle->counters[kept++] = *counter;
    }
    handle->n_counters = kept;
    if (status == JC_OK && kept == 0) {
        status = jc_error_set(err, JC_ENOMETER, NULL, 0, "no counter of energy moves");
    }
    return status;
}

// ---- Counters ----

static jc_status report_fault(const meter_counter *counter, counter_fault fault, uint64_t now,
                              double interval_s, jc_error *err) {
    switch (fault) {
    case COUNTER_BACKWARDS:
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the counter of %s went from %" PRIu64 " to %" PRIu64
                            ", which it cannot: backwards, or out of its range",
                            counter->name, counter->last, now);
    case COUNTER_JUMP:
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the counter of %s went from %" PRIu64 " to %" PRIu64
                            " in %.3g s, which cannot be: it went backwards or jumped",
                            counter->name, counter->last, now, interval_s);
    case COUNTER_TOO_LATE:
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the counter of %s was not read for %.3g s: in more than %.3g s it may "
                            "wrap twice; was the program stopped?",
                            counter->name, interval_s, counter_longest_s(&counter->limits));
    case COUNTER_FINE:
        break;
    }
    return JC_OK;
}

// Read all counters, and add what they have counted since the last time.
static void advance(void *context) {
    jc_meter_handle *handle = context;
    const double now_s = clock_now_s();
    for (size_t i = 0; handle->status == JC_OK && i < handle->n_counters; ++i) {
        meter_counter *counter = &handle->counters[i];
        uint64_t now = 0;
        uint64_t delta = 0;
        handle->status = counter->read(counter, &now, &handle->err);
        if (handle->status == JC_OK) {
            const counter_fault fault =
                counter_judge(&counter->limits, counter->last, now, now_s - handle->last_s, &delta);
            handle->status =
                report_fault(counter, fault, now, now_s - handle->last_s, &handle->err);
        }
        if (handle->status == JC_OK) {
            counter->counted += delta;
            counter->last = now;
        }
    }
    handle->last_s = now_s;
}

static jc_status keep_from_wrapping(jc_meter_handle *handle, jc_error *err) {
    double longest_s = LONGEST_WINDOW_S;
    for (size_t i = 0; i < handle->n_counters; ++i) {
        longest_s = fmin(longest_s, counter_longest_s(&handle->counters[i].limits));
    }
    return longest_s < LONGEST_WINDOW_S
               ? ticker_create(longest_s / 4, advance, handle, &handle->keeper, err)
               : JC_OK;
}

jc_status handle_watch_counters(jc_meter_handle *handle, double patience_s, jc_error *err) {
    step_watch *watches = calloc(handle->n_counters + 1, sizeof *watches);
    if (watches == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = watch_all(handle, watches, patience_s, err);
    if (status == JC_OK) {
        status = keep_moving(handle, watches, patience_s, err);
    }
    if (status == JC_OK) {
        status = keep_from_wrapping(handle, err);
    }
    free(watches);
    return status;
}

static jc_status watch_power(const meter_power *power, double patience_s, double *out_step_s,
                             jc_error *err) {
    step_watch watch = {0};
    double most_w = 0;
    const double begin_s = clock_now_s();
    for (double now_s = begin_s; now_s - begin_s <= patience_s && watch.n < STEPS_WATCHED;
         now_s = clock_now_s()) {
        double power_w = 0;
        const jc_status status = sampler_read(power, &power_w, err);
        if (status != JC_OK) {
            return status;
        }
        watch_value(&watch, clock_now_s(), power_w);
        most_w = fmax(most_w, power_w);
        pause_between_polls(now_s - begin_s);
    }
    if (most_w <= 0) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "%s tells 0 W: it does not measure",
                            power->name);
    }
    if (watch.n > 0) {
        *out_step_s = median_of(watch.intervals_s, watch.n);
    } else {
        *out_step_s = isnan(power->renewal_s) ? patience_s : power->renewal_s;
    }
    return JC_OK;
}

jc_status handle_watch_power(jc_meter_handle *handle, const meter_power *power, double patience_s,
                             jc_error *err) {
    double step_s = 0;
    jc_status status = watch_power(power, patience_s, &step_s, err);
    if (status == JC_OK) {
        status = sampler_create(power, step_s, &handle->sampler, err);
    }
    if (status == JC_OK) {
        handle->step_s = step_s;
        (void)snprintf(handle->power_name, sizeof handle->power_name, "%s", power->name);
    }
    return status;
}

// ---- The functions of a row ----

void handle_close(jc_meter_handle *handle) {
    if (handle == NULL) {
        return;
    }
    sampler_free(handle->sampler);
    ticker_free(handle->keeper);
    for (size_t i = 0; i < handle->n_counters; ++i) {
        close_counter(&handle->counters[i]);
    }
    if (handle->release != NULL) {
        handle->release(handle->source);
    }
    jc_arena_clear(&handle->arena);
    free(handle);
}

void handle_describe(const jc_meter_handle *handle, jc_meter_info *out_info) {
    *out_info = (jc_meter_info){.step_s = handle->step_s, .declared_idle_w = (double)NAN};
    (void)snprintf(out_info->domains, sizeof out_info->domains, "%s", handle->power_name);
    for (size_t i = 0; i < handle->n_counters; ++i) {
        const size_t used = strlen(out_info->domains);
        (void)snprintf(out_info->domains + used, sizeof out_info->domains - used, "%s%s",
                       i == 0 ? "" : " + ", handle->counters[i].name);
    }
}

static void lock(const jc_meter_handle *handle) {
    if (handle->keeper != NULL) {
        ticker_lock(handle->keeper);
    }
}

static void unlock(const jc_meter_handle *handle) {
    if (handle->keeper != NULL) {
        ticker_unlock(handle->keeper);
    }
}

static jc_status begin_counters(jc_meter_handle *handle, jc_error *err) {
    lock(handle);
    jc_status status = JC_OK;
    handle->begin_s = clock_now_s();
    handle->last_s = handle->begin_s;
    handle->status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < handle->n_counters; ++i) {
        meter_counter *counter = &handle->counters[i];
        counter->counted = 0;
        status = counter->read(counter, &counter->last, err);
    }
    if (status == JC_OK && handle->keeper != NULL) {
        ticker_start(handle->keeper);
    }
    unlock(handle);
    return status;
}

jc_status handle_begin(jc_meter_handle *handle, jc_error *err) {
    if (handle->note_begin != NULL) {
        handle->note_begin(handle->source);
    }
    return handle->sampler != NULL ? sampler_begin(handle->sampler, err)
                                   : begin_counters(handle, err);
}

static jc_status refuse_stuck(const jc_meter_handle *handle, double duration_s, jc_error *err) {
    for (size_t i = 0; i < handle->n_counters; ++i) {
        const meter_counter *counter = &handle->counters[i];
        if (counter->counted == 0 && duration_s > STUCK_STEPS * counter->limits.step_s) {
            return jc_error_set(err, JC_EIO, NULL, 0,
                                "the counter of %s has not moved for %.3g s, %d of its steps: it "
                                "is stuck",
                                counter->name, duration_s, STUCK_STEPS);
        }
    }
    return JC_OK;
}

static void fill_window(const jc_meter_handle *handle, double duration_s, jc_meter_window *window) {
    double energy_j = 0;
    double error_j2 = 0;
    for (size_t i = 0; i < handle->n_counters; ++i) {
        const meter_counter *counter = &handle->counters[i];
        const double counted_j = (double)counter->counted / counter->limits.per_joule;
        const double end_s = fmax(counter->limits.step_s, counter->least_end_s);
        const double error_j = counter_error_j(counted_j, duration_s, end_s);
        energy_j += counted_j;
        error_j2 += error_j * error_j;
    }
    *window = (jc_meter_window){.energy_j = energy_j,
                                .duration_s = duration_s,
                                .error_j = sqrt(error_j2),
                                .temperature_c = (double)NAN,
                                .throttled_s = (double)NAN,
                                .throttled_by_heat_s = (double)NAN,
                                .clock_hz = (double)NAN};
}

static jc_status end_counters(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err) {
    lock(handle);
    if (handle->keeper != NULL) {
        ticker_stop(handle->keeper);
    }
    advance(handle);
    const double duration_s = handle->last_s - handle->begin_s;
    jc_status status = handle->status;
    if (status != JC_OK && err != NULL) {
        *err = handle->err;
    }
    if (status == JC_OK) {
        status = refuse_stuck(handle, duration_s, err);
    }
    if (status == JC_OK) {
        fill_window(handle, duration_s, out_window);
    }
    unlock(handle);
    return status;
}

jc_status handle_end(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err) {
    const jc_status status = handle->sampler != NULL ? sampler_end(handle->sampler, out_window, err)
                                                     : end_counters(handle, out_window, err);
    if (status == JC_OK && handle->note_end != NULL) {
        handle->note_end(handle->source, out_window);
    }
    return status;
}
