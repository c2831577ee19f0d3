// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Costs side by side: each row's metrics and their ratios to the row it is compared with.
 *
 * Everything that goes in is borrowed and must outlive the printing.
 */
#ifndef JC_CLI_COMPARISON_H
#define JC_CLI_COMPARISON_H

#include "command.h"

#include <joulecast/technique.h>

/** What a row is compared by. */
typedef enum comparison_metric {
    COMPARISON_PARAMS,
    COMPARISON_MACS,
    COMPARISON_BYTES, ///< weights, and activations read and written
    COMPARISON_RUNTIME,
    COMPARISON_POWER,
    COMPARISON_ENERGY,
    COMPARISON_METRICS,
} comparison_metric;

typedef struct comparison_row {
    const char *architecture;
    const char *technique; ///< NULL = as it is
    const char *profile;   ///< name of the device's profile
    const char *precision;
    int64_t batch_size;
    jc_evaluation cost;
    double error_rate;         ///< NaN = not published
    const char *energy_source; ///< NULL = there are no joules
    const char *note;          ///< why something is not known; NULL = nothing to say
    size_t baseline;           ///< index of the row that its ratios refer to
} comparison_row;

/** What turns joules into other figures. */
typedef struct comparison_metrics {
    double alpha;      ///< weight of the error in energy-precision: error^alpha · J per inference
    double inferences; ///< in a year; NaN = none asked for
    double pue;        ///< energy of the building for each joule of the device
    double carbon;     ///< gCO2e for each kWh; NaN = not said
} comparison_metrics;

/** kWh of a year, building included; NaN where unknown. */
double comparison_year_kwh(const comparison_row *row, const comparison_metrics *metrics);

typedef struct comparison {
    comparison_metrics metrics;
    const comparison_row *rows; ///< [n_rows]
    size_t n_rows;
    const char *const *notes; ///< for people, before the table; ends with NULL
} comparison;

/** A metric of a row; NaN where it is not known. */
double comparison_value(const comparison_row *row, comparison_metric metric);

/** Print as -f and -o say. */
cli_exit comparison_print(const cli_options *options, const comparison *what);

#endif
