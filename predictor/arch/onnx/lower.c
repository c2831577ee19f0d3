// SPDX-License-Identifier: Apache-2.0
// Nodes in order of execution: those that the outputs need, constants apart from layers.
#include "lower.h"

#include "inputs.h"
#include "order.h"
#include "tensor.h"

#include "common/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// --- Initializers -------------------------------------------------------------------------------

static jc_status add_initializers(lowering *w) {
    for (size_t i = 0; i < w->model->n_tensors; ++i) {
        const onnx_tensor *tensor = &w->model->tensors[i];
        const int32_t id = onnx_find_value(w->model, tensor->name);
        if (id == ONNX_NO_VALUE) {
            continue; // nothing takes it
        }
        onnx_value *v = &w->values[id];
        if (v->is_known) {
            return onnx_lower_fail(w, JC_EPARSE, "two initializers are called '%.*s'",
                                   (int)(tensor->name.size < 80 ? tensor->name.size : 80),
                                   tensor->name.data);
        }
        const jc_status status = onnx_tensor_to_value(w, tensor, v);
        if (status != JC_OK) {
            return status;
        }
        // Scalars and wide integers are settings, not weights.
        const bool is_weight = onnx_type_is_real(v->type) || v->type == ONNX_INT8 ||
                               v->type == ONNX_UINT8 || v->type == ONNX_INT32;
        if (is_weight && v->shape.rank > 0) {
            int32_t *source = jc_arena_take(w->arena, 1, sizeof *source);
            if (source == NULL) {
                return onnx_lower_out_of_memory(w);
            }
            *source = (int32_t)i;
            v->sources = source;
            v->n_sources = 1;
        }
    }
    return JC_OK;
}

// --- Nodes --------------------------------------------------------------------------------------

// Whether a node takes constants only, and is one then; sources of its outputs.
static jc_status begin_outputs(lowering *w, bool *out_is_constant) {
    enum { MOST_SOURCES = 4096 };
    bool is_constant = true;
    size_t n_sources = 0;
    for (size_t i = 0; i < w->node->n_inputs; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        if (v == NULL) {
            continue;
        }
        if (!v->is_known) {
            const onnx_text name = w->model->values[w->node->inputs[i]]; // patterns move inputs
            return onnx_lower_fail(w, JC_EPARSE, "its input '%.*s' comes from nowhere",
                                   (int)(name.size < 80 ? name.size : 80), name.data);
        }
        is_constant = is_constant && v->is_constant;
        n_sources += v->n_sources;
    }
    int32_t *sources = NULL;
    if (is_constant && n_sources > 0) {
        if (n_sources > MOST_SOURCES) {
            return onnx_lower_fail(w, JC_EUNSUPPORTED, "it is made of more than %d weights",
                                   MOST_SOURCES);
        }
        sources = jc_arena_take(w->arena, n_sources, sizeof *sources);
        if (sources == NULL) {
            return onnx_lower_out_of_memory(w);
        }
        n_sources = 0;
        for (size_t i = 0; i < w->node->n_inputs; ++i) {
            const onnx_value *v = onnx_node_input(w, i);
            for (size_t s = 0; v != NULL && s < v->n_sources; ++s) {
                sources[n_sources++] = v->sources[s];
            }
        }
    }
    for (size_t i = 0; i < w->node->n_outputs; ++i) {
        onnx_value *out = onnx_node_output(w, i);
        if (out == NULL) {
            continue;
        }
        if (out->is_known) {
            return onnx_lower_fail(
                w, JC_EPARSE, "its output '%.*s' is an input or initializer too",
                (int)(w->node->output_names[i].size < 80 ? w->node->output_names[i].size : 80),
                w->node->output_names[i].data);
        }
        out->is_constant = is_constant;
        out->layer = ONNX_NO_LAYER;
        out->sources = sources;
        out->n_sources = is_constant ? n_sources : 0;
    }
    *out_is_constant = is_constant;
    return JC_OK;
}

// 8-bit integers, or such made real for the file's sake, as the first input that is no constant.
static bool takes_int8(const lowering *w) {
    for (size_t i = 0; i < w->node->n_inputs; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        if (v != NULL && !v->is_constant) {
            return v->is_int8 || v->type == ONNX_INT8 || v->type == ONNX_UINT8;
        }
    }
    return false;
}

static bool is_needed(const lowering *w) {
    for (size_t i = 0; i < w->node->n_outputs; ++i) {
        const onnx_value *out = onnx_node_output(w, i);
        if (out != NULL && out->is_needed) {
            return true;
        }
    }
    return false;
}

static bool has_subgraph(const onnx_node *node) {
    static const char *const operators[] = {"If", "Loop", "Scan"}; // without one they are broken
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; ++i) {
        if (node->domain.size == 0 && onnx_text_is(node->op_type, operators[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < node->n_attributes; ++i) {
        if (node->attributes[i].has_graph) {
            return true;
        }
    }
    return false;
}

static const onnx_op *find_op(const onnx_node *node) {
    const bool known_domain = node->domain.size == 0 || onnx_text_is(node->domain, "ai.onnx") ||
                              onnx_text_is(node->domain, "com.microsoft");
    return known_domain ? onnx_op_find(node->op_type) : NULL;
}

// NaN is no setting, and infinity only a bound; an operator that is not known may have its reasons.
static jc_status check_attributes(lowering *w) {
    const bool is_bound = onnx_text_is(w->node->op_type, "Clip") || find_op(w->node) == NULL;
    for (size_t i = 0; i < w->node->n_attributes; ++i) {
        const onnx_attribute *a = &w->node->attributes[i];
        bool is_nan = a->has_f && isnan(a->f);
        bool is_infinite = a->has_f && isinf(a->f);
        for (size_t k = 0; k < a->n_floats; ++k) {
            is_nan = is_nan || isnan(a->floats[k]);
            is_infinite = is_infinite || isinf(a->floats[k]);
        }
        if (is_nan || (is_infinite && !is_bound)) {
            return onnx_lower_fail(w, JC_EPARSE, "its attribute '%.*s' is not a number (%s)",
                                   (int)(a->name.size < 80 ? a->name.size : 80), a->name.data,
                                   is_nan ? "NaN" : "infinite");
        }
    }
    return JC_OK;
}

// Of all nodes, before several become one. A constant may hold anything: it is data.
static jc_status check_nodes(lowering *w) {
    jc_status status = JC_OK;
    for (size_t i = 0; i < w->model->n_nodes && status == JC_OK; ++i) {
        w->node = &w->model->nodes[i];
        if (!onnx_text_is(w->node->op_type, "Constant")) {
            status = check_attributes(w);
        }
    }
    if (status == JC_OK) {
        w->node = NULL;
    }
    return status;
}

static jc_status lower_node(lowering *w) {
    bool is_constant = false;
    jc_status status = begin_outputs(w, &is_constant);
    if (status != JC_OK) {
        return status;
    }
    if (has_subgraph(w->node)) {
        return onnx_lower_fail(
            w, JC_EUNSUPPORTED,
            "what it costs depends on the values that flow through it (a branch or a "
            "loop); export the model without control flow");
    }
    const onnx_op *op = find_op(w->node);
    w->op = op;
    w->is_int8 = takes_int8(w);
    if (op == NULL) {
        return onnx_emit_other(w);
    }
    if (op->infer != NULL) {
        status = op->infer(w);
    } else if (is_constant && op->emit != NULL) {
        return onnx_emit_other(w);
    }
    if (status != JC_OK) {
        return status;
    }
    if (is_constant) {
        return op->fold == NULL ? JC_OK : op->fold(w);
    }
    if (op->infer != NULL && !is_needed(w)) {
        return JC_OK; // somebody asks for its shape
    }
    if (op->emit != NULL) {
        return op->emit(w);
    }
    onnx_value *input = onnx_node_input(w, 0);
    for (size_t i = 0; i < w->node->n_outputs; ++i) {
        onnx_value *out = onnx_node_output(w, i);
        if (out != NULL && input != NULL && out->layer == ONNX_NO_LAYER && !out->is_constant) {
            out->layer = input->layer;
        }
    }
    return JC_OK;
}

static void note_rank(const lowering *w, const onnx_value_info *info) {
    const int32_t id = onnx_find_value(w->model, info->name);
    if (id != ONNX_NO_VALUE && info->has_shape && info->rank <= ONNX_MAX_RANK) {
        w->values[id].told_rank = info->rank;
    }
}

// Sizes that the file tells of values in between, and of outputs. The first batch may be open.
static jc_status index_told(lowering *w) {
    const onnx_model *model = w->model;
    w->told = jc_arena_alloc(w->arena, model->n_values, sizeof *w->told);
    if (w->told == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (size_t k = 0; k < model->n_infos + model->n_outputs; ++k) {
        const onnx_value_info *info =
            k < model->n_infos ? &model->infos[k] : &model->outputs[k - model->n_infos];
        const int32_t id = onnx_find_value(model, info->name);
        bool is_known = info->has_shape && info->rank <= ONNX_MAX_RANK;
        for (int axis = 1; is_known && axis < info->rank; ++axis) {
            is_known = info->dim[axis].size > 0;
        }
        if (id != ONNX_NO_VALUE && is_known && w->told[id] == NULL) {
            w->told[id] = info;
        }
        note_rank(w, info);
    }
    for (size_t i = 0; i < model->n_inputs; ++i) {
        note_rank(w, &model->inputs[i]);
    }
    return JC_OK;
}

// --- The network --------------------------------------------------------------------------------

static jc_status add_outputs(lowering *w) {
    jc_graph *g = w->graph;
    g->outputs = jc_arena_alloc(&g->arena, w->model->n_outputs, sizeof *g->outputs);
    if (g->outputs == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    w->node = NULL;
    for (size_t i = 0; i < w->model->n_outputs; ++i) {
        const onnx_text name = w->model->outputs[i].name;
        const int32_t id = onnx_find_value(w->model, name);
        const onnx_value *v = id == ONNX_NO_VALUE ? NULL : &w->values[id];
        if (v == NULL || (!v->is_known && v->producer < 0)) {
            return onnx_lower_fail(w, JC_EPARSE, "nothing gives its output '%.*s'",
                                   (int)(name.size < 80 ? name.size : 80),
                                   name.size == 0 ? "" : name.data);
        }
        if (v->is_known && v->layer != ONNX_NO_LAYER) {
            g->outputs[g->n_outputs++] = v->layer;
        }
    }
    return g->n_outputs > 0
               ? JC_OK
               : onnx_lower_fail(w, JC_EPARSE, "none of its outputs depends on one of its inputs");
}

static jc_status run(lowering *w, const uint32_t *order, size_t n_order) {
    jc_status status = onnx_add_inputs(w);
    for (size_t i = 0; i < n_order && status == JC_OK; ++i) {
        w->node = &w->model->nodes[order[i]];
        status = lower_node(w);
    }
    return status == JC_OK ? add_outputs(w) : status;
}

jc_status onnx_lower(const onnx_model *model, const char *file, jc_arena *arena, jc_graph *graph,
                     jc_error *err) {
    lowering w = {.model = model, .graph = graph, .file = file, .arena = arena, .err = err};
    w.values = jc_arena_alloc(arena, model->n_values, sizeof *w.values);
    w.is_counted = jc_arena_alloc(arena, model->n_tensors, sizeof *w.is_counted);
    if (w.values == NULL || w.is_counted == NULL) {
        return onnx_lower_out_of_memory(&w);
    }
    uint32_t *order = NULL;
    size_t n_order = 0;
    jc_status status = check_nodes(&w);
    if (status == JC_OK) {
        status = add_initializers(&w);
    }
    if (status == JC_OK) {
        status = index_told(&w);
    }
    if (status == JC_OK) {
        status = onnx_order(&w, &order, &n_order);
    }
    return status == JC_OK ? run(&w, order, n_order) : status;
}
