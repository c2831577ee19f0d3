// SPDX-License-Identifier: Apache-2.0
// Values and layers: shapes of outputs, parameters behind constants, operators of the table.
#include "lower.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool onnx_type_is_real(int64_t type) {
    return type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16 ||
           type == ONNX_BFLOAT16;
}

// --- Outputs --------------------------------------------------------------------------------

jc_status onnx_set_output(lowering *w, size_t i, const onnx_shape *shape) {
    onnx_value *out = onnx_node_output(w, i);
    if (out == NULL) {
        return JC_OK;
    }
    char text[2 * JC_SHAPE_TEXT_SIZE];
    for (int axis = 0; axis < shape->rank; ++axis) {
        // Empty tensors are of use only among constants (a Resize without a region of interest).
        if (shape->dim[axis] < 1 && !(out->is_constant && shape->dim[axis] == 0)) {
            return onnx_lower_fail(w, JC_ESHAPE, "nothing is left of its output: %s",
                                   onnx_shape_format(shape, text));
        }
    }
    if (onnx_shape_elements(shape) > JC_MAX_ELEMENTS) {
        return onnx_lower_fail(w, JC_ESHAPE, "its output %s has more than 2^42 values",
                               onnx_shape_format(shape, text));
    }
    out->shape = *shape;
    out->is_known = true;
    if (out->type == 0 && onnx_node_input(w, 0) != NULL) {
        out->type = onnx_node_input(w, 0)->type;
    }
    return JC_OK;
}

jc_status onnx_set_output_layer(lowering *w, size_t i, uint32_t layer) {
    onnx_value *out = onnx_node_output(w, i);
    if (out == NULL) {
        return JC_OK;
    }
    if (!out->is_known) {
        const jc_shape *shape = &w->graph->layers[layer].output;
        onnx_shape mine = onnx_shape_of(shape->rank, shape->dim);
        mine.dim[0] = w->batch.file;
        mine.batch_axis = 0;
        const jc_status status = onnx_set_output(w, i, &mine);
        if (status != JC_OK) {
            return status;
        }
    }
    out->layer = layer;
    return JC_OK;
}

// --- Constants ------------------------------------------------------------------------------

bool onnx_value_int(const onnx_value *v, int64_t *out_value) {
    if (v == NULL || v->cells == NULL || onnx_shape_elements(&v->shape) != 1 ||
        onnx_type_is_real(v->type)) {
        return false;
    }
    *out_value = v->cells[0].i;
    return true;
}

bool onnx_value_real(const onnx_value *v, double *out_value) {
    if (v == NULL || v->cells == NULL || onnx_shape_elements(&v->shape) != 1) {
        return false;
    }
    *out_value = onnx_type_is_real(v->type) ? v->cells[0].real : (double)v->cells[0].i;
    return true;
}

int64_t onnx_take_params(lowering *w, const onnx_value *v) {
    int64_t n = 0;
    for (size_t i = 0; v != NULL && v->is_constant && i < v->n_sources; ++i) {
        const onnx_tensor *tensor = &w->model->tensors[v->sources[i]];
        if (!w->is_counted[v->sources[i]]) {
            const onnx_shape shape = onnx_shape_of(tensor->rank, tensor->dim);
            n = jc_add_saturating(n, onnx_shape_elements(&shape));
            w->is_counted[v->sources[i]] = true;
        }
    }
    return n;
}

jc_shape onnx_value_sample_shape(const lowering *w, const onnx_value *v) {
    return onnx_shape_to_sample(&v->shape, &w->batch);
}

jc_status onnx_set_output_ints(lowering *w, const int64_t *ints, size_t n, int rank) {
    onnx_value *out = onnx_node_output(w, 0);
    jc_value *cells = jc_arena_take(w->arena, n, sizeof *cells);
    if (cells == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (size_t i = 0; i < n; ++i) {
        cells[i].i = ints[i];
    }
    if (out == NULL) {
        return JC_OK;
    }
    const int64_t size = (int64_t)n;
    const onnx_shape shape = onnx_shape_of(rank, &size);
    out->is_constant = true;
    out->type = ONNX_INT64;
    const jc_status status = onnx_set_output(w, 0, &shape);
    out->cells = cells;
    return status;
}

// --- Layers ---------------------------------------------------------------------------------

// The node's name, or its output's; cut at the front as all names are.
static const char *layer_name(lowering *w) {
    onnx_text text = w->node->name;
    if (text.size == 0 && w->node->n_outputs > 0) {
        text = w->node->output_names[0];
    }
    if (text.size == 0) {
        text = w->node->op_type;
    }
    if (text.size > 1 && text.data[0] == '/') {
        text = (onnx_text){text.data + 1, text.size - 1};
    }
    const size_t most = JC_LAYER_NAME_SIZE - 1;
    if (text.size > most) {
        text = (onnx_text){text.data + text.size - most, most};
    }
    char *name = jc_arena_copy_text(&w->graph->arena, text.data, text.size);
    for (size_t i = 0; name != NULL && i < text.size; ++i) {
        if (name[i] < ' ' || name[i] > '~') {
            name[i] = '_';
        }
    }
    return name;
}

jc_status onnx_emission_begin(lowering *w, emission *e, const char *op, size_t most_inputs) {
    *e = (emission){.request = {.op = jc_op_find(op)}};
    e->inputs = jc_arena_take(w->arena, most_inputs, sizeof *e->inputs);
    e->request.origin.name = layer_name(w);
    if (e->inputs == NULL || e->request.origin.name == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    e->request.inputs = e->inputs;
    jc_op_call call;
    memset(&call, 0, sizeof call);
    jc_op_set_defaults(e->request.op, &call);
    memcpy(e->request.value, call.value, sizeof call.value);
    return JC_OK;
}

void onnx_emission_set(emission *e, const char *param, int k, int64_t value) {
    e->request.value[jc_op_param(e->request.op, param)->slot + k].i = value;
}

void onnx_emission_set_real(emission *e, const char *param, double value) {
    e->request.value[jc_op_param(e->request.op, param)->slot].real = value;
}

// Numbers of an operator are bounded, as the YAML reader bounds them: shape rules rely on that.
static const jc_param *find_wrong_param(const layer_request *request) {
    for (const jc_param *p = request->op->params; p->name != NULL; ++p) {
        const jc_value *v = request->value + p->slot;
        const bool is_list = p->type == JC_PARAM_SIZES;
        const bool is_size = is_list || p->type == JC_PARAM_SIZE || p->type == JC_PARAM_PAIR;
        const bool may_derive = !is_list && !p->required && p->default_value == JC_SIZE_DERIVED;
        const int n = is_list ? (int)v->i + 1 : jc_param_slots(p->type);
        for (int s = is_list ? 1 : 0; p->type != JC_PARAM_REAL && s < n; ++s) {
            const int64_t least = is_size ? 1 : p->type == JC_PARAM_INTEGER ? -LARGEST_SIZE : 0;
            const bool derives = may_derive && v[s].i == JC_SIZE_DERIVED;
            if (!derives && (v[s].i < least || v[s].i > LARGEST_SIZE)) {
                return p;
            }
        }
    }
    return NULL;
}

jc_status onnx_emission_end(lowering *w, emission *e, int64_t params, uint32_t *out_layer) {
    e->request.has_params = params >= 0;
    e->request.params = params;
    e->request.is_int8 = w->is_int8;
    if (w->graph->n_layers >= MAX_LAYERS) {
        return onnx_lower_fail(w, JC_EPARSE, "the network has more than %d layers", MAX_LAYERS);
    }
    const jc_param *wrong = find_wrong_param(&e->request);
    if (wrong != NULL) {
        return onnx_lower_fail(w, JC_ESHAPE, "its %s is not from 1 to %d (0 for padding)",
                               wrong->name, LARGEST_SIZE);
    }
    jc_error why;
    const jc_status status = graph_apply(w->graph, &e->request, out_layer, &why);
    if (status == JC_ENOMEM) {
        return onnx_lower_out_of_memory(w);
    }
    return status == JC_OK ? JC_OK : onnx_lower_fail(w, status, "%s", why.message);
}

// Sizes of one sample as the `shape` of an operator.
static void set_shape(emission *e, const jc_shape *shape) {
    onnx_emission_set(e, "shape", 0, shape->rank - 1);
    for (int i = 1; i < shape->rank; ++i) {
        onnx_emission_set(e, "shape", i, shape->dim[i]);
    }
}

// A constant as a layer of its own, with the learned values that nobody has counted.
static jc_status emit_parameter(lowering *w, const onnx_value *v, const jc_shape *shape,
                                uint32_t *out_layer) {
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "parameter", 1);
    if (status != JC_OK) {
        return status;
    }
    set_shape(&e, shape);
    return onnx_emission_end(w, &e, onnx_take_params(w, v), out_layer);
}

static bool same_shape(const jc_shape *a, const jc_shape *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; i < a->rank && same; ++i) {
        same = a->dim[i] == b->dim[i];
    }
    return same;
}

jc_status onnx_value_layer(lowering *w, onnx_value *v, const jc_shape *shape, uint32_t *out_layer) {
    const jc_shape own = onnx_shape_to_sample(&v->shape, &w->batch);
    const jc_shape *wanted = shape == NULL ? &own : shape;
    if (v->layer == ONNX_NO_LAYER) {
        return emit_parameter(w, v, wanted, out_layer);
    }
    if (same_shape(&w->graph->layers[v->layer].output, wanted)) {
        *out_layer = v->layer;
        return JC_OK;
    }
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "reshape", 1);
    if (status != JC_OK) {
        return status;
    }
    e.inputs[0] = v->layer;
    e.request.n_inputs = 1;
    set_shape(&e, wanted);
    status = onnx_emission_end(w, &e, -1, out_layer);
    if (status == JC_OK && shape == NULL) {
        v->layer = *out_layer;
    }
    return status;
}

jc_status onnx_emission_input(lowering *w, emission *e, onnx_value *v, const jc_shape *shape) {
    uint32_t layer = 0;
    const jc_status status = onnx_value_layer(w, v, shape, &layer);
    if (status == JC_OK) {
        e->inputs[e->request.n_inputs++] = layer;
    }
    return status;
}

jc_status onnx_emit_simple(lowering *w, emission *e, onnx_value *x, size_t i) {
    jc_status status = onnx_emission_input(w, e, x, NULL);
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, e, -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, i, layer) : status;
}

jc_status onnx_emit_copy(lowering *w) {
    onnx_value *x = onnx_node_input(w, 0);
    for (size_t i = 0; x != NULL && x->layer == ONNX_NO_LAYER && i < w->node->n_inputs; ++i) {
        onnx_value *v = onnx_node_input(w, i);
        x = v != NULL && v->layer != ONNX_NO_LAYER ? v : x;
    }
    for (size_t i = 0; i < w->node->n_outputs; ++i) {
        const onnx_value *out = onnx_node_output(w, i);
        if (out == NULL || (i > 0 && out->n_uses == 0)) {
            continue;
        }
        emission e;
        jc_status status = onnx_emission_begin(w, &e, "copy", 1);
        if (status != JC_OK) {
            return status;
        }
        const jc_shape shape = onnx_value_sample_shape(w, out);
        set_shape(&e, &shape);
        status = onnx_emit_simple(w, &e, x, i);
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

// --- Nodes without an operator --------------------------------------------------------------

// What the file tells of a value; else what is given.
static onnx_shape told_shape(const lowering *w, size_t i, const onnx_value *like) {
    const int32_t id = w->node->outputs[i];
    const onnx_value_info *info = id == ONNX_NO_VALUE ? NULL : w->told[id];
    if (info != NULL) {
        onnx_shape shape = {.rank = info->rank, .batch_axis = info->rank > 0 ? 0 : -1, .outer = 1};
        for (int axis = 0; axis < info->rank; ++axis) {
            const int64_t size = info->dim[axis].size;
            shape.dim[axis] = size < 1 ? w->batch.file : size; // the first alone may be open
        }
        if (shape.rank > 0 && shape.dim[0] % w->batch.file != 0) {
            shape.batch_axis = -1;
        }
        return shape;
    }
    return like != NULL ? like->shape : onnx_shape_of(0, NULL);
}

static jc_status note_unknown(lowering *w) {
    char name[64];
    const onnx_text text = w->node->op_type;
    (void)snprintf(name, sizeof name, "%.*s", (int)(text.size < 60 ? text.size : 60),
                   text.size == 0 ? "" : text.data);
    for (char *c = name; *c != '\0'; ++c) {
        *c = *c < ' ' || *c > '~' ? '_' : *c;
    }
    if (w->graph->options.strict) {
        return onnx_lower_fail(
            w, JC_EUNSUPPORTED,
            "the operator is not known, or not in this form, and --strict refuses to "
            "cost it by its bytes alone");
    }
    return graph_note_unknown(w->graph, name) ? JC_OK : onnx_lower_out_of_memory(w);
}

jc_status onnx_emit_other(lowering *w) {
    jc_status status = note_unknown(w);
    emission e;
    if (status == JC_OK) {
        status = onnx_emission_begin(w, &e, "other", w->node->n_inputs + 1);
    }
    if (status != JC_OK) {
        return status;
    }
    int64_t params = 0;
    onnx_value *first = NULL;
    for (size_t i = 0; i < w->node->n_inputs; ++i) {
        onnx_value *v = onnx_node_input(w, i);
        if (v == NULL) {
            continue;
        }
        if (first == NULL || (first->layer == ONNX_NO_LAYER && v->layer != ONNX_NO_LAYER)) {
            first = v;
        }
        if (v->layer == ONNX_NO_LAYER) {
            params = jc_add_saturating(params, onnx_take_params(w, v));
            continue;
        }
        status = onnx_emission_input(w, &e, v, NULL);
        if (status != JC_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < w->node->n_outputs; ++i) {
        onnx_value *out = onnx_node_output(w, i);
        if (out == NULL) {
            continue;
        }
        if (!out->is_known) {
            const onnx_shape shape = told_shape(w, i, first);
            status = onnx_set_output(w, i, &shape);
        }
        if (status != JC_OK || e.request.n_inputs == 0 || (i > 0 && out->n_uses == 0)) {
            continue; // made of constants: no work while the network runs
        }
        const jc_shape shape = onnx_value_sample_shape(w, out);
        set_shape(&e, &shape);
        uint32_t layer = 0;
        status = onnx_emission_end(w, &e, params, &layer);
        params = 0;
        if (status == JC_OK) {
            status = onnx_set_output_layer(w, i, layer);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    return status;
}
