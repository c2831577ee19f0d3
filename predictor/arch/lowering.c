// SPDX-License-Identifier: Apache-2.0
// From layers to kernels, for all readers: dead layers left out, fused ones found.
#include "graph_build.h"

#include <string.h>

// --- Dead layers ----------------------------------------------------------------------------

// Marks what the outputs depend on; inputs of the network stay in any case.
static void mark_alive(const jc_graph *graph, uint32_t *place) {
    for (size_t i = 0; i < graph->n_layers && graph->layers[i].op == NULL; ++i) {
        place[i] = 1;
    }
    for (size_t i = 0; i < graph->n_outputs; ++i) {
        place[graph->outputs[i]] = 1;
    }
    for (size_t i = graph->n_layers; i-- > 0;) { // each stands behind those it reads
        for (size_t k = 0; place[i] != 0 && k < graph->layers[i].n_inputs; ++k) {
            place[graph->layers[i].inputs[k]] = 1;
        }
    }
}

jc_status graph_drop_dead(jc_graph *graph) {
    uint32_t *place = jc_arena_alloc(&graph->arena, graph->n_layers, sizeof *place);
    if (place == NULL) {
        return JC_ENOMEM;
    }
    mark_alive(graph, place);
    size_t n = 0;
    for (size_t i = 0; i < graph->n_layers; ++i) {
        jc_layer *layer = &graph->layers[i];
        if (place[i] == 0) {
            graph->dead.line = graph->dead.n_layers++ == 0 ? layer->line : graph->dead.line;
            graph->total_params -= layer->params;
            graph->total_macs -= layer->work.macs;
            continue;
        }
        uint32_t *inputs = (uint32_t *)layer->inputs; // the graph's own
        for (size_t k = 0; k < layer->n_inputs; ++k) {
            inputs[k] = place[inputs[k]];
        }
        place[i] = (uint32_t)n;
        graph->origins[n] = graph->origins[i];
        graph->layers[n++] = *layer;
    }
    graph->n_layers = n;
    for (size_t i = 0; i < graph->n_outputs; ++i) {
        graph->outputs[i] = place[graph->outputs[i]];
    }
    return JC_OK;
}

jc_graph_dead jc_graph_dead_layers(const jc_graph *graph) {
    return graph->dead;
}

// --- Fused layers ---------------------------------------------------------------------------

jc_status graph_count_uses(jc_graph *graph) {
    graph->uses = jc_arena_alloc(&graph->arena, graph->n_layers, sizeof *graph->uses);
    if (graph->uses == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < graph->n_layers; ++i) {
        const jc_layer *layer = &graph->layers[i];
        for (size_t k = 0; k < layer->n_inputs; ++k) {
            layer_use *use = &graph->uses[layer->inputs[k]];
            use->n_users++;
            use->has_view = use->has_view || layer->kernel.kind == JC_KERNEL_NONE;
            if (use->last_user != i) {
                use->previous_user = use->last_user;
                use->last_user = (uint32_t)i;
            }
        }
    }
    for (size_t i = 0; i < graph->n_outputs; ++i) {
        graph->uses[graph->outputs[i]].n_users++;
        graph->uses[graph->outputs[i]].is_output = true;
    }
    return JC_OK;
}

// Whether a sum can be made in place of `other` by a kernel that begins with layer `head`.
static bool is_addend(const jc_graph *graph, uint32_t sum, uint32_t other, uint32_t head) {
    const jc_layer *layer = &graph->layers[other];
    const layer_use *use = &graph->uses[other];
    return other < head && !use->is_output && !use->has_view && use->last_user == sum &&
           use->previous_user < head && layer->kernel.kind != JC_KERNEL_NONE &&
           memcmp(&layer->output, &graph->layers[sum].output, sizeof layer->output) == 0;
}

// The kernel that takes in layer i where it reads its input k; i itself if there is none.
static uint32_t take_in(const jc_graph *graph, const jc_fusion *fusion, uint32_t i, size_t k) {
    const jc_layer *layer = &graph->layers[i];
    const uint32_t before = layer->inputs[k];
    const jc_layer *base = &graph->layers[before];
    if (graph->uses[before].n_users != 1 || base->kernel.kind == JC_KERNEL_NONE ||
        base->kernel.precision != layer->kernel.precision ||
        jc_fusion_stage(base->kernel.kind) >= jc_fusion_stage(layer->kernel.kind)) {
        return i;
    }
    const uint32_t head = jc_graph_kernel_of(graph, fusion, before); // at most three deep: stages
    if (!jc_fusion_takes(fusion, graph->layers[head].kernel.kind, layer->kernel.kind)) {
        return i;
    }
    const bool is_sum = layer->kernel.kind == JC_KERNEL_ADD;
    return is_sum && !is_addend(graph, i, layer->inputs[1 - k], head) ? i : head;
}

uint32_t jc_graph_kernel_of(const jc_graph *graph, const jc_fusion *fusion, uint32_t layer) {
    const jc_layer *l = &graph->layers[layer];
    if (fusion == NULL || jc_fusion_stage(l->kernel.kind) == 0) {
        return layer;
    }
    if (l->kernel.kind != JC_KERNEL_ADD) {
        return l->n_inputs == 1 ? take_in(graph, fusion, layer, 0) : layer;
    }
    if (l->n_inputs != 2 || strcmp(l->op->name, "add") != 0) {
        return layer;
    }
    const uint32_t first = take_in(graph, fusion, layer, 0);
    return first != layer ? first : take_in(graph, fusion, layer, 1);
}
