// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec: which steps of a network are done together.
 *
 * As frameworks do at inference: batch normalisation goes into the convolution before it; an
 * activation, and a sum with a tensor that nothing needs any more, into the convolution; an
 * activation into a linear layer; ReLU into a batch normalisation that stands by itself.
 */
#ifndef JC_EXEC_SHARED_FUSE_H
#define JC_EXEC_SHARED_FUSE_H

#include "node.h"

/** The same for device.yaml. */
jc_fusion fuse_rules(void);

/** Who reads a step's result. */
typedef struct step_use {
    uint32_t n_users;   ///< readings, counting each; a result of the network counts as one
    uint32_t last_user; ///< index of the last step that reads it
    bool is_output;
    bool has_view; ///< some reader only looks at it in another way, and is read in turn
} step_use;

/** [n_steps], the caller frees; NULL if out of memory. */
step_use *fuse_count_uses(const jc_network *network);

/**
 * Find the steps that are done together with step `head`.
 *
 * @param out_node  receives the operations to fuse; the addend of a sum is named by its step.
 * @return          the step whose result the fused steps leave; `head` if nothing is fused
 */
uint32_t fuse_from(const jc_network *network, const step_use *uses, uint32_t head, node *out_node);

#endif
