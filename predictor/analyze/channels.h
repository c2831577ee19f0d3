// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/analyze: which channels of a network can be taken out, and with which
 * others.
 *
 * Channels are followed one by one through the graph. What an addition sums belongs together, a
 * concatenation puts side by side, a depthwise convolution hands on, a shuffle permutes. Channels
 * that are made by the same layers form a class: they stand or fall together, and any number of
 * them may go. Where channels cannot be followed (a split, attention) they are pinned.
 */
#ifndef JC_ANALYZE_CHANNELS_H
#define JC_ANALYZE_CHANNELS_H

#include "common/arena.h"

#include <joulecast/graph.h>

#include <stdbool.h>

/** Channels that are made by the same layers. */
typedef struct channel_class {
    size_t n;            ///< channels
    size_t n_kept;       ///< of them: for the caller to set before channels_edit
    int64_t multiple;    ///< n_kept has to be a multiple of it: groups of convolutions
    bool is_pinned;      ///< none may go,
    const char *reason;  ///< for this reason: "they are outputs of the network",
    size_t reason_layer; ///< in this layer
} channel_class;

typedef struct channels channels;

/** Follow the channels of a graph, which is borrowed. @retval JC_EUNSUPPORTED too many; JC_ENOMEM
 */
JC_MUST_USE jc_status channels_find(const jc_graph *graph, channels **out_channels, jc_error *err);
void channels_free(channels *c);

channel_class *channels_classes(channels *c, size_t *out_n);

/** True for a layer that makes channels of its own: a dense convolution, a linear layer, … */
bool channels_makes(const channels *c, size_t layer);

/**
 * Classes of the channels that a layer makes.
 *
 * @param out_classes  [as many as there are classes]
 * @return their number; 0 for a layer that makes none
 */
size_t channels_of_layer(const channels *c, size_t layer, size_t *out_classes);

/** Smallest number of which what is left of a class has to be a multiple: of its groups, and of
 * `also`. */
size_t channels_multiple(const channel_class *class_, int64_t also);

/**
 * Edits that leave n_kept channels of each class, evenly spread: which ones matter is for training
 * to say, and costs do not depend on it.
 *
 * @param edits  [number of layers]; values are added where a layer changes, in the arena.
 * @retval JC_ESHAPE  err->message says which groups would be left unequal
 */
JC_MUST_USE jc_status channels_edit(channels *c, jc_arena *arena, jc_layer_edit *edits,
                                    jc_error *err);

#endif
