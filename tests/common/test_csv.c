// SPDX-License-Identifier: Apache-2.0
// CSV reader and writer: what RFC 4180 and real files hold is read, damage is named by its line.
#include "common/csv/csv.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static jc_status open_text(const char *text, size_t length, jc_csv **csv, jc_error *err) {
    // fmemopen refuses size 0; the reader sees the end of the file either way.
    static char empty[1];
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    (void)fwrite(length == 0 ? empty : text, 1, length, file);
    rewind(file);
    return jc_csv_open_stream(file, "t.csv", ',', csv, err);
}

// All records as "a|b;c|d;".
static char *read_all(const char *text) {
    static char out[4096];
    jc_csv *csv = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(open_text(text, strlen(text), &csv, &err), JC_OK, "%s", err.message);
    out[0] = '\0';
    bool more = true;
    for (;;) {
        cr_assert_eq(jc_csv_next(csv, &more, &err), JC_OK, "%s", err.message);
        if (!more) {
            break;
        }
        for (size_t c = 0; c < jc_csv_n_columns(csv); ++c) {
            (void)strcat(out, c == 0 ? "" : "|");
            (void)strcat(out, jc_csv_field(csv, c));
        }
        (void)strcat(out, ";");
    }
    jc_csv_close(csv);
    return out;
}

// The error of a text that is refused, as "line: message".
static const char *error_of_bytes(const char *text, size_t length) {
    static char out[600];
    jc_csv *csv = NULL;
    jc_error err = {.status = JC_OK};
    jc_status status = open_text(text, length, &csv, &err);
    bool more = true;
    while (status == JC_OK && more) {
        status = jc_csv_next(csv, &more, &err);
    }
    jc_csv_close(csv);
    cr_assert_eq(status, JC_EPARSE, "not refused: %s", text);
    cr_assert_eq(err.status, JC_EPARSE);
    (void)snprintf(out, sizeof out, "%d: %s", err.line, err.message);
    return out;
}

static const char *error_of(const char *text) {
    return error_of_bytes(text, strlen(text));
}

static void assert_says(const char *error, const char *part) {
    cr_assert_not_null(strstr(error, part), "'%s' does not say '%s'", error, part);
}

Test(csv, reads_plain_records) {
    cr_assert_str_eq(read_all("a,b\n1,2\n3,4\n"), "1|2;3|4;");
}

Test(csv, needs_no_line_end_at_the_end) {
    cr_assert_str_eq(read_all("a,b\n1,2\n3,4"), "1|2;3|4;");
}

Test(csv, takes_all_line_ends_and_blank_lines) {
    cr_assert_str_eq(read_all("a,b\r\n1,2\r\n\r\n3,4\r\n"), "1|2;3|4;");
    cr_assert_str_eq(read_all("\n\na,b\r1,2\r3,4\r"), "1|2;3|4;");
}

Test(csv, skips_a_byte_order_mark) {
    jc_csv *csv = NULL;
    cr_assert_eq(open_text("\xEF\xBB\xBF"
                           "a,b\n",
                           7, &csv, NULL),
                 JC_OK);
    cr_assert_str_eq(jc_csv_column(csv, 0), "a");
    jc_csv_close(csv);
}

Test(csv, takes_quotes_apart) {
    cr_assert_str_eq(read_all("a,b\n\"1,5\",\"say \"\"x\"\"\"\n\"two\nlines\", 4 \n"),
                     "1,5|say \"x\";two\nlines|4;");
}

Test(csv, keeps_empty_fields) {
    cr_assert_str_eq(read_all("a,b,c\n,,\n1,,\"\"\n"), "||;1||;");
}

Test(csv, takes_another_separator) {
    jc_csv *csv = NULL;
    FILE *file = tmpfile();
    (void)fputs("a;b\n1,5;2\n", file);
    rewind(file);
    cr_assert_eq(jc_csv_open_stream(file, "t.csv", ';', &csv, NULL), JC_OK);
    bool more = false;
    cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
    cr_assert(more);
    cr_assert_str_eq(jc_csv_field(csv, 0), "1,5");
    jc_csv_close(csv);
}

Test(csv, tells_the_line_on_which_a_record_begins) {
    jc_csv *csv = NULL;
    const char *text = "a,b\r\n\"1\n1\",2\r\n\r\n 3,4\n";
    cr_assert_eq(open_text(text, strlen(text), &csv, NULL), JC_OK);
    bool more = false;
    cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
    cr_assert_eq(jc_csv_line(csv), 2);
    cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
    cr_assert_eq(jc_csv_line(csv), 5);
    jc_csv_close(csv);
}

Test(csv, counts_lines_that_end_in_different_ways) {
    jc_csv *csv = NULL;
    const char *text = "a\rb\nc\r\nd\n\re\r\r\nf";
    static const int lines[] = {2, 3, 4, 6, 8};
    cr_assert_eq(open_text(text, strlen(text), &csv, NULL), JC_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; ++i) {
        bool more = false;
        cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
        cr_assert_eq(jc_csv_line(csv), lines[i]);
    }
    jc_csv_close(csv);
}

Test(csv, finds_columns_and_refuses_a_name_that_stands_twice) {
    jc_csv *csv = NULL;
    cr_assert_eq(open_text("a,b,a\n", 6, &csv, NULL), JC_OK);
    size_t column = 0;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_csv_find(csv, "b", &column, &err), JC_OK);
    cr_assert_eq(column, 1u);
    cr_assert_eq(jc_csv_find(csv, "c", &column, &err), JC_OK);
    cr_assert_eq(column, JC_CSV_NO_COLUMN);
    cr_assert_eq(jc_csv_find(csv, "a", &column, &err), JC_EPARSE);
    assert_says(err.message, "two columns are called 'a' (1 and 3)");
    jc_csv_close(csv);
}

Test(csv, refuses_short_and_long_records_by_column) {
    assert_says(error_of("a,b,c\n1,2,3\n1,2\n"), "3: 2 fields");
    assert_says(error_of("a,b,c\n1,2\n"), "'c' and what follows it is missing");
    assert_says(error_of("a,b\n1,2,3\n"), "2: 3 fields, but the first line names 2 columns");
}

Test(csv, refuses_stray_quotes) {
    assert_says(error_of("a,b\n1,2\"x\n"), "2: column 'b': a quote stands inside a field");
    assert_says(error_of("a,b\n\"1\"x,2\n"), "2: column 'a': a quote stands inside a field");
}

Test(csv, refuses_a_quote_that_is_never_closed) {
    assert_says(error_of("a,b\n1,2\n1,\"2\n3,4\n"),
                "3: column 'b': a field in quotes is never closed");
}

Test(csv, refuses_an_empty_file) {
    assert_says(error_of(""), "empty; the first line must hold the names");
    assert_says(error_of("\n\n"), "empty");
}

Test(csv, refuses_nul_bytes) {
    assert_says(error_of_bytes("a,b\n1,\0002\n", 9), "2: a NUL byte");
    assert_says(error_of_bytes("a\0,\0b\0\n\0", 8), "1: a NUL byte"); // UTF-16
}

Test(csv, does_not_follow_an_unclosed_quote_through_a_large_file) {
    const size_t size = 4 * 1024 * 1024;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "a,b\n1,\"", 7);
    const char *error = error_of_bytes(text, size);
    assert_says(error, "2: a field is longer than 64 KiB");
    for (size_t i = 100; i < size; i += 100) {
        text[i] = '\n';
    }
    assert_says(error_of_bytes(text, size), "2: a field is longer than 64 KiB");
    free(text);
}

Test(csv, bounds_the_number_of_fields) {
    const size_t size = 5000;
    char *text = malloc(size);
    memset(text, ',', size);
    text[0] = 'a';
    assert_says(error_of_bytes(text, size), "more than 4096 fields");
    free(text);
}

Test(csv, reads_fields_that_cross_the_end_of_a_chunk) {
    // Records of 37 bytes: the 64 KiB chunks end inside every part of one sooner or later.
    FILE *file = tmpfile();
    (void)fputs("a,b\n", file);
    for (int i = 0; i < 20000; ++i) {
        (void)fprintf(file, "%010d,\"quoted \"\"%010d\"\"\"\r\n", i, i);
    }
    rewind(file);
    jc_csv *csv = NULL;
    cr_assert_eq(jc_csv_open_stream(file, "t.csv", ',', &csv, NULL), JC_OK);
    for (int i = 0; i < 20000; ++i) {
        bool more = false;
        char expected[64];
        cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
        cr_assert(more);
        (void)snprintf(expected, sizeof expected, "quoted \"%010d\"", i);
        cr_assert_str_eq(jc_csv_field(csv, 1), expected);
        cr_assert_eq(jc_csv_line(csv), i + 2);
    }
    jc_csv_close(csv);
}

Test(csv, says_why_a_file_cannot_be_opened) {
    jc_csv *csv = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_csv_open("/nonexistent/t.csv", ',', &csv, &err), JC_ENOENT);
    cr_assert_str_eq(err.file, "/nonexistent/t.csv");
    cr_assert_eq(jc_csv_open("/", ',', &csv, &err), JC_EIO);
}

Test(csv, writes_what_it_reads) {
    static const char *const texts[] = {"plain", "",           "a,b",     "say \"x\"",
                                        " edge", "two\nlines", "tab\tin", "#"};
    const size_t n = sizeof texts / sizeof texts[0];
    FILE *file = tmpfile();
    (void)fputs("n,text\n", file);
    for (size_t i = 0; i < n; ++i) {
        (void)fprintf(file, "%zu,", i);
        jc_csv_write_field(file, texts[i]);
        (void)fputc('\n', file);
    }
    rewind(file);
    jc_csv *csv = NULL;
    cr_assert_eq(jc_csv_open_stream(file, "t.csv", ',', &csv, NULL), JC_OK);
    for (size_t i = 0; i < n; ++i) {
        bool more = false;
        cr_assert_eq(jc_csv_next(csv, &more, NULL), JC_OK);
        cr_assert_str_eq(jc_csv_field(csv, 1), texts[i]);
    }
    jc_csv_close(csv);
}
