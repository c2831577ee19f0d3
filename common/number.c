// SPDX-License-Identifier: Apache-2.0
// Numbers as text in the C locale; saturating integer arithmetic.
#include "common/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The program never calls setlocale, but a caller of the library may: strtod would then read
// another decimal point. A token with the C locale's own characters is required first, and the
// point is translated for strtod and back after snprintf.
static char decimal_point(void) {
    return localeconv()->decimal_point[0];
}

static bool has_only(const char *text, const char *allowed) {
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

// A few digits, as most numbers in configuration files are: no need of strtod.
static bool parse_short_integer(const char *text, double *out_value) {
    enum { EXACT_DIGITS = 15 }; // a double holds every integer of so many
    double value = 0;
    int n = 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < EXACT_DIGITS; ++n) {
        value = 10 * value + (text[n] - '0');
    }
    *out_value = value;
    return n > 0 && text[n] == '\0';
}

bool jc_parse_double(const char *text, double *out_value) {
    double integer = 0;
    if (parse_short_integer(text, &integer)) {
        *out_value = integer;
        return true;
    }
    // Words, which most texts that are tried are, need no look at every character.
    const char first = text[0];
    if ((first < '0' || first > '9') && first != '-' && first != '+' && first != '.') {
        return false;
    }
    char copy[64];
    if (!has_only(text, "0123456789+-.eE") || strlen(text) >= sizeof copy) {
        return false;
    }
    strcpy(copy, text);
    char *point = strchr(copy, '.');
    if (point != NULL) {
        *point = decimal_point();
    }
    char *end = NULL;
    const double value = strtod(copy, &end);
    if (end == copy || *end != '\0' || !isfinite(value)) {
        return false;
    }
    *out_value = value;
    return true;
}

bool jc_parse_int64(const char *text, int64_t *out_value) {
    if (!has_only(text, "0123456789+-")) {
        return false;
    }
    errno = 0;
    char *end = NULL;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno == ERANGE) {
        return false;
    }
    *out_value = value;
    return true;
}
