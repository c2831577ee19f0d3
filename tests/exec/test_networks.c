// SPDX-License-Identifier: Apache-2.0
// Whole networks by an executor against the same networks step by step.
#include "harness.h"
#include "loaded.h"
#include "reference_network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

// Every output is what the steps one by one give, in the first pass and in later ones.
static void check(const char *text, int64_t batch_size, size_t most_instructions) {
    harness h = harness_open();
    loaded l = loaded_network(text, batch_size, JC_PRECISION_F32);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    cr_assert_leq(harness_n_instructions(&h), most_instructions, "%zu instructions",
                  harness_n_instructions(&h));
    float **values = reference_network(&h, l.network);
    for (int pass = 0; pass < 2; ++pass) {
        harness_run(&h, 1);
        for (size_t o = 0; o < l.network->n_outputs; ++o) {
            const uint32_t step = l.network->outputs[o];
            size_t n = 0;
            float *got = harness_output(&h, o, &n);
            cr_assert_eq((int64_t)n, jc_shape_elements(&l.network->steps[step].output));
            double *expected = calloc(n, sizeof *expected);
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
    loaded_free(&l);
    harness_close(&h);
}

Test(networks, residual_blocks_are_fused) {
    check(loaded_residual, 2, 12);
}

Test(networks, all_sorts_of_layers) {
    check(loaded_mixed, 2, 60);
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

Test(networks, operators_of_exported_networks) {
    check(exported, 2, 60);
}

Test(networks, transformers) {
    check(loaded_transformer, 2, 60);
    check(loaded_transformer, 1, 60);
}

// Blocked layouts before and after.
static const char groups[] = "name: groups\n"
                             "inputs: {image: [8, 9, 9]}\n"
                             "layers:\n"
                             "  - conv2d: {out_channels: 24, kernel_size: 3, bias: false}\n"
                             "  - group_norm: {num_groups: 4}\n"
                             "  - relu\n"
                             "  - conv2d: {out_channels: 8, kernel_size: 3}\n";

Test(networks, group_norms) {
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

Test(networks, tensors_in_use_are_kept) {
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; ++i) {
        check(shared[i], 1, 60);
    }
}

// What cannot be, is refused: a step that reads a later one.
Test(networks, steps_out_of_order_are_refused) {
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
