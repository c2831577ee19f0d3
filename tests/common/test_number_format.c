// SPDX-License-Identifier: Apache-2.0
// Numbers as text: the quick way gives what printf and strtod give.
#include "common/number.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The definition: the first of 15, 16 and 17 digits that reads back.
static void format_by_definition(double value, char *buffer) {
    for (int digits = 15; digits <= 17; ++digits) {
        (void)snprintf(buffer, JC_NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) {
            return;
        }
    }
}

static void check(double value) {
    char expected[JC_NUMBER_TEXT_SIZE];
    char text[JC_NUMBER_TEXT_SIZE];
    format_by_definition(value, expected);
    cr_assert_str_eq(jc_format_double(value, text), expected);
}

static uint64_t next_random(uint64_t *state) { // xorshift64
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

Test(number_format, any_double) {
    uint64_t state = 1;
    for (int i = 0; i < 200000; ++i) {
        const uint64_t bits = next_random(&state);
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check(value);
        }
    }
}

Test(number_format, doubles_of_everyday_size) {
    uint64_t state = 2;
    for (int i = 0; i < 400000; ++i) {
        const double unit = (double)(next_random(&state) >> 11) / 9007199254740992.0;
        check((unit - 0.5) * pow(10, (double)(i % 30) - 12));
    }
}

Test(number_format, short_decimals_and_their_neighbours) {
    for (int i = 1; i < 20000; ++i) {
        for (int power = -8; power <= 8; power += 4) {
            const double value = i * pow(10, power);
            check(value);
            check(nextafter(value, 0));
            check(nextafter(value, (double)INFINITY));
        }
    }
}

Test(number_format, powers) {
    for (int exponent = -1074; exponent < 1024; ++exponent) {
        const double value = ldexp(1, exponent);
        check(value);
        check(nextafter(value, 0));
        check(nextafter(value, (double)INFINITY));
        check(-value);
    }
    for (int exponent = -320; exponent <= 308; ++exponent) {
        const double value = pow(10, exponent);
        check(value);
        check(nextafter(value, 0));
        check(nextafter(value, (double)INFINITY));
    }
    check(0);
    check(-0.0);
    check(1.7976931348623157e308);
}
