// SPDX-License-Identifier: Apache-2.0
// Architectures to graphs: what the grammar promises, on networks small enough to follow by hand.
#include <joulecast/graph.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static jc_graph *load(const char *text, int64_t batch_size) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_graph_options options = {.batch_size = batch_size};
    const jc_status status =
        jc_graph_parse(text, strlen(text), "folder/small.yaml", &options, &graph, &err);
    cr_assert_eq(status, JC_OK, "line %d: %s", err.line, err.message);
    return graph;
}

static void expect_name(const jc_graph *graph, size_t layer, const char *name) {
    char buffer[JC_LAYER_NAME_SIZE];
    cr_expect_str_eq(jc_layer_name(graph, layer, buffer), name);
}

Test(graph, a_layer_takes_the_one_before) {
    jc_graph *graph = load("inputs: {image: [3, 8, 8]}\n"
                           "layers:\n"
                           "  - conv2d: {out_channels: 4, kernel_size: 3}\n"
                           "  - relu\n"
                           "  - flatten:\n"
                           "  - linear: {out_features: 10}\n",
                           2);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 5);
    cr_expect_str_eq(jc_graph_name(graph), "small");
    cr_expect_null(layers[0].op);
    for (size_t i = 1; i < n; ++i) {
        cr_assert_eq(layers[i].n_inputs, 1);
        cr_expect_eq(layers[i].inputs[0], i - 1);
        cr_expect_eq(layers[i].output.dim[0], 2);
    }
    cr_expect_eq(layers[1].params, 4 * 27 + 4);
    cr_expect_eq(layers[1].work.macs, 2 * 4 * 36 * 27);
    cr_expect_eq(layers[3].kernel.kind, JC_KERNEL_NONE);
    cr_expect_eq(layers[4].params, 4 * 36 * 10 + 10);
    cr_expect_eq(layers[4].line, 6);
    size_t n_outputs = 0;
    cr_expect_eq(jc_graph_outputs(graph, &n_outputs)[0], 4);
    cr_expect_eq(n_outputs, 1);
    jc_graph_free(graph);
}

Test(graph, branches_begin_where_the_layer_would) {
    jc_graph *graph = load("inputs: {image: [3, 8, 8]}\n"
                           "layers:\n"
                           "  - relu\n"
                           "  - concat:\n"
                           "      branches:\n"
                           "        - [conv2d: {out_channels: 5, kernel_size: 1}, relu]\n"
                           "        - [max_pool2d: {kernel_size: 3, stride: 1, padding: 1}]\n"
                           "        - []\n",
                           1);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 6);
    const jc_layer *concat = &layers[5];
    cr_expect_eq(concat->output.dim[1], 5 + 3 + 3);
    cr_assert_eq(concat->n_inputs, 3);
    cr_expect_eq(concat->inputs[0], 3);
    cr_expect_eq(concat->inputs[1], 4);
    cr_expect_eq(concat->inputs[2], 1);
    cr_expect_eq(layers[4].inputs[0], 1);
    jc_graph_free(graph);
}

// Repetition chains, `index` counts, `when` leaves out, defaults see the parameters before them.
Test(graph, blocks_take_parameters) {
    jc_graph *graph = load("inputs: {image: [3, 8, 8]}\n"
                           "parameters: {base: 4}\n"
                           "blocks:\n"
                           "  unit:\n"
                           "    parameters: {width: , hidden: 2 * width, activate: true}\n"
                           "    layers:\n"
                           "      - conv2d: {out_channels: hidden, kernel_size: 1}\n"
                           "      - relu: {when: activate}\n"
                           "      - conv2d: {out_channels: width, kernel_size: 1, name: end}\n"
                           "      - add: {inputs: [end, end]}\n"
                           "layers:\n"
                           "  - unit: {width: base * (index + 1), repeat: 2}\n"
                           "  - unit: {width: in_channels, hidden: 1, activate: false}\n",
                           1);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 1 + 4 + 4 + 3);
    cr_expect_eq(layers[1].output.dim[1], 8);
    cr_expect_eq(layers[3].output.dim[1], 4);
    cr_expect_eq(layers[5].output.dim[1], 16);
    cr_expect_eq(layers[5].inputs[0], 4);
    cr_expect_eq(layers[8].output.dim[1], 8);
    cr_expect_eq(layers[9].output.dim[1], 1);
    cr_expect_eq(layers[11].output.dim[1], 8);
    expect_name(graph, 0, "image");
    expect_name(graph, 1, "unit_1[0].conv2d_1");
    expect_name(graph, 2, "unit_1[0].relu");
    expect_name(graph, 7, "unit_1[1].end");
    expect_name(graph, 11, "unit_2.add");
    jc_graph_free(graph);
}

Test(graph, a_block_may_be_left_out_or_repeated_not_at_all) {
    jc_graph *graph = load("inputs: {image: [3, 8, 8]}\n"
                           "blocks:\n"
                           "  unit: {layers: [conv2d: {out_channels: 9, kernel_size: 1}]}\n"
                           "layers:\n"
                           "  - unit: {when: in_channels == 4}\n"
                           "  - unit: {repeat: 0}\n"
                           "  - relu\n",
                           1);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 2);
    cr_expect_eq(layers[1].output.dim[1], 3);
    jc_graph_free(graph);
}

Test(graph, several_inputs_and_outputs) {
    jc_graph *graph = load("name: siamese\n"
                           "inputs: {left: [8], right: [8]}\n"
                           "blocks:\n"
                           "  tower: {inputs: [x], layers: [linear: {out_features: 4, name: deep}, "
                           "relu], output: deep}\n"
                           "  join: {inputs: [a, b], layers: [add: {inputs: [a, b]}]}\n"
                           "layers:\n"
                           "  - tower: {inputs: left, name: l}\n"
                           "  - tower: {inputs: right, name: r}\n"
                           "  - join: {inputs: [l, r], name: sum}\n"
                           "outputs: [sum, l]\n",
                           3);
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    cr_assert_eq(n, 5, "nothing reads the relus");
    cr_expect_str_eq(jc_graph_name(graph), "siamese");
    cr_expect_eq(layers[3].inputs[0], 1, "the second tower takes `right`");
    cr_expect_eq(layers[4].inputs[0], 2, "`output:` is the linear layer, not the relu");
    cr_expect_eq(layers[4].inputs[1], 3);
    const uint32_t *outputs = jc_graph_outputs(graph, &n);
    cr_assert_eq(n, 2);
    cr_expect_eq(outputs[0], 4);
    cr_expect_eq(outputs[1], 2);
    jc_graph_free(graph);
}

Test(graph, work_grows_with_the_batch_and_parameters_do_not) {
    const char *text = "inputs: {image: [3, 32, 32]}\n"
                       "layers:\n"
                       "  - conv2d: {out_channels: 16, kernel_size: 3, padding: same}\n"
                       "  - batch_norm\n"
                       "  - flatten\n"
                       "  - linear: {out_features: 10}\n";
    jc_graph *one = load(text, 1);
    jc_graph *many = load(text, 7);
    size_t n = 0;
    const jc_layer *a = jc_graph_layers(one, &n);
    const jc_layer *b = jc_graph_layers(many, &n);
    for (size_t i = 0; i < n; ++i) {
        cr_expect_eq(b[i].params, a[i].params);
        cr_expect_eq(b[i].work.macs, 7 * a[i].work.macs);
        cr_expect_eq(b[i].work.output_elements, 7 * a[i].work.output_elements);
        cr_expect_eq(b[i].work.weight_elements, a[i].work.weight_elements);
    }
    jc_graph_free(one);
    jc_graph_free(many);
}

static void expect_refused(const char *text, int line, const char *message) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_status status = jc_graph_parse(text, strlen(text), "bad.yaml", NULL, &graph, &err);
    cr_expect(status == JC_EPARSE || status == JC_ESHAPE, "%s", message);
    cr_expect_null(graph);
    cr_expect_eq(err.line, line, "%s: in line %d", err.message, err.line);
    cr_expect(strstr(err.message, message) != NULL, "%s", err.message);
}

Test(graph, a_shape_error_names_layer_line_and_block) {
    expect_refused("inputs: {image: [3, 8, 8]}\n"
                   "blocks:\n"
                   "  unit:\n"
                   "    layers:\n"
                   "      - conv2d: {name: c, out_channels: 3, kernel_size: 5}\n"
                   "layers:\n"
                   "  - unit: {repeat: 9}\n",
                   5, "conv2d 'c': kernel 5 exceeds padded input 4 (height) (in unit[1])");
}

// A few lines that ask for more than there can be stop early, with and without layers inside.
Test(graph, expansion_is_bounded, .timeout = 20) {
    expect_refused("inputs: {image: [3, 8, 8]}\nlayers:\n  - relu: {repeat: 1000000000}\n", 3,
                   "more than 200000 layers");
    char text[4096] = "inputs: {x: [3]}\nblocks:\n";
    for (int i = 0; i < 20; ++i) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "  b%d: {layers: [b%d: {repeat: 1000}]}\n",
                       i, i + 1);
    }
    strcat(text, "  b20: {layers: [relu: {when: false}]}\nlayers: [b0]\n");
    expect_refused(text, 23, "more than 200000 layers");
}

Test(graph, sizes_that_overflow_are_refused) {
    expect_refused("inputs: {x: [2147483647, 2147483647, 2147483647]}\nlayers: [relu]\n", 0,
                   "more than 2^42 values");
    expect_refused("inputs: {x: [1000000]}\nlayers:\n  - linear: {out_features: 2147483647}\n"
                   "  - linear: {out_features: 2147483647}\n"
                   "  - linear: {out_features: 2147483647}\n",
                   5, "exceed 2^63");
    expect_refused("inputs: {x: [3]}\nlayers:\n  - linear: {out_features: 2147483648}\n", 3,
                   "out_features must be a whole number from 1 to 2147483647");
}

Test(graph, a_batch_size_is_positive) {
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_graph_options options = {.batch_size = -1};
    const char *text = "inputs: {x: [3]}\nlayers: [relu]\n";
    cr_expect_eq(jc_graph_parse(text, strlen(text), "x", &options, &graph, &err), JC_EINVAL);
}
