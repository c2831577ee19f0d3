// SPDX-License-Identifier: Apache-2.0
// JSON: an object for a document (a list of them for several), a list of objects for a table. And
// JSON lines: one object a line.
#include "report.h"

#include <math.h>

static void append_list(text_buffer *out, const char *const *list) {
    text_append_char(out, '[');
    for (size_t i = 0; list[i] != NULL; ++i) {
        text_append(out, i == 0 ? "" : ", ");
        text_append_json(out, list[i]);
    }
    text_append_char(out, ']');
}

static void append_reals(text_buffer *out, const report_reals *reals) {
    text_append_char(out, '[');
    for (size_t i = 0; i < reals->n; ++i) {
        text_append(out, i == 0 ? "" : ", ");
        if (isfinite(reals->values[i])) {
            text_append_real(out, reals->values[i]);
        } else {
            text_append(out, "null");
        }
    }
    text_append_char(out, ']');
}

static void append_shape(text_buffer *out, const jc_shape *shape) {
    text_append_char(out, '[');
    for (int i = 0; i < shape->rank; ++i) {
        text_append(out, i == 0 ? "" : ", ");
        text_append_integer(out, shape->dim[i]);
    }
    text_append_char(out, ']');
}

static void append_value(text_buffer *out, const report_column *column, const report_value *value) {
    if (report_is_unknown(column, value)) {
        text_append(out, "null");
        return;
    }
    switch (column->type) {
    case REPORT_TEXT:
        text_append_json(out, value->text);
        break;
    case REPORT_LIST:
        append_list(out, value->list);
        break;
    case REPORT_REALS:
        append_reals(out, value->reals);
        break;
    case REPORT_INTEGER:
        text_append_integer(out, value->integer);
        break;
    case REPORT_REAL:
        text_append_real(out, value->real);
        break;
    case REPORT_SHAPE:
        append_shape(out, value->shape);
        break;
    }
}

// The members of an object, without its braces.
static void append_members(text_buffer *out, const report_table *table, const report_value *row) {
    bool is_first = true;
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (table->columns[c].name == NULL) {
            continue;
        }
        text_append(out, is_first ? "\"" : ", \"");
        text_append(out, table->columns[c].name);
        text_append(out, "\": ");
        append_value(out, &table->columns[c], &row[c]);
        is_first = false;
    }
}

static void append_object(text_buffer *out, const report_table *table, size_t row) {
    text_append_char(out, '{');
    append_members(out, table, table->values + row * table->n_columns);
    text_append_char(out, '}');
}

// Objects of a table in a list; `gap` stands before each of them.
static void append_objects(text_buffer *out, const report_table *table, const char *gap) {
    for (size_t r = 0; r < table->n_rows; ++r) {
        text_append(out, r == 0 ? "" : ",");
        text_append(out, gap);
        append_object(out, table, r);
    }
}

static void append_document(text_buffer *out, const report_document *document, const char *gap,
                            const char *layer_gap) {
    text_append_char(out, '{');
    append_members(out, &document->head, document->head.values);
    text_append(out, ",");
    text_append(out, gap);
    text_append(out, "\"totals\": ");
    append_object(out, &document->totals, 0);
    if (document->layers.n_columns != 0) {
        text_append(out, ",");
        text_append(out, gap);
        text_append(out, "\"");
        text_append(out, document->layers_name == NULL ? "layers" : document->layers_name);
        text_append(out, "\": [");
        append_objects(out, &document->layers, layer_gap);
        text_append(out, "]");
    }
    text_append_char(out, '}');
}

static void begin_json(text_buffer *out, const report_layout *layout,
                       const report_document *first) {
    (void)first;
    text_append(out, layout->several ? "[" : "");
}

static void print_json_document(text_buffer *out, const report_layout *layout,
                                const report_document *document, bool is_first) {
    (void)layout;
    text_append(out, is_first ? "" : ",\n");
    append_document(out, document, "\n ", "\n  ");
}

static void end_json(text_buffer *out, const report_layout *layout) {
    text_append(out, layout->several ? "]\n" : "\n");
}

static void print_json_table(text_buffer *out, const report_layout *layout,
                             const report_table *table) {
    (void)layout;
    text_append_char(out, '[');
    append_objects(out, table, "\n ");
    text_append(out, table->n_rows == 0 ? "]\n" : "\n]\n");
}

static void begin_lines(text_buffer *out, const report_layout *layout,
                        const report_document *first) {
    (void)out;
    (void)layout;
    (void)first;
}

static void print_line(text_buffer *out, const report_layout *layout,
                       const report_document *document, bool is_first) {
    (void)layout;
    (void)is_first;
    append_document(out, document, " ", "");
    text_append_char(out, '\n');
}

static void end_lines(text_buffer *out, const report_layout *layout) {
    (void)out;
    (void)layout;
}

static void print_table_lines(text_buffer *out, const report_layout *layout,
                              const report_table *table) {
    (void)layout;
    for (size_t r = 0; r < table->n_rows; ++r) {
        append_object(out, table, r);
        text_append_char(out, '\n');
    }
}

const report_format report_json_format = {
    .name = "json",
    .summary = "one JSON text",
    .begin = begin_json,
    .document = print_json_document,
    .end = end_json,
    .table = print_json_table,
};

const report_format report_jsonl_format = {
    .name = "jsonl",
    .summary = "one JSON object a line",
    .is_streaming = true,
    .begin = begin_lines,
    .document = print_line,
    .end = end_lines,
    .table = print_table_lines,
};
