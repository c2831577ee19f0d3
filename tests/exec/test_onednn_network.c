// SPDX-License-Identifier: Apache-2.0
// Whole networks by the executor `onednn` against the same networks step by step.
#include "harness.h"
#include "reference_network.h"

#include "cli/network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/** A graph and the network made of it. */
typedef struct loaded {
    jc_graph *graph;
    jc_network *network;
} loaded;

static loaded load(const char *text, int64_t batch_size, jc_precision precision) {
    loaded l = {0};
    jc_error err;
    const jc_graph_options options = {.batch_size = batch_size, .precision = precision};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "test", &options, &l.graph, &err), JC_OK, "%s",
                 err.message);
    cr_assert_eq(cli_network_create(l.graph, &l.network, &err), JC_OK, "%s", err.message);
    return l;
}

static void unload(loaded *l) {
    cli_network_free(l->network);
    jc_graph_free(l->graph);
}

// Every output is what the steps one by one give, in the first pass and in later ones.
static void check(const char *text, int64_t batch_size, size_t most_instructions) {
    harness h = harness_open();
    loaded l = load(text, batch_size, JC_PRECISION_F32);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    program *p = &h.task->program;
    cr_assert_leq(p->n_instructions, most_instructions, "%zu instructions", p->n_instructions);
    float **values = reference_network(&h, l.network);
    for (int pass = 0; pass < 2; ++pass) {
        harness_run(&h, 1);
        for (size_t o = 0; o < l.network->n_outputs; ++o) {
            const uint32_t step = l.network->outputs[o];
            const size_t n = (size_t)jc_shape_elements(&l.network->steps[step].output);
            float *got = calloc(n, sizeof *got);
            double *expected = calloc(n, sizeof *expected);
            cr_assert_eq(program_read(p, p->outputs[o], got, &h.err), JC_OK, "%s", h.err.message);
            double spread = 0;
            for (size_t i = 0; i < n; ++i) {
                expected[i] = (double)values[step][i];
                spread = fmax(spread, fabs(expected[i] - expected[0]));
            }
            cr_assert(spread > 0.01, "the outputs differ from each other");
            harness_compare("output", got, expected, n, 1e-4);
            free(got);
            free(expected);
        }
    }
    for (size_t i = 0; i < l.network->n_steps; ++i) {
        free(values[i]);
    }
    free(values);
    unload(&l);
    harness_close(&h);
}

// Batch normalisation, sums and activations go into the convolutions; the second block's shortcut
// is a convolution of its own. One reorder at each end, two pools, one linear layer.
static const char residual[] =
    "name: residual\n"
    "inputs: {image: [3, 20, 20]}\n"
    "blocks:\n"
    "  conv_norm:\n"
    "    parameters: {channels: , stride: 1, kernel: 3}\n"
    "    layers:\n"
    "      - conv2d: {out_channels: channels, kernel_size: kernel, stride: stride, padding: "
    "(kernel - 1) / 2, bias: false}\n"
    "      - batch_norm\n"
    "layers:\n"
    "  - conv_norm: {channels: 16, stride: 2}\n"
    "  - relu\n"
    "  - max_pool2d: {kernel_size: 3, stride: 2, padding: 1}\n"
    "  - add:\n"
    "      branches:\n"
    "        - []\n"
    "        - [conv_norm: {channels: 16}, relu, conv_norm: {channels: 16}]\n"
    "  - relu\n"
    "  - add:\n"
    "      branches:\n"
    "        - [conv_norm: {channels: 24, stride: 2, kernel: 1}]\n"
    "        - [conv_norm: {channels: 24, stride: 2}, relu, conv_norm: {channels: 24}]\n"
    "  - relu\n"
    "  - global_avg_pool2d\n"
    "  - flatten\n"
    "  - linear: {out_features: 10}\n";

Test(onednn_network, residual_blocks_are_fused) {
    check(residual, 2, 12);
}

// Depthwise convolutions, squeeze and excitation, a split, a shuffle, dense concatenation.
static const char mixed[] =
    "name: mixed\n"
    "inputs: {image: [3, 16, 16]}\n"
    "layers:\n"
    "  - conv2d: {name: first, out_channels: 20, kernel_size: 3, padding: 1}\n"
    "  - hardswish\n"
    "  - conv2d: {out_channels: in_channels, kernel_size: 3, padding: 1, groups: in_channels}\n"
    "  - relu6: {name: features}\n"
    "  - mul:\n"
    "      branches:\n"
    "        - []\n"
    "        - - global_avg_pool2d\n"
    "          - conv2d: {out_channels: 8, kernel_size: 1}\n"
    "          - silu\n"
    "          - conv2d: {out_channels: 20, kernel_size: 1}\n"
    "          - hardsigmoid\n"
    "  - concat:\n"
    "      branches:\n"
    "        - [narrow: {dim: 1, start: 0, length: 10}]\n"
    "        - - narrow: {dim: 1, start: 10, length: 10}\n"
    "          - conv2d: {out_channels: 10, kernel_size: 1, bias: false}\n"
    "          - batch_norm\n"
    "          - relu\n"
    "  - channel_shuffle: {groups: 2}\n"
    "  - batch_norm\n"
    "  - relu\n"
    "  - concat:\n"
    "      branches:\n"
    "        - []\n"
    "        - [conv2d: {out_channels: 12, kernel_size: 3, padding: 1}, tanh]\n"
    "  - avg_pool2d: {kernel_size: 2}\n"
    "  - conv_transpose2d: {out_channels: 8, kernel_size: 2, stride: 2}\n"
    "  - batch_norm\n"
    "  - leaky_relu\n"
    "  - upsample: {scale_factor: 2}\n"
    "  - add:\n"
    "      branches:\n"
    "        - []\n"
    "        - [sigmoid]\n"
    "        - [identity]\n";

Test(onednn_network, all_sorts_of_layers) {
    check(mixed, 2, 60);
}

static const char exported[] = "name: exported\n"
                               "inputs: {image: [8, 6, 4]}\n"
                               "layers:\n"
                               "  - mul_scalar: {name: x, other: 1.5}\n"
                               "  - abs\n"
                               "  - add_scalar: {name: positive, other: 0.5}\n"
                               "  - reciprocal\n"
                               "  - pow_scalar: {name: y, other: 2}\n"
                               "  - sub: {name: d, inputs: [x, y]}\n"
                               "  - div: {name: q, inputs: [d, positive]}\n"
                               "  - maximum: {name: m, inputs: [q, x]}\n"
                               "  - minimum: {inputs: [m, y]}\n"
                               "  - clamp: {min: -2, max: 2}\n"
                               "  - permute: {dims: [2, 3, 1]}\n"
                               "  - narrow: {dim: 1, start: 1, length: 2, step: 2}\n"
                               "  - softplus\n"
                               "  - reduce: {name: mean, dims: [2], keepdim: true}\n"
                               "  - neg\n"
                               "  - exp: {name: e}\n"
                               "  - sub: {inputs: [mean, e]}\n";

Test(onednn_network, operators_of_exported_networks) {
    check(exported, 2, 60);
}

static const char transformer[] =
    "name: transformer\n"
    "inputs: {image: [3, 16, 16]}\n"
    "blocks:\n"
    "  heads:\n"
    "    parameters: {third: }\n"
    "    layers:\n"
    "      - narrow: {dim: 2, start: third * 24, length: 24}\n"
    "      - reshape: {shape: [-1, 3, 8]}\n"
    "      - transpose: {dim0: 1, dim1: 2}\n"
    "layers:\n"
    "  - conv2d: {out_channels: 24, kernel_size: 4, stride: 4}\n"
    "  - flatten: {start_dim: 2}\n"
    "  - transpose: {dim0: 1, dim1: 2}\n"
    "  - concat: {branches: [[parameter: {shape: [1, 24]}], []]}\n"
    "  - add: {branches: [[], [parameter: {shape: [17, 24]}]]}\n"
    "  - add:\n"
    "      branches:\n"
    "        - []\n"
    "        - - layer_norm\n"
    "          - linear: {out_features: 72}\n"
    "          - scaled_dot_product_attention:\n"
    "              is_causal: true\n"
    "              branches: [[heads: {third: 0}], [heads: {third: 1}], [heads: {third: 2}]]\n"
    "          - transpose: {dim0: 1, dim1: 2}\n"
    "          - reshape: {shape: [-1, 24]}\n"
    "          - linear: {out_features: 24}\n"
    "  - add:\n"
    "      branches: [[], [layer_norm, linear: {out_features: 50}, gelu, linear: {out_features: "
    "24}]]\n"
    "  - matmul: {branches: [[], [transpose: {dim0: 1, dim1: 2}]]}\n"
    "  - softmax\n"
    "  - select: {dim: 1, index: 2}\n"
    "  - linear: {out_features: 5}\n";

Test(onednn_network, transformers) {
    check(transformer, 2, 60);
    check(transformer, 1, 60);
}

// Blocked layouts before and after.
static const char groups[] = "name: groups\n"
                             "inputs: {image: [8, 9, 9]}\n"
                             "layers:\n"
                             "  - conv2d: {out_channels: 24, kernel_size: 3, bias: false}\n"
                             "  - group_norm: {num_groups: 4}\n"
                             "  - relu\n"
                             "  - conv2d: {out_channels: 8, kernel_size: 3}\n";

Test(onednn_network, group_norms) {
    check(groups, 2, 8);
}

// A sum is not made in place of a tensor that something else still reads: another sum, a layer that
// comes between, the convolution itself, a view.
static const char *const shared[] = {
    "name: two_sums\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - conv2d: {name: x, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
    "  - conv2d: {name: b, out_channels: 8, kernel_size: 1}\n"
    "  - add: {name: c, inputs: [x, b]}\n"
    "  - add: {name: d, inputs: [x, a]}\n"
    "  - concat: {inputs: [c, d]}\n",
    "name: between\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - conv2d: {name: x, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - conv2d: {out_channels: 8, kernel_size: 1}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
    "  - sigmoid: {name: y, inputs: [x]}\n"
    "  - add: {name: c, inputs: [x, a]}\n"
    "  - concat: {inputs: [c, y]}\n",
    "name: itself\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - relu: {name: x}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - add: {inputs: [x, a]}\n",
    "name: viewed\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - conv2d: {name: x, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - identity: {name: y}\n"
    "  - conv2d: {inputs: [x], out_channels: 8, kernel_size: 1}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
    "  - add: {name: c, inputs: [x, a]}\n"
    "  - concat: {inputs: [c, y]}\n",
    "name: view\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - conv2d: {name: x, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - identity: {name: y}\n"
    "  - conv2d: {inputs: [x], out_channels: 8, kernel_size: 1}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
    "  - add: {name: c, inputs: [y, a]}\n"
    "  - concat: {inputs: [c, x]}\n",
    "name: input\n"
    "inputs: {image: [8, 8, 8]}\n"
    "layers:\n"
    "  - conv2d: {out_channels: 8, kernel_size: 1}\n"
    "  - conv2d: {name: a, out_channels: 8, kernel_size: 1}\n"
    "  - add: {inputs: [image, a]}\n",
};

Test(onednn_network, tensors_in_use_are_kept) {
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; ++i) {
        check(shared[i], 1, 60);
    }
}

// In int8 weights are drawn anew, and results rounded: what is checked is that networks run, in the
// range that int8 has, and that no layer loses the signal.
static void check_int8(const char *text) {
    harness h = harness_open();
    loaded l = load(text, 2, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s: %s",
                 l.network->name, h.err.message);
    harness_run(&h, 2);
    size_t n = 0;
    float *y = harness_result(&h, &n);
    size_t edge = 0;
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
        edge += fabsf(y[i]) >= 127;
        squares += (double)(y[i] * y[i]);
        cr_assert_eq(y[i], rintf(y[i]));
    }
    const double rms = sqrt(squares / (double)n);
    cr_assert_lt(edge, n / 4 + 1, "%s: %zu of %zu at the edge", l.network->name, edge, n);
    cr_assert(rms > 2, "%s: rms %g", l.network->name, rms);
    free(y);
    unload(&l);
    harness_close(&h);
}

Test(onednn_network, int8_networks_keep_their_signal) {
    check_int8(residual);
    check_int8(mixed);
    check_int8(transformer);
}

// relu6 is a function of what the integers stand for: 40 of them for 1.
Test(onednn_network, activations_of_integers_are_in_their_units) {
    harness h = harness_open();
    loaded l = load("name: activated\n"
                    "inputs: {image: [16, 6, 6]}\n"
                    "layers:\n"
                    "  - conv2d: {out_channels: 16, kernel_size: 1}\n"
                    "  - hardswish\n",
                    1, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_result(&h, &n);
    float *x = harness_constant(&h, 0);
    float *weights = harness_constant(&h, 1);
    const double scale = 1 / (sqrt(16) * 64 / sqrt(3) * 255 / sqrt(3));
    for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (size_t c = 0; c < 16; ++c) {
            sum += (double)x[c * 36 + i % 36] * (double)weights[i / 36 * 16 + c];
        }
        const double value = sum * scale;
        const double exact = 40 * value * fmin(fmax(value + 3, 0), 6) / 6;
        cr_assert(fabs((double)y[i] - fmin(exact, 127)) <= 0.6, "value %zu is %g, not %g", i,
                  (double)y[i], exact);
    }
    free(x);
    free(y);
    free(weights);
    unload(&l);
    harness_close(&h);
}

// What cannot be, is refused: a step that reads a later one.
Test(onednn_network, steps_out_of_order_are_refused) {
    harness h = harness_open();
    const uint32_t inputs[] = {1};
    const jc_network_step steps[] = {
        {.op = jc_op_find("relu"), .n_inputs = 1, .inputs = inputs},
        {.kernel = {.kind = JC_KERNEL_NONE}, .output = {.rank = 2, .dim = {1, 1}}}};
    const uint32_t outputs[] = {0};
    const jc_network network = {.name = "later",
                                .batch_size = 1,
                                .steps = steps,
                                .n_steps = 2,
                                .outputs = outputs,
                                .n_outputs = 1};
    cr_assert_eq(h.executor->prepare_network(h.handle, &network, &h.task, &h.err), JC_EINVAL);
    harness_close(&h);
}
