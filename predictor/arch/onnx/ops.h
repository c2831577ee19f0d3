// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx: the functions that the table of operators names. */
#ifndef JC_ARCH_ONNX_OPS_H
#define JC_ARCH_ONNX_OPS_H

#include "lower.h"

#include "common/number.h"

// view.c
jc_status onnx_infer_same(lowering *w);
jc_status onnx_infer_cast(lowering *w);
jc_status onnx_infer_reshape(lowering *w);
jc_status onnx_infer_flatten(lowering *w);
jc_status onnx_infer_squeeze(lowering *w);
jc_status onnx_infer_unsqueeze(lowering *w);
jc_status onnx_infer_dequantize(lowering *w);
jc_status onnx_infer_dynamic_quantize(lowering *w);

// elementwise.c
jc_status onnx_emit_unary(lowering *w);
jc_status onnx_emit_clip(lowering *w);
jc_status onnx_emit_cast(lowering *w);
jc_status onnx_emit_quantize(lowering *w);
jc_status onnx_emit_prelu(lowering *w);
jc_status onnx_emit_softmax(lowering *w);
jc_status onnx_infer_broadcast(lowering *w);
jc_status onnx_infer_compare(lowering *w);
jc_status onnx_emit_broadcast(lowering *w);

// window.c
jc_status onnx_emit_conv(lowering *w);
jc_status onnx_emit_conv_transpose(lowering *w);
jc_status onnx_emit_qlinear_conv(lowering *w);
jc_status onnx_emit_max_pool(lowering *w);
jc_status onnx_emit_average_pool(lowering *w);
jc_status onnx_emit_global_average_pool(lowering *w);
jc_status onnx_emit_global_max_pool(lowering *w);

// norm.c
jc_status onnx_emit_batch_norm(lowering *w);
jc_status onnx_emit_layer_norm(lowering *w);
jc_status onnx_emit_instance_norm(lowering *w);
jc_status onnx_emit_group_norm(lowering *w);
jc_status onnx_emit_lrn(lowering *w);

// product.c
jc_status onnx_infer_gemm(lowering *w);
jc_status onnx_emit_gemm(lowering *w);
jc_status onnx_infer_matmul(lowering *w);
jc_status onnx_emit_matmul(lowering *w);
jc_status onnx_infer_qlinear_matmul(lowering *w);
jc_status onnx_emit_qlinear_matmul(lowering *w);
jc_status onnx_emit_attention(lowering *w);
jc_status onnx_emit_recurrent(lowering *w);

// einsum.c
jc_status onnx_emit_einsum(lowering *w);

// move.c
jc_status onnx_infer_transpose(lowering *w);
jc_status onnx_emit_transpose(lowering *w);
jc_status onnx_infer_concat(lowering *w);
jc_status onnx_emit_concat(lowering *w);
jc_status onnx_infer_split(lowering *w);
jc_status onnx_emit_split(lowering *w);
jc_status onnx_infer_slice(lowering *w);
jc_status onnx_emit_slice(lowering *w);
jc_status onnx_infer_gather(lowering *w);
jc_status onnx_emit_gather(lowering *w);

// shape_ops.c
jc_status onnx_infer_shape(lowering *w);
jc_status onnx_infer_size(lowering *w);
jc_status onnx_infer_constant(lowering *w);
jc_status onnx_infer_constant_of_shape(lowering *w);
jc_status onnx_infer_range(lowering *w);
jc_status onnx_infer_expand(lowering *w);
jc_status onnx_infer_tile(lowering *w);
jc_status onnx_infer_pad(lowering *w);
jc_status onnx_infer_depth_to_space(lowering *w);
jc_status onnx_infer_space_to_depth(lowering *w);
jc_status onnx_infer_gather_elements(lowering *w);
jc_status onnx_infer_resize(lowering *w);
jc_status onnx_emit_resize(lowering *w);
jc_status onnx_infer_reduce(lowering *w);
jc_status onnx_emit_reduce(lowering *w);
jc_status onnx_emit_expand(lowering *w);
jc_status onnx_infer_non_zero(lowering *w);

// fold.c
jc_status onnx_fold_same(lowering *w);
jc_status onnx_fold_cast(lowering *w);
jc_status onnx_fold_arithmetic(lowering *w);
jc_status onnx_fold_concat(lowering *w);
jc_status onnx_fold_slice(lowering *w);
jc_status onnx_fold_gather(lowering *w);
jc_status onnx_fold_where(lowering *w);
jc_status onnx_fold_expand(lowering *w);
jc_status onnx_fold_transpose(lowering *w);
jc_status onnx_fold_reduce(lowering *w);

/** Lay out a slice of input 0: for each axis the first index, the step and the size after. */
JC_MUST_USE jc_status onnx_slice_bounds(lowering *w, int64_t first[ONNX_MAX_RANK],
                                        int64_t step[ONNX_MAX_RANK], int64_t size[ONNX_MAX_RANK]);

/** Which axis of input 0 each axis of a Transpose is. */
JC_MUST_USE jc_status onnx_transpose_order(lowering *w, int order[ONNX_MAX_RANK]);

#endif
