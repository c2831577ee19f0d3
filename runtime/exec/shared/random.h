// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: random data, the same for the same seed and stream. */
#ifndef JC_EXEC_SHARED_RANDOM_H
#define JC_EXEC_SHARED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** n values uniform in [low, high). */
void random_uniform(uint64_t seed, uint64_t stream, double low, double high, size_t n,
                    float *out_values);

#endif
