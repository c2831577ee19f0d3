// SPDX-License-Identifier: Apache-2.0
// Error tables as reports.
#include "errors.h"

#include <stdlib.h>

enum {
    ERRORS_KERNEL,
    ERRORS_PRECISION,
    ERRORS_TARGET,
    ERRORS_TRAINING_ROWS, ///< of learning curves alone
    ERRORS_ROWS,
    ERRORS_TERMS,
    ERRORS_RMSPE,
    ERRORS_MAPE,
    ERRORS_MDAPE,
    ERRORS_WITHIN_10,
    ERRORS_WITHIN_20,
    ERRORS_BIAS,
    ERRORS_COVERAGE_90,
    ERRORS_COLUMNS,
};

static const report_column columns[ERRORS_COLUMNS] = {
    [ERRORS_KERNEL] = {.name = "kernel", .heading = "kernel", .type = REPORT_TEXT},
    [ERRORS_PRECISION] = {.name = "precision", .heading = "precision", .type = REPORT_TEXT},
    [ERRORS_TARGET] = {.name = "target", .heading = "target", .type = REPORT_TEXT},
    [ERRORS_TRAINING_ROWS] = {.name = "training_rows",
                              .heading = "trained on",
                              .type = REPORT_INTEGER},
    [ERRORS_ROWS] = {.name = "rows", .heading = "rows", .type = REPORT_INTEGER},
    [ERRORS_TERMS] = {.name = "terms", .heading = "terms", .type = REPORT_INTEGER},
    [ERRORS_RMSPE] = {.name = "rmspe",
                      .heading = "RMSPE",
                      .type = REPORT_REAL,
                      .unit = REPORT_PERCENT},
    [ERRORS_MAPE] = {.name = "mape",
                     .heading = "MAPE",
                     .type = REPORT_REAL,
                     .unit = REPORT_PERCENT},
    [ERRORS_MDAPE] = {.name = "mdape",
                      .heading = "median",
                      .type = REPORT_REAL,
                      .unit = REPORT_PERCENT},
    [ERRORS_WITHIN_10] = {.name = "within_10",
                          .heading = "in ±10 %",
                          .type = REPORT_REAL,
                          .unit = REPORT_PERCENT},
    [ERRORS_WITHIN_20] = {.name = "within_20",
                          .heading = "in ±20 %",
                          .type = REPORT_REAL,
                          .unit = REPORT_PERCENT},
    [ERRORS_BIAS] = {.name = "bias",
                     .heading = "bias",
                     .type = REPORT_REAL,
                     .unit = REPORT_PERCENT},
    [ERRORS_COVERAGE_90] = {.name = "coverage_90",
                            .heading = "in 90 % interval",
                            .type = REPORT_REAL,
                            .unit = REPORT_PERCENT},
};

static void fill_row(const jc_error_record *record, report_value *row) {
    const jc_errors *e = &record->errors;
    const bool is_network = record->kind == JC_KERNEL_NONE;
    row[ERRORS_KERNEL].text = is_network ? "network" : jc_kernel_name(record->kind);
    row[ERRORS_PRECISION].text = jc_precision_name(record->precision);
    row[ERRORS_TARGET].text = jc_target_name(record->target);
    row[ERRORS_TRAINING_ROWS].integer = (int64_t)record->training_rows;
    row[ERRORS_ROWS].integer = (int64_t)e->rows;
    row[ERRORS_TERMS].integer = is_network ? REPORT_UNKNOWN : (int64_t)e->terms;
    row[ERRORS_RMSPE].real = e->rmspe;
    row[ERRORS_MAPE].real = e->mape;
    row[ERRORS_MDAPE].real = e->mdape;
    row[ERRORS_WITHIN_10].real = e->within_10;
    row[ERRORS_WITHIN_20].real = e->within_20;
    row[ERRORS_BIAS].real = e->bias;
    row[ERRORS_COVERAGE_90].real = e->coverage_90;
}

// Columns of a table; without a learning curve the number of training rows is none of them.
static size_t choose_columns(bool is_curve, size_t chosen[ERRORS_COLUMNS]) {
    size_t n = 0;
    for (size_t c = 0; c < ERRORS_COLUMNS; ++c) {
        if (is_curve || c != ERRORS_TRAINING_ROWS) {
            chosen[n++] = c;
        }
    }
    return n;
}

cli_exit cli_print_errors(const cli_options *options, const char *title,
                          const jc_error_table *errors) {
    const bool is_curve = errors->n_records > 0 && errors->records[0].training_rows > 0;
    size_t chosen[ERRORS_COLUMNS];
    const size_t n_columns = choose_columns(is_curve, chosen);
    report_column shown[ERRORS_COLUMNS];
    for (size_t c = 0; c < n_columns; ++c) {
        shown[c] = columns[chosen[c]];
    }
    report_value *values = calloc(errors->n_records + 1, n_columns * sizeof *values);
    if (values == NULL) {
        const jc_error err = {.status = JC_ENOMEM};
        return cli_report_error(&err);
    }
    for (size_t i = 0; i < errors->n_records; ++i) {
        report_value row[ERRORS_COLUMNS];
        fill_row(&errors->records[i], row);
        for (size_t c = 0; c < n_columns; ++c) {
            values[i * n_columns + c] = row[chosen[c]];
        }
    }
    const report_table table = {shown, n_columns, values, errors->n_records};
    const cli_exit code = cli_print_table(options, title, &table);
    free(values);
    return code;
}

jc_status cli_join_errors(const jc_error_table *kernels, const jc_error_record *networks,
                          size_t n_networks, jc_error_table *out_table, jc_error *err) {
    const size_t n_kernels = kernels == NULL ? 0 : kernels->n_records;
    jc_error_record *records = calloc(n_kernels + n_networks + 1, sizeof *records);
    if (records == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    for (size_t i = 0; i < n_kernels; ++i) {
        records[i] = kernels->records[i];
    }
    for (size_t i = 0; i < n_networks; ++i) {
        records[n_kernels + i] = networks[i];
    }
    *out_table = (jc_error_table){records, n_kernels + n_networks};
    return JC_OK;
}
