// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to common/op: sliding windows over a plane, one arithmetic for convolution and pooling.
 */
#ifndef JC_OP_WINDOW_H
#define JC_OP_WINDOW_H

#include <joulecast/op.h>

/** Value slots that every windowed operator begins with; vertical first. */
enum {
    WINDOW_KERNEL = 0,   // 2 slots
    WINDOW_STRIDE = 2,   // 2
    WINDOW_PADDING = 4,  // 4: top, left, bottom, right
    WINDOW_DILATION = 8, // 2
    WINDOW_FIRST_FREE = 10,
};

/** Replace `same` by the padding it stands for (PyTorch: stride 1 only, the odd cell at the end).
 */
jc_status window_resolve_padding(jc_op_call *call, jc_error *err);

/**
 * Output size along one axis (0 = vertical, 1 = horizontal):
 * floor or ceil of (in + padding − dilation·(kernel − 1) − 1)/stride, plus 1.
 * In ceil mode a window that would begin beyond the input and its first padding is left out.
 *
 * @retval JC_ESHAPE  the window does not fit
 */
jc_status window_infer_axis(const jc_op_call *call, int axis, bool ceil_mode, int64_t *out_size,
                            jc_error *err);

/** Sizes that all windowed kernels share, from the call's parameters and the output. */
void window_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size);

#endif
