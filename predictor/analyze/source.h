// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/analyze: the price of one kernel, whoever gives it. */
#ifndef JC_ANALYZE_SOURCE_H
#define JC_ANALYZE_SOURCE_H

#include <joulecast/analyze.h>

/**
 * Fill in the cost's prediction, and its bytes where the source compresses what it moves.
 *
 * @param setting  NULL: dense, in the kernel's own precision, which is priced even without rows in
 *                 it (by the fallback), as jc_analyze does.
 */
void source_price(const jc_source *source, const jc_kernel *kernel, const jc_setting *setting,
                  jc_layer_cost *cost);

/** The same, from a description. */
void accelerator_price(const jc_accelerator *a, const jc_kernel *kernel, const jc_setting *s,
                       jc_layer_cost *cost);

#endif
