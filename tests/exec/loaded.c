// SPDX-License-Identifier: Apache-2.0
#include "loaded.h"

#include <criterion/criterion.h>
#include <string.h>

loaded loaded_network(const char *text, int64_t batch_size, jc_precision precision) {
    loaded l = {0};
    jc_error err;
    const jc_graph_options options = {.batch_size = batch_size, .precision = precision};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "test", &options, &l.graph, &err), JC_OK, "%s",
                 err.message);
    cr_assert_eq(cli_network_create(l.graph, &l.network, &err), JC_OK, "%s", err.message);
    return l;
}

void loaded_free(loaded *l) {
    cli_network_free(l->network);
    jc_graph_free(l->graph);
}

// Batch normalisation, sums and activations go into the convolutions; the second block's shortcut
// is a convolution of its own. One reorder at each end, two pools, one linear layer.
const char loaded_residual[] =
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

// Depthwise convolutions, squeeze and excitation, a split, a shuffle, dense concatenation.
const char loaded_mixed[] =
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

const char loaded_transformer[] =
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
