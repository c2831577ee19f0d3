// SPDX-License-Identifier: Apache-2.0
// What lowering asks of the node at hand: inputs, attributes, and errors that name it.
#include "lower.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Names come from the file: other than printable ASCII is not repeated.
static const char *printable(onnx_text text, char *buffer, size_t size) {
    const size_t n = text.size < size - 1 ? text.size : size - 1;
    for (size_t i = 0; i < n; ++i) {
        const char c = text.data[i];
        buffer[i] = '_';
        if (c >= ' ' && c <= '~') {
            buffer[i] = c;
        }
    }
    buffer[n] = '\0';
    return buffer;
}

jc_status onnx_lower_fail(lowering *w, jc_status status, const char *format, ...) {
    char message[JC_ERROR_MESSAGE_SIZE];
    char op[64];
    char name[128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (w->node == NULL) {
        return jc_error_set(w->err, status, w->file, 0, "%s", message);
    }
    onnx_text text = w->node->name;
    if (text.size == 0 && w->node->n_outputs > 0) {
        text = w->node->output_names[0];
    }
    return jc_error_set(w->err, status, w->file, 0, "%s '%s': %s",
                        printable(w->node->op_type, op, sizeof op),
                        printable(text, name, sizeof name), message);
}

jc_status onnx_lower_out_of_memory(lowering *w) {
    return jc_error_set(w->err, JC_ENOMEM, w->file, 0, "out of memory");
}

onnx_value *onnx_node_input(const lowering *w, size_t i) {
    const onnx_node *node = w->node;
    return i < node->n_inputs && node->inputs[i] != ONNX_NO_VALUE ? &w->values[node->inputs[i]]
                                                                  : NULL;
}

onnx_value *onnx_node_output(const lowering *w, size_t i) {
    const onnx_node *node = w->node;
    return i < node->n_outputs && node->outputs[i] != ONNX_NO_VALUE ? &w->values[node->outputs[i]]
                                                                    : NULL;
}

const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name) {
    for (size_t i = 0; i < node->n_attributes; ++i) {
        if (onnx_text_is(node->attributes[i].name, name)) {
            return &node->attributes[i];
        }
    }
    return NULL;
}

int64_t onnx_node_int(const lowering *w, const char *name, int64_t otherwise) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    return a != NULL && a->has_i ? a->i : otherwise;
}

double onnx_node_real(const lowering *w, const char *name, double otherwise) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    return a != NULL && a->has_f && isfinite(a->f) ? a->f : otherwise;
}

bool onnx_node_flag(const lowering *w, const char *name) {
    return onnx_node_int(w, name, 0) != 0;
}

bool onnx_node_text_is(const lowering *w, const char *name, const char *word) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    return a != NULL && onnx_text_is(a->s, word);
}

jc_status onnx_node_require(lowering *w, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        if (onnx_node_input(w, i) == NULL) {
            return onnx_lower_fail(w, JC_EPARSE, "it has %zu inputs, but needs %zu",
                                   w->node->n_inputs, n);
        }
    }
    return JC_OK;
}

jc_status onnx_node_ints(lowering *w, const char *attribute, size_t input, const int64_t **out_ints,
                         size_t *out_n) {
    *out_n = 0;
    const onnx_attribute *a = attribute == NULL ? NULL : onnx_node_attribute(w->node, attribute);
    if (a != NULL) {
        *out_ints = a->ints;
        *out_n = a->n_ints;
        return JC_OK;
    }
    const onnx_value *v = onnx_node_input(w, input);
    if (v == NULL) {
        return JC_OK;
    }
    if (v->cells == NULL || onnx_type_is_real(v->type)) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED,
                               "its input %zu must be integers that are known without running it",
                               input);
    }
    const size_t n = (size_t)onnx_shape_elements(&v->shape);
    int64_t *ints = jc_arena_take(w->arena, n, sizeof *ints);
    if (ints == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (size_t i = 0; i < n; ++i) {
        ints[i] = v->cells[i].i;
    }
    *out_ints = ints;
    *out_n = n;
    return JC_OK;
}

jc_status onnx_node_axis(lowering *w, int64_t axis, int rank, int *out_axis) {
    if (axis < -rank || axis >= rank) {
        return onnx_lower_fail(w, JC_ESHAPE, "axis %" PRId64 " is none of a tensor of rank %d",
                               axis, rank);
    }
    *out_axis = (int)(axis < 0 ? axis + rank : axis);
    return JC_OK;
}
