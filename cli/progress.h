// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Progress of long work on standard error: a bar with the time left on a terminal, plain lines
 * elsewhere, nothing at all in the first two seconds.
 */
#ifndef JC_CLI_PROGRESS_H
#define JC_CLI_PROGRESS_H

#include <stdbool.h>

typedef struct progress {
    const char *label;   ///< what is done: "import"
    double begin_s;      ///< on the monotonic clock
    double last_shown_s; ///< on the monotonic clock; 0 = never
    bool is_terminal;
} progress;

/** @param label  borrowed until the end. */
progress progress_begin(const char *label);

/** Show where the work is, if it is time to. @param done  share of the work, 0 to 1. */
void progress_update(progress *p, double done);

/** Take the bar off the terminal, so that what is printed next stands alone. */
void progress_end(progress *p);

#endif
