// SPDX-License-Identifier: Apache-2.0
#include "inputs.h"

#include <stddef.h>

static kernel_inputs image_inputs(const int64_t *s) {
    return (kernel_inputs){.n = 1, .rank = {4}, .dims = {{s[0], s[1], s[2], s[3]}}};
}

static kernel_inputs row_inputs(const int64_t *s) {
    return (kernel_inputs){.n = 1, .rank = {2}, .dims = {{s[0], s[1]}}};
}

// batch_size, elements, axis_size
static kernel_inputs axis_inputs(const int64_t *s) {
    return (kernel_inputs){.n = 1, .rank = {2}, .dims = {{s[0] * (s[1] / s[2]), s[2]}}};
}

static kernel_inputs matmul_inputs(const int64_t *s) {
    return (kernel_inputs){
        .n = 2, .rank = {3, 3}, .dims = {{s[0], s[1], s[2]}, {s[0], s[2], s[3]}}};
}

static kernel_inputs attention_inputs(const int64_t *s) {
    return (kernel_inputs){
        .n = 3,
        .rank = {4, 4, 4},
        .dims = {{s[0], s[1], s[2], s[4]}, {s[0], s[1], s[3], s[4]}, {s[0], s[1], s[3], s[5]}}};
}

// Operands of full size as far as operand_elements goes; what is left over is one value for each of
// so many channels, as in squeeze-and-excitation. None fits: n = 0.
static kernel_inputs combine_inputs(const int64_t *s) {
    const int64_t full = s[2] / s[1];
    const int64_t channels = s[2] % s[1];
    const int64_t n = full + (channels != 0);
    kernel_inputs in = {0};
    if (full < 1 || n < 2 || n > MOST_KERNEL_INPUTS || (channels != 0 && s[1] % channels != 0)) {
        return in;
    }
    in.n = (int)n;
    for (int i = 0; i < in.n; ++i) {
        in.rank[i] = channels == 0 ? 2 : 4;
        in.dims[i][0] = s[0];
        in.dims[i][1] = channels == 0 ? s[1] : channels;
        in.dims[i][2] = i < full && channels != 0 ? s[1] / channels : 1;
        in.dims[i][3] = 1;
    }
    return in;
}

// batch_size, elements, axis_size, operands: of about equal size, in whole vectors of 16 where
// there are as many.
static kernel_inputs concat_inputs(const int64_t *s) {
    kernel_inputs in = {0};
    if (s[3] > MOST_KERNEL_INPUTS) {
        return in;
    }
    const int64_t plane = s[1] / s[2];
    const int64_t even = s[2] / s[3];
    const int64_t part = even >= 16 ? even / 16 * 16 : even;
    in.n = (int)s[3];
    for (int i = 0; i < in.n; ++i) {
        in.rank[i] = plane == 1 ? 2 : 4;
        in.dims[i][0] = s[0];
        in.dims[i][1] = i + 1 < in.n ? part : s[2] - part * (s[3] - 1);
        in.dims[i][2] = plane;
        in.dims[i][3] = 1;
    }
    return in;
}

// batch_size, elements, rows, unit, plane
static kernel_inputs copy_inputs(const int64_t *s) {
    if (s[4] == 1) {
        return row_inputs(s);
    }
    return (kernel_inputs){.n = 1, .rank = {4}, .dims = {{s[0], s[1] / s[4], s[4], 1}}};
}

static kernel_inputs embedding_inputs(const int64_t *s) {
    return (kernel_inputs){.n = 1, .rank = {1}, .dims = {{s[0]}}};
}

// batch_size, length, input_size
static kernel_inputs recurrent_inputs(const int64_t *s) {
    return (kernel_inputs){.n = 1, .rank = {3}, .dims = {{s[0], s[1], s[2]}}};
}

static kernel_inputs (*const inputs_of[JC_KERNEL_COUNT])(const int64_t *size) = {
    [JC_KERNEL_CONV2D] = image_inputs,
    [JC_KERNEL_CONV_TRANSPOSE2D] = image_inputs,
    [JC_KERNEL_LINEAR] = row_inputs,
    [JC_KERNEL_MATMUL] = matmul_inputs,
    [JC_KERNEL_ATTENTION] = attention_inputs,
    [JC_KERNEL_MAX_POOL2D] = image_inputs,
    [JC_KERNEL_AVG_POOL2D] = image_inputs,
    [JC_KERNEL_BATCH_NORM] = image_inputs,
    [JC_KERNEL_LAYER_NORM] = axis_inputs,
    [JC_KERNEL_LRN] = image_inputs,
    [JC_KERNEL_SOFTMAX] = axis_inputs,
    [JC_KERNEL_RELU] = row_inputs,
    [JC_KERNEL_RELU6] = row_inputs,
    [JC_KERNEL_LEAKY_RELU] = row_inputs,
    [JC_KERNEL_PRELU] = row_inputs,
    [JC_KERNEL_SIGMOID] = row_inputs,
    [JC_KERNEL_TANH] = row_inputs,
    [JC_KERNEL_GELU] = row_inputs,
    [JC_KERNEL_SILU] = row_inputs,
    [JC_KERNEL_HARDSWISH] = row_inputs,
    [JC_KERNEL_HARDSIGMOID] = row_inputs,
    [JC_KERNEL_ADD] = combine_inputs,
    [JC_KERNEL_MUL] = combine_inputs,
    [JC_KERNEL_CONCAT] = concat_inputs,
    [JC_KERNEL_COPY] = copy_inputs,
    [JC_KERNEL_UPSAMPLE] = image_inputs,
    [JC_KERNEL_EMBEDDING] = embedding_inputs,
    [JC_KERNEL_POINTWISE] = row_inputs,
    [JC_KERNEL_REDUCE] = axis_inputs,
    [JC_KERNEL_GROUP_NORM] = image_inputs,
    [JC_KERNEL_RECURRENT] = recurrent_inputs,
};

kernel_inputs kernel_inputs_of(const jc_kernel *kernel) {
    return inputs_of[kernel->kind] == NULL ? (kernel_inputs){0}
                                           : inputs_of[kernel->kind](kernel->size);
}

void kernel_copy_dims(const jc_kernel *kernel, int64_t out_dims[4]) {
    const int64_t *s = kernel->size;
    out_dims[0] = s[0];
    out_dims[1] = s[2];
    out_dims[2] = s[1] / (s[2] * s[3] * s[4]);
    out_dims[3] = s[3] * s[4];
}
