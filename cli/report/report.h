// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Reports: one model of what a command found, and one file for each format that prints it.
 *
 * Two things are printed: a table of records (profiles, operators, errors), and a document, which
 * is the prediction of one architecture. A column has a name for machines (CSV, JSON), a heading
 * for people (table, markdown, HTML), or both. Machines get full precision and base units; people
 * get three digits and SI prefixes. What is not known is null, an empty cell or "-", never 0.
 *
 * Ownership: everything in a table or document is borrowed for the call.
 */
#ifndef JC_CLI_REPORT_H
#define JC_CLI_REPORT_H

#include "text.h"

#include <joulecast/shape.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum report_type {
    REPORT_TEXT,
    REPORT_LIST,  ///< several texts
    REPORT_REALS, ///< several numbers; NaN = unknown among them
    REPORT_INTEGER,
    REPORT_REAL,
    REPORT_SHAPE,
} report_type;

/** How people read a number. */
typedef enum report_unit {
    REPORT_PLAIN,
    REPORT_COUNT, ///< with an SI prefix: 4.09 G
    REPORT_SECONDS,
    REPORT_WATTS,
    REPORT_JOULES,
    REPORT_BYTES,
    REPORT_PERCENT, ///< a fraction: 0.12 is shown as 12.0 %
} report_unit;

/** What happens to a text that is too wide for the terminal. */
typedef enum report_fit {
    REPORT_CUT_END,
    REPORT_CUT_FRONT,
    REPORT_WRAP, ///< it goes on in the next line
} report_fit;

typedef struct report_column {
    const char *name;    ///< for machines; NULL = for people only
    const char *heading; ///< for people; NULL = for machines only
    report_type type;
    report_unit unit;
    size_t narrowest; ///< text gives way down to this width; 0 = never
    report_fit fit;   ///< how it gives way
} report_column;

typedef struct report_reals {
    size_t n;
    const double *values; ///< [n]
} report_reals;

typedef union report_value {
    const char *text;          ///< NULL = unknown
    const char *const *list;   ///< ends with NULL; NULL = unknown
    const report_reals *reals; ///< NULL = unknown
    int64_t integer;           ///< REPORT_UNKNOWN = unknown
    double real;               ///< NaN = unknown
    const jc_shape *shape;     ///< NULL = unknown
} report_value;

#define REPORT_UNKNOWN INT64_MIN

typedef struct report_table {
    const report_column *columns;
    size_t n_columns;
    const report_value *values; ///< [n_rows x n_columns], row-major
    size_t n_rows;
} report_table;

/** One line for people: "energy   1.23 J". */
typedef struct report_fact {
    const char *label;
    const char *text;
} report_fact;

/** What one side of a plot counts, from 0 on. */
typedef struct report_axis {
    const char *title;
    report_unit unit;
} report_axis;

typedef struct report_plot_point {
    double x; ///< NaN = unknown, and not drawn
    double y;
    bool is_marked; ///< marked points stand out, and a line joins them in their order
} report_plot_point;

/** Points over two axes, where a format can draw them. */
typedef struct report_plot {
    const char *title;
    report_axis x;
    report_axis y;
    const report_plot_point *points; ///< [n]
    size_t n;
} report_plot;

/** Prediction of one architecture. */
typedef struct report_document {
    const char *title;
    const char *const *notes; ///< for people, before all else; ends with NULL
    const report_fact *facts; ///< for people; ends with a NULL label
    report_table head;        ///< for machines; one row
    report_table totals;      ///< for machines; one row
    report_table layers;      ///< no columns = without layers
    const char *layers_name;  ///< for machines; NULL = "layers"
    const report_plot *plot;  ///< for people; NULL = none
} report_document;

typedef struct report_layout {
    const char *title;
    size_t width; ///< columns of the terminal
    bool several; ///< more than one document will come
} report_layout;

/** A format. Documents come between begin and end, all with the same columns. */
typedef struct report_format {
    const char *name;
    const char *summary;
    bool is_for_people; ///< has headings, notes and rounded numbers
    bool is_streaming;  ///< a document is printed by itself, whatever comes before and after it

    /** @param first  the first document, or one without rows that has the same columns. */
    void (*begin)(text_buffer *out, const report_layout *layout, const report_document *first);
    void (*document)(text_buffer *out, const report_layout *layout, const report_document *document,
                     bool is_first);
    void (*end)(text_buffer *out, const report_layout *layout);

    void (*table)(text_buffer *out, const report_layout *layout, const report_table *table);
} report_format;

/** All formats, ending with NULL; the first is the default. */
extern const report_format *const report_formats[];

/** Find a format by name; NULL if there is none of that name. */
const report_format *report_format_find(const char *name);

extern const report_format report_table_format, report_csv_format, report_json_format,
    report_jsonl_format, report_markdown_format, report_html_format;

// ---- Shared by the formats ----

/** True if the value is not known. */
bool report_is_unknown(const report_column *column, const report_value *value);

enum { REPORT_QUANTITY_SIZE = 32 };

/**
 * A number for people: three digits and an SI prefix ("24.5 ms"); "-" where it is not known.
 *
 * @param buffer  [REPORT_QUANTITY_SIZE]
 * @return buffer
 */
const char *report_format_quantity(double value, report_unit unit, char *buffer);

/** Append a cell as people read it: clean text, "-" where it is not known. */
void report_append_cell(text_buffer *out, const report_column *column, const report_value *value);

/** Append a plot as an SVG element of an HTML page. */
void report_append_svg(text_buffer *out, const report_plot *plot);

/** True for columns of numbers, which people read aligned at the right. */
bool report_is_numeric(const report_column *column);

#endif
