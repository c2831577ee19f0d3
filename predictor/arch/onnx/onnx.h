// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch: ONNX files to graphs. */
#ifndef JC_ARCH_ONNX_H
#define JC_ARCH_ONNX_H

#include "predictor/arch/graph_build.h"

/** True if a file of this name is read as ONNX. */
bool onnx_is_name(const char *path);

/**
 * Fill an empty graph from a file, which is mapped: weights are never touched.
 *
 * @retval JC_EPARSE, JC_ESHAPE  err names the file, and the node where one is at fault
 * @retval JC_EUNSUPPORTED       an operator that is refused, or a build without ONNX
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status onnx_load(const char *path, jc_graph *graph, jc_error *err);

/** As onnx_load, from memory, which is borrowed for the call. @param name what errors call it */
JC_MUST_USE jc_status onnx_parse(const void *bytes, size_t length, const char *name,
                                 jc_graph *graph, jc_error *err);

#endif
