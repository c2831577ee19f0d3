// SPDX-License-Identifier: Apache-2.0
// Operators that only change how a tensor is seen: shapes, no layers.
#include "ops.h"

#include <inttypes.h>

jc_status onnx_infer_same(lowering *w) {
    jc_status status = onnx_node_require(w, 1);
    for (size_t i = 0; i < w->node->n_outputs && status == JC_OK; ++i) {
        status = onnx_set_output(w, i, &onnx_node_input(w, 0)->shape);
    }
    return status;
}

jc_status onnx_infer_cast(lowering *w) {
    if (onnx_node_output(w, 0) != NULL) {
        onnx_node_output(w, 0)->type = onnx_node_int(w, "to", ONNX_FLOAT);
    }
    return onnx_infer_same(w);
}

// The real numbers that 8-bit integers stand for; whoever takes them computes in 8 bits.
jc_status onnx_infer_dequantize(lowering *w) {
    const jc_status status = onnx_infer_same(w);
    onnx_value *out = onnx_node_output(w, 0);
    if (status == JC_OK && out != NULL) {
        const bool real = onnx_text_is(w->node->op_type, "DequantizeLinear");
        out->type = real ? ONNX_FLOAT : ONNX_INT8;
        out->is_int8 = true;
    }
    return status;
}

// Integers, their scale and their zero.
jc_status onnx_infer_dynamic_quantize(lowering *w) {
    jc_status status = onnx_node_require(w, 1);
    const onnx_shape scalar = onnx_shape_of(0, NULL);
    if (status == JC_OK) {
        status = onnx_set_output(w, 0, &onnx_node_input(w, 0)->shape);
    }
    for (size_t i = 1; i < 3 && status == JC_OK; ++i) {
        status = onnx_set_output(w, i, &scalar);
        onnx_value *out = onnx_node_output(w, i);
        if (out !=
            NULL) { // one number for all samples: what takes it is a scaling, as by a constant
            out->is_constant = true;
        }
    }
    if (status == JC_OK && onnx_node_output(w, 0) != NULL) {
        onnx_node_output(w, 0)->type = ONNX_UINT8;
        onnx_node_output(w, 0)->is_int8 = true;
    }
    return status;
}

jc_status onnx_infer_reshape(lowering *w) {
    const int64_t *sizes = NULL;
    size_t n = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_node_ints(w, "shape", 1, &sizes, &n);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    onnx_shape out = {.rank = (int)n, .batch_axis = -1, .outer = 1};
    if (n > ONNX_MAX_RANK) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED, "its output has %zu axes, more than %d", n,
                               ONNX_MAX_RANK);
    }
    int free_axis = -1;
    int64_t known = 1;
    for (int i = 0; i < out.rank; ++i) {
        out.dim[i] = sizes[i];
        if (sizes[i] == 0 && i < in->rank && !onnx_node_flag(w, "allowzero")) {
            out.dim[i] = in->dim[i];
        }
        if (out.dim[i] == -1 && free_axis < 0) {
            free_axis = i;
        } else if (out.dim[i] < 0) {
            return onnx_lower_fail(w, JC_ESHAPE, "its shape has the size %" PRId64, out.dim[i]);
        } else {
            known = jc_mul_saturating(known, out.dim[i]);
        }
    }
    const int64_t have = onnx_shape_elements(in);
    if (free_axis >= 0) {
        out.dim[free_axis] = known > 0 ? have / known : 0;
        known = jc_mul_saturating(known, out.dim[free_axis]);
    }
    if (known != have) {
        return onnx_lower_fail(w, JC_ESHAPE,
                               "its shape asks for %" PRId64 " values, but the input has %" PRId64,
                               known, have);
    }
    onnx_shape_reshape_batch(in, &w->batch, &out);
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_infer_flatten(lowering *w) {
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    int axis = in->rank;
    const int64_t given = onnx_node_int(w, "axis", 1);
    if (given != in->rank) {
        status = onnx_node_axis(w, given, in->rank, &axis);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = {.rank = 2, .dim = {1, 1}, .batch_axis = -1, .outer = 1};
    for (int i = 0; i < in->rank; ++i) {
        out.dim[i < axis ? 0 : 1] = jc_mul_saturating(out.dim[i < axis ? 0 : 1], in->dim[i]);
    }
    onnx_shape_reshape_batch(in, &w->batch, &out);
    return onnx_set_output(w, 0, &out);
}

// A bit for each axis of a list, which may count from the end; of `rank` axes.
static jc_status read_axes(lowering *w, int rank, const int64_t *axes, size_t n,
                           unsigned *out_bits) {
    unsigned bits = 0;
    for (size_t i = 0; i < n; ++i) {
        int axis = 0;
        const jc_status status = onnx_node_axis(w, axes[i], rank, &axis);
        if (status != JC_OK) {
            return status;
        }
        if ((bits & 1U << axis) != 0) {
            return onnx_lower_fail(w, JC_ESHAPE, "axis %d stands there twice", axis);
        }
        bits |= 1U << axis;
    }
    *out_bits = bits;
    return JC_OK;
}

jc_status onnx_infer_squeeze(lowering *w) {
    const int64_t *axes = NULL;
    size_t n = 0;
    unsigned bits = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_node_ints(w, "axes", 1, &axes, &n);
    }
    if (status == JC_OK) {
        status = read_axes(w, onnx_node_input(w, 0)->shape.rank, axes, n, &bits);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    onnx_shape out = {.batch_axis = -1, .outer = 1};
    for (int i = 0; i < in->rank; ++i) {
        if (n == 0 ? in->dim[i] != 1 : (bits & 1U << i) == 0) {
            out.dim[out.rank++] = in->dim[i];
        } else if (in->dim[i] != 1) {
            return onnx_lower_fail(w, JC_ESHAPE, "axis %d has the size %" PRId64 ", not 1", i,
                                   in->dim[i]);
        }
    }
    onnx_shape_reshape_batch(in, &w->batch, &out);
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_infer_unsqueeze(lowering *w) {
    const int64_t *axes = NULL;
    size_t n = 0;
    unsigned bits = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_node_ints(w, "axes", 1, &axes, &n);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    onnx_shape out = {.batch_axis = -1, .outer = 1};
    if ((size_t)in->rank + n > ONNX_MAX_RANK) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED, "its output has more than %d axes",
                               ONNX_MAX_RANK);
    }
    out.rank = in->rank + (int)n;
    status = read_axes(w, out.rank, axes, n, &bits);
    if (status != JC_OK) {
        return status;
    }
    for (int i = 0, from = 0; i < out.rank; ++i) {
        if ((bits & 1U << i) != 0) {
            out.dim[i] = 1;
            continue;
        }
        if (from == in->batch_axis) {
            out.batch_axis = i;
            out.outer = in->outer;
        }
        out.dim[i] = in->dim[from++];
    }
    return onnx_set_output(w, 0, &out);
}
