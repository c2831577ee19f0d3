// SPDX-License-Identifier: Apache-2.0
/** @file Outcomes of the three targets on a set of rows, and tables of their errors. */
#ifndef JC_TRAIN_OUTCOMES_H
#define JC_TRAIN_OUTCOMES_H

#include "rows.h"
#include "statistics.h"

typedef struct outcomes {
    outcome *by[JC_TARGET_COUNT]; ///< [n] of each target
    size_t n[JC_TARGET_COUNT];
} outcomes;

/** Room for n rows. @retval JC_ENOMEM  outcomes_clear may be called all the same */
JC_MUST_USE jc_status outcomes_create(size_t n, outcomes *out_outcomes);

void outcomes_clear(outcomes *o);

/** Forget what was added; the room stays. */
void outcomes_reset(outcomes *o);

/** Add what a model predicts for a row: runtime, and power and energy where both have them. */
void outcomes_add(outcomes *o, const kernel_model *k, const train_row *row);

/** An empty table with room for records. @retval JC_ENOMEM */
JC_MUST_USE jc_status error_table_create(size_t most, jc_error_table **out_table);

/**
 * Add a record of each target that has outcomes.
 *
 * @param terms  of the models that predicted, by target
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status error_table_add(jc_error_table *table, const train_rows *set,
                                      const outcomes *o, const size_t terms[JC_TARGET_COUNT]);

#endif
