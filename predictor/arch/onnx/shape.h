// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/arch/onnx: shapes as a file has them, and where the batch is in them.
 *
 * A file is written for a batch of its own, often 1, and its numbers (targets of Reshape, sizes
 * computed from Shape) hold for that batch only. So shapes are inferred for the file's batch, and
 * each tensor remembers which axis grows with the batch; transposing and reshaping move it. What
 * the rest of the program sees is the tensor with the batch asked for in front of its other axes.
 */
#ifndef JC_ARCH_ONNX_SHAPE_H
#define JC_ARCH_ONNX_SHAPE_H

#include "model.h"

#include <joulecast/shape.h>

/** Sizes at the file's batch. */
typedef struct onnx_shape {
    int rank; ///< 0..ONNX_MAX_RANK
    int64_t dim[ONNX_MAX_RANK];
    int batch_axis; ///< −1 = the tensor is the same for every sample
    /** The batch axis is outer · batch · inner indices merged by a reshape; mostly 1 · batch · 1.
     */
    int64_t outer;
} onnx_shape;

/** Batches: of the file, and asked for. */
typedef struct onnx_batch {
    int64_t file;
    int64_t wanted;
} onnx_batch;

/** Number of elements at the file's batch; saturates. */
int64_t onnx_shape_elements(const onnx_shape *shape);

/** True if axis 0 is the batch and nothing else. */
bool onnx_shape_is_plain(const onnx_shape *shape, const onnx_batch *batch);

/**
 * The shape that the rest of the program sees: batch first, then the other axes in order. Where
 * there are more than JC_MAX_RANK the foremost are made one.
 */
jc_shape onnx_shape_to_sample(const onnx_shape *shape, const onnx_batch *batch);

/** Axis of that shape in which an axis of the file's is found; −1 if the batch is part of it, or
 *  axes were made one. */
int onnx_shape_sample_axis(const onnx_shape *shape, const onnx_batch *batch, int axis);

/** Find the batch again in `out`, whose sizes are set, after a reshape of `in`. */
void onnx_shape_reshape_batch(const onnx_shape *in, const onnx_batch *batch, onnx_shape *out);

/** Axes of `in` in another order: axis i of the result is axis order[i] of `in`. */
onnx_shape onnx_shape_permute(const onnx_shape *in, const int *order);

/** NumPy's broadcasting of two shapes. @return false if they do not fit */
bool onnx_shape_broadcast(const onnx_shape *a, const onnx_shape *b, onnx_shape *out);

/**
 * The shape that the rest of the program sees of an operand that is broadcast to `out`: as many
 * axes as that of `out`, sizes 1 where it is repeated.
 *
 * @return false if the batch of the operand is in another place
 */
bool onnx_shape_align(const onnx_shape *shape, const onnx_shape *out, const onnx_batch *batch,
                      jc_shape *out_shape);

/** Shape of a tensor that is the same for every sample. */
onnx_shape onnx_shape_of(int rank, const int64_t *dim);

/** Format as "1x3x224x224" into buffer[JC_SHAPE_TEXT_SIZE * 2]; returns buffer. */
const char *onnx_shape_format(const onnx_shape *shape, char *buffer);

#endif
