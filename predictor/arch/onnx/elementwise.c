// SPDX-License-Identifier: Apache-2.0
// Functions of one value, and several tensors combined value by value.
#include "ops.h"

#include <math.h>
#include <string.h>

jc_status onnx_emit_unary(lowering *w) {
    emission e;
    const jc_status status = onnx_emission_begin(w, &e, w->op->op, 1);
    if (status != JC_OK) {
        return status;
    }
    if (jc_op_param(e.request.op, "negative_slope") != NULL) {
        onnx_emission_set_real(&e, "negative_slope", onnx_node_real(w, "alpha", 0.01));
    } else if (jc_op_param(e.request.op, "alpha") != NULL) {
        onnx_emission_set_real(&e, "alpha", onnx_node_real(w, "alpha", 1));
    }
    return onnx_emit_simple(w, &e, onnx_node_input(w, 0), 0);
}

// A bound of Clip: an attribute in old files, an input in new ones; an infinite one is none.
static jc_status clip_bound(lowering *w, const char *name, size_t input, double none,
                            double *out_bound) {
    const onnx_attribute *a = onnx_node_attribute(w->node, name);
    const onnx_value *v = onnx_node_input(w, input);
    *out_bound = a != NULL && a->has_f ? a->f : none;
    if (v != NULL && !onnx_value_real(v, out_bound)) {
        *out_bound = none; // computed, or not in the file
    }
    const bool is_wrong = isnan(*out_bound) || (isinf(*out_bound) && *out_bound * none < 0);
    return is_wrong ? onnx_lower_fail(w, JC_EPARSE, "its bound '%s' is %g", name, *out_bound)
                    : JC_OK;
}

jc_status onnx_emit_clip(lowering *w) {
    double low = 0;
    double high = 0;
    jc_status status = clip_bound(w, "min", 1, -(double)INFINITY, &low);
    if (status == JC_OK) {
        status = clip_bound(w, "max", 2, (double)INFINITY, &high);
    }
    if (status != JC_OK) {
        return status;
    }
    const bool unbounded = !(high < 3e38); // old exporters write the largest float
    const char *op = low == 0 && high == 6 ? "relu6" : low == 0 && unbounded ? "relu" : "clamp";
    emission e;
    status = onnx_emission_begin(w, &e, op, 1);
    if (status != JC_OK) {
        return status;
    }
    if (strcmp(op, "clamp") == 0) {
        onnx_emission_set_real(&e, "min", low);
        onnx_emission_set_real(&e, "max", high);
    }
    return onnx_emit_simple(w, &e, onnx_node_input(w, 0), 0);
}

// To another type; to the same one it is a view.
jc_status onnx_emit_cast(lowering *w) {
    onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    if (out == NULL) {
        return JC_OK;
    }
    if (out->type == x->type) {
        out->layer = x->layer;
        return JC_OK;
    }
    return onnx_emit_copy(w);
}

// Between kernels of integers it is done where they write. At the edge of the network, real numbers
// come in or go out, and somebody has to pass over them.
jc_status onnx_emit_quantize(lowering *w) {
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    if (out == NULL) {
        return JC_OK;
    }
    const bool comes_in = x->layer != ONNX_NO_LAYER && w->graph->layers[x->layer].op == NULL &&
                          onnx_text_is(w->node->op_type, "QuantizeLinear");
    if (comes_in || out->is_output) {
        return onnx_emit_copy(w);
    }
    out->layer = x->layer;
    return JC_OK;
}

jc_status onnx_emit_prelu(lowering *w) {
    jc_status status = onnx_node_require(w, 2);
    if (status != JC_OK) {
        return status;
    }
    onnx_value *slope = onnx_node_input(w, 1);
    emission e;
    status = onnx_emission_begin(w, &e, "prelu", 1);
    if (status != JC_OK || !slope->is_constant) {
        return status != JC_OK ? status : onnx_emit_other(w);
    }
    const jc_shape shape = onnx_value_sample_shape(w, onnx_node_input(w, 0));
    const int64_t n = onnx_shape_elements(&slope->shape);
    onnx_emission_set(&e, "num_parameters", 0, shape.rank > 1 && n == shape.dim[1] ? n : 1);
    status = onnx_emission_input(w, &e, onnx_node_input(w, 0), NULL);
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, onnx_take_params(w, slope), &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_emit_softmax(lowering *w) {
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    int axis = 0;
    jc_status status =
        onnx_node_axis(w, onnx_node_int(w, "axis", w->model->opset < 13 ? 1 : -1), in->rank, &axis);
    if (status != JC_OK) {
        return status;
    }
    const int at = onnx_shape_sample_axis(in, &w->batch, axis);
    if (at < 0) {
        return onnx_emit_other(w);
    }
    emission e;
    status = onnx_emission_begin(w, &e, "softmax", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "dim", 0, at);
    return onnx_emit_simple(w, &e, onnx_node_input(w, 0), 0);
}

// --- Several tensors ----------------------------------------------------------------------------

jc_status onnx_infer_broadcast(lowering *w) {
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    for (size_t i = 1; i < w->node->n_inputs; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        if (v != NULL && !onnx_shape_broadcast(&out, &v->shape, &out)) {
            char a[2 * JC_SHAPE_TEXT_SIZE];
            char b[2 * JC_SHAPE_TEXT_SIZE];
            return onnx_lower_fail(w, JC_ESHAPE, "its operands %s and %s do not broadcast",
                                   onnx_shape_format(&out, a), onnx_shape_format(&v->shape, b));
        }
    }
    onnx_value *result = onnx_node_output(w, 0);
    if (result != NULL && onnx_text_is(w->node->op_type, "Where") &&
        onnx_node_input(w, 1) != NULL) {
        result->type = onnx_node_input(w, 1)->type;
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_infer_compare(lowering *w) {
    if (onnx_node_output(w, 0) != NULL) {
        onnx_node_output(w, 0)->type = ONNX_BOOL;
    }
    return onnx_infer_broadcast(w);
}

// One tensor and numbers: a function of one value.
static jc_status emit_with_scalar(lowering *w, onnx_value *x, const onnx_value *scalar,
                                  bool scalar_first) {
    const char *type = w->op->op;
    double value = 0;
    const char *op = "add_scalar";
    (void)onnx_value_real(scalar, &value); // 0 where the file does not tell: it changes no cost
    if (strcmp(type, "sub") == 0) {
        value = -value;
    } else if (strcmp(type, "mul") == 0 || strcmp(type, "div") == 0) {
        op = strcmp(type, "div") == 0 && scalar_first ? "reciprocal" : "mul_scalar";
        value = strcmp(type, "div") == 0 && value != 0 ? 1 / value : value;
    } else if (strcmp(type, "pow") == 0) {
        op = "pow_scalar";
    } else if (strcmp(type, "maximum") == 0 || strcmp(type, "minimum") == 0) {
        op = "clamp";
    } else if (strcmp(type, "compare") == 0) {
        op = "sign"; // a function of one value, too
    }
    emission e;
    const jc_status status = onnx_emission_begin(w, &e, op, 1);
    if (status != JC_OK) {
        return status;
    }
    if (jc_op_param(e.request.op, "other") != NULL) {
        onnx_emission_set_real(&e, "other", isfinite(value) ? value : 0);
    }
    return onnx_emit_simple(w, &e, x, 0);
}

static bool is_scalar(const onnx_value *v) {
    return v->is_constant && v->n_sources == 0 && onnx_shape_elements(&v->shape) == 1;
}

jc_status onnx_emit_broadcast(lowering *w) {
    const onnx_value *result = onnx_node_output(w, 0);
    if (result == NULL) {
        return JC_OK;
    }
    size_t n_tensors = 0;
    onnx_value *tensor = NULL;
    const onnx_value *scalar = NULL;
    for (size_t i = 0; i < w->node->n_inputs; ++i) {
        onnx_value *v = onnx_node_input(w, i);
        if (v != NULL && is_scalar(v)) {
            scalar = v;
        } else if (v != NULL) {
            tensor = v;
            ++n_tensors;
        }
    }
    const bool grows = n_tensors == 1 &&
                       onnx_shape_elements(&tensor->shape) != onnx_shape_elements(&result->shape);
    if (n_tensors == 1 && scalar != NULL && !grows) {
        return emit_with_scalar(w, tensor, scalar, onnx_node_input(w, 0) == scalar);
    }
    if (w->node->n_inputs == 1) {
        onnx_node_output(w, 0)->layer = tensor->layer; // a Sum of one
        return JC_OK;
    }
    emission e;
    jc_status status = onnx_emission_begin(w, &e, w->op->op, w->node->n_inputs);
    for (size_t i = 0; i < w->node->n_inputs && status == JC_OK; ++i) {
        onnx_value *v = onnx_node_input(w, i);
        jc_shape shape;
        if (v == NULL) {
            continue;
        }
        if (!onnx_shape_align(&v->shape, &result->shape, &w->batch, &shape)) {
            return onnx_emit_other(w);
        }
        status = onnx_emission_input(w, &e, v, &shape);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}
