// SPDX-License-Identifier: Apache-2.0
/** @file Networks from text. */
#ifndef JC_TEST_EXEC_LOADED_H
#define JC_TEST_EXEC_LOADED_H

#include "cli/network.h"

#include <joulecast/graph.h>

/** A graph and the network made of it. */
typedef struct loaded {
    jc_graph *graph;
    jc_network *network;
} loaded;

/** Fails the test if the text is no architecture. */
loaded loaded_network(const char *text, int64_t batch_size, jc_precision precision);
void loaded_free(loaded *l);

/** Networks of several tests. */
extern const char loaded_residual[], loaded_mixed[], loaded_transformer[];

#endif
