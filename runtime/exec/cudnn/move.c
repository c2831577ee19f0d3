// SPDX-License-Identifier: Apache-2.0
// Data that moves: copies to another order, planes enlarged, rows looked up, views.
#include "emit.h"

#include "kernels.h"

#include "runtime/exec/shared/inputs.h"

#include <string.h>

// --- copy: transpose, channel shuffle ----------------------------------------------------------

// Axis i of the result is axis order[i]; written out in that order.
static tensor_id reorder_axes(cu_program *p, tensor_id t, const int *order) {
    t = p->status == JC_OK && !p->tensors[t].laid_out ? cu_plain(p, t) : t;
    const layout seen = layout_permute(cu_md(p, t), order);
    return cu_plain(p, cu_alias(p, t, &seen));
}

// The tensor with two axes exchanged.
static tensor_id exchange(cu_program *p, tensor_id t, int first, int second) {
    int order[JC_MAX_RANK];
    for (int i = 0; i < JC_MAX_RANK; ++i) {
        order[i] = i == first ? second : i == second ? first : i;
    }
    return reorder_axes(p, t, order);
}

// Axis i of the result is axis dims[i] of the input; the batch stays in front.
static tensor_id emit_permute(cu_program *p, const node *n) {
    const jc_value *dims = &n->call->value[jc_op_param(n->op, "dims")->slot];
    int order[JC_MAX_RANK] = {0};
    for (int64_t i = 1; i <= dims[0].i; ++i) {
        order[i] = (int)dims[i].i;
    }
    return reorder_axes(p, n->inputs[0], order);
}

static tensor_id emit_shuffle(cu_program *p, const node *n) {
    const int64_t *d = n->output->dim;
    const int64_t groups = node_integer(n, "groups", 1);
    const int64_t dims[] = {d[0], groups, d[1] / groups, d[2] * d[3]};
    const tensor_id shuffled = exchange(p, cu_reshape(p, n->inputs[0], 4, dims), 1, 2);
    return cu_reshape(p, shuffled, n->output->rank, d);
}

static tensor_id emit_copy_alone(cu_program *p, const node *n) {
    int64_t dims[4];
    kernel_copy_dims(n->kernel, dims);
    const tensor_id t = cu_image(p, n->inputs[0]);
    const layout md = *cu_md(p, t);
    if (dims[1] == 1 || dims[2] == 1) { // nothing changes places
        const float none[2] = {0, 0};
        const tensor_id result = cu_result(p, &md);
        kernel_add_elementwise(p, "x0", 1, &t, result, none);
        return result;
    }
    const tensor_id moved = exchange(p, cu_reshape(p, t, 4, dims), 1, 2);
    // Of an image, the next convolution wants it as this one found it.
    return cu_as(p, cu_reshape(p, moved, md.rank, md.dim), &md);
}

tensor_id cu_emit_copy(cu_program *p, const node *n) {
    if (n->op == NULL) {
        return emit_copy_alone(p, n);
    }
    if (node_is(n, "channel_shuffle")) {
        return emit_shuffle(p, n);
    }
    if (node_is(n, "permute")) {
        return emit_permute(p, n);
    }
    if (!node_is(n, "transpose")) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn does not know what '%s' moves", n->op->name);
        return 0;
    }
    int64_t dim0 = node_integer(n, "dim0", 1);
    int64_t dim1 = node_integer(n, "dim1", 1);
    dim0 += dim0 < 0 ? n->output->rank : 0;
    dim1 += dim1 < 0 ? n->output->rank : 0;
    return exchange(p, n->inputs[0], (int)dim0, (int)dim1);
}

// --- upsample ----------------------------------------------------------------------------------

enum { MODE_NEAREST, MODE_BILINEAR };

static float pixels_a_pixel(int64_t in, int64_t out, bool align_corners) {
    return align_corners ? (out > 1 ? (float)(in - 1) / (float)(out - 1) : 0)
                         : (float)in / (float)out;
}

tensor_id cu_emit_upsample(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size;
    const tensor_id input = cu_image(p, n->inputs[0]);
    const int64_t mode = node_integer(n, "mode", MODE_NEAREST);
    const bool align_corners = node_integer(n, "align_corners", 0) != 0;
    if (mode > MODE_BILINEAR) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn has no bicubic upsampling");
        return 0;
    }
    const int64_t dims[] = {s[0], s[1], s[4], s[5]};
    const layout md = cu_image_layout(p, cu_md(p, input)->type, dims);
    const tensor_id result = cu_result(p, &md);
    kernel_plan k = kernel_begin_image(p, "upsample", input, result);
    kernel_define(&k, "BILINEAR=%d", mode == MODE_BILINEAR ? 1 : 0);
    k.args.f[0] = pixels_a_pixel(s[2], s[4], align_corners);
    k.args.f[1] = pixels_a_pixel(s[3], s[5], align_corners);
    for (int axis = 0; axis < 2; ++axis) { // centres of pixels lie half a pixel from their edges
        k.args.f[2 + axis] =
            mode == MODE_BILINEAR && !align_corners ? 0.5F * k.args.f[axis] - 0.5F : 0;
    }
    kernel_add(p, &k);
    return result;
}

// --- embedding ---------------------------------------------------------------------------------

tensor_id cu_emit_embedding(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size; // look-ups, embedding_dim, num_embeddings
    const int64_t table_dims[] = {s[2], s[1]};
    const int64_t dims[] = {s[0], s[1]};
    // An input of a network is no index: look-ups are drawn, as many as it has elements.
    const tensor_id indices = cu_plain(
        p, n->op == NULL ? n->inputs[0]
                         : cu_constant(p, TENSOR_INPUT, CU_S32, 1, &s[0], 0, (double)s[2] - 1));
    const double range = p->precision == JC_PRECISION_INT8 ? 127 : 1;
    const tensor_id table = cu_plain(
        p, cu_constant(p, TENSOR_WEIGHT, cu_activation_type(p), 2, table_dims, -range, range));
    const layout md = layout_plain(cu_activation_type(p), 2, dims);
    const tensor_id result = cu_result(p, &md);
    kernel_plan k = kernel_begin(p, "look_up", 2, (tensor_id[]){indices, table}, result);
    k.args.n[0] = s[0] * s[1];
    k.args.n[1] = s[1];
    k.work = k.args.n[0];
    kernel_add(p, &k);
    return cu_shaped(p, n, result);
}

// --- Steps without work ------------------------------------------------------------------------

static int axis_of(const cu_program *p, const node *n) {
    const int64_t dim = node_integer(n, "dim", 1);
    return (int)(dim < 0 ? dim + cu_md(p, n->inputs[0])->rank : dim);
}

static tensor_id emit_narrow(cu_program *p, const node *n) {
    const tensor_id input = cu_image(p, n->inputs[0]);
    const layout part = layout_narrow(cu_md(p, input), axis_of(p, n), node_integer(n, "start", 0),
                                      node_integer(n, "length", 1), node_integer(n, "step", 1));
    return cu_alias(p, input, &part);
}

// One index of an axis, which is removed.
static tensor_id emit_select(cu_program *p, const node *n) {
    const tensor_id input = cu_image(p, n->inputs[0]);
    const int axis = axis_of(p, n);
    const int64_t index = node_integer(n, "index", 0);
    const layout *md = cu_md(p, input);
    const layout part = layout_narrow(md, axis, index < 0 ? index + md->dim[axis] : index, 1, 1);
    const layout rest = layout_drop(&part, axis);
    return cu_alias(p, input, &rest);
}

tensor_id cu_emit_view(cu_program *p, const node *n) {
    if (p->status != JC_OK) {
        return 0;
    }
    if (n->n_inputs == 0) { // a learned tensor
        const double range = p->precision == JC_PRECISION_INT8 ? 127 : 1;
        return cu_plain(p, cu_constant(p, TENSOR_WEIGHT, cu_activation_type(p), n->output->rank,
                                       n->output->dim, -range, range));
    }
    if (node_is(n, "narrow")) {
        return emit_narrow(p, n);
    }
    if (node_is(n, "select")) {
        return emit_select(p, n);
    }
    return node_is(n, "dropout") || node_is(n, "identity")
               ? n->inputs[0]
               : cu_reshape(p, n->inputs[0], n->output->rank, n->output->dim);
}
