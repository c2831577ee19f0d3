// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Numbers as text, independent of the locale and strict about the whole token; and integer
 * arithmetic that saturates instead of overflowing.
 */
#ifndef JC_COMMON_NUMBER_H
#define JC_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Parse a whole token as a finite double, decimal notation ("1e-3"); false if it is anything else.
 */
bool jc_parse_double(const char *text, double *out_value);

/** Parse a whole token as a decimal int64; false if it is anything else or out of range. */
bool jc_parse_int64(const char *text, int64_t *out_value);

enum { JC_NUMBER_TEXT_SIZE = 32 };

/**
 * Shortest text that reads back as the same double ("0.1", not "0.10000000000000001").
 *
 * @param buffer [JC_NUMBER_TEXT_SIZE]
 * @return buffer
 */
char *jc_format_double(double value, char *buffer);

/** a·b for non-negative a and b; INT64_MAX on overflow. */
static inline int64_t jc_mul_saturating(int64_t a, int64_t b) {
#if defined(__GNUC__)
    int64_t product = 0; // a check without the division, which shapes ask for often
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
#else
    return a != 0 && b > INT64_MAX / a ? INT64_MAX : a * b;
#endif
}

/** a+b for non-negative a and b; INT64_MAX on overflow. */
static inline int64_t jc_add_saturating(int64_t a, int64_t b) {
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

#endif
