// SPDX-License-Identifier: Apache-2.0
// Any bytes as a technique: refused with a reason, or costs that are sums of something, of a
// network with additions, a concatenation, depthwise filters, groups and reshapes.
#include "fuzz.h"

#include <joulecast/accelerator.h>
#include <joulecast/technique.h>

#include <math.h>
#include <string.h>

static const char network[] =
    "inputs: {image: [3, 8, 8]}\n"
    "blocks:\n"
    "  unit:\n"
    "    layers:\n"
    "      - add:\n"
    "          branches: [[], [conv2d: {out_channels: 8, kernel_size: 1}, relu]]\n"
    "layers:\n"
    "  - conv2d: {name: stem, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - unit: {name: trunk, repeat: 3}\n"
    "  - concat: {name: both, inputs: [stem, trunk]}\n"
    "  - conv2d: {name: each, out_channels: 16, kernel_size: 3, padding: 1, groups: 16}\n"
    "  - conv2d: {name: grouped, out_channels: 8, kernel_size: 1, groups: 2}\n"
    "  - group_norm: {name: norm, num_groups: 2}\n"
    "  - permute: {dims: [1, 3, 2]}\n"
    "  - reduce: {dims: [3], keepdim: true}\n"
    "  - reshape: {shape: [64]}\n"
    "  - linear: {name: last, out_features: 10}\n";

static const jc_accelerator hardware = {
    .name = "fuzz",
    .clock_hz = 1e9,
    .rows = 4,
    .columns = 4,
    .word_bits = 16,
    .dataflow = JC_DATAFLOW_ROW_STATIONARY,
    .buffer_bytes = 4096,
    .register_inputs = 12,
    .register_weights = 24,
    .register_sums = 4,
    .dram_bytes_per_s = 1e9,
    .mac_j = 1e-12,
    .register_j = 1e-12,
    .array_j = 2e-12,
    .buffer_j = 6e-12,
    .dram_j = 200e-12,
    .skips_inputs = true,
    .compresses_inputs = true,
};

static void check(const jc_evaluation *e) {
    const jc_totals *t = &e->totals;
    FUZZ_REQUIRE(t->params >= 0 && t->macs >= 0 && t->weight_bytes >= 0);
    FUZZ_REQUIRE(t->energy_j >= 0 && t->runtime_s >= 0);
    FUZZ_REQUIRE(t->energy_j <= e->energy_worst_j * (1 + 1e-9));
    FUZZ_REQUIRE(e->energy_p50_j <= e->energy_p95_j && e->energy_p95_j <= e->energy_worst_j);
    for (size_t i = 0; i < e->n_exits; ++i) {
        FUZZ_REQUIRE(e->exits[i].rate >= 0 && e->exits[i].rate <= 1);
        FUZZ_REQUIRE(e->exits[i].classifier_j >= 0);
    }
}

static void apply(const jc_technique *technique) {
    enum { MAX_NETWORKS = 16 };
    const jc_graph *graphs[MAX_NETWORKS];
    jc_graph *graph = NULL;
    FUZZ_REQUIRE(jc_graph_parse(network, sizeof network - 1, "network", NULL, &graph, NULL) ==
                 JC_OK);
    const size_t n = jc_technique_n_networks(technique);
    FUZZ_REQUIRE(n >= 1 && n <= MAX_NETWORKS);
    for (size_t i = 0; i < n; ++i) {
        graphs[i] = graph;
    }
    const jc_source source = {.accelerator = &hardware};
    const jc_technique_options options = {.drop_exits = true};
    jc_evaluation e;
    jc_error err = {.status = JC_OK};
    const jc_status status = jc_evaluate_technique(technique, graphs, &source, &options, &e, &err);
    FUZZ_REQUIRE(status == JC_OK || (err.status == status && err.message[0] != '\0'));
    if (status == JC_OK) {
        check(&e);
        jc_evaluation_clear(&e);
    }
    jc_graph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    jc_technique *technique = NULL;
    jc_error err = {.status = JC_OK};
    const jc_status status =
        jc_technique_parse((const char *)data, size, "input.yaml", &technique, &err);
    FUZZ_REQUIRE(status == JC_OK || (err.status == status && err.message[0] != '\0'));
    FUZZ_REQUIRE((status == JC_OK) == (technique != NULL));
    if (technique != NULL) {
        apply(technique);
    }
    jc_technique_free(technique);
    return 0;
}
