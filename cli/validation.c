// SPDX-License-Identifier: Apache-2.0
// Records of validation as a table.
#include "validation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    V_ARCHITECTURE,
    V_LAYER,
    V_KERNEL,
    V_BATCH_SIZE,
    V_PRECISION,
    V_PREDICTED_RUNTIME,
    V_RUNTIME_LOW,
    V_RUNTIME_HIGH,
    V_MEASURED_RUNTIME,
    V_RUNTIME_ERROR,
    V_RUNTIME_HELD,
    V_RUNTIME_REL_SD,
    V_LAYERS_RUNTIME,
    V_PREDICTED_ENERGY,
    V_ENERGY_LOW,
    V_ENERGY_HIGH,
    V_MEASURED_ENERGY,
    V_ENERGY_ERROR,
    V_ENERGY_HELD,
    V_COLUMNS,
};

#define REAL(machine, people, u)                                                                   \
    { .name = machine, .heading = people, .type = REPORT_REAL, .unit = u }

static const report_column columns[V_COLUMNS] = {
    [V_ARCHITECTURE] = {.name = "architecture", .heading = "network", .type = REPORT_TEXT},
    [V_LAYER] = {.name = "layer",
                 .heading = "layer",
                 .type = REPORT_TEXT,
                 .narrowest = 8,
                 .fit = REPORT_CUT_FRONT},
    [V_KERNEL] = {.name = "kernel", .heading = NULL, .type = REPORT_TEXT},
    [V_BATCH_SIZE] = {.name = "batch_size", .heading = "batch", .type = REPORT_INTEGER},
    [V_PRECISION] = {.name = "precision", .heading = NULL, .type = REPORT_TEXT},
    [V_PREDICTED_RUNTIME] = REAL("predicted_runtime_s", "predicted", REPORT_SECONDS),
    [V_RUNTIME_LOW] = REAL("runtime_low_s", NULL, REPORT_SECONDS),
    [V_RUNTIME_HIGH] = REAL("runtime_high_s", NULL, REPORT_SECONDS),
    [V_MEASURED_RUNTIME] = REAL("measured_runtime_s", "measured", REPORT_SECONDS),
    [V_RUNTIME_ERROR] = REAL("runtime_error", "error", REPORT_PERCENT),
    [V_RUNTIME_HELD] = {.name = "runtime_held", .heading = "held", .type = REPORT_TEXT},
    [V_RUNTIME_REL_SD] = REAL("runtime_rel_sd", NULL, REPORT_PERCENT),
    [V_LAYERS_RUNTIME] = REAL("layers_runtime_s", "sum of layers", REPORT_SECONDS),
    [V_PREDICTED_ENERGY] = REAL("predicted_energy_j", "predicted J", REPORT_JOULES),
    [V_ENERGY_LOW] = REAL("energy_low_j", NULL, REPORT_JOULES),
    [V_ENERGY_HIGH] = REAL("energy_high_j", NULL, REPORT_JOULES),
    [V_MEASURED_ENERGY] = REAL("measured_energy_j", "measured J", REPORT_JOULES),
    [V_ENERGY_ERROR] = REAL("energy_error", "error J", REPORT_PERCENT),
    [V_ENERGY_HELD] = {.name = "energy_held", .heading = "held J", .type = REPORT_TEXT},
};

validation_record validation_of_network(const jc_graph *graph, const jc_totals *totals) {
    validation_record r = {
        .batch_size = jc_graph_batch_size(graph),
        .precision = jc_graph_precision(graph),
        .predicted_runtime_s = totals->runtime_s,
        .runtime_low_s = totals->runtime_low_s,
        .runtime_high_s = totals->runtime_high_s,
        .measured_runtime_s = (double)NAN,
        .runtime_rel_sd = (double)NAN,
        .predicted_energy_j = totals->energy_j,
        .energy_low_j = totals->energy_low_j,
        .energy_high_j = totals->energy_high_j,
        .measured_energy_j = (double)NAN,
        .layers_runtime_s = (double)NAN,
    };
    (void)snprintf(r.architecture, sizeof r.architecture, "%s", jc_graph_name(graph));
    return r;
}

// "yes" or "no"; NULL where one of the three is not known.
static const char *held(double low, double measured, double high) {
    if (isnan(low) || isnan(measured) || isnan(high)) {
        return NULL;
    }
    return low <= measured && measured <= high ? "yes" : "no";
}

static void fill_row(const validation_record *r, report_value *row) {
    row[V_ARCHITECTURE].text = r->architecture;
    row[V_LAYER].text = r->layer[0] == '\0' ? NULL : r->layer;
    row[V_KERNEL].text = r->kernel;
    row[V_BATCH_SIZE].integer = r->batch_size;
    row[V_PRECISION].text = jc_precision_name(r->precision);
    row[V_PREDICTED_RUNTIME].real = r->predicted_runtime_s;
    row[V_RUNTIME_LOW].real = r->runtime_low_s;
    row[V_RUNTIME_HIGH].real = r->runtime_high_s;
    row[V_MEASURED_RUNTIME].real = r->measured_runtime_s;
    row[V_RUNTIME_ERROR].real = r->predicted_runtime_s / r->measured_runtime_s - 1;
    row[V_RUNTIME_HELD].text = held(r->runtime_low_s, r->measured_runtime_s, r->runtime_high_s);
    row[V_RUNTIME_REL_SD].real = r->runtime_rel_sd;
    row[V_LAYERS_RUNTIME].real = r->layers_runtime_s;
    row[V_PREDICTED_ENERGY].real = r->predicted_energy_j;
    row[V_ENERGY_LOW].real = r->energy_low_j;
    row[V_ENERGY_HIGH].real = r->energy_high_j;
    row[V_MEASURED_ENERGY].real = r->measured_energy_j;
    row[V_ENERGY_ERROR].real = r->predicted_energy_j / r->measured_energy_j - 1;
    row[V_ENERGY_HELD].text = held(r->energy_low_j, r->measured_energy_j, r->energy_high_j);
}

validation_summary validation_summarise(const validation_record *records, size_t n) {
    validation_summary s = {.n = 0};
    for (size_t i = 0; i < n; ++i) {
        const validation_record *r = &records[i];
        const double error = fabs(r->predicted_runtime_s / r->measured_runtime_s - 1);
        if (r->layer[0] != '\0' || isnan(error)) {
            continue;
        }
        ++s.n;
        s.mape += error;
        s.worst = fmax(s.worst, error);
        s.within_20 += error <= 0.2;
        s.in_interval +=
            r->runtime_low_s <= r->measured_runtime_s && r->measured_runtime_s <= r->runtime_high_s;
    }
    const double count = s.n == 0 ? (double)NAN : (double)s.n;
    s.mape /= count;
    s.within_20 /= count;
    s.in_interval /= count;
    return s;
}

void validation_report(const validation_summary *s) {
    if (s->n > 0) {
        (void)fprintf(stderr,
                      "joulecast: %zu whole networks: runtime off by %.1f %% in the mean and %.1f "
                      "%% at most; %.0f %% within 20 %%, %.0f %% in their 90 %% interval\n",
                      s->n, 100 * s->mape, 100 * s->worst, 100 * s->within_20,
                      100 * s->in_interval);
    }
}

cli_exit validation_print(const cli_options *options, const validation_record *records, size_t n) {
    report_value *values = calloc(n + 1, V_COLUMNS * sizeof *values);
    if (values == NULL) {
        const jc_error err = {.status = JC_ENOMEM};
        return cli_report_error(&err);
    }
    for (size_t i = 0; i < n; ++i) {
        fill_row(&records[i], values + i * V_COLUMNS);
    }
    const report_table table = {columns, V_COLUMNS, values, n};
    const cli_exit code = cli_print_table(options, "Predicted beside measured", &table);
    free(values);
    return code;
}
