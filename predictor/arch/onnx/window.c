// SPDX-License-Identifier: Apache-2.0
// Sliding windows: Conv, ConvTranspose, MaxPool, AveragePool, pooling of all cells.
#include "ops.h"

#include <inttypes.h>

// Axes that windows slide over are counted from the last, which is the last of all arrays here: an
// image has two, a signal one, and what is missing in front has the size 1.
enum { AXES = ONNX_MAX_RANK - 2, PLANE = AXES - 2 };

/** Attributes of a window. */
typedef struct window {
    int axes; ///< of the input
    int64_t input[AXES], kernel[AXES], stride[AXES], dilation[AXES];
    int64_t before[AXES], after[AXES]; ///< padding
    int64_t more[AXES];                ///< output_padding
    bool is_transposed;
    bool is_ceiled; ///< ceil_mode
    bool is_same;   ///< padding that keeps ceil(in/stride) cells
    bool is_same_lower;
} window;

// A list of numbers, one for each axis.
static jc_status read_sizes(lowering *w, const char *name, int axes, int64_t out[AXES]) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    for (int i = 0; i < AXES; ++i) {
        out[i] = 1;
    }
    if (a == NULL) {
        return JC_OK;
    }
    if (a->n_ints != (size_t)axes) {
        return onnx_lower_fail(w, JC_EPARSE, "%s has %zu numbers, not %d", name, a->n_ints, axes);
    }
    for (int i = 0; i < axes; ++i) {
        out[AXES - axes + i] = a->ints[i];
        if (a->ints[i] < 1 || a->ints[i] > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "%s must be from 1 to %d, not %" PRId64, name,
                                   LARGEST_SIZE, a->ints[i]);
        }
    }
    return JC_OK;
}

// Numbers that are 0 where they are not given. @param first  of them in the list
static jc_status read_padding(lowering *w, const char *name, size_t n, size_t first, int axes,
                              int64_t out[AXES]) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    if (a == NULL) {
        return JC_OK;
    }
    if (a->n_ints != n) {
        return onnx_lower_fail(w, JC_EPARSE, "%s has %zu numbers, not %zu", name, a->n_ints, n);
    }
    for (int i = 0; i < axes; ++i) {
        const int64_t size = a->ints[first + (size_t)i];
        out[AXES - axes + i] = size;
        if (size < 0 || size > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "%s must be from 0 to %d, not %" PRId64, name,
                                   LARGEST_SIZE, size);
        }
    }
    return JC_OK;
}

// Cells that a window covers.
static int64_t span_of(const window *win, int i) {
    return (win->kernel[i] - 1) * win->dilation[i] + 1;
}

static void pad_to_same(window *win) {
    for (int i = AXES - win->axes; i < AXES; ++i) {
        const int64_t cells = (win->input[i] + win->stride[i] - 1) / win->stride[i];
        const int64_t total = (cells - 1) * win->stride[i] + span_of(win, i) - win->input[i];
        const int64_t less = total < 0 ? 0 : total / 2;
        const int64_t more = total < 0 ? 0 : total - less;
        win->before[i] = win->is_same_lower ? more : less;
        win->after[i] = win->is_same_lower ? less : more;
    }
}

// The image that windows slide over: [N, C, H, W], H = 1 for a signal.
static jc_shape image_shape(const lowering *w, const onnx_value *x) {
    jc_shape image = onnx_shape_to_sample(&x->shape, &w->batch);
    if (x->shape.rank == 3) {
        image = (jc_shape){4, {image.dim[0], image.dim[1], 1, image.dim[2]}};
    }
    return image;
}

static jc_status read_pads(lowering *w, window *win) {
    const size_t axes = (size_t)win->axes;
    win->is_same_lower = onnx_node_text_is(w, "auto_pad", "SAME_LOWER");
    win->is_same = win->is_same_lower || onnx_node_text_is(w, "auto_pad", "SAME_UPPER");
    if (win->is_same || onnx_node_text_is(w, "auto_pad", "VALID")) {
        return JC_OK;
    }
    const jc_status status = read_padding(w, "pads", 2 * axes, 0, win->axes, win->before);
    return status == JC_OK ? read_padding(w, "pads", 2 * axes, axes, win->axes, win->after)
                           : status;
}

static jc_status read_window(lowering *w, const onnx_value *weight, window *out) {
    const onnx_value *x = onnx_node_input(w, 0);
    *out = (window){.axes = x->shape.rank - 2};
    if (out->axes < 1) {
        return onnx_lower_fail(w, JC_ESHAPE, "its input has no axis to slide over");
    }
    if (weight != NULL && weight->shape.rank != x->shape.rank) {
        return onnx_lower_fail(w, JC_ESHAPE, "its weights have %d axes, but the input has %d",
                               weight->shape.rank, x->shape.rank);
    }
    jc_status status = read_sizes(w, "kernel_shape", out->axes, out->kernel);
    if (onnx_node_attribute(w->node, "kernel_shape") == NULL && weight == NULL) {
        status = onnx_lower_fail(w, JC_EPARSE, "it has no kernel_shape");
    }
    for (int i = 0; i < AXES; ++i) {
        const int axis = i - (AXES - x->shape.rank);
        out->input[i] = axis < 2 ? 1 : x->shape.dim[axis];
        if (axis >= 2 && onnx_node_attribute(w->node, "kernel_shape") == NULL && weight != NULL) {
            out->kernel[i] = weight->shape.dim[axis];
        }
        if (out->kernel[i] < 1 || out->kernel[i] > LARGEST_SIZE) {
            return onnx_lower_fail(
                w, JC_ESHAPE, "its weights are for windows of %" PRId64 " cells, not from 1 to %d",
                out->kernel[i], LARGEST_SIZE);
        }
    }
    if (status == JC_OK) {
        status = read_sizes(w, "strides", out->axes, out->stride);
    }
    if (status == JC_OK) {
        status = read_sizes(w, "dilations", out->axes, out->dilation);
    }
    if (status == JC_OK) {
        status = read_pads(w, out);
    }
    if (status == JC_OK && out->is_same) {
        pad_to_same(out);
    }
    return status;
}

// Windows over images with the batch in front; others (three axes, a moved batch) have no operator.
static bool is_image(const lowering *w, const onnx_value *x) {
    return onnx_shape_is_plain(&x->shape, &w->batch) && (x->shape.rank == 4 || x->shape.rank == 3);
}

// Cells of the result along one axis.
static int64_t cells_of(const window *win, int i) {
    const int64_t span = span_of(win, i);
    const int64_t padding = win->before[i] + win->after[i];
    if (win->is_transposed) {
        const int64_t steps = jc_mul_saturating(win->input[i] - 1, win->stride[i]);
        return jc_add_saturating(steps, span + win->more[i]) - padding;
    }
    const int64_t room = win->input[i] + padding - span;
    int64_t cells = room < 0 ? 0 : room / win->stride[i] + 1;
    // One more that hangs over, but begins no further than the input.
    if (win->is_ceiled && room >= 0 && room % win->stride[i] > 0 &&
        cells * win->stride[i] < win->input[i] + win->before[i]) {
        ++cells;
    }
    return cells;
}

// Costed by its bytes, in the shape that it has.
static jc_status emit_other_window(lowering *w, const window *win, int64_t channels) {
    onnx_shape out = onnx_node_input(w, 0)->shape;
    out.dim[1] = channels;
    for (int axis = 2; axis < out.rank; ++axis) {
        out.dim[axis] = cells_of(win, AXES - out.rank + axis);
    }
    if (out.batch_axis > 0) { // windows go over it: samples are no longer told apart
        out.batch_axis = -1;
        out.outer = 1;
    }
    jc_status status = JC_OK;
    for (size_t i = 0; i < w->node->n_outputs && status == JC_OK; ++i) {
        status = onnx_set_output(w, i, &out);
    }
    return status == JC_OK ? onnx_emit_other(w) : status;
}

static void set_window(emission *e, const window *win) {
    for (int i = 0; i < 2; ++i) {
        onnx_emission_set(e, "kernel_size", i, win->kernel[PLANE + i]);
        onnx_emission_set(e, "stride", i, win->stride[PLANE + i]);
        onnx_emission_set(e, "padding", i, win->before[PLANE + i]);
        onnx_emission_set(e, "padding", 2 + i, win->after[PLANE + i]);
    }
}

// The output of the layer as the node's: of a signal without the height.
static jc_status finish_window(lowering *w, uint32_t layer) {
    const onnx_value *x = onnx_node_input(w, 0);
    const jc_shape *out = &w->graph->layers[layer].output;
    onnx_shape shape = x->shape;
    shape.dim[1] = out->dim[1];
    for (int i = 2; i < shape.rank; ++i) {
        shape.dim[i] = out->dim[4 - shape.rank + i];
    }
    const jc_status status = onnx_set_output(w, 0, &shape);
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

// --- Convolutions -------------------------------------------------------------------------------

// Of a transposed convolution: the size that `output_shape` asks for is one of padding.
static jc_status read_output_size(lowering *w, window *win) {
    int64_t wanted[AXES];
    jc_status status =
        read_padding(w, "output_padding", (size_t)win->axes, 0, win->axes, win->more);
    if (status != JC_OK || onnx_node_attribute(w->node, "output_shape") == NULL) {
        return status;
    }
    status = read_sizes(w, "output_shape", win->axes, wanted);
    for (int i = AXES - win->axes; status == JC_OK && i < AXES; ++i) {
        win->before[i] = win->after[i] = 0;
        const int64_t full = cells_of(win, i);
        if (wanted[i] > full) {
            return onnx_lower_fail(w, JC_ESHAPE, "output_shape %" PRId64 " exceeds %" PRId64,
                                   wanted[i], full);
        }
        const int64_t less = (full - wanted[i]) / 2;
        const int64_t more = full - wanted[i] - less;
        const bool is_upper = win->is_same && !win->is_same_lower;
        win->before[i] = is_upper ? less : more;
        win->after[i] = is_upper ? more : less;
    }
    return status;
}

static jc_status window_conv(lowering *w, onnx_value *x, onnx_value *weight, const onnx_value *bias,
                             bool transposed) {
    window win;
    jc_status status = read_window(w, weight, &win);
    win.is_transposed = transposed;
    if (status == JC_OK && transposed) {
        status = read_output_size(w, &win);
    }
    if (status != JC_OK) {
        return status;
    }
    const int64_t groups = onnx_node_int(w, "group", 1);
    if (groups < 1 || groups > LARGEST_SIZE) {
        return onnx_lower_fail(w, JC_ESHAPE, "group %" PRId64 " is not positive", groups);
    }
    const int64_t channels =
        jc_mul_saturating(weight->shape.dim[transposed ? 0 : 1], transposed ? 1 : groups);
    if (channels != x->shape.dim[1]) {
        return onnx_lower_fail(
            w, JC_ESHAPE, "its weights are for %" PRId64 " channels, but the input has %" PRId64,
            channels, x->shape.dim[1]);
    }
    const int64_t out_channels =
        jc_mul_saturating(weight->shape.dim[transposed ? 1 : 0], transposed ? groups : 1);
    if (!is_image(w, x) || !weight->is_constant) {
        return emit_other_window(w, &win, out_channels);
    }
    emission e;
    status = onnx_emission_begin(w, &e, transposed ? "conv_transpose2d" : "conv2d", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "out_channels", 0, out_channels);
    onnx_emission_set(&e, "groups", 0, groups);
    onnx_emission_set(&e, "bias", 0, bias != NULL);
    for (int i = 0; transposed && i < 2; ++i) {
        onnx_emission_set(&e, "output_padding", i, win.more[PLANE + i]);
    }
    set_window(&e, &win);
    onnx_emission_set(&e, "dilation", 0, win.dilation[PLANE]);
    onnx_emission_set(&e, "dilation", 1, win.dilation[PLANE + 1]);
    const jc_shape image = image_shape(w, x);
    status = onnx_emission_input(w, &e, x, &image);
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(
            w, &e, jc_add_saturating(onnx_take_params(w, weight), onnx_take_params(w, bias)),
            &layer);
    }
    return status == JC_OK ? finish_window(w, layer) : status;
}

// x, its scale and zero, the weights', the result's, and the bias.
jc_status onnx_emit_qlinear_conv(lowering *w) {
    const jc_status status = onnx_node_require(w, 4);
    return status != JC_OK ? status
                           : window_conv(w, onnx_node_input(w, 0), onnx_node_input(w, 3),
                                         onnx_node_input(w, 8), false);
}

jc_status onnx_emit_conv(lowering *w) {
    const jc_status status = onnx_node_require(w, 2);
    return status != JC_OK
               ? status
               : window_conv(w, onnx_node_input(w, 0), onnx_node_input(w, 1),
                             onnx_text_is(w->node->op_type, "Conv") ? onnx_node_input(w, 2) : NULL,
                             false);
}

jc_status onnx_emit_conv_transpose(lowering *w) {
    const jc_status status = onnx_node_require(w, 2);
    return status != JC_OK ? status
                           : window_conv(w, onnx_node_input(w, 0), onnx_node_input(w, 1),
                                         onnx_node_input(w, 2), true);
}

// --- Pooling ------------------------------------------------------------------------------------

static jc_status emit_pool(lowering *w, bool is_max) {
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_value *x = onnx_node_input(w, 0);
    window win;
    status = read_window(w, NULL, &win);
    if (status != JC_OK) {
        return status;
    }
    win.is_ceiled = onnx_node_flag(w, "ceil_mode");
    const onnx_value *indices = onnx_node_output(w, 1);
    const bool is_dense = win.dilation[PLANE] == 1 && win.dilation[PLANE + 1] == 1;
    if (!is_image(w, x) || (!is_max && !is_dense) || (indices != NULL && indices->n_uses > 0)) {
        return emit_other_window(w, &win, x->shape.dim[1]); // none of the table
    }
    emission e;
    status = onnx_emission_begin(w, &e, is_max ? "max_pool2d" : "avg_pool2d", 1);
    if (status != JC_OK) {
        return status;
    }
    set_window(&e, &win);
    onnx_emission_set(&e, "ceil_mode", 0, win.is_ceiled);
    if (is_max) {
        onnx_emission_set(&e, "dilation", 0, win.dilation[PLANE]);
        onnx_emission_set(&e, "dilation", 1, win.dilation[PLANE + 1]);
    } else {
        onnx_emission_set(&e, "count_include_pad", 0, onnx_node_flag(w, "count_include_pad"));
    }
    const jc_shape image = image_shape(w, x);
    status = onnx_emission_input(w, &e, x, &image);
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? finish_window(w, layer) : status;
}

jc_status onnx_emit_max_pool(lowering *w) {
    return emit_pool(w, true);
}

jc_status onnx_emit_average_pool(lowering *w) {
    return emit_pool(w, false);
}

// Of an image (or a signal) it has an operator of its own, of more axes it is a reduction.
static jc_status emit_global_pool(lowering *w, bool is_max) {
    enum { MEAN = 0, MAX = 2 };
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_value *x = onnx_node_input(w, 0);
    onnx_shape out = x->shape;
    const bool is_plane = is_image(w, x);
    const bool is_volume = onnx_shape_is_plain(&x->shape, &w->batch) && out.rank == 5;
    for (int axis = 2; axis < out.rank; ++axis) {
        out.dim[axis] = 1;
    }
    if (out.batch_axis > 1) {
        out.batch_axis = -1;
        out.outer = 1;
    }
    status = onnx_set_output(w, 0, &out);
    if (status != JC_OK || (!is_plane && !is_volume)) {
        return status == JC_OK ? onnx_emit_other(w) : status;
    }
    emission e;
    const jc_shape image = image_shape(w, x);
    const char *plane_op = is_max ? "global_max_pool2d" : "global_avg_pool2d";
    status = onnx_emission_begin(w, &e, is_plane ? plane_op : "reduce", 1);
    if (status == JC_OK) {
        status = onnx_emission_input(w, &e, x, &image);
    }
    if (status == JC_OK && is_volume) {
        onnx_emission_set(&e, "dims", 0, out.rank - 2);
        for (int axis = 2; axis < out.rank; ++axis) {
            onnx_emission_set(&e, "dims", axis - 1, axis);
        }
        onnx_emission_set(&e, "mode", 0, is_max ? MAX : MEAN);
        onnx_emission_set(&e, "keepdim", 0, 1);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_emit_global_average_pool(lowering *w) {
    return emit_global_pool(w, false);
}

jc_status onnx_emit_global_max_pool(lowering *w) {
    return emit_global_pool(w, true);
}
