// SPDX-License-Identifier: Apache-2.0
// Doubles as the shortest text that reads back the same.
//
// Of 15, 16 and 17 digits the first is taken that reads back. The usual case is worked out in long
// double, where one product and one quotient decide; what that leaves in doubt goes to snprintf and
// strtod, which give the same texts (tests/common/test_number_format.c) at six times the cost.
#include "common/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_DIGITS = 15, MOST_DIGITS = 17 };

#if LDBL_MANT_DIG >= 64
// A text under construction: digits[0 .. n) as 0.d0d1d2… times ten to the exponent + 1.
typedef struct decimal {
    char digits[24];
    int n;
    int exponent; // of the first digit
    int precision;
} decimal;

// As "%.*g" lays it out.
static void write_decimal(const decimal *d, bool is_negative, char *buffer) {
    char *at = buffer;
    if (is_negative) {
        *at++ = '-';
    }
    const bool is_scientific = d->exponent < -4 || d->exponent >= d->precision;
    int whole = is_scientific ? 1 : d->exponent + 1; // digits before the point
    int next = 0;
    if (whole <= 0) {
        *at++ = '0';
    }
    for (; whole > 0; --whole) {
        *at++ = next < d->n ? d->digits[next++] : '0';
    }
    if (next < d->n) {
        *at++ = '.';
        for (int zeros = is_scientific ? 0 : -1 - d->exponent; zeros > 0; --zeros) {
            *at++ = '0';
        }
        memcpy(at, d->digits + next, (size_t)(d->n - next));
        at += d->n - next;
    }
    if (is_scientific) { // two digits of exponent are enough: see format_quickly
        *at++ = 'e';
        *at++ = d->exponent < 0 ? '-' : '+';
        *at++ = (char)('0' + abs(d->exponent) / 10);
        *at++ = (char)('0' + abs(d->exponent) % 10);
    }
    *at = '\0';
}

static void set_digits(uint64_t mantissa, decimal *d) {
    char reversed[24];
    int n = 0;
    while (mantissa % 10 == 0) {
        mantissa /= 10;
    }
    for (; mantissa > 0; mantissa /= 10) {
        reversed[n++] = (char)('0' + mantissa % 10);
    }
    d->n = n;
    for (int i = 0; i < n; ++i) {
        d->digits[i] = reversed[n - 1 - i];
    }
}

typedef enum verdict { READS_BACK, READS_OTHERWISE, IN_DOUBT } verdict;

// Powers of ten that a long double of 64 bits holds exactly.
static const long double power_of_ten[] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,
    1e9L,  1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L,
    1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L,
};

// Rounding to 64 bits and then to 53 goes wrong only where the first ends halfway between doubles.
static verdict reads_back(long double quotient, double value) {
    const double nearest = (double)quotient;
    const double step = nextafter(nearest, (double)INFINITY) - nearest;
    const long double half_step = (long double)step / 2;
    const long double rest = quotient - (long double)nearest;
    if (rest == half_step || -rest == half_step || -2 * rest == half_step) {
        return IN_DOUBT; // below a power of two the step is half as long
    }
    return nearest == value ? READS_BACK : READS_OTHERWISE;
}

// Mantissa of `digits` digits, rounded, of a value whose first digit stands at `exponent`.
static verdict try_digits(double value, int digits, int exponent, uint64_t *out_mantissa) {
    const long double power = power_of_ten[digits - 1 - exponent];
    const long double product = (long double)value * power;
    uint64_t mantissa = (uint64_t)product;
    const double rest = (double)(product - (long double)mantissa);
    if (fabs(rest - 0.5) < 1.0 / 64) { // the product itself is only right to 2^-7
        return IN_DOUBT;
    }
    mantissa += rest > 0.5;
    if ((long double)mantissa < power_of_ten[digits - 1] ||
        (long double)mantissa >= power_of_ten[digits]) {
        return IN_DOUBT; // the exponent was off by one
    }
    *out_mantissa = mantissa;
    return reads_back((long double)mantissa / power, value);
}

static bool format_quickly(double value, char *buffer) {
    const double magnitude = fabs(value);
    if (!(magnitude >= 1e-9 && magnitude < 1e14)) {
        return false;
    }
    decimal d = {.exponent = (int)floor(log10(magnitude))};
    for (d.precision = LEAST_DIGITS; d.precision <= MOST_DIGITS; ++d.precision) {
        uint64_t mantissa = 0;
        const verdict v = try_digits(magnitude, d.precision, d.exponent, &mantissa);
        if (v == IN_DOUBT) {
            return false;
        }
        if (v == READS_BACK) {
            set_digits(mantissa, &d);
            write_decimal(&d, value < 0, buffer);
            return true;
        }
    }
    return false;
}
#else
static bool format_quickly(double value, char *buffer) {
    (void)value;
    (void)buffer;
    return false;
}
#endif

char *jc_format_double(double value, char *buffer) {
    if (format_quickly(value, buffer)) {
        return buffer;
    }
    for (int digits = LEAST_DIGITS; digits <= MOST_DIGITS; ++digits) {
        (void)snprintf(buffer, JC_NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) {
            break;
        }
    }
    char *point = strchr(buffer, localeconv()->decimal_point[0]);
    if (point != NULL) {
        *point = '.';
    }
    return buffer;
}
