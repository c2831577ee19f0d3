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
    [ERRORS_KERNEL] = {"kernel", "kernel", REPORT_TEXT},
    [ERRORS_PRECISION] = {"precision", NULL, REPORT_TEXT},
    [ERRORS_TARGET] = {"target", "target", REPORT_TEXT},
    [ERRORS_ROWS] = {"rows", "rows", REPORT_INTEGER},
    [ERRORS_TERMS] = {"terms", "terms", REPORT_INTEGER},
    [ERRORS_RMSPE] = {"rmspe", "RMSPE", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_MAPE] = {"mape", "MAPE", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_MDAPE] = {"mdape", "median", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_WITHIN_10] = {"within_10", "in ±10 %", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_WITHIN_20] = {"within_20", "in ±20 %", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_BIAS] = {"bias", "bias", REPORT_REAL, REPORT_PERCENT},
    [ERRORS_COVERAGE_90] = {"coverage_90", "in 90 % interval", REPORT_REAL, REPORT_PERCENT},
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
