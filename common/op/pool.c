// SPDX-License-Identifier: Apache-2.0
// Pooling: torch.nn.MaxPool2d, AvgPool2d, their adaptive forms, and pooling of the whole plane.
#include "op_list.h"
#include "window.h"

#include <inttypes.h>

enum { POOL_CEIL_MODE = WINDOW_FIRST_FREE, POOL_COUNT_INCLUDE_PAD };

// A stride that is not given is the kernel's size.
#define POOL_PARAMS                                                                                \
    {"kernel_size", JC_PARAM_PAIR, WINDOW_KERNEL, true, 0, NULL},                                  \
        {"stride", JC_PARAM_PAIR, WINDOW_STRIDE, false, JC_SIZE_DERIVED, NULL},                    \
        {"padding", JC_PARAM_PADDING, WINDOW_PADDING, false, 0, NULL}, {                           \
        "ceil_mode", JC_PARAM_FLAG, POOL_CEIL_MODE, false, 0, NULL                                 \
    }

static const jc_param max_pool2d_params[] = {
    POOL_PARAMS, {"dilation", JC_PARAM_PAIR, WINDOW_DILATION, false, 1, NULL}, {0}};
static const jc_param avg_pool2d_params[] = {
    POOL_PARAMS, {"count_include_pad", JC_PARAM_FLAG, POOL_COUNT_INCLUDE_PAD, false, 1, NULL}, {0}};

static jc_status infer_max_pool2d(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    jc_status status = op_require_image(call, err);
    if (status != JC_OK) {
        return status;
    }
    jc_value *v = call->value;
    for (int axis = 0; axis < 2; ++axis) {
        if (v[WINDOW_STRIDE + axis].i == JC_SIZE_DERIVED) {
            v[WINDOW_STRIDE + axis].i = v[WINDOW_KERNEL + axis].i;
        }
    }
    status = window_resolve_padding(call, err);
    jc_shape out = *call->inputs[0];
    for (int axis = 0; axis < 2 && status == JC_OK; ++axis) {
        const int64_t padding = v[WINDOW_PADDING + axis].i;
        if (padding > v[WINDOW_KERNEL + axis].i / 2) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "padding %" PRId64 " is more than half of kernel %" PRId64, padding,
                                v[WINDOW_KERNEL + axis].i);
        }
        status = window_infer_axis(call, axis, v[POOL_CEIL_MODE].i != 0, &out.dim[2 + axis], err);
    }
    if (status == JC_OK) {
        *out_shape = out;
    }
    return status;
}

// As max pooling, which has a dilation besides.
static jc_status infer_avg_pool2d(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    call->value[WINDOW_DILATION].i = 1;
    call->value[WINDOW_DILATION + 1].i = 1;
    return infer_max_pool2d(call, out_shape, err);
}

// --- Adaptive and global: windows that follow from the output size -----------------------------

enum { ADAPTIVE_OUTPUT = WINDOW_FIRST_FREE }; // 2 slots

static const jc_param adaptive_params[] = {
    {"output_size", JC_PARAM_PAIR, ADAPTIVE_OUTPUT, true, 0, NULL}, {0}};

// PyTorch's adaptive window i covers [floor(i·in/out), ceil((i+1)·in/out)): where out divides in,
// an ordinary window of in/out; elsewhere at most one cell more.
static jc_status infer_adaptive(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_status status = op_require_image(call, err);
    if (status != JC_OK) {
        return status;
    }
    jc_value *v = call->value;
    *out_shape = *call->inputs[0];
    for (int axis = 0; axis < 2; ++axis) {
        const int64_t in = call->inputs[0]->dim[2 + axis];
        const int64_t out = v[ADAPTIVE_OUTPUT + axis].i;
        v[WINDOW_KERNEL + axis].i = (in + out - 1) / out;
        v[WINDOW_STRIDE + axis].i = in < out ? 1 : in / out;
        v[WINDOW_PADDING + axis].i = 0;
        v[WINDOW_PADDING + 2 + axis].i = 0;
        v[WINDOW_DILATION + axis].i = 1;
        out_shape->dim[2 + axis] = out;
    }
    return JC_OK;
}

static jc_status infer_global(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    call->value[ADAPTIVE_OUTPUT].i = 1;
    call->value[ADAPTIVE_OUTPUT + 1].i = 1;
    return infer_adaptive(call, out_shape, err);
}

#define POOL_OP(op, text, parameters, rule, kind)                                                  \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .params = parameters,                                                                      \
        .infer = rule,                                                                             \
        .kernel = kind,                                                                            \
        .kernel_sizes = window_sizes,                                                              \
    };

POOL_OP(max_pool2d, "largest value of each window", max_pool2d_params, infer_max_pool2d,
        JC_KERNEL_MAX_POOL2D)
POOL_OP(avg_pool2d, "mean of each window", avg_pool2d_params, infer_avg_pool2d,
        JC_KERNEL_AVG_POOL2D)
POOL_OP(adaptive_max_pool2d, "max pooling to a given output size", adaptive_params, infer_adaptive,
        JC_KERNEL_MAX_POOL2D)
POOL_OP(adaptive_avg_pool2d, "average pooling to a given output size", adaptive_params,
        infer_adaptive, JC_KERNEL_AVG_POOL2D)
POOL_OP(global_max_pool2d, "largest value of the whole plane", op_no_params, infer_global,
        JC_KERNEL_MAX_POOL2D)
POOL_OP(global_avg_pool2d, "mean of the whole plane", op_no_params, infer_global,
        JC_KERNEL_AVG_POOL2D)
