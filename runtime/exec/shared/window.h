// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: what windowed kernels do not say of their padding. */
#ifndef JC_EXEC_SHARED_WINDOW_H
#define JC_EXEC_SHARED_WINDOW_H

#include <joulecast/kernel.h>

/**
 * Padding at the far edge that makes the window rule give the output size; of the transpose, whose
 * window slides over the output, what is cut off there. Negative: so much is never read.
 *
 * @param size  of a windowed kernel
 * @param axis  0 = height, 1 = width
 */
int64_t window_far_padding(const int64_t *size, int axis, bool is_transposed);

/** Whether the window rule gives the output size with the same padding at both edges, which is all
 *  that some libraries know; of the transpose, whether it gives the input size. */
bool window_is_symmetric(const int64_t *size, bool is_transposed);

#endif
