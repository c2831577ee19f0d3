// SPDX-License-Identifier: Apache-2.0
// One measurement: warm-up, and a window of batches of passes between two readings of the meter.
#include <joulecast/campaign.h>

#include "machine.h"

#include <math.h>

enum {
    LEAST_BATCHES = 5,      ///< for a standard error that means something
    LEAST_SLOW_BATCHES = 3, ///< of a pass that takes seconds
    BATCHES_OF_A_WINDOW = 10,
    MOST_TRIES = 3,
    LONGEST_WINDOW = 10, ///< in shortest ones; what is not known by then says so
};

static const double HEAT_SHARE = 0.05;      ///< windows that were throttled longer are repeated
static const double STEADY_SHARE = 0.05;    ///< by which two batches in a row may differ
static const double SHORTEST_PASS_S = 1e-8; ///< a clock that stood still divides nothing by zero

// One attempt at a window.
typedef struct attempt {
    const jc_executor *executor;
    jc_task *task;
    const jc_meter *meter;
    jc_meter_handle *meter_handle;
    const jc_window_options *options;
    double least_s;
    double most_s;
    double step_s; ///< of the meter
    double pass_s; ///< of the last batch of the warm-up
} attempt;

static bool is_to_stop(const attempt *a) {
    return a->options->stop != NULL && *a->options->stop != 0;
}

// Until two batches in a row take the same time: caches, clocks and pages have settled.
static jc_status warm_up(attempt *a, jc_error *err) {
    enum { MOST_BATCHES = 40 };
    const double least_s = fmax(a->options->window_s / 2, a->options->warm_up_s);
    double total_s = 0;
    double last_s = (double)INFINITY;
    uint64_t n = 1;
    for (int i = 0; i < MOST_BATCHES && !is_to_stop(a); ++i) {
        double seconds = 0;
        const jc_status status = a->executor->run(a->task, n, &seconds, err);
        if (status != JC_OK) {
            return status;
        }
        total_s += seconds;
        a->pass_s = seconds / (double)n;
        const bool steady = fabs(a->pass_s - last_s) <= STEADY_SHARE * a->pass_s;
        if (i > 0 && total_s >= least_s && (steady || total_s >= 4 * a->options->window_s)) {
            break;
        }
        last_s = a->pass_s;
        n = seconds < fmax(a->options->window_s, least_s) / BATCHES_OF_A_WINDOW ? 2 * n : n;
    }
    return JC_OK;
}

/** Mean and spread of batches (B. P. Welford, Technometrics 4, 1962). */
typedef struct spread {
    double n, mean, squares;
} spread;

static void spread_add(spread *s, double x) {
    const double before = x - s->mean;
    s->n += 1;
    s->mean += before / s->n;
    s->squares += before * (x - s->mean);
}

// Standard error of the mean as a fraction of it.
static double spread_rel_error(const spread *s) {
    return s->n < 2 ? (double)INFINITY : sqrt(s->squares / (s->n - 1) / s->n) / s->mean;
}

// Batches until the window is long enough and its mean known well enough, or time is up.
static jc_status run_batches(const attempt *a, jc_measurement *measured, jc_error *err) {
    const double batch_s = a->least_s / BATCHES_OF_A_WINDOW;
    const double passes = fmax(1, floor(batch_s / fmax(a->pass_s, SHORTEST_PASS_S)));
    const uint64_t n = (uint64_t)passes;
    spread s = {0};
    double total_s = 0;
    bool is_done = false;
    while (!is_done && !is_to_stop(a)) {
        double seconds = 0;
        const jc_status status = a->executor->run(a->task, n, &seconds, err);
        if (status != JC_OK) {
            return status;
        }
        total_s += seconds;
        spread_add(&s, seconds / (double)n);
        const bool is_known = total_s >= a->least_s && s.n >= LEAST_BATCHES &&
                              spread_rel_error(&s) < a->options->rel_error;
        is_done = is_known || (total_s >= a->most_s && s.n >= LEAST_SLOW_BATCHES);
    }
    measured->iterations = s.n * passes;
    measured->runtime_s = s.mean;
    measured->runtime_rel_sd = spread_rel_error(&s);
    measured->window_s = total_s;
    return JC_OK;
}

static machine_moment moment(const attempt *a) {
    double (*const worked_s)(const jc_task *) = a->executor->worked_s;
    return machine_now(worked_s == NULL ? machine_thread_worked_s() : worked_s(a->task));
}

static double share_of(double part_s, double all_s) {
    return isnan(part_s) ? part_s : fmin(1, fmax(0, part_s / all_s));
}

// What else the meter tells of a window.
static void take_conditions(const attempt *a, const jc_meter_window *metered,
                            jc_measurement *measured) {
    const double by_steps = a->step_s / (metered->duration_s * sqrt(6)); // docs/METERS.md
    measured->energy_rel_sd = metered->error_j / metered->energy_j;
    // A meter that has caught up before the window tells its ends to a step.
    if (a->options->warm_up_s > 0 && by_steps < measured->energy_rel_sd) {
        measured->energy_rel_sd = by_steps;
    }
    measured->temperature_c = metered->temperature_c;
    measured->throttled = share_of(metered->throttled_s, metered->duration_s);
    measured->throttled_by_heat = share_of(metered->throttled_by_heat_s, metered->duration_s);
}

// A window that something disturbed is still a window: the caller judges by its load.
static jc_status measure_once(const attempt *a, jc_window *out_window, jc_error *err) {
    jc_window window = {.measured = {.power_w = (double)NAN,
                                     .energy_j = (double)NAN,
                                     .idle_power_w = (double)NAN,
                                     .energy_rel_sd = (double)NAN,
                                     .temperature_c = (double)NAN,
                                     .throttled = (double)NAN,
                                     .throttled_by_heat = (double)NAN},
                        .clock_hz = (double)NAN};
    jc_meter_window metered = {.energy_j = (double)NAN};
    const machine_moment begin = moment(a);
    jc_status meter_status = a->meter->begin(a->meter_handle, err);
    jc_error run_err = {.status = JC_OK};
    const jc_status run_status = run_batches(a, &window.measured, &run_err);
    if (meter_status == JC_OK) {
        meter_status = a->meter->end(a->meter_handle, &metered, err);
    }
    const machine_moment end = moment(a);
    window.load = machine_load_between(&begin, &end);
    if (run_status != JC_OK) {
        if (err != NULL) {
            *err = run_err;
        }
        return run_status;
    }
    // Nonsense, or a window so long that a counter may have wrapped unnoticed: a matter of this
    // window. All else is the end of the meter.
    window.is_energy_lost = meter_status == JC_EIO || meter_status == JC_ERANGE;
    if (meter_status != JC_OK && !window.is_energy_lost) {
        return meter_status;
    }
    window.is_stopped = is_to_stop(a);
    const double power_w = metered.energy_j / metered.duration_s;
    if (meter_status == JC_OK && isfinite(power_w) && power_w > 0) {
        window.measured.power_w = power_w;
        window.measured.energy_j = power_w * window.measured.runtime_s;
        window.clock_hz = metered.clock_hz;
        take_conditions(a, &metered, &window.measured);
    }
    if (a->executor->explain != NULL) {
        a->executor->explain(a->task, window.measured.algorithm, sizeof window.measured.algorithm);
    }
    *out_window = window;
    return JC_OK;
}

// A GPU that is too hot is slower and draws less; a limit of its power is a part of what it is.
static bool is_too_hot(const jc_window *w) {
    return w->measured.throttled_by_heat > HEAT_SHARE;
}

static bool is_better(const jc_window *a, const jc_window *b) {
    if (a->is_energy_lost != b->is_energy_lost) {
        return b->is_energy_lost;
    }
    return is_too_hot(a) != is_too_hot(b) ? is_too_hot(b) : a->load < b->load;
}

jc_status jc_window_measure(const jc_executor *executor, jc_task *task, const jc_meter *meter,
                            jc_meter_handle *meter_handle, const jc_window_options *options,
                            jc_window *out_window, jc_error *err) {
    jc_meter_info info = {.step_s = (double)NAN};
    meter->describe(meter_handle, &info);
    attempt a = {.executor = executor,
                 .task = task,
                 .meter = meter,
                 .meter_handle = meter_handle,
                 .options = options,
                 .step_s = info.step_s};
    const double steps = options->meter_steps > 0 ? options->meter_steps : JC_METER_STEPS;
    a.least_s = fmax(options->window_s, steps * info.step_s); // a NaN is no step
    a.most_s = LONGEST_WINDOW * a.least_s;
    jc_status status = warm_up(&a, err);
    jc_window best = {.is_stopped = true};
    for (int i = 0; i < MOST_TRIES && status == JC_OK && !is_to_stop(&a); ++i) {
        jc_window window;
        status = measure_once(&a, &window, err);
        if (status == JC_OK && (i == 0 || is_better(&window, &best))) {
            best = window;
        }
        if (!(best.load > options->max_load) && !best.is_energy_lost && !is_too_hot(&best)) {
            break;
        }
    }
    if (status != JC_OK) {
        return status;
    }
    *out_window = best;
    return JC_OK;
}
