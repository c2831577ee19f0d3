// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: random data, the same for the same seed and stream. */
#ifndef JC_EXEC_SHARED_RANDOM_H
#define JC_EXEC_SHARED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** What a stream's numbers are drawn from: number i is mixed from it and i alone, so that they can
 * be drawn in any order. */
uint64_t random_state(uint64_t seed, uint64_t stream);

/** What one of 2^32 steps from low to high is. */
float random_step(double low, double high);

/** n values uniform in [low, high). */
void random_uniform(uint64_t seed, uint64_t stream, double low, double high, size_t n,
                    float *out_values);

#endif
