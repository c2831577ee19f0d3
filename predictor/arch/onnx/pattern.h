// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: several nodes that are one kernel. */
#ifndef JC_ARCH_ONNX_PATTERN_H
#define JC_ARCH_ONNX_PATTERN_H

#include "tensor.h"

/**
 * Replace the last node of each pattern by one operator: silu, hardswish, mish and gelu from their
 * parts, layer normalisation, attention, a product with a bias. Needs `producer` of the values, and
 * initializers known.
 *
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status onnx_find_patterns(lowering *w);

#endif
