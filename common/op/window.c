// SPDX-License-Identifier: Apache-2.0
// Sliding windows over a plane.
#include "window.h"

#include <inttypes.h>
#include <stdio.h>

jc_status window_resolve_padding(jc_op_call *call, jc_error *err) {
    jc_value *v = call->value;
    if (v[WINDOW_PADDING].i != JC_PADDING_SAME) {
        return JC_OK;
    }
    for (int axis = 0; axis < 2; ++axis) {
        if (v[WINDOW_STRIDE + axis].i != 1) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "padding 'same' needs stride 1, not %" PRId64
                                "; write the padding as numbers",
                                v[WINDOW_STRIDE + axis].i);
        }
        const int64_t total = v[WINDOW_DILATION + axis].i * (v[WINDOW_KERNEL + axis].i - 1);
        v[WINDOW_PADDING + axis].i = total / 2;
        v[WINDOW_PADDING + 2 + axis].i = total - total / 2;
    }
    return JC_OK;
}

jc_status window_infer_axis(const jc_op_call *call, int axis, bool ceil_mode, int64_t *out_size,
                            jc_error *err) {
    const jc_value *v = call->value;
    const int64_t in = call->inputs[0]->dim[2 + axis];
    const int64_t before = v[WINDOW_PADDING + axis].i;
    const int64_t padded = in + before + v[WINDOW_PADDING + 2 + axis].i;
    const int64_t kernel = v[WINDOW_KERNEL + axis].i;
    const int64_t stride = v[WINDOW_STRIDE + axis].i;
    const int64_t span = v[WINDOW_DILATION + axis].i * (kernel - 1) + 1;
    if (span > padded) {
        char dilated[64] = "";
        if (span != kernel) {
            (void)snprintf(dilated, sizeof dilated, ", dilated to %" PRId64 ",", span);
        }
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "kernel %" PRId64 "%s exceeds padded input %" PRId64 " (%s)", kernel,
                            dilated, padded, axis == 0 ? "height" : "width");
    }
    int64_t out = (padded - span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (ceil_mode && (out - 1) * stride >= in + before) {
        --out;
    }
    *out_size = out;
    return JC_OK;
}

void window_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    const jc_shape *input = call->inputs[0];
    out_size[JC_WINDOW_BATCH_SIZE] = input->dim[0];
    out_size[JC_WINDOW_IN_CHANNELS] = input->dim[1];
    for (int axis = 0; axis < 2; ++axis) {
        out_size[JC_WINDOW_IN_HEIGHT + axis] = input->dim[2 + axis];
        out_size[JC_WINDOW_OUT_HEIGHT + axis] = output->dim[2 + axis];
        out_size[JC_WINDOW_KERNEL_H + axis] = call->value[WINDOW_KERNEL + axis].i;
        out_size[JC_WINDOW_STRIDE_H + axis] = call->value[WINDOW_STRIDE + axis].i;
        out_size[JC_WINDOW_PADDING_H + axis] = call->value[WINDOW_PADDING + axis].i;
        out_size[JC_WINDOW_DILATION_H + axis] = call->value[WINDOW_DILATION + axis].i;
    }
}
