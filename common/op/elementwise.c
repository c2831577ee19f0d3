// SPDX-License-Identifier: Apache-2.0
// Elementwise operators: activations, add and mul with broadcasting.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>

static const jc_param leaky_relu_params[] = {
    {"negative_slope", JC_PARAM_REAL, 0, false, 0.01, NULL}, {0}};

#define ACTIVATION_OP(op, text, parameters, kind)                                                  \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .params = parameters,                                                                      \
        .infer = op_infer_same,                                                                    \
        .kernel = kind,                                                                            \
        .kernel_sizes = op_elementwise_sizes,                                                      \
    };

ACTIVATION_OP(relu, "max(0, x)", op_no_params, JC_KERNEL_RELU)
ACTIVATION_OP(relu6, "min(max(0, x), 6)", op_no_params, JC_KERNEL_RELU6)
ACTIVATION_OP(leaky_relu, "x, or negative_slope times x below 0", leaky_relu_params,
              JC_KERNEL_LEAKY_RELU)
ACTIVATION_OP(sigmoid, "1 / (1 + exp(-x))", op_no_params, JC_KERNEL_SIGMOID)
ACTIVATION_OP(tanh, "hyperbolic tangent", op_no_params, JC_KERNEL_TANH)
ACTIVATION_OP(gelu, "x times the normal distribution function of x", op_no_params, JC_KERNEL_GELU)
ACTIVATION_OP(silu, "x times sigmoid(x)", op_no_params, JC_KERNEL_SILU)
ACTIVATION_OP(hardswish, "x relu6(x + 3) / 6", op_no_params, JC_KERNEL_HARDSWISH)
ACTIVATION_OP(hardsigmoid, "relu6(x + 3) / 6", op_no_params, JC_KERNEL_HARDSIGMOID)

// --- prelu: one learned slope, or one a channel ------------------------------------------------

static const jc_param prelu_params[] = {{"num_parameters", JC_PARAM_SIZE, 0, false, 1, NULL}, {0}};

static jc_status infer_prelu(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    const int64_t n = call->value[0].i;
    const int64_t channels = input->rank > 1 ? input->dim[1] : 1;
    if (n != 1 && n != channels) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "num_parameters is %" PRId64 ", but must be 1 or the input's %" PRId64
                            " channels",
                            n, channels);
    }
    return op_infer_same(call, out_shape, err);
}

static int64_t prelu_count_params(const jc_op_call *call) {
    return call->value[0].i;
}

const jc_op op_prelu = {
    .name = "prelu",
    .summary = "x, or a learned slope times x below 0",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = prelu_params,
    .infer = infer_prelu,
    .count_params = prelu_count_params,
    .kernel = JC_KERNEL_PRELU,
    .kernel_sizes = op_elementwise_sizes,
};

// --- add, mul ------------------------------------------------------------------------------

static jc_status broadcast(jc_shape *out, const jc_shape *operand, jc_error *err) {
    jc_shape wide = out->rank >= operand->rank ? *out : *operand;
    const jc_shape *narrow = out->rank >= operand->rank ? operand : out;
    const int shift = wide.rank - narrow->rank;
    for (int i = 0; i < narrow->rank; ++i) {
        int64_t *a = &wide.dim[shift + i];
        const int64_t b = narrow->dim[i];
        if (*a != b && *a != 1 && b != 1) {
            char left[JC_SHAPE_TEXT_SIZE];
            char right[JC_SHAPE_TEXT_SIZE];
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "operands %s and %s do not broadcast: %" PRId64 " against %" PRId64,
                                jc_shape_format(out, left), jc_shape_format(operand, right), *a, b);
        }
        *a = *a == 1 ? b : *a;
    }
    *out = wide;
    return JC_OK;
}

// NumPy's rule: aligned at the last axis, sizes equal or 1.
static jc_status infer_broadcast(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    jc_shape out = *call->inputs[0];
    for (size_t i = 1; i < call->n_inputs; ++i) {
        const jc_status status = broadcast(&out, call->inputs[i], err);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_shape = out;
    return JC_OK;
}

static void combine_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    for (size_t i = 0; i < call->n_inputs; ++i) {
        out_size[2] = jc_add_saturating(out_size[2], op_sample_elements(call->inputs[i]));
    }
}

#define COMBINE_OP(op, text, kind)                                                                 \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 2,                                                                           \
        .max_inputs = SIZE_MAX,                                                                    \
        .params = op_no_params,                                                                    \
        .infer = infer_broadcast,                                                                  \
        .kernel = kind,                                                                            \
        .kernel_sizes = combine_sizes,                                                             \
    };

COMBINE_OP(add, "elementwise sum of two or more tensors, broadcasting", JC_KERNEL_ADD)
COMBINE_OP(mul, "elementwise product of two or more tensors, broadcasting", JC_KERNEL_MUL)
