// SPDX-License-Identifier: Apache-2.0
// Whole networks of integers by the executor `onednn`.
#include "harness.h"
#include "loaded.h"
#include "reference.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

// In int8 weights are drawn anew, and results rounded: what is checked is that networks run, in the
// range that int8 has, and that no layer loses the signal.
static void check_int8(const char *text) {
    harness h = harness_open();
    loaded l = loaded_network(text, 2, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s: %s",
                 l.network->name, h.err.message);
    harness_run(&h, 2);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
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
    loaded_free(&l);
    harness_close(&h);
}

Test(onednn_int8, int8_networks_keep_their_signal) {
    check_int8(loaded_residual);
    check_int8(loaded_mixed);
    check_int8(loaded_transformer);
}

// An activation is a function of what the integers stand for: 40 of them for 1.
Test(onednn_int8, activations_of_integers_are_in_their_units) {
    harness h = harness_open();
    loaded l = loaded_network("name: activated\n"
                              "inputs: {image: [16, 6, 6]}\n"
                              "layers:\n"
                              "  - conv2d: {out_channels: 16, kernel_size: 1}\n"
                              "  - hardswish\n",
                              1, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
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
    loaded_free(&l);
    harness_close(&h);
}

static const double UNIT = 40; // an integer for 1

// Values that the integers of the first input stand for; the caller frees.
static float *meant_input(const harness *h, size_t n) {
    float *x = harness_constant(h, 0);
    for (size_t i = 0; i < n; ++i) {
        x[i] = (float)((double)x[i] / UNIT);
    }
    return x;
}

static void check_rounded(const char *what, const float *y, const double *exact, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        const double integer = fmin(fmax(UNIT * exact[i], -128), 127);
        cr_assert(fabs((double)y[i] - integer) <= 0.51, "%s: value %zu is %g, not %g", what, i,
                  (double)y[i], integer);
    }
}

// By itself as in a network: activations in one pass, softmax in f32 between two conversions.
Test(onednn_int8, functions_of_integers_are_in_their_units) {
    harness h = harness_open();
    static const jc_kernel_kind activations[] = {
        JC_KERNEL_RELU6, JC_KERNEL_LEAKY_RELU, JC_KERNEL_SIGMOID,   JC_KERNEL_TANH,
        JC_KERNEL_GELU,  JC_KERNEL_SILU,       JC_KERNEL_HARDSWISH, JC_KERNEL_HARDSIGMOID};
    enum { ROWS = 3, LENGTH = 70, N = ROWS * LENGTH };
    double exact[N];
    for (size_t k = 0; k < sizeof activations / sizeof activations[0]; ++k) {
        const int64_t sizes[] = {ROWS, LENGTH};
        cr_assert_eq(harness_prepare(&h, activations[k], JC_PRECISION_INT8, sizes, 2), JC_OK, "%s",
                     h.err.message);
        harness_run(&h, 1);
        cr_expect_eq(harness_n_instructions(&h), 1, "%s", jc_kernel_name(activations[k]));
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        cr_assert_eq(n, N);
        float *x = meant_input(&h, n);
        for (size_t i = 0; i < n; ++i) {
            exact[i] = reference_activation(activations[k], (double)x[i]);
        }
        check_rounded(jc_kernel_name(activations[k]), y, exact, n);
        free(x);
        free(y);
    }
    const int64_t sizes[] = {ROWS, LENGTH, LENGTH};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_SOFTMAX, JC_PRECISION_INT8, sizes, 3), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *x = meant_input(&h, n);
    reference_softmax(sizes, x, exact);
    check_rounded("softmax", y, exact, n);
    free(x);
    free(y);
    harness_close(&h);
}

// Three operands converted, what f32 does, and the result converted back: nothing moves besides.
Test(onednn_int8, attention_of_integers_is_that_of_f32_between_conversions) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 3, 17, 17, 32, 32};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_ATTENTION, JC_PRECISION_F32, sizes, 6), JC_OK);
    const size_t n = harness_n_instructions(&h);
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_ATTENTION, JC_PRECISION_INT8, sizes, 6), JC_OK);
    cr_expect_eq(harness_n_instructions(&h), n + 4);
    harness_close(&h);
}

// The rest of them: images, normalisations, several inputs.
Test(onednn_int8, every_kernel_has_a_form_of_integers) {
    static const struct {
        jc_kernel_kind kind;
        int64_t size[6];
    } kernels[] = {
        {JC_KERNEL_BATCH_NORM, {2, 24, 5, 7}},
        {JC_KERNEL_GROUP_NORM, {2, 24, 5, 7, 4}},
        {JC_KERNEL_LRN, {2, 24, 5, 7, 5}},
        {JC_KERNEL_LAYER_NORM, {3, 64, 32}},
        {JC_KERNEL_ATTENTION, {1, 2, 9, 9, 8, 8}},
        {JC_KERNEL_RELU6, {3, 70}},
        {JC_KERNEL_LEAKY_RELU, {3, 70}},
        {JC_KERNEL_PRELU, {3, 70}},
        {JC_KERNEL_POINTWISE, {3, 70}},
        {JC_KERNEL_REDUCE, {3, 64, 16}},
        {JC_KERNEL_RECURRENT, {2, 5, 16, 24, 4, 1}},
    };
    harness h = harness_open();
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) {
        const char *name = jc_kernel_name(kernels[i].kind);
        cr_assert_eq(harness_prepare(&h, kernels[i].kind, JC_PRECISION_INT8, kernels[i].size, 6),
                     JC_OK, "%s: %s", name, h.err.message);
        harness_run(&h, 2);
        jc_kernel kernel = {.kind = kernels[i].kind};
        memcpy(kernel.size, kernels[i].size, sizeof kernels[i].size);
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        cr_expect_eq((int64_t)n, jc_kernel_work(&kernel).output_elements, "%s", name);
        size_t n_other = 0;
        for (size_t k = 0; k < n; ++k) {
            cr_assert_eq(y[k], rintf(y[k]), "%s: value %zu is %g", name, k, (double)y[k]);
            n_other += y[k] != y[0];
        }
        cr_expect_gt(n_other, n / 4, "%s", name);
        free(y);
    }
    harness_close(&h);
}
