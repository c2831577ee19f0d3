// SPDX-License-Identifier: Apache-2.0
/** @file Reading whole files, with the reason when that fails. */
#ifndef JC_COMMON_FILE_H
#define JC_COMMON_FILE_H

#include "common/arena.h"

#include <joulecast/status.h>

/** Status that fits an errno of open, read or write. */
jc_status jc_status_from_errno(int error);

/**
 * Read a regular file whole into the arena, terminated by NUL.
 *
 * @retval JC_ENOENT, JC_EPERM, JC_EIO   err names the path and the system's reason
 * @retval JC_EPARSE                     larger than max_bytes
 */
JC_MUST_USE jc_status jc_file_read(const char *path, size_t max_bytes, jc_arena *arena,
                                   char **out_text, size_t *out_length, jc_error *err);

#endif
