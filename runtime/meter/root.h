// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Files of the machine, below the folder that stands for "/". Paths have no leading slash; errors
 * name them with one.
 */
#ifndef JC_METER_ROOT_H
#define JC_METER_ROOT_H

#include "common/arena.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ROOT_PATH_SIZE = 160, ///< paths of sysfs are far shorter
    ROOT_TEXT_SIZE = 128, ///< one value of sysfs
};

/**
 * Open a file for root_reread; the caller closes it.
 *
 * @retval JC_ENOENT, JC_EPERM, JC_EIO
 */
JC_MUST_USE jc_status root_open(int root_fd, const char *path, int *out_fd, jc_error *err);

/**
 * Read the value of an open file again, from its beginning, without the newline at its end.
 *
 * @param buffer  [ROOT_TEXT_SIZE]
 * @retval JC_ENOMETER  what the file stood for is gone
 * @retval JC_EPERM, JC_EIO
 */
JC_MUST_USE jc_status root_reread(int fd, const char *path, char *buffer, jc_error *err);

/** As root_reread, for a whole number. @retval JC_EIO  also: no such number */
JC_MUST_USE jc_status root_reread_integer(int fd, const char *path, int64_t *out_value,
                                          jc_error *err);

/** As root_reread_integer, for a number that is not negative. */
JC_MUST_USE jc_status root_reread_count(int fd, const char *path, uint64_t *out_value,
                                        jc_error *err);

/** Read a file once: its value without the newline. @param buffer [ROOT_TEXT_SIZE] */
JC_MUST_USE jc_status root_read(int root_fd, const char *path, char *buffer, jc_error *err);

/** Read a file once, as root_reread_count. */
JC_MUST_USE jc_status root_read_count(int root_fd, const char *path, uint64_t *out_value,
                                      jc_error *err);

/** True if the path is there and can be looked up. */
bool root_has(int root_fd, const char *path);

/**
 * Names in a folder, in an order in which "hwmon2" comes before "hwmon10".
 *
 * @param out_names  [*out_n], in the arena
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status root_list(int root_fd, const char *folder, jc_arena *arena,
                                const char ***out_names, size_t *out_n, jc_error *err);

/** True if a line of /proc/cpuinfo that begins with `field` has the word in it. */
bool root_cpu_has(int root_fd, const char *field, const char *word);

/** True if the machine says that it is a virtual one. */
bool root_is_virtual(int root_fd);

/** True if the folder is the machine's own root, and no recorded one. */
bool root_is_this_machine(int root_fd);

#endif
