// SPDX-License-Identifier: Apache-2.0
/** @file A whole network by the plain implementations, step by step, nothing fused. */
#ifndef JC_TEST_EXEC_REFERENCE_NETWORK_H
#define JC_TEST_EXEC_REFERENCE_NETWORK_H

#include "harness.h"

/** Values of every step [n_steps] with the constants that the prepared task has; the caller frees
 *  each and the array. In f32. */
float **reference_network(harness *h, const jc_network *network);

#endif
