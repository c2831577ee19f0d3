// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Text under construction: a growing buffer, and the escapes of the output formats.
 *
 * The first failed allocation sticks in `failed`; later appends do nothing. Text that is not valid
 * UTF-8 (a file name may hold any byte) comes out with U+FFFD for each bad byte.
 */
#ifndef JC_CLI_TEXT_H
#define JC_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct text_buffer {
    char *data; ///< not terminated
    size_t length;
    size_t capacity;
    bool failed;
} text_buffer; ///< safe at {0}; free `data` through text_clear

void text_append_bytes(text_buffer *text, const char *bytes, size_t length);
void text_append(text_buffer *text, const char *string);
void text_append_char(text_buffer *text, char c);
void text_append_repeated(text_buffer *text, char c, size_t count);
void text_append_integer(text_buffer *text, int64_t value);

/** Shortest number that reads back as the same double, in the C locale. The value is finite. */
void text_append_real(text_buffer *text, double value);

/** As it is for people: control characters and bad bytes replaced. */
void text_append_clean(text_buffer *text, const char *string);

/** In quotes, with the escapes of JSON. */
void text_append_json(text_buffer *text, const char *string);

/** A field of RFC 4180, in quotes where it needs them. */
void text_append_csv(text_buffer *text, const char *string);

/** With the entities of HTML. */
void text_append_html(text_buffer *text, const char *string);

/** With markdown's special characters escaped. */
void text_append_markdown(text_buffer *text, const char *string);

/** Terminal columns that clean text takes: its characters, taken as one column each. */
size_t text_width(const char *string);

/** Forget the text, keep the storage. */
void text_reset(text_buffer *text);

void text_clear(text_buffer *text);

#endif
