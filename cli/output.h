// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Where results go: standard output, or a file that appears whole or not at all.
 *
 * A regular file is written beside its final name and renamed by a successful close. The first
 * failure (full disk, closed pipe) sticks and is reported by output_close.
 */
#ifndef JC_CLI_OUTPUT_H
#define JC_CLI_OUTPUT_H

#include "common/atomic_file.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct output {
    int fd;
    int error;           ///< errno of the first failure; 0 = none
    const char *name;    ///< for messages
    jc_atomic_file file; ///< none where the name is written directly
} output;

/** @param path  NULL or "-" for standard output; borrowed until the output is closed. */
JC_MUST_USE jc_status output_open(const char *path, output *out_output, jc_error *err);

/** Write all bytes, or remember the failure. @return false once writing has failed. */
bool output_write(output *o, const char *data, size_t length);

/**
 * Finish.
 *
 * @param keep  false throws a file away that is not complete.
 * @retval JC_EIO, JC_EPERM  err names the file and the system's reason
 */
JC_MUST_USE jc_status output_close(output *o, bool keep, jc_error *err);

#endif
