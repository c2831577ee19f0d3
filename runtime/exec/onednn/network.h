// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/onednn: the program of a whole network. */
#ifndef JC_EXEC_ONEDNN_NETWORK_H
#define JC_EXEC_ONEDNN_NETWORK_H

#include "emit.h"

/** Build the program of a network: its tensors passed on from step to step, fused where it can. */
void build_network(program *p, const jc_network *network);

#endif
