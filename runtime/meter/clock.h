// SPDX-License-Identifier: Apache-2.0
/** @file The clock of all meters: it never jumps, whatever happens to the time of day. */
#ifndef JC_METER_CLOCK_H
#define JC_METER_CLOCK_H

#include <time.h>

/** Seconds of CLOCK_MONOTONIC. */
static inline double clock_now_s(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail: the clock exists, now is ours
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
