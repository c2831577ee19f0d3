// SPDX-License-Identifier: Apache-2.0
// Einsum: every form has its shape; of two operands it is a product of matrices.
#include "ops.h"

#include <string.h>

// Upper case before lower case, as implicit results are sorted; then axes that `...` stands for.
enum { LETTERS = 52, LABELS = LETTERS + ONNX_MAX_RANK };

/** The axes of one operand or of the result, by labels. */
typedef struct term {
    int n;
    int label[ONNX_MAX_RANK];
} term;

/** What an equation says of one label. */
typedef struct label {
    int64_t size; ///< 0 = it is in no operand
    int count;    ///< in how many places of operands
    bool is_batch;
    bool is_repeated; ///< twice in one of them: a diagonal
    /** Of the first two operands, whether they have it with its whole size. */
    bool in[2];
    bool in_out;
} label;

typedef struct equation {
    label label[LABELS];
    int n_dots; ///< axes that `...` stands for
    onnx_shape out;
} equation;

/** A product of matrices, as many as the stack has, without the batch. */
typedef struct matrices {
    int64_t stack; ///< labels of both operands and the result
    int64_t rows, inner, columns;
} matrices;

static jc_status fail_equation(lowering *w, const char *what) {
    return onnx_lower_fail(w, JC_ESHAPE, "its equation %s", what);
}

static int letter_of(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}

// `ab...c` into labels. @param n_dots  axes that `...` stands for; −1 = what `rank` leaves
static bool parse_term(onnx_text text, int rank, int n_dots, term *out) {
    int n_letters = 0;
    for (size_t i = 0; i < text.size; ++i) {
        n_letters += letter_of(text.data[i]) >= 0;
    }
    const int covered = n_dots >= 0 ? n_dots : rank - n_letters;
    bool has_dots = false;
    *out = (term){0};
    for (size_t i = 0; i < text.size; ++i) {
        const char c = text.data[i];
        if (c == '.') {
            if (has_dots || text.size - i < 3 || memcmp(text.data + i, "...", 3) != 0 ||
                covered < 0 || out->n + covered > ONNX_MAX_RANK) {
                return false;
            }
            for (int k = covered; k > 0; --k) { // aligned at the last, as broadcasting is
                out->label[out->n++] = LABELS - k;
            }
            has_dots = true;
            i += 2;
        } else if (letter_of(c) >= 0 && out->n < ONNX_MAX_RANK) {
            out->label[out->n++] = letter_of(c);
        } else if (c != ' ') {
            return false;
        }
    }
    return n_dots >= 0 || out->n == rank;
}

static jc_status read_operand(lowering *w, onnx_text text, size_t i, equation *q) {
    const onnx_shape *shape = &onnx_node_input(w, i)->shape;
    term t;
    if (!parse_term(text, shape->rank, -1, &t)) {
        return onnx_lower_fail(w, JC_ESHAPE, "its equation does not fit the %d axes of operand %zu",
                               shape->rank, i);
    }
    bool is_here[LABELS] = {false};
    for (int axis = 0; axis < t.n; ++axis) {
        const int64_t size = shape->dim[axis];
        label *l = &q->label[t.label[axis]];
        const bool is_dot = t.label[axis] >= LETTERS;
        if (l->size != 0 && l->size != size && !(is_dot && (l->size == 1 || size == 1))) {
            return onnx_lower_fail(w, JC_ESHAPE, "its operands disagree in axis %d of operand %zu",
                                   axis, i);
        }
        if (l->size == 1 && size > 1) { // the one before is broadcast
            l->in[0] = l->in[1] = false;
        }
        if (i < 2) {
            l->in[i] = size >= l->size;
        }
        l->size = size > l->size ? size : l->size;
        l->is_repeated = l->is_repeated || is_here[t.label[axis]];
        l->is_batch = l->is_batch || axis == shape->batch_axis;
        l->count++;
        is_here[t.label[axis]] = true;
        q->n_dots =
            is_dot && LABELS - t.label[axis] > q->n_dots ? LABELS - t.label[axis] : q->n_dots;
    }
    return JC_OK;
}

// Without `->` the result has what `...` stands for, and the letters that occur once.
static bool make_result(const equation *q, term *out) {
    *out = (term){0};
    for (int k = q->n_dots; k > 0; --k) {
        out->label[out->n++] = LABELS - k;
    }
    for (int i = 0; i < LETTERS; ++i) {
        if (q->label[i].count == 1) {
            if (out->n == ONNX_MAX_RANK) {
                return false;
            }
            out->label[out->n++] = i;
        }
    }
    return true;
}

static jc_status read_result(lowering *w, const onnx_text *text, equation *q) {
    term t;
    if (!(text != NULL ? parse_term(*text, 0, q->n_dots, &t) : make_result(q, &t))) {
        return fail_equation(w, "has a result that is none");
    }
    q->out = (onnx_shape){.rank = t.n, .batch_axis = -1, .outer = 1};
    for (int axis = 0; axis < t.n; ++axis) {
        label *l = &q->label[t.label[axis]];
        if (l->size == 0 || l->in_out) {
            return fail_equation(w, "has a letter in the result twice, or only there");
        }
        l->in_out = true;
        q->out.dim[axis] = l->size;
        q->out.batch_axis = l->is_batch ? axis : q->out.batch_axis;
    }
    return JC_OK;
}

static jc_status read_equation(lowering *w, onnx_text text, equation *q) {
    size_t operand = 0;
    size_t from = 0;
    memset(q, 0, sizeof *q);
    for (size_t i = 0; i <= text.size; ++i) {
        const bool is_arrow = i + 1 < text.size && text.data[i] == '-' && text.data[i + 1] == '>';
        if (i < text.size && text.data[i] != ',' && !is_arrow) {
            continue;
        }
        if (operand == w->node->n_inputs) {
            return fail_equation(w, "is for more operands than it has");
        }
        const jc_status status =
            read_operand(w, (onnx_text){text.data + from, i - from}, operand++, q);
        if (status != JC_OK) {
            return status;
        }
        from = i + 1;
        if (!is_arrow && i < text.size) {
            continue;
        }
        if (operand < w->node->n_inputs) {
            return fail_equation(w, "is for fewer operands than it has");
        }
        const onnx_text result =
            is_arrow ? (onnx_text){text.data + i + 2, text.size - i - 2} : text;
        return read_result(w, is_arrow ? &result : NULL, q);
    }
    return JC_OK;
}

// Whether it is a product of matrices, and of which sizes.
static bool find_matrices(const lowering *w, const equation *q, matrices *p) {
    *p = (matrices){1, 1, 1, 1};
    for (int i = 0; i < LABELS; ++i) {
        const label *l = &q->label[i];
        if (l->is_repeated || (l->size > 0 && !l->in[0] && !l->in[1])) {
            return false;
        }
        int64_t *extent = !l->in_out  ? &p->inner
                          : !l->in[0] ? &p->columns
                          : !l->in[1] ? &p->rows
                                      : &p->stack;
        const int64_t size = l->is_batch ? l->size / w->batch.file : l->size;
        *extent = jc_mul_saturating(*extent, l->size == 0 ? 1 : size);
    }
    return w->node->n_inputs == 2 && q->out.batch_axis >= 0;
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
    const onnx_attribute *a = onnx_node_attribute(w->node, "equation");
    jc_status status = onnx_node_require(w, w->node->n_inputs > 0 ? w->node->n_inputs : 1);
    equation q;
    matrices p;
    if (status == JC_OK) {
        status = a == NULL || a->s.size == 0 ? fail_equation(w, "is missing")
                                             : read_equation(w, a->s, &q);
    }
    if (status == JC_OK) {
        status = onnx_set_output(w, 0, &q.out);
    }
    if (status != JC_OK) {
        return status;
    }
    return find_matrices(w, &q, &p) ? emit_matrices(w, &p) : onnx_emit_other(w);
}
