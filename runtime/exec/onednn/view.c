// SPDX-License-Identifier: Apache-2.0
#include "view.h"

// `length` indices of an axis, from `start` on, each `step` after the one before.
static tensor_id narrow(program *p, tensor_id t, int axis, const int64_t range[3]) {
    t = program_plain(p, t);
    const dnnl_memory_desc_t md = *program_md(p, t);
    dnnl_dims_t dims = {0};
    dnnl_dims_t strides = {0};
    for (int i = 0; i < md.ndims; ++i) {
        dims[i] = i == axis ? range[1] : md.dims[i];
        strides[i] = md.format_desc.blocking.strides[i] * (i == axis ? range[2] : 1);
    }
    dnnl_memory_desc_t part = md;
    if (p->status == JC_OK) {
        (void)program_check(
            p, dnnl_memory_desc_init_by_strides(&part, md.ndims, dims, md.data_type, strides),
            "a part of a tensor");
        part.offset0 = md.offset0 + range[0] * md.format_desc.blocking.strides[axis];
    }
    return program_alias(p, t, &part);
}

static int axis_of(const program *p, const node *n) {
    const int64_t dim = node_integer(n, "dim", 1);
    return (int)(dim < 0 ? dim + program_md(p, n->inputs[0])->ndims : dim);
}

// One index of an axis, which is removed.
static tensor_id emit_select(program *p, const node *n) {
    const int axis = axis_of(p, n);
    const int64_t size = program_md(p, n->inputs[0])->dims[axis];
    const int64_t index = node_integer(n, "index", 0);
    const int64_t range[] = {index < 0 ? index + size : index, 1, 1};
    const tensor_id part = narrow(p, n->inputs[0], axis, range);
    const dnnl_memory_desc_t *md = program_md(p, part);
    dnnl_dims_t dims = {0};
    dnnl_dims_t strides = {0};
    for (int i = 0; i + 1 < md->ndims; ++i) {
        dims[i] = md->dims[i < axis ? i : i + 1];
        strides[i] = md->format_desc.blocking.strides[i < axis ? i : i + 1];
    }
    dnnl_memory_desc_t removed = *md;
    if (p->status == JC_OK) {
        (void)program_check(
            p,
            dnnl_memory_desc_init_by_strides(&removed, md->ndims - 1, dims, md->data_type, strides),
            "a part of a tensor");
        removed.offset0 = md->offset0;
    }
    return program_alias(p, part, &removed);
}

static tensor_id emit_parameter(program *p, const node *n) {
    const bool integers = p->precision == JC_PRECISION_INT8;
    const double range = integers ? 127 : 1;
    const tensor_id t = program_constant(p, TENSOR_WEIGHT, activation_type(p), n->output->rank,
                                         n->output->dim, -range, range);
    if (p->status == JC_OK) {
        p->tensors[t].rms = range / 1.7320508; // uniform
    }
    return program_plain(p, t);
}

tensor_id emit_view(program *p, const node *n) {
    if (n->n_inputs == 0) {
        return emit_parameter(p, n);
    }
    if (node_is(n, "narrow")) {
        const int64_t range[] = {node_integer(n, "start", 0), node_integer(n, "length", 1),
                                 node_integer(n, "step", 1)};
        return narrow(p, n->inputs[0], axis_of(p, n), range);
    }
    if (node_is(n, "select")) {
        return emit_select(p, n);
    }
    return node_is(n, "dropout") || node_is(n, "identity")
               ? n->inputs[0]
               : program_reshape(p, n->inputs[0], n->output->rank, n->output->dim);
}
