// SPDX-License-Identifier: Apache-2.0
// Shapes as values, tensors made from nothing, repeated, padded, resized, reduced.
#include "ops.h"

#include "tensor.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

jc_status onnx_infer_shape(lowering *w) {
    const jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    int64_t start = onnx_node_int(w, "start", 0);
    int64_t end = onnx_node_int(w, "end", in->rank);
    start = start < 0 ? start + in->rank : start;
    end = end < 0 ? end + in->rank : end;
    start = start < 0 ? 0 : start;
    end = end > in->rank ? in->rank : end;
    return start <= end ? onnx_set_output_ints(w, in->dim + start, (size_t)(end - start), 1)
                        : onnx_set_output_ints(w, in->dim, 0, 1);
}

jc_status onnx_infer_size(lowering *w) {
    const jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    const int64_t n = onnx_shape_elements(&onnx_node_input(w, 0)->shape);
    return onnx_set_output_ints(w, &n, 1, 0);
}

jc_status onnx_infer_constant(lowering *w) {
    onnx_value *out = onnx_node_output(w, 0);
    const onnx_attribute *tensor = onnx_node_attribute(w->node, "value");
    if (out == NULL) {
        return JC_OK;
    }
    if (tensor != NULL && tensor->tensor != NULL) {
        return onnx_tensor_to_value(w, tensor->tensor, out);
    }
    const onnx_attribute *a = w->node->n_attributes > 0 ? &w->node->attributes[0] : NULL;
    if (a == NULL || (!a->has_i && !a->has_f && a->n_ints == 0 && a->n_floats == 0)) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED, "its value is of a form that is not read");
    }
    if (a->has_i || a->n_ints > 0) {
        return a->has_i ? onnx_set_output_ints(w, &a->i, 1, 0)
                        : onnx_set_output_ints(w, a->ints, a->n_ints, 1);
    }
    const size_t n = a->has_f ? 1 : a->n_floats;
    jc_value *cells = jc_arena_take(w->arena, n, sizeof *cells);
    if (cells == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (size_t i = 0; i < n; ++i) {
        cells[i].real = a->has_f ? a->f : a->floats[i];
    }
    const int64_t size = (int64_t)n;
    const onnx_shape shape = onnx_shape_of(a->has_f ? 0 : 1, &size);
    out->type = ONNX_FLOAT;
    const jc_status status = onnx_set_output(w, 0, &shape);
    out->cells = cells;
    return status;
}

// A shape that a constant input tells.
static jc_status read_shape(lowering *w, size_t input, onnx_shape *out) {
    const int64_t *sizes = NULL;
    size_t n = 0;
    const jc_status status = onnx_node_ints(w, NULL, input, &sizes, &n);
    if (status != JC_OK) {
        return status;
    }
    if (n > ONNX_MAX_RANK) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED, "its output has %zu axes, more than %d", n,
                               ONNX_MAX_RANK);
    }
    *out = onnx_shape_of((int)n, sizes);
    return JC_OK;
}

jc_status onnx_infer_constant_of_shape(lowering *w) {
    onnx_shape shape;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = read_shape(w, 0, &shape);
    }
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    const onnx_attribute *value = onnx_node_attribute(w->node, "value");
    onnx_value filler = {.type = ONNX_FLOAT};
    jc_value cell = {.i = 0};
    if (value != NULL && value->tensor != NULL) {
        status = onnx_tensor_to_value(w, value->tensor, &filler);
    }
    out->type = filler.type;
    if (onnx_type_is_real(filler.type)) {
        cell.real = 0;
    }
    if (filler.cells != NULL) {
        cell = filler.cells[0];
    }
    if (status == JC_OK) {
        status = onnx_set_output(w, 0, &shape);
    }
    const int64_t n = onnx_shape_elements(&shape);
    if (status != JC_OK || n > ONNX_MAX_CONTENTS) {
        return status;
    }
    jc_value *cells = jc_arena_take(w->arena, (size_t)n, sizeof *cells);
    if (cells == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (int64_t i = 0; i < n; ++i) {
        cells[i] = cell;
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_infer_range(lowering *w) {
    jc_status status = onnx_node_require(w, 3);
    double bound[3] = {0, 0, 0};
    for (size_t i = 0; i < 3 && status == JC_OK; ++i) {
        if (!onnx_value_real(onnx_node_input(w, i), &bound[i])) {
            status = onnx_lower_fail(w, JC_EUNSUPPORTED,
                                     "its bounds must be known without running the network");
        }
    }
    if (status != JC_OK) {
        return status;
    }
    const double steps = ceil((bound[1] - bound[0]) / bound[2]);
    if (!(steps >= 0 && steps <= (double)LARGEST_SIZE)) {
        return onnx_lower_fail(w, JC_ESHAPE, "it has no sensible number of steps");
    }
    const int64_t n = (int64_t)steps;
    const onnx_shape shape = onnx_shape_of(1, &n);
    onnx_value *out = onnx_node_output(w, 0);
    status = onnx_set_output(w, 0, &shape);
    if (status != JC_OK || out == NULL || n > ONNX_MAX_CONTENTS) {
        return status;
    }
    jc_value *cells = jc_arena_take(w->arena, (size_t)n, sizeof *cells);
    if (cells == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (int64_t i = 0; i < n; ++i) {
        const double value = bound[0] + (double)i * bound[2];
        if (onnx_type_is_real(out->type)) {
            cells[i].real = value;
        } else {
            cells[i].i = (int64_t)value;
        }
    }
    out->cells = cells;
    return JC_OK;
}

// --- Repeated and padded ------------------------------------------------------------------------

jc_status onnx_infer_expand(lowering *w) {
    onnx_shape shape;
    jc_status status = onnx_node_require(w, 2);
    if (status == JC_OK) {
        status = read_shape(w, 1, &shape);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out;
    if (!onnx_shape_broadcast(&onnx_node_input(w, 0)->shape, &shape, &out)) {
        return onnx_lower_fail(w, JC_ESHAPE, "its input does not broadcast to the shape asked for");
    }
    return onnx_set_output(w, 0, &out);
}

// To the same number of values it is a view.
jc_status onnx_emit_expand(lowering *w) {
    onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    if (out != NULL && onnx_shape_elements(&x->shape) == onnx_shape_elements(&out->shape)) {
        out->layer = x->layer;
        return JC_OK;
    }
    return onnx_emit_copy(w);
}

jc_status onnx_infer_tile(lowering *w) {
    const int64_t *repeats = NULL;
    size_t n = 0;
    jc_status status = onnx_node_require(w, 2);
    if (status == JC_OK) {
        status = onnx_node_ints(w, NULL, 1, &repeats, &n);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    if (n != (size_t)out.rank) {
        return onnx_lower_fail(w, JC_ESHAPE, "it has %zu repeats for %d axes", n, out.rank);
    }
    for (int i = 0; i < out.rank; ++i) {
        if (repeats[i] < 0) {
            return onnx_lower_fail(w, JC_ESHAPE, "it repeats axis %d %" PRId64 " times", i,
                                   repeats[i]);
        }
        out.dim[i] = jc_mul_saturating(out.dim[i], repeats[i]);
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_infer_pad(lowering *w) {
    const int64_t *pads = NULL;
    size_t n = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_node_ints(w, "pads", 1, &pads, &n);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    if (n != 2 * (size_t)out.rank) {
        return onnx_lower_fail(w, JC_ESHAPE, "it has %zu pads for %d axes", n, out.rank);
    }
    for (int i = 0; i < out.rank; ++i) {
        const int64_t before = pads[i];
        const int64_t after = pads[out.rank + i];
        if (before < -LARGEST_SIZE || before > LARGEST_SIZE || after < -LARGEST_SIZE ||
            after > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "its pads exceed %d", LARGEST_SIZE);
        }
        out.dim[i] += before + after;
    }
    return onnx_set_output(w, 0, &out);
}

// Channels to or from planes `block` times as wide and high.
static jc_status infer_blocks(lowering *w, bool to_space) {
    const jc_status status = onnx_node_require(w, 1);
    const int64_t block = onnx_node_int(w, "blocksize", 0);
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    if (out.rank != 4 || block < 1 || block > 1024 ||
        (to_space ? out.dim[1] % (block * block) != 0
                  : out.dim[2] % block != 0 || out.dim[3] % block != 0)) {
        return onnx_lower_fail(w, JC_ESHAPE, "blocksize %" PRId64 " does not divide its input",
                               block);
    }
    out.dim[1] =
        to_space ? out.dim[1] / (block * block) : jc_mul_saturating(out.dim[1], block * block);
    for (int i = 2; i < 4; ++i) {
        out.dim[i] = to_space ? jc_mul_saturating(out.dim[i], block) : out.dim[i] / block;
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_infer_depth_to_space(lowering *w) {
    return infer_blocks(w, true);
}

jc_status onnx_infer_space_to_depth(lowering *w) {
    return infer_blocks(w, false);
}

jc_status onnx_infer_gather_elements(lowering *w) {
    const jc_status status = onnx_node_require(w, 2);
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 1)->shape;
    const onnx_shape *data = &onnx_node_input(w, 0)->shape;
    if (out.batch_axis < 0 && data->rank == out.rank && data->batch_axis >= 0 &&
        data->dim[data->batch_axis] == out.dim[data->batch_axis]) {
        out.batch_axis = data->batch_axis;
        out.outer = data->outer;
    }
    return onnx_set_output(w, 0, &out);
}

// Where constants are not zero: known where the contents are, as in old exports of `expand`.
jc_status onnx_infer_non_zero(lowering *w) {
    const jc_status status = onnx_node_require(w, 1);
    const onnx_value *x = status == JC_OK ? onnx_node_input(w, 0) : NULL;
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    if (x->cells == NULL || x->shape.rank != 1) {
        return onnx_emit_other(w);
    }
    int64_t found[ONNX_MAX_CONTENTS];
    int64_t n = 0;
    for (int64_t i = 0; i < x->shape.dim[0]; ++i) {
        const bool is_zero = onnx_type_is_real(x->type)
                                 ? !(x->cells[i].real < 0) && !(x->cells[i].real > 0)
                                 : x->cells[i].i == 0;
        if (!is_zero) {
            found[n++] = i;
        }
    }
    const jc_status set = onnx_set_output_ints(w, found, (size_t)n, 1);
    out->shape = onnx_shape_of(2, (int64_t[]){1, n});
    return set;
}

// --- Resize -------------------------------------------------------------------------------------

// Axes that scales and sizes are for: all of them, or (from opset 18 on) those of an attribute.
static bool resized_axes(const lowering *w, int rank, int *out_axes, int *out_n) {
    const onnx_attribute *a = onnx_node_attribute(w->node, "axes");
    *out_n = a == NULL ? rank : (int)(a->n_ints < ONNX_MAX_RANK ? a->n_ints : ONNX_MAX_RANK);
    for (int i = 0; i < *out_n; ++i) {
        const int64_t axis = a == NULL ? i : a->ints[i] < 0 ? a->ints[i] + rank : a->ints[i];
        if (axis < 0 || axis >= rank) {
            return false;
        }
        out_axes[i] = (int)axis;
    }
    return a == NULL || a->n_ints <= ONNX_MAX_RANK;
}

// Sizes as wished, or as far as one scale for all of them goes (keep_aspect_ratio_policy).
static void resize_to(const lowering *w, const int *axes, int n, const onnx_value *sizes,
                      onnx_shape *out) {
    const bool larger = onnx_node_text_is(w, "keep_aspect_ratio_policy", "not_smaller");
    const bool smaller = onnx_node_text_is(w, "keep_aspect_ratio_policy", "not_larger");
    double scale = 0;
    for (int i = 0; i < n; ++i) {
        const double own = (double)sizes->cells[i].i / (double)out->dim[axes[i]];
        scale = i == 0 || (larger && own > scale) || (smaller && own < scale) ? own : scale;
    }
    for (int i = 0; i < n; ++i) {
        const double size = floor(scale * (double)out->dim[axes[i]] + 0.5);
        out->dim[axes[i]] =
            !larger && !smaller ? sizes->cells[i].i : (int64_t)fmin(size, LARGEST_SIZE + 1.0);
    }
}

jc_status onnx_infer_resize(lowering *w) {
    const jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    int axes[ONNX_MAX_RANK];
    int n_axes = 0;
    if (!resized_axes(w, out.rank, axes, &n_axes)) {
        return onnx_lower_fail(w, JC_ESHAPE, "its axes are not from %d to %d", -out.rank,
                               out.rank - 1);
    }
    const bool has_sizes = onnx_node_input(w, 3) != NULL;
    // Opset 10 and Upsample take scales second, later ones third.
    const size_t at = w->node->n_inputs == 2 ? 1 : 2;
    const onnx_value *given = onnx_node_input(w, has_sizes ? 3 : at);
    const onnx_attribute *a = onnx_node_attribute(w->node, "scales");
    const int64_t n = given == NULL ? 0 : onnx_shape_elements(&given->shape);
    const bool from_attribute = given == NULL && a != NULL && a->n_floats == (size_t)n_axes;
    if (!from_attribute && (given == NULL || given->cells == NULL || n != n_axes)) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED,
                               "its scales or sizes must be known without running the network");
    }
    if (has_sizes && !onnx_type_is_real(given->type)) {
        resize_to(w, axes, n_axes, given, &out);
        return onnx_set_output(w, 0, &out);
    }
    for (int i = 0; i < n_axes; ++i) {
        const double scale = from_attribute                   ? a->floats[i]
                             : onnx_type_is_real(given->type) ? given->cells[i].real
                                                              : (double)given->cells[i].i;
        const double size = floor((double)out.dim[axes[i]] * scale);
        if (!(size >= 1 && size <= (double)LARGEST_SIZE)) {
            return onnx_lower_fail(w, JC_ESHAPE, "its scale %g leaves no sensible size", scale);
        }
        out.dim[axes[i]] = (int64_t)size;
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_emit_resize(lowering *w) {
    onnx_value *x = onnx_node_input(w, 0);
    const onnx_value *out = onnx_node_output(w, 0);
    const bool fits = out != NULL && x->shape.rank == 4 &&
                      onnx_shape_is_plain(&x->shape, &w->batch) &&
                      out->shape.dim[0] == x->shape.dim[0] && out->shape.dim[1] == x->shape.dim[1];
    if (!fits) {
        return onnx_emit_copy(w);
    }
    emission e;
    const jc_status status = onnx_emission_begin(w, &e, "upsample", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "size", 0, out->shape.dim[2]);
    onnx_emission_set(&e, "size", 1, out->shape.dim[3]);
    onnx_emission_set(&e, "mode", 0,
                      onnx_node_text_is(w, "mode", "linear")  ? 1
                      : onnx_node_text_is(w, "mode", "cubic") ? 2
                                                              : 0);
    return onnx_emit_simple(w, &e, x, 0);
}

// --- Reductions ---------------------------------------------------------------------------------

// A bit for each axis that is reduced.
static jc_status reduced_axes(lowering *w, unsigned *out_bits) {
    const int64_t *axes = NULL;
    size_t n = 0;
    const onnx_value *x = onnx_node_input(w, 0);
    jc_status status = JC_OK;
    const bool is_arg = w->op->op != NULL && strncmp(w->op->op, "arg", 3) == 0;
    const int64_t one = onnx_node_int(w, "axis", 0);
    if (is_arg) {
        axes = &one;
        n = 1;
    } else {
        status = onnx_node_ints(w, "axes", 1, &axes, &n);
    }
    unsigned bits = 0;
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        int axis = 0;
        status = onnx_node_axis(w, axes[i], x->shape.rank, &axis);
        bits |= 1U << axis;
    }
    if (n == 0 && !onnx_node_flag(w, "noop_with_empty_axes")) {
        bits = (1U << x->shape.rank) - 1;
    }
    *out_bits = bits;
    return status;
}

jc_status onnx_infer_reduce(lowering *w) {
    unsigned bits = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = reduced_axes(w, &bits);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    const bool keep = onnx_node_int(w, "keepdims", 1) != 0;
    onnx_shape out = {.batch_axis = -1, .outer = 1};
    for (int i = 0; i < in->rank; ++i) {
        const bool gone = (bits & 1U << i) != 0;
        if (gone && !keep) {
            continue;
        }
        if (i == in->batch_axis && (!gone || in->dim[i] == 1)) {
            out.batch_axis = out.rank;
            out.outer = gone ? 1 : in->outer;
        }
        out.dim[out.rank++] = gone ? 1 : in->dim[i];
    }
    onnx_value *result = onnx_node_output(w, 0);
    if (result != NULL && w->op->op != NULL && strncmp(w->op->op, "arg", 3) == 0) {
        result->type = ONNX_INT64;
    }
    return onnx_set_output(w, 0, &out);
}

// Means and largest values of whole planes have operators of their own.
static jc_status emit_plane_pool(lowering *w, bool is_max) {
    emission e;
    const jc_status status =
        onnx_emission_begin(w, &e, is_max ? "global_max_pool2d" : "global_avg_pool2d", 1);
    return status == JC_OK ? onnx_emit_simple(w, &e, onnx_node_input(w, 0), 0) : status;
}

jc_status onnx_emit_reduce(lowering *w) {
    static const char *const modes[] = {"mean",  "sum",    "max",    "min",       "prod", "norm1",
                                        "norm2", "argmax", "argmin", "logsumexp", NULL};
    unsigned bits = 0;
    jc_status status = reduced_axes(w, &bits);
    onnx_value *x = onnx_node_input(w, 0);
    if (status != JC_OK) {
        return status;
    }
    int mode = 0;
    while (modes[mode] != NULL && strcmp(modes[mode], w->op->op) != 0) {
        ++mode;
    }
    if (x->shape.rank == 4 && bits == 12 && onnx_shape_is_plain(&x->shape, &w->batch) &&
        (mode == 0 || mode == 2)) {
        return emit_plane_pool(w, mode == 2);
    }
    int axes[ONNX_MAX_RANK];
    int n = 0;
    for (int i = 0; i < x->shape.rank; ++i) {
        if ((bits & 1U << i) == 0 || i == x->shape.batch_axis) {
            continue; // the file's one sample
        }
        axes[n] = onnx_shape_sample_axis(&x->shape, &w->batch, i);
        if (axes[n++] < 1) {
            return onnx_emit_copy(w);
        }
    }
    if (n == 0) {
        onnx_node_output(w, 0)->layer = x->layer;
        return JC_OK;
    }
    emission e;
    status = onnx_emission_begin(w, &e, "reduce", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "dims", 0, n);
    for (int i = 0; i < n; ++i) {
        onnx_emission_set(&e, "dims", 1 + i, axes[i]);
    }
    onnx_emission_set(&e, "mode", 0, mode);
    onnx_emission_set(&e, "keepdim", 0, 1);
    return onnx_emit_simple(w, &e, x, 0);
}
