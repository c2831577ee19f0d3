// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Files that appear whole or not at all: written beside their final name, then renamed.
 *
 * Finishing and renaming are two steps, so that a writer of several files can find out that all of
 * them are good before the first one takes its place.
 */
#ifndef JC_COMMON_ATOMIC_FILE_H
#define JC_COMMON_ATOMIC_FILE_H

#include <joulecast/status.h>

#include <stdio.h>

/** A file being written; safe at {0}, which is none. */
typedef struct jc_atomic_file {
    FILE *file; ///< to write to; NULL once finished
    char *path;
    char *temporary;
} jc_atomic_file;

/** @retval JC_EPERM, JC_ENOENT, JC_EIO  err names the file and the system's reason
 *  @retval JC_ENOMEM */
JC_MUST_USE jc_status jc_atomic_file_open(const char *path, jc_atomic_file *out_file,
                                          jc_error *err);

/** Flush to the disk and close; reports any failure since it was opened. The final name is not
 *  touched. */
JC_MUST_USE jc_status jc_atomic_file_finish(jc_atomic_file *file, jc_error *err);

/** Give a finished file its final name, and forget it. */
JC_MUST_USE jc_status jc_atomic_file_commit(jc_atomic_file *file, jc_error *err);

/** Throw away what was written, and forget it; {0} is allowed. */
void jc_atomic_file_abandon(jc_atomic_file *file);

#endif
