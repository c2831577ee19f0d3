// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/analyze: what a validation run said at each exit, from which rates follow.
 */
#ifndef JC_ANALYZE_CONFIDENCE_H
#define JC_ANALYZE_CONFIDENCE_H

#include "common/arena.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

/** A validation run. The last exit is the network's own end, called "final". */
typedef struct confidence_table {
    size_t n_exits; ///< without the end
    size_t n_samples;
    double *confidence; ///< [n_samples x n_exits]
    bool *correct;      ///< [n_samples x (n_exits + 1)]
} confidence_table;

/**
 * Read a CSV file with the columns sample, exit, confidence, correct; its records in any order.
 *
 * @param exits  [n_exits] their names.
 * @retval JC_EPARSE  err names file and line, or the sample that lacks an exit
 */
JC_MUST_USE jc_status confidence_load(const char *path, const char *const *exits, size_t n_exits,
                                      jc_arena *arena, confidence_table *out_table, jc_error *err);

/**
 * Where samples leave if they do so at the first exit that is at least as confident.
 *
 * @param out_rates       [n_exits] shares of the samples.
 * @return share of wrong answers
 */
double confidence_follow(const confidence_table *table, double threshold, double *out_rates);

/** Up to n thresholds, rising, from 0 (all leave) to above 1 (none does): quantiles between. */
size_t confidence_thresholds(const confidence_table *table, size_t n, double *out_thresholds);

#endif
