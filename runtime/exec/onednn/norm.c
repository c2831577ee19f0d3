// SPDX-License-Identifier: Apache-2.0
// Normalisations and softmax.
#include "emit.h"

// The primitive described by `desc`, from the node's input to a result of the same layout.
static tensor_id emit_in_layout(program *p, const_dnnl_op_desc_t desc, tensor_id input,
                                size_t n_args, instruction_arg *args, const char *what) {
    dnnl_primitive_desc_t pd = program_describe(p, desc, NULL, 1, what);
    const dnnl_memory_desc_t md = *program_md(p, input);
    const tensor_id result = program_result(p, &md);
    if (p->status == JC_OK) {
        p->tensors[result].rms = p->tensors[input].rms;
    }
    args[0] = (instruction_arg){DNNL_ARG_SRC, input};
    args[1] = (instruction_arg){DNNL_ARG_DST, result};
    program_add(p, pd, n_args, args);
    return result;
}

// One learned or collected value of `dims`, in f32 as the library wants it in every precision.
static tensor_id learned(program *p, int rank, const int64_t *dims, double low, double high) {
    const tensor_id t = program_constant(p, TENSOR_WEIGHT, dnnl_f32, rank, dims, low, high);
    const dnnl_memory_desc_t md = md_plain(rank, dims, dnnl_f32);
    program_lay_out(p, t, &md);
    return t;
}

tensor_id emit_batch_norm(program *p, const node *n) {
    const char *what = "this batch normalisation";
    const int64_t *s = n->kernel->size;
    const tensor_id input = n->inputs[0];
    lay_out_as_usual(p, input);
    const tensor_id mean = learned(p, 1, &s[1], -0.1, 0.1);
    const tensor_id variance = learned(p, 1, &s[1], 0.5, 1.5);
    const tensor_id scale = learned(p, 1, &s[1], 0.5, 1.5);
    const tensor_id shift = learned(p, 1, &s[1], -0.1, 0.1);
    const bool with_relu = n->n_post_ops == 1 && n->post_ops[0].activation == JC_KERNEL_RELU;
    const unsigned flags = dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift |
                           (with_relu ? dnnl_fuse_norm_relu : 0U);
    const dnnl_memory_desc_t md = *program_md(p, input);
    dnnl_batch_normalization_desc_t desc;
    if (p->status != JC_OK || !program_check(p,
                                             dnnl_batch_normalization_forward_desc_init(
                                                 &desc, dnnl_forward_inference, &md,
                                                 (float)node_real(n, "eps", 1e-5), flags),
                                             what)) {
        return 0;
    }
    instruction_arg args[] = {{0, 0},
                              {0, 0},
                              {DNNL_ARG_MEAN, mean},
                              {DNNL_ARG_VARIANCE, variance},
                              {DNNL_ARG_SCALE, scale},
                              {DNNL_ARG_SHIFT, shift}};
    return emit_in_layout(p, &desc, input, 6, args, what);
}

tensor_id emit_layer_norm(program *p, const node *n) {
    const char *what = "this layer normalisation";
    const int64_t *s = n->kernel->size; // batch_size, elements, axis_size
    const int64_t dims[] = {s[0] * (s[1] / s[2]), s[2]};
    const tensor_id scale = learned(p, 1, &s[2], 0.5, 1.5);
    const tensor_id shift = learned(p, 1, &s[2], -0.1, 0.1);
    const tensor_id input = program_reshape(p, n->inputs[0], 2, dims);
    const dnnl_memory_desc_t md = *program_md(p, input);
    dnnl_layer_normalization_desc_t desc;
    if (p->status != JC_OK ||
        !program_check(p,
                       dnnl_layer_normalization_forward_desc_init(
                           &desc, dnnl_forward_inference, &md, NULL,
                           (float)node_real(n, "eps", 1e-5), dnnl_use_scale | dnnl_use_shift),
                       what)) {
        return 0;
    }
    instruction_arg args[] = {{0, 0}, {0, 0}, {DNNL_ARG_SCALE, scale}, {DNNL_ARG_SHIFT, shift}};
    const tensor_id result = emit_in_layout(p, &desc, input, 4, args, what);
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}

// Each channel times a factor, plus a number, in one go.
static tensor_id scale_channels(program *p, tensor_id input, tensor_id scale, tensor_id shift,
                                const char *what) {
    const dnnl_memory_desc_t md = *program_md(p, input);
    const dnnl_memory_desc_t channel_md = *program_md(p, scale);
    dnnl_binary_desc_t desc;
    dnnl_post_ops_t post_ops = NULL;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK && program_check(p, dnnl_post_ops_create(&post_ops), what) &&
        program_check(p, dnnl_post_ops_append_binary(post_ops, dnnl_binary_add, &channel_md),
                      what) &&
        program_check(p, dnnl_binary_desc_init(&desc, dnnl_binary_mul, &md, &channel_md, &md),
                      what)) {
        pd = program_describe(p, &desc, post_ops, 1, what);
    }
    (void)dnnl_post_ops_destroy(post_ops);
    const tensor_id result = program_result(p, &md);
    program_add(p, pd, 4,
                (instruction_arg[]){{DNNL_ARG_SRC_0, input},
                                    {DNNL_ARG_SRC_1, scale},
                                    {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, shift},
                                    {DNNL_ARG_DST, result}});
    return result;
}

// oneDNN 2 has none: a layer normalisation of each group, then the channels' own factors.
tensor_id emit_group_norm(program *p, const node *n) {
    const char *what = "this group normalisation";
    const int64_t *s = n->kernel->size; // batch_size, channels, height, width, groups
    const int64_t image[] = {s[0], s[1], s[2], s[3]};
    const int64_t rows[] = {s[0] * s[4], s[1] / s[4] * s[2] * s[3]};
    const int64_t channels[] = {1, s[1], 1, 1};
    const tensor_id scale = learned(p, 4, channels, 0.5, 1.5);
    const tensor_id shift = learned(p, 4, channels, -0.1, 0.1);
    const tensor_id input = program_reshape(p, n->inputs[0], 2, rows);
    const dnnl_memory_desc_t md = *program_md(p, input);
    dnnl_layer_normalization_desc_t desc;
    if (p->status != JC_OK || !program_check(p,
                                             dnnl_layer_normalization_forward_desc_init(
                                                 &desc, dnnl_forward_inference, &md, NULL,
                                                 (float)node_real(n, "eps", 1e-5), 0),
                                             what)) {
        return 0;
    }
    instruction_arg args[] = {{0, 0}, {0, 0}};
    tensor_id result = emit_in_layout(p, &desc, input, 2, args, what);
    result = program_reshape(p, result, 4, image);
    if (node_integer(n, "affine", 1) != 0) {
        result = scale_channels(p, result, scale, shift, what);
    }
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}

tensor_id emit_lrn(program *p, const node *n) {
    const char *what = "this local response normalisation";
    const int64_t *s = n->kernel->size;
    const dnnl_memory_desc_t usual = image_layout(p, s, program_md(p, n->inputs[0])->data_type);
    const tensor_id input = program_as(p, n->inputs[0], &usual);
    const dnnl_memory_desc_t md = *program_md(p, input);
    dnnl_lrn_desc_t desc;
    if (p->status != JC_OK ||
        !program_check(p,
                       dnnl_lrn_forward_desc_init(
                           &desc, dnnl_forward_inference, dnnl_lrn_across_channels, &md, s[4],
                           (float)node_real(n, "alpha", 1e-4), (float)node_real(n, "beta", 0.75),
                           (float)node_real(n, "k", 1)),
                       what)) {
        return 0;
    }
    instruction_arg args[] = {{0, 0}, {0, 0}};
    return emit_in_layout(p, &desc, input, 2, args, what);
}

tensor_id emit_softmax(program *p, const node *n) {
    const char *what = "this softmax";
    const tensor_id input = program_plain(p, n->inputs[0]);
    const dnnl_memory_desc_t md = *program_md(p, input);
    const int axis = (int)node_integer(n, "dim", md.ndims - 1);
    dnnl_softmax_desc_t desc;
    if (p->status != JC_OK ||
        !program_check(p, dnnl_softmax_forward_desc_init(&desc, dnnl_forward_inference, &md, axis),
                       what)) {
        return 0;
    }
    instruction_arg args[] = {{0, 0}, {0, 0}};
    return emit_in_layout(p, &desc, input, 2, args, what);
}
