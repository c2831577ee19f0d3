// SPDX-License-Identifier: Apache-2.0
// Linear layers: products with learned weights.
#include "emit.h"

tensor_id emit_linear(program *p, const node *n) {
    const char *what = "this linear layer";
    const int64_t *s = n->kernel->size;
    const int64_t src_dims[] = {s[0], s[1]};
    const int64_t weights_dims[] = {s[2], s[1]};
    const int64_t dst_dims[] = {s[0], s[2]};
    const double range = weight_range(p, s[1]);
    const tensor_id weights =
        program_constant(p, TENSOR_WEIGHT, weight_type(p), 2, weights_dims, -range, range);
    tensor_id bias = NO_TENSOR;
    dnnl_memory_desc_t bias_md = {0};
    if (node_integer(n, "bias", 1) != 0) {
        bias = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, &s[2], -0.1, 0.1);
        bias_md = md_plain(1, &s[2], dnnl_f32);
        program_lay_out(p, bias, &bias_md);
    }
    tensor_id input = n->inputs[0];
    if (n->op != NULL) { // rows are samples times positions
        input = program_reshape(p, input, 2, src_dims);
    }
    if (p->status != JC_OK) {
        return 0;
    }
    const dnnl_memory_desc_t src_md = md_any(2, src_dims, program_md(p, input)->data_type);
    const dnnl_memory_desc_t any_weights = *program_md(p, weights);
    const dnnl_memory_desc_t dst_md = md_plain(2, dst_dims, node_result_type(p, n));
    dnnl_post_ops_t post_ops = node_post_ops(p, n);
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (program_check(p,
                      dnnl_inner_product_forward_desc_init(
                          &desc, dnnl_forward_inference, &src_md, &any_weights,
                          bias == NO_TENSOR ? NULL : &bias_md, &dst_md),
                      what)) {
        pd = program_describe(p, &desc, post_ops, node_scale(p, n, input, s[1]), what);
    }
    (void)dnnl_post_ops_destroy(post_ops);
    const dnnl_memory_desc_t wanted_src = program_query(p, pd, dnnl_query_src_md);
    const dnnl_memory_desc_t wanted_weights = program_query(p, pd, dnnl_query_weights_md);
    const tensor_id placed = program_as(p, input, &wanted_src);
    program_lay_out(p, weights, &wanted_weights);
    const tensor_id result = node_result(p, n, &dst_md);
    program_add(p, pd, 4,
                (instruction_arg[]){{DNNL_ARG_SRC, placed},
                                    {DNNL_ARG_WEIGHTS, weights},
                                    {DNNL_ARG_BIAS, bias},
                                    {DNNL_ARG_DST, result}});
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}
