// SPDX-License-Identifier: Apache-2.0
// Random data. Zeros and constants would do no harm to time but to power (docs/METHOD.md).
#include "random.h"

// SplitMix64; source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014.
static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t random_state(uint64_t seed, uint64_t stream) {
    uint64_t state = seed;
    return next(&state) ^ (stream * UINT64_C(0xD1B54A32D192ED03));
}

float random_step(double low, double high) {
    return (float)((high - low) / 4294967296.0); // 32 random bits a value
}

void random_uniform(uint64_t seed, uint64_t stream, double low, double high, size_t n,
                    float *out_values) {
    uint64_t state = random_state(seed, stream);
    const float from = (float)low;
    const float step = random_step(low, high);
    for (size_t i = 0; i < n; i += 2) {
        const uint64_t bits = next(&state);
        out_values[i] = from + step * (float)(uint32_t)bits;
        if (i + 1 < n) {
            out_values[i + 1] = from + step * (float)(uint32_t)(bits >> 32);
        }
    }
}
