// SPDX-License-Identifier: Apache-2.0
// Convolutions: torch.nn.Conv2d and ConvTranspose2d.
#include "op_list.h"
#include "window.h"

#include "common/number.h"

#include <inttypes.h>

enum {
    CONV_IN_CHANNELS = WINDOW_FIRST_FREE,
    CONV_OUT_CHANNELS,
    CONV_GROUPS,
    CONV_BIAS,
    CONV_OUTPUT_PADDING, // 2 slots; transposed only
};

#define CONV_PARAMS                                                                                \
    {"out_channels", JC_PARAM_SIZE, CONV_OUT_CHANNELS, true, 0, NULL},                             \
        {"kernel_size", JC_PARAM_PAIR, WINDOW_KERNEL, true, 0, NULL},                              \
        {"stride", JC_PARAM_PAIR, WINDOW_STRIDE, false, 1, NULL},                                  \
        {"padding", JC_PARAM_PADDING, WINDOW_PADDING, false, 0, NULL},                             \
        {"dilation", JC_PARAM_PAIR, WINDOW_DILATION, false, 1, NULL},                              \
        {"groups", JC_PARAM_SIZE, CONV_GROUPS, false, 1, NULL},                                    \
        {"bias", JC_PARAM_FLAG, CONV_BIAS, false, 1, NULL}, {                                      \
        "in_channels", JC_PARAM_SIZE, CONV_IN_CHANNELS, false, JC_SIZE_DERIVED, NULL               \
    }

static const jc_param conv2d_params[] = {CONV_PARAMS, {0}};
static const jc_param conv_transpose2d_params[] = {
    CONV_PARAMS, {"output_padding", JC_PARAM_OFFSETS, CONV_OUTPUT_PADDING, false, 0, NULL}, {0}};

static jc_status check_channels(jc_op_call *call, jc_error *err) {
    jc_status status = op_require_image(call, err);
    if (status != JC_OK) {
        return status;
    }
    jc_value *v = call->value;
    const int64_t channels = call->inputs[0]->dim[1];
    status = op_derive_size(&v[CONV_IN_CHANNELS], channels, "in_channels", "channels", err);
    if (status != JC_OK) {
        return status;
    }
    const int64_t groups = v[CONV_GROUPS].i;
    if (channels % groups != 0 || v[CONV_OUT_CHANNELS].i % groups != 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "groups %" PRId64 " must divide both the %" PRId64
                            " input channels and out_channels %" PRId64,
                            groups, channels, v[CONV_OUT_CHANNELS].i);
    }
    return JC_OK;
}

static jc_status infer_conv2d(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    jc_status status = check_channels(call, err);
    if (status == JC_OK) {
        status = window_resolve_padding(call, err);
    }
    jc_shape out = {.rank = 4};
    for (int axis = 0; axis < 2 && status == JC_OK; ++axis) {
        status = window_infer_axis(call, axis, false, &out.dim[2 + axis], err);
    }
    if (status == JC_OK) {
        out.dim[0] = call->inputs[0]->dim[0];
        out.dim[1] = call->value[CONV_OUT_CHANNELS].i;
        *out_shape = out;
    }
    return status;
}

// (in − 1)·stride − padding + dilation·(kernel − 1) + output_padding + 1, as in PyTorch.
static jc_status infer_conv_transpose2d(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    jc_status status = check_channels(call, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_value *v = call->value;
    if (v[WINDOW_PADDING].i == JC_PADDING_SAME) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "a transposed convolution takes padding as numbers, not 'same'");
    }
    jc_shape out = {.rank = 4, .dim = {call->inputs[0]->dim[0], v[CONV_OUT_CHANNELS].i}};
    for (int axis = 0; axis < 2; ++axis) {
        const int64_t spread =
            jc_mul_saturating(call->inputs[0]->dim[2 + axis] - 1, v[WINDOW_STRIDE + axis].i);
        const int64_t span = v[WINDOW_DILATION + axis].i * (v[WINDOW_KERNEL + axis].i - 1) +
                             v[CONV_OUTPUT_PADDING + axis].i + 1;
        const int64_t padding = v[WINDOW_PADDING + axis].i + v[WINDOW_PADDING + 2 + axis].i;
        const int64_t full = jc_add_saturating(spread, span);
        if (full <= padding) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "padding %" PRId64 " leaves nothing of an output of %" PRId64,
                                padding, full);
        }
        out.dim[2 + axis] = full - padding;
    }
    *out_shape = out;
    return JC_OK;
}

static int64_t conv_params(const jc_op_call *call) {
    const jc_value *v = call->value;
    const int64_t window = jc_mul_saturating(v[WINDOW_KERNEL].i, v[WINDOW_KERNEL + 1].i);
    const int64_t filter = jc_mul_saturating(v[CONV_IN_CHANNELS].i / v[CONV_GROUPS].i, window);
    const int64_t bias = v[CONV_BIAS].i == 0 ? 0 : v[CONV_OUT_CHANNELS].i;
    return jc_add_saturating(jc_mul_saturating(filter, v[CONV_OUT_CHANNELS].i), bias);
}

static void conv_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    window_sizes(call, output, out_size);
    out_size[JC_WINDOW_OUT_CHANNELS] = call->value[CONV_OUT_CHANNELS].i;
    out_size[JC_WINDOW_GROUPS] = call->value[CONV_GROUPS].i;
}

const jc_op op_conv2d = {
    .name = "conv2d",
    .summary = "2-D convolution; grouped, depthwise and dilated too",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = conv2d_params,
    .infer = infer_conv2d,
    .count_params = conv_params,
    .kernel = JC_KERNEL_CONV2D,
    .kernel_sizes = conv_sizes,
};

const jc_op op_conv_transpose2d = {
    .name = "conv_transpose2d",
    .summary = "transposed 2-D convolution",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = conv_transpose2d_params,
    .infer = infer_conv_transpose2d,
    .count_params = conv_params,
    .kernel = JC_KERNEL_CONV_TRANSPOSE2D,
    .kernel_sizes = conv_sizes,
};
