// SPDX-License-Identifier: Apache-2.0
// Columns of a mapping: the source's, as variables of expressions, and ours, as those expressions.
#include "mapping.h"

#include "common/suggest.h"

#include <string.h>

// --- Variables ------------------------------------------------------------------------------

// Last one first: a definition hides the source column of the same name.
static int find_variable(const mapping_file *file, const char *name, bool is_text) {
    for (size_t v = file->n_variables; v > 0; --v) {
        const mapping_variable *variable = &file->variables[v - 1];
        if ((variable->kind == VARIABLE_TEXT) == is_text && strcmp(variable->name, name) == 0) {
            return (int)(v - 1);
        }
    }
    return -1;
}

static jc_status add_variable(mapping_compiler *c, mapping_variable variable, int *out_variable) {
    mapping_file *file = c->file;
    mapping_variable *grown = jc_arena_grow(c->arena, file->variables, file->n_variables,
                                            &c->variable_capacity, sizeof *grown);
    if (grown == NULL) {
        return mapping_fail_memory(c);
    }
    file->variables = grown;
    grown[file->n_variables] = variable;
    *out_variable = (int)file->n_variables++;
    return JC_OK;
}

// Variable for a source column, by its alias or its own name.
static jc_status column_variable(mapping_compiler *c, const char *name, mapping_variable_kind kind,
                                 int *out_variable) {
    const int found = find_variable(c->file, name, kind == VARIABLE_TEXT);
    if (found >= 0) {
        *out_variable = found;
        return JC_OK;
    }
    const jc_yaml *alias = jc_yaml_get(c->names, name);
    return add_variable(c,
                        (mapping_variable){.kind = kind,
                                           .name = name,
                                           .column = alias == NULL ? name : alias->text,
                                           .line = alias == NULL ? c->line : alias->line},
                        out_variable);
}

jc_status mapping_text_variable(mapping_compiler *c, const char *name, int line,
                                int *out_variable) {
    c->line = line;
    return column_variable(c, name, VARIABLE_TEXT, out_variable);
}

static int resolve_name(void *context, const char *name, size_t length) {
    mapping_compiler *c = context;
    const char *copy = jc_arena_copy_text(c->arena, name, length);
    int variable = -1;
    if (copy == NULL || column_variable(c, copy, VARIABLE_NUMBER, &variable) != JC_OK) {
        return -1;
    }
    return variable;
}

jc_status mapping_compile_expression(mapping_compiler *c, const jc_yaml *node, const char *what,
                                     jc_expression *out) {
    const char *text = jc_yaml_text(node);
    if (text == NULL || text[0] == '\0') {
        char kind[80];
        return mapping_fail(c, node->line, "%s is %s; must be a number or an expression", what,
                            jc_yaml_describe(node, kind, sizeof kind));
    }
    c->line = node->line;
    jc_error reason = {.status = JC_OK};
    const jc_status status = jc_expression_compile(text, resolve_name, c, c->arena, out, &reason);
    if (status == JC_EPARSE) {
        return mapping_fail(c, node->line, "%s: %s", what, reason.message);
    }
    return status == JC_OK ? JC_OK : mapping_fail_memory(c);
}

jc_status mapping_compile_names(mapping_compiler *c, const jc_yaml *names) {
    if (names == NULL) {
        return JC_OK;
    }
    for (const jc_yaml *alias = names->child; alias != NULL; alias = alias->next) {
        if (names->kind != JC_YAML_MAPPING || jc_yaml_text(alias) == NULL) {
            return mapping_fail(c, alias->line,
                                "'names' must give source columns other names, as "
                                "{energy: \"Energy (J)\"}");
        }
    }
    c->names = names;
    return JC_OK;
}

jc_status mapping_compile_definitions(mapping_compiler *c, const jc_yaml *define) {
    if (define == NULL) {
        return JC_OK;
    }
    if (define->kind != JC_YAML_MAPPING) {
        return mapping_fail(c, define->line, "'define' must be a mapping of names to expressions");
    }
    for (const jc_yaml *node = define->child; node != NULL; node = node->next) {
        // Compiled before its own name is added: an expression sees what stands above it.
        mapping_variable variable = {
            .kind = VARIABLE_DEFINED, .name = node->key, .line = node->line};
        int slot = 0;
        jc_status status = mapping_compile_expression(c, node, node->key, &variable.expression);
        if (status == JC_OK) {
            status = add_variable(c, variable, &slot);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

// --- Columns --------------------------------------------------------------------------------

static void offer_columns(const mapping_file *file, jc_suggestion *suggestion) {
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        int n = 0;
        const char *const *names = jc_kernel_columns((jc_kernel_kind)kind, &n);
        for (int i = 0; file->kinds[kind] && i < n; ++i) {
            jc_suggestion_offer(suggestion, names[i]);
        }
    }
    for (int i = 0; i < N_MEASURED_COLUMNS; ++i) {
        jc_suggestion_offer(suggestion, measured_name(i));
    }
}

// Note which sizes of which kernels a column of ours gives. @return false if none.
static bool place_size(mapping_file *file, const char *name, size_t index) {
    if (file->is_network) {
        const bool is_batch = strcmp(name, networks_columns[NETWORKS_BATCH_SIZE]) == 0;
        file->sizes[0][0] = is_batch ? index + 1 : file->sizes[0][0];
        return is_batch;
    }
    bool placed = false;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        int n = 0;
        const char *const *names = jc_kernel_columns((jc_kernel_kind)kind, &n);
        for (int i = 0; file->kinds[kind] && i < n; ++i) {
            if (strcmp(names[i], name) == 0) {
                file->sizes[kind][i] = index + 1;
                placed = true;
            }
        }
    }
    return placed;
}

static jc_status place_column(const mapping_compiler *c, const jc_yaml *node, size_t index) {
    mapping_file *file = c->file;
    const int measured = measured_find(node->key);
    if (strcmp(node->key, "precision") == 0 || strcmp(node->key, "architecture") == 0 ||
        (measured >= 0 && measured_is_text(measured))) {
        return mapping_fail(c, node->key_line,
                            "'%s' is a text: write it beside 'columns', not in it", node->key);
    }
    if (measured >= 0) {
        file->measured[measured] = index + 1;
        return JC_OK;
    }
    if (place_size(file, node->key, index)) {
        return JC_OK;
    }
    jc_suggestion suggestion = {.wanted = node->key};
    offer_columns(file, &suggestion);
    char close[JC_SUGGESTION_TEXT_SIZE];
    return mapping_fail(c, node->key_line, "rows of %s have no column '%.60s'%s", file->name,
                        node->key, jc_suggestion_format(&suggestion, close));
}

jc_status mapping_compile_columns(mapping_compiler *c, const jc_yaml *section) {
    const jc_yaml *columns = jc_yaml_get(section, "columns");
    if (columns == NULL || columns->kind != JC_YAML_MAPPING || columns->n == 0) {
        return mapping_fail(c, columns == NULL ? section->key_line : columns->line,
                            "'columns' must say how our columns follow from the source's, as "
                            "{runtime_s: time_us * 1e-6}");
    }
    mapping_file *file = c->file;
    file->columns = jc_arena_alloc(c->arena, (size_t)columns->n, sizeof *file->columns);
    if (file->columns == NULL) {
        return mapping_fail_memory(c);
    }
    for (const jc_yaml *node = columns->child; node != NULL; node = node->next) {
        mapping_column *column = &file->columns[file->n_columns];
        *column = (mapping_column){.name = node->key, .text = node->text, .line = node->line};
        jc_status status = place_column(c, node, file->n_columns);
        if (status == JC_OK) {
            status = mapping_compile_expression(c, node, node->key, &column->expression);
        }
        if (status != JC_OK) {
            return status;
        }
        ++file->n_columns;
    }
    return JC_OK;
}

jc_status mapping_compile_input(mapping_compiler *c, const jc_yaml *input) {
    if (input == NULL) {
        return JC_OK;
    }
    if (input->kind != JC_YAML_SEQUENCE || input->n == 0 || input->n > JC_MAX_RANK - 1) {
        return mapping_fail(c, input->line,
                            "'input' must be the sizes of one sample, as [3, 224, "
                            "224]");
    }
    for (const jc_yaml *node = input->child; node != NULL; node = node->next) {
        mapping_column *column = &c->file->input[c->file->input_rank++];
        *column = (mapping_column){.name = "input", .text = node->text, .line = node->line};
        const jc_status status = mapping_compile_expression(c, node, "input", &column->expression);
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

// Which sizes a kernel cannot do without is known to jc_kernel_complete: ask it with a kernel whose
// given sizes are all 1 (which fit together), the others unknown.
static jc_status check_sizes(const mapping_compiler *c, const jc_yaml *section) {
    const mapping_file *file = c->file;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        jc_kernel kernel = {.kind = (jc_kernel_kind)kind};
        for (int i = 0; i < JC_KERNEL_MAX_COLUMNS; ++i) {
            kernel.size[i] = file->sizes[kind][i] > 0;
        }
        jc_error reason = {.status = JC_OK};
        if (file->kinds[kind] && jc_kernel_complete(&kernel, &reason) != JC_OK) {
            return mapping_fail(c, section->key_line, "%.60s: a column of %s is not given: %s",
                                file->name, jc_kernel_name((jc_kernel_kind)kind), reason.message);
        }
    }
    return JC_OK;
}

jc_status mapping_check_complete(const mapping_compiler *c, const jc_yaml *section) {
    const mapping_file *file = c->file;
    if (file->precision.line == 0) {
        return mapping_fail(
            c, section->key_line,
            "%.60s: the precision is not given; must be f32, tf32, f16, bf16 or int8, "
            "here or at the top",
            file->name);
    }
    bool any = false;
    for (const char *const *name = (const char *const[]){"runtime_s", "power_w", "energy_j", NULL};
         *name != NULL; ++name) {
        any = any || file->measured[measured_find(*name)] > 0;
    }
    if (!any) {
        return mapping_fail(c, section->key_line,
                            "%.60s: none of runtime_s, power_w and energy_j is given: nothing "
                            "would be learned",
                            file->name);
    }
    if (!file->is_network) {
        return check_sizes(c, section);
    }
    return file->sizes[0][0] > 0
               ? JC_OK
               : mapping_fail(c, section->key_line, "%.60s: the column batch_size is not given",
                              file->name);
}
