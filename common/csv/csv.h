// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * CSV as a stream of records, and the quoting of a field.
 *
 * This folder alone includes libcsv. A file begins with a record of column names; every record
 * after it must have as many fields. Memory does not grow with the file: one record is held at a
 * time, within the limits below. Accepted: quoted fields (RFC 4180), LF, CR and CRLF, a UTF-8 byte
 * order mark, blank lines, space around fields. Refused, with the line: stray or unclosed quotes,
 * NUL bytes, records that are too short or too long.
 *
 * Ownership: what an `open` returns, the caller closes; texts live until the next record is read.
 */
#ifndef JC_COMMON_CSV_H
#define JC_COMMON_CSV_H

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    JC_CSV_MAX_COLUMNS = 4096,
    JC_CSV_MAX_FIELD_BYTES = 64 * 1024,
    JC_CSV_MAX_RECORD_BYTES = 1024 * 1024,
};

/** No column of that index: see jc_csv_find. */
#define JC_CSV_NO_COLUMN SIZE_MAX

typedef struct jc_csv jc_csv;

/**
 * Open a file and read its column names.
 *
 * @param separator  ',' in most files; ';', '|' or a tab in others.
 * @retval JC_ENOENT, JC_EPERM, JC_EIO  err says why
 * @retval JC_EPARSE                    no column names, or as jc_csv_next
 */
JC_MUST_USE jc_status jc_csv_open(const char *path, char separator, jc_csv **out_csv,
                                  jc_error *err);

/** The same from a stream. @param file  taken over, also on failure. @param name  for messages. */
JC_MUST_USE jc_status jc_csv_open_stream(FILE *file, const char *name, char separator,
                                         jc_csv **out_csv, jc_error *err);

size_t jc_csv_n_columns(const jc_csv *csv);

/** Name of a column. */
const char *jc_csv_column(const jc_csv *csv, size_t column);

/**
 * Find a column by name.
 *
 * @param out_column  JC_CSV_NO_COLUMN if there is none of that name.
 * @retval JC_EPARSE  two columns have that name
 */
JC_MUST_USE jc_status jc_csv_find(const jc_csv *csv, const char *name, size_t *out_column,
                                  jc_error *err);

/**
 * Read the next record.
 *
 * @param out_more  false at the end of the file: then there is no record.
 * @retval JC_EPARSE  malformed or over a limit; err names the line and, where one is at fault, the
 *                    column
 * @retval JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_csv_next(jc_csv *csv, bool *out_more, jc_error *err);

/** Field of the record that was read last, without quotes. @param column  < jc_csv_n_columns */
const char *jc_csv_field(const jc_csv *csv, size_t column);

/** Line on which the record that was read last begins, 1-based. */
int jc_csv_line(const jc_csv *csv);

/** Name of the file, for messages. */
const char *jc_csv_name(const jc_csv *csv);

/** Bytes of the file that were read so far. */
int64_t jc_csv_position_bytes(const jc_csv *csv);

/** Close and free; NULL is allowed. */
void jc_csv_close(jc_csv *csv);

/** Write a field, quoted where it has to be; a failure shows in ferror(file). */
void jc_csv_write_field(FILE *file, const char *text);

#endif
