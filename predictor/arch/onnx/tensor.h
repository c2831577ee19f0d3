// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: tensors of the file as values. */
#ifndef JC_ARCH_ONNX_TENSOR_H
#define JC_ARCH_ONNX_TENSOR_H

#include "lower.h"

/**
 * A constant: type, shape, and contents where it is small and they are in the file.
 *
 * @retval JC_EPARSE  a shape that cannot be, or contents of another size
 */
JC_MUST_USE jc_status onnx_tensor_to_value(lowering *w, const onnx_tensor *tensor, onnx_value *out);

#endif
