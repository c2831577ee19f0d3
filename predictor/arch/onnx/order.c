// SPDX-License-Identifier: Apache-2.0
// Order of execution: a depth-first walk with a stack of its own, however long a chain is.
#include "order.h"

#include "pattern.h"

#include <string.h>

enum { NODE_DEAD, NODE_ALIVE, NODE_OPEN, NODE_DONE };

/** A node on the way, and the input that is looked at next. */
typedef struct step {
    uint32_t node;
    size_t input;
} step;

typedef struct walk {
    lowering *w;
    unsigned char *state; ///< [n_nodes]
    step *stack;          ///< [n_nodes]
    uint32_t *order;
    size_t n_order;
} walk;

static jc_status find_producers(lowering *w) {
    for (size_t v = 0; v < w->model->n_values; ++v) {
        w->values[v].producer = -1;
        w->values[v].layer = ONNX_NO_LAYER;
    }
    for (size_t n = 0; n < w->model->n_nodes; ++n) {
        w->node = &w->model->nodes[n];
        for (size_t i = 0; i < w->node->n_outputs; ++i) {
            onnx_value *out = onnx_node_output(w, i);
            if (out != NULL && out->producer >= 0) {
                const onnx_text name = w->node->output_names[i];
                return onnx_lower_fail(w, JC_EPARSE, "its output '%.*s' is another node's too",
                                       (int)(name.size < 80 ? name.size : 80), name.data);
            }
            if (out != NULL) {
                out->producer = (int32_t)n;
            }
        }
    }
    w->node = NULL;
    return JC_OK;
}

// From the outputs backwards; a node is put on the stack once.
static void mark_alive(walk *k) {
    const lowering *w = k->w;
    size_t n_stack = 0;
    for (size_t i = 0; i < w->model->n_outputs; ++i) {
        const int32_t id = onnx_find_value(w->model, w->model->outputs[i].name);
        if (id == ONNX_NO_VALUE) {
            continue;
        }
        w->values[id].n_uses++;
        w->values[id].is_output = true;
        const int32_t p = w->values[id].producer;
        if (p >= 0 && k->state[p] == NODE_DEAD) {
            k->state[p] = NODE_ALIVE;
            k->stack[n_stack++].node = (uint32_t)p;
        }
    }
    while (n_stack > 0) {
        const onnx_node *node = &w->model->nodes[k->stack[--n_stack].node];
        for (size_t i = 0; i < node->n_inputs; ++i) {
            if (node->inputs[i] == ONNX_NO_VALUE) {
                continue;
            }
            onnx_value *v = &w->values[node->inputs[i]];
            v->n_uses++;
            if (v->producer >= 0 && k->state[v->producer] == NODE_DEAD) {
                k->state[v->producer] = NODE_ALIVE;
                k->stack[n_stack++].node = (uint32_t)v->producer;
            }
        }
    }
}

static jc_status visit(walk *k, uint32_t root) {
    const lowering *w = k->w;
    size_t n_stack = 0;
    k->stack[n_stack++] = (step){root, 0};
    k->state[root] = NODE_OPEN;
    while (n_stack > 0) {
        step *top = &k->stack[n_stack - 1];
        const onnx_node *node = &w->model->nodes[top->node];
        if (top->input == node->n_inputs) {
            k->state[top->node] = NODE_DONE;
            k->order[k->n_order++] = top->node;
            --n_stack;
            continue;
        }
        const int32_t id = node->inputs[top->input++];
        const int32_t p = id == ONNX_NO_VALUE ? -1 : w->values[id].producer;
        if (p >= 0 && k->state[p] == NODE_OPEN) {
            k->w->node = node;
            return onnx_lower_fail(k->w, JC_EPARSE, "it depends on its own output: a cycle");
        }
        if (p >= 0 && k->state[p] == NODE_ALIVE) {
            k->state[p] = NODE_OPEN;
            k->stack[n_stack++] = (step){(uint32_t)p, 0};
        }
    }
    return JC_OK;
}

// Whose contents are needed, and not only their shapes: from the last node backwards.
static void mark_data(const walk *k) {
    const lowering *w = k->w;
    for (size_t i = 0; i < w->model->n_outputs; ++i) {
        const int32_t id = onnx_find_value(w->model, w->model->outputs[i].name);
        if (id != ONNX_NO_VALUE) {
            w->values[id].is_needed = true;
        }
    }
    for (size_t i = k->n_order; i-- > 0;) {
        const onnx_node *node = &w->model->nodes[k->order[i]];
        bool is_needed = false;
        for (size_t o = 0; o < node->n_outputs; ++o) {
            is_needed = is_needed || (node->outputs[o] != ONNX_NO_VALUE &&
                                      w->values[node->outputs[o]].is_needed);
        }
        for (size_t in = 0; is_needed && in < node->n_inputs; ++in) {
            if (node->inputs[in] != ONNX_NO_VALUE && !onnx_text_is(node->op_type, "Shape") &&
                !onnx_text_is(node->op_type, "Size")) {
                w->values[node->inputs[in]].is_needed = true;
            }
        }
    }
}

jc_status onnx_order(lowering *w, uint32_t **out_order, size_t *out_n) {
    const size_t n = w->model->n_nodes;
    walk k = {
        .w = w,
        .state = jc_arena_alloc(w->arena, n, 1),
        .stack = jc_arena_take(w->arena, n, sizeof *k.stack),
        .order = jc_arena_take(w->arena, n, sizeof *k.order),
    };
    if (k.state == NULL || k.stack == NULL || k.order == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    jc_status status = find_producers(w);
    if (status != JC_OK) {
        return status;
    }
    status = onnx_find_patterns(w);
    if (status != JC_OK) {
        return status;
    }
    mark_alive(&k);
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        if (k.state[i] == NODE_ALIVE) {
            status = visit(&k, (uint32_t)i);
        }
    }
    if (status == JC_OK && k.n_order == 0) {
        status = onnx_lower_fail(w, JC_EPARSE, "it has no outputs that a node gives");
    }
    mark_data(&k);
    *out_order = k.order;
    *out_n = k.n_order;
    return status;
}
