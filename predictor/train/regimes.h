// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Backbones with regimes: terms that count in part of the space, chosen by a non-negative lasso.
 *
 * Libraries change their way at thresholds (a vector is full, a cache is, a kernel is 1x1): there a
 * product of loop lengths costs another amount. Candidates are the products of backbone.h, each
 * everywhere and within each of the regimes that the rows show on both sides. Coefficients stay
 * non-negative, so the model is positive everywhere and grows linearly outside the rows.
 *
 * Minimises (1/2)·Σ w(1 − Σ c·f/y)²/Σw + λ·Σ s·c over c ≥ 0, s the root mean square of f/y; then,
 * as the relaxed lasso does, non-negative least squares on the terms chosen. λ by cross-validation.
 *
 * Second rounds offer, beside what the first one used, the regimes that trees find in its errors
 * (rules.h), anew without each fold: once among shapes alone, once among all quantities. The folds
 * choose between the three.
 * Sources: Tibshirani 1996; Meinshausen 2007; Lawson and Hanson 1974. docs/METHOD.md.
 */
#ifndef JC_TRAIN_REGIMES_H
#define JC_TRAIN_REGIMES_H

#include "rules.h"

typedef struct regimes_options {
    const int *fold; ///< [n] of the rows
    int n_folds;
    size_t max_terms;
    bool with_rules; ///< rounds with regimes that trees find, too
    double tolerance;
} regimes_options;

/**
 * @param out_model        its backbone is set.
 * @param out_of_fold      [n]: predictions by fits without each row's fold, λ that of all rows.
 * @retval JC_ENOTCONV, JC_ENOMEM
 */
JC_MUST_USE jc_status regimes_fit(const backbone_rows *rows, const regimes_options *options,
                                  jc_kernel_kind kind, jc_arena *arena, model *out_model,
                                  double *out_of_fold);

/** The candidates alone, for rows. */
JC_MUST_USE jc_status regimes_candidates(const backbone_rows *rows, jc_kernel_kind kind,
                                         jc_arena *arena, model_term **out_terms, size_t *out_n);

/** Terms of regimes that trees found: each rule with the leading products of the kernel. */
JC_MUST_USE jc_status regimes_of_rules(jc_kernel_kind kind, const rule *rules, size_t n_rules,
                                       jc_arena *arena, model_term **out_terms, size_t *out_n);

#endif
