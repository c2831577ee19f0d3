// SPDX-License-Identifier: Apache-2.0
// The table of ONNX operators. One line an operator; what is not here is costed by its bytes.
#include "ops.h"

#include <string.h>

#define UNARY(onnx, op)                                                                            \
    { onnx, op, onnx_infer_same, onnx_emit_unary, onnx_fold_arithmetic }
#define COMBINE(onnx, op)                                                                          \
    { onnx, op, onnx_infer_broadcast, onnx_emit_broadcast, onnx_fold_arithmetic }
#define COMPARE(onnx)                                                                              \
    { onnx, "compare", onnx_infer_compare, onnx_emit_broadcast, onnx_fold_arithmetic }
#define REDUCE(onnx, mode)                                                                         \
    { onnx, mode, onnx_infer_reduce, onnx_emit_reduce, onnx_fold_reduce }
#define COPY(onnx, infer)                                                                          \
    { onnx, NULL, infer, onnx_emit_copy, NULL }
#define LAYER(onnx, emit)                                                                          \
    { onnx, NULL, NULL, emit, NULL }

// Sorted by name: found by bisection.
static const onnx_op ops[] = {
    UNARY("Abs", "abs"),
    UNARY("Acos", "cos"),
    UNARY("Acosh", "cos"),
    COMBINE("Add", "add"),
    COMPARE("And"),
    REDUCE("ArgMax", "argmax"),
    REDUCE("ArgMin", "argmin"),
    UNARY("Asin", "sin"),
    UNARY("Asinh", "sin"),
    UNARY("Atan", "sin"),
    UNARY("Atanh", "tanh"),
    LAYER("AveragePool", onnx_emit_average_pool),
    LAYER("BatchNormalization", onnx_emit_batch_norm),
    {"Cast", NULL, onnx_infer_cast, onnx_emit_cast, onnx_fold_cast},
    {"CastLike", NULL, onnx_infer_same, NULL, onnx_fold_same},
    UNARY("Ceil", "ceil"),
    UNARY("Celu", "elu"),
    {"Clip", NULL, onnx_infer_same, onnx_emit_clip, onnx_fold_same},
    {"Concat", NULL, onnx_infer_concat, onnx_emit_concat, onnx_fold_concat},
    {"Constant", NULL, onnx_infer_constant, NULL, NULL},
    {"ConstantOfShape", NULL, onnx_infer_constant_of_shape, NULL, NULL},
    LAYER("Conv", onnx_emit_conv),
    LAYER("ConvInteger", onnx_emit_conv),
    LAYER("ConvTranspose", onnx_emit_conv_transpose),
    UNARY("Cos", "cos"),
    UNARY("Cosh", "cos"),
    COPY("CumSum", onnx_infer_same),
    COPY("DepthToSpace", onnx_infer_depth_to_space),
    {"DequantizeLinear", NULL, onnx_infer_dequantize, onnx_emit_quantize, NULL},
    COMBINE("Div", "div"),
    {"Dropout", NULL, onnx_infer_same, NULL, onnx_fold_same},
    {"DynamicQuantizeLinear", NULL, onnx_infer_dynamic_quantize, onnx_emit_copy, NULL},
    LAYER("Einsum", onnx_emit_einsum),
    UNARY("Elu", "elu"),
    COMPARE("Equal"),
    UNARY("Erf", "erf"),
    UNARY("Exp", "exp"),
    {"Expand", NULL, onnx_infer_expand, onnx_emit_expand, onnx_fold_expand},
    {"Flatten", NULL, onnx_infer_flatten, NULL, onnx_fold_same},
    UNARY("Floor", "floor"),
    {"GRU", "gru", NULL, onnx_emit_recurrent, NULL},
    {"Gather", NULL, onnx_infer_gather, onnx_emit_gather, onnx_fold_gather},
    COPY("GatherElements", onnx_infer_gather_elements),
    UNARY("Gelu", "gelu"),
    {"Gemm", NULL, onnx_infer_gemm, onnx_emit_gemm, NULL},
    LAYER("GlobalAveragePool", onnx_emit_global_average_pool),
    LAYER("GlobalMaxPool", onnx_emit_global_max_pool),
    COMPARE("Greater"),
    COMPARE("GreaterOrEqual"),
    LAYER("GroupNormalization", onnx_emit_group_norm),
    UNARY("HardSigmoid", "hardsigmoid"),
    UNARY("HardSwish", "hardswish"),
    {"Identity", NULL, onnx_infer_same, NULL, onnx_fold_same},
    LAYER("InstanceNormalization", onnx_emit_instance_norm),
    UNARY("IsInf", "sign"),
    UNARY("IsNaN", "sign"),
    LAYER("LRN", onnx_emit_lrn),
    {"LSTM", "lstm", NULL, onnx_emit_recurrent, NULL},
    LAYER("LayerNormalization", onnx_emit_layer_norm),
    UNARY("LeakyRelu", "leaky_relu"),
    COMPARE("Less"),
    COMPARE("LessOrEqual"),
    UNARY("Log", "log"),
    {"LogSoftmax", NULL, onnx_infer_same, onnx_emit_softmax, NULL},
    {"MatMul", NULL, onnx_infer_matmul, onnx_emit_matmul, NULL},
    {"MatMulInteger", NULL, onnx_infer_matmul, onnx_emit_matmul, NULL},
    COMBINE("Max", "maximum"),
    LAYER("MaxPool", onnx_emit_max_pool),
    COMBINE("Mean", "add"),
    COMBINE("Min", "minimum"),
    UNARY("Mish", "mish"),
    COMBINE("Mod", "div"),
    COMBINE("Mul", "mul"),
    UNARY("Neg", "neg"),
    {"NonZero", NULL, onnx_infer_non_zero, NULL, NULL},
    {"Not", "logical_not", onnx_infer_same, onnx_emit_unary, onnx_fold_arithmetic},
    COMPARE("Or"),
    {"PRelu", NULL, onnx_infer_same, onnx_emit_prelu, NULL},
    {"Pad", NULL, onnx_infer_pad, onnx_emit_expand, NULL},
    COMBINE("Pow", "pow"),
    LAYER("QLinearConv", onnx_emit_qlinear_conv),
    {"QLinearMatMul", NULL, onnx_infer_qlinear_matmul, onnx_emit_qlinear_matmul, NULL},
    {"QuantizeLinear", NULL, onnx_infer_dequantize, onnx_emit_quantize, NULL},
    {"RNN", "rnn", NULL, onnx_emit_recurrent, NULL},
    {"Range", NULL, onnx_infer_range, NULL, NULL},
    UNARY("Reciprocal", "reciprocal"),
    REDUCE("ReduceL1", "norm1"),
    REDUCE("ReduceL2", "norm2"),
    REDUCE("ReduceLogSum", "sum"),
    REDUCE("ReduceLogSumExp", "logsumexp"),
    REDUCE("ReduceMax", "max"),
    REDUCE("ReduceMean", "mean"),
    REDUCE("ReduceMin", "min"),
    REDUCE("ReduceProd", "prod"),
    REDUCE("ReduceSum", "sum"),
    REDUCE("ReduceSumSquare", "norm2"),
    UNARY("Relu", "relu"),
    {"Reshape", NULL, onnx_infer_reshape, NULL, onnx_fold_same},
    {"Resize", NULL, onnx_infer_resize, onnx_emit_resize, NULL},
    COPY("ReverseSequence", onnx_infer_same),
    UNARY("Round", "round"),
    COPY("ScatterElements", onnx_infer_same),
    COPY("ScatterND", onnx_infer_same),
    UNARY("Selu", "selu"),
    {"Shape", NULL, onnx_infer_shape, NULL, NULL},
    UNARY("Sigmoid", "sigmoid"),
    UNARY("Sign", "sign"),
    UNARY("Sin", "sin"),
    UNARY("Sinh", "sin"),
    {"Size", NULL, onnx_infer_size, NULL, NULL},
    {"Slice", NULL, onnx_infer_slice, onnx_emit_slice, onnx_fold_slice},
    {"Softmax", NULL, onnx_infer_same, onnx_emit_softmax, NULL},
    UNARY("Softplus", "softplus"),
    UNARY("Softsign", "softsign"),
    COPY("SpaceToDepth", onnx_infer_space_to_depth),
    {"Split", NULL, onnx_infer_split, onnx_emit_split, NULL},
    UNARY("Sqrt", "sqrt"),
    {"Squeeze", NULL, onnx_infer_squeeze, NULL, onnx_fold_same},
    COMBINE("Sub", "sub"),
    COMBINE("Sum", "add"),
    UNARY("Tan", "sin"),
    UNARY("Tanh", "tanh"),
    UNARY("ThresholdedRelu", "clamp"),
    {"Tile", NULL, onnx_infer_tile, onnx_emit_expand, NULL},
    {"Transpose", NULL, onnx_infer_transpose, onnx_emit_transpose, onnx_fold_transpose},
    COPY("Trilu", onnx_infer_same),
    {"Unsqueeze", NULL, onnx_infer_unsqueeze, NULL, onnx_fold_same},
    {"Upsample", NULL, onnx_infer_resize, onnx_emit_resize, NULL},
    {"Where", "where", onnx_infer_broadcast, onnx_emit_broadcast, onnx_fold_where},
    COMPARE("Xor"),
    // Made by pattern.c.
    LAYER("jc:attention", onnx_emit_attention),
    UNARY("jc:gelu", "gelu"),
    UNARY("jc:hardswish", "hardswish"),
    LAYER("jc:layer_norm", onnx_emit_layer_norm),
    UNARY("jc:mish", "mish"),
    UNARY("jc:silu", "silu"),
};

const onnx_op *onnx_op_find(onnx_text op_type) {
    size_t low = 0;
    size_t high = sizeof ops / sizeof ops[0];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const size_t n = strlen(ops[middle].name);
        const size_t shared = op_type.size < n ? op_type.size : n;
        int order = shared == 0 ? 0 : memcmp(op_type.data, ops[middle].name, shared);
        if (order == 0 && op_type.size == n) {
            return &ops[middle];
        }
        if (order == 0) {
            order = op_type.size < n ? -1 : 1;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
