// SPDX-License-Identifier: Apache-2.0
// Texts of a mapping: the kernel, the precision, the meter, the architecture.
#include "mapping.h"

#include "common/suggest.h"

#include <string.h>

const char *mapping_text_check(mapping_text_kind kind, const char *text, int *out_number) {
    *out_number = 0;
    switch (kind) {
    case MAPPING_KERNEL:
        *out_number = (int)jc_kernel_find(text);
        return *out_number == JC_KERNEL_NONE ? "must be a kernel such as conv2d or relu" : NULL;
    case MAPPING_PRECISION:
        *out_number = (int)jc_precision_find(text);
        return *out_number == JC_PRECISION_COUNT ? "must be f32, tf32, f16, bf16 or int8" : NULL;
    case MAPPING_METER:
        return measured_check_text(measured_find("meter"), text);
    case MAPPING_ARCHITECTURE:
        return text[0] != '\0' && strlen(text) < sizeof((jc_network_row *)0)->architecture
                   ? NULL
                   : "must be a name of 1 to 63 characters";
    }
    return NULL;
}

static jc_status compile_value(const mapping_compiler *c, const jc_yaml *node,
                               mapping_text_kind kind, mapping_value *value) {
    value->meaning = jc_yaml_text(node);
    const char *expected = value->meaning == NULL
                               ? "must be a text"
                               : mapping_text_check(kind, value->meaning, &value->number);
    if (expected == NULL) {
        return JC_OK;
    }
    char what[80];
    char close[JC_SUGGESTION_TEXT_SIZE];
    jc_suggestion suggestion = {.wanted = value->meaning == NULL ? "" : value->meaning};
    for (int k = 0; kind == MAPPING_KERNEL && k < JC_KERNEL_COUNT; ++k) {
        jc_suggestion_offer(&suggestion, jc_kernel_name((jc_kernel_kind)k));
    }
    return mapping_fail(c, node->line, "%s, which %s%s", jc_yaml_describe(node, what, sizeof what),
                        expected, jc_suggestion_format(&suggestion, close));
}

// `{Conv2d: conv2d, Linear: linear}`, or `[relu, tanh]` where the source's words are ours.
static jc_status compile_values(const mapping_compiler *c, const jc_yaml *node,
                                mapping_text_kind kind, mapping_text *out) {
    if (node->kind == JC_YAML_SCALAR || node->n == 0) {
        return mapping_fail(c, node->line,
                            "'values' must say what the source's words mean, as "
                            "{Conv2d: conv2d, ReLU: relu}");
    }
    out->values = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *out->values);
    if (out->values == NULL) {
        return mapping_fail_memory(c);
    }
    for (const jc_yaml *v = node->child; v != NULL; v = v->next) {
        mapping_value *value = &out->values[out->n_values++];
        const jc_status status = compile_value(c, v, kind, value);
        if (status != JC_OK) {
            return status;
        }
        value->source = node->kind == JC_YAML_MAPPING ? v->key : value->meaning;
    }
    return JC_OK;
}

jc_status mapping_compile_text(mapping_compiler *c, const jc_yaml *node, mapping_text_kind kind,
                               mapping_text *out) {
    static const char *const keys[] = {"column", "values", NULL};
    *out = (mapping_text){.line = node->line, .variable = -1};
    if (node->kind == JC_YAML_SCALAR) {
        return compile_value(c, node, kind, &out->fixed);
    }
    jc_status status = mapping_check_keys(c, node, "a text taken from a column", keys);
    const jc_yaml *column = jc_yaml_get(node, "column");
    const jc_yaml *values = jc_yaml_get(node, "values");
    if (status == JC_OK && jc_yaml_text(column) == NULL) {
        status = mapping_fail(c, node->line, "'column:' must name the source column");
    }
    if (status == JC_OK && values == NULL && kind == MAPPING_KERNEL) {
        status = mapping_fail(c, node->line,
                              "'values:' is missing; must say which kernel each "
                              "word of the column means");
    }
    if (status == JC_OK) {
        status = mapping_text_variable(c, column->text, column->line, &out->variable);
    }
    if (status == JC_OK && values != NULL) {
        status = compile_values(c, values, kind, out);
    }
    return status;
}
