// SPDX-License-Identifier: Apache-2.0
// Functions of values: activations, other functions of one value, sums and products of tensors.
#include "emit.h"

#include "kernels.h"

#include <stdio.h>
#include <string.h>

static const double USUAL_SLOPE = 0.01; // torch.nn.LeakyReLU

// The function, in the layout of the input where it has no gaps.
static tensor_id apply(cu_program *p, const node *n, const char *function, const float reals[2]) {
    char body[96];
    const tensor_id input = n->op == NULL || cu_md(p, n->inputs[0])->rank != 4
                                ? cu_plain(p, n->inputs[0])
                                : cu_image(p, n->inputs[0]);
    layout md = *cu_md(p, input);
    md.offset = 0;
    const tensor_id result = cu_result(p, &md);
    (void)snprintf(body, sizeof body, "F_%s(x0, a.f[0], a.f[1])", function);
    kernel_add_elementwise(p, body, 1, &input, result, reals);
    return result;
}

tensor_id cu_emit_activation(cu_program *p, const node *n) {
    const float reals[2] = {(float)node_real(n, "negative_slope", USUAL_SLOPE), 0};
    return apply(p, n, cu_activation_function(n->kernel->kind), reals);
}

/** A function of kernels.cu that is called like its operator, and its parameters. */
typedef struct function {
    const char *op;
    const char *a, *b; ///< NULL = none
} function;

static const function functions[] = {
    {"abs", NULL, NULL},     {"add_scalar", "other", NULL}, {"ceil", NULL, NULL},
    {"clamp", "min", "max"}, {"cos", NULL, NULL},           {"elu", "alpha", NULL},
    {"erf", NULL, NULL},     {"exp", NULL, NULL},           {"floor", NULL, NULL},
    {"log", NULL, NULL},     {"mish", NULL, NULL},          {"mul_scalar", "other", NULL},
    {"neg", NULL, NULL},     {"pow_scalar", "other", NULL}, {"reciprocal", NULL, NULL},
    {"round", NULL, NULL},   {"selu", NULL, NULL},          {"sign", NULL, NULL},
    {"sin", NULL, NULL},     {"softplus", NULL, NULL},      {"softsign", NULL, NULL},
    {"sqrt", NULL, NULL},
};

// By itself the kernel is an exponential: neither the cheapest of them nor the dearest.
tensor_id cu_emit_pointwise(cu_program *p, const node *n) {
    const char *name = n->op != NULL ? n->op->name : "exp";
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
        const function *f = &functions[i];
        if (strcmp(f->op, name) == 0) {
            const float reals[2] = {f->a == NULL ? 0 : (float)node_real(n, f->a, 0),
                                    f->b == NULL ? 0 : (float)node_real(n, f->b, 0)};
            return apply(p, n, name, reals);
        }
    }
    cu_fail(p, JC_EUNSUPPORTED, "executor cudnn has no function '%s'", name);
    return 0;
}

tensor_id cu_emit_prelu(cu_program *p, const node *n) {
    const float none[2] = {0, 0};
    const tensor_id input = n->op == NULL ? cu_plain(p, n->inputs[0]) : cu_image(p, n->inputs[0]);
    layout md = *cu_md(p, input);
    md.offset = 0;
    int64_t dims[JC_MAX_RANK];
    for (int i = 0; i < md.rank; ++i) {
        dims[i] = i == 1 ? node_integer(n, "num_parameters", 1) : 1;
    }
    const tensor_id slopes =
        cu_constant(p, TENSOR_WEIGHT, cu_activation_type(p), md.rank, dims, 0.1, 0.3);
    (void)cu_plain(p, slopes);
    const tensor_id result = cu_result(p, &md);
    kernel_add_elementwise(p, "x0 < 0.0f ? x1 * x0 : x0", 2, (tensor_id[]){input, slopes}, result,
                           none);
    return result;
}

// --- Several tensors ---------------------------------------------------------------------------

static bool is_combination(const char *name) {
    static const char *const known[] = {"add", "div", "maximum", "minimum", "mul", "pow", "sub"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        if (strcmp(known[i], name) == 0) {
            return true;
        }
    }
    return false;
}

// Sizes of both together: each the larger one, aligned at the last axis.
static int broadcast(const layout *a, const layout *b, int64_t *out_dims) {
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < rank; ++i) {
        const int at_a = i - (rank - a->rank);
        const int at_b = i - (rank - b->rank);
        const int64_t size_a = at_a < 0 ? 1 : a->dim[at_a];
        const int64_t size_b = at_b < 0 ? 1 : b->dim[at_b];
        out_dims[i] = size_a > size_b ? size_a : size_b;
    }
    return rank;
}

// The result lies like an operand of its size, so that frameworks' layouts go through a network.
static layout combined_layout(const cu_program *p, tensor_id a, tensor_id b) {
    int64_t dims[JC_MAX_RANK];
    const int rank = broadcast(cu_md(p, a), cu_md(p, b), dims);
    layout md = layout_plain(cu_activation_type(p), rank, dims);
    const tensor_id operands[] = {a, b};
    for (int i = 0; i < 2; ++i) {
        const layout *operand = cu_md(p, operands[i]);
        if (layout_same_dims(operand, &md) && layout_is_dense(operand)) {
            md = *operand;
            md.offset = 0;
            return md;
        }
    }
    return md;
}

static tensor_id pair(cu_program *p, const char *name, tensor_id a, tensor_id b) {
    const float none[2] = {0, 0};
    char body[64];
    const layout md = combined_layout(p, a, b);
    const tensor_id result = cu_result(p, &md);
    (void)snprintf(body, sizeof body, "F_%s(x0, x1)", name);
    kernel_add_elementwise(p, body, 2, (tensor_id[]){a, b}, result, none);
    return result;
}

tensor_id cu_emit_combine(cu_program *p, const node *n) {
    const char *name = n->op != NULL ? n->op->name : jc_kernel_name(n->kernel->kind);
    if (!is_combination(name)) {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn does not combine by '%s'", name);
        return 0;
    }
    for (size_t i = 0; n->op == NULL && i < n->n_inputs; ++i) {
        (void)cu_image(p, n->inputs[i]);
    }
    tensor_id sum = n->inputs[0];
    for (size_t i = 1; i < n->n_inputs; ++i) {
        sum = pair(p, name, sum, n->inputs[i]);
    }
    return sum;
}

tensor_id cu_emit_concat(cu_program *p, const node *n) {
    const float none[2] = {0, 0};
    if (p->status != JC_OK) {
        return 0;
    }
    const int rank = cu_md(p, n->inputs[0])->rank;
    int axis = (int)node_integer(n, "dim", 1);
    axis += axis < 0 ? rank : 0;
    int64_t dims[JC_MAX_RANK];
    memcpy(dims, cu_md(p, n->inputs[0])->dim, sizeof dims);
    for (size_t i = 1; i < n->n_inputs; ++i) {
        dims[axis] += cu_md(p, n->inputs[i])->dim[axis];
    }
    const cu_type type = cu_activation_type(p);
    const layout md = rank == 4 ? cu_image_layout(p, type, dims) : layout_plain(type, rank, dims);
    const tensor_id result = cu_result(p, &md);
    int64_t start = 0;
    for (size_t i = 0; i < n->n_inputs && p->status == JC_OK; ++i) {
        const tensor_id t = n->op == NULL ? cu_image(p, n->inputs[i]) : n->inputs[i];
        const int64_t length = cu_md(p, t)->dim[axis];
        const layout part = layout_narrow(&md, axis, start, length, 1);
        kernel_add_elementwise(p, "x0", 1, &t, cu_alias(p, result, &part), none);
        start += length;
    }
    return result;
}
