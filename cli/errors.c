// SPDX-License-Identifier: Apache-2.0
// Error tables as reports.
#include "errors.h"

#include <stdlib.h>

enum {
    ERRORS_KERNEL,
    ERRORS_PRECISION,
    ERRORS_TARGET,
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
    [ERRORS_PRECISION] = {.name = "precision", .heading = NULL, .type = REPORT_TEXT},
    [ERRORS_TARGET] = {.name = "target", .heading = "target", .type = REPORT_TEXT},
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
    row[ERRORS_KERNEL].text = jc_kernel_name(record->kind);
    row[ERRORS_PRECISION].text = jc_precision_name(record->precision);
    row[ERRORS_TARGET].text = jc_target_name(record->target);
    row[ERRORS_ROWS].integer = (int64_t)e->rows;
    row[ERRORS_TERMS].integer = (int64_t)e->terms;
    row[ERRORS_RMSPE].real = e->rmspe;
    row[ERRORS_MAPE].real = e->mape;
    row[ERRORS_MDAPE].real = e->mdape;
    row[ERRORS_WITHIN_10].real = e->within_10;
    row[ERRORS_WITHIN_20].real = e->within_20;
    row[ERRORS_BIAS].real = e->bias;
    row[ERRORS_COVERAGE_90].real = e->coverage_90;
}

cli_exit cli_print_errors(const cli_options *options, const char *title,
                          const jc_error_table *errors) {
    report_value *values = calloc(errors->n_records + 1, ERRORS_COLUMNS * sizeof *values);
    if (values == NULL) {
        const jc_error err = {.status = JC_ENOMEM};
        return cli_report_error(&err);
    }
    for (size_t i = 0; i < errors->n_records; ++i) {
        fill_row(&errors->records[i], values + i * ERRORS_COLUMNS);
    }
    const report_table table = {columns, ERRORS_COLUMNS, values, errors->n_records};
    const cli_exit code = cli_print_table(options, title, &table);
    free(values);
    return code;
}
