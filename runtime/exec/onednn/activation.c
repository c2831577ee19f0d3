// SPDX-License-Identifier: Apache-2.0
// Activations.
#include "emit.h"

#include <string.h>

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
        const float scale = i + 1 == n ? (float)integer_unit(p) : 1;
        (void)program_check(p,
                            dnnl_post_ops_append_eltwise(post_ops, scale, formulas[i].algorithm,
                                                         formulas[i].alpha, formulas[i].beta),
                            "post-ops");
    }
    return n > 0;
}

// The formulas one after the other, each a primitive.
static tensor_id apply(program *p, const node *n, const formula *formulas, size_t count) {
    const char *what = n->op != NULL ? n->op->name : jc_kernel_name(n->kernel->kind);
    tensor_id t = n->op == NULL ? program_plain(p, n->inputs[0]) : n->inputs[0];
    for (size_t i = 0; i < count && p->status == JC_OK; ++i) {
        const dnnl_memory_desc_t md = *program_md(p, t);
        dnnl_eltwise_desc_t desc;
        dnnl_primitive_desc_t pd = NULL;
        if (program_check(p,
                          dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_inference,
                                                         formulas[i].algorithm, &md,
                                                         formulas[i].alpha, formulas[i].beta),
                          what)) {
            pd = program_describe(p, &desc, NULL, 1, what);
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

// Of integers, in one pass: brought to what they stand for by a product with a number, and back
// where the product is written. oneDNN's own primitive takes them for relu alone.
static tensor_id apply_to_integers(program *p, const node *n, double slope) {
    const char *what = n->op != NULL ? n->op->name : jc_kernel_name(n->kernel->kind);
    const tensor_id input = n->inputs[0];
    lay_out_as_usual(p, input);
    dnnl_memory_desc_t dst_md = *program_md(p, input);
    dst_md.data_type = activation_type(p);
    int64_t ones[DNNL_MAX_NDIMS];
    for (int i = 0; i < dst_md.ndims; ++i) {
        ones[i] = 1;
    }
    const double unit = 1 / integer_unit(p);
    const tensor_id factor = program_plain(
        p, program_constant(p, TENSOR_INPUT, dnnl_f32, dst_md.ndims, ones, unit, unit));
    dnnl_post_ops_t post_ops = NULL;
    if (p->status == JC_OK && program_check(p, dnnl_post_ops_create(&post_ops), what)) {
        (void)append_activation(p, post_ops, n->kernel->kind, slope); // every kind has a formula
    }
    const tensor_id result =
        emit_binary(p, dnnl_binary_mul, input, factor, &dst_md, post_ops, what);
    (void)dnnl_post_ops_destroy(post_ops);
    if (p->status == JC_OK) {
        p->tensors[result].rms = scaled_rms(0, n->kernel->kind);
    }
    return result;
}

tensor_id emit_activation(program *p, const node *n) {
    formula formulas[MOST_FORMULAS];
    const double slope = node_real(n, "negative_slope", USUAL_SLOPE);
    if (p->precision == JC_PRECISION_INT8 && n->kernel->kind != JC_KERNEL_RELU) {
        return apply_to_integers(p, n, slope);
    }
    return apply(p, n, formulas, formulas_of(n->kernel->kind, slope, formulas));
}

// --- Other functions of one value --------------------------------------------------------------

/** A function and oneDNN's formula of it. */
typedef struct function {
    const char *op;
    formula formula;
    const char *alpha; ///< parameter of the operator that takes the place of alpha; NULL = none
    const char *beta;
} function;

static const function functions[] = {
    {"abs", {dnnl_eltwise_abs, 0, 0}, NULL, NULL},
    {"add_scalar", {dnnl_eltwise_linear, 1, 0}, NULL, "other"},
    {"clamp", {dnnl_eltwise_clip, 0, 0}, "min", "max"},
    {"elu", {dnnl_eltwise_elu, 1, 0}, "alpha", NULL},
    {"exp", {dnnl_eltwise_exp, 0, 0}, NULL, NULL},
    {"log", {dnnl_eltwise_log, 0, 0}, NULL, NULL},
    {"mish", {dnnl_eltwise_mish, 0, 0}, NULL, NULL},
    {"mul_scalar", {dnnl_eltwise_linear, 1, 0}, "other", NULL},
    {"neg", {dnnl_eltwise_linear, -1, 0}, NULL, NULL},
    {"pow_scalar", {dnnl_eltwise_pow, 1, 1}, NULL, "other"},
    {"reciprocal", {dnnl_eltwise_pow, 1, -1}, NULL, NULL},
    {"round", {dnnl_eltwise_round, 0, 0}, NULL, NULL},
    {"softplus", {dnnl_eltwise_soft_relu, 0, 0}, NULL, NULL},
    {"sqrt", {dnnl_eltwise_sqrt, 0, 0}, NULL, NULL},
};

// By itself the kernel is an exponential: neither the cheapest of them nor the dearest.
tensor_id emit_pointwise(program *p, const node *n) {
    const char *name = n->op != NULL ? n->op->name : "exp";
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
        const function *f = &functions[i];
        if (strcmp(f->op, name) == 0) {
            formula at = f->formula;
            at.alpha = f->alpha == NULL ? at.alpha : (float)node_real(n, f->alpha, 0);
            at.beta = f->beta == NULL ? at.beta : (float)node_real(n, f->beta, 0);
            return apply(p, n, &at, 1);
        }
    }
    program_fail(p, JC_EUNSUPPORTED, "oneDNN has no function '%s'", name);
    return 0;
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
