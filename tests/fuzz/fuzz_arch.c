// SPDX-License-Identifier: Apache-2.0
// Any bytes as an architecture: a graph whose layers hang together, or refused with a reason.
#include "fuzz.h"

#include <joulecast/graph.h>

#include <string.h>

#ifndef FUZZ_NAME
#define FUZZ_NAME "input.yaml"
#endif

static void check_layer(const jc_graph *graph, const jc_layer *layers, size_t i) {
    const jc_layer *layer = &layers[i];
    char name[JC_LAYER_NAME_SIZE];
    FUZZ_REQUIRE(strlen(jc_layer_name(graph, i, name)) < sizeof name);
    for (size_t in = 0; in < layer->n_inputs; ++in) {
        FUZZ_REQUIRE(layer->inputs[in] < i);
    }
    FUZZ_REQUIRE(layer->output.rank >= 1 && layer->output.rank <= JC_MAX_RANK);
    for (int d = 0; d < layer->output.rank; ++d) {
        FUZZ_REQUIRE(layer->output.dim[d] >= 1);
    }
    FUZZ_REQUIRE(layer->params >= 0 && layer->work.macs >= 0);
    if (layer->kernel.kind != JC_KERNEL_NONE) {
        jc_kernel again = layer->kernel;
        FUZZ_REQUIRE(jc_kernel_complete(&again, NULL) == JC_OK);
        FUZZ_REQUIRE(jc_kernel_equal(&again, &layer->kernel));
    }
}

static void check_graph(const jc_graph *graph) {
    size_t n_layers = 0;
    size_t n_outputs = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n_layers);
    const uint32_t *outputs = jc_graph_outputs(graph, &n_outputs);
    for (size_t i = 0; i < n_layers; ++i) {
        check_layer(graph, layers, i);
    }
    FUZZ_REQUIRE(n_outputs > 0);
    for (size_t i = 0; i < n_outputs; ++i) {
        FUZZ_REQUIRE(outputs[i] < n_layers);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    jc_graph *graph = NULL;
    jc_error err = {.status = JC_OK};
    const jc_status status =
        jc_graph_parse((const char *)data, size, FUZZ_NAME, NULL, &graph, &err);
    FUZZ_REQUIRE(status == JC_OK || (err.status == status && err.message[0] != '\0'));
    FUZZ_REQUIRE((status == JC_OK) == (graph != NULL));
    if (graph != NULL) {
        check_graph(graph);
    }
    jc_graph_free(graph);
    return 0;
}
