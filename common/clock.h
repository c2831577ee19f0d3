// SPDX-License-Identifier: Apache-2.0
/** @file The clock of all that measures or waits. */
#ifndef JC_COMMON_CLOCK_H
#define JC_COMMON_CLOCK_H

#include <time.h>

/** Seconds that never jump: nobody sets this clock. */
static inline double clock_now_s(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail for this clock
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
