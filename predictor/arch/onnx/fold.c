// SPDX-License-Identifier: Apache-2.0
// Arithmetic that exporters leave in a file: small constants, computed while reading.
#include "ops.h"

#include <math.h>
#include <string.h>

// Room for the contents of output 0; NULL (and JC_OK) where they are not kept.
static jc_status make_cells(lowering *w, jc_value **out_cells) {
    *out_cells = NULL;
    const onnx_value *out = onnx_node_output(w, 0);
    const int64_t n = out == NULL ? 0 : onnx_shape_elements(&out->shape);
    bool all_known = n <= ONNX_MAX_CONTENTS && out != NULL && w->n_folded + n <= ONNX_MAX_FOLDED;
    for (size_t i = 0; i < w->node->n_inputs && all_known; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        all_known = v == NULL || v->cells != NULL || onnx_shape_elements(&v->shape) == 0;
    }
    if (!all_known) {
        return JC_OK;
    }
    w->n_folded += n;
    *out_cells = jc_arena_alloc(w->arena, (size_t)n + 1, sizeof **out_cells);
    return *out_cells == NULL ? onnx_lower_out_of_memory(w) : JC_OK;
}

static size_t count(const onnx_value *v) {
    return (size_t)onnx_shape_elements(&v->shape);
}

jc_status onnx_fold_same(lowering *w) {
    onnx_value *out = onnx_node_output(w, 0);
    if (out != NULL && onnx_node_input(w, 0)->type == out->type) {
        out->cells = onnx_node_input(w, 0)->cells;
    }
    return JC_OK;
}

static double cell_real(const onnx_value *v, size_t i) {
    return onnx_type_is_real(v->type) ? v->cells[i].real : (double)v->cells[i].i;
}

// A real number as an integer; 0 for what has no sensible one.
static int64_t to_int(double value) {
    return value > -9e18 && value < 9e18 ? (int64_t)value : 0;
}

jc_status onnx_fold_cast(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    if (status != JC_OK || cells == NULL) {
        return status;
    }
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    for (size_t i = 0; i < count(out); ++i) {
        if (onnx_type_is_real(out->type)) {
            cells[i].real = cell_real(x, i);
        } else {
            cells[i].i = onnx_type_is_real(x->type) ? to_int(x->cells[i].real) : x->cells[i].i;
            cells[i].i = out->type == ONNX_BOOL ? cells[i].i != 0 : cells[i].i;
        }
    }
    out->cells = cells;
    return JC_OK;
}

// --- Arithmetic ---------------------------------------------------------------------------------

typedef enum function {
    ADD,
    SUB,
    MUL,
    DIV,
    MOD,
    POW,
    MIN,
    MAX,
    EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    AND,
    OR,
    NOT,
    NEG,
    FLOOR,
    CEIL,
    SQRT,
    ABS,
    RECIPROCAL,
    ROUND,
    NO_FUNCTION
} function;

static function find_function(onnx_text name) {
    static const char *const names[NO_FUNCTION] = {"Add",
                                                   "Sub",
                                                   "Mul",
                                                   "Div",
                                                   "Mod",
                                                   "Pow",
                                                   "Min",
                                                   "Max",
                                                   "Equal",
                                                   "Less",
                                                   "LessOrEqual",
                                                   "Greater",
                                                   "GreaterOrEqual",
                                                   "And",
                                                   "Or",
                                                   "Not",
                                                   "Neg",
                                                   "Floor",
                                                   "Ceil",
                                                   "Sqrt",
                                                   "Abs",
                                                   "Reciprocal",
                                                   "Round"};
    int f = 0;
    while (f < NO_FUNCTION && !onnx_text_is(name, names[f])) {
        ++f;
    }
    return (function)f;
}

// Wraps around like the integers of those who run it.
static int64_t compute_int(function f, int64_t a, int64_t b) {
    const uint64_t ua = (uint64_t)a;
    const uint64_t ub = (uint64_t)b;
    switch (f) {
    case ADD:
        return (int64_t)(ua + ub);
    case SUB:
        return (int64_t)(ua - ub);
    case MUL:
        return (int64_t)(ua * ub);
    case DIV:
        return b == 0 || (a == INT64_MIN && b == -1) ? 0 : a / b;
    case MOD:
        return b == 0 || b == -1 ? 0 : ((a % b) + b) % b;
    case MIN:
        return a < b ? a : b;
    case MAX:
        return a > b ? a : b;
    case EQUAL:
        return a == b;
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case GREATER:
        return a > b;
    case GREATER_EQUAL:
        return a >= b;
    case AND:
        return a != 0 && b != 0;
    case OR:
        return a != 0 || b != 0;
    case NOT:
        return a == 0;
    case NEG:
        return (int64_t)(0 - ua);
    case ABS:
        return a < 0 ? (int64_t)(0 - ua) : a;
    case POW:
        return to_int(pow((double)a, (double)b));
    case SQRT:
        return to_int(sqrt((double)a));
    case RECIPROCAL:
        return a == 0 ? 0 : 1 / a;
    case FLOOR:
    case CEIL:
    case ROUND:
    case NO_FUNCTION:
        break;
    }
    return a;
}

static double compute_real(function f, double a, double b) {
    switch (f) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return a / b;
    case MOD:
        return fmod(a, b);
    case POW:
        return pow(a, b);
    case MIN:
        return fmin(a, b);
    case MAX:
        return fmax(a, b);
    case EQUAL:
        return !(a < b) && !(a > b) ? 1 : 0;
    case LESS:
        return a < b ? 1 : 0;
    case LESS_EQUAL:
        return a <= b ? 1 : 0;
    case GREATER:
        return a > b ? 1 : 0;
    case GREATER_EQUAL:
        return a >= b ? 1 : 0;
    case NEG:
        return -a;
    case FLOOR:
        return floor(a);
    case CEIL:
        return ceil(a);
    case SQRT:
        return sqrt(a);
    case ABS:
        return fabs(a);
    case RECIPROCAL:
        return 1 / a;
    case ROUND:
        return nearbyint(a);
    case AND:
    case OR:
    case NOT:
    case NO_FUNCTION:
        break;
    }
    return a;
}

// Index into a broadcast operand of the element at `i` of the result.
static size_t operand_index(const onnx_shape *out, const onnx_shape *operand, size_t i) {
    size_t index = 0;
    size_t stride = 1;
    const int shift = out->rank - operand->rank;
    for (int axis = out->rank - 1; axis >= shift; --axis) {
        const size_t size = (size_t)operand->dim[axis - shift];
        const size_t at = i % (size_t)out->dim[axis];
        index += (size == 1 ? 0 : at) * stride;
        stride *= size;
        i /= (size_t)out->dim[axis];
    }
    return index;
}

jc_status onnx_fold_arithmetic(lowering *w) {
    jc_value *cells = NULL;
    const function f = find_function(w->node->op_type);
    const jc_status status =
        f == NO_FUNCTION || w->node->n_inputs > 2 ? JC_OK : make_cells(w, &cells);
    if (status != JC_OK || cells == NULL) {
        return status;
    }
    const onnx_value *a = onnx_node_input(w, 0);
    const onnx_value *b = onnx_node_input(w, 1) == NULL ? a : onnx_node_input(w, 1);
    onnx_value *out = onnx_node_output(w, 0);
    if (a->cells == NULL || b->cells == NULL) {
        return JC_OK; // empty
    }
    const bool real = onnx_type_is_real(a->type);
    for (size_t i = 0; i < count(out); ++i) {
        const size_t ia = operand_index(&out->shape, &a->shape, i);
        const size_t ib = operand_index(&out->shape, &b->shape, i);
        if (!real) {
            cells[i].i = compute_int(f, a->cells[ia].i,
                                     onnx_type_is_real(b->type) ? to_int(b->cells[ib].real)
                                                                : b->cells[ib].i);
            continue;
        }
        const double value = compute_real(f, a->cells[ia].real, cell_real(b, ib));
        if (onnx_type_is_real(out->type)) {
            cells[i].real = value;
        } else {
            cells[i].i = to_int(value);
        }
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_fold_where(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    if (status != JC_OK || cells == NULL || w->node->n_inputs != 3) {
        return status;
    }
    onnx_value *out = onnx_node_output(w, 0);
    for (size_t i = 0; i < count(out); ++i) {
        const onnx_value *c = onnx_node_input(w, 0);
        const onnx_value *v =
            onnx_node_input(w, c->cells[operand_index(&out->shape, &c->shape, i)].i != 0 ? 1 : 2);
        cells[i] = v->cells[operand_index(&out->shape, &v->shape, i)];
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_fold_expand(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    if (status != JC_OK || cells == NULL) {
        return status;
    }
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    for (size_t i = 0; i < count(out); ++i) {
        cells[i] = x->cells[operand_index(&out->shape, &x->shape, i)];
    }
    out->cells = cells;
    return JC_OK;
}

// --- Moved --------------------------------------------------------------------------------------

jc_status onnx_fold_concat(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || cells == NULL || out->shape.rank != 1) {
        return status;
    }
    size_t n = 0;
    for (size_t i = 0; i < w->node->n_inputs; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        for (size_t k = 0; k < count(v); ++k) {
            cells[n++] = v->cells[k];
        }
    }
    out->cells = cells;
    return JC_OK;
}

// Bounds as attributes (opset 9) or inputs, clamped to the axis.
jc_status onnx_slice_bounds(lowering *w, int64_t first[ONNX_MAX_RANK], int64_t step[ONNX_MAX_RANK],
                            int64_t size[ONNX_MAX_RANK]) {
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    const int64_t *lists[4] = {NULL, NULL, NULL, NULL}; // starts, ends, axes, steps
    size_t n[4] = {0, 0, 0, 0};
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    jc_status status = JC_OK;
    for (size_t i = 0; i < 4 && status == JC_OK; ++i) {
        status = onnx_node_ints(w, names[i], 1 + i, &lists[i], &n[i]);
    }
    for (int i = 0; i < in->rank; ++i) {
        first[i] = 0;
        step[i] = 1;
        size[i] = in->dim[i];
    }
    if (status == JC_OK && (n[1] != n[0] || (n[2] != 0 && n[2] != n[0]) ||
                            (n[3] != 0 && n[3] != n[0]) || n[0] > (size_t)in->rank)) {
        return onnx_lower_fail(w, JC_ESHAPE, "its starts, ends, axes and steps differ in number");
    }
    for (size_t i = 0; i < n[0] && status == JC_OK; ++i) {
        int axis = 0;
        status = onnx_node_axis(w, n[2] == 0 ? (int64_t)i : lists[2][i], in->rank, &axis);
        const int64_t s = n[3] == 0 ? 1 : lists[3][i];
        if (status != JC_OK) {
            return status;
        }
        if (s == 0 || s < -LARGEST_SIZE || s > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "its step along axis %d is 0 or too large", axis);
        }
        const int64_t d = in->dim[axis];
        int64_t from = lists[0][i] < -d ? (s < 0 ? -1 : 0) : lists[0][i];
        int64_t to = lists[1][i] < -d ? (s < 0 ? -d - 1 : 0) : lists[1][i];
        from = from < 0 && lists[0][i] >= -d ? from + d : from;
        to = to < 0 && lists[1][i] >= -d ? to + d : to;
        if (s > 0) {
            from = from > d ? d : from;
            to = to > d ? d : to;
            size[axis] = to > from ? (to - from + s - 1) / s : 0;
        } else {
            from = from > d - 1 ? d - 1 : from;
            to = to > d - 1 ? d - 1 : to < -1 ? -1 : to;
            size[axis] = from > to ? (from - to - s - 1) / -s : 0;
        }
        first[axis] = from;
        step[axis] = s;
    }
    return status;
}

jc_status onnx_fold_slice(lowering *w) {
    jc_value *cells = NULL;
    int64_t first[ONNX_MAX_RANK];
    int64_t step[ONNX_MAX_RANK];
    int64_t size[ONNX_MAX_RANK];
    jc_status status = make_cells(w, &cells);
    onnx_value *out = onnx_node_output(w, 0);
    const onnx_value *x = onnx_node_input(w, 0);
    if (status != JC_OK || cells == NULL || x->shape.rank == 0 || x->cells == NULL) {
        return status;
    }
    status = onnx_slice_bounds(w, first, step, size);
    if (status != JC_OK) {
        return status;
    }
    for (size_t i = 0; i < count(out); ++i) {
        size_t rest = i;
        size_t index = 0;
        size_t stride = 1;
        for (int axis = x->shape.rank - 1; axis >= 0; --axis) {
            const int64_t at = (int64_t)(rest % (size_t)out->shape.dim[axis]);
            index += (size_t)(first[axis] + at * step[axis]) * stride;
            stride *= (size_t)x->shape.dim[axis];
            rest /= (size_t)out->shape.dim[axis];
        }
        cells[i] = x->cells[index];
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_fold_gather(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    const onnx_value *data = onnx_node_input(w, 0);
    const onnx_value *indices = onnx_node_input(w, 1);
    onnx_value *out = onnx_node_output(w, 0);
    // Along the first axis, as shapes are looked into.
    if (status != JC_OK || cells == NULL || onnx_node_int(w, "axis", 0) != 0 ||
        data->shape.rank == 0 || data->shape.dim[0] == 0 || data->cells == NULL ||
        indices->cells == NULL || onnx_type_is_real(indices->type)) {
        return status;
    }
    const size_t row = count(data) / (size_t)data->shape.dim[0];
    for (size_t i = 0; i < count(indices); ++i) {
        int64_t index = indices->cells[i].i;
        index = index < 0 ? index + data->shape.dim[0] : index;
        if (index < 0 || index >= data->shape.dim[0]) {
            return onnx_lower_fail(w, JC_ESHAPE, "its index is outside of axis 0");
        }
        memcpy(cells + i * row, data->cells + (size_t)index * row, row * sizeof *cells);
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_fold_transpose(lowering *w) {
    jc_value *cells = NULL;
    int order[ONNX_MAX_RANK] = {0};
    jc_status status = make_cells(w, &cells);
    if (status != JC_OK || cells == NULL || onnx_node_input(w, 0)->cells == NULL) {
        return status;
    }
    status = onnx_transpose_order(w, order);
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    size_t stride[ONNX_MAX_RANK];
    size_t n = 1;
    for (int axis = x->shape.rank - 1; axis >= 0; --axis) {
        stride[axis] = n;
        n *= (size_t)x->shape.dim[axis];
    }
    for (size_t i = 0; i < count(out) && status == JC_OK; ++i) {
        size_t rest = i;
        size_t index = 0;
        for (int axis = out->shape.rank - 1; axis >= 0; --axis) {
            index += rest % (size_t)out->shape.dim[axis] * stride[order[axis]];
            rest /= (size_t)out->shape.dim[axis];
        }
        cells[i] = x->cells[index];
    }
    out->cells = cells;
    return status;
}

jc_status onnx_fold_reduce(lowering *w) {
    jc_value *cells = NULL;
    const jc_status status = make_cells(w, &cells);
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    const bool is_prod = onnx_text_is(w->node->op_type, "ReduceProd");
    const bool is_sum = onnx_text_is(w->node->op_type, "ReduceSum");
    if (status != JC_OK || cells == NULL || count(out) != 1 || x->cells == NULL ||
        onnx_type_is_real(x->type) || (!is_prod && !is_sum)) {
        return status;
    }
    cells[0].i = is_prod ? 1 : 0;
    for (size_t i = 0; i < count(x); ++i) {
        cells[0].i = compute_int(is_prod ? MUL : ADD, cells[0].i, x->cells[i].i);
    }
    out->cells = cells;
    return JC_OK;
}
