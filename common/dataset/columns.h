// SPDX-License-Identifier: Apache-2.0
/** @file The columns of row files that hold what was measured: one table for reader, writer and
 *  import. */
#ifndef JC_DATASET_COLUMNS_H
#define JC_DATASET_COLUMNS_H

#include <joulecast/dataset.h>

enum { N_MEASURED_COLUMNS = 14, NETWORKS_COLUMN_COUNT = 4 };

/** Columns of networks.csv before those that are measured, in this order. */
enum {
    NETWORKS_ARCHITECTURE,
    NETWORKS_BATCH_SIZE,
    NETWORKS_INPUT_SHAPE, ///< of one sample, as "3x224x224"; empty = the architecture's own
    NETWORKS_PRECISION,
};
extern const char *const networks_columns[NETWORKS_COLUMN_COUNT];

/** Name of a measured column, in the order in which they stand in a file. */
const char *measured_name(int column);

/** Column of that name; −1 if there is none. */
int measured_find(const char *name);

/** True for `meter` and `algorithm`, which are texts; all others are numbers. */
bool measured_is_text(int column);

/** The text of a column that is one, of the size that it has room for. */
char *measured_text(jc_measurement *measured, int column, size_t *out_size);

/** NULL if a column may hold the value (NaN = unknown always may), else what would be right:
 *  "must be above 0". */
const char *measured_check(int column, double value);

/** Value of a column; NaN = unknown. Not of a text. */
double measured_get(const jc_measurement *measured, int column);

/** Set a column to a value that measured_check allows. */
void measured_set(jc_measurement *measured, int column, double value);

/** A measurement of which nothing is known. */
jc_measurement measured_unknown(void);

/** NULL if a text fits, else what would be right. */
const char *measured_check_text(int column, const char *text);

#endif
