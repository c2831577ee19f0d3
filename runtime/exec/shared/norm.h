// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: batch normalisation folded into the constants before it. */
#ifndef JC_EXEC_SHARED_NORM_H
#define JC_EXEC_SHARED_NORM_H

#include "node.h"

/** What batch normalisation folded into the layer before it does to a constant of that layer. */
typedef enum tensor_fold { FOLD_NOTHING, FOLD_WEIGHTS, FOLD_BIAS } tensor_fold;

enum { NORM_VALUES = 4 };

/** Learned values of a batch normalisation, one a channel. */
typedef struct norm_values {
    tensor_id mean, variance, scale, shift;
    double eps;
} norm_values;

/**
 * Weights times scale/sqrt(variance + eps) of the channel they lead to; a bias likewise, less the
 * mean, plus the shift.
 *
 * @param learned  [NORM_VALUES x channels] mean, variance, scale, shift
 * @param values   [n] channels outermost
 */
void norm_fold(tensor_fold fold, const float *learned, size_t channels, double eps, size_t n,
               float *values);

#endif
