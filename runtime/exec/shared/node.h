// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec: a kernel at its place in what an executor runs, whatever library runs
 * it. Executors turn nodes into instructions over tensors of their own; here tensors are numbers.
 */
#ifndef JC_EXEC_SHARED_NODE_H
#define JC_EXEC_SHARED_NODE_H

#include <joulecast/executor.h>

typedef uint32_t tensor_id;

#define NO_TENSOR UINT32_MAX

enum { MOST_POST_OPS = 3 };

/** One thing that is done to each value of a result before it is written. */
typedef struct post_op {
    bool is_sum; ///< add tensor `addend`, which nothing needs any more afterwards
    tensor_id addend;
    jc_kernel_kind activation; ///< otherwise
    double slope;              ///< of leaky_relu
} post_op;

/** A kernel at its place. */
typedef struct node {
    const jc_kernel *kernel;
    const jc_op *op;        ///< NULL: a kernel by itself, with the operator's usual parameters
    const jc_op_call *call; ///< NULL with op
    size_t n_inputs;
    const tensor_id *inputs; ///< [n_inputs]
    const jc_shape *output;  ///< NULL with op
    bool has_norm;           ///< convolutions: a batch normalisation is folded in
    double norm_eps;
    size_t n_post_ops; ///< convolutions and linear layers
    post_op post_ops[MOST_POST_OPS];
} node;

/** Whether the node's operator is the one of this name. */
bool node_is(const node *n, const char *name);

/** A parameter of the node's operator; `otherwise` where it has none of that name. */
int64_t node_integer(const node *n, const char *name, int64_t otherwise);
double node_real(const node *n, const char *name, double otherwise);

#endif
