// SPDX-License-Identifier: Apache-2.0
// Quantities of kernels, by hand and by counting.
#include "predictor/profile/quantity.h"

#include <criterion/criterion.h>

#define EXPECT_CLOSE(value, expected) cr_expect_float_eq(value, expected, 1e-9 * (expected))

static double quantity(const jc_kernel *kernel, int which) {
    double q[JC_QUANTITY_COUNT];
    jc_quantity_compute(kernel, q);
    return q[which];
}

static jc_kernel make_window(int64_t in, int64_t window, int64_t stride, int64_t padding,
                             int64_t dilation) {
    jc_kernel kernel = {.kind = JC_KERNEL_CONV2D, .precision = JC_PRECISION_F32};
    int64_t *s = kernel.size;
    s[JC_WINDOW_BATCH_SIZE] = 2;
    s[JC_WINDOW_IN_CHANNELS] = 3;
    s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = in;
    s[JC_WINDOW_KERNEL_H] = s[JC_WINDOW_KERNEL_W] = window;
    s[JC_WINDOW_STRIDE_H] = s[JC_WINDOW_STRIDE_W] = stride;
    s[JC_WINDOW_PADDING_H] = s[JC_WINDOW_PADDING_W] = padding;
    s[JC_WINDOW_DILATION_H] = s[JC_WINDOW_DILATION_W] = dilation;
    s[JC_WINDOW_OUT_CHANNELS] = 5;
    s[JC_WINDOW_GROUPS] = 1;
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    return kernel;
}

Test(quantity, taps_are_the_window_where_nothing_is_padded) {
    const jc_kernel kernel = make_window(9, 3, 2, 0, 2);
    EXPECT_CLOSE(quantity(&kernel, JC_QUANTITY_TAPS), 9);
}

Test(quantity, taps_leave_padding_out) {
    // Of 7 positions along an axis, the first and the last have 2 of 3.
    const jc_kernel plane = make_window(7, 3, 1, 1, 1);
    EXPECT_CLOSE(quantity(&plane, JC_QUANTITY_TAPS), 19.0 / 7 * 19.0 / 7);
    const jc_kernel point = make_window(1, 3, 1, 1, 1);
    EXPECT_CLOSE(quantity(&point, JC_QUANTITY_TAPS), 1);
}

// Elements along one axis, position by position.
static double count(int64_t in, int64_t out, int64_t window, int64_t stride, int64_t padding,
                    int64_t dilation) {
    double n = 0;
    for (int64_t o = 0; o < out; ++o) {
        for (int64_t t = 0; t < window; ++t) {
            const int64_t at = o * stride - padding + t * dilation;
            n += at >= 0 && at < in;
        }
    }
    return n / (double)out;
}

Test(quantity, taps_are_those_that_are_counted) {
    for (int64_t in = 1; in <= 12; ++in) {
        for (int64_t window = 1; window <= 5; ++window) {
            for (int64_t stride = 1; stride <= 3; ++stride) {
                for (int64_t padding = 0; padding < window; ++padding) {
                    const int64_t dilation = 1 + padding % 3;
                    if (in + 2 * padding < (window - 1) * dilation + 1) {
                        continue;
                    }
                    const jc_kernel kernel = make_window(in, window, stride, padding, dilation);
                    const double side = count(in, kernel.size[JC_WINDOW_OUT_HEIGHT], window, stride,
                                              padding, dilation);
                    // No quantity is below 1.
                    EXPECT_CLOSE(quantity(&kernel, JC_QUANTITY_TAPS),
                                 side * side < 1 ? 1 : side * side);
                }
            }
        }
    }
}

Test(quantity, taps_of_windows_without_end_are_found_at_once) {
    const int64_t huge = INT64_C(1) << 30;
    const jc_kernel kernel = make_window(huge, huge + 1, 1, huge / 2, 1);
    // The middle one of the positions sees all of the image, the first and the last one half.
    const double taps = quantity(&kernel, JC_QUANTITY_TAPS);
    cr_expect_float_eq(taps / ((double)huge * (double)huge), 0.75 * 0.75, 0.02);
}

Test(quantity, taps_of_transposed_convolutions_are_the_window) {
    jc_kernel kernel = make_window(7, 3, 1, 1, 1);
    kernel.kind = JC_KERNEL_CONV_TRANSPOSE2D;
    EXPECT_CLOSE(quantity(&kernel, JC_QUANTITY_TAPS), 9);
}
