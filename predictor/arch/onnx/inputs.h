// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: the inputs of a network. */
#ifndef JC_ARCH_ONNX_INPUTS_H
#define JC_ARCH_ONNX_INPUTS_H

#include "lower.h"

/**
 * Choose the batch and add a layer for each input that a node takes.
 *
 * Sizes that the file leaves open come from the caller (jc_graph_options.inputs): of the input
 * itself, or of another one that calls a size by the same name.
 *
 * @retval JC_ESHAPE  a size stays open, or contradicts the file
 */
JC_MUST_USE jc_status onnx_add_inputs(lowering *w);

#endif
