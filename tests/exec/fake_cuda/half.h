// SPDX-License-Identifier: Apache-2.0
/** @file Half precision (IEEE 754 binary16) in whole numbers. */
#ifndef JC_TEST_FAKE_HALF_H
#define JC_TEST_FAKE_HALF_H

#include <math.h>

static inline float fake_half_to_float(unsigned short h) {
    const int exponent = (h >> 10) & 31;
    const int fraction = h & 1023;
    const float size = exponent == 0    ? ldexpf((float)fraction, -24)
                       : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                        : ldexpf((float)(fraction + 1024), exponent - 25);
    return (h & 0x8000) != 0 ? -size : size;
}

// To the nearest, ties to even: rintf does both.
static inline unsigned short fake_float_to_half(float f) {
    const unsigned short sign = signbit(f) ? 0x8000 : 0;
    const float size = fabsf(f);
    int exponent = 0;
    if (isnan(f)) {
        return 0x7e00;
    }
    (void)frexpf(size, &exponent); // size = 0.5 to 1 times 2^exponent
    exponent = exponent < -13 ? -13 : exponent;
    const float units = rintf(ldexpf(size, 11 - exponent)); // of the last place
    const float rounded = ldexpf(units, exponent - 11);
    if (!(rounded <= 65504.0F)) {
        return (unsigned short)(sign | 0x7c00);
    }
    (void)frexpf(rounded, &exponent);
    if (rounded < ldexpf(1, -14)) {
        return (unsigned short)(sign | (unsigned short)ldexpf(rounded, 24));
    }
    const unsigned fraction = (unsigned)ldexpf(rounded, 11 - exponent) - 1024;
    return (unsigned short)(sign | (unsigned)(exponent + 14) << 10 | fraction);
}

#endif
