// SPDX-License-Identifier: Apache-2.0
/** @file Comparison of words. */
#ifndef JC_COMMON_TEXT_H
#define JC_COMMON_TEXT_H

#include <stdbool.h>
#include <string.h>

/** True if both words are the same. Most that are not differ in the first character, which spares
 *  the call: reading an architecture compares keys some thousand times. */
static inline bool jc_text_equal(const char *a, const char *b) {
    return a[0] == b[0] && strcmp(a, b) == 0;
}

#endif
