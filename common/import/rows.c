// SPDX-License-Identifier: Apache-2.0
// Converting the rows of one CSV file.
#include "rows.h"

#include "common/number.h"
#include "common/suggest.h"

#include <math.h>
#include <string.h>

// --- Binding --------------------------------------------------------------------------------

static jc_status report_missing_column(const row_source *s, const mapping_variable *variable) {
    jc_suggestion suggestion = {.wanted = variable->column};
    for (size_t c = 0; c < jc_csv_n_columns(s->csv); ++c) {
        jc_suggestion_offer(&suggestion, jc_csv_column(s->csv, c));
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(s->err, JC_EPARSE, s->mapping->path, variable->line,
                        "%.200s has no column '%.60s'%s", jc_csv_name(s->csv), variable->column,
                        jc_suggestion_format(&suggestion, close));
}

jc_status rows_bind(const mapping *m, const mapping_file *file, jc_csv *csv, jc_arena *arena,
                    row_source *out_source, jc_error *err) {
    row_source s = {.mapping = m, .file = file, .csv = csv, .err = err};
    s.columns = jc_arena_alloc(arena, file->n_variables + 1, sizeof *s.columns);
    s.values = jc_arena_alloc(arena, file->n_variables + 1, sizeof *s.values);
    if (s.columns == NULL || s.values == NULL) {
        return jc_error_set(err, JC_ENOMEM, jc_csv_name(csv), 0, "out of memory");
    }
    for (size_t v = 0; v < file->n_variables; ++v) {
        const mapping_variable *variable = &file->variables[v];
        if (variable->kind == VARIABLE_DEFINED) {
            continue;
        }
        const jc_status status = jc_csv_find(csv, variable->column, &s.columns[v], err);
        if (status != JC_OK) {
            return status;
        }
        if (s.columns[v] == JC_CSV_NO_COLUMN) {
            return report_missing_column(&s, variable);
        }
    }
    *out_source = s;
    return JC_OK;
}

// --- Reading a row --------------------------------------------------------------------------

static jc_status fail(const row_source *s, jc_status status, const char *message) {
    return jc_error_set(s->err, status, jc_csv_name(s->csv), jc_csv_line(s->csv), "%s", message);
}

static const char *cell(const row_source *s, int variable) {
    return jc_csv_field(s->csv, s->columns[variable]);
}

// How tables write that a value is unknown.
static bool is_unknown(const char *text) {
    return text[0] == '\0' || strcmp(text, "nan") == 0 || strcmp(text, "NaN") == 0 ||
           strcmp(text, "NA") == 0;
}

static void read_variables(row_source *s) {
    s->bad = -1;
    for (size_t v = 0; v < s->file->n_variables; ++v) {
        const mapping_variable *variable = &s->file->variables[v];
        s->values[v] = (double)NAN;
        if (variable->kind == VARIABLE_DEFINED) {
            s->values[v] = jc_expression_evaluate(&variable->expression, s->values);
        } else if (variable->kind == VARIABLE_NUMBER) {
            const char *text = cell(s, (int)v);
            if (!jc_parse_double(text, &s->values[v]) && !is_unknown(text) && s->bad < 0) {
                s->bad = (int)v;
            }
        }
    }
}

static bool applies(const row_source *s, const mapping_rule *rule) {
    if (rule->variable < 0) {
        const double when = jc_expression_evaluate(&rule->when, s->values);
        return when != 0 && !isnan(when);
    }
    for (size_t t = 0; t < rule->n_texts; ++t) {
        if (strcmp(rule->texts[t], cell(s, rule->variable)) == 0) {
            return true;
        }
    }
    return false;
}

static int find_drop(const row_source *s) {
    for (size_t r = 0; r < s->file->n_rules; ++r) {
        if (s->file->rules[r].fields == NULL && applies(s, &s->file->rules[r])) {
            return (int)r;
        }
    }
    return -1;
}

// --- Texts ----------------------------------------------------------------------------------

static const mapping_value *find_value(const mapping_text *text, const char *source) {
    for (size_t v = 0; v < text->n_values; ++v) {
        if (strcmp(text->values[v].source, source) == 0) {
            return &text->values[v];
        }
    }
    return NULL;
}

static jc_status report_text(const row_source *s, const mapping_text *text, const char *expected) {
    const mapping_variable *variable = &s->file->variables[text->variable];
    return jc_error_set(s->err, JC_EPARSE, jc_csv_name(s->csv), jc_csv_line(s->csv),
                        "%.60s is '%.60s', which %s", variable->column, cell(s, text->variable),
                        expected);
}

static jc_status read_text(const row_source *s, const mapping_text *text, mapping_text_kind kind,
                           mapping_value *out_value) {
    if (text->variable < 0) {
        *out_value = text->fixed;
        return JC_OK;
    }
    const char *source = cell(s, text->variable);
    if (text->n_values == 0) {
        mapping_value value = {.source = source, .meaning = source};
        const char *expected = mapping_text_check(kind, source, &value.number);
        *out_value = value;
        return expected == NULL ? JC_OK : report_text(s, text, expected);
    }
    const mapping_value *value = find_value(text, source);
    if (value == NULL) {
        char expected[80];
        (void)snprintf(expected, sizeof expected,
                       "line %d of the mapping gives no meaning; add it, or drop such rows",
                       text->line);
        return report_text(s, text, expected);
    }
    *out_value = *value;
    return JC_OK;
}

// The row's kernel; none where the source's word has no meaning (such rows are to be dropped).
static jc_kernel_kind find_kind(const row_source *s) {
    const mapping_text *kernel = &s->file->kernel;
    if (s->file->is_network) {
        return JC_KERNEL_NONE;
    }
    const mapping_value *value =
        kernel->variable < 0 ? &kernel->fixed : find_value(kernel, cell(s, kernel->variable));
    return value == NULL ? JC_KERNEL_NONE : (jc_kernel_kind)value->number;
}

// --- Sizes ----------------------------------------------------------------------------------

static jc_status report_column(const row_source *s, const mapping_column *column, double value,
                               const char *expected) {
    char text[JC_NUMBER_TEXT_SIZE] = "unknown";
    if (isinf(value)) {
        strcpy(text, "infinite");
    } else if (!isnan(value)) {
        (void)jc_format_double(value, text);
    }
    return jc_error_set(s->err, JC_EPARSE, jc_csv_name(s->csv), jc_csv_line(s->csv),
                        "%s (%.80s, line %d of the mapping) is %s, which %s", column->name,
                        column->text, column->line, text, expected);
}

static jc_status read_size(const row_source *s, const mapping_column *column, int64_t *out_size) {
    const double value = jc_expression_evaluate(&column->expression, s->values);
    // 2^53: up to there a double holds every whole number.
    if (!(value >= 0 && value <= 9007199254740992.0) || value != floor(value)) {
        return report_column(s, column, value, "must be a whole number");
    }
    *out_size = (int64_t)value;
    return JC_OK;
}

static jc_status read_sizes(const row_source *s, jc_kernel *kernel) {
    for (int i = 0; i < JC_KERNEL_MAX_COLUMNS; ++i) {
        const size_t index = s->file->sizes[kernel->kind][i];
        if (index > 0) {
            const jc_status status = read_size(s, &s->file->columns[index - 1], &kernel->size[i]);
            if (status != JC_OK) {
                return status;
            }
        }
    }
    jc_error reason = {.status = JC_OK};
    const jc_status status = jc_kernel_complete(kernel, &reason);
    return status == JC_OK ? JC_OK : fail(s, status, reason.message);
}

static jc_status read_network_sizes(const row_source *s, jc_network_row *network) {
    const mapping_column *batch = &s->file->columns[s->file->sizes[0][0] - 1];
    jc_status status = read_size(s, batch, &network->batch_size);
    if (status == JC_OK && network->batch_size < 1) {
        status = report_column(s, batch, 0, "must be 1 or more");
    }
    network->input.rank = s->file->input_rank;
    for (int i = 0; i < s->file->input_rank && status == JC_OK; ++i) {
        status = read_size(s, &s->file->input[i], &network->input.dim[i]);
        if (status == JC_OK && network->input.dim[i] < 1) {
            status = report_column(s, &s->file->input[i], 0, "must be 1 or more");
        }
    }
    return status;
}

// --- Measured columns -----------------------------------------------------------------------

static void hide_unknown_fields(const row_source *s, double *values, bool *applied) {
    for (size_t r = 0; r < s->file->n_rules; ++r) {
        const mapping_rule *rule = &s->file->rules[r];
        applied[r] = rule->fields != NULL && applies(s, rule);
        for (int c = 0; c < N_MEASURED_COLUMNS && applied[r]; ++c) {
            values[c] = rule->field[c] ? (double)NAN : values[c];
        }
    }
}

static jc_status read_measured(const row_source *s, bool *applied, jc_measurement *measured) {
    double values[N_MEASURED_COLUMNS];
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        const size_t index = s->file->measured[c];
        values[c] =
            index == 0 ? (double)NAN
                       : jc_expression_evaluate(&s->file->columns[index - 1].expression, s->values);
    }
    hide_unknown_fields(s, values, applied);
    *measured = measured_unknown();
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        if (measured_is_text(c)) {
            continue;
        }
        if (measured_check(c, values[c]) != NULL) {
            return report_column(s, &s->file->columns[s->file->measured[c] - 1], values[c],
                                 "cannot be; drop such rows, or list the field under 'unknown'");
        }
        measured_set(measured, c, values[c]);
    }
    mapping_value meter = {.meaning = ""};
    const jc_status status = read_text(s, &s->file->meter, MAPPING_METER, &meter);
    if (status == JC_OK) {
        (void)snprintf(measured->meter, sizeof measured->meter, "%s", meter.meaning);
    }
    return status;
}

static bool nothing_measured(const jc_measurement *measured) {
    return isnan(measured->runtime_s) && isnan(measured->power_w) && isnan(measured->energy_j);
}

// --- A row ----------------------------------------------------------------------------------

static jc_status convert_network(const row_source *s, jc_network_row *network) {
    mapping_value value = {.meaning = ""};
    jc_status status = read_text(s, &s->file->architecture, MAPPING_ARCHITECTURE, &value);
    if (status == JC_OK) {
        (void)snprintf(network->architecture, sizeof network->architecture, "%s", value.meaning);
        status = read_text(s, &s->file->precision, MAPPING_PRECISION, &value);
    }
    if (status == JC_OK) {
        network->precision = (jc_precision)value.number;
        status = read_network_sizes(s, network);
    }
    return status;
}

static jc_status convert_kernel(const row_source *s, jc_kernel_kind kind, jc_row *row) {
    mapping_value value = {.meaning = ""};
    if (kind == JC_KERNEL_NONE) {
        return read_text(s, &s->file->kernel, MAPPING_KERNEL, &value); // says what is wrong
    }
    jc_status status = read_text(s, &s->file->precision, MAPPING_PRECISION, &value);
    if (status == JC_OK) {
        row->kernel.kind = kind;
        row->kernel.precision = (jc_precision)value.number;
        status = read_sizes(s, &row->kernel);
    }
    return status;
}

static jc_status check_numbers(const row_source *s) {
    if (s->bad < 0) {
        return JC_OK;
    }
    return jc_error_set(s->err, JC_EPARSE, jc_csv_name(s->csv), jc_csv_line(s->csv),
                        "%.60s is '%.60s', which must be a number, or empty where it is unknown",
                        s->file->variables[s->bad].column, cell(s, s->bad));
}

static void count_unknown(const row_source *s, const bool *applied, jc_kernel_kind kind,
                          jc_import_rule *rules) {
    for (size_t r = 0; r < s->file->n_rules; ++r) {
        rules[r].n_rows += applied[r];
        rules[r].n_rows_of[kind] += applied[r];
    }
}

jc_status rows_convert(row_source *source, jc_import_rule *rules, row_result *out_result) {
    read_variables(source);
    row_result result = {.kind = find_kind(source), .rule = find_drop(source)};
    if (result.rule >= 0) {
        *out_result = result;
        return JC_OK;
    }
    bool applied[MAPPING_MAX_RULES] = {false};
    const bool is_network = source->file->is_network;
    jc_measurement *measured = is_network ? &result.network.measured : &result.row.measured;
    jc_status status = check_numbers(source);
    if (status == JC_OK) {
        status = is_network ? convert_network(source, &result.network)
                            : convert_kernel(source, result.kind, &result.row);
    }
    if (status == JC_OK) {
        status = read_measured(source, applied, measured);
    }
    if (status != JC_OK) {
        return status;
    }
    if (nothing_measured(measured)) {
        result.rule = (int)source->file->n_rules;
    } else {
        count_unknown(source, applied, result.kind, rules);
    }
    *out_result = result;
    return JC_OK;
}
