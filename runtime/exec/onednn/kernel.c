// SPDX-License-Identifier: Apache-2.0
// Kernels by themselves, and the table of all kinds.
#include "kernel.h"

#include "common/number.h"
#include "runtime/exec/shared/inputs.h"

#include <inttypes.h>
#include <stdlib.h>

/** How kernels of a kind become instructions. */
typedef struct emitter {
    tensor_id (*emit)(program *p, const node *n);
    bool takes_integers; ///< the rest is, as frameworks do it, computed in f32 in int8 networks
} emitter;

static const emitter emitters[JC_KERNEL_COUNT] = {
    [JC_KERNEL_CONV2D] = {emit_conv, true},
    [JC_KERNEL_CONV_TRANSPOSE2D] = {emit_conv_transpose, true},
    [JC_KERNEL_LINEAR] = {emit_linear, true},
    [JC_KERNEL_MATMUL] = {emit_matmul, true},
    [JC_KERNEL_ATTENTION] = {emit_attention, false},
    [JC_KERNEL_MAX_POOL2D] = {emit_pool, true},
    [JC_KERNEL_AVG_POOL2D] = {emit_pool, true},
    [JC_KERNEL_BATCH_NORM] = {emit_batch_norm, false},
    [JC_KERNEL_LAYER_NORM] = {emit_layer_norm, false},
    [JC_KERNEL_GROUP_NORM] = {emit_group_norm, false},
    [JC_KERNEL_LRN] = {emit_lrn, false},
    [JC_KERNEL_SOFTMAX] = {emit_softmax, false},
    [JC_KERNEL_RELU] = {emit_activation, true},
    [JC_KERNEL_RELU6] = {emit_activation, true},
    [JC_KERNEL_LEAKY_RELU] = {emit_activation, true},
    [JC_KERNEL_PRELU] = {emit_prelu, false},
    [JC_KERNEL_SIGMOID] = {emit_activation, true},
    [JC_KERNEL_TANH] = {emit_activation, true},
    [JC_KERNEL_GELU] = {emit_activation, true},
    [JC_KERNEL_SILU] = {emit_activation, true},
    [JC_KERNEL_HARDSWISH] = {emit_activation, true},
    [JC_KERNEL_HARDSIGMOID] = {emit_activation, true},
    [JC_KERNEL_ADD] = {emit_combine, true},
    [JC_KERNEL_MUL] = {emit_combine, true},
    [JC_KERNEL_CONCAT] = {emit_concat, true},
    [JC_KERNEL_COPY] = {emit_copy, true},
    [JC_KERNEL_UPSAMPLE] = {emit_upsample, true},
    [JC_KERNEL_EMBEDDING] = {emit_embedding, true},
    [JC_KERNEL_POINTWISE] = {emit_pointwise, false},
    [JC_KERNEL_REDUCE] = {emit_reduce, false},
    [JC_KERNEL_RECURRENT] = {emit_recurrent, false},
};

// Integers on both sides, as what stands before and behind it in a network has them.
static tensor_id emit_in_f32(program *p, const node *n) {
    const double unit = integer_unit(p);
    tensor_id *inputs = calloc(n->n_inputs + 1, sizeof *inputs);
    if (inputs == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return 0;
    }
    for (size_t k = 0; k < n->n_inputs; ++k) {
        if (n->op == NULL && n->kernel->kind == JC_KERNEL_ATTENTION) { // no image has heads
            (void)program_plain(p, n->inputs[k]);
        }
        lay_out_as_usual(p, n->inputs[k]);
        inputs[k] = program_convert(p, n->inputs[k], dnnl_f32, 1 / unit);
    }
    node in_f32 = *n;
    in_f32.inputs = inputs;
    p->precision = JC_PRECISION_F32;
    const tensor_id result = emit_node(p, &in_f32);
    p->precision = JC_PRECISION_INT8;
    free(inputs);
    const tensor_id integers = program_convert(p, result, dnnl_s8, unit);
    if (p->status == JC_OK) {
        p->tensors[integers].rms = scaled_rms(0, n->kernel->kind);
    }
    return integers;
}

tensor_id emit_node(program *p, const node *n) {
    const emitter *row = &emitters[n->kernel->kind];
    if (row->emit == NULL) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn has no kernel '%s'",
                     jc_kernel_name(n->kernel->kind));
    }
    if (p->status != JC_OK) {
        return 0;
    }
    return p->precision == JC_PRECISION_INT8 && !row->takes_integers
               ? emit_in_f32(p, n)
               : program_settle(p, row->emit(p, n));
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
    if (refuses_precision(kernel->precision)) {
        program_fail(p, JC_EUNSUPPORTED, "oneDNN computes no %s on processors",
                     jc_precision_name(kernel->precision));
        return;
    }
    // The library's own sums of bytes must not overflow.
    const int64_t elements = jc_add_saturating(
        work.input_elements, jc_add_saturating(work.weight_elements, work.output_elements));
    if (elements > JC_MAX_ELEMENTS) {
        program_fail(p, JC_ENOMEM, "tensors of %" PRId64 " elements or more", JC_MAX_ELEMENTS);
        return;
    }
    const kernel_inputs shapes = kernel_inputs_of(kernel);
    tensor_id inputs[MOST_KERNEL_INPUTS] = {0};
    if (shapes.n == 0 || emitters[kernel->kind].emit == NULL) {
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
