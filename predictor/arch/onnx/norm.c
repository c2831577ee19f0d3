// SPDX-License-Identifier: Apache-2.0
// Normalisations.
#include "ops.h"

// A layer of input 0 whose learned values are those of two other inputs.
static jc_status finish(lowering *w, emission *e, const onnx_value *scale, const onnx_value *bias) {
    jc_status status = onnx_emission_input(w, e, onnx_node_input(w, 0), NULL);
    uint32_t layer = 0;
    if (status == JC_OK) {
        const int64_t params =
            jc_add_saturating(onnx_take_params(w, scale), onnx_take_params(w, bias));
        status = onnx_emission_end(w, e, params, &layer);
    }
    if (status == JC_OK) {
        status = onnx_set_output(w, 0, &onnx_node_input(w, 0)->shape);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

static jc_status begin(lowering *w, emission *e, const char *op, size_t n_inputs) {
    const jc_status status = onnx_node_require(w, n_inputs);
    return status == JC_OK ? onnx_emission_begin(w, e, op, 1) : status;
}

static bool is_plain(const lowering *w, const onnx_value *v) {
    return onnx_shape_is_plain(&v->shape, &w->batch) && v->shape.rank >= 2 &&
           v->shape.rank <= JC_MAX_RANK;
}

// Statistics are those of training; in training mode they would be computed, which nobody exports.
jc_status onnx_emit_batch_norm(lowering *w) {
    emission e;
    const jc_status status = begin(w, &e, "batch_norm", 5);
    if (status != JC_OK) {
        return status;
    }
    return is_plain(w, onnx_node_input(w, 0))
               ? finish(w, &e, onnx_node_input(w, 1), onnx_node_input(w, 2))
               : onnx_emit_other(w);
}

jc_status onnx_emit_layer_norm(lowering *w) {
    emission e;
    jc_status status = begin(w, &e, "layer_norm", 1);
    int axis = 0;
    if (status == JC_OK) {
        status = onnx_node_axis(w, onnx_node_int(w, "axis", -1), onnx_node_input(w, 0)->shape.rank,
                                &axis);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    const int n = in->rank - axis;
    const int64_t assumed = onnx_node_int(w, "rank", 0); // by pattern.c, which saw no shapes yet
    if ((assumed != 0 && assumed != in->rank) || in->batch_axis >= axis ||
        onnx_shape_sample_axis(in, &w->batch, axis) < 0) {
        return onnx_emit_other(w);
    }
    onnx_emission_set(&e, "normalized_shape", 0, n);
    for (int i = 0; i < n; ++i) {
        onnx_emission_set(&e, "normalized_shape", 1 + i, in->dim[axis + i]);
    }
    onnx_emission_set(&e, "elementwise_affine", 0, onnx_node_input(w, 1) != NULL);
    onnx_emission_set(&e, "bias", 0, onnx_node_input(w, 2) != NULL);
    return finish(w, &e, onnx_node_input(w, 1), onnx_node_input(w, 2));
}

jc_status onnx_emit_instance_norm(lowering *w) {
    emission e;
    const jc_status status = begin(w, &e, "instance_norm", 3);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "affine", 0, 1);
    return is_plain(w, onnx_node_input(w, 0))
               ? finish(w, &e, onnx_node_input(w, 1), onnx_node_input(w, 2))
               : onnx_emit_other(w);
}

jc_status onnx_emit_group_norm(lowering *w) {
    emission e;
    const jc_status status = begin(w, &e, "group_norm", 3);
    if (status != JC_OK) {
        return status;
    }
    const int64_t groups = onnx_node_int(w, "num_groups", 0);
    if (groups < 1) {
        return onnx_lower_fail(w, JC_ESHAPE, "num_groups must be positive");
    }
    onnx_emission_set(&e, "num_groups", 0, groups);
    return is_plain(w, onnx_node_input(w, 0))
               ? finish(w, &e, onnx_node_input(w, 1), onnx_node_input(w, 2))
               : onnx_emit_other(w);
}

jc_status onnx_emit_lrn(lowering *w) {
    emission e;
    const jc_status status = begin(w, &e, "lrn", 1);
    if (status != JC_OK) {
        return status;
    }
    const int64_t size = onnx_node_int(w, "size", 0);
    if (size < 1) {
        return onnx_lower_fail(w, JC_ESHAPE, "size must be positive");
    }
    onnx_emission_set(&e, "size", 0, size);
    onnx_emission_set_real(&e, "alpha", onnx_node_real(w, "alpha", 1e-4));
    onnx_emission_set_real(&e, "beta", onnx_node_real(w, "beta", 0.75));
    onnx_emission_set_real(&e, "k", onnx_node_real(w, "bias", 1));
    return is_plain(w, onnx_node_input(w, 0)) && onnx_node_input(w, 0)->shape.rank == 4
               ? finish(w, &e, NULL, NULL)
               : onnx_emit_other(w);
}
