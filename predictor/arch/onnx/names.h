// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: names of values to numbers. */
#ifndef JC_ARCH_ONNX_NAMES_H
#define JC_ARCH_ONNX_NAMES_H

#include "model.h"

/** Number the values of a model, and put numbers beside the names in its nodes.
 *  @retval JC_ENOMEM */
JC_MUST_USE jc_status onnx_resolve_names(onnx_model *model, const char *file, jc_arena *arena,
                                         jc_error *err);

#endif
