// SPDX-License-Identifier: Apache-2.0
// Copies of graphs: the same where nothing is edited, inferred anew where something is.
#include <joulecast/graph.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jc_graph *load(const char *text) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "small.yaml", NULL, &graph, &err), JC_OK,
                 "line %d: %s", err.line, err.message);
    return graph;
}

static const char small[] = "inputs: {image: [3, 8, 8]}\n"
                            "layers:\n"
                            "  - conv2d: {out_channels: 4 * 2, kernel_size: 3, padding: same}\n"
                            "  - batch_norm\n"
                            "  - max_pool2d: {kernel_size: 2}\n"
                            "  - flatten:\n"
                            "  - linear: {out_features: 10}\n";

Test(edit, nothing_edited_is_the_same_network) {
    static const char *const names[] = {"resnet18", "shufflenet_v2_x1_0", "vit_b_16",
                                        "mobilenet_v3_small", "inception_v3"};
    for (size_t z = 0; z < sizeof names / sizeof names[0]; ++z) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/architectures/%s.yaml", JC_TEST_SOURCE_ROOT,
                       names[z]);
        jc_graph *graph = NULL;
        jc_graph *copy = NULL;
        cr_assert_eq(jc_graph_load(path, NULL, &graph, NULL), JC_OK);
        size_t n = 0;
        size_t n_copy = 0;
        const jc_layer *layers = jc_graph_layers(graph, &n);
        jc_layer_edit *edits = calloc(n, sizeof *edits);
        cr_assert_eq(jc_graph_edit(graph, edits, &copy, NULL), JC_OK);
        const jc_layer *copies = jc_graph_layers(copy, &n_copy);
        cr_assert_eq(n_copy, n);
        for (size_t i = 0; i < n; ++i) {
            cr_expect_eq(copies[i].params, layers[i].params);
            cr_expect(jc_kernel_equal(&copies[i].kernel, &layers[i].kernel));
            cr_expect_eq(memcmp(&copies[i].output, &layers[i].output, sizeof(jc_shape)), 0);
            cr_expect_eq(memcmp(&copies[i].work, &layers[i].work, sizeof(jc_work)), 0);
        }
        free(edits);
        jc_graph_free(copy);
        jc_graph_free(graph);
    }
}

Test(edit, sizes_follow_an_edited_parameter) {
    jc_graph *graph = load(small);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    jc_value values[JC_OP_MAX_SLOTS];
    memcpy(values, layers[1].values, sizeof values);
    values[jc_op_param(layers[1].op, "out_channels")->slot].i = 5;
    jc_layer_edit edits[6] = {[1] = {.values = values}};
    jc_graph *copy = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_graph_edit(graph, edits, &copy, &err), JC_OK, "%s", err.message);
    const jc_layer *copies = jc_graph_layers(copy, &n);
    cr_expect_eq(copies[1].params, 5 * 27 + 5);
    cr_expect_eq(copies[1].work.macs, 5 * 27 * 64);
    cr_expect_eq(copies[2].params, 10);
    cr_expect_eq(copies[5].params, 5 * 16 * 10 + 10);
    cr_expect_eq(layers[5].params, 8 * 16 * 10 + 10, "the original stays");
    char name[JC_LAYER_NAME_SIZE];
    cr_expect_str_eq(jc_layer_name(copy, 5, name), "linear");
    jc_graph_free(copy);
    jc_graph_free(graph);
}

Test(edit, a_removed_layer_hands_its_input_on) {
    jc_graph *graph = load(small);
    jc_layer_edit edits[6] = {[2] = {.removed = true, .stands_in = 1}};
    jc_graph *copy = NULL;
    cr_assert_eq(jc_graph_edit(graph, edits, &copy, NULL), JC_OK);
    size_t n = 0;
    const jc_layer *copies = jc_graph_layers(copy, &n);
    cr_expect_eq(copies[2].params, 0);
    cr_expect_eq(copies[2].kernel.kind, JC_KERNEL_NONE);
    cr_expect_eq(copies[2].work.output_elements, 0);
    cr_expect_eq(copies[5].params, 8 * 16 * 10 + 10);
    jc_graph_free(copy);
    jc_graph_free(graph);
}

Test(edit, what_does_not_fit_names_the_layer) {
    jc_graph *graph = load(small);
    // Without the pooling flatten sees more, which fits; an input of another size would not.
    jc_value values[JC_OP_MAX_SLOTS];
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    memcpy(values, layers[5].values, sizeof values);
    values[jc_op_param(layers[5].op, "in_features")->slot].i = 7;
    jc_layer_edit edits[6] = {[5] = {.values = values}};
    jc_graph *copy = NULL;
    jc_error err = {0};
    cr_expect_eq(jc_graph_edit(graph, edits, &copy, &err), JC_ESHAPE);
    cr_expect_null(copy);
    cr_expect(strstr(err.message, "layer 'linear': ") == err.message, "%s", err.message);
    jc_graph_free(graph);
}
