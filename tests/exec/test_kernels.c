// SPDX-License-Identifier: Apache-2.0
// Every kernel of an executor against its definition.
#include "harness.h"
#include "reference.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const double F32_TOLERANCE = 2e-5;

/** Sizes of a kernel, and what to call it. */
typedef struct sized {
    const char *what;
    jc_kernel_kind kind;
    int64_t size[JC_KERNEL_MAX_COLUMNS];
} sized;

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static void prepare(harness *h, const sized *row) {
    cr_assert_eq(harness_prepare(h, row->kind, JC_PRECISION_F32, row->size, JC_KERNEL_MAX_COLUMNS),
                 JC_OK, "%s: %s", row->what, h->err.message);
    harness_run(h, 3);
}

static jc_kernel completed(const sized *row) {
    jc_kernel kernel = {.kind = row->kind};
    memcpy(kernel.size, row->size, sizeof kernel.size);
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    return kernel;
}

// batch, in_channels, in plane, out plane, kernel, stride, padding, dilation, out_channels, groups
static const sized convolutions[] = {
    {"dense", JC_KERNEL_CONV2D, {2, 16, 9, 7, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 24, 1}},
    {"odd channels", JC_KERNEL_CONV2D, {1, 3, 11, 11, 0, 0, 5, 3, 2, 2, 2, 1, 1, 1, 5, 1}},
    {"one by one", JC_KERNEL_CONV2D, {2, 32, 7, 7, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 16, 1}},
    {"strided one by one", JC_KERNEL_CONV2D, {1, 16, 8, 8, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 32, 1}},
    {"grouped", JC_KERNEL_CONV2D, {1, 16, 8, 8, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 32, 4}},
    {"depthwise", JC_KERNEL_CONV2D, {1, 16, 10, 10, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1, 16, 16}},
    {"odd depthwise", JC_KERNEL_CONV2D, {2, 5, 9, 9, 0, 0, 5, 5, 1, 1, 2, 2, 1, 1, 5, 5}},
    {"dilated", JC_KERNEL_CONV2D, {1, 8, 12, 12, 0, 0, 3, 3, 1, 1, 2, 2, 2, 2, 8, 1}},
    {"a rest of the stride", JC_KERNEL_CONV2D, {1, 8, 9, 9, 0, 0, 2, 2, 3, 3, 0, 0, 1, 1, 8, 1}},
    {"padded at the far edge only",
     JC_KERNEL_CONV2D,
     {1, 8, 6, 6, 6, 6, 2, 2, 1, 1, 0, 0, 1, 1, 8, 1}},
};

Test(kernels, convolutions) {
    harness h = harness_open();
    for (size_t i = 0; i < COUNT(convolutions); ++i) {
        prepare(&h, &convolutions[i]);
        const jc_kernel kernel = completed(&convolutions[i]);
        float *x = harness_constant(&h, 0);
        float *weights = harness_constant(&h, 1);
        float *bias = harness_constant(&h, 2);
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        cr_assert_eq((int64_t)n, jc_kernel_work(&kernel).output_elements);
        double *expected = calloc(n, sizeof *expected);
        reference_conv(kernel.size, x, weights, bias, expected);
        harness_compare(convolutions[i].what, y, expected, n, F32_TOLERANCE);
        free(x);
        free(weights);
        free(bias);
        free(y);
        free(expected);
    }
    harness_close(&h);
}

static const sized transposed[] = {
    {"twice the plane",
     JC_KERNEL_CONV_TRANSPOSE2D,
     {1, 16, 5, 5, 10, 10, 2, 2, 2, 2, 0, 0, 1, 1, 8, 1}},
    {"overlapping", JC_KERNEL_CONV_TRANSPOSE2D, {2, 8, 6, 5, 11, 9, 3, 3, 2, 2, 1, 1, 1, 1, 16, 1}},
    {"output padding",
     JC_KERNEL_CONV_TRANSPOSE2D,
     {1, 8, 6, 6, 12, 12, 3, 3, 2, 2, 1, 1, 1, 1, 8, 1}},
    {"grouped", JC_KERNEL_CONV_TRANSPOSE2D, {1, 8, 4, 4, 8, 8, 4, 4, 2, 2, 1, 1, 1, 1, 8, 2}},
};

Test(kernels, transposed_convolutions) {
    harness h = harness_open();
    for (size_t i = 0; i < COUNT(transposed); ++i) {
        prepare(&h, &transposed[i]);
        const jc_kernel kernel = completed(&transposed[i]);
        float *x = harness_constant(&h, 0);
        float *weights = harness_constant(&h, 1);
        float *bias = harness_constant(&h, 2);
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        double *expected = calloc(n, sizeof *expected);
        reference_conv_transpose(kernel.size, x, weights, bias, expected);
        harness_compare(transposed[i].what, y, expected, n, F32_TOLERANCE);
        free(x);
        free(weights);
        free(bias);
        free(y);
        free(expected);
    }
    harness_close(&h);
}

static const sized linears[] = {
    {"one row", JC_KERNEL_LINEAR, {1, 300, 70}},
    {"many rows", JC_KERNEL_LINEAR, {33, 64, 100}},
};

Test(kernels, linear_layers) {
    harness h = harness_open();
    for (size_t i = 0; i < COUNT(linears); ++i) {
        prepare(&h, &linears[i]);
        float *x = harness_constant(&h, 0);
        float *weights = harness_constant(&h, 1);
        float *bias = harness_constant(&h, 2);
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        double *expected = calloc(n, sizeof *expected);
        reference_linear(linears[i].size, x, weights, bias, expected);
        harness_compare(linears[i].what, y, expected, n, F32_TOLERANCE);
        free(x);
        free(weights);
        free(bias);
        free(y);
        free(expected);
    }
    harness_close(&h);
}

static const sized pools[] = {
    {"maximum", JC_KERNEL_MAX_POOL2D, {2, 20, 9, 9, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1}},
    {"dilated maximum", JC_KERNEL_MAX_POOL2D, {1, 8, 9, 9, 0, 0, 2, 2, 1, 1, 0, 0, 3, 3}},
    {"ceil mode", JC_KERNEL_MAX_POOL2D, {1, 8, 8, 8, 4, 4, 3, 3, 2, 2, 0, 0, 1, 1}},
    {"average", JC_KERNEL_AVG_POOL2D, {1, 16, 8, 8, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1}},
    {"whole plane", JC_KERNEL_AVG_POOL2D, {2, 24, 7, 7, 1, 1, 7, 7, 7, 7, 0, 0, 1, 1}},
};

Test(kernels, pools) {
    harness h = harness_open();
    for (size_t i = 0; i < COUNT(pools); ++i) {
        prepare(&h, &pools[i]);
        const jc_kernel kernel = completed(&pools[i]);
        float *x = harness_constant(&h, 0);
        size_t n = 0;
        float *y = harness_output(&h, 0, &n);
        double *expected = calloc(n, sizeof *expected);
        reference_pool(&kernel, true, x, expected);
        harness_compare(pools[i].what, y, expected, n, F32_TOLERANCE);
        free(x);
        free(y);
        free(expected);
    }
    harness_close(&h);
}
