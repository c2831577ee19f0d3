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
// so many equal parts, as in squeeze-and-excitation. None fits: n = 0.
static kernel_inputs combine_inputs(const int64_t *s) {
    const int64_t full = s[2] / s[1];
    const int64_t rest = s[2] % s[1];
    kernel_inputs in = {.n = (int)(full <= MOST_KERNEL_INPUTS ? full : 0)};
    if (rest != 0) {
        if (s[1] % rest != 0 || full + 1 > MOST_KERNEL_INPUTS) {
            return (kernel_inputs){0};
        }
        in.n++;
    }
    if (full < 1 || in.n < 2) {
        return (kernel_inputs){0};
    }
    const int64_t parts = rest != 0 ? rest : s[1];
    for (int i = 0; i < in.n; ++i) {
        in.rank[i] = 3;
        in.dims[i][0] = s[0];
        in.dims[i][1] = parts;
        in.dims[i][2] = i < full ? s[1] / parts : 1;
    }
    return in;
}

// Two halves.
static kernel_inputs concat_inputs(const int64_t *s) {
    if (s[1] < 2) {
        return (kernel_inputs){0};
    }
    return (kernel_inputs){
        .n = 2, .rank = {2, 2}, .dims = {{s[0], s[1] / 2}, {s[0], s[1] - s[1] / 2}}};
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
    [JC_KERNEL_COPY] = row_inputs,
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
    int64_t unit = 1;
    while (unit < 64 && s[1] % (2 * unit) == 0) {
        unit *= 2;
    }
    const int64_t units = s[1] / unit;
    int64_t a = 2;
    while (a * a <= units && units % a != 0) {
        ++a;
    }
    a = a * a <= units ? a : 1;
    out_dims[0] = s[0];
    out_dims[1] = a;
    out_dims[2] = units / a;
    out_dims[3] = unit;
}
