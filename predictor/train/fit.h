// SPDX-License-Identifier: Apache-2.0
/** @file The models of one kernel from a set of its rows. */
#ifndef JC_TRAIN_FIT_H
#define JC_TRAIN_FIT_H

#include "rows.h"

/** Which rows, and how. */
typedef struct fit_request {
    const train_rows *set;
    const size_t *index; ///< [n] rows of the set
    size_t n;
    const jc_train_options *options;
    uint64_t seed; ///< of the inner folds
} fit_request;

/**
 * Fit runtime, and power where rows have it. Spreads come from the inner folds; held-out errors are
 * left 0 but for `terms`. What the model points to lives in the arena.
 *
 * @retval JC_ERANGE  fewer than 2 configurations
 * @retval JC_ENOTCONV, JC_ENOMEM
 */
JC_MUST_USE jc_status fit_kernel(const fit_request *request, jc_arena *arena,
                                 kernel_model *out_model);

/**
 * Fit the model for kernels without rows: runtime from calls, MACs and bytes, all kernels of the
 * dataset counting alike; power their mean. Its spread is that of predictions for kernels left out.
 *
 * @param sets  [n_sets], one a kernel and precision; at least one row among them.
 */
JC_MUST_USE jc_status fit_fallback(const train_rows *sets, size_t n_sets, jc_arena *arena,
                                   kernel_model *out_model);

#endif
