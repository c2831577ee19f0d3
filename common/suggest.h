// SPDX-License-Identifier: Apache-2.0
/** @file Suggestions for a name that is not known: "did you mean …?" */
#ifndef JC_COMMON_SUGGEST_H
#define JC_COMMON_SUGGEST_H

#include <stddef.h>

/** Candidates for a suggestion; safe at {0} but for `wanted`. */
typedef struct jc_suggestion {
    const char *wanted; ///< the name that is not known
    const char *best;   ///< closest name offered, NULL while none is close. Borrowed.
    size_t distance;    ///< its edit distance
} jc_suggestion;

/** Offer a name that exists; it is kept if it is closer than those before. */
void jc_suggestion_offer(jc_suggestion *suggestion, const char *name);

enum { JC_SUGGESTION_TEXT_SIZE = 128 };

/**
 * "; did you mean 'resnet50'?", or "" where nothing is close.
 *
 * @param buffer  [JC_SUGGESTION_TEXT_SIZE]
 * @return buffer
 */
const char *jc_suggestion_format(const jc_suggestion *suggestion, char *buffer);

#endif
