// SPDX-License-Identifier: Apache-2.0
// Operators that rearrange tensors: some move data, some only change how it is seen.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>
#include <math.h>

// --- concat --------------------------------------------------------------------------------

static const jc_param concat_params[] = {{"dim", JC_PARAM_INTEGER, 0, false, 1, NULL}, {0}};

static jc_status infer_concat(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    jc_shape out = *call->inputs[0];
    int dim = 0;
    const jc_status status = op_resolve_dim(call->value[0].i, out.rank, "dim", &dim, err);
    if (status != JC_OK) {
        return status;
    }
    if (dim == 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "the batch (axis 0) keeps its size; dim names another axis");
    }
    for (size_t i = 1; i < call->n_inputs; ++i) {
        const jc_shape *operand = call->inputs[i];
        bool fits = operand->rank == out.rank;
        for (int axis = 0; axis < out.rank && fits; ++axis) {
            fits = axis == dim || operand->dim[axis] == out.dim[axis];
        }
        if (!fits) {
            char left[JC_SHAPE_TEXT_SIZE];
            char right[JC_SHAPE_TEXT_SIZE];
            return jc_error_set(
                err, JC_ESHAPE, NULL, 0, "operands %s and %s must agree in every axis but %d",
                jc_shape_format(call->inputs[0], left), jc_shape_format(operand, right), dim);
        }
        out.dim[dim] = jc_add_saturating(out.dim[dim], operand->dim[dim]);
    }
    *out_shape = out;
    return JC_OK;
}

static void concat_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    int dim = 0;
    (void)op_resolve_dim(call->value[0].i, output->rank, "dim", &dim, NULL); // inferred, so it does
    const int64_t elements = op_sample_elements(output);
    int64_t before = 1; // positions ahead of the axis: for each of them a block
    for (int axis = 1; axis < dim; ++axis) {
        before *= output->dim[axis];
    }
    const bool joins_channels = output->rank == 4 && dim == 1;
    out_size[0] = jc_mul_saturating(output->dim[0], before);
    out_size[1] = elements / before;
    out_size[2] = joins_channels ? output->dim[1] : out_size[1];
    out_size[3] = (int64_t)call->n_inputs;
}

const jc_op op_concat = {
    .name = "concat",
    .summary = "tensors one after the other along one axis",
    .min_inputs = 1,
    .max_inputs = SIZE_MAX,
    .params = concat_params,
    .infer = infer_concat,
    .kernel = JC_KERNEL_CONCAT,
    .kernel_sizes = concat_sizes,
};

// --- transpose, channel_shuffle: data moves ----------------------------------------------------

static const jc_param transpose_params[] = {{"dim0", JC_PARAM_INTEGER, 0, true, 0, NULL},
                                            {"dim1", JC_PARAM_INTEGER, 1, true, 0, NULL},
                                            {0}};

static jc_status resolve_exchanged(const jc_op_call *call, int dim[2], jc_error *err) {
    for (int i = 0; i < 2; ++i) {
        const jc_status status = op_resolve_dim(call->value[i].i, call->inputs[0]->rank,
                                                i == 0 ? "dim0" : "dim1", &dim[i], err);
        if (status != JC_OK) {
            return status;
        }
        if (dim[i] == 0) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0, "the batch (axis 0) stays in front");
        }
    }
    return JC_OK;
}

static jc_status infer_transpose(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    int dim[2] = {0, 0};
    const jc_status status = resolve_exchanged(call, dim, err);
    if (status != JC_OK) {
        return status;
    }
    *out_shape = *input;
    out_shape->dim[dim[0]] = input->dim[dim[1]];
    out_shape->dim[dim[1]] = input->dim[dim[0]];
    return JC_OK;
}

// What axes first to last - 1 become when the ones from `middle` on come first: blocks of the axes
// ahead of them, units of those behind.
static void exchange_sizes(const jc_shape *input, int first, int middle, int last,
                           int64_t *out_size) {
    int64_t rows = 1;
    int64_t unit = 1;
    out_size[0] = input->dim[0];
    for (int axis = 1; axis < input->rank; ++axis) {
        int64_t *part = axis < first ? &out_size[0] : axis < middle ? &rows : &unit;
        if (axis < middle || axis >= last) {
            *part = jc_mul_saturating(*part, input->dim[axis]);
        }
    }
    out_size[1] = jc_mul_saturating(input->dim[0], op_sample_elements(input)) / out_size[0];
    out_size[2] = rows;
    out_size[3] = unit;
    out_size[4] = 1;
}

static void transpose_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    int dim[2] = {0, 0};
    (void)output;
    (void)resolve_exchanged(call, dim, NULL); // inferred, so it does
    const int first = dim[0] < dim[1] ? dim[0] : dim[1];
    const int second = dim[0] < dim[1] ? dim[1] : dim[0];
    exchange_sizes(call->inputs[0], first, second, second + 1, out_size);
}

const jc_op op_transpose = {
    .name = "transpose",
    .summary = "two axes exchanged",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = transpose_params,
    .infer = infer_transpose,
    .kernel = JC_KERNEL_COPY,
    .kernel_sizes = transpose_sizes,
};

// --- permute: axes in any order; copy: whatever else only moves values ---------------------------

static const jc_param permute_params[] = {{"dims", JC_PARAM_SIZES, 0, true, 0, NULL}, {0}};

static jc_status infer_permute(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    const int n = (int)call->value[0].i;
    jc_shape out = *input;
    unsigned seen = 1; // a bit an axis; the batch stays
    for (int i = 1; i < input->rank && n == input->rank - 1; ++i) {
        const int64_t axis = call->value[i].i;
        if (axis > 0 && axis < input->rank) {
            seen |= 1U << axis;
            out.dim[i] = input->dim[axis];
        }
    }
    if (seen != (1U << input->rank) - 1) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "dims must be the axes 1 to %d, each once (the batch stays in front)",
                            input->rank - 1);
    }
    *out_shape = out;
    return JC_OK;
}

// Axes that stay in front are blocks, those that stay behind are units; among those between, the
// ones from the new first on pass the others.
static void permute_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    const jc_value *dims = call->value;
    int first = 1;
    int last = output->rank;
    while (first < last && dims[first].i == first) {
        ++first;
    }
    while (last > first && dims[last - 1].i == last - 1) {
        --last;
    }
    if (first == last) { // nothing moves: one piece
        first = last = 1;
    }
    exchange_sizes(call->inputs[0], first, first < last ? (int)dims[first].i : first, last,
                   out_size);
}

const jc_op op_permute = {
    .name = "permute",
    .summary = "axes in another order",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = permute_params,
    .infer = infer_permute,
    .kernel = JC_KERNEL_COPY,
    .kernel_sizes = permute_sizes,
};

static const jc_param to_shape_params[] = {{"shape", JC_PARAM_SIZES, 0, true, 0, NULL}, {0}};

static jc_status infer_to_shape(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    int free_axis = -1;
    jc_shape shape = {0};
    if (call->value[0].i < JC_MAX_RANK) {
        shape = op_shape_of_sample(call, 0, call->inputs[0]->dim[0], &free_axis);
    }
    if (shape.rank == 0 || free_axis > 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "shape must have at most %d axes, each a number ≥ 1", JC_MAX_RANK - 1);
    }
    *out_shape = shape;
    return JC_OK;
}

// Nothing tells what is picked: as if it were all in one piece.
static void piece_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    out_size[2] = 1;
    out_size[3] = out_size[1];
    out_size[4] = 1;
}

const jc_op op_copy = {
    .name = "copy",
    .summary = "values picked, repeated or padded to a given shape (of one sample)",
    .min_inputs = 1,
    .max_inputs = SIZE_MAX,
    .params = to_shape_params,
    .infer = infer_to_shape,
    .kernel = JC_KERNEL_COPY,
    .kernel_sizes = piece_sizes,
};

const jc_op op_other = {
    .name = "other",
    .summary = "what no operator describes: costed by the bytes it moves",
    .min_inputs = 1,
    .max_inputs = SIZE_MAX,
    .params = to_shape_params,
    .infer = infer_to_shape,
    .kernel = JC_KERNEL_OTHER,
    .kernel_sizes = op_combine_sizes,
};

static const jc_param shuffle_params[] = {{"groups", JC_PARAM_SIZE, 0, true, 0, NULL}, {0}};

static jc_status infer_shuffle(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_status status = op_require_image(call, err);
    if (status != JC_OK) {
        return status;
    }
    if (call->inputs[0]->dim[1] % call->value[0].i != 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "groups %" PRId64 " must divide the %" PRId64 " input channels",
                            call->value[0].i, call->inputs[0]->dim[1]);
    }
    return op_infer_same(call, out_shape, err);
}

static void shuffle_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    out_size[2] = call->value[0].i;
    out_size[3] = 1;
    out_size[4] = output->dim[2] * output->dim[3];
}

const jc_op op_channel_shuffle = {
    .name = "channel_shuffle",
    .summary = "channels of all groups interleaved",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = shuffle_params,
    .infer = infer_shuffle,
    .kernel = JC_KERNEL_COPY,
    .kernel_sizes = shuffle_sizes,
};

// --- upsample ------------------------------------------------------------------------------

enum { UPSAMPLE_SIZE, UPSAMPLE_SCALE = 2, UPSAMPLE_MODE, UPSAMPLE_ALIGN };

static const char *const upsample_modes[] = {"nearest", "bilinear", "bicubic", NULL};
static const jc_param upsample_params[] = {
    {"size", JC_PARAM_PAIR, UPSAMPLE_SIZE, false, JC_SIZE_DERIVED, NULL},
    {"scale_factor", JC_PARAM_REAL, UPSAMPLE_SCALE, false, 0, NULL},
    {"mode", JC_PARAM_CHOICE, UPSAMPLE_MODE, false, 0, upsample_modes},
    {"align_corners", JC_PARAM_FLAG, UPSAMPLE_ALIGN, false, 0, NULL},
    {0}};

static jc_status infer_upsample(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_status status = op_require_image(call, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_value *v = call->value;
    const bool has_size = v[UPSAMPLE_SIZE].i != JC_SIZE_DERIVED;
    const double scale = v[UPSAMPLE_SCALE].real;
    if (has_size == (scale != 0)) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "exactly one of size and scale_factor says how far to enlarge");
    }
    *out_shape = *call->inputs[0];
    for (int axis = 2; axis < 4; ++axis) {
        const double scaled = floor((double)call->inputs[0]->dim[axis] * scale);
        if (!has_size && !(scaled >= 1 && scaled <= (double)JC_MAX_ELEMENTS)) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "scale_factor %g leaves no sensible size of %" PRId64, scale,
                                call->inputs[0]->dim[axis]);
        }
        out_shape->dim[axis] = has_size ? v[UPSAMPLE_SIZE + axis - 2].i : (int64_t)scaled;
    }
    return JC_OK;
}

static void upsample_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_image_sizes(call, output, out_size);
    out_size[4] = output->dim[2];
    out_size[5] = output->dim[3];
}

const jc_op op_upsample = {
    .name = "upsample",
    .summary = "plane enlarged (or reduced) by interpolation",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = upsample_params,
    .infer = infer_upsample,
    .kernel = JC_KERNEL_UPSAMPLE,
    .kernel_sizes = upsample_sizes,
};

// --- Views: no work at inference ---------------------------------------------------------------

#define VIEW_OP(op, text, parameters, rule)                                                        \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .params = parameters,                                                                      \
        .infer = rule,                                                                             \
        .kernel = JC_KERNEL_NONE,                                                                  \
    };

static const jc_param dropout_params[] = {{"p", JC_PARAM_REAL, 0, false, 0.5, NULL}, {0}};

VIEW_OP(dropout, "nothing at inference", dropout_params, op_infer_same)
VIEW_OP(identity, "the input itself", op_no_params, op_infer_same)

static const jc_param flatten_params[] = {{"start_dim", JC_PARAM_INTEGER, 0, false, 1, NULL},
                                          {"end_dim", JC_PARAM_INTEGER, 1, false, -1, NULL},
                                          {0}};

static jc_status infer_flatten(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    int start = 0;
    int end = 0;
    jc_status status = op_resolve_dim(call->value[0].i, input->rank, "start_dim", &start, err);
    if (status == JC_OK) {
        status = op_resolve_dim(call->value[1].i, input->rank, "end_dim", &end, err);
    }
    if (status != JC_OK) {
        return status;
    }
    if (start == 0 || end < start) {
        return jc_error_set(
            err, JC_ESHAPE, NULL, 0,
            "start_dim %d and end_dim %d must be in order, after the batch (axis 0)", start, end);
    }
    jc_shape out = {.rank = input->rank - (end - start)};
    for (int i = 0; i < out.rank; ++i) {
        out.dim[i] = input->dim[i <= start ? i : i + end - start];
    }
    for (int i = start + 1; i <= end; ++i) {
        out.dim[start] = jc_mul_saturating(out.dim[start], input->dim[i]);
    }
    *out_shape = out;
    return JC_OK;
}

VIEW_OP(flatten, "axes start_dim to end_dim made one", flatten_params, infer_flatten)

static const jc_param shape_param[] = {{"shape", JC_PARAM_SIZES, 0, true, 0, NULL}, {0}};

// The batch in front of the sizes given, of which one may be −1.
jc_shape op_shape_of_sample(const jc_op_call *call, int slot, int64_t batch_size,
                            int *out_free_axis) {
    const int n = (int)call->value[slot].i;
    jc_shape shape = {.rank = n + 1, .dim = {batch_size}};
    *out_free_axis = -1;
    for (int i = 0; i < n; ++i) {
        shape.dim[i + 1] = call->value[slot + 1 + i].i;
        if (shape.dim[i + 1] == -1) {
            *out_free_axis = i + 1;
        }
    }
    return shape;
}

static jc_status infer_reshape(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (call->value[0].i >= JC_MAX_RANK) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "shape has more than %d axes without the batch", JC_MAX_RANK - 1);
    }
    int free_axis = 0;
    jc_shape out = op_shape_of_sample(call, 0, input->dim[0], &free_axis);
    if (free_axis > 0) {
        out.dim[free_axis] = 1;
    }
    for (int i = 1; i < out.rank; ++i) {
        if (out.dim[i] < 1) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "shape has -1 (what is left) more than once");
        }
    }
    const int64_t have = jc_shape_elements(input);
    const int64_t want = jc_shape_elements(&out);
    if (free_axis > 0 && have % want == 0) {
        out.dim[free_axis] = have / want;
    } else if (have != want) {
        char text[JC_SHAPE_TEXT_SIZE];
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "shape asks for %s%" PRId64 " values a sample, but the input %s has "
                            "%" PRId64,
                            free_axis > 0 ? "a multiple of " : "", want / input->dim[0],
                            jc_shape_format(input, text), have / input->dim[0]);
    }
    *out_shape = out;
    return JC_OK;
}

VIEW_OP(reshape, "the same values in another shape (of one sample)", shape_param, infer_reshape)

enum { VIEW_DIM, VIEW_START, VIEW_LENGTH, VIEW_STEP };

static const jc_param narrow_params[] = {{"dim", JC_PARAM_INTEGER, VIEW_DIM, false, 1, NULL},
                                         {"start", JC_PARAM_INTEGER, VIEW_START, true, 0, NULL},
                                         {"length", JC_PARAM_SIZE, VIEW_LENGTH, true, 0, NULL},
                                         {"step", JC_PARAM_SIZE, VIEW_STEP, false, 1, NULL},
                                         {0}};

static jc_status infer_narrow(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    const jc_value *v = call->value;
    int dim = 0;
    const jc_status status = op_resolve_dim(v[VIEW_DIM].i, input->rank, "dim", &dim, err);
    if (status != JC_OK) {
        return status;
    }
    if (dim == 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "the batch (axis 0) keeps its size; dim names another axis");
    }
    const int64_t size = input->dim[dim];
    const int64_t reach = jc_mul_saturating(v[VIEW_LENGTH].i - 1, v[VIEW_STEP].i);
    if (v[VIEW_START].i < 0 || v[VIEW_START].i >= size || reach >= size - v[VIEW_START].i) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "start %" PRId64 " and length %" PRId64
                            " leave axis %d, which has %" PRId64,
                            v[VIEW_START].i, v[VIEW_LENGTH].i, dim, size);
    }
    *out_shape = *input;
    out_shape->dim[dim] = v[VIEW_LENGTH].i;
    return JC_OK;
}

VIEW_OP(narrow, "a part of one axis (torch.narrow)", narrow_params, infer_narrow)

static const jc_param select_params[] = {{"dim", JC_PARAM_INTEGER, VIEW_DIM, false, 1, NULL},
                                         {"index", JC_PARAM_INTEGER, VIEW_START, true, 0, NULL},
                                         {0}};

static jc_status infer_select(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    const jc_value *v = call->value;
    int dim = 0;
    const jc_status status = op_resolve_dim(v[VIEW_DIM].i, input->rank, "dim", &dim, err);
    if (status != JC_OK) {
        return status;
    }
    if (dim == 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "the batch (axis 0) stays; dim names another axis");
    }
    const int64_t size = input->dim[dim];
    if (v[VIEW_START].i < -size || v[VIEW_START].i >= size) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "axis %d has no index %" PRId64 ": they go from %" PRId64
                            " to %" PRId64,
                            dim, v[VIEW_START].i, -size, size - 1);
    }
    *out_shape = *input;
    for (int i = dim; i < input->rank; ++i) {
        out_shape->dim[i] = i + 1 < input->rank ? input->dim[i + 1] : 0;
    }
    out_shape->rank--;
    return JC_OK;
}

VIEW_OP(select, "one index of one axis, which is removed (torch.select)", select_params,
        infer_select)

// --- parameter: a learned tensor, the same for every sample ------------------------------------

static jc_status infer_parameter(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    int free_axis = -1;
    jc_shape shape = {0};
    if (call->value[0].i < JC_MAX_RANK) {
        shape = op_shape_of_sample(call, 0, call->batch_size, &free_axis);
    }
    if (shape.rank == 0 || free_axis > 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "shape must have at most %d axes, each a number ≥ 1", JC_MAX_RANK - 1);
    }
    *out_shape = shape;
    return JC_OK;
}

static int64_t parameter_count_params(const jc_op_call *call) {
    int64_t n = 1;
    for (int64_t i = 0; i < call->value[0].i; ++i) {
        n = jc_mul_saturating(n, call->value[1 + i].i);
    }
    return n;
}

const jc_op op_parameter = {
    .name = "parameter",
    .summary = "a learned tensor, repeated over the batch",
    .min_inputs = 0,
    .max_inputs = 0,
    .params = shape_param,
    .infer = infer_parameter,
    .count_params = parameter_count_params,
    .kernel = JC_KERNEL_NONE,
};
