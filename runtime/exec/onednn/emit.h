// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/onednn: kernels turned into instructions.
 *
 * One function a kind of kernel serves both a kernel by itself and a step of a network: it takes
 * tensors as they come, and asks for another layout only where the primitive prefers one.
 */
#ifndef JC_EXEC_ONEDNN_EMIT_H
#define JC_EXEC_ONEDNN_EMIT_H

#include "program.h"

#include "runtime/exec/shared/node.h"

/** Append what a node does; returns its result. */
tensor_id emit_node(program *p, const node *n);

/** Whether it is a precision of GPUs alone. */
bool refuses_precision(jc_precision precision);

/** Type of activations that may be negative, and of weights. */
dnnl_data_type_t activation_type(const program *p);
dnnl_data_type_t weight_type(const program *p);

/** Range of uniform random weights that keeps the scale of the activations: a variance of
 *  2/fan_in; in int8 what all processors multiply exactly. Source: He et al., ICCV 2015, Eq. (10).
 */
double weight_range(const program *p, int64_t fan_in);

/** What int8 values are multiples of: so many stand for 1. 1 in other precisions. */
double integer_unit(const program *p);

/** Factor that brings int8 sums over fan_in products back to int8; 1 in other precisions. */
double sum_scale(const program *p, tensor_id input, int64_t fan_in);

/** As sum_scale, for a node: with an activation fused, up to the activation. */
double node_scale(const program *p, const node *n, tensor_id input, int64_t fan_in);

/** About the root mean square of an int8 result of such a factor, after a sum with an addend of the
 *  given one (0 = none) and an activation (JC_KERNEL_NONE = none). */
double scaled_rms(double addend_rms, jc_kernel_kind activation);

/** Post-ops of a node; NULL where it has none. */
dnnl_post_ops_t node_post_ops(program *p, const node *n);

/** Result of a node with post-ops: in the place of the addend if it has one. */
tensor_id node_result(program *p, const node *n, const dnnl_memory_desc_t *md);

/** Type in which a convolution or linear layer writes its result. */
dnnl_data_type_t node_result_type(const program *p, const node *n);

/** The layout in which a convolution leaves an image of such sizes. */
dnnl_memory_desc_t image_layout(program *p, const int64_t dims[4], dnnl_data_type_t type);

/** Lay a tensor out unless it is: an image as a convolution leaves it, all else row after row. */
void lay_out_as_usual(program *p, tensor_id t);

// One a group of kinds.
tensor_id emit_conv(program *p, const node *n);
tensor_id emit_conv_transpose(program *p, const node *n);
tensor_id emit_linear(program *p, const node *n);
tensor_id emit_matmul(program *p, const node *n);
tensor_id emit_attention(program *p, const node *n);
tensor_id emit_pool(program *p, const node *n);
tensor_id emit_batch_norm(program *p, const node *n);
tensor_id emit_layer_norm(program *p, const node *n);
tensor_id emit_group_norm(program *p, const node *n);
tensor_id emit_lrn(program *p, const node *n);
tensor_id emit_softmax(program *p, const node *n);
tensor_id emit_recurrent(program *p, const node *n);
tensor_id emit_activation(program *p, const node *n);
tensor_id emit_pointwise(program *p, const node *n);
tensor_id emit_prelu(program *p, const node *n);
tensor_id emit_combine(program *p, const node *n);
tensor_id emit_concat(program *p, const node *n);
tensor_id emit_reduce(program *p, const node *n);
tensor_id emit_copy(program *p, const node *n);
tensor_id emit_upsample(program *p, const node *n);
tensor_id emit_embedding(program *p, const node *n);

/**
 * Append a sum, product … of two tensors, the second widened where its axes have size 1.
 *
 * @param dst_md    type and layout of the result
 * @param post_ops  what is done to each value before it is written; NULL = nothing; stays the
 *                  caller's
 * @param what      the operation is called in errors
 */
tensor_id emit_binary(program *p, dnnl_alg_kind_t algorithm, tensor_id a, tensor_id b,
                      const dnnl_memory_desc_t *dst_md, const_dnnl_post_ops_t post_ops,
                      const char *what);

/** Append an activation's formula to post-ops, back to integers in int8; false if oneDNN has no
 * formula for it. */
bool append_activation(program *p, dnnl_post_ops_t post_ops, jc_kernel_kind kind, double slope);

#endif
