// SPDX-License-Identifier: Apache-2.0
// CSV in, by libcsv. It pushes fields; here a record is pulled: the parser is fed one line at a
// time, so that it completes one record at most, and what it delivers is copied to a buffer.
#include "common/csv/csv.h"

#include "common/file.h"

#include <csv.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK_BYTES = 64 * 1024, FIELD_BLOCK_BYTES = 1024 };

struct jc_csv {
    FILE *file;
    char *name;
    struct csv_parser parser;
    bool has_parser;

    unsigned char chunk[CHUNK_BYTES];
    size_t at;            ///< next byte of the chunk
    size_t end;           ///< bytes in the chunk
    int64_t before_bytes; ///< bytes of the file before the chunk
    bool at_eof;

    int64_t line;        ///< of the next byte
    bool after_cr;       ///< the last byte was a CR: an LF now belongs to it
    int64_t record_line; ///< on which the record begins

    char *text; ///< fields of the record, each terminated
    size_t text_bytes;
    size_t text_capacity;
    size_t *start; ///< [n_fields] of each field in `text`
    size_t n_fields;
    size_t start_capacity;
    bool record_done;
    bool out_of_memory;
    const char *problem; ///< limit that the record exceeds; NULL = none

    char *header; ///< column names, each terminated
    size_t *header_start;
    size_t n_columns;
};

static int clamp_line(int64_t line) {
    return line > INT_MAX ? INT_MAX : (int)line;
}

static jc_status fail(const jc_csv *csv, jc_error *err, int64_t line, const char *message) {
    return jc_error_set(err, JC_EPARSE, csv->name, clamp_line(line), "%s", message);
}

static jc_status fail_memory(const jc_csv *csv, jc_error *err) {
    return jc_error_set(err, JC_ENOMEM, csv->name, 0, "out of memory");
}

// --- What libcsv delivers -------------------------------------------------------------------

static bool reserve(void **array, size_t *capacity, size_t wanted, size_t size) {
    if (wanted <= *capacity) {
        return true;
    }
    const size_t doubled = 2 * wanted;
    void *grown = realloc(*array, doubled * size);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *capacity = doubled;
    return true;
}

static const char *find_excess(const jc_csv *csv, size_t field_bytes) {
    if (csv->problem != NULL) {
        return csv->problem; // the first one is what is reported
    }
    if (field_bytes > JC_CSV_MAX_FIELD_BYTES) {
        return "a field is longer than 64 KiB, the most that is read; is its closing quote "
               "missing?";
    }
    if (csv->n_fields >= JC_CSV_MAX_COLUMNS) {
        return "more than 4096 fields in a line, the most that is read";
    }
    return csv->text_bytes + field_bytes >= JC_CSV_MAX_RECORD_BYTES
               ? "a record is longer than 1 MiB, the most that is read"
               : NULL;
}

static void take_field(void *field, size_t length, void *context) {
    jc_csv *csv = context;
    csv->problem = find_excess(csv, length);
    if (csv->problem != NULL) {
        return;
    }
    void *text = csv->text;
    void *start = csv->start;
    const bool good = reserve(&text, &csv->text_capacity, csv->text_bytes + length + 1, 1) &&
                      reserve(&start, &csv->start_capacity, csv->n_fields + 1, sizeof *csv->start);
    csv->text = text;
    csv->start = start;
    if (!good) {
        csv->out_of_memory = true;
        return;
    }
    if (length > 0) {
        memcpy(csv->text + csv->text_bytes, field, length);
    }
    csv->text[csv->text_bytes + length] = '\0';
    csv->start[csv->n_fields++] = csv->text_bytes;
    csv->text_bytes += length + 1;
}

static void take_end_of_record(int terminator, void *context) {
    (void)terminator; // CR, LF or the end of the file: all the same
    ((jc_csv *)context)->record_done = true;
}

// --- Feeding it -----------------------------------------------------------------------------

static jc_status fill_chunk(jc_csv *csv, jc_error *err) {
    csv->before_bytes += (int64_t)csv->end;
    csv->at = 0;
    csv->end = fread(csv->chunk, 1, sizeof csv->chunk, csv->file);
    if (csv->end == 0 && ferror(csv->file) != 0) {
        const int error = errno;
        return jc_error_set(err, jc_status_from_errno(error), csv->name, 0, "%s", strerror(error));
    }
    csv->at_eof = csv->end == 0;
    return JC_OK;
}

static void count_lines(jc_csv *csv, unsigned char byte) {
    if (byte == '\r' || (byte == '\n' && !csv->after_cr)) {
        ++csv->line;
    }
    csv->after_cr = byte == '\r';
}

// Between records libcsv ignores these; skipping them here gives the record's own line.
static void skip_blank(jc_csv *csv) {
    while (csv->at < csv->end && strchr("\r\n ", csv->chunk[csv->at]) != NULL &&
           csv->chunk[csv->at] != '\0') {
        count_lines(csv, csv->chunk[csv->at++]);
    }
}

static const char *column_name(const jc_csv *csv, size_t column) {
    return column < csv->n_columns ? csv->header + csv->header_start[column] : "?";
}

static jc_status check_delivery(jc_csv *csv, jc_error *err) {
    if (csv->out_of_memory || csv_error(&csv->parser) == CSV_ENOMEM) {
        return fail_memory(csv, err);
    }
    if (csv->problem != NULL) {
        return fail(csv, err, csv->record_line, csv->problem);
    }
    return JC_OK;
}

// Feed bytes up to the end of the line or of the chunk.
static jc_status feed_line(jc_csv *csv, jc_error *err) {
    const unsigned char *from = csv->chunk + csv->at;
    size_t n = 0;
    while (csv->at + n < csv->end && from[n] != '\n' && from[n] != '\r' && from[n] != '\0') {
        ++n;
    }
    if (csv->at + n < csv->end && from[n] == '\0') {
        return fail(csv, err, csv->line,
                    "a NUL byte: this is no text in UTF-8 (save the table as CSV in UTF-8)");
    }
    n += csv->at + n < csv->end; // the end of the line with it
    const size_t taken = csv_parse(&csv->parser, from, n, take_field, take_end_of_record, csv);
    // A field that goes on and on is not delivered, only buffered; the buffer tells its length.
    csv->problem = find_excess(csv, csv_get_buffer_size(&csv->parser) / 2);
    const jc_status status = check_delivery(csv, err);
    if (status != JC_OK) {
        return status;
    }
    if (taken != n) {
        return jc_error_set(err, JC_EPARSE, csv->name, clamp_line(csv->line),
                            "column '%.60s': a quote stands inside a field; put the whole field in "
                            "quotes and double those inside",
                            column_name(csv, csv->n_fields));
    }
    csv->at += n;
    csv->after_cr = csv->after_cr && n == 1; // else other bytes stand between
    count_lines(csv, from[n - 1]);
    return JC_OK;
}

static jc_status finish(jc_csv *csv, jc_error *err) {
    if (csv_fini(&csv->parser, take_field, take_end_of_record, csv) != 0 &&
        csv_error(&csv->parser) == CSV_EPARSE) {
        return jc_error_set(err, JC_EPARSE, csv->name, clamp_line(csv->record_line),
                            "column '%.60s': a field in quotes is never closed",
                            column_name(csv, csv->n_fields));
    }
    return check_delivery(csv, err);
}

// One record, of any number of fields; none at the end of the file.
static jc_status read_record(jc_csv *csv, bool *out_more, jc_error *err) {
    csv->n_fields = 0;
    csv->text_bytes = 0;
    csv->record_done = false;
    bool begun = false;
    while (!csv->record_done) {
        jc_status status = JC_OK;
        if (csv->at == csv->end) {
            status = csv->at_eof ? JC_OK : fill_chunk(csv, err);
            if (status == JC_OK && csv->at_eof) {
                status = finish(csv, err);
                if (status == JC_OK) {
                    *out_more = csv->record_done;
                }
                return status;
            }
        }
        if (status == JC_OK && !begun) {
            skip_blank(csv);
            csv->record_line = csv->line;
            begun = csv->at < csv->end;
        }
        if (status == JC_OK && csv->at < csv->end) {
            status = feed_line(csv, err);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    *out_more = true;
    return JC_OK;
}

// --- Public ---------------------------------------------------------------------------------

static jc_status skip_byte_order_mark(jc_csv *csv, jc_error *err) {
    const jc_status status = fill_chunk(csv, err);
    if (status == JC_OK && csv->end >= 3 && memcmp(csv->chunk, "\xEF\xBB\xBF", 3) == 0) {
        csv->at = 3;
    }
    return status;
}

static jc_status read_header(jc_csv *csv, jc_error *err) {
    bool more = false;
    jc_status status = skip_byte_order_mark(csv, err);
    if (status == JC_OK) {
        status = read_record(csv, &more, err);
    }
    if (status == JC_OK && !more) {
        status = fail(csv, err, 0, "empty; the first line must hold the names of the columns");
    }
    if (status != JC_OK) {
        return status;
    }
    // The record's buffers become the header's; the next record gets new ones.
    csv->header = csv->text;
    csv->header_start = csv->start;
    csv->n_columns = csv->n_fields;
    csv->text = NULL;
    csv->start = NULL;
    csv->text_capacity = 0;
    csv->start_capacity = 0;
    return JC_OK;
}

jc_status jc_csv_open_stream(FILE *file, const char *name, char separator, jc_csv **out_csv,
                             jc_error *err) {
    jc_csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL) {
        (void)fclose(file); // read only: nothing can be lost
        return jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    }
    csv->file = file;
    csv->line = 1;
    csv->name = strdup(name);
    csv->has_parser = csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI) == 0;
    jc_status status = JC_OK;
    if (csv->name == NULL || !csv->has_parser) {
        status = jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    } else {
        csv_set_delim(&csv->parser, (unsigned char)separator);
        csv_set_blk_size(&csv->parser, FIELD_BLOCK_BYTES);
        status = read_header(csv, err);
    }
    if (status != JC_OK) {
        jc_csv_close(csv);
        return status;
    }
    *out_csv = csv;
    return JC_OK;
}

jc_status jc_csv_open(const char *path, char separator, jc_csv **out_csv, jc_error *err) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        const int error = errno;
        return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s", strerror(error));
    }
    return jc_csv_open_stream(file, path, separator, out_csv, err);
}

size_t jc_csv_n_columns(const jc_csv *csv) {
    return csv->n_columns;
}

const char *jc_csv_column(const jc_csv *csv, size_t column) {
    return csv->header + csv->header_start[column];
}

jc_status jc_csv_find(const jc_csv *csv, const char *name, size_t *out_column, jc_error *err) {
    size_t found = JC_CSV_NO_COLUMN;
    for (size_t c = 0; c < csv->n_columns; ++c) {
        if (strcmp(jc_csv_column(csv, c), name) != 0) {
            continue;
        }
        if (found != JC_CSV_NO_COLUMN) {
            return jc_error_set(err, JC_EPARSE, csv->name, 1,
                                "two columns are called '%.60s' (%zu and %zu); rename one", name,
                                found + 1, c + 1);
        }
        found = c;
    }
    *out_column = found;
    return JC_OK;
}

jc_status jc_csv_next(jc_csv *csv, bool *out_more, jc_error *err) {
    bool more = false;
    const jc_status status = read_record(csv, &more, err);
    if (status != JC_OK) {
        return status;
    }
    const int line = clamp_line(csv->record_line);
    if (more && csv->n_fields < csv->n_columns) {
        return jc_error_set(err, JC_EPARSE, csv->name, line,
                            "%zu fields, but the first line names %zu columns; '%.60s' and what "
                            "follows it is missing",
                            csv->n_fields, csv->n_columns, jc_csv_column(csv, csv->n_fields));
    }
    if (more && csv->n_fields > csv->n_columns) {
        return jc_error_set(err, JC_EPARSE, csv->name, line,
                            "%zu fields, but the first line names %zu columns; '%.60s' is the last",
                            csv->n_fields, csv->n_columns, jc_csv_column(csv, csv->n_columns - 1));
    }
    *out_more = more;
    return JC_OK;
}

const char *jc_csv_field(const jc_csv *csv, size_t column) {
    return csv->text + csv->start[column];
}

int jc_csv_line(const jc_csv *csv) {
    return clamp_line(csv->record_line);
}

const char *jc_csv_name(const jc_csv *csv) {
    return csv->name;
}

int64_t jc_csv_position_bytes(const jc_csv *csv) {
    return csv->before_bytes + (int64_t)csv->at;
}

void jc_csv_close(jc_csv *csv) {
    if (csv == NULL) {
        return;
    }
    (void)fclose(csv->file); // read only: nothing can be lost
    if (csv->has_parser) {
        csv_free(&csv->parser);
    }
    free(csv->name);
    free(csv->text);
    free(csv->start);
    free(csv->header);
    free(csv->header_start);
    free(csv);
}
