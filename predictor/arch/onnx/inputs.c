// SPDX-License-Identifier: Apache-2.0
#include "inputs.h"

#include <inttypes.h>
#include <string.h>

static jc_status fail_input(lowering *w, const onnx_value_info *info, const char *what) {
    return onnx_lower_fail(w, JC_ESHAPE, "input '%.*s' %s",
                           (int)(info->name.size < 80 ? info->name.size : 80), info->name.data,
                           what);
}

static bool has_shape(const onnx_value_info *info) {
    return info->is_tensor && info->has_shape && info->rank <= ONNX_MAX_RANK;
}

static bool same_text(onnx_text a, onnx_text b) {
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

// What the caller says of an input; NULL if nothing.
static const jc_shape *find_given(const lowering *w, const onnx_value_info *info) {
    const jc_graph_options *options = &w->graph->options;
    for (size_t i = 0; i < options->n_inputs; ++i) {
        if (onnx_text_is(info->name, options->inputs[i].name)) {
            return &options->inputs[i].shape;
        }
    }
    return NULL;
}

// A size that is said of another input under the same name; 0 if nothing is.
static int64_t find_symbol(const lowering *w, onnx_text symbol) {
    for (size_t i = 0; i < w->model->n_inputs && w->graph->options.n_inputs > 0; ++i) {
        const onnx_value_info *info = &w->model->inputs[i];
        const jc_shape *given = find_given(w, info);
        for (int axis = 0; given != NULL && axis < info->rank && axis < given->rank; ++axis) {
            if (symbol.size > 0 && has_shape(info) && info->dim[axis].size < 1 &&
                same_text(info->dim[axis].symbol, symbol)) {
                return given->dim[axis];
            }
        }
    }
    return 0;
}

// Sequences and states of recurrent nodes: time or layer comes before the batch.
static void mark_second(const lowering *w) {
    static const size_t taken[] = {0, 5, 6}; // X, initial_h, initial_c
    for (size_t n = 0; n < w->model->n_nodes; ++n) {
        const onnx_node *node = &w->model->nodes[n];
        const onnx_attribute *layout = onnx_node_attribute(node, "layout");
        const bool is_recurrent = onnx_text_is(node->op_type, "LSTM") ||
                                  onnx_text_is(node->op_type, "GRU") ||
                                  onnx_text_is(node->op_type, "RNN");
        for (size_t i = 0; i < 3 && is_recurrent && (layout == NULL || layout->i == 0); ++i) {
            if (taken[i] < node->n_inputs && node->inputs[taken[i]] != ONNX_NO_VALUE) {
                w->values[node->inputs[taken[i]]].is_second = true;
            }
        }
    }
}

static int batch_axis_of(const lowering *w, const onnx_value_info *info) {
    const int32_t id = onnx_find_value(w->model, info->name);
    return id != ONNX_NO_VALUE && w->values[id].is_second ? 1 : 0;
}

// "input 'x' …: --input x=1,3,<height>,<width>", with what is known filled in.
static jc_status fail_open(lowering *w, const onnx_value_info *info) {
    const int batch_axis = batch_axis_of(w, info);
    char sizes[200] = "";
    size_t used = 0;
    for (int axis = 0; axis < info->rank && used + 50 < sizeof sizes; ++axis) {
        const onnx_dim *dim = &info->dim[axis];
        const char *comma = axis == 0 ? "" : ",";
        if (dim->size > 0 || axis == batch_axis) {
            used += (size_t)snprintf(sizes + used, sizeof sizes - used, "%s%" PRId64, comma,
                                     dim->size > 0 ? dim->size : w->batch.file);
        } else {
            const bool is_named = dim->symbol.size > 0 && dim->symbol.size <= 24;
            used += (size_t)snprintf(sizes + used, sizeof sizes - used, "%s<%.*s>", comma,
                                     is_named ? (int)dim->symbol.size : 4,
                                     is_named ? dim->symbol.data : "size");
        }
    }
    const int n = (int)(info->name.size < 80 ? info->name.size : 80);
    return onnx_lower_fail(w, JC_ESHAPE,
                           "input '%.*s' has sizes that the file leaves open; say them with "
                           "--input %.*s=%s",
                           n, info->name.data, n, info->name.data, sizes);
}

// The sizes of an input that the file tells; open ones become 0.
static jc_status told_shape(lowering *w, const onnx_value_info *info, const jc_shape *given,
                            onnx_shape *out_shape) {
    if (!info->is_tensor || info->rank > ONNX_MAX_RANK || (!info->has_shape && given == NULL)) {
        return fail_input(w, info, "is no tensor of known shape with at most 8 axes");
    }
    *out_shape = (onnx_shape){.rank = info->has_shape ? info->rank : given->rank, .outer = 1};
    for (int i = 0; i < info->rank; ++i) {
        out_shape->dim[i] = info->dim[i].size > 0 ? info->dim[i].size : 0;
    }
    if (given != NULL && given->rank != out_shape->rank) {
        return onnx_lower_fail(w, JC_ESHAPE, "input '%.*s' has %d sizes, but --input gives %d",
                               (int)(info->name.size < 80 ? info->name.size : 80), info->name.data,
                               out_shape->rank, given->rank);
    }
    return JC_OK;
}

static jc_status input_shape(lowering *w, const onnx_value_info *info, onnx_shape *out_shape) {
    const jc_shape *given = find_given(w, info);
    const int batch_axis = batch_axis_of(w, info);
    onnx_shape shape;
    const jc_status status = told_shape(w, info, given, &shape);
    for (int i = 0; i < shape.rank && status == JC_OK; ++i) {
        int64_t *size = &shape.dim[i];
        if (given != NULL && *size > 0 && i != batch_axis && *size != given->dim[i]) {
            return onnx_lower_fail(w, JC_ESHAPE,
                                   "input '%.*s' has the size %" PRId64
                                   " in the file where --input gives %" PRId64
                                   "; only what the file leaves open, and the batch, can be said",
                                   (int)(info->name.size < 80 ? info->name.size : 80),
                                   info->name.data, *size, given->dim[i]);
        }
        if (*size == 0) {
            *size = given != NULL ? given->dim[i] : find_symbol(w, info->dim[i].symbol);
        }
        if (*size == 0 && i == batch_axis) {
            *size = w->batch.file;
        }
        if (*size == 0) {
            return fail_open(w, info);
        }
    }
    if (status == JC_OK && onnx_shape_elements(&shape) > JC_MAX_ELEMENTS) {
        return fail_input(w, info, "has more than 2^42 values");
    }
    const bool has_batch = shape.rank > batch_axis && shape.dim[batch_axis] % w->batch.file == 0;
    shape.batch_axis = has_batch ? batch_axis : -1;
    *out_shape = shape;
    return status;
}

static bool is_taken(const lowering *w, const onnx_value_info *info) {
    const int32_t id = onnx_find_value(w->model, info->name);
    return id != ONNX_NO_VALUE && w->values[id].n_uses > 0;
}

static jc_status add_input(lowering *w, const onnx_value_info *info) {
    if (!is_taken(w, info)) {
        return JC_OK;
    }
    onnx_value *v = &w->values[onnx_find_value(w->model, info->name)];
    if (v->is_known && v->is_constant) {
        return JC_OK; // an initializer, listed among the inputs as old files do
    }
    if (v->is_known) {
        return fail_input(w, info, "stands there twice");
    }
    const jc_status status = input_shape(w, info, &v->shape);
    if (status != JC_OK) {
        return status;
    }
    char *name = jc_arena_copy_text(&w->graph->arena, info->name.data, info->name.size);
    jc_layer *layer = name == NULL ? NULL : graph_add_layer(w->graph, (layer_origin){.name = name});
    if (layer == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    *layer = (jc_layer){.kernel = {.kind = JC_KERNEL_NONE}};
    layer->output = onnx_shape_to_sample(&v->shape, &w->batch);
    if (jc_shape_elements(&layer->output) > JC_MAX_ELEMENTS) {
        return fail_input(w, info, "has more than 2^42 values at this batch size");
    }
    v->is_known = true;
    v->type = info->type;
    v->layer = (uint32_t)(w->graph->n_layers - 1);
    return JC_OK;
}

// The batch that the file's other numbers hold for: that of the first input that has one.
static void choose_batch(lowering *w) {
    w->batch.wanted = w->graph->options.batch_size;
    w->batch.file = 1;
    for (size_t i = 0; i < w->model->n_inputs; ++i) {
        const onnx_value_info *info = &w->model->inputs[i];
        const jc_shape *given = find_given(w, info);
        const int axis = batch_axis_of(w, info);
        const bool is_told = info->has_shape && info->rank > axis && info->dim[axis].size > 0;
        const bool is_given = given != NULL && given->rank > axis;
        const int64_t size = is_told ? info->dim[axis].size : is_given ? given->dim[axis] : 0;
        const int32_t id = onnx_find_value(w->model, info->name);
        if (id != ONNX_NO_VALUE && !w->values[id].is_known && size > 0 && size <= LARGEST_SIZE) {
            w->batch.file = size;
            if (w->batch.wanted == 0 && is_given) {
                w->batch.wanted = given->dim[axis];
            }
            break;
        }
    }
    if (w->batch.wanted == 0) {
        w->batch.wanted = 1;
    }
    w->graph->options.batch_size = w->batch.wanted;
}

jc_status onnx_add_inputs(lowering *w) {
    mark_second(w);
    choose_batch(w);
    jc_status status = JC_OK;
    for (size_t i = 0; i < w->model->n_inputs && status == JC_OK; ++i) {
        status = add_input(w, &w->model->inputs[i]);
    }
    return status;
}
