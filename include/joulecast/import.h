// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Foreign measurements: CSV files of any columns, turned into a dataset by a mapping.
 *
 * A mapping is a YAML file that says, for each source file, which kernel its rows are of, how our
 * columns follow from its columns, and which rows or fields to leave out and why. Its grammar is in
 * datasets/README.md. Files are streamed: memory does not grow with them.
 *
 * Ownership: the report is the caller's; all else is borrowed for the call.
 */
#ifndef JC_IMPORT_H
#define JC_IMPORT_H

#include <joulecast/kernel.h>
#include <joulecast/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to import, and where to. */
typedef struct jc_import_options {
    const char *mapping;      ///< path of the mapping
    const char *const *paths; ///< [n_paths] CSV files; the mapping knows them by their base names
    size_t n_paths;
    const char *folder; ///< of the dataset; files of kernels that do not occur stay as they are

    /** May be NULL. Called now and then with the bytes read so far, of all files together. */
    void (*progress)(void *context, int64_t bytes);
    void *context; ///< of `progress`
} jc_import_options;

/** Rows that were dropped, or of which fields were set to unknown, for one reason. */
typedef struct jc_import_rule {
    const char *because; ///< the mapping's words
    const char *fields;  ///< set to unknown, as "power_w, energy_j"; NULL = the rows were dropped
    int64_t n_rows;
    int64_t n_rows_of[JC_KERNEL_COUNT + 1]; ///< by kernel; the last: networks, or no kernel
} jc_import_rule;

/** What became of the rows of one file. */
typedef struct jc_import_file {
    const char *path;
    int64_t n_read;
    int64_t n_kept;
    int64_t n_kept_of[JC_KERNEL_COUNT + 1]; ///< by kernel; the last: networks
    jc_import_rule *rules;                  ///< [n_rules], in the mapping's order
    size_t n_rules;
} jc_import_file;

typedef struct jc_import_report {
    jc_import_file *files; ///< [n_files], as given
    size_t n_files;
} jc_import_report;

/**
 * Import files into a dataset folder. On failure the folder stays as it was.
 *
 * @param out_report  the caller frees it with jc_import_report_free.
 * @retval JC_EPARSE  the mapping or a CSV file is malformed, they do not fit together, or a row has
 *                    a value that cannot be; err names file, line and column
 * @retval JC_ESHAPE  sizes of a row do not fit together
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_import(const jc_import_options *options, jc_import_report **out_report,
                                jc_error *err);

/** Free a report; NULL is allowed. */
void jc_import_report_free(jc_import_report *report);

#ifdef __cplusplus
}
#endif

#endif
