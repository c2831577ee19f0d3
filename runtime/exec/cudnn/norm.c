// SPDX-License-Identifier: Apache-2.0
// Normalisations and reductions.
#include "emit.h"

#include "kernels.h"

// One learned or collected value of `dims`.
static tensor_id learned(cu_program *p, int rank, const int64_t *dims, double low, double high) {
    const tensor_id t = cu_constant(p, TENSOR_WEIGHT, CU_F32, rank, dims, low, high);
    return cu_plain(p, t);
}

tensor_id cu_emit_batch_norm(cu_program *p, const node *n) {
    const int64_t channels = n->kernel->size[1];
    const tensor_id input = cu_image(p, n->inputs[0]);
    layout md = *cu_md(p, input);
    md.offset = 0;
    int64_t dims[JC_MAX_RANK] = {1, channels, 1, 1, 1, 1};
    const tensor_id operands[] = {
        input, learned(p, md.rank, dims, -0.1, 0.1), learned(p, md.rank, dims, 0.5, 1.5),
        learned(p, md.rank, dims, 0.5, 1.5), learned(p, md.rank, dims, -0.1, 0.1)};
    const float reals[2] = {(float)node_real(n, "eps", 1e-5), 0};
    const bool with_relu = n->n_post_ops == 1 && n->post_ops[0].activation == JC_KERNEL_RELU;
    const tensor_id result = cu_result(p, &md);
    kernel_add_elementwise(p,
                           with_relu
                               ? "F_relu((x0 - x1) / sqrtf(x2 + a.f[0]) * x3 + x4, 0.0f, 0.0f)"
                               : "(x0 - x1) / sqrtf(x2 + a.f[0]) * x3 + x4",
                           5, operands, result, reals);
    return result;
}

/** Rows that are normalised, and where their parameters are; see `normalise` in kernels.cu. */
typedef struct norm_rows {
    int64_t rows, length, groups, shared, parameters;
} norm_rows;

static tensor_id normalise(cu_program *p, const node *n, const norm_rows *r) {
    const int64_t dims[] = {r->rows, r->length};
    const tensor_id scale = learned(p, 1, &r->parameters, 0.5, 1.5);
    const tensor_id shift = learned(p, 1, &r->parameters, -0.1, 0.1);
    const tensor_id input = cu_reshape(p, n->inputs[0], 2, dims);
    layout md = *cu_md(p, input);
    md.offset = 0;
    const tensor_id result = cu_result(p, &md);
    kernel_plan k = kernel_begin(p, "normalise", 3, (tensor_id[]){input, scale, shift}, result);
    k.args.n[0] = r->rows;
    k.args.n[1] = r->length;
    k.args.n[2] = r->groups;
    k.args.n[3] = r->shared;
    k.args.f[0] = (float)node_real(n, "eps", 1e-5);
    kernel_define(&k, "AFFINE=%d", node_integer(n, "affine", 1) != 0 ? 1 : 0);
    k.work = r->rows;
    k.by_block = true;
    kernel_add(p, &k);
    return cu_shaped(p, n, result);
}

tensor_id cu_emit_layer_norm(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size; // batch_size, elements, axis_size
    return normalise(p, n,
                     &(norm_rows){.rows = s[0] * (s[1] / s[2]),
                                  .length = s[2],
                                  .groups = 1,
                                  .shared = 1,
                                  .parameters = s[2]});
}

tensor_id cu_emit_group_norm(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size; // batch_size, in_channels, height, width, groups
    return normalise(p, n,
                     &(norm_rows){.rows = s[0] * s[4],
                                  .length = s[1] / s[4] * s[2] * s[3],
                                  .groups = s[4],
                                  .shared = s[2] * s[3],
                                  .parameters = s[1]});
}

// --- Reductions --------------------------------------------------------------------------------

/** How a mode of the operator reduces. */
typedef struct reduction {
    const char *combine;
    float begin;
    bool is_mean;
} reduction;

static const float LARGEST = 3.4e38F;

static reduction reduction_of(int64_t mode) {
    switch (mode) { // in the order of the operator's modes
    case 0:
        return (reduction){"F_add", 0, true};
    case 1:
        return (reduction){"F_add", 0, false};
    case 2:
        return (reduction){"F_maximum", -LARGEST, false};
    case 3:
        return (reduction){"F_minimum", LARGEST, false};
    case 4:
        return (reduction){"F_mul", 1, false};
    default:
        return (reduction){NULL, 0, false};
    }
}

// Sizes before, along and after the axes that are reduced, which are neighbours.
typedef struct reduced_axes {
    int64_t outer, length, inner;
} reduced_axes;

// False unless the axes are neighbours.
static bool find_axes(const node *n, const layout *md, reduced_axes *out) {
    bool is_reduced[JC_MAX_RANK] = {false};
    reduced_axes a = {1, 1, 1};
    int runs = 0;
    if (n->op == NULL) {
        is_reduced[md->rank - 1] = true;
    } else {
        const jc_value *dims = &n->call->value[jc_op_param(n->op, "dims")->slot];
        for (int64_t i = 1; i <= dims[0].i; ++i) {
            is_reduced[dims[i].i] = true;
        }
    }
    for (int i = 0; i < md->rank; ++i) {
        runs += is_reduced[i] && (i == 0 || !is_reduced[i - 1]);
        int64_t *part = is_reduced[i] ? &a.length : runs == 0 ? &a.outer : &a.inner;
        *part *= md->dim[i];
    }
    *out = a;
    return runs == 1;
}

tensor_id cu_emit_reduce(cu_program *p, const node *n) {
    const reduction how = reduction_of(node_integer(n, "mode", 0));
    const tensor_id input = cu_plain(p, n->inputs[0]);
    reduced_axes a;
    if (p->status != JC_OK || how.combine == NULL || !find_axes(n, cu_md(p, input), &a)) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn has no such reduction");
        return 0;
    }
    const int64_t dims[] = {a.outer, a.inner};
    const layout md = layout_plain(cu_md(p, input)->type, 2, dims);
    const tensor_id result = cu_result(p, &md);
    kernel_plan k =
        kernel_begin(p, a.inner == 1 ? "reduce_rows" : "reduce_columns", 1, &input, result);
    kernel_define(&k, "COMBINE=%s", how.combine);
    k.args.n[0] = a.outer * a.inner;
    k.args.n[1] = a.length;
    k.args.n[2] = a.inner;
    k.args.f[0] = how.begin;
    k.args.f[1] = how.is_mean ? (float)(1 / (double)a.length) : 1;
    k.work = k.args.n[0];
    k.by_block = a.inner == 1;
    kernel_add(p, &k);
    return cu_shaped(p, n, result);
}
