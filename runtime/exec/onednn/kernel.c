// SPDX-License-Identifier: Apache-2.0
// Kernels by themselves: the tensors each kind works on, and the table of all kinds.
#include "kernel.h"

#include "common/number.h"

#include <inttypes.h>

enum { MOST_INPUTS = 3 };

/** Shapes of the tensors that a kernel reads. */
typedef struct kernel_inputs {
    int n;
    int rank[MOST_INPUTS];
    int64_t dims[MOST_INPUTS][4];
} kernel_inputs;

typedef struct kernel_row {
    tensor_id (*emit)(program *p, const node *n);
    kernel_inputs (*inputs)(const int64_t *size);
} kernel_row;

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
    kernel_inputs in = {.n = (int)(full <= MOST_INPUTS ? full : 0)};
    if (rest != 0) {
        if (s[1] % rest != 0 || full + 1 > MOST_INPUTS) {
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

static const kernel_row rows[JC_KERNEL_COUNT] = {
    [JC_KERNEL_CONV2D] = {emit_conv, image_inputs},
    [JC_KERNEL_CONV_TRANSPOSE2D] = {emit_conv_transpose, image_inputs},
    [JC_KERNEL_LINEAR] = {emit_linear, row_inputs},
    [JC_KERNEL_MATMUL] = {emit_matmul, matmul_inputs},
    [JC_KERNEL_ATTENTION] = {emit_attention, attention_inputs},
    [JC_KERNEL_MAX_POOL2D] = {emit_pool, image_inputs},
    [JC_KERNEL_AVG_POOL2D] = {emit_pool, image_inputs},
    [JC_KERNEL_BATCH_NORM] = {emit_batch_norm, image_inputs},
    [JC_KERNEL_LAYER_NORM] = {emit_layer_norm, axis_inputs},
    [JC_KERNEL_LRN] = {emit_lrn, image_inputs},
    [JC_KERNEL_SOFTMAX] = {emit_softmax, axis_inputs},
    [JC_KERNEL_RELU] = {emit_activation, row_inputs},
    [JC_KERNEL_RELU6] = {emit_activation, row_inputs},
    [JC_KERNEL_LEAKY_RELU] = {emit_activation, row_inputs},
    [JC_KERNEL_PRELU] = {emit_prelu, row_inputs},
    [JC_KERNEL_SIGMOID] = {emit_activation, row_inputs},
    [JC_KERNEL_TANH] = {emit_activation, row_inputs},
    [JC_KERNEL_GELU] = {emit_activation, row_inputs},
    [JC_KERNEL_SILU] = {emit_activation, row_inputs},
    [JC_KERNEL_HARDSWISH] = {emit_activation, row_inputs},
    [JC_KERNEL_HARDSIGMOID] = {emit_activation, row_inputs},
    [JC_KERNEL_ADD] = {emit_combine, combine_inputs},
    [JC_KERNEL_MUL] = {emit_combine, combine_inputs},
    [JC_KERNEL_CONCAT] = {emit_concat, concat_inputs},
    [JC_KERNEL_COPY] = {emit_copy, row_inputs},
    [JC_KERNEL_UPSAMPLE] = {emit_upsample, image_inputs},
    [JC_KERNEL_EMBEDDING] = {emit_embedding, embedding_inputs},
    [JC_KERNEL_POINTWISE] = {emit_pointwise, row_inputs},
    [JC_KERNEL_REDUCE] = {emit_reduce, axis_inputs},
};

tensor_id emit_node(program *p, const node *n) {
    const kernel_row *row = &rows[n->kernel->kind];
    if (row->emit == NULL) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn has no kernel '%s'",
                     jc_kernel_name(n->kernel->kind));
    }
    return p->status == JC_OK ? program_settle(p, row->emit(p, n)) : 0;
}

// The range of a kind's input data. In int8 a convolution reads what an activation left, unsigned.
static tensor_id make_input(program *p, const jc_kernel *kernel, int rank, const int64_t *dims) {
    const bool multiplies = kernel->kind == JC_KERNEL_CONV2D || kernel->kind == JC_KERNEL_LINEAR ||
                            kernel->kind == JC_KERNEL_CONV_TRANSPOSE2D ||
                            kernel->kind == JC_KERNEL_MATMUL;
    const bool first = p->n_tensors == 0;
    dnnl_data_type_t type = activation_type(p);
    double low = -1;
    double high = 1;
    double rms = 0;
    if (kernel->kind == JC_KERNEL_EMBEDDING) {
        type = dnnl_s32;
        low = 0;
        high = (double)kernel->size[2] - 1;
    } else if (p->precision == JC_PRECISION_INT8) {
        type = multiplies && first ? dnnl_u8 : dnnl_s8;
        high = type == dnnl_u8 ? 255 : multiplies ? weight_range(p, 1) : 127;
        low = type == dnnl_u8 ? 0 : -high;
        rms = high / 1.7320508; // uniform
    }
    const tensor_id t = program_constant(p, TENSOR_INPUT, type, rank, dims, low, high);
    if (p->status == JC_OK) {
        p->tensors[t].rms = rms;
    }
    return t;
}

void build_kernel(program *p, const jc_kernel *kernel) {
    const jc_work work = jc_kernel_work(kernel);
    if (kernel->precision == JC_PRECISION_F16) {
        program_fail(p, JC_EUNSUPPORTED, "oneDNN computes no f16 on processors");
        return;
    }
    // The library's own sums of bytes must not overflow.
    const int64_t elements = jc_add_saturating(
        work.input_elements, jc_add_saturating(work.weight_elements, work.output_elements));
    if (elements > JC_MAX_ELEMENTS) {
        program_fail(p, JC_ENOMEM, "tensors of %" PRId64 " elements or more", JC_MAX_ELEMENTS);
        return;
    }
    const kernel_row *row = &rows[kernel->kind];
    const kernel_inputs shapes =
        row->inputs == NULL ? (kernel_inputs){0} : row->inputs(kernel->size);
    tensor_id inputs[MOST_INPUTS] = {0};
    if (shapes.n == 0) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn has no kernel '%s' of these sizes",
                     jc_kernel_name(kernel->kind));
        return;
    }
    for (int i = 0; i < shapes.n; ++i) {
        inputs[i] = make_input(p, kernel, shapes.rank[i], shapes.dims[i]);
    }
    program_output(
        p, emit_node(p, &(node){.kernel = kernel, .n_inputs = (size_t)shapes.n, .inputs = inputs}));
}
