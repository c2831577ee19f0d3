// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Graphs as executors take them: the two sides of the house meet here, and nowhere below.
 */
#ifndef JC_CLI_NETWORK_H
#define JC_CLI_NETWORK_H

#include <joulecast/executor.h>
#include <joulecast/graph.h>

/**
 * The network that a graph describes, every parameter as inferred.
 *
 * @param graph        borrowed by the network for its whole life.
 * @param out_network  the caller frees it with cli_network_free.
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status cli_network_create(const jc_graph *graph, jc_network **out_network,
                                         jc_error *err);

/** NULL is allowed. */
void cli_network_free(jc_network *network);

#endif
