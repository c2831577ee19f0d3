// SPDX-License-Identifier: Apache-2.0
/** @file Nested cross-validation of a kernel's models, and how errors grow outside their range. */
#ifndef JC_TRAIN_CROSSVAL_H
#define JC_TRAIN_CROSSVAL_H

#include "fit.h"

/**
 * Held-out errors and spreads of a kernel, into a model fitted on all its rows.
 *
 * Each fold's rows are predicted by models that have not seen them in any way; spreads of the final
 * model come from these residuals, coverage from the intervals of the folds' own models.
 */
JC_MUST_USE jc_status crossval_kernel(const train_rows *set, const jc_train_options *options,
                                      kernel_model *k);

/** How fast errors grow with the distance from the rows: fits without the largest or smallest rows
 *  predict those. Into k->widening. */
JC_MUST_USE jc_status crossval_widening(const train_rows *set, const jc_train_options *options,
                                        kernel_model *k);

#endif
