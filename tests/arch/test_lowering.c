// SPDX-License-Identifier: Apache-2.0
// From layers to kernels: what is fused into what, by rules given, and dead layers left out.
#include <joulecast/graph.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BIT(kind) (UINT64_C(1) << (kind))

enum { MOST_LAYERS = 16 };

// What oneDNN and TensorRT do.
static const jc_fusion everything = {
    .takes_in = {[JC_KERNEL_CONV2D] = BIT(JC_KERNEL_BATCH_NORM) | BIT(JC_KERNEL_ADD) |
                                      BIT(JC_KERNEL_RELU) | BIT(JC_KERNEL_SILU),
                 [JC_KERNEL_LINEAR] = BIT(JC_KERNEL_RELU),
                 [JC_KERNEL_BATCH_NORM] = BIT(JC_KERNEL_RELU)}};

static jc_graph *load(const char *text) {
    jc_graph *graph = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "test.yaml", NULL, &graph, &err), JC_OK,
                 "line %d: %s", err.line, err.message);
    return graph;
}

// @param expected  [layers but the input] index of the layer whose kernel does the work.
static void check(const char *layers, const jc_fusion *fusion, const uint32_t *expected) {
    char text[2048];
    (void)snprintf(text, sizeof text, "inputs: {image: [8, 8, 8]}\nlayers:\n%s", layers);
    jc_graph *graph = load(text);
    size_t n = 0;
    (void)jc_graph_layers(graph, &n);
    for (uint32_t i = 1; i < n; ++i) {
        cr_expect_eq(jc_graph_kernel_of(graph, fusion, i), expected[i - 1], "%s: layer %u is in %u",
                     layers, i, jc_graph_kernel_of(graph, fusion, i));
    }
    jc_graph_free(graph);
}

#define CONV(name) "  - conv2d: {name: " name ", out_channels: 8, kernel_size: 3, padding: 1}\n"
// Layers 1 to 8.
#define RESIDUAL                                                                                   \
    CONV("a")                                                                                      \
    "  - relu: {name: b}\n" CONV("c") "  - relu\n" CONV("d") "  - batch_norm: {name: e}\n"         \
                                                             "  - add: {inputs: [e, b]}\n"         \
                                                             "  - relu\n"

Test(lowering, nothing_without_rules) {
    check(RESIDUAL, NULL, (uint32_t[]){1, 2, 3, 4, 5, 6, 7, 8});
    const jc_fusion none = {{0}};
    check(RESIDUAL, &none, (uint32_t[]){1, 2, 3, 4, 5, 6, 7, 8});
}

Test(lowering, a_residual_block) {
    check(RESIDUAL, &everything, (uint32_t[]){1, 1, 3, 3, 5, 5, 5, 5});
}

Test(lowering, only_what_the_rules_say) {
    const jc_fusion norms = {.takes_in = {[JC_KERNEL_CONV2D] = BIT(JC_KERNEL_BATCH_NORM)}};
    check(RESIDUAL, &norms, (uint32_t[]){1, 2, 3, 4, 5, 5, 7, 8});
    const jc_fusion sums = {.takes_in = {[JC_KERNEL_CONV2D] = BIT(JC_KERNEL_ADD)}};
    // The normalisation lies between.
    check(RESIDUAL, &sums, (uint32_t[]){1, 2, 3, 4, 5, 6, 7, 8});
    const jc_fusion relus = {.takes_in = {[JC_KERNEL_CONV2D] = BIT(JC_KERNEL_RELU)}};
    check(RESIDUAL, &relus, (uint32_t[]){1, 1, 3, 3, 5, 6, 7, 8});
}

Test(lowering, no_activation_but_those_named) {
    check(CONV("a") "  - gelu\n", &everything, (uint32_t[]){1, 2});
    check(CONV("a") "  - silu\n", &everything, (uint32_t[]){1, 1});
    check("  - batch_norm\n  - silu\n", &everything, (uint32_t[]){1, 2});
    check("  - batch_norm\n  - relu\n", &everything, (uint32_t[]){1, 1});
}

Test(lowering, each_once_and_in_order) {
    check(CONV("a") "  - relu\n  - relu\n", &everything, (uint32_t[]){1, 1, 3});
    check(CONV("a") "  - relu\n  - batch_norm\n  - relu\n", &everything, (uint32_t[]){1, 1, 3, 3});
    check(CONV("a") "  - batch_norm\n  - batch_norm\n", &everything, (uint32_t[]){1, 1, 3});
}

Test(lowering, what_others_read_stays_outside) {
    // The convolution's own result is an operand of the sum.
    check(CONV("a") "  - relu: {name: b}\n  - add: {inputs: [a, b]}\n", &everything,
          (uint32_t[]){1, 2, 3});
    // It is an output of the network.
    check(CONV("a") "  - relu: {name: b}\noutputs: [a, b]\n", &everything, (uint32_t[]){1, 2});
    // A layer without work lies between.
    check(CONV("a") "  - dropout\n  - relu\n", &everything, (uint32_t[]){1, 2, 3});
}

Test(lowering, a_sum_is_made_in_place_of_its_other_operand) {
    // That comes later than the first convolution, so the second one takes the sum in.
    check("  - relu: {name: x}\n"
          "  - conv2d: {name: a, inputs: x, out_channels: 8, kernel_size: 1}\n"
          "  - conv2d: {name: b, inputs: x, out_channels: 8, kernel_size: 1}\n"
          "  - add: {inputs: [a, b]}\n",
          &everything, (uint32_t[]){1, 2, 3, 3});
    // It is the input of the convolution itself.
    check("  - relu: {name: x}\n" CONV("a") "  - add: {inputs: [a, x]}\n", &everything,
          (uint32_t[]){1, 2, 3});
    // It is read later.
    check("  - relu: {name: x}\n"
          "  - tanh: {name: t}\n"
          "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
          "  - add: {name: s, inputs: [a, x]}\n"
          "  - add: {inputs: [s, x]}\n",
          &everything, (uint32_t[]){1, 2, 3, 4, 5});
    // It is of another shape: one value a channel.
    check("  - adaptive_avg_pool2d: {name: x, output_size: 1}\n"
          "  - conv2d: {name: a, inputs: image, out_channels: 8, kernel_size: 1}\n"
          "  - add: {inputs: [a, x]}\n",
          &everything, (uint32_t[]){1, 2, 3});
}

Test(lowering, a_long_chain_is_no_recursion) {
    static char text[400000];
    size_t used = (size_t)snprintf(text, sizeof text, "inputs: {image: [8, 8, 8]}\nlayers:\n");
    for (int i = 0; i < 30000; ++i) {
        used += (size_t)snprintf(text + used, sizeof text - used, "  - relu\n");
    }
    const jc_fusion chain = {.takes_in = {[JC_KERNEL_RELU] = BIT(JC_KERNEL_RELU)}};
    jc_graph *graph = load(text);
    cr_expect_eq(jc_graph_kernel_of(graph, &chain, 30000), 30000);
    jc_graph_free(graph);
}

Test(lowering, dead_layers_are_left_out) {
    jc_graph *graph = load("inputs: {image: [8, 8, 8]}\n"
                           "layers:\n"
                           "  - conv2d: {name: a, out_channels: 4, kernel_size: 1}\n"
                           "  - conv2d: {name: lost, out_channels: 100, kernel_size: 1}\n"
                           "  - relu: {name: lost_too}\n"
                           "  - tanh: {name: b, inputs: a}\n"
                           "  - add: {inputs: [a, b]}\n");
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 4);
    cr_expect_str_eq(layers[2].op->name, "tanh");
    cr_expect_eq(layers[2].inputs[0], 1);
    cr_expect_eq(layers[3].inputs[1], 2);
    char name[JC_LAYER_NAME_SIZE];
    cr_expect_str_eq(jc_layer_name(graph, 2, name), "b");
    size_t n_outputs = 0;
    cr_expect_eq(jc_graph_outputs(graph, &n_outputs)[0], 3);
    const jc_graph_dead dead = jc_graph_dead_layers(graph);
    cr_expect_eq(dead.n_layers, 2);
    cr_expect_eq(dead.line, 4);
    jc_graph_free(graph);
}

Test(lowering, an_edited_graph_is_fused_anew) {
    jc_graph *graph = load("inputs: {image: [8, 8, 8]}\nlayers:\n" RESIDUAL);
    size_t n = 0;
    (void)jc_graph_layers(graph, &n);
    jc_layer_edit edits[MOST_LAYERS] = {{0}};
    edits[5] = (jc_layer_edit){.removed = true, .stands_in = 4}; // the last convolution
    jc_graph *shorter = NULL;
    cr_assert_eq(jc_graph_edit(graph, edits, &shorter, NULL), JC_OK);
    // Its normalisation stands by itself now, and so does the sum.
    static const uint32_t expected[] = {0, 1, 1, 3, 3, 5, 6, 7, 8};
    for (uint32_t i = 1; i < n; ++i) {
        cr_expect_eq(jc_graph_kernel_of(shorter, &everything, i), expected[i], "layer %u", i);
    }
    jc_graph_free(shorter);
    jc_graph_free(graph);
}
