// SPDX-License-Identifier: Apache-2.0
/** @file Nested cross-validation of a kernel's models, and how errors grow outside their range. */
#ifndef JC_TRAIN_CROSSVAL_H
#define JC_TRAIN_CROSSVAL_H

#include "fit.h"
#include "outcomes.h"

/** Configurations: with fewer, a fit would be left with one. */
enum { CROSSVAL_FEWEST = 3 };

/** @retval JC_EINVAL  an option is out of its range */
JC_MUST_USE jc_status crossval_check(const jc_train_options *options, jc_error *err);

/** Outer fold of every row of a set. @param out_fold [n_rows] @retval JC_ENOMEM */
JC_MUST_USE jc_status crossval_deal(const train_rows *set, const jc_train_options *options,
                                    int *out_fold, int *out_n_folds);

/** Seed of the inner folds of the fit without an outer fold. */
uint64_t crossval_seed(const jc_train_options *options, int without);

/**
 * Fit as requested, and add what the fit predicts for the rows of one fold.
 *
 * @param fold       [n_rows] of the set
 * @param out_terms  terms of the fit, by target
 */
JC_MUST_USE jc_status crossval_fold(const fit_request *request, const int *fold, int held_out,
                                    outcomes *o, size_t out_terms[JC_TARGET_COUNT]);

/**
 * Held-out errors and spreads of a kernel, into a model fitted on all its rows.
 *
 * Each fold's rows are predicted by models that have not seen them in any way; spreads of the final
 * model come from these residuals, coverage from the intervals of the folds' own models.
 */
JC_MUST_USE jc_status crossval_kernel(const train_rows *set, const jc_train_options *options,
                                      kernel_model *k);

/**
 * Share of the squared half-widths that the error of a sum over similar kernels keeps: the smallest
 * with which 90 % of the sums over 4, 8 and 16 neighbouring configurations are covered.
 *
 * @param held_out    [n] outcomes of one target
 * @param out_shared  0 (errors are each kernel's own) to 1 (they are one error, or too few
 *                    configurations tell)
 */
JC_MUST_USE jc_status crossval_shared(const train_rows *set, const outcome *held_out, size_t n,
                                      double *out_shared);

/** How fast errors grow with the distance from the rows: fits without the largest or smallest rows
 *  predict those. Into k->widening. */
JC_MUST_USE jc_status crossval_widening(const train_rows *set, const jc_train_options *options,
                                        kernel_model *k);

#endif
