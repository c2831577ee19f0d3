// SPDX-License-Identifier: Apache-2.0
// Parameters of files and blocks, the names that expressions may use, and errors.
#include "compile.h"

#include "common/text.h"

#include <string.h>

jc_status compile_out_of_memory(compiler *c) {
    return jc_error_set(c->err, JC_ENOMEM, c->file, 0, "out of memory");
}

jc_status compile_fail(compiler *c, const jc_yaml *node, const char *where, const char *wanted) {
    char given[80];
    return jc_error_set(c->err, JC_EPARSE, c->file, node->line, "%s must be %s, not %s", where,
                        wanted, jc_yaml_describe(node, given, sizeof given));
}

jc_status compile_fail_unknown_key(compiler *c, const jc_yaml *node, const char *where,
                                   jc_suggestion suggestion) {
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(c->err, JC_EPARSE, c->file, node->key_line, "%s has no '%.60s'%s", where,
                        node->key, jc_suggestion_format(&suggestion, hint));
}

// --- Names in expressions -------------------------------------------------------------------

static const char *const built_in_variables[VAR_FIRST_FREE] = {
    [VAR_IN_CHANNELS] = "in_channels", [VAR_IN_HEIGHT] = "in_height", [VAR_IN_WIDTH] = "in_width",
    [VAR_IN_FEATURES] = "in_features", [VAR_INDEX] = "index",
};

static bool is_text(const char *name, const char *text, size_t length) {
    return strncmp(name, text, length) == 0 && name[length] == '\0';
}

int compile_resolve_variable(void *context, const char *name, size_t length) {
    const visible *v = context;
    for (size_t i = 0; i < v->n_block_parameters; ++i) {
        if (is_text(v->block->parameters[i].name, name, length)) {
            return VAR_FIRST_FREE + MAX_PARAMETERS + (int)i;
        }
    }
    for (size_t i = 0; i < v->n_file_parameters; ++i) {
        if (is_text(v->doc->parameters[i].name, name, length)) {
            return VAR_FIRST_FREE + (int)i;
        }
    }
    for (int i = 0; i < VAR_FIRST_FREE; ++i) {
        if (is_text(built_in_variables[i], name, length)) {
            return i;
        }
    }
    return -1;
}

bool compile_is_reserved(const char *name) {
    static const char *const words[] = {"true", "false",  "and",      "or",     "not",  "if",
                                        "else", "min",    "max",      "floor",  "ceil", "round_to",
                                        "name", "inputs", "branches", "repeat", "when", NULL};
    for (int i = 0; words[i] != NULL; ++i) {
        if (jc_text_equal(words[i], name)) {
            return true;
        }
    }
    for (int i = 0; i < VAR_FIRST_FREE; ++i) {
        if (jc_text_equal(built_in_variables[i], name)) {
            return true;
        }
    }
    return false;
}

jc_status compile_parameters(compiler *c, const jc_yaml *node, visible v, argument **out_parameters,
                             size_t *n_visible) {
    const char *where = v.block == NULL ? "the architecture" : v.block->name;
    if (node->kind != JC_YAML_MAPPING || node->n > MAX_PARAMETERS) {
        return compile_fail(c, node, "parameters",
                            "a mapping of at most 64 names to default values");
    }
    argument *parameters = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *parameters);
    if (parameters == NULL) {
        return compile_out_of_memory(c);
    }
    *out_parameters = parameters;
    size_t *n = v.block == NULL ? &v.n_file_parameters : &v.n_block_parameters;
    const argument_site site = {.file = c->file,
                                .layer = where,
                                .arena = c->arena,
                                .resolve = compile_resolve_variable,
                                .context = &v,
                                .err = c->err};
    for (const jc_yaml *p = node->child; p != NULL; p = p->next) {
        if (!name_is_word(p->key) || compile_is_reserved(p->key)) {
            return jc_error_set(
                c->err, JC_EPARSE, c->file, p->key_line,
                "'%.60s' cannot be the name of a parameter: it has a meaning of its "
                "own, or is not letters, digits and _",
                p->key);
        }
        argument *a = &parameters[*n];
        *a = (argument){.name = p->key, .line = p->key_line};
        if (!jc_yaml_is_null(p)) {
            a->text = jc_yaml_text(p);
            const jc_status status = argument_expression(&site, p, &a->expression);
            if (status != JC_OK) {
                return status;
            }
        } else if (v.block == NULL) {
            return compile_fail(c, p, p->key, "given a value");
        }
        *n_visible = ++*n;
    }
    return JC_OK;
}
