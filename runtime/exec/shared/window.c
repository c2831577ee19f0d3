// SPDX-License-Identifier: Apache-2.0
#include "window.h"

int64_t window_far_padding(const int64_t *s, int axis, bool is_transposed) {
    const int64_t span = s[JC_WINDOW_DILATION_H + axis] * (s[JC_WINDOW_KERNEL_H + axis] - 1) + 1;
    const int64_t stride = s[JC_WINDOW_STRIDE_H + axis];
    const int64_t in = s[JC_WINDOW_IN_HEIGHT + axis];
    const int64_t out = s[JC_WINDOW_OUT_HEIGHT + axis];
    const int64_t padding = s[JC_WINDOW_PADDING_H + axis];
    if (is_transposed) {
        return (in - 1) * stride + span - out - padding;
    }
    const int64_t far = (out - 1) * stride + span - in - padding;
    // A rest that the stride leaves over needs no negative padding.
    return far < 0 && far > -stride ? 0 : far;
}

bool window_is_symmetric(const int64_t *s, bool is_transposed) {
    for (int axis = 0; axis < 2; ++axis) {
        const int64_t span =
            s[JC_WINDOW_DILATION_H + axis] * (s[JC_WINDOW_KERNEL_H + axis] - 1) + 1;
        const int64_t in = s[JC_WINDOW_IN_HEIGHT + axis];
        const int64_t out = s[JC_WINDOW_OUT_HEIGHT + axis];
        const int64_t wide = is_transposed ? out : in;
        const int64_t room = wide + 2 * s[JC_WINDOW_PADDING_H + axis] - span;
        if (room < 0 || room / s[JC_WINDOW_STRIDE_H + axis] + 1 != (is_transposed ? in : out)) {
            return false;
        }
    }
    return true;
}
