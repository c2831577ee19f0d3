// SPDX-License-Identifier: Apache-2.0
/** @file Rows of one CSV file, converted as its section of a mapping says. */
#ifndef JC_IMPORT_ROWS_H
#define JC_IMPORT_ROWS_H

#include "mapping.h"

#include "common/csv/csv.h"

#include <joulecast/import.h>

/** A CSV file bound to its section. */
typedef struct row_source {
    const mapping *mapping;
    const mapping_file *file;
    jc_csv *csv;
    size_t *columns; ///< [n_variables] CSV column of each variable; unused for defined ones
    double *values;  ///< [n_variables] of the current row; unused for texts
    int bad;         ///< first variable whose cell is no number, in the current row; −1 = none
    jc_error *err;
} row_source;

/** What became of a row. */
typedef struct row_result {
    int rule;            ///< that dropped it, an index of the section's rules, or n_rules: nothing
                         ///< was measured; −1 = the row is kept
    jc_kernel_kind kind; ///< JC_KERNEL_NONE: a network, or a word that means no kernel
    jc_row row;          ///< of kernels' files
    jc_network_row network; ///< of networks' files
} row_result;

/**
 * Bind a section to the columns of an open CSV file.
 *
 * @param out_source  its arrays live in the arena; `csv` stays the caller's.
 * @retval JC_EPARSE  a source column is missing; err names the line of the mapping
 */
JC_MUST_USE jc_status rows_bind(const mapping *m, const mapping_file *file, jc_csv *csv,
                                jc_arena *arena, row_source *out_source, jc_error *err);

/**
 * Convert the record that was read last.
 *
 * @param rules  counters of the `unknown` rules that apply are raised, of rows that are kept.
 * @retval JC_EPARSE, JC_ESHAPE  err names line and column of the CSV
 */
JC_MUST_USE jc_status rows_convert(row_source *source, jc_import_rule *rules,
                                   row_result *out_result);

#endif
