// SPDX-License-Identifier: Apache-2.0
// Kernels by themselves, and the table of all kinds.
#include "kernel.h"

#include "common/number.h"
#include "runtime/exec/shared/inputs.h"

#include <inttypes.h>

static tensor_id (*const emitters[JC_KERNEL_COUNT])(program *p, const node *n) = {
    [JC_KERNEL_CONV2D] = emit_conv,
    [JC_KERNEL_CONV_TRANSPOSE2D] = emit_conv_transpose,
    [JC_KERNEL_LINEAR] = emit_linear,
    [JC_KERNEL_MATMUL] = emit_matmul,
    [JC_KERNEL_ATTENTION] = emit_attention,
    [JC_KERNEL_MAX_POOL2D] = emit_pool,
    [JC_KERNEL_AVG_POOL2D] = emit_pool,
    [JC_KERNEL_BATCH_NORM] = emit_batch_norm,
    [JC_KERNEL_LAYER_NORM] = emit_layer_norm,
    [JC_KERNEL_GROUP_NORM] = emit_group_norm,
    [JC_KERNEL_LRN] = emit_lrn,
    [JC_KERNEL_SOFTMAX] = emit_softmax,
    [JC_KERNEL_RELU] = emit_activation,
    [JC_KERNEL_RELU6] = emit_activation,
    [JC_KERNEL_LEAKY_RELU] = emit_activation,
    [JC_KERNEL_PRELU] = emit_prelu,
    [JC_KERNEL_SIGMOID] = emit_activation,
    [JC_KERNEL_TANH] = emit_activation,
    [JC_KERNEL_GELU] = emit_activation,
    [JC_KERNEL_SILU] = emit_activation,
    [JC_KERNEL_HARDSWISH] = emit_activation,
    [JC_KERNEL_HARDSIGMOID] = emit_activation,
    [JC_KERNEL_ADD] = emit_combine,
    [JC_KERNEL_MUL] = emit_combine,
    [JC_KERNEL_CONCAT] = emit_concat,
    [JC_KERNEL_COPY] = emit_copy,
    [JC_KERNEL_UPSAMPLE] = emit_upsample,
    [JC_KERNEL_EMBEDDING] = emit_embedding,
    [JC_KERNEL_POINTWISE] = emit_pointwise,
    [JC_KERNEL_REDUCE] = emit_reduce,
    [JC_KERNEL_RECURRENT] = emit_recurrent,
};

tensor_id emit_node(program *p, const node *n) {
    tensor_id (*const emit)(program *, const node *) = emitters[n->kernel->kind];
    if (emit == NULL) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn has no kernel '%s'",
                     jc_kernel_name(n->kernel->kind));
    }
    return p->status == JC_OK ? program_settle(p, emit(p, n)) : 0;
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
    if (shapes.n == 0 || emitters[kernel->kind] == NULL) {
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
