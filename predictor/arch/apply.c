// SPDX-License-Identifier: Apache-2.0
// Operators become layers: shapes inferred, parameters counted, kernels found.
#include "graph_build.h"

#include "common/number.h"

#include <string.h>

static jc_status check_output(const jc_shape *shape, jc_error *why) {
    if (jc_shape_elements(shape) <= JC_MAX_ELEMENTS) {
        return JC_OK;
    }
    char text[JC_SHAPE_TEXT_SIZE];
    return jc_error_set(why, JC_ESHAPE, NULL, 0, "its output %s has more than 2^42 values",
                        jc_shape_format(shape, text));
}

// Operands together may be larger than any tensor.
static jc_status check_kernel(const jc_kernel *kernel, jc_error *why) {
    int n = 0;
    const char *const *columns = jc_kernel_columns(kernel->kind, &n);
    for (int c = 0; c < n; ++c) {
        if (kernel->size[c] > JC_MAX_ELEMENTS) {
            return jc_error_set(why, JC_ESHAPE, NULL, 0, "its %s are more than 2^42", columns[c]);
        }
    }
    return JC_OK;
}

// Cost of a layer whose shapes are known.
static jc_status price_layer(jc_graph *g, const layer_request *request, const jc_op_call *call,
                             jc_layer *layer, jc_error *why) {
    const jc_op *op = layer->op;
    layer->params = op->count_params == NULL ? 0 : op->count_params(call);
    if (request->has_params && request->params != layer->params) {
        layer->params = request->params;
        layer->params_given = true;
    }
    layer->kernel.kind = op->kernel;
    layer->kernel.precision = request->is_int8 ? JC_PRECISION_INT8 : g->options.precision;
    if (op->kernel != JC_KERNEL_NONE) {
        op->kernel_sizes(call, &layer->output, layer->kernel.size);
        layer->work = jc_kernel_work(&layer->kernel);
        const jc_status status = check_kernel(&layer->kernel, why);
        if (status != JC_OK) {
            return status;
        }
    }
    g->total_params = jc_add_saturating(g->total_params, layer->params);
    g->total_macs = jc_add_saturating(g->total_macs, layer->work.macs);
    const bool overflows = g->total_params == INT64_MAX || g->total_macs == INT64_MAX ||
                           layer->work.input_elements == INT64_MAX ||
                           layer->work.weight_elements == INT64_MAX ||
                           layer->work.output_elements == INT64_MAX;
    return overflows ? jc_error_set(why, JC_ESHAPE, NULL, 0,
                                    "the network's parameters or multiply-accumulates exceed 2^63")
                     : JC_OK;
}

// The parameters before the shape rule.
static const jc_value *keep_values(jc_graph *graph, const layer_request *request) {
    if (request->kept_value != NULL) {
        return request->kept_value;
    }
    jc_value *values = jc_arena_take(&graph->arena, JC_OP_MAX_SLOTS, sizeof *values);
    if (values != NULL) {
        memcpy(values, request->value, sizeof request->value);
    }
    return values;
}

jc_status graph_apply(jc_graph *graph, const layer_request *request, uint32_t *out_layer,
                      jc_error *why) {
    enum { FEW_INPUTS = 16 };
    const jc_shape *few_shapes[FEW_INPUTS];
    const jc_shape **shapes = few_shapes;
    const size_t n = request->n_inputs;
    uint32_t *kept_inputs = jc_arena_take(&graph->arena, n, sizeof *kept_inputs);
    if (n > FEW_INPUTS) {
        shapes = jc_arena_take(&graph->arena, n, sizeof(jc_shape *));
    }
    jc_layer *layer = graph_add_layer(graph, request->origin);
    const jc_value *values = keep_values(graph, request);
    if (kept_inputs == NULL || shapes == NULL || layer == NULL || values == NULL) {
        return jc_error_set(why, JC_ENOMEM, NULL, 0, "out of memory");
    }
    for (size_t i = 0; i < n; ++i) {
        kept_inputs[i] = request->inputs[i];
        shapes[i] = &graph->layers[request->inputs[i]].output;
    }
    jc_op_call call;
    memcpy(call.value, request->value, sizeof call.value);
    call.batch_size = graph->options.batch_size;
    call.n_inputs = n;
    call.inputs = shapes;
    jc_shape output = {0};
    jc_status status = request->op->infer(&call, &output, why);
    if (status == JC_OK) {
        status = check_output(&output, why);
    }
    *layer = (jc_layer){.op = request->op,
                        .line = request->line,
                        .n_inputs = n,
                        .inputs = kept_inputs,
                        .values = values,
                        .output = output,
                        .kernel = {.kind = JC_KERNEL_NONE}};
    if (status == JC_OK) {
        status = price_layer(graph, request, &call, layer, why);
    }
    *out_layer = (uint32_t)(graph->n_layers - 1);
    return status;
}
