// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/cudnn: kernels turned into instructions.
 *
 * One function a kind of kernel serves both a kernel by itself and a step of a network: it takes
 * tensors as they come, and asks for another layout only where a library needs one.
 */
#ifndef JC_EXEC_CUDNN_EMIT_H
#define JC_EXEC_CUDNN_EMIT_H

#include "program.h"

#include "runtime/exec/shared/node.h"

/** Append what a node does; returns its result. */
tensor_id cu_emit_node(cu_program *p, const node *n);

/** The result of a step without work: its input under another shape, a part of it, a constant. */
tensor_id cu_emit_view(cu_program *p, const node *n);

// --- Types, layouts (convert.c) ----------------------------------------------------------------

/** Type of activations and of weights. */
cu_type cu_activation_type(const cu_program *p);

/** Type of what is added and scaled along channels: as of activations; f32 beside int8. */
cu_type cu_bias_type(const cu_program *p);

/** Range of uniform random weights that keeps the scale of the activations: a variance of
 *  2/fan_in. Source: He et al., ICCV 2015, Eq. (10). All of int8. */
double cu_weight_range(const cu_program *p, int64_t fan_in);

/** Factor that brings int8 sums over fan_in products of uniform data back to int8; else 1. */
float cu_sum_scale(const cu_program *p, int64_t fan_in);

/** The layout of images of such sizes. */
layout cu_image_layout(const cu_program *p, cu_type type, const int64_t dims[4]);

/** The tensor in this layout and type: itself, a constant laid out so, or copied. */
tensor_id cu_as(cu_program *p, tensor_id t, const layout *md);

/** The tensor in row-major order. */
tensor_id cu_plain(cu_program *p, tensor_id t);

/** An image without gaps, in the layout of images or row-major; the former where it is neither. */
tensor_id cu_image(cu_program *p, tensor_id t);

/** The tensor's values seen in another shape of the same number of elements; row-major. */
tensor_id cu_reshape(cu_program *p, tensor_id t, int rank, const int64_t *dims);

/** A result in the shape of the node's output; as it is for a kernel by itself. */
tensor_id cu_shaped(cu_program *p, const node *n, tensor_id t);

/** The name of an activation among kernels.cu's functions; NULL if it is none. */
const char *cu_activation_function(jc_kernel_kind kind);

/** The node's fused activation applied in place to its result, if it has one. */
void cu_apply_activation(cu_program *p, const node *n, tensor_id t);

// One a group of kinds.
tensor_id cu_emit_conv(cu_program *p, const node *n);
tensor_id cu_emit_conv_transpose(cu_program *p, const node *n);
tensor_id cu_emit_linear(cu_program *p, const node *n);
tensor_id cu_emit_matmul(cu_program *p, const node *n);
tensor_id cu_emit_attention(cu_program *p, const node *n);
tensor_id cu_emit_pool(cu_program *p, const node *n);
tensor_id cu_emit_batch_norm(cu_program *p, const node *n);
tensor_id cu_emit_layer_norm(cu_program *p, const node *n);
tensor_id cu_emit_group_norm(cu_program *p, const node *n);
tensor_id cu_emit_lrn(cu_program *p, const node *n);
tensor_id cu_emit_softmax(cu_program *p, const node *n);
tensor_id cu_emit_activation(cu_program *p, const node *n);
tensor_id cu_emit_pointwise(cu_program *p, const node *n);
tensor_id cu_emit_prelu(cu_program *p, const node *n);
tensor_id cu_emit_combine(cu_program *p, const node *n);
tensor_id cu_emit_concat(cu_program *p, const node *n);
tensor_id cu_emit_reduce(cu_program *p, const node *n);
tensor_id cu_emit_copy(cu_program *p, const node *n);
tensor_id cu_emit_upsample(cu_program *p, const node *n);
tensor_id cu_emit_embedding(cu_program *p, const node *n);

#endif
