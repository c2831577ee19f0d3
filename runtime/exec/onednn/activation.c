// SPDX-License-Identifier: Apache-2.0
// Activations.
#include "emit.h"

// oneDNN's formula of an activation: up to two of its algorithms, one after the other.
typedef struct formula {
    dnnl_alg_kind_t algorithm;
    float alpha, beta;
} formula;

enum { MOST_FORMULAS = 2 };

static const double USUAL_SLOPE = 0.01; // torch.nn.LeakyReLU

static size_t formulas_of(jc_kernel_kind kind, double slope, formula out[MOST_FORMULAS]) {
    const float sixth = 1.0F / 6;
    switch ((int)kind) { // few of the many kinds are activations
    case JC_KERNEL_RELU:
        out[0] = (formula){dnnl_eltwise_relu, 0, 0};
        return 1;
    case JC_KERNEL_RELU6:
        out[0] = (formula){dnnl_eltwise_clip, 0, 6};
        return 1;
    case JC_KERNEL_LEAKY_RELU:
        out[0] = (formula){dnnl_eltwise_relu, (float)slope, 0};
        return 1;
    case JC_KERNEL_SIGMOID:
        out[0] = (formula){dnnl_eltwise_logistic, 0, 0};
        return 1;
    case JC_KERNEL_TANH:
        out[0] = (formula){dnnl_eltwise_tanh, 0, 0};
        return 1;
    case JC_KERNEL_GELU:
        out[0] = (formula){dnnl_eltwise_gelu_erf, 0, 0};
        return 1;
    case JC_KERNEL_SILU:
        out[0] = (formula){dnnl_eltwise_swish, 1, 0};
        return 1;
    case JC_KERNEL_HARDSWISH:
        out[0] = (formula){dnnl_eltwise_hardswish, 0, 0};
        return 1;
    case JC_KERNEL_HARDSIGMOID: // oneDNN 2 has no algorithm of that name
        out[0] = (formula){dnnl_eltwise_linear, sixth, 0.5F};
        out[1] = (formula){dnnl_eltwise_clip, 0, 1};
        return 2;
    default:
        return 0;
    }
}

bool append_activation(program *p, dnnl_post_ops_t post_ops, jc_kernel_kind kind, double slope) {
    formula formulas[MOST_FORMULAS];
    const size_t n = formulas_of(kind, slope, formulas);
    for (size_t i = 0; i < n; ++i) {
        (void)program_check(p,
                            dnnl_post_ops_append_eltwise(post_ops, 1, formulas[i].algorithm,
                                                         formulas[i].alpha, formulas[i].beta),
                            "post-ops");
    }
    return n > 0;
}

tensor_id emit_activation(program *p, const node *n) {
    formula formulas[MOST_FORMULAS];
    const jc_kernel_kind kind = n->kernel->kind;
    const size_t count = formulas_of(kind, node_real(n, "negative_slope", USUAL_SLOPE), formulas);
    tensor_id t = n->inputs[0];
    if (n->op == NULL) {
        t = program_plain(p, t);
    }
    for (size_t i = 0; i < count && p->status == JC_OK; ++i) {
        const dnnl_memory_desc_t md = *program_md(p, t);
        dnnl_eltwise_desc_t desc;
        dnnl_primitive_desc_t pd = NULL;
        if (program_check(p,
                          dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_inference,
                                                         formulas[i].algorithm, &md,
                                                         formulas[i].alpha, formulas[i].beta),
                          jc_kernel_name(kind))) {
            pd = program_describe(p, &desc, NULL, 1, jc_kernel_name(kind));
        }
        const dnnl_memory_desc_t dst = program_query(p, pd, dnnl_query_dst_md);
        const tensor_id result = program_result(p, &dst);
        if (p->status == JC_OK) {
            p->tensors[result].rms = p->tensors[t].rms;
        }
        program_add(p, pd, 2, (instruction_arg[]){{DNNL_ARG_SRC, t}, {DNNL_ARG_DST, result}});
        t = result;
    }
    return t;
}

// --- prelu: learned slopes ---------------------------------------------------------------------

tensor_id emit_prelu(program *p, const node *n) {
    tensor_id input = n->inputs[0];
    if (n->op == NULL) {
        input = program_plain(p, input);
    }
    const dnnl_memory_desc_t md = *program_md(p, input);
    int64_t slopes[DNNL_MAX_NDIMS];
    for (int i = 0; i < md.ndims; ++i) {
        slopes[i] = 1;
    }
    if (md.ndims > 1) {
        slopes[1] = node_integer(n, "num_parameters", 1);
    }
    const tensor_id weights =
        program_constant(p, TENSOR_WEIGHT, weight_type(p), md.ndims, slopes, 0.1, 0.3);
    const dnnl_memory_desc_t any = *program_md(p, weights);
    dnnl_prelu_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(p, dnnl_prelu_forward_desc_init(&desc, dnnl_forward_inference, &md, &any),
                      "prelu")) {
        pd = program_describe(p, &desc, NULL, 1, "prelu");
    }
    const dnnl_memory_desc_t weights_md = program_query(p, pd, dnnl_query_weights_md);
    program_lay_out(p, weights, &weights_md);
    const tensor_id result = program_result(p, &md);
    program_add(p, pd, 3,
                (instruction_arg[]){
                    {DNNL_ARG_SRC, input}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, result}});
    return result;
}
