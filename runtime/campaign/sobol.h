// SPDX-License-Identifier: Apache-2.0
/** @file Points that fill a cube evenly, from the first on: any prefix of them does. */
#ifndef JC_CAMPAIGN_SOBOL_H
#define JC_CAMPAIGN_SOBOL_H

#include <stdint.h>

enum { SOBOL_DIMENSIONS = 10 };

/**
 * A point of the Sobol sequence, shifted by an amount that the seed decides.
 *
 * Source: I. M. Sobol', USSR Comput. Math. Math. Phys. 7(4), 1967; direction numbers of S. Joe,
 * F. Y. Kuo, SIAM J. Sci. Comput. 30, 2008 (new-joe-kuo-6); shift modulo 1: R. Cranley, T. N. L.
 * Patterson, SIAM J. Numer. Anal. 13, 1976.
 *
 * @param index      from 0.
 * @param out_point  each in [0, 1).
 */
void sobol_point(uint64_t seed, uint32_t index, double out_point[SOBOL_DIMENSIONS]);

/** A step of a generator of random numbers (splitmix64: G. L. Steele, D. Lea, C. H. Flood, OOPSLA
 *  2014). */
uint64_t random_next(uint64_t *state);

#endif
