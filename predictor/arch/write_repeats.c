// SPDX-License-Identifier: Apache-2.0
#include "write_repeats.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONGEST = 128,   ///< layers of one repetition
    LEAST_SAVED = 4, ///< lines that a block must save
};

// Whether layer a of the repetition that begins at start_a is layer b of that at start_b.
static bool is_same(const jc_graph *graph, size_t a, size_t start_a, size_t b, size_t start_b) {
    const jc_layer *one = &graph->layers[a];
    const jc_layer *other = &graph->layers[b];
    if (one->op != other->op || one->n_inputs != other->n_inputs ||
        one->params_given != other->params_given ||
        (one->params_given && one->params != other->params) ||
        one->kernel.precision != other->kernel.precision ||
        memcmp(one->values, other->values, JC_OP_MAX_SLOTS * sizeof *one->values) != 0) {
        return false;
    }
    for (size_t k = 0; k < one->n_inputs; ++k) {
        if (one->inputs[k] + 1 < start_a ||
            start_a - one->inputs[k] != start_b - other->inputs[k]) {
            return false;
        }
    }
    return true;
}

// Whether a repetition keeps to itself: it takes the layer before it, and only its last layer is
// read elsewhere, by what comes after.
static bool is_closed(const jc_graph *graph, size_t start, size_t length) {
    for (size_t i = start; i < start + length; ++i) {
        const jc_layer *layer = &graph->layers[i];
        const layer_use *use = &graph->uses[i];
        const bool is_inner = i + 1 < start + length;
        if (layer->op == NULL ||
            (is_inner && (use->is_output || use->last_user >= start + length))) {
            return false;
        }
        for (size_t k = 0; k < layer->n_inputs; ++k) {
            if (layer->inputs[k] + 1 < start) {
                return false;
            }
        }
    }
    // By default it takes the layer before, and so must its first layer.
    return graph->layers[start].n_inputs == 1 && graph->layers[start].inputs[0] + 1 == start &&
           graph->layers[start - 1].op != NULL;
}

// How often `length` layers from `start` on stand there in a row; 1 = once.
static size_t count_repetitions(const jc_graph *graph, size_t start, size_t length) {
    size_t count = 1;
    if (start + 2 * length > graph->n_layers ||
        !is_same(graph, start, start, start + length, start + length) ||
        !is_closed(graph, start, length)) {
        return 1;
    }
    for (size_t next = start + length; next + length <= graph->n_layers; next += length) {
        // The end of the one before is read by this one alone.
        const layer_use *before = &graph->uses[next - 1];
        bool same = !before->is_output && before->last_user < next + length &&
                    is_closed(graph, next, length);
        for (size_t i = 0; i < length && same; ++i) {
            same = is_same(graph, start + i, start, next + i, next);
        }
        if (!same) {
            break;
        }
        ++count;
    }
    return count;
}

// The repetition at `start` that saves most lines; count 1 if there is none.
static repeats find_best(const jc_graph *graph, size_t start) {
    repeats best = {start, 1, 1};
    for (size_t length = 1; length <= LONGEST; ++length) {
        const size_t count = count_repetitions(graph, start, length);
        if ((count - 1) * length > (best.count - 1) * best.length) {
            best = (repeats){start, length, count};
        }
    }
    return (best.count - 1) * best.length < LEAST_SAVED ? (repeats){start, 1, 1} : best;
}

jc_status repeats_find(const jc_graph *graph, repeats **out_repeats, size_t *out_n) {
    repeats *found = malloc((graph->n_layers / 2 + 1) * sizeof *found);
    size_t n = 0;
    if (found == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < graph->n_layers;) {
        const repeats best = graph->layers[i].op == NULL ? (repeats){i, 1, 1} : find_best(graph, i);
        if (best.count > 1) {
            found[n++] = best;
        }
        i += best.count * best.length;
    }
    *out_repeats = found;
    *out_n = n;
    return JC_OK;
}
