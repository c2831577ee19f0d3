// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/cudnn: the programs of a kernel by itself and of a network. */
#ifndef JC_EXEC_CUDNN_KERNEL_H
#define JC_EXEC_CUDNN_KERNEL_H

#include "emit.h"

/** Build the program of one kernel. Its tensors are, in this order: the inputs, then the weights,
 *  then what the instructions write. Layouts are those that a predecessor in a network leaves. */
void cu_build_kernel(cu_program *p, const jc_kernel *kernel);

/** Build the program of a network: its tensors passed on from step to step, fused where it can. */
void cu_build_network(cu_program *p, const jc_network *network);

#endif
