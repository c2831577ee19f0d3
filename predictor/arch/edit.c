// SPDX-License-Identifier: Apache-2.0
// A copy of a graph with other parameters: shapes, kernels and work inferred anew.
#include "graph_build.h"

#include "common/number.h"

#include <stdlib.h>
#include <string.h>

static jc_status fail(const jc_graph *graph, size_t i, jc_status status, const char *message,
                      jc_error *err) {
    char name[JC_LAYER_NAME_SIZE];
    return jc_error_set(err, status, NULL, 0, "layer '%s': %s", jc_layer_name(graph, i, name),
                        message);
}

// What a layer computes with, as its operator's call; false where its parameters are not known.
static bool set_call(const jc_graph *graph, const jc_layer *layer, const jc_layer_edit *edit,
                     const jc_shape **shapes, jc_op_call *call) {
    const jc_value *values = edit->values != NULL ? edit->values : layer->values;
    if (values == NULL) {
        return false;
    }
    memcpy(call->value, values, sizeof call->value);
    call->batch_size = graph->options.batch_size;
    call->n_inputs = layer->n_inputs;
    call->inputs = shapes;
    for (size_t i = 0; i < layer->n_inputs; ++i) {
        shapes[i] = &graph->layers[layer->inputs[i]].output;
    }
    return true;
}

static int64_t count_params(const jc_op_call *call, const jc_layer *layer) {
    return layer->op->count_params == NULL ? 0 : layer->op->count_params(call);
}

// What a file gave instead of the count (scales beside the weights, weights that other layers hold)
// changes by as much as the count does.
static jc_status set_params(const jc_graph *graph, size_t i, const jc_shape **shapes,
                            const jc_op_call *call, jc_layer *layer, jc_error *why) {
    const jc_layer *before = &graph->layers[i];
    layer->params = count_params(call, layer);
    const jc_layer_edit none = {.values = NULL};
    jc_op_call old;
    jc_shape output;
    if (!before->params_given || !set_call(graph, before, &none, shapes, &old)) {
        return JC_OK;
    }
    const jc_status status = before->op->infer(&old, &output, why);
    const int64_t left = before->params + layer->params - count_params(&old, before);
    layer->params = left > 0 ? left : 0;
    return status;
}

static void set_work(const jc_op_call *call, jc_layer *layer) {
    memset(layer->kernel.size, 0, sizeof layer->kernel.size);
    if (layer->kernel.kind != JC_KERNEL_NONE) {
        layer->op->kernel_sizes(call, &layer->output, layer->kernel.size);
        layer->work = jc_kernel_work(&layer->kernel);
    }
}

// A removed layer: the tensor that stands in, handed on.
static jc_status replace(jc_graph *copy, const jc_layer_edit *edit, jc_layer *layer) {
    uint32_t *input = jc_arena_alloc(&copy->arena, 1, sizeof *input);
    jc_value *values = jc_arena_alloc(&copy->arena, JC_OP_MAX_SLOTS, sizeof *values);
    if (input == NULL || values == NULL) {
        return JC_ENOMEM;
    }
    *input = edit->stands_in;
    *layer = (jc_layer){.op = jc_op_find("identity"),
                        .line = layer->line,
                        .n_inputs = 1,
                        .inputs = input,
                        .values = values,
                        .output = copy->layers[edit->stands_in].output,
                        .kernel = {.kind = JC_KERNEL_NONE, .precision = copy->options.precision}};
    return JC_OK;
}

static jc_status edit_layer(const jc_graph *graph, const jc_layer_edit *edit, size_t i,
                            const jc_shape **shapes, jc_graph *copy, jc_error *err) {
    jc_layer *layer = &copy->layers[i];
    if (layer->op == NULL) {
        return JC_OK;
    }
    if (edit->removed) {
        const jc_status status = replace(copy, edit, layer);
        return status == JC_OK ? JC_OK : fail(graph, i, status, "out of memory", err);
    }
    jc_op_call call;
    if (!set_call(copy, layer, edit, shapes, &call)) {
        return fail(graph, i, JC_EUNSUPPORTED, "its parameters are not known", err);
    }
    if (edit->values != NULL) {
        jc_value *values = jc_arena_take(&copy->arena, JC_OP_MAX_SLOTS, sizeof *values);
        if (values == NULL) {
            return fail(graph, i, JC_ENOMEM, "out of memory", err);
        }
        memcpy(values, edit->values, JC_OP_MAX_SLOTS * sizeof *values);
        layer->values = values;
    }
    jc_error why;
    jc_status status = layer->op->infer(&call, &layer->output, &why);
    if (status == JC_OK) {
        set_work(&call, layer);
        status = set_params(graph, i, shapes, &call, layer, &why);
    }
    if (status != JC_OK) {
        return fail(graph, i, status, why.message, err);
    }
    copy->total_params = jc_add_saturating(copy->total_params, layer->params);
    copy->total_macs = jc_add_saturating(copy->total_macs, layer->work.macs);
    return copy->total_params == INT64_MAX || copy->total_macs == INT64_MAX
               ? fail(graph, i, JC_ESHAPE, "parameters or multiply-accumulates exceed 2^63", err)
               : JC_OK;
}

// Everything of the original but what is inferred anew; the arena is the copy's own.
static jc_graph *copy_graph(const jc_graph *graph, size_t *out_most_inputs) {
    jc_graph *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *graph;
    copy->arena = (jc_arena){0};
    copy->total_params = 0;
    copy->total_macs = 0;
    copy->layers = jc_arena_take(&copy->arena, graph->n_layers + 1, sizeof *copy->layers);
    if (copy->layers == NULL) {
        free(copy);
        return NULL;
    }
    memcpy(copy->layers, graph->layers, graph->n_layers * sizeof *copy->layers);
    *out_most_inputs = 1;
    for (size_t i = 0; i < graph->n_layers; ++i) {
        const size_t n = graph->layers[i].n_inputs;
        *out_most_inputs = n > *out_most_inputs ? n : *out_most_inputs;
    }
    return copy;
}

jc_status jc_graph_edit(const jc_graph *graph, const jc_layer_edit *edits, jc_graph **out_graph,
                        jc_error *err) {
    size_t most_inputs = 0;
    jc_graph *copy = copy_graph(graph, &most_inputs);
    const jc_shape **shapes = calloc(most_inputs + 1, sizeof *shapes);
    jc_status status = JC_OK;
    if (copy == NULL || shapes == NULL) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    for (size_t i = 0; status == JC_OK && i < graph->n_layers; ++i) {
        status = edit_layer(graph, &edits[i], i, shapes, copy, err);
    }
    free((void *)shapes);
    if (status == JC_OK && graph_count_uses(copy) != JC_OK) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    if (status != JC_OK) {
        jc_graph_free(copy);
        return status;
    }
    *out_graph = copy;
    return JC_OK;
}
