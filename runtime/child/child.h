// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A program that answers lines with lines, and is trusted with nothing.
 *
 * It runs in a session of its own, dies with us, may not multiply without limit, and is killed with
 * all it started. Every wait has an end. What it writes to its standard error is read and thrown
 * away, but for the last line, which goes into error messages.
 */
#ifndef JC_CHILD_CHILD_H
#define JC_CHILD_CHILD_H

#include <joulecast/status.h>

#include <stddef.h>

enum { CHILD_LINE_SIZE = 4096 }; ///< longest line that is listened to, with its end

typedef struct child child;

/** Run a command line by /bin/sh. @retval JC_EIO  err has the system's reason */
JC_MUST_USE jc_status child_start(const char *command, child **out_child, jc_error *err);

/**
 * Say something to it. It must have nothing to say itself.
 *
 * @retval JC_EIO  it died, does not listen, or spoke unasked: err says which
 */
JC_MUST_USE jc_status child_send(child *c, const char *text, size_t length, double timeout_s,
                                 jc_error *err);

/**
 * Wait for a line, without its end.
 *
 * @param line  [CHILD_LINE_SIZE]
 * @retval JC_EIO  it died, was silent for too long, wrote too long a line, or has become too many:
 *                 err says which
 */
JC_MUST_USE jc_status child_receive(child *c, double timeout_s, char *line, jc_error *err);

/** Processor time of the process itself, in s, without those that it started; NaN = unknown. */
double child_worked_s(const child *c);

/** Kill it and all that it started; NULL is allowed. */
void child_stop(child *c);

#endif
