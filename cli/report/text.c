// SPDX-License-Identifier: Apache-2.0
// A growing text buffer, and the escapes of the output formats.
#include "text.h"

#include "common/number.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(text_buffer *text, size_t more) {
    if (text->failed) {
        return false;
    }
    if (text->capacity - text->length >= more) {
        return true;
    }
    size_t capacity = text->capacity == 0 ? 1024 : text->capacity;
    while (capacity - text->length < more && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    char *data = capacity - text->length < more ? NULL : realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_append_bytes(text_buffer *text, const char *bytes, size_t length) {
    if (length > 0 && reserve(text, length)) {
        memcpy(text->data + text->length, bytes, length);
        text->length += length;
    }
}

void text_append(text_buffer *text, const char *string) {
    text_append_bytes(text, string, strlen(string));
}

void text_append_char(text_buffer *text, char c) {
    text_append_bytes(text, &c, 1);
}

void text_append_repeated(text_buffer *text, char c, size_t count) {
    if (count > 0 && reserve(text, count)) {
        memset(text->data + text->length, c, count);
        text->length += count;
    }
}

void text_append_integer(text_buffer *text, int64_t value) {
    char digits[24];
    size_t at = sizeof digits;
    // The magnitude as unsigned: -INT64_MIN does not fit.
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    text_append_bytes(text, digits + at, sizeof digits - at);
}

void text_append_real(text_buffer *text, double value) {
    char number[JC_NUMBER_TEXT_SIZE];
    text_append(text, jc_format_double(value, number));
}

// Length of the valid UTF-8 character at `s` (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF), or 0 if there is none.
static size_t character_length(const unsigned char *s) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; ++i) {
        if (s[0] < forms[i].first_low || s[0] > forms[i].first_high) {
            continue;
        }
        if (forms[i].length > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high)) {
            return 0;
        }
        for (size_t k = 2; k < forms[i].length; ++k) {
            if (s[k] < 0x80 || s[k] > 0xbf) {
                return 0;
            }
        }
        return forms[i].length;
    }
    return 0;
}

// What a character is replaced by; NULL = it stands for itself.
typedef const char *(*escape_character)(unsigned char c, char *buffer);

static void append_escaped(text_buffer *text, const char *string, escape_character escape) {
    const unsigned char *s = (const unsigned char *)string;
    while (*s != '\0') {
        char buffer[8];
        const size_t length = character_length(s);
        const char *replacement = length == 0 ? "\xef\xbf\xbd" : NULL; // U+FFFD
        if (length == 1) {
            replacement = escape(*s, buffer);
        }
        if (replacement != NULL) {
            text_append(text, replacement);
        } else {
            text_append_bytes(text, (const char *)s, length);
        }
        s += length == 0 ? 1 : length;
    }
}

static bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7f;
}

static const char *escape_clean(unsigned char c, char *buffer) {
    (void)buffer;
    return is_control(c) ? "?" : NULL;
}

void text_append_clean(text_buffer *text, const char *string) {
    append_escaped(text, string, escape_clean);
}

static const char *escape_json(unsigned char c, char *buffer) {
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    default:
        if (!is_control(c)) {
            return NULL;
        }
        memcpy(buffer, "\\u00", 4);
        buffer[4] = hex[c >> 4];
        buffer[5] = hex[c & 15];
        buffer[6] = '\0';
        return buffer;
    }
}

void text_append_json(text_buffer *text, const char *string) {
    text_append_char(text, '"');
    append_escaped(text, string, escape_json);
    text_append_char(text, '"');
}

static const char *escape_csv(unsigned char c, char *buffer) {
    (void)buffer;
    return c == '"' ? "\"\"" : NULL;
}

void text_append_csv(text_buffer *text, const char *string) {
    // An empty text is quoted too: an empty cell means unknown.
    const bool quoted = string[0] == '\0' || strpbrk(string, ",\"\r\n") != NULL;
    text_append(text, quoted ? "\"" : "");
    append_escaped(text, string, escape_csv);
    text_append(text, quoted ? "\"" : "");
}

static const char *escape_html(unsigned char c, char *buffer) {
    (void)buffer;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return is_control(c) ? "?" : NULL;
    }
}

void text_append_html(text_buffer *text, const char *string) {
    append_escaped(text, string, escape_html);
}

static const char *escape_markdown(unsigned char c, char *buffer) {
    if (is_control(c)) {
        return "?";
    }
    if (c == '\0' || strchr("\\|`*<>[]#&~", c) == NULL) {
        return NULL;
    }
    buffer[0] = '\\';
    buffer[1] = (char)c;
    buffer[2] = '\0';
    return buffer;
}

void text_append_markdown(text_buffer *text, const char *string) {
    append_escaped(text, string, escape_markdown);
}

size_t text_width(const char *string) {
    const unsigned char *s = (const unsigned char *)string;
    size_t width = 0;
    while (*s != '\0') {
        const size_t length = character_length(s);
        s += length == 0 ? 1 : length;
        ++width;
    }
    return width;
}

void text_reset(text_buffer *text) {
    text->length = 0;
    text->failed = false;
}

void text_clear(text_buffer *text) {
    free(text->data);
    *text = (text_buffer){0};
}
