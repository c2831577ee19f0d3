// SPDX-License-Identifier: Apache-2.0
/** @file The kernels and networks that a plan speaks of, from architecture files. */
#ifndef JC_CLI_COLLECT_H
#define JC_CLI_COLLECT_H

#include <joulecast/campaign.h>
#include <joulecast/graph.h>

/** What was read; freed by collection_clear. */
typedef struct collection {
    jc_kernel *kernels; ///< [n_kernels] that the plan measures
    size_t n_kernels;
    jc_network *networks;          ///< [n_networks] that it measures in one piece
    const jc_graph *const *graphs; ///< [n_networks] of these
    size_t n_networks;
    struct collection_memory *memory;
} collection; ///< safe at {0}

/** Read a plan's architectures, and those of its networks. @retval as of locate_graph */
JC_MUST_USE jc_status collection_read(const jc_plan *plan, collection *out_collection,
                                      jc_error *err);
void collection_clear(collection *c);

#endif
