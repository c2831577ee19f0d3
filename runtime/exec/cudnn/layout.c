// SPDX-License-Identifier: Apache-2.0
#include "layout.h"

size_t cu_type_bytes(cu_type type) {
    static const size_t bytes[] = {
        [CU_F32] = 4, [CU_F16] = 2, [CU_BF16] = 2, [CU_S8] = 1, [CU_S32] = 4};
    return bytes[type];
}

const char *cu_type_name(cu_type type) {
    static const char *const names[] = {
        [CU_F32] = "f32", [CU_F16] = "f16", [CU_BF16] = "bf16", [CU_S8] = "s8", [CU_S32] = "s32"};
    return names[type];
}

layout layout_plain(cu_type type, int rank, const int64_t *dims) {
    layout l = {.type = type, .rank = rank};
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; --i) {
        l.dim[i] = dims[i];
        l.stride[i] = stride;
        stride *= dims[i];
    }
    return l;
}

layout layout_channels_last(cu_type type, const int64_t dims[4]) {
    layout l = layout_plain(type, 4, dims);
    l.stride[1] = 1;
    l.stride[3] = dims[1];
    l.stride[2] = dims[1] * dims[3];
    l.stride[0] = dims[1] * dims[3] * dims[2];
    return l;
}

int64_t layout_elements(const layout *l) {
    int64_t n = 1;
    for (int i = 0; i < l->rank; ++i) {
        n *= l->dim[i];
    }
    return n;
}

// Elements from the first to the last, gaps included.
static int64_t span(const layout *l) {
    int64_t last = 0;
    for (int i = 0; i < l->rank; ++i) {
        last += (l->dim[i] - 1) * l->stride[i];
    }
    return last + 1;
}

size_t layout_bytes(const layout *l) {
    return (size_t)(l->offset + span(l)) * cu_type_bytes(l->type);
}

bool layout_same_dims(const layout *a, const layout *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; i < a->rank && same; ++i) {
        same = a->dim[i] == b->dim[i];
    }
    return same;
}

bool layout_lies_like(const layout *a, const layout *b) {
    bool same = layout_same_dims(a, b);
    for (int i = 0; i < a->rank && same; ++i) {
        same = a->dim[i] == 1 || a->stride[i] == b->stride[i];
    }
    return same;
}

bool layout_is_plain(const layout *l) {
    const layout plain = layout_plain(l->type, l->rank, l->dim);
    return layout_lies_like(l, &plain);
}

bool layout_is_channels_last(const layout *l) {
    if (l->rank != 4) {
        return false;
    }
    const layout last = layout_channels_last(l->type, l->dim);
    return layout_lies_like(l, &last);
}

bool layout_is_dense(const layout *l) {
    // As many elements as places, and no two in one place, which views never have.
    return span(l) == layout_elements(l);
}

layout layout_permute(const layout *l, const int *order) {
    layout p = *l;
    for (int i = 0; i < l->rank; ++i) {
        p.dim[i] = l->dim[order[i]];
        p.stride[i] = l->stride[order[i]];
    }
    return p;
}

layout layout_narrow(const layout *l, int axis, int64_t start, int64_t length, int64_t step) {
    layout part = *l;
    part.offset += start * l->stride[axis];
    part.dim[axis] = length;
    part.stride[axis] *= step;
    return part;
}

layout layout_drop(const layout *l, int axis) {
    layout rest = *l;
    for (int i = axis; i + 1 < l->rank; ++i) {
        rest.dim[i] = l->dim[i + 1];
        rest.stride[i] = l->stride[i + 1];
    }
    rest.rank--;
    rest.dim[rest.rank] = 0;
    rest.stride[rest.rank] = 0;
    return rest;
}

// Axes that are wider than 1, the outermost in memory first.
static int order_axes(const layout *l, int order[JC_MAX_RANK]) {
    int n = 0;
    for (int i = 0; i < l->rank; ++i) {
        if (l->dim[i] == 1) {
            continue;
        }
        int at = n++;
        for (; at > 0 && l->stride[order[at - 1]] < l->stride[i]; --at) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return n;
}

// The wide tensor's axes in memory, outermost first, are runs that the small one has or lacks. What
// the map can tell is [outer: has] [lacks] [period: has] [inner: lacks], each of any size, 1 too.
bool layout_broadcast_map(const layout *wide, const layout *small, layout_map *out_map) {
    int order[JC_MAX_RANK];
    const int n = order_axes(wide, order);
    int64_t run[4] = {1, 1, 1, 1}; // lacks, has, lacks, has: from the innermost outwards
    int at = 0;
    int64_t stride = 1; // that the small one must have along the next axis
    for (int i = n - 1; i >= 0; --i) {
        const int axis = order[i];
        const bool has = small->dim[axis] != 1;
        at += (at % 2 == 1) != has;
        if (at > 3 ||
            (has && (small->dim[axis] != wide->dim[axis] || small->stride[axis] != stride))) {
            return false;
        }
        run[at] *= wide->dim[axis];
        stride *= has ? wide->dim[axis] : 1;
    }
    *out_map = (layout_map){.outer_div = run[0] * run[1] * run[2],
                            .outer_mul = run[1],
                            .inner = run[0],
                            .period = run[1]};
    return true;
}
