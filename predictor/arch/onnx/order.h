// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: which nodes are needed, and in which order. */
#ifndef JC_ARCH_ONNX_ORDER_H
#define JC_ARCH_ONNX_ORDER_H

#include "lower.h"

/**
 * Nodes that the network's outputs depend on, each after those it depends on; in the order of the
 * file where that is such an order, as it should be. Fills in `producer` and `n_uses` of the
 * values.
 *
 * @retval JC_EPARSE  a cycle, a value that two nodes give, no outputs
 */
JC_MUST_USE jc_status onnx_order(lowering *w, uint32_t **out_order, size_t *out_n);

#endif
