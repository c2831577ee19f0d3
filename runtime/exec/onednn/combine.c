// SPDX-License-Identifier: Apache-2.0
// Sums, products and concatenations of tensors.
#include "emit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- add, mul: two at a time -------------------------------------------------------------------

tensor_id emit_binary(program *p, dnnl_alg_kind_t algorithm, tensor_id a, tensor_id b,
                      const dnnl_memory_desc_t *dst_md, const_dnnl_post_ops_t post_ops,
                      const char *what) {
    dnnl_binary_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(
            p, dnnl_binary_desc_init(&desc, algorithm, program_md(p, a), program_md(p, b), dst_md),
            what)) {
        pd = program_describe(p, &desc, post_ops, 1, what);
    }
    const tensor_id result = program_result(p, dst_md);
    program_add(
        p, pd, 3,
        (instruction_arg[]){{DNNL_ARG_SRC_0, a}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, result}});
    return result;
}

// The operand with axes of size 1 in front, so that both have the same rank.
static tensor_id widen(program *p, tensor_id t, int rank) {
    const dnnl_memory_desc_t md = *program_md(p, t);
    int64_t dims[DNNL_MAX_NDIMS];
    if (md.ndims >= rank) {
        return t;
    }
    for (int i = 0; i < rank; ++i) {
        dims[i] = i < rank - md.ndims ? 1 : md.dims[i - (rank - md.ndims)];
    }
    return program_reshape(p, t, rank, dims);
}

static bool same_dims(const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b) {
    bool same = a->ndims == b->ndims;
    for (int i = 0; i < a->ndims && same; ++i) {
        same = a->dims[i] == b->dims[i];
    }
    return same;
}

/** How an operator combines two values. */
typedef struct combination {
    const char *op;
    dnnl_alg_kind_t algorithm;
    bool commutes; ///< so that operands may change places
} combination;

static const combination combinations[] = {
    {"add", dnnl_binary_add, true},     {"mul", dnnl_binary_mul, true},
    {"maximum", dnnl_binary_max, true}, {"minimum", dnnl_binary_min, true},
    {"sub", dnnl_binary_sub, false},    {"div", dnnl_binary_div, false},
};

static const combination *combination_of(const node *n) {
    const char *name = n->op != NULL ? n->op->name : jc_kernel_name(n->kernel->kind);
    for (size_t i = 0; i < sizeof combinations / sizeof combinations[0]; ++i) {
        if (strcmp(combinations[i].op, name) == 0) {
            return &combinations[i];
        }
    }
    return NULL;
}

// Of a product of integers, that stand for multiples of a unit each, one unit too many is in it.
static dnnl_post_ops_t divide_by_unit(program *p, const combination *how) {
    dnnl_post_ops_t post_ops = NULL;
    if (how->algorithm == dnnl_binary_mul && p->precision == JC_PRECISION_INT8 &&
        program_check(p, dnnl_post_ops_create(&post_ops), how->op)) {
        const float factor = (float)(1 / integer_unit(p));
        (void)program_check(
            p, dnnl_post_ops_append_eltwise(post_ops, 1, dnnl_eltwise_linear, factor, 0), how->op);
    }
    return post_ops;
}

static tensor_id emit_pair(program *p, const combination *how, tensor_id a, tensor_id b) {
    const int rank_a = program_md(p, a)->ndims;
    const int rank_b = program_md(p, b)->ndims;
    const int rank = rank_a > rank_b ? rank_a : rank_b;
    a = widen(p, a, rank);
    b = widen(p, b, rank);
    // oneDNN widens the second operand only, so the larger one goes first.
    if (p->status == JC_OK && md_elements(program_md(p, a)) < md_elements(program_md(p, b))) {
        if (!how->commutes) {
            program_fail(p, JC_EUNSUPPORTED, "oneDNN widens no left operand of %s", how->op);
        }
        const tensor_id smaller = a;
        a = b;
        b = smaller;
    }
    const dnnl_memory_desc_t a_md = *program_md(p, a);
    if (p->status == JC_OK && same_dims(&a_md, program_md(p, b))) {
        dnnl_memory_desc_t wanted = a_md;
        wanted.data_type = program_md(p, b)->data_type;
        b = program_as(p, b, &wanted);
    }
    const dnnl_memory_desc_t b_md = *program_md(p, b);
    dnnl_memory_desc_t dst_md = a_md;
    dst_md.data_type = a_md.data_type == b_md.data_type ? a_md.data_type : activation_type(p);
    dnnl_post_ops_t post_ops = divide_by_unit(p, how);
    const tensor_id result = emit_binary(p, how->algorithm, a, b, &dst_md, post_ops, how->op);
    (void)dnnl_post_ops_destroy(post_ops);
    if (p->status == JC_OK) {
        const double rms_a = p->tensors[a].rms;
        const double rms_b = p->tensors[b].rms;
        p->tensors[result].rms = how->algorithm == dnnl_binary_mul ? rms_a * rms_b / integer_unit(p)
                                                                   : hypot(rms_a, rms_b);
    }
    return result;
}

tensor_id emit_combine(program *p, const node *n) {
    const combination *how = combination_of(n);
    if (how == NULL) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn does not combine by '%s'", n->op->name);
        return 0;
    }
    for (size_t i = 0; i < n->n_inputs; ++i) {
        lay_out_as_usual(p, n->inputs[i]);
    }
    tensor_id sum = n->inputs[0];
    for (size_t i = 1; i < n->n_inputs; ++i) {
        sum = emit_pair(p, how, sum, n->inputs[i]);
    }
    return sum;
}

// --- concat ------------------------------------------------------------------------------------

static bool has_mixed_types(const program *p, const node *n) {
    bool mixed = false;
    for (size_t i = 1; i < n->n_inputs; ++i) {
        mixed = mixed ||
                program_md(p, n->inputs[i])->data_type != program_md(p, n->inputs[0])->data_type;
    }
    return mixed;
}

tensor_id emit_concat(program *p, const node *n) {
    const char *what = "this concatenation";
    dnnl_memory_desc_t *mds = calloc(n->n_inputs, sizeof *mds);
    instruction_arg *args = calloc(n->n_inputs + 1, sizeof *args);
    if (mds == NULL || args == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
    }
    dnnl_primitive_desc_t pd = NULL;
    const bool mixed = has_mixed_types(p, n);
    for (size_t i = 0; i < n->n_inputs && p->status == JC_OK; ++i) {
        lay_out_as_usual(p, n->inputs[i]);
        const tensor_id t =
            mixed ? program_convert(p, n->inputs[i], activation_type(p), 1) : n->inputs[i];
        mds[i] = *program_md(p, t);
        args[i] = (instruction_arg){DNNL_ARG_MULTIPLE_SRC + (int)i, t};
    }
    if (p->status == JC_OK) {
        int axis = (int)node_integer(n, "dim", 1);
        axis = axis < 0 ? axis + mds[0].ndims : axis;
        (void)program_check(p,
                            dnnl_concat_primitive_desc_create(&pd, NULL, (int)n->n_inputs, axis,
                                                              mds, NULL, p->engine),
                            what);
    }
    const dnnl_memory_desc_t dst = program_query(p, pd, dnnl_query_dst_md);
    const tensor_id result = program_result(p, &dst);
    if (p->status == JC_OK) {
        p->tensors[result].rms = p->tensors[n->inputs[0]].rms;
        args[n->n_inputs] = (instruction_arg){DNNL_ARG_DST, result};
    }
    program_add(p, pd, n->n_inputs + 1, args);
    free(mds);
    free(args);
    return result;
}
