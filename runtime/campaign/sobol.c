// SPDX-License-Identifier: Apache-2.0
// Sobol points by their definition: a point is the XOR of the direction numbers of the index's
// bits.
#include "sobol.h"

enum { BITS = 32 };

// Primitive polynomials (degree s, inner coefficients a) and first direction numbers m, dimensions
// 2 and on; the first dimension is the van der Corput sequence.
static const struct {
    int s;
    uint32_t a;
    uint32_t m[6];
} dimensions[SOBOL_DIMENSIONS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
};

// Direction numbers v[k] = m[k]·2^(32 − k − 1), by the recurrence of Joe and Kuo, Eq. (2).
static void directions(int d, uint32_t v[BITS]) {
    if (d == 0) {
        for (int k = 0; k < BITS; ++k) {
            v[k] = UINT32_C(1) << (BITS - 1 - k);
        }
        return;
    }
    const int s = dimensions[d - 1].s;
    const uint32_t a = dimensions[d - 1].a;
    for (int k = 0; k < BITS; ++k) {
        if (k < s) {
            v[k] = dimensions[d - 1].m[k] << (BITS - 1 - k);
            continue;
        }
        v[k] = v[k - s] ^ (v[k - s] >> s);
        for (int i = 1; i < s; ++i) {
            v[k] ^= ((a >> (s - 1 - i)) & 1) * v[k - i];
        }
    }
}

uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void sobol_point(uint64_t seed, uint32_t index, double out_point[SOBOL_DIMENSIONS]) {
    uint64_t state = seed;
    for (int d = 0; d < SOBOL_DIMENSIONS; ++d) {
        uint32_t v[BITS];
        directions(d, v);
        uint32_t x = 0;
        for (int k = 0; k < BITS; ++k) {
            x ^= ((index >> k) & 1) * v[k];
        }
        x += (uint32_t)random_next(&state); // wraps: modulo 1
        out_point[d] = (double)x / 4294967296.0;
    }
}
