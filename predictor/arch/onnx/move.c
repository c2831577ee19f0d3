// SPDX-License-Identifier: Apache-2.0
// Tensors turned, joined, cut and looked up.
#include "ops.h"

#include <inttypes.h>
#include <string.h>

// --- Transpose ----------------------------------------------------------------------------------

jc_status onnx_transpose_order(lowering *w, int order[ONNX_MAX_RANK]) {
    const int rank = onnx_node_input(w, 0)->shape.rank;
    const onnx_attribute *a = onnx_node_attribute(w->node, "perm");
    unsigned seen = 0;
    for (int i = 0; i < rank; ++i) {
        order[i] = rank - 1 - i;
        if (a != NULL && a->n_ints == (size_t)rank) {
            order[i] = a->ints[i] >= 0 && a->ints[i] < rank ? (int)a->ints[i] : 0;
        }
        seen |= 1U << order[i];
    }
    if (seen != (1U << rank) - 1 || (a != NULL && a->n_ints != (size_t)rank)) {
        return onnx_lower_fail(w, JC_ESHAPE, "perm is no order of the %d axes", rank);
    }
    return JC_OK;
}

jc_status onnx_infer_transpose(lowering *w) {
    int order[ONNX_MAX_RANK] = {0};
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_transpose_order(w, order);
    }
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape out = onnx_shape_permute(&onnx_node_input(w, 0)->shape, order);
    return onnx_set_output(w, 0, &out);
}

// Axes of the input's sample shape in the order of the output's; the batch axis may hold others
// beside the batch. @return their number, or −1 where axes were made one
static int sample_order(const lowering *w, const int *order, int *out) {
    const onnx_shape *in = &onnx_node_input(w, 0)->shape;
    const jc_shape own = onnx_value_sample_shape(w, onnx_node_input(w, 0));
    int start[ONNX_MAX_RANK + 1] = {0}; // first sample axis of each axis
    int next = 1;
    for (int i = 0; i < in->rank; ++i) {
        start[i] = next;
        if (i == in->batch_axis) {
            const int64_t others = in->dim[i] / w->batch.file;
            next += (in->outer > 1) + (others / in->outer > 1);
        } else {
            ++next;
        }
    }
    start[in->rank] = next;
    if (next != own.rank) {
        return -1;
    }
    int n = 0;
    for (int i = 0; i < in->rank; ++i) {
        for (int axis = start[order[i]]; axis < start[order[i] + 1]; ++axis) {
            out[n++] = axis;
        }
    }
    return n;
}

// Nothing moves where only the batch and axes of size 1 change places.
static bool moves(const jc_shape *shape, const int *order, int n) {
    int last = 0;
    for (int i = 0; i < n; ++i) {
        if (shape->dim[order[i]] == 1) {
            continue;
        }
        if (order[i] < last) {
            return true;
        }
        last = order[i];
    }
    return false;
}

jc_status onnx_emit_transpose(lowering *w) {
    int order[ONNX_MAX_RANK] = {0};
    int axes[2 * ONNX_MAX_RANK];
    jc_status status = onnx_transpose_order(w, order);
    onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    const jc_shape own = onnx_value_sample_shape(w, x);
    const int n = sample_order(w, order, axes);
    if (n >= 0 && !moves(&own, axes, n)) {
        out->layer = x->layer;
        return JC_OK;
    }
    emission e;
    if (n < 0) {
        return onnx_emit_copy(w);
    }
    status = onnx_emission_begin(w, &e, "permute", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "dims", 0, n);
    for (int i = 0; i < n; ++i) {
        onnx_emission_set(&e, "dims", 1 + i, axes[i]);
    }
    return onnx_emit_simple(w, &e, x, 0);
}

// --- Concat, Split ------------------------------------------------------------------------------

jc_status onnx_infer_concat(lowering *w) {
    jc_status status = onnx_node_require(w, 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    int axis = 0;
    status = onnx_node_axis(w, onnx_node_int(w, "axis", 0), out.rank, &axis);
    for (size_t i = 1; i < w->node->n_inputs && status == JC_OK; ++i) {
        const onnx_value *v = onnx_node_input(w, i);
        bool fits = v != NULL && v->shape.rank == out.rank;
        for (int k = 0; k < out.rank && fits; ++k) {
            fits = k == axis || v->shape.dim[k] == out.dim[k];
        }
        if (!fits) {
            return onnx_lower_fail(w, JC_ESHAPE, "its inputs differ in another axis than %d", axis);
        }
        out.dim[axis] = jc_add_saturating(out.dim[axis], v->shape.dim[axis]);
        if (out.batch_axis < 0) {
            out.batch_axis = v->shape.batch_axis;
            out.outer = v->shape.outer;
        }
    }
    return status == JC_OK ? onnx_set_output(w, 0, &out) : status;
}

jc_status onnx_emit_concat(lowering *w) {
    const onnx_value *out = onnx_node_output(w, 0);
    int axis = 0;
    jc_status status = out == NULL
                           ? JC_OK
                           : onnx_node_axis(w, onnx_node_int(w, "axis", 0), out->shape.rank, &axis);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    const int at = onnx_shape_sample_axis(&out->shape, &w->batch, axis);
    if (w->node->n_inputs == 1) {
        onnx_node_output(w, 0)->layer = onnx_node_input(w, 0)->layer;
        return JC_OK;
    }
    if (at < 0) {
        return onnx_emit_copy(w);
    }
    emission e;
    status = onnx_emission_begin(w, &e, "concat", w->node->n_inputs);
    if (status == JC_OK) {
        onnx_emission_set(&e, "dim", 0, at);
    }
    for (size_t i = 0; i < w->node->n_inputs && status == JC_OK; ++i) {
        onnx_value *v = onnx_node_input(w, i);
        onnx_shape like = out->shape;
        jc_shape shape;
        like.dim[axis] = v->shape.dim[axis];
        if (!onnx_shape_align(&v->shape, &like, &w->batch, &shape)) {
            return onnx_emit_copy(w);
        }
        status = onnx_emission_input(w, &e, v, &shape);
    }
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, -1, &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_infer_split(lowering *w) {
    const int64_t *sizes = NULL;
    size_t n = 0;
    int axis = 0;
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_node_ints(w, "split", 1, &sizes, &n);
    }
    if (status == JC_OK) {
        status = onnx_node_axis(w, onnx_node_int(w, "axis", 0), onnx_node_input(w, 0)->shape.rank,
                                &axis);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    const int64_t parts = (int64_t)w->node->n_outputs;
    int64_t left = out.dim[axis];
    if (parts == 0 || (n > 0 && n != w->node->n_outputs)) {
        return onnx_lower_fail(w, JC_ESHAPE, "it has %zu sizes for %" PRId64 " outputs", n, parts);
    }
    const int64_t chunk = (left + parts - 1) / parts;
    for (size_t i = 0; i < w->node->n_outputs && status == JC_OK; ++i) {
        out.dim[axis] = n > 0 ? sizes[i] : chunk < left ? chunk : left;
        if (out.dim[axis] < 1 || out.dim[axis] > left) {
            return onnx_lower_fail(w, JC_ESHAPE, "its sizes do not fit axis %d", axis);
        }
        left -= out.dim[axis];
        status = onnx_set_output(w, i, &out);
    }
    return status;
}

// One part of one axis as output i.
static jc_status emit_narrow(lowering *w, onnx_value *x, int at, const int64_t part[3], size_t i) {
    emission e;
    const jc_status status = onnx_emission_begin(w, &e, "narrow", 1);
    if (status != JC_OK) {
        return status;
    }
    onnx_emission_set(&e, "dim", 0, at);
    onnx_emission_set(&e, "start", 0, part[0]);
    onnx_emission_set(&e, "length", 0, part[1]);
    onnx_emission_set(&e, "step", 0, part[2]);
    return onnx_emit_simple(w, &e, x, i);
}

jc_status onnx_emit_split(lowering *w) {
    onnx_value *x = onnx_node_input(w, 0);
    int axis = 0;
    jc_status status = onnx_node_axis(w, onnx_node_int(w, "axis", 0), x->shape.rank, &axis);
    const int at = status == JC_OK ? onnx_shape_sample_axis(&x->shape, &w->batch, axis) : -1;
    if (status != JC_OK || at < 0) {
        return status != JC_OK ? status : onnx_emit_copy(w);
    }
    int64_t start = 0;
    for (size_t i = 0; i < w->node->n_outputs && status == JC_OK; ++i) {
        const onnx_value *out = onnx_node_output(w, i);
        if (out == NULL) {
            return onnx_lower_fail(w, JC_EPARSE, "output %zu has no name", i);
        }
        const int64_t part[3] = {start, out->shape.dim[axis], 1};
        start += part[1];
        if (out->n_uses > 0) {
            status = emit_narrow(w, x, at, part, i);
        }
    }
    return status;
}

// --- Slice --------------------------------------------------------------------------------------

jc_status onnx_infer_slice(lowering *w) {
    int64_t first[ONNX_MAX_RANK];
    int64_t step[ONNX_MAX_RANK];
    int64_t size[ONNX_MAX_RANK];
    jc_status status = onnx_node_require(w, 1);
    if (status == JC_OK) {
        status = onnx_slice_bounds(w, first, step, size);
    }
    if (status != JC_OK) {
        return status;
    }
    onnx_shape out = onnx_node_input(w, 0)->shape;
    for (int i = 0; i < out.rank; ++i) {
        if (i == out.batch_axis && size[i] != out.dim[i]) {
            out.batch_axis = -1; // a part of the file's batch: no longer one
        }
        out.dim[i] = size[i];
    }
    return onnx_set_output(w, 0, &out);
}

jc_status onnx_emit_slice(lowering *w) {
    int64_t first[ONNX_MAX_RANK];
    int64_t step[ONNX_MAX_RANK];
    int64_t size[ONNX_MAX_RANK];
    jc_status status = onnx_slice_bounds(w, first, step, size);
    const onnx_value *x = onnx_node_input(w, 0);
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    onnx_value part = *x; // cut along one axis after the other
    const onnx_shape wanted = out->shape;
    for (int i = 0; i < x->shape.rank && status == JC_OK; ++i) {
        if (size[i] == x->shape.dim[i] && step[i] == 1) {
            continue;
        }
        const int at = onnx_shape_sample_axis(&part.shape, &w->batch, i);
        if (at < 0 || step[i] < 0) {
            out->shape = wanted;
            return onnx_emit_copy(w);
        }
        const int64_t bounds[3] = {first[i], size[i], step[i]};
        out->shape = part.shape;
        out->shape.dim[i] = size[i];
        status = emit_narrow(w, &part, at, bounds, 0);
        part = *out;
    }
    out->shape = wanted;
    out->layer = part.layer;
    return status;
}

// --- Gather -------------------------------------------------------------------------------------

static jc_status gather_axis(lowering *w, int *out_axis) {
    const jc_status status = onnx_node_require(w, 2);
    return status == JC_OK ? onnx_node_axis(w, onnx_node_int(w, "axis", 0),
                                            onnx_node_input(w, 0)->shape.rank, out_axis)
                           : status;
}

jc_status onnx_infer_gather(lowering *w) {
    int axis = 0;
    const jc_status status = gather_axis(w, &axis);
    if (status != JC_OK) {
        return status;
    }
    const onnx_shape *data = &onnx_node_input(w, 0)->shape;
    const onnx_shape *indices = &onnx_node_input(w, 1)->shape;
    onnx_shape out = {.rank = data->rank + indices->rank - 1, .batch_axis = -1, .outer = 1};
    if (out.rank > ONNX_MAX_RANK) {
        return onnx_lower_fail(w, JC_EUNSUPPORTED, "its output has more than %d axes",
                               ONNX_MAX_RANK);
    }
    int n = 0;
    for (int i = 0; i < data->rank; ++i) {
        if (i == axis) {
            for (int k = 0; k < indices->rank; ++k) {
                if (k == indices->batch_axis && out.batch_axis < 0) {
                    out.batch_axis = n;
                    out.outer = indices->outer;
                }
                out.dim[n++] = indices->dim[k];
            }
            continue;
        }
        if (i == data->batch_axis) {
            out.batch_axis = n;
            out.outer = data->outer;
        }
        out.dim[n++] = data->dim[i];
    }
    return onnx_set_output(w, 0, &out);
}

static jc_status emit_embedding(lowering *w, const onnx_value *table, onnx_value *indices) {
    emission e;
    jc_status status = onnx_emission_begin(w, &e, "embedding", 1);
    if (status != JC_OK) {
        return status;
    }
    const int64_t rows = table->shape.dim[0];
    const int64_t width = rows > 0 ? onnx_shape_elements(&table->shape) / rows : 0;
    onnx_emission_set(&e, "num_embeddings", 0, rows);
    onnx_emission_set(&e, "embedding_dim", 0, width);
    status = onnx_emission_input(w, &e, indices, NULL);
    uint32_t layer = 0;
    if (status == JC_OK) {
        status = onnx_emission_end(w, &e, onnx_take_params(w, table), &layer);
    }
    return status == JC_OK ? onnx_set_output_layer(w, 0, layer) : status;
}

jc_status onnx_emit_gather(lowering *w) {
    int axis = 0;
    jc_status status = gather_axis(w, &axis);
    onnx_value *data = onnx_node_input(w, 0);
    onnx_value *indices = onnx_node_input(w, 1);
    onnx_value *out = onnx_node_output(w, 0);
    if (status != JC_OK || out == NULL) {
        return status;
    }
    if (data->is_constant && axis == 0 && onnx_value_sample_shape(w, indices).rank < JC_MAX_RANK) {
        return emit_embedding(w, data, indices);
    }
    int64_t index = 0;
    const int at = onnx_shape_sample_axis(&data->shape, &w->batch, axis);
    if (at < 0 && axis == data->shape.batch_axis && data->shape.dim[axis] == 1) {
        out->layer = data->layer; // the one sample of the file
        return JC_OK;
    }
    if (at > 0 && onnx_value_int(indices, &index) && !data->is_constant) {
        emission e;
        status = onnx_emission_begin(w, &e, "select", 1);
        if (status != JC_OK) {
            return status;
        }
        onnx_emission_set(&e, "dim", 0, at);
        onnx_emission_set(&e, "index", 0, index);
        return onnx_emit_simple(w, &e, data, 0);
    }
    return onnx_emit_copy(w);
}
