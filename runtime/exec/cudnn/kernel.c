// SPDX-License-Identifier: Apache-2.0
// Kernels by themselves and whole networks, and the table of all kinds.
#include "kernel.h"

#include "common/number.h"
#include "runtime/exec/shared/inputs.h"
#include "runtime/exec/shared/walk.h"

#include <inttypes.h>

static tensor_id (*const emitters[JC_KERNEL_COUNT])(cu_program *p, const node *n) = {
    [JC_KERNEL_CONV2D] = cu_emit_conv,
    [JC_KERNEL_CONV_TRANSPOSE2D] = cu_emit_conv_transpose,
    [JC_KERNEL_LINEAR] = cu_emit_linear,
    [JC_KERNEL_MATMUL] = cu_emit_matmul,
    [JC_KERNEL_ATTENTION] = cu_emit_attention,
    [JC_KERNEL_MAX_POOL2D] = cu_emit_pool,
    [JC_KERNEL_AVG_POOL2D] = cu_emit_pool,
    [JC_KERNEL_BATCH_NORM] = cu_emit_batch_norm,
    [JC_KERNEL_LAYER_NORM] = cu_emit_layer_norm,
    [JC_KERNEL_GROUP_NORM] = cu_emit_group_norm,
    [JC_KERNEL_LRN] = cu_emit_lrn,
    [JC_KERNEL_SOFTMAX] = cu_emit_softmax,
    [JC_KERNEL_RELU] = cu_emit_activation,
    [JC_KERNEL_RELU6] = cu_emit_activation,
    [JC_KERNEL_LEAKY_RELU] = cu_emit_activation,
    [JC_KERNEL_PRELU] = cu_emit_prelu,
    [JC_KERNEL_SIGMOID] = cu_emit_activation,
    [JC_KERNEL_TANH] = cu_emit_activation,
    [JC_KERNEL_GELU] = cu_emit_activation,
    [JC_KERNEL_SILU] = cu_emit_activation,
    [JC_KERNEL_HARDSWISH] = cu_emit_activation,
    [JC_KERNEL_HARDSIGMOID] = cu_emit_activation,
    [JC_KERNEL_ADD] = cu_emit_combine,
    [JC_KERNEL_MUL] = cu_emit_combine,
    [JC_KERNEL_CONCAT] = cu_emit_concat,
    [JC_KERNEL_COPY] = cu_emit_copy,
    [JC_KERNEL_UPSAMPLE] = cu_emit_upsample,
    [JC_KERNEL_EMBEDDING] = cu_emit_embedding,
    [JC_KERNEL_POINTWISE] = cu_emit_pointwise,
    [JC_KERNEL_REDUCE] = cu_emit_reduce,
};

tensor_id cu_emit_node(cu_program *p, const node *n) {
    tensor_id (*const emit)(cu_program *, const node *) = emitters[n->kernel->kind];
    if (emit == NULL) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn has no kernel '%s'",
                jc_kernel_name(n->kernel->kind));
    }
    return p->status == JC_OK ? emit(p, n) : 0;
}

// --- A kernel by itself ------------------------------------------------------------------------

static tensor_id make_input(cu_program *p, const jc_kernel *kernel, int rank, const int64_t *dims) {
    if (kernel->kind == JC_KERNEL_EMBEDDING) {
        return cu_constant(p, TENSOR_INPUT, CU_S32, rank, dims, 0, (double)kernel->size[2] - 1);
    }
    const double range = p->precision == JC_PRECISION_INT8 ? 127 : 1;
    return cu_constant(p, TENSOR_INPUT, cu_activation_type(p), rank, dims, -range, range);
}

// What is not computed on integers as they are.
static bool is_for_reals(jc_kernel_kind kind) {
    return kind == JC_KERNEL_ATTENTION || kind == JC_KERNEL_SOFTMAX || kind == JC_KERNEL_LRN;
}

void cu_build_kernel(cu_program *p, const jc_kernel *kernel) {
    const jc_work work = jc_kernel_work(kernel);
    const kernel_inputs shapes = kernel_inputs_of(kernel);
    tensor_id inputs[MOST_KERNEL_INPUTS] = {0};
    // Our own sums of bytes must not overflow.
    const int64_t elements = jc_add_saturating(
        work.input_elements, jc_add_saturating(work.weight_elements, work.output_elements));
    if (elements > JC_MAX_ELEMENTS) {
        cu_fail(p, JC_ENOMEM, "tensors of %" PRId64 " elements or more", JC_MAX_ELEMENTS);
        return;
    }
    if (shapes.n == 0 || (p->precision == JC_PRECISION_INT8 && is_for_reals(kernel->kind))) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn has no kernel '%s' of these sizes in %s",
                jc_kernel_name(kernel->kind), jc_precision_name(p->precision));
        return;
    }
    for (int i = 0; i < shapes.n; ++i) {
        inputs[i] = make_input(p, kernel, shapes.rank[i], shapes.dims[i]);
    }
    cu_output(p, cu_emit_node(
                     p, &(node){.kernel = kernel, .n_inputs = (size_t)shapes.n, .inputs = inputs}));
}

// --- Networks ----------------------------------------------------------------------------------

static tensor_id walk_input(void *context, const jc_shape *shape) {
    cu_program *p = context;
    return cu_image(
        p, cu_constant(p, TENSOR_INPUT, cu_activation_type(p), shape->rank, shape->dim, -1, 1));
}

static tensor_id walk_view(void *context, const node *n) {
    return cu_emit_view(context, n);
}

static tensor_id walk_emit(void *context, const node *n, tensor_id *inputs) {
    (void)inputs; // they are taken as they lie
    return cu_emit_node(context, n);
}

static void walk_output(void *context, tensor_id t) {
    cu_output(context, t);
}

static bool walk_is_well(void *context) {
    return ((const cu_program *)context)->status == JC_OK;
}

void cu_build_network(cu_program *p, const jc_network *network) {
    if (p->precision == JC_PRECISION_INT8) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn runs single kernels in int8, and no networks");
        return;
    }
    const network_walker walker = {.context = p,
                                   .input = walk_input,
                                   .view = walk_view,
                                   .emit = walk_emit,
                                   .output = walk_output,
                                   .is_well = walk_is_well};
    jc_error err = {.status = JC_OK};
    (void)cu_ok(p, walk_network(network, &walker, &err), &err);
}
