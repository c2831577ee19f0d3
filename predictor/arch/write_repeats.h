// SPDX-License-Identifier: Apache-2.0
/** @file Private to write.c: layers that repeat themselves, to be written as a block. */
#ifndef JC_ARCH_WRITE_REPEATS_H
#define JC_ARCH_WRITE_REPEATS_H

#include "graph_build.h"

/** Layers that are the same several times in a row. */
typedef struct repeats {
    size_t first;  ///< index of the first layer
    size_t length; ///< layers of one repetition
    size_t count;  ///< repetitions, 2 or more
} repeats;

/**
 * Find them: each repetition takes nothing but the last layer of the one before it, and gives
 * nothing but its own last layer.
 *
 * @param out_repeats  in order, without overlap; the caller frees it.
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status repeats_find(const jc_graph *graph, repeats **out_repeats, size_t *out_n);

#endif
