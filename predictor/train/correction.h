// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Corrections: a sparse polynomial for the logarithm of what a backbone leaves.
 *
 * A first round chooses among the candidates by rule (candidates.h). A second round, where it is
 * asked for, offers those that the first one used, and the conditions that trees find in its errors
 * (rules.h), anew without each fold; it replaces the first one where the folds say so by more than
 * a standard error. All quantities may be in a condition, for a correction is held at the ranges of
 * the rows. docs/METHOD.md.
 */
#ifndef JC_TRAIN_CORRECTION_H
#define JC_TRAIN_CORRECTION_H

#include "candidates.h"

#include <joulecast/train.h>

/** Rows of one target. */
typedef struct correction_rows {
    size_t n;
    const model_point **points; ///< [n]
    double *y;                  ///< [n], > 0
    double *weights;            ///< [n]
    int *fold;                  ///< [n], 0 … n_folds − 1
    int n_folds;
} correction_rows;

typedef struct correction_options {
    const kernel_model *k; ///< its ranges
    const jc_train_options *train;
    size_t max_terms;
    bool with_rules; ///< a second round, too
} correction_options;

/**
 * Fit g to a model whose backbone, bound and limits are set; the intercept goes into the backbone.
 *
 * @param out_of_fold [n]: predictions by fits without each row's fold.
 * @retval JC_ENOTCONV, JC_ENOMEM
 */
JC_MUST_USE jc_status correction_fit(const correction_rows *rows, const candidates *c,
                                     const correction_options *options, jc_arena *arena, model *m,
                                     double *out_of_fold);

#endif
