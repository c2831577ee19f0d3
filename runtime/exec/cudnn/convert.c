// SPDX-License-Identifier: Apache-2.0
// What emitters share: types, layouts, scales.
#include "emit.h"

#include "kernels.h"

#include <math.h>
#include <stdio.h>

static const float NO_REALS[2] = {0, 0};

cu_type cu_activation_type(const cu_program *p) {
    switch (p->precision) {
    case JC_PRECISION_F16:
        return CU_F16;
    case JC_PRECISION_BF16:
        return CU_BF16;
    case JC_PRECISION_INT8:
        return CU_S8;
    case JC_PRECISION_F32:
    case JC_PRECISION_TF32:
    case JC_PRECISION_COUNT:
    default:
        return CU_F32;
    }
}

cu_type cu_bias_type(const cu_program *p) {
    return p->precision == JC_PRECISION_INT8 ? CU_F32 : cu_activation_type(p);
}

enum { LARGEST_INTEGER = 127 };

double cu_weight_range(const cu_program *p, int64_t fan_in) {
    return p->precision == JC_PRECISION_INT8 ? LARGEST_INTEGER : sqrt(6.0 / (double)fan_in);
}

float cu_sum_scale(const cu_program *p, int64_t fan_in) {
    // Root mean square that results are scaled to: three of it are what int8 holds.
    const double target_rms = 40;
    const double product_rms = (double)LARGEST_INTEGER * LARGEST_INTEGER / 3; // of uniform values
    return p->precision == JC_PRECISION_INT8
               ? (float)(target_rms / (sqrt((double)fan_in) * product_rms))
               : 1;
}

layout cu_image_layout(const cu_program *p, cu_type type, const int64_t dims[4]) {
    return p->channels_last ? layout_channels_last(type, dims) : layout_plain(type, 4, dims);
}

// Libraries take for granted that tensors begin where their widest access may.
static bool is_aligned(const layout *md) {
    enum { WIDEST_ACCESS = 16 };
    return (size_t)md->offset * cu_type_bytes(md->type) % WIDEST_ACCESS == 0;
}

tensor_id cu_as(cu_program *p, tensor_id t, const layout *md) {
    cu_lay_out(p, t, md);
    const layout *from = cu_md(p, t);
    if (p->status != JC_OK ||
        (from->type == md->type && is_aligned(from) && layout_lies_like(from, md))) {
        return t;
    }
    const tensor_id result = cu_result(p, md);
    kernel_add_elementwise(p, "x0", 1, &t, result, NO_REALS);
    return result;
}

tensor_id cu_plain(cu_program *p, tensor_id t) {
    const layout *md = cu_md(p, t);
    const layout plain = layout_plain(md->type, md->rank, md->dim);
    return cu_as(p, t, &plain);
}

tensor_id cu_image(cu_program *p, tensor_id t) {
    const layout *md = cu_md(p, t);
    if (p->status != JC_OK || (p->tensors[t].laid_out && is_aligned(md) &&
                               (layout_is_plain(md) || layout_is_channels_last(md)))) {
        return t;
    }
    const layout usual = md->rank == 4 ? cu_image_layout(p, md->type, md->dim)
                                       : layout_plain(md->type, md->rank, md->dim);
    return cu_as(p, t, &usual);
}

tensor_id cu_reshape(cu_program *p, tensor_id t, int rank, const int64_t *dims) {
    t = cu_plain(p, t);
    const layout *from = cu_md(p, t);
    layout md = layout_plain(from->type, rank, dims);
    md.offset = from->offset;
    return cu_alias(p, t, &md);
}

tensor_id cu_shaped(cu_program *p, const node *n, tensor_id t) {
    return n->output == NULL ? t : cu_reshape(p, t, n->output->rank, n->output->dim);
}

const char *cu_activation_function(jc_kernel_kind kind) {
    const bool is_named = kind >= JC_KERNEL_RELU && kind <= JC_KERNEL_HARDSIGMOID;
    return is_named && kind != JC_KERNEL_PRELU ? jc_kernel_name(kind) : NULL;
}

void cu_apply_activation(cu_program *p, const node *n, tensor_id t) {
    const post_op *last = n->n_post_ops == 0 ? NULL : &n->post_ops[n->n_post_ops - 1];
    if (last == NULL || last->is_sum) {
        return;
    }
    char body[96];
    const float reals[2] = {(float)last->slope, 0};
    (void)snprintf(body, sizeof body, "F_%s(x0, a.f[0], a.f[1])",
                   cu_activation_function(last->activation));
    kernel_add_elementwise(p, body, 1, &t, t, reals);
}
