// SPDX-License-Identifier: Apache-2.0
// Shapes as a file has them, and where the batch is in them.
#include "shape.h"

#include "common/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t onnx_shape_elements(const onnx_shape *shape) {
    int64_t n = 1;
    for (int i = 0; i < shape->rank; ++i) {
        n = jc_mul_saturating(n, shape->dim[i]);
    }
    return n;
}

bool onnx_shape_is_plain(const onnx_shape *shape, const onnx_batch *batch) {
    return shape->batch_axis == 0 && shape->dim[0] == batch->file;
}

// The other axes in order, into axes[2 · ONNX_MAX_RANK]. @return their number
static int sample_axes(const onnx_shape *shape, const onnx_batch *batch, int64_t *axes) {
    int n = 0;
    for (int i = 0; i < shape->rank; ++i) {
        if (i != shape->batch_axis) {
            axes[n++] = shape->dim[i];
            continue;
        }
        const int64_t others = shape->dim[i] / batch->file;
        if (shape->outer > 1) {
            axes[n++] = shape->outer;
        }
        if (others / shape->outer > 1) {
            axes[n++] = others / shape->outer;
        }
    }
    return n;
}

jc_shape onnx_shape_to_sample(const onnx_shape *shape, const onnx_batch *batch) {
    int64_t axes[2 * ONNX_MAX_RANK];
    const int n = sample_axes(shape, batch, axes);
    const int merged = n > JC_MAX_RANK - 1 ? n - (JC_MAX_RANK - 1) : 0;
    jc_shape out = {.rank = n - merged + 1, .dim = {batch->wanted}};
    int64_t first = 1;
    for (int i = 0; i < merged; ++i) {
        first = jc_mul_saturating(first, axes[i]);
    }
    for (int i = merged; i < n; ++i) {
        out.dim[1 + i - merged] = axes[i];
    }
    if (merged > 0) {
        out.dim[1] = jc_mul_saturating(out.dim[1], first);
    }
    return out;
}

int onnx_shape_sample_axis(const onnx_shape *shape, const onnx_batch *batch, int axis) {
    int64_t axes[2 * ONNX_MAX_RANK];
    if (axis == shape->batch_axis || sample_axes(shape, batch, axes) > JC_MAX_RANK - 1) {
        return -1;
    }
    onnx_shape before = *shape;
    before.rank = axis;
    before.batch_axis = shape->batch_axis < axis ? shape->batch_axis : -1;
    return 1 + sample_axes(&before, batch, axes);
}

// The batch is found where as many elements stand before it as before: at the start of an axis, as
// frameworks merge axes (batch · heads), but not with the last one, which holds features; else
// within one (length · batch).
void onnx_shape_reshape_batch(const onnx_shape *in, const onnx_batch *batch, onnx_shape *out) {
    out->batch_axis = -1;
    out->outer = 1;
    if (in->batch_axis < 0) {
        return;
    }
    int64_t before = in->outer;
    for (int i = 0; i < in->batch_axis; ++i) {
        before = jc_mul_saturating(before, in->dim[i]);
    }
    int64_t prefix = 1;
    for (int i = 0; i < out->rank; ++i) {
        const int64_t outer = prefix > 0 && before % prefix == 0 ? before / prefix : 0;
        const int64_t chunk = jc_mul_saturating(outer, batch->file);
        const bool is_features = i > 0 && i == out->rank - 1 && out->batch_axis >= 0;
        if (chunk > 0 && out->dim[i] % chunk == 0 && !is_features) {
            out->batch_axis = i;
            out->outer = outer;
            if (outer == 1) {
                return;
            }
        }
        prefix = jc_mul_saturating(prefix, out->dim[i]);
    }
}

onnx_shape onnx_shape_permute(const onnx_shape *in, const int *order) {
    onnx_shape out = *in;
    for (int i = 0; i < in->rank; ++i) {
        out.dim[i] = in->dim[order[i]];
        if (order[i] == in->batch_axis) {
            out.batch_axis = i;
        }
    }
    return out;
}

bool onnx_shape_broadcast(const onnx_shape *a, const onnx_shape *b, onnx_shape *out) {
    const onnx_shape *wide = a->rank >= b->rank ? a : b;
    const onnx_shape *narrow = a->rank >= b->rank ? b : a;
    const int shift = wide->rank - narrow->rank;
    onnx_shape result = *wide;
    for (int i = 0; i < narrow->rank; ++i) {
        int64_t *size = &result.dim[shift + i];
        if (*size != narrow->dim[i] && *size != 1 && narrow->dim[i] != 1) {
            return false;
        }
        *size = *size == 1 ? narrow->dim[i] : *size;
    }
    if (wide->batch_axis < 0 && narrow->batch_axis >= 0) {
        result.batch_axis = narrow->batch_axis + shift;
        result.outer = narrow->outer;
    }
    *out = result;
    return true;
}

bool onnx_shape_align(const onnx_shape *shape, const onnx_shape *out, const onnx_batch *batch,
                      jc_shape *out_shape) {
    const int shift = out->rank - shape->rank;
    onnx_shape wide = *out;
    if (shift < 0) {
        return false;
    }
    for (int i = 0; i < out->rank; ++i) {
        wide.dim[i] = i < shift ? 1 : shape->dim[i - shift];
    }
    const bool has_batch = shape->batch_axis >= 0;
    const int at = out->batch_axis;
    if (has_batch && (shape->batch_axis + shift != at || shape->outer != out->outer)) {
        return false;
    }
    if (at >= 0 && wide.dim[at] % batch->file != 0) { // repeated over the batch axis
        wide.dim[at] = batch->file;
        wide.outer = 1;
    }
    int64_t axes[2 * ONNX_MAX_RANK];
    int64_t wanted[2 * ONNX_MAX_RANK];
    int n = sample_axes(&wide, batch, axes);
    const int n_wanted = sample_axes(out, batch, wanted);
    if (n < n_wanted && at >= 0) { // axes of size 1 in place of what the batch axis holds besides
        int64_t rest[2 * ONNX_MAX_RANK];
        onnx_shape before = wide;
        before.rank = at;
        before.batch_axis = -1;
        const int n_before = sample_axes(&before, batch, rest);
        const int missing = n_wanted - n;
        memmove(axes + n_before + missing, axes + n_before,
                (size_t)(n - n_before) * sizeof axes[0]);
        for (int i = 0; i < missing; ++i) {
            axes[n_before + i] = 1;
        }
        n = n_wanted;
    }
    if (n != n_wanted || n > JC_MAX_RANK - 1) {
        const bool same = n == n_wanted && memcmp(axes, wanted, (size_t)n * sizeof axes[0]) == 0;
        if (same) {
            *out_shape = onnx_shape_to_sample(out, batch);
        }
        return same;
    }
    *out_shape = (jc_shape){.rank = n + 1, .dim = {batch->wanted}};
    memcpy(&out_shape->dim[1], axes, (size_t)n * sizeof axes[0]);
    return true;
}

onnx_shape onnx_shape_of(int rank, const int64_t *dim) {
    onnx_shape shape = {.rank = rank, .batch_axis = -1, .outer = 1};
    if (rank > 0) {
        memcpy(shape.dim, dim, (size_t)rank * sizeof *dim);
    }
    return shape;
}

const char *onnx_shape_format(const onnx_shape *shape, char *buffer) {
    const size_t size = 2 * JC_SHAPE_TEXT_SIZE;
    size_t used = 0;
    (void)snprintf(buffer, size, "%s", shape->rank == 0 ? "a scalar" : "");
    for (int i = 0; i < shape->rank; ++i) {
        used += (size_t)snprintf(buffer + used, size - used, "%s%" PRId64, i == 0 ? "" : "x",
                                 shape->dim[i]);
    }
    return buffer;
}
