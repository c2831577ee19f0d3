// SPDX-License-Identifier: Apache-2.0
// Whole networks: one step after the other, each handing its tensor on.
#include "network.h"

#include "view.h"

#include "runtime/exec/shared/walk.h"

// Images arrive as they are: plain, NCHW.
static tensor_id emit_input(program *p, const jc_shape *shape) {
    const bool integers = p->precision == JC_PRECISION_INT8;
    const dnnl_data_type_t type = integers ? dnnl_u8 : activation_type(p);
    const tensor_id t = program_constant(p, TENSOR_INPUT, type, shape->rank, shape->dim,
                                         integers ? 0 : -1, integers ? 255 : 1);
    if (p->status == JC_OK) {
        p->tensors[t].rms = 255 / 1.7320508; // uniform; int8 only
    }
    return program_plain(p, t);
}

// Most primitives give their result the layout of their input, gaps and all, or are slow with one
// that is a part of another tensor. Views, copies, concatenations and convolutions take it as it
// is.
static bool wants_dense(jc_kernel_kind kind) {
    return kind != JC_KERNEL_NONE && kind != JC_KERNEL_COPY && kind != JC_KERNEL_CONCAT &&
           kind != JC_KERNEL_CONV2D && kind != JC_KERNEL_CONV_TRANSPOSE2D;
}

static tensor_id walk_input(void *context, const jc_shape *shape) {
    return emit_input(context, shape);
}

static tensor_id walk_view(void *context, const node *n) {
    return emit_view(context, n);
}

static tensor_id walk_emit(void *context, const node *n, tensor_id *inputs) {
    program *p = context;
    for (size_t k = 0; k < n->n_inputs; ++k) {
        inputs[k] = wants_dense(n->kernel->kind) ? program_dense(p, inputs[k]) : inputs[k];
    }
    return emit_node(p, n);
}

static void walk_output(void *context, tensor_id t) {
    program_output(context, t);
}

static bool walk_is_well(void *context) {
    return ((const program *)context)->status == JC_OK;
}

void build_network(program *p, const jc_network *network) {
    if (refuses_precision(p->precision)) {
        program_fail(p, JC_EUNSUPPORTED, "oneDNN computes no %s on processors",
                     jc_precision_name(p->precision));
        return;
    }
    const network_walker walker = {.context = p,
                                   .input = walk_input,
                                   .view = walk_view,
                                   .emit = walk_emit,
                                   .output = walk_output,
                                   .is_well = walk_is_well};
    jc_error err = {0};
    const jc_status status = walk_network(network, &walker, &err);
    if (status != JC_OK) {
        program_fail(p, status, "%s", err.message);
    }
}
