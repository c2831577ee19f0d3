// SPDX-License-Identifier: Apache-2.0
// Elementwise operators: activations, functions of one value, and several tensors combined with
// broadcasting.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>
#include <math.h>

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

// --- Other functions of one value: one kind of kernel, for memory decides ----------------------

static const jc_param clamp_params[] = {{"min", JC_PARAM_REAL, 0, false, -(double)INFINITY, NULL},
                                        {"max", JC_PARAM_REAL, 1, false, (double)INFINITY, NULL},
                                        {0}};
static const jc_param alpha_params[] = {{"alpha", JC_PARAM_REAL, 0, false, 1, NULL}, {0}};
static const jc_param scalar_params[] = {{"other", JC_PARAM_REAL, 0, true, 0, NULL}, {0}};

#define POINTWISE_OP(op, text, parameters) ACTIVATION_OP(op, text, parameters, JC_KERNEL_POINTWISE)

POINTWISE_OP(abs, "absolute value", op_no_params)
POINTWISE_OP(add_scalar, "x plus a number", scalar_params)
POINTWISE_OP(ceil, "rounded up", op_no_params)
POINTWISE_OP(clamp, "min(max(x, min), max)", clamp_params)
POINTWISE_OP(cos, "cosine", op_no_params)
POINTWISE_OP(elu, "x, or alpha (exp(x) - 1) below 0", alpha_params)
POINTWISE_OP(erf, "error function", op_no_params)
POINTWISE_OP(exp, "exponential", op_no_params)
POINTWISE_OP(floor, "rounded down", op_no_params)
POINTWISE_OP(log, "natural logarithm", op_no_params)
POINTWISE_OP(logical_not, "not x", op_no_params)
POINTWISE_OP(mish, "x tanh(softplus(x))", op_no_params)
POINTWISE_OP(mul_scalar, "x times a number", scalar_params)
POINTWISE_OP(neg, "-x", op_no_params)
POINTWISE_OP(pow_scalar, "x to the power of a number", scalar_params)
POINTWISE_OP(reciprocal, "1 / x", op_no_params)
POINTWISE_OP(round, "rounded to the nearest", op_no_params)
POINTWISE_OP(selu, "scaled elu", op_no_params)
POINTWISE_OP(sign, "-1, 0 or 1", op_no_params)
POINTWISE_OP(sin, "sine", op_no_params)
POINTWISE_OP(softplus, "log(1 + exp(x))", op_no_params)
POINTWISE_OP(softsign, "x / (1 + |x|)", op_no_params)
POINTWISE_OP(sqrt, "square root", op_no_params)

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

// --- Tensors combined -----------------------------------------------------------------------

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
jc_status op_infer_broadcast(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
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

void op_combine_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    for (size_t i = 0; i < call->n_inputs; ++i) {
        out_size[2] = jc_add_saturating(out_size[2], op_sample_elements(call->inputs[i]));
    }
}

#define COMBINE_OP(op, text, fewest, most, kind)                                                   \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = fewest,                                                                      \
        .max_inputs = most,                                                                        \
        .params = op_no_params,                                                                    \
        .infer = op_infer_broadcast,                                                               \
        .kernel = kind,                                                                            \
        .kernel_sizes = op_combine_sizes,                                                          \
    };

COMBINE_OP(add, "elementwise sum of two or more tensors, broadcasting", 2, SIZE_MAX, JC_KERNEL_ADD)
COMBINE_OP(mul, "elementwise product of two or more tensors, broadcasting", 2, SIZE_MAX,
           JC_KERNEL_MUL)
// The others read and write as these two do, and memory decides.
COMBINE_OP(sub, "elementwise difference, broadcasting", 2, 2, JC_KERNEL_ADD)
COMBINE_OP(div, "elementwise quotient, broadcasting", 2, 2, JC_KERNEL_MUL)
COMBINE_OP(pow, "elementwise power, broadcasting", 2, 2, JC_KERNEL_MUL)
COMBINE_OP(maximum, "elementwise larger value, broadcasting", 2, SIZE_MAX, JC_KERNEL_ADD)
COMBINE_OP(minimum, "elementwise smaller value, broadcasting", 2, SIZE_MAX, JC_KERNEL_ADD)
COMBINE_OP(compare, "elementwise comparison or logic, broadcasting", 2, 2, JC_KERNEL_ADD)
COMBINE_OP(where, "the second tensor where the first is true, else the third, broadcasting", 3, 3,
           JC_KERNEL_ADD)
