// SPDX-License-Identifier: Apache-2.0
// The table of a comparison: for machines metrics and ratios as columns of their own, for people
// "12.8 M ×0.50", so that the distance between a proxy and the energy stands in one line.
#include "comparison.h"

#include "common/arena.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    COLUMN_NAME, // for people: the technique where there is one
    COLUMN_DEVICE,
    COLUMN_ARCHITECTURE,
    COLUMN_TECHNIQUE,
    COLUMN_PROFILE,
    COLUMN_BATCH_SIZE,
    COLUMN_PRECISION,
    COLUMN_PARAMS,
    COLUMN_MACS,
    COLUMN_WEIGHT_BYTES,
    COLUMN_ACTIVATION_BYTES,
    COLUMN_RUNTIME,
    COLUMN_POWER,
    COLUMN_ENERGY,
    COLUMN_ENERGY_LOW,
    COLUMN_ENERGY_HIGH,
    COLUMN_ENERGY_PER_SAMPLE,
    COLUMN_ENERGY_PER_1000,
    COLUMN_ENERGY_P50,
    COLUMN_ENERGY_P95,
    COLUMN_ENERGY_WORST,
    COLUMN_RUNTIME_P50,
    COLUMN_RUNTIME_P95,
    COLUMN_RUNTIME_WORST,
    COLUMN_ERROR_RATE,
    COLUMN_ENERGY_PRECISION,
    COLUMN_YEAR_KWH,
    COLUMN_YEAR_CO2,
    COLUMN_ENERGY_SOURCE,
    COLUMN_EXITS, // after which layers; then as many numbers
    COLUMN_EXIT_RATE,
    COLUMN_EXIT_BREAK_EVEN,
    COLUMN_EXIT_CLASSIFIER,
    COLUMN_EXITS_DROPPED,
    COLUMN_STAGES, // of a cascade; then as many numbers
    COLUMN_STAGE_REACH,
    COLUMN_STAGE_BREAK_EVEN,
    COLUMN_NOTE,
    COLUMN_RATIOS,                                     // as many as there are metrics
    COLUMN_CELLS = COLUMN_RATIOS + COMPARISON_METRICS, // the same, for people
    COLUMNS = COLUMN_CELLS + COMPARISON_METRICS,
    CELL_SIZE = 2 * REPORT_QUANTITY_SIZE,
    NARROWEST_CELL = 7, // "25.6 M" and "×0.125" in two lines
};

#define CELL(title)                                                                                \
    { .heading = title, .type = REPORT_TEXT, .narrowest = NARROWEST_CELL, .fit = REPORT_WRAP }

static const report_column all_columns[COLUMNS] = {
    [COLUMN_NAME] = {.heading = "network",
                     .type = REPORT_TEXT,
                     .narrowest = 12,
                     .fit = REPORT_WRAP},
    [COLUMN_DEVICE] = {.heading = "device",
                       .type = REPORT_TEXT,
                       .narrowest = 18,
                       .fit = REPORT_WRAP},
    [COLUMN_ARCHITECTURE] = {.name = "architecture", .type = REPORT_TEXT},
    [COLUMN_TECHNIQUE] = {.name = "technique", .type = REPORT_TEXT},
    [COLUMN_PROFILE] = {.name = "profile", .type = REPORT_TEXT},
    [COLUMN_BATCH_SIZE] = {.name = "batch_size", .type = REPORT_INTEGER},
    [COLUMN_PRECISION] = {.name = "precision", .type = REPORT_TEXT},
    [COLUMN_PARAMS] = {.name = "params", .type = REPORT_INTEGER},
    [COLUMN_MACS] = {.name = "macs", .type = REPORT_INTEGER},
    [COLUMN_WEIGHT_BYTES] = {.name = "weight_bytes", .type = REPORT_REAL},
    [COLUMN_ACTIVATION_BYTES] = {.name = "activation_bytes", .type = REPORT_REAL},
    [COLUMN_RUNTIME] = {.name = "runtime_s", .type = REPORT_REAL},
    [COLUMN_POWER] = {.name = "power_w", .type = REPORT_REAL},
    [COLUMN_ENERGY] = {.name = "energy_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_LOW] = {.name = "energy_low_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_HIGH] = {.name = "energy_high_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_PER_SAMPLE] = {.name = "energy_per_sample_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_PER_1000] = {.name = "energy_per_1000_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_P50] = {.name = "energy_p50_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_P95] = {.name = "energy_p95_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_WORST] = {.name = "energy_worst_j", .type = REPORT_REAL},
    [COLUMN_RUNTIME_P50] = {.name = "runtime_p50_s", .type = REPORT_REAL},
    [COLUMN_RUNTIME_P95] = {.name = "runtime_p95_s", .type = REPORT_REAL},
    [COLUMN_RUNTIME_WORST] = {.name = "runtime_worst_s", .type = REPORT_REAL},
    [COLUMN_ERROR_RATE] = {.name = "error_rate", .type = REPORT_REAL},
    [COLUMN_ENERGY_PRECISION] = {.name = "energy_precision", .type = REPORT_REAL},
    [COLUMN_YEAR_KWH] = {.name = "year_kwh", .type = REPORT_REAL},
    [COLUMN_YEAR_CO2] = {.name = "year_co2_kg", .type = REPORT_REAL},
    [COLUMN_ENERGY_SOURCE] = {.name = "energy_source", .type = REPORT_TEXT},
    [COLUMN_EXITS] = {.name = "exits", .type = REPORT_LIST},
    [COLUMN_EXIT_RATE] = {.name = "exit_rate", .type = REPORT_REALS},
    [COLUMN_EXIT_BREAK_EVEN] = {.name = "exit_break_even_rate", .type = REPORT_REALS},
    [COLUMN_EXIT_CLASSIFIER] = {.name = "exit_classifier_j", .type = REPORT_REALS},
    [COLUMN_EXITS_DROPPED] = {.name = "exits_dropped", .type = REPORT_LIST},
    [COLUMN_STAGES] = {.name = "stages", .type = REPORT_LIST},
    [COLUMN_STAGE_REACH] = {.name = "stage_reach", .type = REPORT_REALS},
    [COLUMN_STAGE_BREAK_EVEN] = {.name = "stage_break_even_rate", .type = REPORT_REALS},
    [COLUMN_NOTE] = {.name = "note", .type = REPORT_TEXT},
    [COLUMN_RATIOS + COMPARISON_PARAMS] = {.name = "params_ratio", .type = REPORT_REAL},
    [COLUMN_RATIOS + COMPARISON_MACS] = {.name = "macs_ratio", .type = REPORT_REAL},
    [COLUMN_RATIOS + COMPARISON_BYTES] = {.name = "bytes_ratio", .type = REPORT_REAL},
    [COLUMN_RATIOS + COMPARISON_RUNTIME] = {.name = "runtime_ratio", .type = REPORT_REAL},
    [COLUMN_RATIOS + COMPARISON_POWER] = {.name = "power_ratio", .type = REPORT_REAL},
    [COLUMN_RATIOS + COMPARISON_ENERGY] = {.name = "energy_ratio", .type = REPORT_REAL},
    [COLUMN_CELLS + COMPARISON_PARAMS] = CELL("params"),
    [COLUMN_CELLS + COMPARISON_MACS] = CELL("MACs"),
    [COLUMN_CELLS + COMPARISON_BYTES] = CELL("bytes"),
    [COLUMN_CELLS + COMPARISON_RUNTIME] = CELL("runtime"),
    [COLUMN_CELLS + COMPARISON_POWER] = CELL("power"),
    [COLUMN_CELLS + COMPARISON_ENERGY] = CELL("energy"),
};

static const report_unit units[COMPARISON_METRICS] = {
    [COMPARISON_PARAMS] = REPORT_COUNT, [COMPARISON_MACS] = REPORT_COUNT,
    [COMPARISON_BYTES] = REPORT_BYTES,  [COMPARISON_RUNTIME] = REPORT_SECONDS,
    [COMPARISON_POWER] = REPORT_WATTS,  [COMPARISON_ENERGY] = REPORT_JOULES,
};

double comparison_value(const comparison_row *row, comparison_metric metric) {
    const jc_totals *t = &row->cost.totals;
    const double values[COMPARISON_METRICS] = {
        [COMPARISON_PARAMS] = (double)t->params,
        [COMPARISON_MACS] = (double)t->macs,
        [COMPARISON_BYTES] = t->weight_bytes + t->activation_bytes,
        [COMPARISON_RUNTIME] = t->runtime_s,
        [COMPARISON_POWER] = t->power_w,
        [COMPARISON_ENERGY] = t->energy_j,
    };
    return values[metric];
}

double comparison_year_kwh(const comparison_row *row, const comparison_metrics *metrics) {
    enum { JOULES_PER_KWH = 3600000 };
    return row->cost.totals.energy_per_sample_j * metrics->inferences * metrics->pue /
           JOULES_PER_KWH;
}

static bool is_analytic(const comparison_row *row) {
    return row->energy_source != NULL && strcmp(row->energy_source, "analytic") == 0;
}

// NaN where there is nothing to compare: unknown, zero, or analytic against measured.
static double ratio(const comparison *what, size_t row, comparison_metric metric) {
    const comparison_row *r = &what->rows[row];
    const comparison_row *base = &what->rows[r->baseline];
    const double divisor = comparison_value(base, metric);
    if (!(divisor > 0) || (metric >= COMPARISON_RUNTIME && is_analytic(r) != is_analytic(base))) {
        return (double)NAN;
    }
    return comparison_value(r, metric) / divisor;
}

// "12.8 M ×0.50"; the baseline itself has no ratio.
static const char *format_cell(double value, report_unit unit, double factor, char *buffer) {
    char quantity[REPORT_QUANTITY_SIZE];
    (void)report_format_quantity(value, unit, quantity);
    if (isnan(factor)) {
        (void)snprintf(buffer, CELL_SIZE, "%s", quantity);
    } else if (factor >= 99.95) { // no exponent as far as the column goes
        (void)snprintf(buffer, CELL_SIZE, factor < 1e6 ? "%s ×%.0f" : "%s ×%.0e", quantity, factor);
    } else if (factor >= 9.995) {
        (void)snprintf(buffer, CELL_SIZE, "%s ×%.1f", quantity, factor);
    } else {
        (void)snprintf(buffer, CELL_SIZE, "%s ×%.*f", quantity, factor < 0.0995 ? 3 : 2, factor);
    }
    return buffer;
}

// Lists with one item an exit; unknown where there are no exits.
static void fill_exits(const jc_evaluation *cost, report_value *v, jc_arena *arena) {
    const size_t n = cost->n_exits;
    const char **after = jc_arena_alloc(arena, n + 1, sizeof *after);
    const char **dropped = jc_arena_alloc(arena, n + 1, sizeof *dropped);
    double *values = jc_arena_alloc(arena, 3 * n + 1, sizeof *values);
    report_reals *lists = jc_arena_alloc(arena, 3, sizeof *lists);
    if (n == 0 || after == NULL || dropped == NULL || values == NULL || lists == NULL) {
        return; // all unknown
    }
    size_t n_dropped = 0;
    for (size_t i = 0; i < n; ++i) {
        const jc_exit_value *e = &cost->exits[i];
        after[i] = e->after;
        values[i] = e->rate;
        values[n + i] = e->break_even;
        values[2 * n + i] = e->classifier_j;
        if (e->is_dropped) {
            dropped[n_dropped++] = e->after;
        }
    }
    v[COLUMN_EXITS].list = after;
    for (size_t l = 0; l < 3; ++l) {
        lists[l] = (report_reals){n, values + l * n};
        v[COLUMN_EXIT_RATE + l].reals = &lists[l];
    }
    v[COLUMN_EXITS_DROPPED].list = dropped;
}

// The same of the networks of a cascade.
static void fill_stages(const jc_evaluation *cost, report_value *v, jc_arena *arena) {
    const size_t n = cost->n_stages;
    const char **names = jc_arena_alloc(arena, n + 1, sizeof *names);
    double *values = jc_arena_alloc(arena, 2 * n + 1, sizeof *values);
    report_reals *lists = jc_arena_alloc(arena, 2, sizeof *lists);
    if (n == 0 || names == NULL || values == NULL || lists == NULL) {
        return; // all unknown
    }
    for (size_t i = 0; i < n; ++i) {
        names[i] = cost->stages[i].name;
        values[i] = cost->stages[i].reach;
        values[n + i] = cost->stages[i].break_even;
    }
    v[COLUMN_STAGES].list = names;
    for (size_t l = 0; l < 2; ++l) {
        lists[l] = (report_reals){n, values + l * n};
        v[COLUMN_STAGE_REACH + l].reals = &lists[l];
    }
}

static void fill_row(const comparison *what, size_t row, report_value *v, char (*cells)[CELL_SIZE],
                     jc_arena *arena) {
    const comparison_row *r = &what->rows[row];
    const jc_totals *t = &r->cost.totals;
    v[COLUMN_NAME].text = r->technique == NULL ? r->architecture : r->technique;
    if (r->technique != NULL && r->architecture != NULL) {
        const size_t size = strlen(r->architecture) + strlen(r->technique) + 4;
        char *both = jc_arena_alloc(arena, size, 1);
        if (both != NULL) {
            (void)snprintf(both, size, "%s: %s", r->architecture, r->technique);
            v[COLUMN_NAME].text = both;
        }
    }
    v[COLUMN_DEVICE].text = r->profile;
    v[COLUMN_ARCHITECTURE].text = r->architecture;
    v[COLUMN_TECHNIQUE].text = r->technique;
    v[COLUMN_PROFILE].text = r->profile;
    v[COLUMN_BATCH_SIZE].integer = r->batch_size;
    v[COLUMN_PRECISION].text = r->precision;
    v[COLUMN_PARAMS].integer = t->params;
    v[COLUMN_MACS].integer = t->macs;
    v[COLUMN_WEIGHT_BYTES].real = t->weight_bytes;
    v[COLUMN_ACTIVATION_BYTES].real = t->activation_bytes;
    v[COLUMN_RUNTIME].real = t->runtime_s;
    v[COLUMN_POWER].real = t->power_w;
    v[COLUMN_ENERGY].real = t->energy_j;
    v[COLUMN_ENERGY_LOW].real = t->energy_low_j;
    v[COLUMN_ENERGY_HIGH].real = t->energy_high_j;
    v[COLUMN_ENERGY_PER_SAMPLE].real = t->energy_per_sample_j;
    const double per_inference_j = t->energy_per_sample_j;
    const double year_kwh = comparison_year_kwh(r, &what->metrics);
    v[COLUMN_ENERGY_PER_1000].real = 1000 * per_inference_j;
    v[COLUMN_ERROR_RATE].real = r->error_rate;
    // Cai et al., NeuralPower, ACML 2017, Sec. 4.3: M = error^alpha · energy per inference.
    v[COLUMN_ENERGY_PRECISION].real = pow(r->error_rate, what->metrics.alpha) * per_inference_j;
    v[COLUMN_YEAR_KWH].real = year_kwh;
    v[COLUMN_YEAR_CO2].real = year_kwh * what->metrics.carbon / 1000;
    v[COLUMN_ENERGY_P50].real = r->cost.energy_p50_j;
    v[COLUMN_ENERGY_P95].real = r->cost.energy_p95_j;
    v[COLUMN_ENERGY_WORST].real = r->cost.energy_worst_j;
    v[COLUMN_RUNTIME_P50].real = r->cost.runtime_p50_s;
    v[COLUMN_RUNTIME_P95].real = r->cost.runtime_p95_s;
    v[COLUMN_RUNTIME_WORST].real = r->cost.runtime_worst_s;
    v[COLUMN_ENERGY_SOURCE].text = r->energy_source;
    v[COLUMN_NOTE].text = r->note;
    fill_exits(&r->cost, v, arena);
    fill_stages(&r->cost, v, arena);
    for (int m = 0; m < COMPARISON_METRICS; ++m) {
        const comparison_metric metric = (comparison_metric)m;
        const double factor = ratio(what, row, metric);
        v[COLUMN_RATIOS + m].real = factor;
        v[COLUMN_CELLS + m].text = format_cell(comparison_value(r, metric), units[m],
                                               r->baseline == row ? (double)NAN : factor, cells[m]);
    }
}

// The device has a column of its own where there are several; else the notes name it.
static bool has_several_devices(const comparison *what) {
    for (size_t i = 1; i < what->n_rows; ++i) {
        if (strcmp(what->rows[i].profile, what->rows[0].profile) != 0) {
            return true;
        }
    }
    return false;
}

cli_exit comparison_print(const cli_options *options, const comparison *what) {
    jc_arena arena = {0};
    report_column columns[COLUMNS];
    memcpy(columns, all_columns, sizeof columns);
    if (!has_several_devices(what)) {
        columns[COLUMN_DEVICE].heading = NULL;
    }
    report_value *values = jc_arena_alloc(&arena, what->n_rows + 1, COLUMNS * sizeof *values);
    char(*cells)[COMPARISON_METRICS][CELL_SIZE] =
        jc_arena_alloc(&arena, what->n_rows + 1, sizeof *cells);
    cli_exit code = CLI_OK;
    if (values == NULL || cells == NULL) {
        const jc_error err = {.status = JC_ENOMEM, .message = "out of memory"};
        code = cli_report_error(&err);
    } else {
        for (size_t i = 0; i < what->n_rows; ++i) {
            fill_row(what, i, values + i * COLUMNS, cells[i], &arena);
        }
        const report_table table = {columns, COLUMNS, values, what->n_rows};
        code = cli_print_notes(options, "Comparison", what->notes, NULL, &table);
    }
    jc_arena_clear(&arena);
    return code;
}
