// SPDX-License-Identifier: Apache-2.0
// Matrix products: with weights they are linear layers, else products of activations.
#include "ops.h"

#include <inttypes.h>
#include <string.h>

// The right operand as a matrix of weights: rank 2, or with axes of size 1 before.
static bool is_weight_matrix(const onnx_value *v) {
    for (int i = 0; i < v->shape.rank - 2; ++i) {
        if (v->shape.dim[i] != 1) {
            return false;
        }
    }
    return v->is_constant && v->shape.rank >= 2;
}

// x times weights along the last axis.
static jc_status emit_linear(lowering *w, onnx_value *x, int64_t out_features,
                             const onnx_value *weight, const onnx_value *bias) {
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "linear", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "out_features", 0, out_features);
    onnx_emission_set(&e, "bias", 0, bias != NULL);
    status = onnx_emission_input(w, &e, x, NULL);
    uint32_t layer = 0;
    if (status == JC_OK) {
        const int64_t params =
            jc_add_saturating(onnx_take_params(w, weight), onnx_take_params(w, bias));
        status = onnx_emission_end(w, &e, params, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

// --- Gemm ---------------------------------------------------------------------------------------

jc_status onnx_infer_gemm(lowering *w) {
    const jc_status status = onnx_node_require(w, 2);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *a = &onnx_node_input(w, 0)->shape;
    const onnx_shape *b = &onnx_node_input(w, 1)->shape;
    if (a->rank != 2 || b->rank != 2) {
        return onnx_lower_fail(w, JC_ESHAPE, "its operands are no matrices");
    }
    const int ta = onnx_node_flag(w, "transA") ? 1 : 0;
    const int tb = onnx_node_flag(w, "transB") ? 1 : 0;
    if (a->dim[1 - ta] != b->dim[tb]) {
        return onnx_lower_fail(w, JC_ESHAPE,
                               "%" PRId64 " columns of its input against %" PRId64
                               " rows of its weights",
                               a->dim[1 - ta], b->dim[tb]);
    }
    onnx_shape out = *a;
    out.dim[0] = a->dim[ta];
    out.dim[1] = b->dim[1 - tb];
    if (a->batch_axis >= 0) {
        out.batch_axis = a->batch_axis == ta ? 0 : -1;
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_emit_gemm(lowering *w) {
    onnx_value *a = onnx_node_input(w, 0);
    onnx_value *b = onnx_node_input(w, 1);
    const int tb = onnx_node_flag(w, "transB") ? 1 : 0;
    const bool fits = !onnx_node_flag(w, "transA") && b->is_constant && a->shape.batch_axis == 0;
    return fits ? emit_linear(w, a, b->shape.dim[1 - tb], b, onnx_node_input(w, 2))
                : onnx_emit_other(w);
}

// --- MatMul -------------------------------------------------------------------------------------

// Shape of a product. Stacks of matrices are broadcast.
static bool product_shape(const onnx_shape *a, const onnx_shape *b, onnx_shape *out) {
    if (a->rank < 2 || b->rank < 2 || a->dim[a->rank - 1] != b->dim[b->rank - 2] ||
        a->batch_axis == a->rank - 1 || (b->batch_axis >= 0 && b->batch_axis == b->rank - 2)) {
        return false;
    }
    onnx_shape left = *a;
    onnx_shape right = *b;
    left.dim[a->rank - 1] = 1;
    right.dim[b->rank - 2] = 1;
    return onnx_shape_broadcast(&left, &right, out);
}

static jc_status infer_product(lowering *w, size_t left, size_t right) {
    const jc_status status = onnx_node_require(w, right + 1);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *a = &onnx_node_input(w, left)->shape;
    const onnx_shape *b = &onnx_node_input(w, right)->shape;
    onnx_shape out;
    if (!product_shape(a, b, &out)) {
        char x[2 * JC_SHAPE_TEXT_SIZE];
        char y[2 * JC_SHAPE_TEXT_SIZE];
        return onnx_lower_fail(w, JC_ESHAPE, "its operands %s and %s do not multiply",
                               onnx_shape_format(a, x), onnx_shape_format(b, y));
    }
    return onnx_set_output(w, 0, &out);
}

// An operand of a stack of products as a layer of exactly this shape: repeated where it must be.
static jc_status add_stack(lowering *w, emission *e, onnx_value *v, const jc_shape *aligned,
                           const jc_shape *wanted) {
    uint32_t layer = 0;
    jc_status status = onnx_value_layer(w, v, aligned, &layer);
    if (status == JC_OK && memcmp(aligned, wanted, sizeof *wanted) != 0) {
        emission copy;
        status = onnx_emission_begin(w, &copy, "copy", 1);
        if (status == JC_OK) {
            copy.inputs[copy.request.n_inputs++] = layer;
            onnx_emission_set(&copy, "shape", 0, wanted->rank - 1);
            for (int i = 1; i < wanted->rank; ++i) {
                onnx_emission_set(&copy, "shape", i, wanted->dim[i]);
            }
            status = onnx_emission_end(w, &copy, -1, &layer);
        }
    }
    e->inputs[e->request.n_inputs++] = layer;
    return status;
}

static jc_status emit_product(lowering *w, onnx_value *a, onnx_value *b, const onnx_value *bias) {
    const onnx_value *result = onnx_node_output(w, 0);
    if (result == NULL) {
        return JC_OK;
    }
    if (is_weight_matrix(b) && a->layer != ONNX_NO_LAYER) {
        return emit_linear(w, a, b->shape.dim[b->shape.rank - 1], b, bias);
    }
    // The stack of the result, with the last two axes of either operand.
    onnx_shape out = result->shape;
    const int r = out.rank;
    const int64_t rows = out.dim[r - 2];
    const int64_t columns = out.dim[r - 1];
    const int64_t inner = a->shape.dim[a->shape.rank - 1];
    jc_shape left;
    jc_shape right;
    out.dim[r - 1] = inner;
    bool fits = out.batch_axis >= 0 && out.batch_axis < r - 2 &&
                onnx_shape_align(&a->shape, &out, &w->batch, &left);
    out.dim[r - 2] = inner;
    out.dim[r - 1] = columns;
    fits = fits && onnx_shape_align(&b->shape, &out, &w->batch, &right) && left.rank >= 3;
    if (!fits) {
        return onnx_emit_other(w);
    }
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "matmul", 2);
    if (status != JC_OK) {
        return status;
    }
    jc_shape wanted = onnx_value_sample_shape(w, result);
    wanted.dim[wanted.rank - 2] = rows;
    wanted.dim[wanted.rank - 1] = inner;
    status = add_stack(w, &e, a, &left, &wanted);
    wanted.dim[wanted.rank - 2] = inner;
    wanted.dim[wanted.rank - 1] = columns;
    if (status == JC_OK) {
        status = add_stack(w, &e, b, &right, &wanted);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_infer_matmul(lowering *w) {
    return infer_product(w, 0, 1);
}

jc_status onnx_emit_matmul(lowering *w) {
    return emit_product(w, onnx_node_input(w, 0), onnx_node_input(w, 1),
                        onnx_text_is(w->node->op_type, "MatMul") ? onnx_node_input(w, 2) : NULL);
}

// a, its scale and zero, b, its scale and zero, the result's scale and zero.
jc_status onnx_infer_qlinear_matmul(lowering *w) {
    return infer_product(w, 0, 3);
}

jc_status onnx_emit_qlinear_matmul(lowering *w) {
    return emit_product(w, onnx_node_input(w, 0), onnx_node_input(w, 3), NULL);
}

// --- Attention, as pattern.c finds it: query, key, value [.., length, size], mask ---------------

// The stack of heads as one axis: [N, heads, length, size].
static bool heads_shape(const lowering *w, const onnx_value *v, jc_shape *out) {
    const jc_shape own = onnx_value_sample_shape(w, v);
    if (own.rank < 3 || v->shape.batch_axis < 0 || v->shape.batch_axis >= v->shape.rank - 2) {
        return false;
    }
    *out = (jc_shape){4, {own.dim[0], 1, own.dim[own.rank - 2], own.dim[own.rank - 1]}};
    for (int i = 1; i < own.rank - 2; ++i) {
        out->dim[1] = jc_mul_saturating(out->dim[1], own.dim[i]);
    }
    return true;
}

jc_status onnx_emit_attention(lowering *w) {
    jc_status status = onnx_node_require(w, 3);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *q = &onnx_node_input(w, 0)->shape;
    const onnx_shape *v = &onnx_node_input(w, 2)->shape;
    emission e;
    status = onnx_emission_begin(w, &e, "scaled_dot_product_attention", 4);
    for (size_t i = 0; i < 3 && status == JC_OK; ++i) {
        jc_shape shape;
        if (!heads_shape(w, onnx_node_input(w, i), &shape)) {
            return onnx_emit_other(w);
        }
        status = onnx_emission_input(w, &e, onnx_node_input(w, i), &shape);
    }
    // A mask that is computed or learned; one that is fixed belongs to the kernel.
    onnx_value *mask = onnx_node_input(w, 3);
    if (status == JC_OK && mask != NULL && (!mask->is_constant || mask->n_sources > 0)) {
        status = onnx_emission_input(w, &e, mask, NULL);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    if (status == JC_OK) {
        onnx_shape out = *q;
        out.dim[out.rank - 1] = v->dim[v->rank - 1];
        status = onnx_set_output(w, 0, &out);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

// --- LSTM, GRU, RNN -----------------------------------------------------------------------------

// The state after the last step: of the sequence [N, length, ..] its end.
static jc_status emit_last_state(lowering *w, uint32_t sequence, size_t i) {
    onnx_value *out = onnx_node_output(w, i);
    if (out == NULL || out->n_uses == 0) {
        return JC_OK;
    }
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "select", 1);
    if (status != JC_OK) {
        return status;
    }
    e.inputs[e.request.n_inputs++] = sequence;
    onnx_emission_set(&e, "index", 0, -1);
    uint32_t layer = 0;
    status = onnx_emission_end(w, &e, -1, &layer);
    return status == JC_OK ? onnx_set_output_layer(w, i, layer) : status;
}

jc_status onnx_emit_recurrent(lowering *w) {
    jc_status status = onnx_node_require(w, 3);
    if (status != JC_OK) {
        return status;
    }
    onnx_value *x = onnx_node_input(w, 0);
    const onnx_value *weight = onnx_node_input(w, 1);
    const onnx_value *recurrence = onnx_node_input(w, 2);
    const onnx_value *bias = onnx_node_input(w, 3);
    const int layout = onnx_node_flag(w, "layout") ? 1 : 0; // 1: the batch first
    const bool both = onnx_node_text_is(w, "direction", "bidirectional");
    const bool fits = x->shape.rank == 3 && weight->is_constant && recurrence->is_constant &&
                      recurrence->shape.rank == 3 && x->shape.batch_axis == 1 - layout &&
                      x->shape.dim[1 - layout] == w->batch.file;
    emission e;
    if (fits) {
        status = onnx_emission_begin(w, &e, w->op->op, 1);
    }
    if (!fits || status != JC_OK) {
        return status != JC_OK ? status : onnx_emit_other(w);
    }
    const int64_t hidden = recurrence->shape.dim[2];
    onnx_emission_set(&e, "hidden_size", 0, hidden);
    onnx_emission_set(&e, "bidirectional", 0, both);
    onnx_emission_set(&e, "bias", 0, bias != NULL);
    status = onnx_emission_input(w, &e, x, NULL);
    int64_t params =
        jc_add_saturating(onnx_take_params(w, weight), onnx_take_params(w, recurrence));
    params = jc_add_saturating(params, onnx_take_params(w, bias));
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, params, &layer);
    }
    if (status != JC_OK) {
        return status;
    }
    const int64_t n = w->batch.file;
    const int64_t length = x->shape.dim[layout];
    const int64_t sides = both ? 2 : 1;
    onnx_shape all = layout == 0 ? (onnx_shape){4, {length, sides, n, hidden}, 2, 1}
                                 : (onnx_shape){4, {n, length, sides, hidden}, 0, 1};
    onnx_shape last = layout == 0 ? (onnx_shape){3, {sides, n, hidden}, 1, 1}
                                  : (onnx_shape){3, {n, sides, hidden}, 0, 1};
    status = onnx_set_output(w, 0, &all);
    for (size_t i = 1; i < 3 && status == JC_OK; ++i) {
        status = onnx_set_output(w, i, &last);
    }
    if (status == JC_OK) {
        status = onnx_set_output_layer(w, 0, layer);
    }
    for (size_t i = 1; i < 3 && status == JC_OK; ++i) {
        status = emit_last_state(w, layer, i);
    }
    return status;
}
