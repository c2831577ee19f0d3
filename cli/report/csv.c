// SPDX-License-Identifier: Apache-2.0
// CSV (RFC 4180, but lines end as everywhere on this system): one header, names as in JSON.
#include "report.h"

#include <math.h>

// One cell, its items separated by spaces.
static void append_list(text_buffer *out, const char *const *list) {
    text_buffer items = {0};
    for (size_t i = 0; list[i] != NULL; ++i) {
        text_append(&items, i == 0 ? "" : " ");
        text_append(&items, list[i]);
    }
    text_append_char(&items, '\0');
    if (!items.failed) {
        text_append_csv(out, items.data);
    }
    out->failed = out->failed || items.failed;
    text_clear(&items);
}

// The same of numbers; one that is not known is "null", as in JSON.
static void append_reals(text_buffer *out, const report_reals *reals) {
    for (size_t i = 0; i < reals->n; ++i) {
        text_append(out, i == 0 ? "" : " ");
        if (isfinite(reals->values[i])) {
            text_append_real(out, reals->values[i]);
        } else {
            text_append(out, "null");
        }
    }
}

static void append_value(text_buffer *out, const report_column *column, const report_value *value) {
    if (report_is_unknown(column, value)) {
        return; // an empty cell
    }
    char shape[JC_SHAPE_TEXT_SIZE];
    switch (column->type) {
    case REPORT_TEXT:
        text_append_csv(out, value->text);
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
        text_append(out, jc_shape_format(value->shape, shape));
        break;
    }
}

// Appends the names, or the values of a row, of the columns for machines; `n` counts the cells of
// the line so far.
static void append_cells(text_buffer *out, const report_table *table, const report_value *row,
                         size_t *n) {
    for (size_t c = 0; c < table->n_columns; ++c) {
        const report_column *column = &table->columns[c];
        if (column->name == NULL) {
            continue;
        }
        text_append(out, (*n)++ == 0 ? "" : ",");
        if (row == NULL) {
            text_append(out, column->name);
        } else {
            append_value(out, column, &row[c]);
        }
    }
}

static void print_table(text_buffer *out, const report_layout *layout, const report_table *table) {
    (void)layout;
    size_t n = 0;
    append_cells(out, table, NULL, &n);
    text_append_char(out, '\n');
    for (size_t r = 0; r < table->n_rows; ++r) {
        n = 0;
        append_cells(out, table, table->values + r * table->n_columns, &n);
        text_append_char(out, '\n');
    }
}

// A document without layers is a line of its totals; one with layers is a line each layer, without
// the totals, which would be counted twice by whoever sums the column.
static const report_table *body_of(const report_document *document) {
    return document->layers.n_columns == 0 ? &document->totals : &document->layers;
}

static void begin(text_buffer *out, const report_layout *layout, const report_document *first) {
    (void)layout;
    size_t n = 0;
    append_cells(out, &first->head, NULL, &n);
    append_cells(out, body_of(first), NULL, &n);
    text_append_char(out, '\n');
}

static void print_document(text_buffer *out, const report_layout *layout,
                           const report_document *document, bool is_first) {
    (void)layout;
    (void)is_first;
    const report_table *body = body_of(document);
    for (size_t r = 0; r < body->n_rows; ++r) {
        size_t n = 0;
        append_cells(out, &document->head, document->head.values, &n);
        append_cells(out, body, body->values + r * body->n_columns, &n);
        text_append_char(out, '\n');
    }
}

static void end(text_buffer *out, const report_layout *layout) {
    (void)out;
    (void)layout;
}

const report_format report_csv_format = {
    .name = "csv",
    .summary = "comma-separated values with a header",
    .is_streaming = true,
    .begin = begin,
    .document = print_document,
    .end = end,
    .table = print_table,
};
