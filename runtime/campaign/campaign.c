// SPDX-License-Identifier: Apache-2.0
// Running a campaign. Configurations come in blocks; within a block each repetition goes through
// all of them in a random order of its own, so that what drifts with time falls on all alike, and
// any first part of a campaign is as evenly spread as its plan.
#include "conditions.h"
#include "crash.h"
#include "dataset.h"
#include "lag.h"
#include "machine.h"
#include "sobol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/clock.h"
#include "common/file.h"

enum {
    BLOCK_ITEMS = 64,
    LEAST_CHOSEN = 2 * BLOCK_ITEMS, ///< adaptive rows that are chosen in one go
    FAILURES_IN_A_ROW =
        10, ///< after which the executor, or the meter, is at fault and not a kernel
};

static const double IDLE_S = 1;          ///< shortest window at rest; the steps of a plan
static const double LAGS_OF_WARM_UP = 3; ///< then a meter has caught up, but for 5 % at most
static const double LONGEST_IDLE_S = 12;
static const double LONGEST_LAST_IDLE_S = 2; ///< where someone has stopped the campaign
static const double IDLE_PERIOD_S = 60;      ///< between windows at rest
static const double REST_S = 2;              ///< after work, where the meter's delay is not known

typedef struct campaign {
    const jc_campaign_options *o;
    campaign_state state;
    journal *journal;
    jc_device device;
    double begin_s;
    double idle_measured_s; ///< when; −INFINITY = never
    size_t n_open;          ///< results to be measured when it began
    size_t n_done;          ///< of them, in any way
    int failures_in_a_row;
    int energies_lost_in_a_row;
    size_t n_disturbed;
    double least_clock_hz, most_clock_hz; ///< at work, as the meter tells; NaN = it does not
    double first_idle_w;                  ///< measured by this run; NaN = none
    bool is_ending;                       ///< rests are no more cut short by who stops it
    jc_campaign_end end;
} campaign;

static void note(const campaign *c, const char *text) {
    if (c->o->listener.note != NULL) {
        c->o->listener.note(c->o->listener.context, text);
    }
}

// True if no further window is to begin.
static bool is_over(campaign *c) {
    if (c->o->stop != NULL && *c->o->stop != 0) {
        c->end = JC_CAMPAIGN_STOPPED;
        return true;
    }
    if (c->o->budget_s > 0 && clock_now_s() - c->begin_s >= c->o->budget_s) {
        c->end = JC_CAMPAIGN_OUT_OF_BUDGET;
        return true;
    }
    return false;
}

static void show_progress(const campaign *c) {
    if (c->o->listener.progress != NULL) {
        double share = c->n_open == 0 ? 1 : (double)c->n_done / (double)c->n_open;
        if (c->o->budget_s > 0) {
            share = fmax(share, fmin(1, (clock_now_s() - c->begin_s) / c->o->budget_s));
        }
        c->o->listener.progress(c->o->listener.context, share);
    }
}

// --- Power at rest --------------------------------------------------------------------------

static void wait_for(const campaign *c, double duration_s) {
    const double end_s = clock_now_s() + duration_s;
    const struct timespec slice = {0, 20000000};
    while (clock_now_s() < end_s && (c->is_ending || c->o->stop == NULL || *c->o->stop == 0)) {
        (void)nanosleep(&slice, NULL);
    }
}

// How long the meter needs to catch up.
static double warm_up_s(const campaign *c) {
    return isnan(c->state.lag_s) ? 0 : LAGS_OF_WARM_UP * c->state.lag_s;
}

static jc_status measure_idle(campaign *c, jc_error *err) {
    const jc_meter *meter = c->o->meter;
    jc_meter_info info = {.step_s = (double)NAN, .declared_idle_w = (double)NAN};
    jc_meter_window window = {.energy_j = (double)NAN};
    meter->describe(c->o->meter_handle, &info);
    c->idle_measured_s = clock_now_s();
    if (!isnan(info.declared_idle_w)) {
        c->state.idle_w = info.declared_idle_w;
        return JC_OK;
    }
    if (strcmp(meter->source, "none") == 0) {
        return JC_OK;
    }
    wait_for(c, warm_up_s(c)); // or it would tell of the work before
    jc_status status = meter->begin(c->o->meter_handle, err);
    if (status == JC_OK) {
        const double most_s = c->end == JC_CAMPAIGN_STOPPED ? LONGEST_LAST_IDLE_S : LONGEST_IDLE_S;
        wait_for(c, fmin(most_s, fmax(IDLE_S, c->o->plan->meter_steps * info.step_s)));
        status = meter->end(c->o->meter_handle, &window, err);
    }
    if (status == JC_EIO) {
        return JC_OK; // nonsense once is no end; windows of work find out whether it stays
    }
    const double idle_w = window.energy_j / window.duration_s;
    if (status != JC_OK || !(isfinite(idle_w) && idle_w >= 0)) {
        return status;
    }
    c->first_idle_w = isnan(c->first_idle_w) ? idle_w : c->first_idle_w;
    return state_add_idle(&c->state, c->journal, idle_w, err);
}

// --- One window -----------------------------------------------------------------------------

// The executor could not: noted, and the campaign goes on, unless it never can.
static jc_status take_failure(campaign *c, size_t item, const jc_error *why, jc_error *err) {
    if (why->status == JC_EUNSUPPORTED) {
        c->failures_in_a_row = 0;
        return state_add_refusal(&c->state, c->journal, item, why->message, err);
    }
    const jc_status status = state_add_failure(&c->state, c->journal, item, why->message, err);
    if (status != JC_OK) {
        return status;
    }
    c->failures_in_a_row += why->status != JC_ENOMEM;
    if (c->failures_in_a_row >= FAILURES_IN_A_ROW) {
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the executor failed %d times in a row, the last time so: %.300s",
                            c->failures_in_a_row, why->message);
    }
    return JC_OK;
}

static jc_status take_window(campaign *c, size_t item, int repetition, jc_window *window,
                             jc_error *err) {
    c->failures_in_a_row = 0;
    window->measured.idle_power_w = c->state.idle_w;
    c->n_disturbed += window->load > c->o->max_load;
    c->least_clock_hz = fmin(c->least_clock_hz, window->clock_hz); // the number of it and a NaN
    c->most_clock_hz = fmax(c->most_clock_hz, window->clock_hz);
    c->energies_lost_in_a_row = window->is_energy_lost ? c->energies_lost_in_a_row + 1 : 0;
    const jc_status status = state_add_result(&c->state, c->journal, item, repetition, window, err);
    if (status == JC_OK && c->energies_lost_in_a_row >= FAILURES_IN_A_ROW) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "meter %s answered nonsense in %d windows in a row", c->o->meter->name,
                            c->energies_lost_in_a_row);
    }
    return status;
}

// The library is about to work on a configuration.
static void watch_library(const campaign *c, size_t item) {
    state_prepare_crash(c->journal, item);
    crash_watch(c->journal, &c->o->listener, c->state.crashes_in_a_row + 1);
}

static jc_status measure(campaign *c, size_t item, int repetition, jc_error *err) {
    const jc_executor *executor = c->o->executor;
    const campaign_item *it = &c->state.items[item];
    const jc_window_options options = {.window_s = c->o->plan->window_s,
                                       .rel_error = c->o->plan->rel_error,
                                       .max_load = c->o->max_load,
                                       .meter_steps = c->o->plan->meter_steps,
                                       .warm_up_s = warm_up_s(c),
                                       .stop = c->o->stop};
    jc_error why = {.status = JC_OK};
    jc_task *task = NULL;
    jc_window window;
    watch_library(c, item);
    jc_status status =
        it->kernel != NULL
            ? executor->prepare_kernel(c->o->executor_handle, it->kernel, &task, &why)
            : executor->prepare_network(c->o->executor_handle, it->network, &task, &why);
    if (status == JC_OK) {
        status = jc_window_measure(executor, task, c->o->meter, c->o->meter_handle, &options,
                                   &window, &why);
    }
    executor->release(task);
    crash_unwatch();
    if (status == JC_ENOMETER || status == JC_EPERM) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    }
    if (status != JC_OK) {
        why.status = status;
        return take_failure(c, item, &why, err);
    }
    return window.is_stopped ? JC_OK : take_window(c, item, repetition, &window, err);
}

// --- All of them ----------------------------------------------------------------------------

// A block in a random order; it is the same whenever the campaign goes on.
static void shuffle_block(const campaign *c, size_t block, int repetition, size_t *order,
                          size_t n) {
    uint64_t state = c->o->plan->seed + block * UINT64_C(0x100000001b3) + (uint64_t)repetition;
    for (size_t i = 0; i < n; ++i) {
        order[i] = block * BLOCK_ITEMS + i;
    }
    for (size_t i = n; i > 1; --i) {
        const size_t j = (size_t)(random_next(&state) % i);
        const size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

static jc_status measure_one(campaign *c, size_t item, int repetition, jc_error *err) {
    jc_status status = JC_OK;
    if (clock_now_s() - c->idle_measured_s >= IDLE_PERIOD_S) {
        status = measure_idle(c, err);
    }
    if (status == JC_OK) {
        status = measure(c, item, repetition, err);
    }
    ++c->n_done;
    show_progress(c);
    return status;
}

static jc_status measure_block(campaign *c, size_t block, jc_error *err) {
    size_t order[BLOCK_ITEMS];
    const size_t left = c->state.n_items - block * BLOCK_ITEMS;
    const size_t n = left < BLOCK_ITEMS ? left : BLOCK_ITEMS;
    for (int r = 0; r < c->state.repetitions; ++r) {
        shuffle_block(c, block, r, order, n);
        for (size_t i = 0; i < n; ++i) {
            if (!state_is_open(&c->state, order[i], r)) {
                continue;
            }
            if (is_over(c)) {
                return JC_OK;
            }
            const jc_status status = measure_one(c, order[i], r, err);
            if (status != JC_OK) {
                return status;
            }
        }
    }
    return JC_OK;
}

// Append adaptive rows to what is measured: a part of them, for the next part is to learn from it.
static jc_status choose_rows(campaign *c, jc_error *err) {
    const jc_campaign_chooser *chooser = &c->o->chooser;
    campaign_state *state = &c->state;
    size_t *candidates = calloc(2 * state->n_kernels + 1, sizeof *candidates);
    if (candidates == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    const size_t n_candidates = state_candidates(state, candidates);
    size_t *chosen = candidates + n_candidates;
    size_t n = state->n_to_choose;
    jc_status status = JC_OK;
    if (chooser->choose == NULL) {
        memcpy(chosen, candidates, n * sizeof *chosen);
    } else {
        n = n > LEAST_CHOSEN ? (n + 1) / 2 : n;
        status = dataset_write(c->o, state, &c->device, err);
        if (status == JC_OK) {
            status = chooser->choose(chooser->context, candidates, n_candidates, chosen, n, err);
        }
    }
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        status = state_add_choice(state, c->journal, chosen[i], err);
    }
    free(candidates);
    return status;
}

// From a block on, which may have been measured in part.
static jc_status measure_blocks(campaign *c, size_t first_block, jc_error *err) {
    jc_status status = JC_OK;
    for (size_t b = first_block;
         status == JC_OK && c->end == JC_CAMPAIGN_FINISHED && b * BLOCK_ITEMS < c->state.n_items;
         ++b) {
        status = measure_block(c, b, err);
    }
    return status;
}

// The kernel of the first block with most work, which none of `tried` is; BLOCK_ITEMS if none is
// left.
static size_t largest_item(const campaign *c, const bool *tried) {
    size_t found = BLOCK_ITEMS;
    jc_work most = {.macs = -1};
    for (size_t i = 0; i < c->state.n_items && i < BLOCK_ITEMS; ++i) {
        const campaign_item *item = &c->state.items[i];
        if (item->kernel == NULL || item->is_refused || tried[i]) {
            continue;
        }
        const jc_work work = jc_kernel_work(item->kernel);
        if (work.macs > most.macs ||
            (work.macs == most.macs && work.output_elements > most.output_elements)) {
            found = i;
            most = work;
        }
    }
    return found;
}

// The meters of GPUs average over up to a second. What is refused, or too light to tell it by, is
// no reason to give up. A campaign that goes on has the answer in its journal.
static jc_status measure_lag(campaign *c, jc_error *err) {
    enum { MOST_TRIES = 5, MOST_RUNS = 2 };
    int n_runs = 0;
    bool tried[BLOCK_ITEMS] = {false};
    lag_answer answer = {.lag_s = (double)NAN, .why = "no kernel is among the first rows"};
    jc_status status = JC_OK;
    for (int i = 0; i < MOST_TRIES && n_runs < MOST_RUNS && status == JC_OK &&
                    isnan(answer.lag_s) && !is_over(c);
         ++i) {
        const size_t item = largest_item(c, tried);
        if (item == BLOCK_ITEMS) {
            break;
        }
        tried[item] = true;
        wait_for(c, answer.has_run ? REST_S : 0); // for what it has heated and woken
        status = measure_idle(c, err);
        if (status == JC_OK && isnan(c->state.idle_w)) {
            (void)snprintf(answer.why, sizeof answer.why, "power at rest is not known");
        } else if (status == JC_OK) {
            watch_library(c, item);
            status = lag_measure(c->o, c->state.items[item].kernel, c->state.idle_w, &answer, err);
            crash_unwatch();
            n_runs += answer.has_run;
        }
    }
    if (status == JC_OK && !isnan(answer.lag_s)) {
        return state_add_lag(&c->state, c->journal, answer.lag_s, err);
    }
    if (status == JC_OK && answer.why[0] != '\0' && !is_over(c)) {
        char text[320];
        status = state_add_no_lag(&c->state, c->journal, answer.why, err);
        (void)snprintf(
            text, sizeof text,
            "the delay of the meter could not be measured, so windows do not wait for it, "
            "and their energy is known less well: %s",
            answer.why);
        note(c, text);
    }
    return status;
}

// Power at rest afterwards, whatever ended the campaign. Who stops it is waiting.
static jc_status measure_last_idle(campaign *c, jc_error *err) {
    c->is_ending = true;
    const jc_status status = measure_idle(c, err);
    c->is_ending = false;
    return status;
}

static jc_status measure_all(campaign *c, jc_error *err) {
    for (size_t i = 0; i < c->state.n_items; ++i) {
        for (int r = 0; r < c->state.repetitions; ++r) {
            c->n_open += state_is_open(&c->state, i, r);
        }
    }
    c->n_open += c->state.n_to_choose * (size_t)c->state.repetitions;
    const bool is_late = c->o->executor->is_gpu && c->n_open > 0 && isnan(c->state.lag_s) &&
                         c->state.no_lag[0] == '\0' && strcmp(c->o->meter->source, "none") != 0;
    jc_status status = is_late ? measure_lag(c, err) : JC_OK;
    c->device.meter_lag_s = isnan(c->state.lag_s) ? 0 : c->state.lag_s;
    if (status == JC_OK) {
        status = measure_blocks(c, 0, err);
    }
    while (status == JC_OK && c->state.n_to_choose > 0 && !is_over(c)) {
        const size_t n_before = c->state.n_items;
        status = choose_rows(c, err);
        if (status == JC_OK) {
            status = measure_blocks(c, n_before / BLOCK_ITEMS, err);
        }
    }
    if (status == JC_OK && c->n_done > 0) {
        status = measure_last_idle(c, err);
    }
    return status;
}

// --- Beginning and end ----------------------------------------------------------------------

static jc_status make_folder(const char *folder, jc_error *err) {
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) {
        return JC_OK; // a file of that name is found when the journal is opened
    }
    const int error = errno;
    return jc_error_set(err, jc_status_from_errno(error), folder, 0, "%s", strerror(error));
}

static jc_status begin(campaign *c, const char *path, jc_error *err) {
    jc_status status = make_folder(c->o->folder, err);
    if (status == JC_OK) {
        status = dataset_check_folder(c->o->folder, path, err);
    }
    if (status == JC_OK) {
        status = state_init(c->o, &c->device, &c->state, err);
    }
    if (status == JC_OK) {
        status = journal_open(path, state_visit, &c->state, &c->journal, err);
    }
    return status == JC_OK ? state_begin_journal(&c->state, c->journal, err) : status;
}

static void note_recent_load(const campaign *c) {
    const double load = machine_recent_load();
    if (load > c->o->max_load) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "this machine is busy with other work: for %.0f %% of the last ten seconds "
                       "something waited for a processor; windows with more than %.0f %% are "
                       "measured again",
                       100 * load, 100 * c->o->max_load);
        note(c, text);
    }
}

static void note_load(const campaign *c, double steal) {
    char text[256];
    if (c->n_disturbed > 0) {
        (void)snprintf(text, sizeof text,
                       "%zu of %zu windows were disturbed by other load on this machine each time "
                       "they were measured, and are left out; the same command on a quiet machine "
                       "measures them again",
                       c->n_disturbed, c->n_done);
        note(c, text);
    }
    if (steal > 0.01) {
        (void)snprintf(text, sizeof text,
                       "the hypervisor gave %.1f %% of this machine's processor time to others",
                       100 * steal);
        note(c, text);
    }
}

// What the machine was like, and what its meter measures.
static void describe_conditions(campaign *c, const conditions *begin, const conditions *end) {
    const size_t size = sizeof c->device.conditions;
    conditions_describe(begin, end, c->device.conditions, size);
    if (!isnan(c->least_clock_hz)) {
        conditions_add(c->device.conditions, size, "GPU at work %.0f MHz to %.0f MHz",
                       1e-6 * c->least_clock_hz, 1e-6 * c->most_clock_hz);
    }
    if (!isnan(c->first_idle_w)) {
        conditions_add(c->device.conditions, size, "%.3g W at rest before, %.3g W after",
                       c->first_idle_w, c->state.idle_w);
    }
    if (c->state.no_lag[0] != '\0') {
        conditions_add(c->device.conditions, size, "delay of the meter not measured: %s",
                       c->state.no_lag);
    }
}

// What was measured is written out whatever ended the campaign; the first failure counts.
static jc_status finish(campaign *c, jc_status status, const conditions *at_begin, jc_error *err) {
    const conditions at_end = conditions_now();
    jc_error late = {.status = JC_OK};
    describe_conditions(c, at_begin, &at_end);
    const jc_status closed = journal_close(c->journal, &late);
    const jc_status written = dataset_write(c->o, &c->state, &c->device, &late);
    if (status == JC_OK && (closed != JC_OK || written != JC_OK)) {
        status = closed != JC_OK ? closed : written;
        if (err != NULL) {
            *err = late;
        }
    }
    note_load(c, conditions_steal(at_begin, &at_end));
    return status;
}

jc_status jc_campaign_run(const jc_campaign_options *options, jc_campaign_report *out_report,
                          jc_error *err) {
    campaign c = {.o = options,
                  .begin_s = clock_now_s(),
                  .idle_measured_s = -(double)INFINITY,
                  .first_idle_w = (double)NAN,
                  .least_clock_hz = (double)NAN,
                  .most_clock_hz = (double)NAN};
    const size_t size = strlen(options->folder) + sizeof JC_JOURNAL_NAME + 2;
    char *path = malloc(size);
    if (path == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    (void)snprintf(path, size, "%s/%s", options->folder, JC_JOURNAL_NAME);
    dataset_describe(options, &c.device);
    const conditions at_begin = conditions_now();
    jc_status status = begin(&c, path, err);
    if (status == JC_OK) {
        note_recent_load(&c);
        status = measure_all(&c, err);
        status = finish(&c, status, &at_begin, err);
    } else {
        const jc_status closed = journal_close(c.journal, NULL);
        (void)closed; // the failure that matters is reported
    }
    if (status == JC_OK) {
        out_report->end = c.end;
        state_count(&c.state, out_report);
    }
    state_clear(&c.state);
    free(path);
    return status;
}
