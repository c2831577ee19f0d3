// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: the tensors that a kernel by itself reads, weights apart. */
#ifndef JC_EXEC_SHARED_INPUTS_H
#define JC_EXEC_SHARED_INPUTS_H

#include <joulecast/kernel.h>

enum { MOST_KERNEL_INPUTS = 62 }; // of a concat: what oneDNN takes

/** Shapes of the tensors that a kernel reads. */
typedef struct kernel_inputs {
    int n; ///< 0 = no executor of ours runs such a kernel
    int rank[MOST_KERNEL_INPUTS];
    int64_t dims[MOST_KERNEL_INPUTS][4];
} kernel_inputs;

/** The inputs of a kernel whose sizes are complete. */
kernel_inputs kernel_inputs_of(const jc_kernel *kernel);

/**
 * A copy's values in row-major order.
 *
 * @param out_dims  samples, rows, columns, values of a unit at all positions: axes 1 and 2 change
 *                  places
 */
void kernel_copy_dims(const jc_kernel *kernel, int64_t out_dims[4]);

#endif
