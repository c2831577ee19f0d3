// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/onednn: the program of a kernel by itself. */
#ifndef JC_EXEC_ONEDNN_KERNEL_H
#define JC_EXEC_ONEDNN_KERNEL_H

#include "emit.h"

/**
 * Build the program of one kernel. Its tensors are, in this order: the inputs, then the weights,
 * then what the instructions write. Layouts are those that a predecessor in a network leaves.
 */
void build_kernel(program *p, const jc_kernel *kernel);

#endif
