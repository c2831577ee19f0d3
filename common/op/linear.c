// SPDX-License-Identifier: Apache-2.0
// Matrix products: linear, matmul, attention; and embedding, a product with one-hot rows.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>

// --- linear --------------------------------------------------------------------------------

enum { LINEAR_OUT, LINEAR_BIAS, LINEAR_IN };

static const jc_param linear_params[] = {
    {"out_features", JC_PARAM_SIZE, LINEAR_OUT, true, 0, NULL},
    {"bias", JC_PARAM_FLAG, LINEAR_BIAS, false, 1, NULL},
    {"in_features", JC_PARAM_SIZE, LINEAR_IN, false, JC_SIZE_DERIVED, NULL},
    {0}};

static jc_status infer_linear(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (input->rank < 2) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0, "the input has no features: its rank is %d",
                            input->rank);
    }
    const jc_status status =
        op_derive_size(&call->value[LINEAR_IN], input->dim[input->rank - 1], "in_features",
                       "features (its last axis; `flatten` comes before `linear`)", err);
    if (status != JC_OK) {
        return status;
    }
    *out_shape = *input;
    out_shape->dim[input->rank - 1] = call->value[LINEAR_OUT].i;
    return JC_OK;
}

static int64_t linear_count_params(const jc_op_call *call) {
    const jc_value *v = call->value;
    return jc_add_saturating(jc_mul_saturating(v[LINEAR_IN].i, v[LINEAR_OUT].i),
                             v[LINEAR_BIAS].i == 0 ? 0 : v[LINEAR_OUT].i);
}

static void linear_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    out_size[0] = jc_shape_elements(output) / call->value[LINEAR_OUT].i;
    out_size[1] = call->value[LINEAR_IN].i;
    out_size[2] = call->value[LINEAR_OUT].i;
}

const jc_op op_linear = {
    .name = "linear",
    .summary = "fully connected: product with learned weights along the last axis",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = linear_params,
    .infer = infer_linear,
    .count_params = linear_count_params,
    .kernel = JC_KERNEL_LINEAR,
    .kernel_sizes = linear_sizes,
};

// --- matmul --------------------------------------------------------------------------------

static jc_status infer_matmul(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *a = call->inputs[0];
    const jc_shape *b = call->inputs[1];
    char left[JC_SHAPE_TEXT_SIZE];
    char right[JC_SHAPE_TEXT_SIZE];
    bool same_batch = a->rank == b->rank && a->rank >= 3;
    for (int i = 0; same_batch && i < a->rank - 2; ++i) {
        same_batch = a->dim[i] == b->dim[i];
    }
    if (!same_batch) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "operands %s and %s must agree in all axes before the last two",
                            jc_shape_format(a, left), jc_shape_format(b, right));
    }
    if (a->dim[a->rank - 1] != b->dim[b->rank - 2]) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "operands %s and %s do not multiply: %" PRId64
                            " columns against %" PRId64 " rows",
                            jc_shape_format(a, left), jc_shape_format(b, right),
                            a->dim[a->rank - 1], b->dim[b->rank - 2]);
    }
    *out_shape = *a;
    out_shape->dim[a->rank - 1] = b->dim[b->rank - 1];
    return JC_OK;
}

static void matmul_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    const jc_shape *a = call->inputs[0];
    out_size[1] = a->dim[a->rank - 2];
    out_size[2] = a->dim[a->rank - 1];
    out_size[3] = output->dim[output->rank - 1];
    out_size[0] = jc_shape_elements(output) / (out_size[1] * out_size[3]);
}

const jc_op op_matmul = {
    .name = "matmul",
    .summary = "product of two stacks of matrices",
    .min_inputs = 2,
    .max_inputs = 2,
    .params = op_no_params,
    .infer = infer_matmul,
    .kernel = JC_KERNEL_MATMUL,
    .kernel_sizes = matmul_sizes,
};

// --- scaled_dot_product_attention: softmax(Q·Kᵀ/√E)·V ------------------------------------------

static const jc_param attention_params[] = {{"is_causal", JC_PARAM_FLAG, 0, false, 0, NULL}, {0}};

static jc_status infer_attention(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *q = call->inputs[0];
    const jc_shape *k = call->inputs[1];
    const jc_shape *v = call->inputs[2];
    const bool fits = q->rank == 4 && k->rank == 4 && v->rank == 4 && q->dim[0] == k->dim[0] &&
                      q->dim[0] == v->dim[0] && q->dim[1] == k->dim[1] && q->dim[1] == v->dim[1] &&
                      q->dim[3] == k->dim[3] && k->dim[2] == v->dim[2];
    if (!fits) {
        char text[3][JC_SHAPE_TEXT_SIZE];
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "query %s, key %s and value %s must be [N, heads, L, E], "
                            "[N, heads, S, E] and [N, heads, S, V]",
                            jc_shape_format(q, text[0]), jc_shape_format(k, text[1]),
                            jc_shape_format(v, text[2]));
    }
    *out_shape = *q;
    out_shape->dim[3] = v->dim[3];
    return JC_OK;
}

static void attention_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    const jc_shape *q = call->inputs[0];
    out_size[0] = q->dim[0];
    out_size[1] = q->dim[1];
    out_size[2] = q->dim[2];
    out_size[3] = call->inputs[1]->dim[2];
    out_size[4] = q->dim[3];
    out_size[5] = output->dim[3];
}

const jc_op op_scaled_dot_product_attention = {
    .name = "scaled_dot_product_attention",
    .summary = "softmax(Q K^T / sqrt(E)) V for all heads",
    .min_inputs = 3,
    .max_inputs = 4, // the fourth: a mask, added to the scores
    .params = attention_params,
    .infer = infer_attention,
    .kernel = JC_KERNEL_ATTENTION,
    .kernel_sizes = attention_sizes,
};

// --- embedding -----------------------------------------------------------------------------

enum { EMBEDDING_ROWS, EMBEDDING_DIM };

static const jc_param embedding_params[] = {
    {"num_embeddings", JC_PARAM_SIZE, EMBEDDING_ROWS, true, 0, NULL},
    {"embedding_dim", JC_PARAM_SIZE, EMBEDDING_DIM, true, 0, NULL},
    {0}};

static jc_status infer_embedding(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (input->rank == JC_MAX_RANK) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "the input has rank %d, and the output would exceed the largest rank",
                            input->rank);
    }
    *out_shape = *input;
    out_shape->dim[out_shape->rank++] = call->value[EMBEDDING_DIM].i;
    return JC_OK;
}

static int64_t embedding_count_params(const jc_op_call *call) {
    return jc_mul_saturating(call->value[EMBEDDING_ROWS].i, call->value[EMBEDDING_DIM].i);
}

static void embedding_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    (void)output;
    out_size[0] = jc_shape_elements(call->inputs[0]);
    out_size[1] = call->value[EMBEDDING_DIM].i;
    out_size[2] = call->value[EMBEDDING_ROWS].i;
}

const jc_op op_embedding = {
    .name = "embedding",
    .summary = "rows of a learned table, looked up by index",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = embedding_params,
    .infer = infer_embedding,
    .count_params = embedding_count_params,
    .kernel = JC_KERNEL_EMBEDDING,
    .kernel_sizes = embedding_sizes,
};
