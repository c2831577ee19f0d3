// SPDX-License-Identifier: Apache-2.0
// Names of values to numbers, by sorting: no file can make that slow, as it could with hashing.
#include "names.h"

#include <stdlib.h>
#include <string.h>

bool onnx_text_is(onnx_text text, const char *word) {
    return strlen(word) == text.size && memcmp(text.data, word, text.size) == 0;
}

static int compare_texts(onnx_text a, onnx_text b) {
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

int32_t onnx_find_value(const onnx_model *model, onnx_text name) {
    size_t low = 0;
    size_t high = model->n_values;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_texts(name, model->values[middle]);
        if (order == 0) {
            return (int32_t)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return ONNX_NO_VALUE;
}

/** A place where a name is used. */
typedef struct use {
    onnx_text name;
    int32_t *value; ///< where its number goes
} use;

static int compare_uses(const void *a, const void *b) {
    return compare_texts(((const use *)a)->name, ((const use *)b)->name);
}

static size_t collect(const onnx_text *names, int32_t *values, size_t n, use *uses) {
    size_t n_uses = 0;
    for (size_t i = 0; i < n; ++i) {
        values[i] = ONNX_NO_VALUE;
        if (names[i].size > 0) { // an empty name is an input or output left out
            uses[n_uses++] = (use){names[i], &values[i]};
        }
    }
    return n_uses;
}

static int compare_nodes(const void *a, const void *b) {
    const onnx_node *x = *(onnx_node *const *)a;
    const onnx_node *y = *(onnx_node *const *)b;
    const int order = compare_texts(x->name, y->name);
    return order != 0 ? order : x < y ? -1 : x > y; // nodes of one name in their order
}

// ONNX lets nodes share a name; values it does not. So the first keeps it, and the others go by
// their outputs, as nodes without a name do.
static bool part_nodes(onnx_model *model) {
    onnx_node **nodes = malloc((model->n_nodes + 1) * sizeof *nodes);
    if (nodes == NULL) {
        return false;
    }
    for (size_t i = 0; i < model->n_nodes; ++i) {
        nodes[i] = &model->nodes[i];
    }
    qsort(nodes, model->n_nodes, sizeof *nodes, compare_nodes);
    for (size_t first = 0, i = 1; i < model->n_nodes; ++i) {
        if (compare_texts(nodes[first]->name, nodes[i]->name) == 0) {
            nodes[i]->name.size = 0;
        } else {
            first = i;
        }
    }
    free(nodes);
    return true;
}

jc_status onnx_resolve_names(onnx_model *model, const char *file, jc_arena *arena, jc_error *err) {
    size_t n_uses = model->n_outputs;
    for (size_t i = 0; i < model->n_nodes; ++i) {
        n_uses += model->nodes[i].n_inputs + model->nodes[i].n_outputs;
    }
    use *uses = malloc((n_uses + 1) * sizeof *uses);
    onnx_text *values = jc_arena_take(arena, n_uses, sizeof *values);
    if (uses == NULL || values == NULL) {
        free(uses);
        return jc_error_set(err, JC_ENOMEM, file, 0, "out of memory");
    }
    size_t n = 0;
    for (size_t i = 0; i < model->n_nodes; ++i) {
        const onnx_node *node = &model->nodes[i];
        n += collect(node->input_names, node->inputs, node->n_inputs, uses + n);
        n += collect(node->output_names, node->outputs, node->n_outputs, uses + n);
    }
    int32_t ignored = ONNX_NO_VALUE; // no node may know an output: it is an input then, or missing
    for (size_t i = 0; i < model->n_outputs; ++i) {
        n += collect(&model->outputs[i].name, &ignored, 1, uses + n);
    }
    qsort(uses, n, sizeof *uses, compare_uses);
    for (size_t i = 0; i < n; ++i) {
        if (i == 0 || compare_texts(uses[i - 1].name, uses[i].name) != 0) {
            values[model->n_values++] = uses[i].name;
        }
        *uses[i].value = (int32_t)model->n_values - 1;
    }
    free(uses);
    model->values = values;
    return part_nodes(model) ? JC_OK : jc_error_set(err, JC_ENOMEM, file, 0, "out of memory");
}
