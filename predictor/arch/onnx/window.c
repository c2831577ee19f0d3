// SPDX-License-Identifier: Apache-2.0
// Sliding windows: Conv, ConvTranspose, MaxPool, AveragePool, pooling of the whole plane.
#include "ops.h"

#include <inttypes.h>

/** Attributes of a window over two axes, vertical first. */
typedef struct window {
    int axes; ///< 1 or 2 of the input; one axis becomes a plane of height 1
    int64_t kernel[2], stride[2], dilation[2];
    int64_t padding[4]; ///< top, left, bottom, right
    bool is_same;       ///< padding that keeps ceil(in/stride) cells
    bool is_same_lower;
} window;

// A list of `axes` numbers, with what is missing in front filled up by 1.
static jc_status read_pair(lowering *w, const char *name, int axes, int64_t out[2]) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    out[0] = 1;
    out[1] = 1;
    if (a == NULL) {
        return JC_OK;
    }
    if (a->n_ints != (size_t)axes) {
        return onnx_lower_fail(w, JC_EPARSE, "%s has %zu numbers, not %d", name, a->n_ints, axes);
    }
    for (int i = 0; i < axes; ++i) {
        out[2 - axes + i] = a->ints[i];
        if (a->ints[i] < 1 || a->ints[i] > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "%s must be from 1 to %d, not %" PRId64, name,
                                   LARGEST_SIZE, a->ints[i]);
        }
    }
    return JC_OK;
}

static jc_status read_padding(lowering *w, window *win) {
    win->is_same_lower = onnx_node_text_is(w, "auto_pad", "SAME_LOWER");
    win->is_same = win->is_same_lower || onnx_node_text_is(w, "auto_pad", "SAME_UPPER");
    const onnx_attribute *a = onnx_node_attribute(w->node, "pads");
    if (a == NULL || win->is_same || onnx_node_text_is(w, "auto_pad", "VALID")) {
        return JC_OK;
    }
    if (a->n_ints != 2 * (size_t)win->axes) {
        return onnx_lower_fail(w, JC_EPARSE, "pads has %zu numbers, not %d", a->n_ints,
                               2 * win->axes);
    }
    for (int i = 0; i < win->axes; ++i) {
        win->padding[2 - win->axes + i] = a->ints[i];
        win->padding[4 - win->axes + i] = a->ints[win->axes + i];
    }
    for (int i = 0; i < 4; ++i) {
        if (win->padding[i] < 0 || win->padding[i] > LARGEST_SIZE) {
            return onnx_lower_fail(w, JC_ESHAPE, "pads must be from 0 to %d, not %" PRId64,
                                   LARGEST_SIZE, win->padding[i]);
        }
    }
    return JC_OK;
}

// The image that windows slide over: [N, C, H, W], H = 1 for a signal.
static jc_shape image_shape(const lowering *w, const onnx_value *x) {
    jc_shape image = onnx_shape_to_sample(&x->shape, &w->batch);
    if (x->shape.rank == 3) {
        image = (jc_shape){4, {image.dim[0], image.dim[1], 1, image.dim[2]}};
    }
    return image;
}

static jc_status read_window(lowering *w, const onnx_value *weight, window *out) {
    const onnx_value *x = onnx_node_input(w, 0);
    *out = (window){.axes = x->shape.rank - 2, .kernel = {1, 1}};
    jc_status status = JC_OK;
    if (onnx_node_attribute(w->node, "kernel_shape") != NULL) {
        status = read_pair(w, "kernel_shape", out->axes, out->kernel);
    } else if (weight != NULL) {
        for (int i = 0; i < out->axes; ++i) {
            out->kernel[2 - out->axes + i] = weight->shape.dim[2 + i];
        }
    } else {
        status = onnx_lower_fail(w, JC_EPARSE, "it has no kernel_shape");
    }
    if (status == JC_OK) {
        status = read_pair(w, "strides", out->axes, out->stride);
    }
    if (status == JC_OK) {
        status = read_pair(w, "dilations", out->axes, out->dilation);
    }
    if (status == JC_OK) {
        status = read_padding(w, out);
    }
    if (status != JC_OK || !out->is_same) {
        return status;
    }
    const jc_shape image = image_shape(w, x);
    for (int i = 0; i < 2; ++i) {
        const int64_t cells = (image.dim[2 + i] + out->stride[i] - 1) / out->stride[i];
        const int64_t span = (out->kernel[i] - 1) * out->dilation[i] + 1;
        const int64_t total = (cells - 1) * out->stride[i] + span - image.dim[2 + i];
        const int64_t less = total < 0 ? 0 : total / 2;
        const int64_t more = total < 0 ? 0 : total - less;
        out->padding[i] = out->is_same_lower ? more : less;
        out->padding[2 + i] = out->is_same_lower ? less : more;
    }
    return JC_OK;
}

// Windows over images with the batch in front; others (three axes, a moved batch) have no operator.
static bool is_image(const lowering *w, const onnx_value *x) {
    return onnx_shape_is_plain(&x->shape, &w->batch) && (x->shape.rank == 4 || x->shape.rank == 3);
}

static void set_window(emission *e, const window *win) {
    for (int i = 0; i < 2; ++i) {
        onnx_emission_set(e, "kernel_size", i, win->kernel[i]);
        onnx_emission_set(e, "stride", i, win->stride[i]);
    }
    for (int i = 0; i < 4; ++i) {
        onnx_emission_set(e, "padding", i, win->padding[i]);
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

// The size that `output_shape` asks of a transposed convolution is one of padding.
static jc_status pad_to_shape(lowering *w, const int64_t *output_padding, window *win) {
    const onnx_attribute *a = onnx_node_attribute(w->node, "output_shape");
    if (a == NULL) {
        return JC_OK;
    }
    int64_t wanted[2];
    jc_status status = read_pair(w, "output_shape", win->axes, wanted);
    const jc_shape image = image_shape(w, onnx_node_input(w, 0));
    for (int i = 2 - win->axes; status == JC_OK && i < 2; ++i) {
        const int64_t span = (win->kernel[i] - 1) * win->dilation[i] + 1;
        const int64_t full = (image.dim[2 + i] - 1) * win->stride[i] + output_padding[i] + span;
        if (wanted[i] > full) {
            return onnx_lower_fail(w, JC_ESHAPE, "output_shape %" PRId64 " exceeds %" PRId64,
                                   wanted[i], full);
        }
        const int64_t less = (full - wanted[i]) / 2;
        const int64_t more = full - wanted[i] - less;
        const bool is_upper = win->is_same && !win->is_same_lower;
        win->padding[i] = is_upper ? less : more;
        win->padding[2 + i] = is_upper ? more : less;
    }
    return status;
}

static jc_status window_conv(lowering *w, onnx_value *x, onnx_value *weight, const onnx_value *bias,
                             bool transposed) {
    if (!is_image(w, x) || weight->shape.rank != x->shape.rank || !weight->is_constant) {
        return onnx_emit_other(w);
    }
    window win;
    jc_status status = read_window(w, weight, &win);
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
    emission e;
    status = onnx_emission_begin(w, &e, transposed ? "conv_transpose2d" : "conv2d", 1);
    if (status != JC_OK) {
        return status;
    }
    const int64_t out_channels =
        jc_mul_saturating(weight->shape.dim[transposed ? 1 : 0], transposed ? groups : 1);
    onnx_emission_set(&e, "out_channels", 0, out_channels);
    onnx_emission_set(&e, "groups", 0, groups);
    onnx_emission_set(&e, "bias", 0, bias != NULL);
    if (transposed) {
        int64_t more[2] = {0, 0};
        const onnx_attribute *a = onnx_node_attribute(w->node, "output_padding");
        for (size_t i = 0; a != NULL && i < a->n_ints && i < (size_t)win.axes; ++i) {
            more[2 - (size_t)win.axes + i] = a->ints[i];
        }
        onnx_emission_set(&e, "output_padding", 0, more[0]);
        onnx_emission_set(&e, "output_padding", 1, more[1]);
        status = pad_to_shape(w, more, &win);
        if (status != JC_OK) {
            return status;
        }
    }
    set_window(&e, &win);
    onnx_emission_set(&e, "dilation", 0, win.dilation[0]);
    onnx_emission_set(&e, "dilation", 1, win.dilation[1]);
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
    if (!is_image(w, x) || (onnx_node_output(w, 1) != NULL && onnx_node_output(w, 1)->n_uses > 0)) {
        return onnx_emit_other(w);
    }
    window win;
    status = read_window(w, NULL, &win);
    if (status == JC_OK && !is_max && (win.dilation[0] != 1 || win.dilation[1] != 1)) {
        return onnx_emit_other(w); // none of the table
    }
    emission e;
    if (status == JC_OK) {
        status = onnx_emission_begin(w, &e, is_max ? "max_pool2d" : "avg_pool2d", 1);
    }
    if (status != JC_OK) {
        return status;
    }
    set_window(&e, &win);
    onnx_emission_set(&e, "ceil_mode", 0, onnx_node_flag(w, "ceil_mode"));
    if (is_max) {
        onnx_emission_set(&e, "dilation", 0, win.dilation[0]);
        onnx_emission_set(&e, "dilation", 1, win.dilation[1]);
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

static jc_status emit_global_pool(lowering *w, const char *op) {
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_value *x = onnx_node_input(w, 0);
    if (!is_image(w, x)) {
        return onnx_emit_other(w);
    }
    emission e;
    const jc_shape image = image_shape(w, x);
    status = onnx_emission_begin(w, &e, op, 1);
    if (status == JC_OK) {
        status = onnx_emission_input(w, &e, x, &image);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? finish_window(w, layer) : status;
}

jc_status onnx_emit_global_average_pool(lowering *w) {
    return emit_global_pool(w, "global_avg_pool2d");
}

jc_status onnx_emit_global_max_pool(lowering *w) {
    return emit_global_pool(w, "global_max_pool2d");
}
