// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A stream of architecture files: arguments as they are, folders recursively in the order of their
 * names, and a list on standard input. Holds the names of the folders it stands in and no more.
 */
#ifndef JC_CLI_PATHS_H
#define JC_CLI_PATHS_H

#include <joulecast/status.h>

#include <stdbool.h>

typedef struct paths paths;

/** @param operands  [n_operands], borrowed; "-" reads standard input. @return NULL if out of
 * memory. */
paths *paths_open(char *const *operands, int n_operands);

/**
 * The next file.
 *
 * @param out_path  NULL at the end; valid until the next call.
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM  a folder or the list cannot be read: err says
 *         which; the next call goes on after it
 */
JC_MUST_USE jc_status paths_next(paths *p, const char **out_path, jc_error *err);

/** True if the next call may wait for standard input: what is at hand should be worked on first. */
bool paths_would_wait(const paths *p);

/** Share of the stream that is behind, 0 to 1, taking folders of one level as equal; 0 while a list
 * on standard input, which has no known end, is read. */
double paths_share(const paths *p);

void paths_close(paths *p);

#endif
