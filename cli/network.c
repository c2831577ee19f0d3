// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <stdlib.h>
#include <string.h>

/** A network and its steps, in one piece. */
typedef struct network_memory {
    jc_network network; ///< first: what callers hold
    jc_network_step *steps;
} network_memory;

static size_t most_inputs(const jc_layer *layers, size_t n) {
    size_t most = 1;
    for (size_t i = 0; i < n; ++i) {
        most = layers[i].n_inputs > most ? layers[i].n_inputs : most;
    }
    return most;
}

// The call of a layer's operator: the shape rule derives again what it derived for the graph.
static jc_status infer_call(const jc_graph *graph, const jc_layer *layers, const jc_layer *layer,
                            const jc_shape **shapes, jc_op_call *out_call, jc_error *err) {
    for (size_t k = 0; k < layer->n_inputs; ++k) {
        shapes[k] = &layers[layer->inputs[k]].output;
    }
    jc_op_call call = {
        .batch_size = jc_graph_batch_size(graph), .n_inputs = layer->n_inputs, .inputs = shapes};
    memcpy(call.value, layer->values, sizeof call.value);
    jc_shape output = {0};
    const jc_status status = layer->op->infer(&call, &output, err);
    if (status == JC_OK) {
        call.inputs = NULL; // shapes is reused
        *out_call = call;
    }
    return status;
}

static jc_status fill_steps(const jc_graph *graph, jc_network_step *steps, jc_error *err) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    const jc_shape **shapes = calloc(most_inputs(layers, n), sizeof(jc_shape *));
    jc_status status =
        shapes == NULL ? jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory") : JC_OK;
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        const jc_layer *layer = &layers[i];
        steps[i] = (jc_network_step){.op = layer->op,
                                     .kernel = layer->kernel,
                                     .n_inputs = layer->n_inputs,
                                     .inputs = layer->inputs,
                                     .output = layer->output};
        if (layer->op == NULL) {
            steps[i].kernel.kind = JC_KERNEL_NONE;
        } else {
            status = infer_call(graph, layers, layer, shapes, &steps[i].call, err);
        }
    }
    free((void *)shapes);
    return status;
}

jc_status cli_network_create(const jc_graph *graph, jc_network **out_network, jc_error *err) {
    network_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_network *network = &memory->network;
    network->name = jc_graph_name(graph);
    network->batch_size = jc_graph_batch_size(graph);
    network->precision = jc_graph_precision(graph);
    (void)jc_graph_layers(graph, &network->n_steps);
    network->outputs = jc_graph_outputs(graph, &network->n_outputs);
    memory->steps = calloc(network->n_steps + 1, sizeof *memory->steps);
    network->steps = memory->steps;
    const jc_status status = memory->steps == NULL
                                 ? jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory")
                                 : fill_steps(graph, memory->steps, err);
    if (status != JC_OK) {
        cli_network_free(network);
        return status;
    }
    *out_network = network;
    return JC_OK;
}

void cli_network_free(jc_network *network) {
    if (network != NULL) {
        network_memory *memory = (network_memory *)network;
        free(memory->steps);
        free(memory);
    }
}
