// SPDX-License-Identifier: Apache-2.0
#include "pattern_match.h"

#include <math.h>
#include <string.h>

onnx_node *match_producer(const matcher *m, int32_t v) {
    const int32_t p = v == ONNX_NO_VALUE ? -1 : m->w->values[v].producer;
    return p < 0 ? NULL : &m->w->model->nodes[p];
}

bool match_is(const onnx_node *node, const char *op) {
    return node != NULL && onnx_text_is(node->op_type, op);
}

int32_t match_input(const onnx_node *node, size_t i) {
    return node != NULL && i < node->n_inputs ? node->inputs[i] : ONNX_NO_VALUE;
}

int32_t match_output(const onnx_node *node) {
    return node != NULL && node->n_outputs > 0 ? node->outputs[0] : ONNX_NO_VALUE;
}

// The one node that takes a value; NULL where there are none or several.
onnx_node *match_only_user(const matcher *m, int32_t v) {
    return v != ONNX_NO_VALUE && m->n_use[v] == 1 && m->user[v] >= 0
               ? &m->w->model->nodes[m->user[v]]
               : NULL;
}

// A constant, from an initializer or a Constant node.
bool match_constant(const matcher *m, int32_t v, onnx_value *out) {
    if (v == ONNX_NO_VALUE) {
        return false;
    }
    if (m->w->values[v].is_known) {
        *out = m->w->values[v];
        return out->is_constant;
    }
    const onnx_node *node = match_producer(m, v);
    const onnx_attribute *a =
        match_is(node, "Constant") ? onnx_node_attribute(node, "value") : NULL;
    *out = (onnx_value){0};
    return a != NULL && a->tensor != NULL && onnx_tensor_to_value(m->w, a->tensor, out) == JC_OK;
}

bool match_scalar(const matcher *m, int32_t v, double *out) {
    onnx_value value;
    return match_constant(m, v, &value) && onnx_value_real(&value, out);
}

// The tensor that a node of two inputs combines with a number; ONNX_NO_VALUE if it does not.
int32_t match_with_scalar(const matcher *m, const onnx_node *node, const char *op, double *out) {
    if (!match_is(node, op)) {
        return ONNX_NO_VALUE;
    }
    if (match_scalar(m, match_input(node, 1), out)) {
        return match_input(node, 0);
    }
    return strcmp(op, "Div") != 0 && match_scalar(m, match_input(node, 0), out)
               ? match_input(node, 1)
               : ONNX_NO_VALUE;
}

// Of a node of two inputs, the one that is not `v`; ONNX_NO_VALUE if neither is.
int32_t match_other_input(const onnx_node *node, int32_t v) {
    return match_input(node, 0) == v   ? match_input(node, 1)
           : match_input(node, 1) == v ? match_input(node, 0)
                                       : ONNX_NO_VALUE;
}

bool match_near(double a, double b) {
    return fabs(a - b) <= 1e-3 * fabs(b) + 1e-30;
}

onnx_text match_text(const char *word) {
    return (onnx_text){word, strlen(word)};
}

void match_become(onnx_node *node, const char *op, size_t n, const int32_t *inputs) {
    node->op_type = match_text(op);
    node->domain = (onnx_text){0};
    for (size_t i = 0; i < n; ++i) {
        node->inputs[i] = inputs[i];
    }
    node->n_inputs = n;
}
