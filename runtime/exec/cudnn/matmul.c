// SPDX-License-Identifier: Apache-2.0
// Products with learned weights and of activations: linear layers, matmul, attention.
#include "emit.h"
#include "gemm.h"
#include "kernels.h"

#include <math.h>

static const double LARGEST_BIAS = 4; // of int8: a tenth of what results are scaled to

tensor_id cu_emit_linear(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size; // rows, in_features, out_features
    const int64_t src_dims[] = {s[0], s[1]};
    const int64_t weights_dims[] = {s[2], s[1]};
    const int64_t dst_dims[] = {s[0], s[2]};
    const double range = cu_weight_range(p, s[1]);
    const cu_type type = cu_activation_type(p);
    gemm g = {.n = 1,
              .rows = s[0],
              .inner = s[1],
              .columns = s[2],
              .right_is_transposed = true,
              .scale = cu_sum_scale(p, s[1]),
              .bias = NO_TENSOR};
    g.right = cu_plain(p, cu_constant(p, TENSOR_WEIGHT, type, 2, weights_dims, -range, range));
    if (node_integer(n, "bias", 1) != 0) {
        const double most = p->precision == JC_PRECISION_INT8 ? LARGEST_BIAS : 0.1;
        g.bias = cu_plain(p, cu_constant(p, TENSOR_WEIGHT, cu_bias_type(p), 1, &s[2], -most, most));
    }
    g.left = cu_reshape(p, n->inputs[0], 2, src_dims); // rows are samples times positions
    const layout md = layout_plain(type, 2, dst_dims);
    g.result = cu_result(p, &md);
    g.has_relu =
        n->n_post_ops == 1 && !n->post_ops[0].is_sum && n->post_ops[0].activation == JC_KERNEL_RELU;
    gemm_add(p, &g);
    if (!g.has_relu) {
        cu_apply_activation(p, n, g.result);
    }
    return cu_shaped(p, n, g.result);
}

static tensor_id multiply(cu_program *p, gemm g) {
    const int64_t dims[] = {g.n, g.rows, g.columns};
    const layout md = layout_plain(cu_activation_type(p), 3, dims);
    g.bias = NO_TENSOR;
    g.scale *= cu_sum_scale(p, g.inner);
    g.result = cu_result(p, &md);
    gemm_add(p, &g);
    return g.result;
}

// Matrices whose columns lie one after the other: an operand as a program that uses integers keeps
// it, and copied so where it lies otherwise.
static tensor_id lay_by_columns(cu_program *p, tensor_id t, const int64_t dims[3]) {
    const tensor_id stack = cu_md(p, t)->rank == 3 ? t : cu_reshape(p, t, 3, dims);
    layout md = layout_plain(cu_md(p, stack)->type, 3, (int64_t[]){dims[0], dims[2], dims[1]});
    md = layout_permute(&md, (int[]){0, 2, 1});
    return cu_as(p, stack, &md);
}

tensor_id cu_emit_matmul(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size; // batch_size, m, k, n
    const int64_t a_dims[] = {s[0], s[1], s[2]};
    const int64_t b_dims[] = {s[0], s[2], s[3]};
    const tensor_id a = cu_reshape(p, n->inputs[0], 3, a_dims);
    // cuBLAS multiplies integers where the right matrix lies column after column.
    const bool by_columns = p->precision == JC_PRECISION_INT8;
    const tensor_id b = by_columns ? lay_by_columns(p, n->inputs[1], b_dims)
                                   : cu_reshape(p, n->inputs[1], 3, b_dims);
    const tensor_id result = multiply(p, (gemm){.n = s[0],
                                                .rows = s[1],
                                                .inner = s[2],
                                                .columns = s[3],
                                                .right_is_transposed = by_columns,
                                                .scale = 1,
                                                .left = a,
                                                .right = b});
    return cu_shaped(p, n, result);
}

// --- Attention: softmax(Q·Kᵀ/√E)·V, as frameworks without a kernel of its own compute it ---------

// Scores of keys after the query put out of reach, in place.
static void mask_causally(cu_program *p, tensor_id scores, int64_t queries, int64_t keys) {
    if (p->status != JC_OK) {
        return;
    }
    kernel_plan k = kernel_begin(p, "mask", 1, &scores, scores);
    k.work = layout_elements(cu_md(p, scores));
    k.args.n[0] = k.work;
    k.args.n[1] = queries;
    k.args.n[2] = keys;
    kernel_add(p, &k);
}

tensor_id cu_emit_attention(cu_program *p, const node *n) {
    if (n->n_inputs > 3) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn runs no attention with a mask of its own");
        return 0;
    }
    if (p->precision == JC_PRECISION_INT8) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn computes no softmax of int8");
        return 0;
    }
    const int64_t *s = n->kernel->size; // batch, heads, query_length, key_length, head, value dims
    const int64_t stack = s[0] * s[1];
    const tensor_id q = cu_reshape(p, n->inputs[0], 3, (int64_t[]){stack, s[2], s[4]});
    const tensor_id k = cu_reshape(p, n->inputs[1], 3, (int64_t[]){stack, s[3], s[4]});
    const tensor_id v = cu_reshape(p, n->inputs[2], 3, (int64_t[]){stack, s[3], s[5]});
    const tensor_id scores = multiply(p, (gemm){.n = stack,
                                                .rows = s[2],
                                                .inner = s[4],
                                                .columns = s[3],
                                                .right_is_transposed = true,
                                                .scale = 1 / sqrtf((float)s[4]),
                                                .left = q,
                                                .right = k});
    if (node_integer(n, "is_causal", 0) != 0) {
        mask_causally(p, scores, s[2], s[3]);
    }
    const jc_kernel softmax = {.kind = JC_KERNEL_SOFTMAX, .precision = p->precision};
    const tensor_id shares =
        cu_emit_softmax(p, &(node){.kernel = &softmax, .n_inputs = 1, .inputs = &scores});
    const tensor_id result = multiply(p, (gemm){.n = stack,
                                                .rows = s[2],
                                                .inner = s[3],
                                                .columns = s[5],
                                                .scale = 1,
                                                .left = shares,
                                                .right = v});
    return cu_shaped(p, n, result);
}
