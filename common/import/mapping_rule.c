// SPDX-License-Identifier: Apache-2.0
// Rules of a mapping: rows to drop, fields to set to unknown.
#include "mapping.h"

#include <string.h>

// `module: Dropout` or `module: [Dropout, Flatten]`: the column's text is one of these.
static jc_status compile_text_condition(mapping_compiler *c, const jc_yaml *node,
                                        mapping_rule *rule) {
    if (node->n != 1) {
        return mapping_fail(c, node->line, "'when' compares one column, not %d; write two rules",
                            node->n);
    }
    const jc_yaml *value = node->child;
    const bool is_list = value->kind == JC_YAML_SEQUENCE;
    rule->n_texts = is_list ? (size_t)value->n : 1;
    rule->texts = jc_arena_alloc(c->arena, rule->n_texts + 1, sizeof *rule->texts);
    if (rule->texts == NULL) {
        return mapping_fail_memory(c);
    }
    size_t n = 0;
    for (const jc_yaml *v = is_list ? value->child : value; v != NULL;
         v = is_list ? v->next : NULL) {
        rule->texts[n] = jc_yaml_text(v);
        if (rule->texts[n++] == NULL) {
            return mapping_fail(c, v->line,
                                "'when: {%.60s: …}' compares with a text or a list of "
                                "texts",
                                value->key);
        }
    }
    return mapping_text_variable(c, value->key, value->key_line, &rule->variable);
}

static jc_status compile_condition(mapping_compiler *c, const jc_yaml *node, mapping_rule *rule) {
    rule->variable = -1;
    if (node->kind == JC_YAML_MAPPING) {
        return compile_text_condition(c, node, rule);
    }
    return mapping_compile_expression(c, node, "when", &rule->when);
}

static jc_status compile_field(mapping_compiler *c, const jc_yaml *node, mapping_rule *rule,
                               char *names, size_t size) {
    const char *name = jc_yaml_text(node);
    const int column = name == NULL ? -1 : measured_find(name);
    if (column < 0 || measured_is_text(column)) {
        char what[80];
        return mapping_fail(c, node->line,
                            "'fields' has %s; must be measured columns such as power_w, energy_j",
                            jc_yaml_describe(node, what, sizeof what));
    }
    if (!rule->field[column]) {
        const size_t used = strlen(names);
        (void)snprintf(names + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
    }
    rule->field[column] = true;
    return JC_OK;
}

static jc_status compile_fields(mapping_compiler *c, const jc_yaml *node, mapping_rule *rule) {
    char names[256] = "";
    const bool is_list = node->kind == JC_YAML_SEQUENCE;
    if (is_list && node->n == 0) {
        return mapping_fail(c, node->line, "'fields' is empty; must name what is unknown");
    }
    for (const jc_yaml *field = is_list ? node->child : node; field != NULL;
         field = is_list ? field->next : NULL) {
        const jc_status status = compile_field(c, field, rule, names, sizeof names);
        if (status != JC_OK) {
            return status;
        }
    }
    rule->fields = jc_arena_copy_text(c->arena, names, strlen(names));
    return rule->fields == NULL ? mapping_fail_memory(c) : JC_OK;
}

static jc_status compile_rule(mapping_compiler *c, const jc_yaml *node, bool drops,
                              mapping_rule *rule) {
    static const char *const drop_keys[] = {"when", "because", NULL};
    static const char *const unknown_keys[] = {"when", "because", "fields", NULL};
    jc_status status =
        mapping_check_keys(c, node, drops ? "a rule of 'drop'" : "a rule of 'unknown'",
                           drops ? drop_keys : unknown_keys);
    if (status != JC_OK) {
        return status;
    }
    const jc_yaml *when = jc_yaml_get(node, "when");
    const jc_yaml *fields = jc_yaml_get(node, "fields");
    rule->because = jc_yaml_text(jc_yaml_get(node, "because"));
    if (when == NULL || rule->because == NULL || rule->because[0] == '\0') {
        return mapping_fail(c, node->line, "the rule has no '%s:'%s",
                            when == NULL ? "when" : "because",
                            when == NULL ? "" : "; the report needs the reason in words");
    }
    if (!drops && fields == NULL) {
        return mapping_fail(c, node->line, "the rule has no 'fields:'; must name what is unknown");
    }
    status = compile_condition(c, when, rule);
    if (status == JC_OK && !drops) {
        status = compile_fields(c, fields, rule);
    }
    return status;
}

static jc_status compile_list(mapping_compiler *c, const jc_yaml *list, bool drops) {
    if (list == NULL || jc_yaml_is_null(list)) {
        return JC_OK;
    }
    if (list->kind != JC_YAML_SEQUENCE) {
        return mapping_fail(c, list->line,
                            "'%s' must be a list of rules, each with 'when:' and "
                            "'because:'",
                            list->key);
    }
    for (const jc_yaml *node = list->child; node != NULL; node = node->next) {
        mapping_rule *rule = &c->file->rules[c->file->n_rules];
        const jc_status status = compile_rule(c, node, drops, rule);
        if (status != JC_OK) {
            return status;
        }
        ++c->file->n_rules;
    }
    return JC_OK;
}

jc_status mapping_compile_rules(mapping_compiler *c, const jc_yaml *drop, const jc_yaml *unknown) {
    const size_t most =
        (drop == NULL ? 0 : (size_t)drop->n) + (unknown == NULL ? 0 : (size_t)unknown->n);
    if (most > MAPPING_MAX_RULES) {
        return mapping_fail(c, c->file->line, "%.60s: more than %d rules, the most that are read",
                            c->file->name, MAPPING_MAX_RULES);
    }
    c->file->rules = jc_arena_alloc(c->arena, most + 1, sizeof *c->file->rules);
    if (c->file->rules == NULL) {
        return mapping_fail_memory(c);
    }
    const jc_status status = compile_list(c, drop, true);
    return status == JC_OK ? compile_list(c, unknown, false) : status;
}
