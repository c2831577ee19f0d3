// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/cudnn: types and layouts of tensors. Pure arithmetic, no library.
 *
 * Axes are always in the order of the operators (N, C, H, W); strides say how they lie in memory,
 * so that NHWC is a matter of strides alone.
 */
#ifndef JC_EXEC_CUDNN_LAYOUT_H
#define JC_EXEC_CUDNN_LAYOUT_H

#include <joulecast/shape.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cu_type { CU_F32, CU_F16, CU_BF16, CU_S8, CU_S32 } cu_type;

typedef struct layout {
    cu_type type;
    int rank; ///< 1..JC_MAX_RANK
    int64_t dim[JC_MAX_RANK];
    int64_t stride[JC_MAX_RANK]; ///< elements; ≥ 0
    int64_t offset;              ///< of the first element, elements
} layout;

/** Bytes of one element. */
size_t cu_type_bytes(cu_type type);

/** "f32", …, as in kernels.cu. */
const char *cu_type_name(cu_type type);

/** Row-major order without gaps. */
layout layout_plain(cu_type type, int rank, const int64_t *dims);

/** The same sizes, rank 4, with the channels innermost: NHWC. */
layout layout_channels_last(cu_type type, const int64_t dims[4]);

int64_t layout_elements(const layout *l);

/** Bytes from the beginning of its memory to the end of its last element. */
size_t layout_bytes(const layout *l);

bool layout_same_dims(const layout *a, const layout *b);

/** Whether elements lie alike: strides along axes of size 1 mean nothing, nor does the type. */
bool layout_lies_like(const layout *a, const layout *b);

bool layout_is_plain(const layout *l);         ///< row-major without gaps, anywhere
bool layout_is_channels_last(const layout *l); ///< NHWC without gaps, anywhere

/** Whether its elements fill their memory, in whatever order of the axes. */
bool layout_is_dense(const layout *l);

/** Axis i of the result is axis order[i]. */
layout layout_permute(const layout *l, const int *order);

/** A part of an axis: `length` indices from `start` on, each `step` after the one before. */
layout layout_narrow(const layout *l, int axis, int64_t start, int64_t length, int64_t step);

/** Without an axis of size 1. */
layout layout_drop(const layout *l, int axis);

/**
 * How the flat index of a dense tensor becomes that of an operand with one value for several of its
 * elements: (i / outer_div) · outer_mul + (i / inner) mod period.
 */
typedef struct layout_map {
    int64_t outer_div, outer_mul, inner, period;
} layout_map;

/**
 * Map of an operand whose sizes are 1 along some axes.
 *
 * @param wide   dense
 * @param small  the same rank, each size that of wide or 1; dense
 * @return       false if there is none: the axes of size 1 are not such that one map does
 */
bool layout_broadcast_map(const layout *wide, const layout *small, layout_map *out_map);

#endif
