// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Finding shipped files by name: networks of the zoo, profiles.
 *
 * Folders are searched in this order: those of an environment variable (colon-separated), the
 * source tree when the running program lies in its build folder, `../share/joulecast` beside the
 * program's own folder (an installation that was moved), and the configured data folder.
 */
#ifndef JC_COMMON_SEARCH_PATH_H
#define JC_COMMON_SEARCH_PATH_H

#include "common/arena.h"

#include <joulecast/status.h>

/** Where files of one sort are. */
typedef struct jc_search_path {
    const char *noun;             ///< what a file is, for messages: "zoo network"
    const char *environment;      ///< variable with folders that come first; NULL = none
    const char *source_folder;    ///< folder of the source tree: "architectures"
    const char *installed_folder; ///< folder under the data folder: "architectures"
    const char *const
        *suffixes; ///< what follows the name, tried in order, ends with NULL:
                   ///< ".yaml", or "/profile.yaml" for a file in a folder of that name
} jc_search_path;

/** A file that was found. */
typedef struct jc_search_entry {
    const char *name;
    const char *path;
} jc_search_entry;

/**
 * Find a file by name.
 *
 * @param buffer  [size] receives the path.
 * @retval JC_ENOENT  err names close names that exist
 * @retval JC_ERANGE  the path is longer than the buffer
 */
JC_MUST_USE jc_status jc_search_find(const jc_search_path *path, const char *name, char *buffer,
                                     size_t size, jc_error *err);

/**
 * List all files, sorted by name; of two with one name only that which jc_search_find finds.
 *
 * @param arena  holds the list and its texts.
 */
JC_MUST_USE jc_status jc_search_list(const jc_search_path *path, jc_arena *arena,
                                     jc_search_entry **out_entries, size_t *out_n);

#endif
