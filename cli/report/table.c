// SPDX-License-Identifier: Apache-2.0
// Aligned text for a terminal. Columns that may be shortened are, until the lines fit.
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2, MAX_COLUMNS = 32 };

static const char ellipsis[] = "…";

typedef struct column_width {
    size_t width;
    size_t narrowest; ///< 0 = fixed
} column_width;

// The cell's text in `scratch`, terminated.
static const char *cell_text(text_buffer *scratch, const report_column *column,
                             const report_value *value) {
    text_reset(scratch);
    report_append_cell(scratch, column, value);
    text_append_char(scratch, '\0');
    return scratch->failed ? "" : scratch->data;
}

static void measure(const report_table *table, text_buffer *scratch, column_width *widths) {
    for (size_t c = 0; c < table->n_columns; ++c) {
        const report_column *column = &table->columns[c];
        widths[c] = (column_width){0};
        if (column->heading == NULL) {
            continue;
        }
        widths[c].width = text_width(column->heading);
        for (size_t r = 0; r < table->n_rows; ++r) {
            const size_t width =
                text_width(cell_text(scratch, column, &table->values[r * table->n_columns + c]));
            if (width > widths[c].width) {
                widths[c].width = width;
            }
        }
        widths[c].narrowest = column->narrowest;
    }
}

static size_t line_width(const report_table *table, const column_width *widths) {
    size_t total = 0;
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (table->columns[c].heading != NULL) {
            total += widths[c].width + (total == 0 ? 0 : GAP);
        }
    }
    return total;
}

// Takes from the column that exceeds its narrowest width most, one character at a time.
static void shrink(const report_table *table, size_t limit, column_width *widths) {
    size_t total = line_width(table, widths);
    while (total > limit) {
        column_width *widest = NULL;
        size_t most = 0;
        for (size_t c = 0; c < table->n_columns; ++c) {
            if (widths[c].narrowest != 0 && widths[c].width > widths[c].narrowest + most) {
                widest = &widths[c];
                most = widths[c].width - widths[c].narrowest;
            }
        }
        if (widest == NULL) {
            return;
        }
        --widest->width;
        --total;
    }
}

// First byte after `n` characters of clean text.
static const char *skip_characters(const char *text, size_t n) {
    while (n > 0 && *text != '\0') {
        ++text;
        while (((unsigned char)*text & 0xc0) == 0x80) {
            ++text;
        }
        --n;
    }
    return text;
}

static void append_shortened(text_buffer *out, const char *text, size_t width, bool cut_front) {
    const size_t full = text_width(text);
    if (full <= width) {
        text_append(out, text);
    } else if (cut_front) {
        text_append(out, ellipsis);
        text_append(out, skip_characters(text, full - (width - 1)));
    } else {
        text_append_bytes(out, text, (size_t)(skip_characters(text, width - 1) - text));
        text_append(out, ellipsis);
    }
}

static void append_padded(text_buffer *out, const report_column *column, const char *text,
                          size_t width) {
    const size_t full = text_width(text);
    const size_t padding = full < width ? width - full : 0;
    if (report_is_numeric(column)) {
        text_append_repeated(out, ' ', padding);
    }
    append_shortened(out, text, width, column->cut_front);
    if (!report_is_numeric(column)) {
        text_append_repeated(out, ' ', padding);
    }
}

static void end_line(text_buffer *out) {
    while (out->length > 0 && out->data[out->length - 1] == ' ') {
        --out->length;
    }
    text_append_char(out, '\n');
}

static void append_rows(text_buffer *out, const report_table *table, const column_width *widths,
                        text_buffer *scratch) {
    for (size_t line = 0; line <= table->n_rows; ++line) {
        bool is_first = true;
        for (size_t c = 0; c < table->n_columns; ++c) {
            const report_column *column = &table->columns[c];
            if (column->heading == NULL) {
                continue;
            }
            const report_value *value = &table->values[(line - 1) * table->n_columns + c];
            text_append_repeated(out, ' ', is_first ? 0 : GAP);
            append_padded(out, column,
                          line == 0 ? column->heading : cell_text(scratch, column, value),
                          widths[c].width);
            is_first = false;
        }
        end_line(out);
    }
}

static void print_table(text_buffer *out, const report_layout *layout, const report_table *table) {
    if (table->n_columns > MAX_COLUMNS) {
        out->failed = true;
        return;
    }
    column_width widths[MAX_COLUMNS];
    text_buffer scratch = {0};
    measure(table, &scratch, widths);
    shrink(table, layout->width, widths);
    append_rows(out, table, widths, &scratch);
    out->failed = out->failed || scratch.failed;
    text_clear(&scratch);
}

// Text in lines of at most `width` columns, broken at spaces.
static void append_wrapped(text_buffer *out, const char *text, size_t width) {
    size_t column = 0;
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > width) {
            text_append_char(out, '\n');
            column = 0;
        }
        text_append(out, column == 0 ? "" : " ");
        column += (column == 0 ? 0 : 1) + length;
        text_append_bytes(out, text, length);
        text += length;
        text += strspn(text, " ");
    }
    text_append_char(out, '\n');
}

static void append_facts(text_buffer *out, const report_fact *facts) {
    size_t label_width = 0;
    for (const report_fact *fact = facts; fact->label != NULL; ++fact) {
        const size_t width = text_width(fact->label);
        label_width = width > label_width ? width : label_width;
    }
    for (const report_fact *fact = facts; fact->label != NULL; ++fact) {
        text_append(out, "  ");
        text_append(out, fact->label);
        text_append_repeated(out, ' ', label_width - text_width(fact->label) + GAP);
        text_append_clean(out, fact->text);
        end_line(out);
    }
}

static void begin(text_buffer *out, const report_layout *layout, const report_document *first) {
    (void)out;
    (void)layout;
    (void)first;
}

static void print_document(text_buffer *out, const report_layout *layout,
                           const report_document *document, bool is_first) {
    text_append(out, is_first ? "" : "\n");
    for (const char *const *note = document->notes; *note != NULL; ++note) {
        append_wrapped(out, *note, layout->width);
    }
    text_append_char(out, '\n');
    append_facts(out, document->facts);
    if (document->layers.n_columns != 0) {
        text_append_char(out, '\n');
        print_table(out, layout, &document->layers);
    }
}

static void end(text_buffer *out, const report_layout *layout) {
    (void)out;
    (void)layout;
}

const report_format report_table_format = {
    .name = "table",
    .summary = "aligned text for a terminal",
    .begin = begin,
    .document = print_document,
    .end = end,
    .table = print_table,
};
