// SPDX-License-Identifier: Apache-2.0
/** @file Private to common/op: the list of operators and what their shape rules share. */
#ifndef JC_OP_LIST_H
#define JC_OP_LIST_H

#include <joulecast/op.h>

// Sorted by name: jc_op_find searches by bisection.
#define JC_OP_LIST(X)                                                                              \
    X(adaptive_avg_pool2d)                                                                         \
    X(adaptive_max_pool2d)                                                                         \
    X(add)                                                                                         \
    X(avg_pool2d)                                                                                  \
    X(batch_norm)                                                                                  \
    X(channel_shuffle)                                                                             \
    X(concat)                                                                                      \
    X(conv2d)                                                                                      \
    X(conv_transpose2d)                                                                            \
    X(dropout)                                                                                     \
    X(embedding)                                                                                   \
    X(flatten)                                                                                     \
    X(gelu)                                                                                        \
    X(global_avg_pool2d)                                                                           \
    X(global_max_pool2d)                                                                           \
    X(hardsigmoid)                                                                                 \
    X(hardswish)                                                                                   \
    X(identity)                                                                                    \
    X(layer_norm)                                                                                  \
    X(leaky_relu)                                                                                  \
    X(linear)                                                                                      \
    X(lrn)                                                                                         \
    X(matmul)                                                                                      \
    X(max_pool2d)                                                                                  \
    X(mul)                                                                                         \
    X(narrow)                                                                                      \
    X(parameter)                                                                                   \
    X(prelu)                                                                                       \
    X(relu)                                                                                        \
    X(relu6)                                                                                       \
    X(reshape)                                                                                     \
    X(scaled_dot_product_attention)                                                                \
    X(select)                                                                                      \
    X(sigmoid)                                                                                     \
    X(silu)                                                                                        \
    X(softmax)                                                                                     \
    X(tanh)                                                                                        \
    X(transpose)                                                                                   \
    X(upsample)

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

/** Fails unless the first input is [N, C, H, W]. */
jc_status op_require_image(const jc_op_call *call, jc_error *err);

/** Turn a dimension that may count from the end into an index; fails outside [−rank, rank). */
jc_status op_resolve_dim(int64_t dim, int rank, const char *name, int *out_dim, jc_error *err);

/** Fill in a derived size, or check a given one against the input's. */
jc_status op_derive_size(jc_value *value, int64_t derived, const char *name, const char *what,
                         jc_error *err);

#endif
