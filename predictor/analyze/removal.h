// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/analyze: layers on their way out of a network, and what stands in for
 * them. */
#ifndef JC_ANALYZE_REMOVAL_H
#define JC_ANALYZE_REMOVAL_H

#include "technique.h"

#include <joulecast/graph.h>

enum {
    REMOVAL_NONE = -1,    ///< nothing comes in
    REMOVAL_SEVERAL = -2, ///< several tensors do
};

typedef struct removal {
    const jc_graph *graph;
    const jc_layer *layers;
    size_t n_layers;
    bool *gone;           ///< [layers]
    const statement **by; ///< [layers] of one that goes: who says so
    bool *by_gate;        ///< [layers] of one that goes with its branches: its gate stands in
    int64_t *source;      ///< [layers] of one that goes: the one tensor that comes in from outside
    bool *needed;         ///< [layers] of one that goes: something that stays takes it
    int64_t *gate;        ///< [layers] the last tensor that all ways to the layer pass
    int64_t *depth;       ///< [layers] gates before it
    bool *in_region;      ///< [layers] scratch
    bool *stays_for;      ///< [layers] scratch
} removal;

/** Nothing goes yet. @param arena  holds what the removal points to. @retval JC_ENOMEM */
JC_MUST_USE jc_status removal_init(const jc_graph *graph, jc_arena *arena, removal *out_removal);

/** A layer goes, unless it has gone. */
void removal_take(removal *r, size_t layer, const statement *by);

/**
 * After layers were taken: with one that several branches lead to goes all in them that nothing
 * else takes; sources and needs are found anew.
 */
void removal_settle(removal *r);

/** True if a layer that goes can be replaced by its source. */
bool removal_is_replaceable(const removal *r, size_t layer);

/** Edits for jc_graph_edit: layers that go hand on their sources. @param edits [layers] */
void removal_edit(const removal *r, jc_layer_edit *edits);

#endif
