// SPDX-License-Identifier: Apache-2.0
// What compare says before its table.
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_SIZE = 1200, NAME_SIZE = 256 };

static void add_note(compare_run *run, const char *text) {
    char *copy = jc_arena_copy_text(&run->arena, text, strlen(text));
    if (copy != NULL && run->n_notes < MAX_NOTES) {
        run->notes[run->n_notes++] = copy;
    }
}

// "resnet18: prune: 0.5"
static const char *name_of(const comparison_row *row, char buffer[NAME_SIZE]) {
    (void)snprintf(buffer, NAME_SIZE, "%.80s%s%.140s",
                   row->architecture == NULL ? "" : row->architecture,
                   row->architecture == NULL || row->technique == NULL ? "" : ": ",
                   row->technique == NULL ? "" : row->technique);
    return buffer;
}

// A year's figure, with all that was assumed.
static void describe_year(compare_run *run, const comparison_row *row) {
    const comparison_metrics *m = &run->own->metrics;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    char q[REPORT_QUANTITY_SIZE];
    char carbon[96] = "";
    const double kwh = comparison_year_kwh(row, m);
    if (!isfinite(kwh)) {
        return;
    }
    if (isfinite(m->carbon)) {
        (void)snprintf(carbon, sizeof carbon, ", which are %.3g kg of CO2 at %.4g g for each kWh",
                       kwh * m->carbon / 1000, m->carbon);
    }
    (void)snprintf(
        text, sizeof text,
        "%s on %.60s: %.4g inferences a year, at %s for each 1,000%s, take %.3g kWh%s. "
        "Assumed: batches of %lld, always full; PUE %.3g; no idle energy.",
        name_of(row, name), row->profile, m->inferences,
        report_format_quantity(1000 * row->cost.totals.energy_per_sample_j, REPORT_JOULES, q),
        row->energy_source != NULL && strcmp(row->energy_source, "analytic") == 0 ? " (analytic)"
                                                                                  : "",
        kwh, carbon, (long long)row->batch_size, m->pue);
    add_note(run, text);
}

// Error and energy in one number, of networks whose error is known.
static void describe_precision(compare_run *run, const comparison_row *row) {
    const double alpha = run->own->metrics.alpha;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    const double weighed = pow(row->error_rate, alpha) * row->cost.totals.energy_per_sample_j;
    if (isfinite(weighed)) {
        char q[2][REPORT_QUANTITY_SIZE];
        (void)snprintf(text, sizeof text,
                       "%s on %.60s: energy-precision ratio %s (error %.4g to the power %.3g, "
                       "times the energy "
                       "per inference; less is better); 1,000 inferences take %s.",
                       name_of(row, name), row->profile,
                       report_format_quantity(weighed, REPORT_JOULES, q[0]), row->error_rate, alpha,
                       report_format_quantity(1000 * row->cost.totals.energy_per_sample_j,
                                              REPORT_JOULES, q[1]));
        add_note(run, text);
    }
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

// A note that holds for all devices is said once, without a device.
static void describe_note(compare_run *run, size_t index) {
    const size_t n_networks = run->n_rows / run->devices.n;
    const comparison_row *row = &run->rows[index];
    bool is_everywhere = true;
    for (size_t i = index % n_networks; i < run->n_rows; i += n_networks) {
        is_everywhere = is_everywhere && same_text(run->rows[i].note, row->note);
    }
    if (row->note == NULL || (is_everywhere && index >= n_networks)) {
        return;
    }
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    const bool names_device = run->devices.n > 1 && !is_everywhere;
    (void)snprintf(text, sizeof text, "%.200s%s%.60s: %.900s", name_of(row, name),
                   names_device ? " on " : "", names_device ? row->profile : "", row->note);
    add_note(run, text);
}

// "exit after conv2d_1: 40 % of all inputs leave; it pays from 13 % on."
static void describe_exit(compare_run *run, const comparison_row *row, const jc_exit_value *e) {
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    char pays[64] = "from which share on it pays is unknown";
    if (e->break_even >= 1) {
        (void)snprintf(pays, sizeof pays, "it costs more than it can save");
    } else if (isfinite(e->break_even)) {
        (void)snprintf(pays, sizeof pays, "it pays from %.2g %% on", 100 * e->break_even);
    }
    (void)snprintf(text, sizeof text,
                   "%.200s on %.60s, exit after %.160s: %.3g %% of all inputs leave; %s%s.",
                   name_of(row, name), row->profile, e->after, 100 * e->rate, pays,
                   e->is_dropped ? ": dropped" : "");
    add_note(run, text);
}

// "stage b: 30 % of all inputs reach it; it pays where 13 % of them or more end there."
static void describe_stage(compare_run *run, const comparison_row *row, const jc_stage_value *s) {
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    char pays[96] = "";
    if (s->break_even >= 1) {
        (void)snprintf(pays, sizeof pays, "; it costs more than it can save");
    } else if (isfinite(s->break_even)) {
        (void)snprintf(pays, sizeof pays, "; it pays where %.2g %% of them or more end there",
                       100 * s->break_even);
    }
    (void)snprintf(text, sizeof text,
                   "%.200s on %.60s, stage %.160s: %.3g %% of all inputs reach it%s.",
                   name_of(row, name), row->profile, s->name, 100 * s->reach, pays);
    add_note(run, text);
}

// What the table has no room for: the spread over inputs, exits, and what is not known.
static void describe_row(compare_run *run, size_t index) {
    const comparison_row *row = &run->rows[index];
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    const jc_evaluation *c = &row->cost;
    const bool by_runtime = isnan(c->energy_worst_j);
    if ((c->n_exits > 0 || c->n_stages > 0) && !isnan(c->runtime_worst_s)) {
        const report_unit unit = by_runtime ? REPORT_SECONDS : REPORT_JOULES;
        char q[3][REPORT_QUANTITY_SIZE];
        (void)snprintf(
            text, sizeof text,
            "%.200s on %.60s, %s of single inputs: half of them take at most %s, 95 %% at most %s, "
            "the dearest %s.",
            name_of(row, name), row->profile, by_runtime ? "runtime" : "energy",
            report_format_quantity(by_runtime ? c->runtime_p50_s : c->energy_p50_j, unit, q[0]),
            report_format_quantity(by_runtime ? c->runtime_p95_s : c->energy_p95_j, unit, q[1]),
            report_format_quantity(by_runtime ? c->runtime_worst_s : c->energy_worst_j, unit,
                                   q[2]));
        add_note(run, text);
    }
    for (size_t i = 0; i < c->n_stages; ++i) {
        describe_stage(run, row, &c->stages[i]);
    }
    for (size_t i = 0; i < c->n_exits; ++i) {
        describe_exit(run, row, &c->exits[i]);
    }
    describe_note(run, index);
}

// What helps where a profile lacks a number format.
static void describe_unpriced(compare_run *run) {
    bool any = false;
    for (size_t i = 0; i < run->n_rows; ++i) {
        any = any || !isfinite(run->rows[i].cost.totals.runtime_s);
    }
    if (any && run->own->devices.n_accelerators == 0) {
        add_note(run,
                 "What no profile has rows of can be counted instead of measured: --analytic.");
    }
}

void compare_add_notes(compare_run *run) {
    const size_t n_networks = run->n_rows / run->devices.n;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    (void)snprintf(text, sizeof text, "Ratios (×) are to %.100s on %s. Batch size %lld, %s.",
                   name_of(&run->rows[0], name),
                   n_networks == 1 || run->devices.n == 1 ? run->rows[0].profile : "each device",
                   (long long)run->rows[0].batch_size, run->rows[0].precision);
    add_note(run, text);
    for (size_t d = 0; d < run->devices.n; ++d) {
        device_describe(&run->devices.items[d], &run->rows[d * n_networks].cost.totals, text,
                        sizeof text);
        add_note(run, text);
    }
    for (size_t i = 0; i < run->n_rows; ++i) {
        describe_row(run, i);
        describe_precision(run, &run->rows[i]);
        describe_year(run, &run->rows[i]);
    }
    describe_unpriced(run);
}
