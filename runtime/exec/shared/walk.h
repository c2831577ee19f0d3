// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec: a whole network turned into nodes, one step after the other, each
 * handing its tensor on, fused where it can be (fuse.h).
 */
#ifndef JC_EXEC_SHARED_WALK_H
#define JC_EXEC_SHARED_WALK_H

#include "node.h"

/** What an executor does with each step. Its own failures it keeps itself: see is_well. */
typedef struct network_walker {
    void *context;
    tensor_id (*input)(void *context, const jc_shape *shape);
    /** A step without work. */
    tensor_id (*view)(void *context, const node *n);
    /** A step with what is fused into it. @param inputs  those of the node, to be changed at will
     */
    tensor_id (*emit)(void *context, const node *n, tensor_id *inputs);
    void (*output)(void *context, tensor_id t);
    bool (*is_well)(void *context); ///< false ends the walk
} network_walker;

/**
 * @retval JC_EINVAL  steps read what later steps write
 * @retval JC_ENOMEM
 */
jc_status walk_network(const jc_network *network, const network_walker *walker, jc_error *err);

#endif
