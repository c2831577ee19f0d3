// SPDX-License-Identifier: Apache-2.0
// Suggestions by edit distance.
#include "common/suggest.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 64 }; // longer names get no suggestion: the cost is their product

static size_t min3(size_t a, size_t b, size_t c) {
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// Levenshtein distance, one row at a time; both texts have at most LONGEST_NAME characters.
static size_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b) {
    size_t row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= n_b; ++j) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n_a; ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; ++j) {
            const size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n_b];
}

void jc_suggestion_offer(jc_suggestion *suggestion, const char *name) {
    const size_t n_wanted = strlen(suggestion->wanted);
    const size_t n_name = strlen(name);
    if (n_wanted == 0 || n_wanted > LONGEST_NAME || n_name > LONGEST_NAME) {
        return;
    }
    // More than about a quarter of the letters wrong is another word, not a slip.
    const size_t farthest = 1 + n_wanted / 4;
    if (n_name > n_wanted + farthest || n_wanted > n_name + farthest) {
        return;
    }
    const size_t distance = edit_distance(suggestion->wanted, n_wanted, name, n_name);
    if (distance <= farthest && (suggestion->best == NULL || distance < suggestion->distance)) {
        suggestion->best = name;
        suggestion->distance = distance;
    }
}

const char *jc_suggestion_format(const jc_suggestion *suggestion, char *buffer) {
    buffer[0] = '\0';
    if (suggestion->best != NULL) {
        (void)snprintf(buffer, JC_SUGGESTION_TEXT_SIZE, "; did you mean '%s'?", suggestion->best);
    }
    return buffer;
}
