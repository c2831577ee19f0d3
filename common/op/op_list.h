// SPDX-License-Identifier: Apache-2.0
/** @file Private to common/op: the list of operators and what their shape rules share. */
#ifndef JC_OP_LIST_H
#define JC_OP_LIST_H

#include <joulecast/op.h>

// Sorted by name: jc_op_find searches by bisection.
#define JC_OP_LIST(X)                                                                              \
    X(abs)                                                                                         \
    X(adaptive_avg_pool2d)                                                                         \
    X(adaptive_max_pool2d)                                                                         \
    X(add)                                                                                         \
    X(add_scalar)                                                                                  \
    X(avg_pool2d)                                                                                  \
    X(batch_norm)                                                                                  \
    X(ceil)                                                                                        \
    X(channel_shuffle)                                                                             \
    X(clamp)                                                                                       \
    X(compare)                                                                                     \
    X(concat)                                                                                      \
    X(conv2d)                                                                                      \
    X(conv_transpose2d)                                                                            \
    X(copy)                                                                                        \
    X(cos)                                                                                         \
    X(div)                                                                                         \
    X(dropout)                                                                                     \
    X(elu)                                                                                         \
    X(embedding)                                                                                   \
    X(erf)                                                                                         \
    X(exp)                                                                                         \
    X(flatten)                                                                                     \
    X(floor)                                                                                       \
    X(gelu)                                                                                        \
    X(global_avg_pool2d)                                                                           \
    X(global_max_pool2d)                                                                           \
    X(group_norm)                                                                                  \
    X(gru)                                                                                         \
    X(hardsigmoid)                                                                                 \
    X(hardswish)                                                                                   \
    X(identity)                                                                                    \
    X(instance_norm)                                                                               \
    X(layer_norm)                                                                                  \
    X(leaky_relu)                                                                                  \
    X(linear)                                                                                      \
    X(log)                                                                                         \
    X(logical_not)                                                                                 \
    X(lrn)                                                                                         \
    X(lstm)                                                                                        \
    X(matmul)                                                                                      \
    X(max_pool2d)                                                                                  \
    X(maximum)                                                                                     \
    X(minimum)                                                                                     \
    X(mish)                                                                                        \
    X(mul)                                                                                         \
    X(mul_scalar)                                                                                  \
    X(narrow)                                                                                      \
    X(neg)                                                                                         \
    X(other)                                                                                       \
    X(parameter)                                                                                   \
    X(permute)                                                                                     \
    X(pow)                                                                                         \
    X(pow_scalar)                                                                                  \
    X(prelu)                                                                                       \
    X(reciprocal)                                                                                  \
    X(reduce)                                                                                      \
    X(relu)                                                                                        \
    X(relu6)                                                                                       \
    X(reshape)                                                                                     \
    X(rnn)                                                                                         \
    X(round)                                                                                       \
    X(scaled_dot_product_attention)                                                                \
    X(select)                                                                                      \
    X(selu)                                                                                        \
    X(sigmoid)                                                                                     \
    X(sign)                                                                                        \
    X(silu)                                                                                        \
    X(sin)                                                                                         \
    X(softmax)                                                                                     \
    X(softplus)                                                                                    \
    X(softsign)                                                                                    \
    X(sqrt)                                                                                        \
    X(sub)                                                                                         \
    X(tanh)                                                                                        \
    X(transpose)                                                                                   \
    X(upsample)                                                                                    \
    X(where)

#define JC_OP_DECLARE(name) extern const jc_op op_##name;
JC_OP_LIST(JC_OP_DECLARE)
#undef JC_OP_DECLARE

/** Parameter list of operators without parameters. */
extern const jc_param op_no_params[];

/** Elements of one sample: all but the batch axis. */
int64_t op_sample_elements(const jc_shape *shape);

/** Shape rule of operators that keep their input's shape. */
jc_status op_infer_same(jc_op_call *call, jc_shape *out_shape, jc_error *err);

/** Sizes {batch_size, elements} of the elementwise kernels. */
void op_elementwise_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size);

/** Sizes {batch_size, in_channels, in_height, in_width} of kernels over images; the last two are
 *  those of the plane, however many axes it has. */
void op_image_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size);

/** NumPy's broadcasting of all inputs: aligned at the last axis, sizes equal or 1. */
jc_status op_infer_broadcast(jc_op_call *call, jc_shape *out_shape, jc_error *err);

/** Sizes {batch_size, elements, operand_elements} of kernels that combine tensors. */
void op_combine_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size);

/** The batch in front of the sizes in the slots of a JC_PARAM_SIZES that begins at `slot`;
 *  *out_free_axis is that of −1, or −1. */
jc_shape op_shape_of_sample(const jc_op_call *call, int slot, int64_t batch_size,
                            int *out_free_axis);

/** Fails unless the first input is [N, C, H, W]. */
jc_status op_require_image(const jc_op_call *call, jc_error *err);

/** Turn a dimension that may count from the end into an index; fails outside [−rank, rank). */
jc_status op_resolve_dim(int64_t dim, int rank, const char *name, int *out_dim, jc_error *err);

/** Fill in a derived size, or check a given one against the input's. */
jc_status op_derive_size(jc_value *value, int64_t derived, const char *name, const char *what,
                         jc_error *err);

#endif
