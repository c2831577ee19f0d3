// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/analyze: the price of one kernel, whoever gives it. */
#ifndef JC_ANALYZE_SOURCE_H
#define JC_ANALYZE_SOURCE_H

#include <joulecast/analyze.h>

/** What zeros spare, each from 0 to 1: of a profile the shares that it declares, of an accelerator
 * 1 for operands that it skips or compresses. */
typedef struct source_skips {
    double weights, inputs, outputs;
} source_skips;

source_skips source_skips_of(const jc_source *source);

/**
 * Fill in the cost's prediction, and its bytes where the source compresses what it moves.
 *
 * @param setting  NULL: dense, in the kernel's own precision, which is priced even without rows in
 *                 it (by the fallback), as jc_analyze does.
 */
void source_price(const jc_source *source, const jc_kernel *kernel, const jc_setting *setting,
                  jc_layer_cost *cost);

/**
 * Fill in what a kernel takes that is done where another one writes: of an activation, what it
 * takes by itself beyond a relu of the same sizes, which does nothing but move them; of others, and
 * where the profile does not know both, nothing.
 *
 * @param source  a profile
 */
void source_price_fused(const jc_source *source, const jc_kernel *kernel, const jc_setting *setting,
                        jc_layer_cost *cost);

/** What the source knows of whole networks in the number format of a layer; nothing where it is a
 *  description. */
jc_network_spread source_network_spread(const jc_source *source, const jc_kernel *kernel,
                                        const jc_setting *setting);

/** Whether the memo's profile prices a kernel by its reuse_bytes; where not, kernels leave them 0,
 * so that networks share what the memo knows. */
bool memo_prices_reuse(const jc_memo *memo);

/** The same, from a description. */
void accelerator_price(const jc_accelerator *a, const jc_kernel *kernel, const jc_setting *s,
                       jc_layer_cost *cost);

#endif
