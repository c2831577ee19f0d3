// SPDX-License-Identifier: Apache-2.0
// Products of activations: matmul, and attention as a chain of two with a softmax between.
#include "emit.h"

#include <math.h>

static tensor_id multiply(program *p, tensor_id a, tensor_id b, const dnnl_memory_desc_t *b_md,
                          const_dnnl_post_ops_t post_ops, tensor_id operand) {
    const char *what = "this matrix product";
    const dnnl_memory_desc_t a_md = *program_md(p, a);
    const int64_t dims[] = {a_md.dims[0], a_md.dims[1], b_md->dims[2]};
    const dnnl_memory_desc_t dst = md_plain(3, dims, activation_type(p));
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(p, dnnl_matmul_desc_init(&desc, &a_md, b_md, NULL, &dst), what)) {
        const double scale = sum_scale(p, a, a_md.dims[2]);
        pd = program_describe(p, &desc, post_ops, scale, what);
    }
    const tensor_id result = program_result(p, &dst);
    if (p->status == JC_OK) {
        p->tensors[result].rms = scaled_rms(0, JC_KERNEL_NONE);
    }
    const int mask_arg = DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1;
    program_add(
        p, pd, 4,
        (instruction_arg[]){
            {DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {mask_arg, operand}, {DNNL_ARG_DST, result}});
    return result;
}

tensor_id emit_matmul(program *p, const node *n) {
    const int64_t *s = n->kernel->size; // batch_size, m, k, n
    const int64_t a_dims[] = {s[0], s[1], s[2]};
    const int64_t b_dims[] = {s[0], s[2], s[3]};
    const tensor_id a = program_reshape(p, n->inputs[0], 3, a_dims);
    // The right operand is signed, as weights are.
    const tensor_id right = program_convert(p, n->inputs[1], weight_type(p), 1);
    const tensor_id b = program_reshape(p, right, 3, b_dims);
    const dnnl_memory_desc_t b_md = *program_md(p, b);
    const tensor_id result = multiply(p, a, b, &b_md, NULL, NO_TENSOR);
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}

// --- Attention: softmax(Q·Kᵀ/√E)·V -------------------------------------------------------------

// Fills the mask of a causal attention: position j of the keys is hidden from i < j.
static void write_causal_mask(const int64_t *sizes, void *const *data) {
    float *mask = data[0];
    for (int64_t i = 0; i < sizes[0]; ++i) {
        for (int64_t j = 0; j < sizes[1]; ++j) {
            mask[i * sizes[1] + j] = j <= i ? 0.0F : -INFINITY;
        }
    }
}

static tensor_id softmax_last(program *p, tensor_id t) {
    const jc_kernel kernel = {.kind = JC_KERNEL_SOFTMAX, .precision = p->precision};
    return emit_softmax(p, &(node){.kernel = &kernel, .n_inputs = 1, .inputs = &t});
}

tensor_id emit_attention(program *p, const node *n) {
    if (n->n_inputs > 3) {
        program_fail(p, JC_EUNSUPPORTED,
                     "executor onednn runs no attention with a mask of its own");
        return 0;
    }
    const int64_t *s = n->kernel->size; // batch, heads, query_length, key_length, head, value dims
    const int64_t stack = s[0] * s[1];
    const int64_t q_dims[] = {stack, s[2], s[4]};
    const int64_t k_dims[] = {stack, s[3], s[4]};
    const int64_t v_dims[] = {stack, s[3], s[5]};
    const tensor_id q = program_reshape(p, n->inputs[0], 3, q_dims);
    const tensor_id k = program_reshape(p, n->inputs[1], 3, k_dims);
    const tensor_id v = program_reshape(p, n->inputs[2], 3, v_dims);
    dnnl_post_ops_t post_ops = NULL;
    if (p->status != JC_OK || !program_check(p, dnnl_post_ops_create(&post_ops), "post-ops")) {
        return 0;
    }
    (void)program_check(
        p,
        dnnl_post_ops_append_eltwise(post_ops, 1, dnnl_eltwise_linear, 1 / sqrtf((float)s[4]), 0),
        "attention");
    tensor_id mask = NO_TENSOR;
    if (node_integer(n, "is_causal", 0) != 0) {
        const int64_t dims[] = {1, s[2], s[3]};
        const dnnl_memory_desc_t md = md_plain(3, dims, dnnl_f32);
        mask = program_result(p, &md);
        program_add_plain(p, write_causal_mask, (int64_t[INSTRUCTION_MAX_SIZES]){s[2], s[3]}, 1,
                          (instruction_arg[]){{DNNL_ARG_DST, mask}});
        (void)program_check(p, dnnl_post_ops_append_binary(post_ops, dnnl_binary_add, &md),
                            "attention");
    }
    const dnnl_memory_desc_t k_md = *program_md(p, k);
    dnnl_memory_desc_t k_transposed = k_md;
    if (p->status == JC_OK) {
        (void)program_check(
            p, dnnl_memory_desc_permute_axes(&k_transposed, &k_md, (int[]){0, 2, 1}), "attention");
    }
    const tensor_id keys = program_alias(p, k, &k_transposed);
    const tensor_id scores = multiply(p, q, keys, &k_transposed, post_ops, mask);
    (void)dnnl_post_ops_destroy(post_ops);
    const dnnl_memory_desc_t v_md = *program_md(p, v);
    const tensor_id result = multiply(p, softmax_last(p, scores), v, &v_md, NULL, NO_TENSOR);
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}
