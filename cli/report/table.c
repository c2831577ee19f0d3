// SPDX-License-Identifier: Apache-2.0
// Aligned text for a terminal. Texts that may give way do, until the lines fit.
#include "report.h"

#include <string.h>

enum { WIDE_GAP = 2, NARROW_GAP = 1, MAX_COLUMNS = 64 };

static const char ellipsis[] = "…";

typedef struct column_width {
    size_t width;
    size_t narrowest; ///< 0 = fixed
} column_width;

// A table while it is printed.
typedef struct table_print {
    text_buffer *out;
    const report_table *table;
    text_buffer *scratch;
    size_t gap; ///< blanks between columns
    column_width widths[MAX_COLUMNS];
} table_print;

// The cell's text in `scratch`, terminated.
static const char *cell_text(text_buffer *scratch, const report_column *column,
                             const report_value *value) {
    text_reset(scratch);
    report_append_cell(scratch, column, value);
    text_append_char(scratch, '\0');
    return scratch->failed ? "" : scratch->data;
}

static void measure(table_print *print) {
    const report_table *table = print->table;
    for (size_t c = 0; c < table->n_columns; ++c) {
        const report_column *column = &table->columns[c];
        if (column->heading == NULL) {
            continue;
        }
        size_t widest = text_width(column->heading);
        for (size_t r = 0; r < table->n_rows; ++r) {
            const size_t width = text_width(
                cell_text(print->scratch, column, &table->values[r * table->n_columns + c]));
            widest = width > widest ? width : widest;
        }
        print->widths[c] = (column_width){widest, column->narrowest};
    }
}

static size_t line_width(const table_print *print) {
    size_t total = 0;
    for (size_t c = 0; c < print->table->n_columns; ++c) {
        if (print->table->columns[c].heading != NULL) {
            total += print->widths[c].width + (total == 0 ? 0 : print->gap);
        }
    }
    return total;
}

// Takes from the column that exceeds its narrowest width most, one character at a time.
static void shrink(table_print *print, size_t limit) {
    size_t total = line_width(print);
    while (total > limit) {
        column_width *widest = NULL;
        size_t most = 0;
        for (size_t c = 0; c < print->table->n_columns; ++c) {
            column_width *w = &print->widths[c];
            if (w->narrowest != 0 && w->width > w->narrowest + most) {
                widest = w;
                most = w->width - w->narrowest;
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

static void append_shortened(text_buffer *out, const char *text, size_t width, report_fit fit) {
    const size_t full = text_width(text);
    if (full <= width) {
        text_append(out, text);
    } else if (fit == REPORT_CUT_FRONT) {
        text_append(out, ellipsis);
        text_append(out, skip_characters(text, full - (width - 1)));
    } else {
        text_append_bytes(out, text, (size_t)(skip_characters(text, width - 1) - text));
        text_append(out, ellipsis);
    }
}

// End of the part of a text that fits one line, and through out_rest where the next one begins.
static const char *break_line(const char *text, size_t width, const char **out_rest) {
    const char *end = skip_characters(text, width);
    if (*end != '\0') {
        const char *space = end;
        while (space > text && *space != ' ') {
            --space;
        }
        end = space > text ? space : end;
    }
    *out_rest = end + strspn(end, " ");
    return end;
}

// Appends the part of a wrapped text that stands in line `n` of its row; true if there is more.
static bool append_line_of(text_buffer *out, const char *text, size_t width, size_t n) {
    const char *rest = text;
    const char *end = text;
    for (size_t i = 0; i <= n; ++i) {
        text = rest;
        end = break_line(text, width, &rest);
    }
    const size_t length = (size_t)(end - text);
    text_append_bytes(out, text, length);
    for (size_t used = text_width(text) - text_width(end); used < width; ++used) {
        text_append_char(out, ' ');
    }
    return *rest != '\0';
}

// A cell in line `n` of its row, filled up to its width; true if it goes on in the next line.
static bool append_padded(text_buffer *out, const report_column *column, const char *text,
                          const column_width *space, size_t n) {
    if (column->fit == REPORT_WRAP) {
        return append_line_of(out, text, space->width, n);
    }
    const char *shown = n == 0 ? text : "";
    const size_t full = text_width(shown);
    const size_t padding = full < space->width ? space->width - full : 0;
    text_append_repeated(out, ' ', report_is_numeric(column) ? padding : 0);
    append_shortened(out, shown, space->width, column->fit);
    text_append_repeated(out, ' ', report_is_numeric(column) ? 0 : padding);
    return false;
}

static void end_line(text_buffer *out) {
    while (out->length > 0 && out->data[out->length - 1] == ' ') {
        --out->length;
    }
    text_append_char(out, '\n');
}

// Line `n` of a row (NULL = the headings); true if the row goes on in the next line.
static bool append_row_line(const table_print *print, const report_value *row, size_t n) {
    bool goes_on = false;
    bool is_first = true;
    for (size_t c = 0; c < print->table->n_columns; ++c) {
        const report_column *column = &print->table->columns[c];
        if (column->heading == NULL) {
            continue;
        }
        text_append_repeated(print->out, ' ', is_first ? 0 : print->gap);
        const char *text =
            row == NULL ? column->heading : cell_text(print->scratch, column, &row[c]);
        goes_on = append_padded(print->out, column, text, &print->widths[c], n) || goes_on;
        is_first = false;
    }
    end_line(print->out);
    return goes_on;
}

static void print_table(text_buffer *out, const report_layout *layout, const report_table *table) {
    if (table->n_columns > MAX_COLUMNS) {
        out->failed = true;
        return;
    }
    text_buffer scratch = {0};
    table_print print = {.out = out, .table = table, .scratch = &scratch, .gap = WIDE_GAP};
    measure(&print);
    if (line_width(&print) > layout->width) {
        print.gap = NARROW_GAP;
        shrink(&print, layout->width);
    }
    (void)append_row_line(&print, NULL, 0);
    for (size_t r = 0; r < table->n_rows; ++r) {
        size_t n = 0;
        while (append_row_line(&print, table->values + r * table->n_columns, n)) {
            ++n;
        }
    }
    out->failed = out->failed || scratch.failed;
    text_clear(&scratch);
}

// Clean text in lines of at most `width` columns, broken at spaces.
static void append_wrapped(text_buffer *out, const char *text, size_t width) {
    text_buffer clean = {0};
    text_append_clean(&clean, text);
    text_append_char(&clean, '\0');
    out->failed = out->failed || clean.failed;
    const char *rest = clean.failed ? "" : clean.data;
    while (*rest != '\0') {
        const char *line = rest;
        const char *end = break_line(line, width, &rest);
        text_append_bytes(out, line, (size_t)(end - line));
        text_append_char(out, '\n');
    }
    text_clear(&clean);
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
        text_append_repeated(out, ' ', label_width - text_width(fact->label) + WIDE_GAP);
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
    if (document->facts[0].label != NULL) {
        text_append_char(out, '\n');
        append_facts(out, document->facts);
    }
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
    .is_for_people = true,
    .begin = begin,
    .document = print_document,
    .end = end,
    .table = print_table,
};
