// SPDX-License-Identifier: Apache-2.0
// Markdown (GitHub's tables), for pasting into notes and issues.
#include "report.h"

static void append_text(text_buffer *out, text_buffer *scratch) {
    text_append_char(scratch, '\0');
    if (!scratch->failed) {
        text_append_markdown(out, scratch->data);
    }
    out->failed = out->failed || scratch->failed;
    text_reset(scratch);
}

static void append_header(text_buffer *out, const report_table *table) {
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (table->columns[c].heading != NULL) {
            text_append(out, "| ");
            text_append_markdown(out, table->columns[c].heading);
            text_append_char(out, ' ');
        }
    }
    text_append(out, "|\n");
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (table->columns[c].heading != NULL) {
            text_append(out, report_is_numeric(&table->columns[c]) ? "| ---: " : "| --- ");
        }
    }
    text_append(out, "|\n");
}

static void print_table(text_buffer *out, const report_layout *layout, const report_table *table) {
    (void)layout;
    text_buffer scratch = {0};
    append_header(out, table);
    for (size_t r = 0; r < table->n_rows; ++r) {
        for (size_t c = 0; c < table->n_columns; ++c) {
            if (table->columns[c].heading == NULL) {
                continue;
            }
            text_append(out, "| ");
            report_append_cell(&scratch, &table->columns[c],
                               &table->values[r * table->n_columns + c]);
            append_text(out, &scratch);
            text_append_char(out, ' ');
        }
        text_append(out, "|\n");
    }
    text_clear(&scratch);
}

static void begin(text_buffer *out, const report_layout *layout, const report_document *first) {
    (void)out;
    (void)layout;
    (void)first;
}

static void print_document(text_buffer *out, const report_layout *layout,
                           const report_document *document, bool is_first) {
    text_append(out, is_first ? "# " : "\n# ");
    text_append_markdown(out, document->title);
    text_append(out, "\n\n");
    for (const char *const *note = document->notes; *note != NULL; ++note) {
        text_append_markdown(out, *note);
        text_append(out, "\n\n");
    }
    text_append(out, document->facts[0].label == NULL ? "" : "| | |\n| --- | --- |\n");
    for (const report_fact *fact = document->facts; fact->label != NULL; ++fact) {
        text_append(out, "| ");
        text_append_markdown(out, fact->label);
        text_append(out, " | ");
        text_append_markdown(out, fact->text);
        text_append(out, " |\n");
    }
    if (document->layers.n_columns != 0) {
        text_append(out, "\n");
        print_table(out, layout, &document->layers);
    }
}

static void end(text_buffer *out, const report_layout *layout) {
    (void)out;
    (void)layout;
}

const report_format report_markdown_format = {
    .name = "markdown",
    .summary = "tables for notes and issues",
    .is_for_people = true,
    .begin = begin,
    .document = print_document,
    .end = end,
    .table = print_table,
};
