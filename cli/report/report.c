// SPDX-License-Identifier: Apache-2.0
// The table of formats, and numbers as people read them.
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const report_format *const report_formats[] = {
    &report_table_format,
    &report_csv_format,
    &report_json_format,
    &report_jsonl_format,
    &report_markdown_format,
    &report_html_format,
    NULL,
};

const report_format *report_format_find(const char *name) {
    const report_format *const *format = report_formats;
    while (*format != NULL && strcmp((*format)->name, name) != 0) {
        ++format;
    }
    return *format;
}

bool report_is_unknown(const report_column *column, const report_value *value) {
    switch (column->type) {
    case REPORT_TEXT:
        return value->text == NULL;
    case REPORT_LIST:
        return value->list == NULL;
    case REPORT_REALS:
        return value->reals == NULL;
    case REPORT_INTEGER:
        return value->integer == REPORT_UNKNOWN;
    case REPORT_REAL:
        return !isfinite(value->real); // JSON has no infinity either
    case REPORT_SHAPE:
        return value->shape == NULL;
    }
    return true;
}

bool report_is_numeric(const report_column *column) {
    return column->type == REPORT_INTEGER || column->type == REPORT_REAL;
}

static const char *unit_symbol(report_unit unit) {
    switch (unit) {
    case REPORT_SECONDS:
        return "s";
    case REPORT_WATTS:
        return "W";
    case REPORT_JOULES:
        return "J";
    case REPORT_BYTES:
        return "B";
    case REPORT_PLAIN:
    case REPORT_COUNT:
    case REPORT_PERCENT:
        break;
    }
    return "";
}

// Digits after the point that make three digits in all.
static int decimals_of(double magnitude) {
    if (magnitude >= 99.95) {
        return 0;
    }
    return magnitude >= 9.995 ? 1 : 2;
}

static const char *format_scaled(double value, report_unit unit, char *buffer) {
    static const char *const prefixes[] = {"p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"};
    enum { PLAIN_PREFIX = 4, LAST_PREFIX = 10 };
    const bool may_be_small =
        unit == REPORT_SECONDS || unit == REPORT_JOULES || unit == REPORT_WATTS;
    int prefix = PLAIN_PREFIX;
    double scaled = fabs(value);
    while (scaled >= 999.5 && prefix < LAST_PREFIX) {
        scaled /= 1000;
        ++prefix;
    }
    while (may_be_small && scaled < 0.9995 && scaled > 0 && prefix > 0) {
        scaled *= 1000;
        --prefix;
    }
    // Counts and bytes below a thousand are whole numbers.
    const bool whole =
        scaled == 0 || (!may_be_small && prefix == PLAIN_PREFIX && scaled == floor(scaled));
    const char *symbol = unit_symbol(unit);
    (void)snprintf(buffer, REPORT_QUANTITY_SIZE, "%s%.*f%s%s%s", value < 0 ? "-" : "",
                   whole ? 0 : decimals_of(scaled), scaled,
                   prefix == PLAIN_PREFIX && symbol[0] == '\0' ? "" : " ", prefixes[prefix],
                   symbol);
    return buffer;
}

const char *report_format_quantity(double value, report_unit unit, char *buffer) {
    if (!isfinite(value)) {
        (void)strcpy(buffer, "-");
    } else if (unit == REPORT_PLAIN) {
        (void)snprintf(buffer, REPORT_QUANTITY_SIZE, "%.4g", value);
    } else if (unit == REPORT_PERCENT) {
        const double percent = 100 * value;
        (void)snprintf(buffer, REPORT_QUANTITY_SIZE, "%.*f %%", fabs(percent) < 99.95 ? 1 : 0,
                       percent);
    } else {
        return format_scaled(value, unit, buffer);
    }
    return buffer;
}

static void append_list(text_buffer *out, const char *const *list) {
    for (size_t i = 0; list[i] != NULL; ++i) {
        text_append(out, i == 0 ? "" : ", ");
        text_append_clean(out, list[i]);
    }
}

static void append_reals(text_buffer *out, const report_column *column, const report_reals *reals) {
    char buffer[REPORT_QUANTITY_SIZE];
    for (size_t i = 0; i < reals->n; ++i) {
        text_append(out, i == 0 ? "" : ", ");
        text_append(out, report_format_quantity(reals->values[i], column->unit, buffer));
    }
}

void report_append_cell(text_buffer *out, const report_column *column, const report_value *value) {
    char buffer[JC_SHAPE_TEXT_SIZE]; // room for a quantity too
    if (report_is_unknown(column, value)) {
        text_append(out, "-");
        return;
    }
    switch (column->type) {
    case REPORT_TEXT:
        text_append_clean(out, value->text);
        break;
    case REPORT_LIST:
        append_list(out, value->list);
        break;
    case REPORT_REALS:
        append_reals(out, column, value->reals);
        break;
    case REPORT_INTEGER:
        if (column->unit == REPORT_PLAIN) {
            text_append_integer(out, value->integer);
        } else {
            text_append(out, report_format_quantity((double)value->integer, column->unit, buffer));
        }
        break;
    case REPORT_REAL:
        text_append(out, report_format_quantity(value->real, column->unit, buffer));
        break;
    case REPORT_SHAPE:
        text_append(out, jc_shape_format(value->shape, buffer));
        break;
    }
}
