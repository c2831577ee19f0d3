// SPDX-License-Identifier: Apache-2.0
// How each operator hands channels on.
#include "channels_private.h"

#include <string.h>

static const char cannot_follow[] = "beyond it single channels cannot be followed";

// --- Shared ---------------------------------------------------------------------------------

static const channel_tensor *input_of(const channels *c, size_t layer, size_t i) {
    return &c->tensors[c->layers[layer].inputs[i]];
}

static const jc_shape *shape_of(const channels *c, size_t layer, size_t i) {
    return &c->layers[c->layers[layer].inputs[i]].output;
}

// Channels are axis 1 of images, and of anything else the last axis.
static int usual_axis(const jc_shape *shape) {
    return shape->rank >= 4 || shape->rank < 2 ? 1 : shape->rank - 1;
}

static int resolve(int64_t dim, int rank) {
    return (int)(dim < 0 ? dim + rank : dim);
}

static void unite(channels *c, uint32_t a, uint32_t b) {
    uint32_t low = channels_root(c, a);
    uint32_t high = channels_root(c, b);
    if (low == high) {
        return;
    }
    if (low > high) {
        const uint32_t swap = low;
        low = high;
        high = swap;
    }
    channel_unit *root = &c->units[low];
    const channel_unit *other = &c->units[high];
    if (other->is_pinned && !root->is_pinned) {
        root->is_pinned = true;
        root->reason = other->reason;
        root->reason_layer = other->reason_layer;
    }
    c->units[high].parent = low;
}

void channels_pin(channels *c, const channel_tensor *t, size_t layer, const char *reason) {
    for (size_t i = 0; i < t->n; ++i) {
        channel_unit *u = &c->units[channels_root(c, t->units[i])];
        if (!u->is_pinned) {
            u->is_pinned = true;
            u->reason = reason;
            u->reason_layer = (uint32_t)layer;
        }
    }
}

// New channels along the axis on which the output usually has them.
static jc_status make(channels *c, size_t layer, bool is_made) {
    const jc_shape *output = &c->layers[layer].output;
    channel_tensor *t = &c->tensors[layer];
    *t = (channel_tensor){.axis = usual_axis(output), .inner = 1, .is_made = is_made};
    t->n = output->rank < 2 ? 0 : (size_t)output->dim[t->axis];
    t->units = channels_make(c, t->n);
    return t->units == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status pin_all(channels *c, size_t layer, const char *reason) {
    for (size_t i = 0; i < c->layers[layer].n_inputs; ++i) {
        channels_pin(c, input_of(c, layer, i), layer, reason);
    }
    const jc_status status = make(c, layer, false);
    if (status == JC_OK) {
        channels_pin(c, &c->tensors[layer], layer, reason);
    }
    return status;
}

static jc_status follow_unknown(channels *c, size_t layer) {
    return pin_all(c, layer, cannot_follow);
}

// --- Rules ----------------------------------------------------------------------------------

static jc_status follow_same(channels *c, size_t layer) {
    c->tensors[layer] = *input_of(c, layer, 0);
    c->tensors[layer].is_made = false;
    return JC_OK;
}

static jc_status follow_layer_norm(channels *c, size_t layer) {
    // Over several axes its normalized_shape is a list of sizes that would have to shrink too.
    return channels_parameter(&c->layers[layer], "normalized_shape") > 1 ? follow_unknown(c, layer)
                                                                         : follow_same(c, layer);
}

static jc_status follow_convolution(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    if (in->axis != 1 || in->inner != 1) {
        return follow_unknown(c, layer);
    }
    if (!channels_is_depthwise(c, layer)) {
        return make(c, layer, true);
    }
    const size_t n = (size_t)c->layers[layer].output.dim[1];
    const size_t multiplier = n / in->n;
    uint32_t *units = channels_list(c, n);
    for (size_t i = 0; units != NULL && i < n; ++i) {
        units[i] = in->units[i / multiplier];
    }
    c->tensors[layer] = (channel_tensor){.axis = 1, .n = n, .inner = 1, .units = units};
    return units == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status follow_linear(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    return in->axis == c->layers[layer].output.rank - 1 ? make(c, layer, true)
                                                        : follow_unknown(c, layer);
}

static jc_status follow_embedding(channels *c, size_t layer) {
    return c->layers[layer].output.rank == 3 ? make(c, layer, true) : follow_unknown(c, layer);
}

// Sums and products: what meets belongs together; an operand of one channel meets all.
static jc_status follow_combine(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    size_t widest = 0;
    for (size_t i = 1; i < l->n_inputs; ++i) {
        widest = input_of(c, layer, i)->n > input_of(c, layer, widest)->n ? i : widest;
    }
    const channel_tensor *wide = input_of(c, layer, widest);
    for (size_t i = 0; i < l->n_inputs; ++i) {
        const channel_tensor *t = input_of(c, layer, i);
        const bool meets = shape_of(c, layer, i)->rank == l->output.rank && t->axis == wide->axis;
        if (!meets || (t->n != 1 && (t->n != wide->n || t->inner != wide->inner))) {
            return follow_unknown(c, layer);
        }
    }
    for (size_t i = 0; i < l->n_inputs; ++i) {
        const channel_tensor *t = input_of(c, layer, i);
        for (size_t u = 0; t->n == wide->n && u < t->n; ++u) {
            unite(c, wide->units[u], t->units[u]);
        }
    }
    c->tensors[layer] = *wide;
    c->tensors[layer].is_made = false;
    return JC_OK;
}

static jc_status follow_concat(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const channel_tensor *first = input_of(c, layer, 0);
    const int dim = resolve(channels_parameter(l, "dim"), l->output.rank);
    size_t n = 0;
    for (size_t i = 0; i < l->n_inputs; ++i) {
        const channel_tensor *t = input_of(c, layer, i);
        if (t->axis != first->axis || t->inner != first->inner) {
            return follow_unknown(c, layer);
        }
        n += t->n;
    }
    if (dim != first->axis) {
        return follow_combine(c, layer); // one behind the other in another axis
    }
    uint32_t *units = channels_list(c, n);
    size_t at = 0;
    for (size_t i = 0; units != NULL && i < l->n_inputs; ++i) {
        const channel_tensor *t = input_of(c, layer, i);
        memcpy(units + at, t->units, t->n * sizeof *units);
        at += t->n;
    }
    c->tensors[layer] =
        (channel_tensor){.axis = dim, .n = n, .inner = first->inner, .units = units};
    return units == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status follow_narrow(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const channel_tensor *in = input_of(c, layer, 0);
    if (resolve(channels_parameter(l, "dim"), l->output.rank) != in->axis) {
        return follow_same(c, layer);
    }
    if (in->inner != 1 || channels_parameter(l, "step") != 1) {
        return follow_unknown(c, layer);
    }
    c->tensors[layer] = (channel_tensor){.axis = in->axis,
                                         .n = (size_t)channels_parameter(l, "length"),
                                         .inner = 1,
                                         .units = in->units + channels_parameter(l, "start")};
    return JC_OK;
}

static jc_status follow_select(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    const int dim =
        resolve(channels_parameter(&c->layers[layer], "dim"), shape_of(c, layer, 0)->rank);
    if (dim == in->axis) {
        return follow_unknown(c, layer);
    }
    (void)follow_same(c, layer);
    c->tensors[layer].axis -= dim < in->axis ? 1 : 0;
    return JC_OK;
}

static jc_status follow_shuffle(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    const size_t groups = (size_t)channels_parameter(&c->layers[layer], "groups");
    uint32_t *units = channels_list(c, in->n);
    for (size_t i = 0; units != NULL && i < in->n; ++i) {
        units[i] = in->units[(i % groups) * (in->n / groups) + i / groups];
    }
    c->tensors[layer] = (channel_tensor){.axis = 1, .n = in->n, .inner = 1, .units = units};
    return units == NULL ? JC_ENOMEM : JC_OK;
}

// Channels may be the first of the axes made one; where they are a later one they interleave.
static jc_status follow_flatten(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    const jc_shape *shape = shape_of(c, layer, 0);
    const int start = resolve(channels_parameter(&c->layers[layer], "start_dim"), shape->rank);
    const int end = resolve(channels_parameter(&c->layers[layer], "end_dim"), shape->rank);
    if (in->axis > start && in->axis <= end) {
        return follow_unknown(c, layer);
    }
    (void)follow_same(c, layer);
    channel_tensor *out = &c->tensors[layer];
    if (in->axis > end) {
        out->axis -= end - start;
    }
    for (int i = in->axis + 1; in->axis == start && i <= end; ++i) {
        out->inner *= shape->dim[i];
    }
    return JC_OK;
}

// A reshape that keeps each channel's values together, alone or with axes behind it, as exporters
// write a flatten or a squeeze.
static jc_status follow_reshape(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    const jc_shape *from = shape_of(c, layer, 0);
    const jc_shape *to = &c->layers[layer].output;
    const int axis = channels_axis_after_reshape(from, in->axis, to);
    if (axis < 0) {
        return follow_unknown(c, layer);
    }
    (void)follow_same(c, layer);
    c->tensors[layer].axis = axis;
    c->tensors[layer].inner *= to->dim[axis] / from->dim[in->axis];
    return JC_OK;
}

// Axes that are reduced go, or stay with size 1.
static jc_status follow_reduce(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const jc_value *dims = channels_sizes(l, "dims");
    const int axis = input_of(c, layer, 0)->axis;
    (void)follow_same(c, layer);
    for (int64_t i = 1; i <= dims[0].i; ++i) {
        if (dims[i].i == axis) {
            return follow_unknown(c, layer);
        }
        const bool goes = channels_parameter(l, "keepdim") == 0 && dims[i].i < axis;
        c->tensors[layer].axis -= goes ? 1 : 0;
    }
    return JC_OK;
}

static jc_status follow_permute(channels *c, size_t layer) {
    const jc_value *dims = channels_sizes(&c->layers[layer], "dims");
    const int axis = input_of(c, layer, 0)->axis;
    (void)follow_same(c, layer);
    for (int i = 1; i <= (int)dims[0].i; ++i) {
        if (dims[i].i == axis) {
            c->tensors[layer].axis = i;
        }
    }
    return JC_OK;
}

static jc_status follow_transpose(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const int dim0 = resolve(channels_parameter(l, "dim0"), l->output.rank);
    const int dim1 = resolve(channels_parameter(l, "dim1"), l->output.rank);
    const int axis = input_of(c, layer, 0)->axis;
    (void)follow_same(c, layer);
    c->tensors[layer].axis = axis == dim0 ? dim1 : (axis == dim1 ? dim0 : axis);
    return JC_OK;
}

// Groups are of channels as images have them, on axis 1.
static jc_status follow_group_norm(channels *c, size_t layer) {
    const channel_tensor *in = input_of(c, layer, 0);
    return in->axis == 1 && in->inner == 1 ? follow_same(c, layer) : follow_unknown(c, layer);
}

static const struct {
    const char *op;
    jc_status (*follow)(channels *c, size_t layer);
} rules[] = {
    {"abs", follow_same},
    {"adaptive_avg_pool2d", follow_same},
    {"adaptive_max_pool2d", follow_same},
    {"add", follow_combine},
    {"add_scalar", follow_same},
    {"avg_pool2d", follow_same},
    {"batch_norm", follow_same},
    {"ceil", follow_same},
    {"channel_shuffle", follow_shuffle},
    {"clamp", follow_same},
    {"compare", follow_combine},
    {"concat", follow_concat},
    {"conv2d", follow_convolution},
    {"conv_transpose2d", follow_convolution},
    {"cos", follow_same},
    {"div", follow_combine},
    {"dropout", follow_same},
    {"elu", follow_same},
    {"embedding", follow_embedding},
    {"erf", follow_same},
    {"exp", follow_same},
    {"flatten", follow_flatten},
    {"floor", follow_same},
    {"gelu", follow_same},
    {"global_avg_pool2d", follow_same},
    {"global_max_pool2d", follow_same},
    {"group_norm", follow_group_norm},
    {"hardsigmoid", follow_same},
    {"hardswish", follow_same},
    {"identity", follow_same},
    {"instance_norm", follow_group_norm},
    {"layer_norm", follow_layer_norm},
    {"leaky_relu", follow_same},
    {"linear", follow_linear},
    {"log", follow_same},
    {"logical_not", follow_same},
    {"lrn", follow_same},
    {"max_pool2d", follow_same},
    {"maximum", follow_combine},
    {"minimum", follow_combine},
    {"mish", follow_same},
    {"mul", follow_combine},
    {"mul_scalar", follow_same},
    {"narrow", follow_narrow},
    {"neg", follow_same},
    {"permute", follow_permute},
    {"pow", follow_combine},
    {"pow_scalar", follow_same},
    {"prelu", follow_same},
    {"reciprocal", follow_same},
    {"reduce", follow_reduce},
    {"relu", follow_same},
    {"relu6", follow_same},
    {"reshape", follow_reshape},
    {"round", follow_same},
    {"select", follow_select},
    {"selu", follow_same},
    {"sigmoid", follow_same},
    {"sign", follow_same},
    {"silu", follow_same},
    {"sin", follow_same},
    {"softmax", follow_same},
    {"softplus", follow_same},
    {"softsign", follow_same},
    {"sqrt", follow_same},
    {"sub", follow_combine},
    {"tanh", follow_same},
    {"transpose", follow_transpose},
    {"upsample", follow_same},
    {"where", follow_combine},
};

jc_status channels_follow(channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    if (l->op == NULL) {
        return pin_all(c, layer, "they are an input of the network");
    }
    if (l->values == NULL) {
        return follow_unknown(c, layer);
    }
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; ++r) {
        if (strcmp(rules[r].op, l->op->name) == 0) {
            return rules[r].follow(c, layer);
        }
    }
    return follow_unknown(c, layer);
}
