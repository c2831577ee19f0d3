// SPDX-License-Identifier: Apache-2.0
// One HTML page that needs nothing else: no script, no font, no network.
#include "report.h"

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>\n"
    "body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 "
    "1em; }\n"
    "table { border-collapse: collapse; margin: 1em 0; }\n"
    "th, td { padding: 0.15em 0.8em 0.15em 0; text-align: left; vertical-align: top; }\n"
    "th { border-bottom: 1px solid; position: sticky; top: 0; background: Canvas; }\n"
    "td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "tbody tr:nth-child(even) { background: rgba(127, 127, 127, 0.1); }\n"
    ".facts th { border: 0; font-weight: 600; }\n"
    ":root { color-scheme: light dark; }\n"
    "svg { max-width: 40em; display: block; font-size: 12px; fill: currentColor; }\n"
    "svg .grid { stroke: currentColor; stroke-opacity: 0.15; }\n"
    "svg .front { fill: none; stroke: currentColor; }\n"
    "svg circle { fill: Canvas; stroke: currentColor; }\n"
    "svg .marked { fill: currentColor; }\n"
    "</style>\n"
    "<title>";

static void append_cell(text_buffer *out, const report_column *column, const report_value *value,
                        text_buffer *scratch) {
    text_append(out, report_is_numeric(column) ? "<td class=\"number\">" : "<td>");
    text_reset(scratch);
    report_append_cell(scratch, column, value);
    text_append_char(scratch, '\0');
    if (!scratch->failed) {
        text_append_html(out, scratch->data);
    }
    out->failed = out->failed || scratch->failed;
}

static void append_table(text_buffer *out, const report_table *table) {
    text_buffer scratch = {0};
    text_append(out, "<table>\n<thead><tr>");
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (table->columns[c].heading != NULL) {
            text_append(out,
                        report_is_numeric(&table->columns[c]) ? "<th class=\"number\">" : "<th>");
            text_append_html(out, table->columns[c].heading);
        }
    }
    text_append(out, "</thead>\n<tbody>\n");
    for (size_t r = 0; r < table->n_rows; ++r) {
        text_append(out, "<tr>");
        for (size_t c = 0; c < table->n_columns; ++c) {
            if (table->columns[c].heading != NULL) {
                append_cell(out, &table->columns[c], &table->values[r * table->n_columns + c],
                            &scratch);
            }
        }
        text_append(out, "\n");
    }
    text_append(out, "</tbody>\n</table>\n");
    text_clear(&scratch);
}

static void begin(text_buffer *out, const report_layout *layout, const report_document *first) {
    (void)first;
    text_append(out, page_start);
    text_append_html(out, layout->title);
    text_append(out, "</title>\n</head>\n<body>\n");
}

static void print_document(text_buffer *out, const report_layout *layout,
                           const report_document *document, bool is_first) {
    (void)layout;
    (void)is_first;
    text_append(out, "<h1>");
    text_append_html(out, document->title);
    text_append(out, "</h1>\n");
    for (const char *const *note = document->notes; *note != NULL; ++note) {
        text_append(out, "<p>");
        text_append_html(out, *note);
        text_append(out, "</p>\n");
    }
    text_append(out, document->facts[0].label == NULL ? "" : "<table class=\"facts\">\n");
    for (const report_fact *fact = document->facts; fact->label != NULL; ++fact) {
        text_append(out, "<tr><th>");
        text_append_html(out, fact->label);
        text_append(out, "</th><td>");
        text_append_html(out, fact->text);
        text_append(out, "</td></tr>\n");
    }
    text_append(out, document->facts[0].label == NULL ? "" : "</table>\n");
    if (document->plot != NULL) {
        report_append_svg(out, document->plot);
    }
    if (document->layers.n_columns != 0) {
        append_table(out, &document->layers);
    }
}

static void end(text_buffer *out, const report_layout *layout) {
    (void)layout;
    text_append(out, "</body>\n</html>\n");
}

static void print_table(text_buffer *out, const report_layout *layout, const report_table *table) {
    begin(out, layout, NULL);
    append_table(out, table);
    end(out, layout);
}

const report_format report_html_format = {
    .name = "html",
    .summary = "a page for a browser",
    .is_for_people = true,
    .begin = begin,
    .document = print_document,
    .end = end,
    .table = print_table,
};
