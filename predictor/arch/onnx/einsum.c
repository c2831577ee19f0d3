// SPDX-License-Identifier: Apache-2.0
// Einsum, in the forms of two operands that attention is written in.
#include "ops.h"

enum { LETTERS = 52 };

/** One letter of an equation: where it stands in the operands and the result, −1 = not. */
typedef struct letter {
    int left, right, out;
} letter;

/** A product of matrices, as many as the stack has, without the batch. */
typedef struct matrices {
    int64_t stack; ///< letters of both operands and the result
    int64_t rows, inner, columns;
    onnx_shape out;
} matrices;

// `ij,jk->ik` into letters; false for what is more complicated.
static bool parse_equation(const lowering *w, onnx_text text, letter *letters, int *out_rank) {
    int part = 0;
    int at = 0;
    for (int i = 0; i < LETTERS; ++i) {
        letters[i] = (letter){-1, -1, -1};
    }
    *out_rank = 0;
    for (size_t i = 0; i < text.size; ++i) {
        const char c = text.data[i];
        if (c == ',' || c == '-') {
            if (part >= 2 || (part == 0) != (c == ',')) {
                return false;
            }
            ++part;
            at = 0;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            letter *l = &letters[c >= 'a' ? c - 'a' : 26 + c - 'A'];
            int *place = part == 0 ? &l->left : part == 1 ? &l->right : &l->out;
            if (*place >= 0 || at >= ONNX_MAX_RANK) {
                return false;
            }
            *place = at++;
            *out_rank = part == 2 ? at : *out_rank;
        } else if (c != ' ' && c != '>') {
            return false;
        }
    }
    int n_left = 0;
    int n_right = 0;
    for (int i = 0; i < LETTERS; ++i) {
        n_left += letters[i].left >= 0;
        n_right += letters[i].right >= 0;
    }
    return part == 2 && n_left == onnx_node_input(w, 0)->shape.rank &&
           n_right == onnx_node_input(w, 1)->shape.rank;
}

// What a letter runs over: rows, columns, what is summed, or what is the same for all three.
static int64_t *extent_of(const letter *l, matrices *p) {
    return l->out < 0 ? &p->inner : l->left < 0 ? &p->columns : l->right < 0 ? &p->rows : &p->stack;
}

static jc_status add_letter(lowering *w, const letter *l, char name, matrices *p) {
    const onnx_shape *a = &onnx_node_input(w, 0)->shape;
    const onnx_shape *b = &onnx_node_input(w, 1)->shape;
    const int64_t size = l->left >= 0 ? a->dim[l->left] : b->dim[l->right];
    if (l->left >= 0 && l->right >= 0 && b->dim[l->right] != size) {
        return onnx_lower_fail(w, JC_ESHAPE, "its operands disagree in '%c'", name);
    }
    const bool is_batch =
        (l->left >= 0 && l->left == a->batch_axis) || (l->right >= 0 && l->right == b->batch_axis);
    if (l->out >= 0) {
        p->out.dim[l->out] = size;
    }
    if (is_batch && l->out >= 0) {
        p->out.batch_axis = l->out;
    }
    int64_t *extent = extent_of(l, p);
    *extent = jc_mul_saturating(*extent, is_batch ? size / w->batch.file : size);
    return JC_OK;
}

// By weights it is a linear layer, else a product of matrices.
static jc_status emit_matrices(lowering *w, const matrices *p) {
    onnx_value *a = onnx_node_input(w, 0);
    onnx_value *b = onnx_node_input(w, 1);
    const bool linear = b->is_constant && p->stack == 1 && !a->is_constant;
    const int64_t n = w->batch.wanted;
    const jc_shape left = linear ? (jc_shape){3, {n, p->rows, p->inner}}
                                 : (jc_shape){4, {n, p->stack, p->rows, p->inner}};
    const jc_shape right = {4, {n, p->stack, p->inner, p->columns}};
    emission e;
    jc_status status = onnx_emission_begin(w, &e, linear ? "linear" : "matmul", 2);
    if (status == JC_OK) {
        status = onnx_emission_input(w, &e, a, &left);
    }
    if (status == JC_OK && linear) {
        onnx_emission_set(&e, "out_features", 0, p->columns);
        onnx_emission_set(&e, "bias", 0, 0);
    } else if (status == JC_OK) {
        status = onnx_emission_input(w, &e, b, &right);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, linear ? onnx_take_params(w, b) : -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_emit_einsum(lowering *w) {
    const onnx_attribute *equation = onnx_node_attribute(w->node, "equation");
    letter letters[LETTERS];
    matrices p = {1, 1, 1, 1, {.batch_axis = -1, .outer = 1}};
    if (w->node->n_inputs != 2 || onnx_node_require(w, 2) != JC_OK || equation == NULL ||
        !parse_equation(w, equation->s, letters, &p.out.rank)) {
        return onnx_emit_other(w);
    }
    for (int i = 0; i < LETTERS; ++i) {
        const letter *l = &letters[i];
        const bool is_operands = l->left >= 0 || l->right >= 0;
        if (!is_operands && l->out >= 0) {
            return onnx_emit_other(w);
        }
        const char name = (char)(i < 26 ? 'a' + i : 'A' + i - 26);
        const jc_status status = is_operands ? add_letter(w, l, name, &p) : JC_OK;
        if (status != JC_OK) {
            return status;
        }
    }
    const jc_status status = onnx_set_output(w, 0, &p.out);
    if (status != JC_OK || p.out.batch_axis < 0) {
        return status != JC_OK ? status : onnx_emit_other(w);
    }
    return emit_matrices(w, &p);
}
