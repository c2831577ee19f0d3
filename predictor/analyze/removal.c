// SPDX-License-Identifier: Apache-2.0
// What has to go with a layer, and which tensor stands in for it.
#include "removal.h"

#include <string.h>

// --- Gates ----------------------------------------------------------------------------------

static int64_t common_gate(const removal *r, int64_t a, int64_t b) {
    while (a != b && a != REMOVAL_NONE && b != REMOVAL_NONE) {
        if (r->depth[a] >= r->depth[b]) {
            a = r->gate[a];
        } else {
            b = r->gate[b];
        }
    }
    return a == b ? a : REMOVAL_NONE;
}

// Gates are immediate dominators, in one pass since layers come after what they take: see Cooper,
// Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001.
static void find_gates(removal *r) {
    for (size_t i = 0; i < r->n_layers; ++i) {
        const jc_layer *l = &r->layers[i];
        int64_t gate = l->n_inputs == 0 ? REMOVAL_NONE : (int64_t)l->inputs[0];
        for (size_t k = 1; k < l->n_inputs; ++k) {
            gate = common_gate(r, gate, l->inputs[k]);
        }
        r->gate[i] = gate;
        r->depth[i] = gate == REMOVAL_NONE ? 0 : r->depth[gate] + 1;
    }
}

jc_status removal_init(const jc_graph *graph, jc_arena *arena, removal *out_removal) {
    removal r = {.graph = graph};
    r.layers = jc_graph_layers(graph, &r.n_layers);
    const size_t n = r.n_layers + 1;
    r.gone = jc_arena_alloc(arena, n, sizeof *r.gone);
    r.by = jc_arena_alloc(arena, n, sizeof *r.by);
    r.by_gate = jc_arena_alloc(arena, n, sizeof *r.by_gate);
    r.source = jc_arena_alloc(arena, n, sizeof *r.source);
    r.needed = jc_arena_alloc(arena, n, sizeof *r.needed);
    r.gate = jc_arena_alloc(arena, n, sizeof *r.gate);
    r.depth = jc_arena_alloc(arena, n, sizeof *r.depth);
    r.in_region = jc_arena_alloc(arena, n, sizeof *r.in_region);
    r.stays_for = jc_arena_alloc(arena, n, sizeof *r.stays_for);
    if (r.gone == NULL || r.by == NULL || r.by_gate == NULL || r.source == NULL ||
        r.needed == NULL || r.gate == NULL || r.depth == NULL || r.in_region == NULL ||
        r.stays_for == NULL) {
        return JC_ENOMEM;
    }
    find_gates(&r);
    *out_removal = r;
    return JC_OK;
}

// --- What goes ------------------------------------------------------------------------------

void removal_take(removal *r, size_t layer, const statement *by) {
    if (!r->gone[layer]) {
        r->gone[layer] = true;
        r->by[layer] = by;
    }
}

// What comes into the layers that go, followed from layer to layer.
static void find_sources(removal *r) {
    for (size_t i = 0; i < r->n_layers; ++i) {
        r->source[i] = REMOVAL_NONE;
        r->needed[i] = false;
        for (size_t k = 0; k < r->layers[i].n_inputs; ++k) {
            const uint32_t input = r->layers[i].inputs[k];
            if (!r->gone[i]) {
                r->needed[input] = r->needed[input] || r->gone[input];
                continue;
            }
            const int64_t from = r->gone[input] ? r->source[input] : input;
            r->source[i] =
                r->source[i] == REMOVAL_NONE || r->source[i] == from ? from : REMOVAL_SEVERAL;
        }
        if (r->gone[i] && r->by_gate[i]) {
            r->source[i] = r->gone[r->gate[i]] ? r->source[r->gate[i]] : r->gate[i];
        }
    }
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(r->graph, &n_outputs);
    for (size_t i = 0; i < n_outputs; ++i) {
        r->needed[outputs[i]] = r->gone[outputs[i]];
    }
}

// A layer that several branches lead to goes with all in them that nothing else takes.
static void take_branches(removal *r, size_t i) {
    const size_t n = r->n_layers;
    const int64_t gate = r->gate[i];
    memset(r->in_region, 0, n * sizeof *r->in_region);
    memset(r->stays_for, 0, n * sizeof *r->stays_for);
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(r->graph, &n_outputs);
    for (size_t o = 0; o < n_outputs; ++o) {
        r->stays_for[outputs[o]] = true;
    }
    r->in_region[i] = true;
    for (size_t j = n; j-- > 0;) {
        if (r->in_region[j] && !r->stays_for[j]) {
            removal_take(r, j, r->by[i]);
        }
        for (size_t k = 0; k < r->layers[j].n_inputs; ++k) {
            const uint32_t input = r->layers[j].inputs[k];
            r->stays_for[input] = r->stays_for[input] || !r->gone[j];
            r->in_region[input] = r->in_region[input] || (r->in_region[j] && input != gate);
        }
    }
}

void removal_settle(removal *r) {
    find_sources(r);
    for (size_t i = r->n_layers; i-- > 0;) {
        if (r->gone[i] && r->source[i] == REMOVAL_SEVERAL && r->gate[i] != REMOVAL_NONE) {
            r->by_gate[i] = true;
            take_branches(r, i);
        }
    }
    find_sources(r);
}

bool removal_is_replaceable(const removal *r, size_t i) {
    const int64_t from = r->source[i];
    return from >= 0 &&
           memcmp(&r->layers[from].output, &r->layers[i].output, sizeof(jc_shape)) == 0;
}

void removal_edit(const removal *r, jc_layer_edit *edits) {
    for (size_t i = 0; i < r->n_layers; ++i) {
        edits[i].removed = r->gone[i];
        edits[i].stands_in = r->source[i] >= 0 ? (uint32_t)r->source[i] : 0;
    }
}
