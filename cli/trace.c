// SPDX-License-Identifier: Apache-2.0
// joulecast trace: error and energy of early exits over the confidence from which inputs leave.
#include "devices.h"
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 101, USUAL_POINTS = 21, BAR_WIDTH = 12, BAR_SIZE = 3 * BAR_WIDTH + 1 };

/** The command's own options. */
typedef struct trace_options {
    device_names devices; ///< first: see devices.h
    int64_t n_points;
} trace_options;

/** One threshold. */
typedef struct trace_point {
    double threshold;
    double error_rate;
    jc_totals totals;
    double energy_p95_j;
    double energy_worst_j;
    double left;  ///< share of the inputs that reach the end
    bool is_best; ///< no other has less error and no more energy, or the reverse
    char cost_bar[BAR_SIZE];
    char error_bar[BAR_SIZE];
} trace_point;

enum {
    COLUMN_THRESHOLD,
    COLUMN_LEFT,
    COLUMN_ERROR_RATE,
    COLUMN_RUNTIME,
    COLUMN_ENERGY,
    COLUMN_ENERGY_P95,
    COLUMN_ENERGY_WORST,
    COLUMN_SOURCE,
    COLUMN_PARETO,
    COLUMN_COST_BAR,
    COLUMN_ERROR_BAR,
    COLUMNS,
};

static const report_column columns[COLUMNS] = {
    [COLUMN_THRESHOLD] = {.name = "threshold", .heading = "threshold", .type = REPORT_REAL},
    [COLUMN_LEFT] = {.name = "reach_end",
                     .heading = "reach end",
                     .type = REPORT_REAL,
                     .unit = REPORT_PERCENT},
    [COLUMN_ERROR_RATE] = {.name = "error_rate",
                           .heading = "error",
                           .type = REPORT_REAL,
                           .unit = REPORT_PERCENT},
    [COLUMN_RUNTIME] = {.name = "runtime_s",
                        .heading = "runtime",
                        .type = REPORT_REAL,
                        .unit = REPORT_SECONDS},
    [COLUMN_ENERGY] = {.name = "energy_j",
                       .heading = "energy",
                       .type = REPORT_REAL,
                       .unit = REPORT_JOULES},
    [COLUMN_ENERGY_P95] = {.name = "energy_p95_j", .type = REPORT_REAL},
    [COLUMN_ENERGY_WORST] = {.name = "energy_worst_j", .type = REPORT_REAL},
    [COLUMN_SOURCE] = {.name = "energy_source", .type = REPORT_TEXT},
    [COLUMN_PARETO] = {.name = "pareto", .heading = "front", .type = REPORT_TEXT},
    [COLUMN_COST_BAR] = {.heading = "cost, drawn", .type = REPORT_TEXT},
    [COLUMN_ERROR_BAR] = {.heading = "error, drawn", .type = REPORT_TEXT},
};

static const char *parse_points(cli_options *options, const char *text) {
    trace_options *own = options->extra;
    return cli_parse_integer(text, 2, MOST_POINTS, &own->n_points) ? NULL
                                                                   : "a whole number from 2 to 101";
}

// --- Points -----------------------------------------------------------------------------------

static jc_status evaluate(jc_technique *technique, const subject *s, const device *d,
                          trace_point *p, jc_error *err) {
    jc_evaluation e;
    jc_technique_set_threshold(technique, p->threshold);
    const jc_status status = jc_evaluate_technique(technique, (const jc_graph *const *)s->graphs,
                                                   &d->source, NULL, &e, err);
    if (status != JC_OK) {
        return status;
    }
    p->error_rate = jc_technique_error_rate(technique);
    p->totals = e.totals;
    p->energy_p95_j = e.energy_p95_j;
    p->energy_worst_j = e.energy_worst_j;
    p->left = jc_technique_reach_end(technique);
    jc_evaluation_clear(&e);
    return JC_OK;
}

// By energy; by time where there are no joules.
static double cost_of(const trace_point *p) {
    return isfinite(p->totals.energy_j) ? p->totals.energy_j : p->totals.runtime_s;
}

static void find_front(trace_point *points, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        trace_point *p = &points[i];
        p->is_best = isfinite(cost_of(p)) && isfinite(p->error_rate);
        for (size_t k = 0; p->is_best && k < n; ++k) {
            const double cost = cost_of(&points[k]);
            const bool no_worse = cost <= cost_of(p) && points[k].error_rate <= p->error_rate;
            const bool better = cost < cost_of(p) || points[k].error_rate < p->error_rate;
            p->is_best = !(no_worse && better);
        }
    }
}

static void draw_bar(char *bar, double value, double largest, bool is_best) {
    const double share = value / largest;
    const int length = isfinite(share) ? (int)floor(share * BAR_WIDTH + 0.5) : 0;
    bar[0] = '\0';
    for (int c = 0; c < length; ++c) {
        strcat(bar, is_best ? "█" : "░");
    }
}

static void draw_front(trace_point *points, size_t n) {
    double dearest = 0;
    double worst = 0;
    for (size_t i = 0; i < n; ++i) {
        dearest = fmax(dearest, cost_of(&points[i]));
        worst = fmax(worst, points[i].error_rate);
    }
    for (size_t i = 0; i < n; ++i) {
        trace_point *p = &points[i];
        draw_bar(p->cost_bar, cost_of(p), dearest, p->is_best);
        draw_bar(p->error_bar, p->error_rate, worst, p->is_best);
    }
}

// --- Printing ---------------------------------------------------------------------------------

static cli_exit print(const cli_options *options, const subject *s, const device *d,
                      const trace_point *points, size_t n) {
    static report_value values[MOST_POINTS][COLUMNS];
    report_plot_point drawn[MOST_POINTS];
    char note[512];
    char where[1024];
    for (size_t i = 0; i < n; ++i) {
        const trace_point *p = &points[i];
        const report_value row[COLUMNS] = {
            [COLUMN_THRESHOLD].real = p->threshold,
            [COLUMN_LEFT].real = p->left,
            [COLUMN_ERROR_RATE].real = p->error_rate,
            [COLUMN_RUNTIME].real = p->totals.runtime_s,
            [COLUMN_ENERGY].real = p->totals.energy_j,
            [COLUMN_ENERGY_P95].real = p->energy_p95_j,
            [COLUMN_ENERGY_WORST].real = p->energy_worst_j,
            [COLUMN_SOURCE].text = device_energy_source(d, &p->totals),
            [COLUMN_PARETO].text = p->is_best ? "yes" : "no",
            [COLUMN_COST_BAR].text = p->cost_bar,
            [COLUMN_ERROR_BAR].text = p->error_bar,
        };
        memcpy(values[i], row, sizeof row);
        drawn[i] = (report_plot_point){cost_of(p), p->error_rate, p->is_best};
    }
    (void)snprintf(
        note, sizeof note,
        "%.200s: an input leaves at the first exit or network that is at least as "
        "confident as the threshold. Bars are energy (time where there are no joules) and "
        "error; what is on the Pareto front, of which none is worse in both, has full ones.",
        s->architecture == NULL ? "A cascade" : s->architecture);
    device_describe(d, &points[n - 1].totals, where, sizeof where);
    const char *const notes[] = {note, where, NULL};
    const bool has_joules = isfinite(points[n - 1].totals.energy_j);
    const report_plot plot = {
        .title = "Error and cost of each threshold",
        .x = {has_joules ? "energy" : "runtime", has_joules ? REPORT_JOULES : REPORT_SECONDS},
        .y = {"error", REPORT_PERCENT},
        .points = drawn,
        .n = n,
    };
    const report_table table = {columns, COLUMNS, values[0], n};
    return cli_print_notes(options, "Trace", notes, &plot, &table);
}

// --- Command ----------------------------------------------------------------------------------

// The technique's own network, or that of the second operand.
static jc_status load_subject(const cli_options *options, jc_technique *technique, subject *s,
                              jc_error *err) {
    const jc_graph_options graph_options = cli_graph_options(options);
    const bool names_one = jc_technique_get_network(technique, 0).architecture != NULL;
    if (options->n_operands == 1 && !names_one) {
        return jc_error_set(err, JC_EPARSE, options->operands[0], 0,
                            "this technique names no `architecture`; name an ARCH after it");
    }
    if (options->n_operands == 2 && names_one) {
        return jc_error_set(err, JC_EPARSE, options->operands[0], 0,
                            "this technique names its architecture; leave '%.100s' out",
                            options->operands[1]);
    }
    return subject_load(options->operands[options->n_operands - 1], &graph_options, s, err);
}

static size_t set_thresholds(const jc_technique *technique, size_t n, trace_point *points) {
    double thresholds[MOST_POINTS];
    n = jc_technique_thresholds(technique, n, thresholds);
    for (size_t i = 0; i < n; ++i) {
        points[i].threshold = thresholds[i];
    }
    return n;
}

// Fills in the points whose thresholds are set.
static jc_status trace(jc_technique *technique, const subject *s, const device *d,
                       trace_point *points, size_t n, jc_error *err) {
    if (n == 0) {
        const jc_technique_network about = jc_technique_get_network(technique, 0);
        return jc_error_set(err, JC_EPARSE, about.file, about.line,
                            "there is no validation run to trace: its exits or networks need "
                            "`confidences`");
    }
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        status = evaluate(technique, s, d, &points[i], err);
    }
    return status;
}

static cli_exit run_trace(const cli_command *self, int argc, char **argv) {
    trace_options own = {.n_points = USUAL_POINTS};
    cli_options options = {.extra = &own};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    if (own.devices.n_profiles + own.devices.n_accelerators > 1) {
        return cli_report_usage(self->name, "takes one device");
    }
    jc_error err = {0};
    device_list devices = {.n = 0};
    jc_technique *technique = NULL;
    subject s = {.n_graphs = 0};
    trace_point *points = calloc(MOST_POINTS, sizeof *points);
    size_t n = 0;
    jc_status status = points == NULL ? jc_error_set(&err, JC_ENOMEM, NULL, 0, "out of memory")
                                      : devices_load(&own.devices, &options.power, &devices, &err);
    if (status == JC_OK) {
        status = jc_technique_load(options.operands[0], &technique, &err);
    }
    if (status == JC_OK) {
        status = load_subject(&options, technique, &s, &err);
    }
    if (status == JC_OK) {
        n = set_thresholds(technique, (size_t)own.n_points, points);
        status = trace(technique, &s, &devices.items[0], points, n, &err);
    }
    if (status == JC_OK) {
        find_front(points, n);
        draw_front(points, n);
        code = print(&options, &s, &devices.items[0], points, n);
    } else {
        code = cli_report_error(&err);
    }
    subject_clear(&s);
    jc_technique_free(technique);
    devices_clear(&devices);
    free(points);
    return code;
}

static const cli_option option_points = {'n', "points", "N",
                                         "thresholds that are tried, 2 to 101 (21)", parse_points};

static const cli_option *const options_of_trace[] = {
    &cli_option_profiles,
    &cli_option_accelerators,
    &cli_option_analytic,
    &option_points,
    &cli_option_batch_size,
    &cli_option_precision,
    &cli_option_input,
    &cli_option_format,
    &cli_option_power_declared,
    &cli_option_output,
    NULL,
};

extern const cli_command cli_trace;

const cli_command cli_trace = {
    .name = "trace",
    .summary = "Trace error and energy of early exits over the confidence they ask for",
    .operands = "TECHNIQUE [ARCH]",
    .help =
        "TECHNIQUE is a file whose exits name a validation run; ARCH its network, unless the file\n"
        "says which.\n",
    .min_operands = 1,
    .max_operands = 2,
    .options = options_of_trace,
    .run = run_trace,
};
