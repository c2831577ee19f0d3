// SPDX-License-Identifier: Apache-2.0
// Technique files: from YAML to statements. What the file says is checked here; whether it fits a
// network is known only when it is applied.
#include "technique_read.h"

#include "common/suggest.h"
#include "common/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Errors ---------------------------------------------------------------------------------

jc_status technique_fail(technique_reader *r, int line, const char *format, ...) {
    char message[JC_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return jc_error_set(r->err, JC_EPARSE, r->file, line, "%s", message);
}

jc_status technique_out_of_memory(technique_reader *r) {
    return jc_error_set(r->err, JC_ENOMEM, r->file, 0, "out of memory");
}

jc_status technique_fail_file(technique_reader *r, int line, jc_status status) {
    char message[JC_ERROR_MESSAGE_SIZE];
    if (r->err == NULL || r->err->line != 0 || status == JC_OK || status == JC_ENOMEM) {
        return status;
    }
    return jc_error_set(r->err, status, r->file, line, "%s",
                        jc_error_format(r->err, message, sizeof message));
}

jc_status technique_fail_value(technique_reader *r, const jc_yaml *node, const char *what,
                               const char *wanted) {
    return jc_yaml_fail_value(node, what, wanted, r->file, r->err);
}

jc_status technique_check_keys(technique_reader *r, const jc_yaml *node, const char *what,
                               const char *const *names) {
    return jc_yaml_check_keys(node, what, names, r->file, r->err);
}

// --- Values ---------------------------------------------------------------------------------

jc_status technique_read_share(technique_reader *r, const jc_yaml *node, const char *what,
                               double *out_share) {
    double value = 0;
    if (!jc_yaml_double(node, &value) || !(value >= 0 && value <= 1)) {
        return technique_fail_value(r, node, what, "a number from 0 to 1");
    }
    *out_share = value;
    return JC_OK;
}

static jc_status read_format(technique_reader *r, const jc_yaml *node, jc_format *out_format) {
    const char *text = jc_yaml_text(node);
    const jc_format format = text == NULL ? JC_FORMAT_COUNT : jc_format_find(text);
    if (format == JC_FORMAT_COUNT) {
        return technique_fail_value(r, node, "precision",
                                    "f32, tf32, f16, bf16, int8, int4, ternary or binary");
    }
    *out_format = format;
    return JC_OK;
}

// A name or a list of names of layers, `*` standing for anything.
jc_status technique_read_patterns(technique_reader *r, const jc_yaml *node, statement *s) {
    const bool is_list = node->kind == JC_YAML_SEQUENCE;
    const jc_yaml *item = is_list ? node->child : node;
    const size_t n = is_list ? (size_t)node->n : 1;
    if (n == 0) {
        return technique_fail(r, node->line, "%.60s names nothing", node->key);
    }
    const char **patterns = jc_arena_alloc(&r->technique->arena, n, sizeof *patterns);
    if (patterns == NULL) {
        return technique_out_of_memory(r);
    }
    for (size_t i = 0; i < n; ++i, item = item->next) {
        patterns[i] = jc_yaml_text(item);
        if (patterns[i] == NULL || patterns[i][0] == '\0') {
            return technique_fail_value(r, item, "layers",
                                        "the name of a layer, or a list of names");
        }
    }
    s->patterns = patterns;
    s->n_patterns = n;
    return JC_OK;
}

jc_status technique_add_statement(technique_reader *r, const statement *s) {
    technique_network *network = r->network;
    statement *statements =
        jc_arena_grow(&r->technique->arena, network->statements, network->n_statements,
                      &network->capacity, sizeof *statements);
    if (statements == NULL) {
        return technique_out_of_memory(r);
    }
    network->statements = statements;
    statements[network->n_statements++] = *s;
    return JC_OK;
}

// --- Steps ----------------------------------------------------------------------------------

// `keep: {conv2d_1: 48}`: a list such as that of a published pruned network.
static jc_status read_keep(technique_reader *r, const jc_yaml *node, const statement *base) {
    if (node->kind != JC_YAML_MAPPING || node->n == 0) {
        return technique_fail_value(r, node, "keep",
                                    "names of layers, each with its number of channels");
    }
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        int64_t n = 0;
        if (!jc_yaml_int64(child, &n) || n < 1) {
            return technique_fail_value(r, child, child->key, "a number of channels, 1 or more");
        }
        const char **pattern = jc_arena_alloc(&r->technique->arena, 1, sizeof *pattern);
        if (pattern == NULL) {
            return technique_out_of_memory(r);
        }
        *pattern = child->key;
        statement s = *base;
        s.kind = STATEMENT_KEEP;
        s.line = child->key_line;
        s.number = (double)n;
        s.patterns = pattern;
        s.n_patterns = 1;
        const jc_status status = technique_add_statement(r, &s);
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

static jc_status read_prune(technique_reader *r, const jc_yaml *node, statement *s) {
    static const char *const keys[] = {"ratio", "energy", "keep", "layers", "multiple_of", NULL};
    s->kind = STATEMENT_PRUNE;
    if (node->kind != JC_YAML_MAPPING) {
        const jc_status status = technique_read_share(r, node, "prune", &s->number);
        return status == JC_OK ? technique_add_statement(r, s) : status;
    }
    jc_status status = technique_check_keys(r, node, "prune", keys);
    const jc_yaml *layers = jc_yaml_get(node, "layers");
    const jc_yaml *multiple = jc_yaml_get(node, "multiple_of");
    const jc_yaml *ratio = jc_yaml_get(node, "ratio");
    const jc_yaml *energy = jc_yaml_get(node, "energy");
    const jc_yaml *keep = jc_yaml_get(node, "keep");
    if (status == JC_OK && (ratio != NULL) + (energy != NULL) + (keep != NULL) != 1) {
        status = technique_fail(r, s->line, "prune needs one of ratio, energy and keep");
    }
    if (status == JC_OK && layers != NULL && keep != NULL) {
        status =
            technique_fail(r, layers->line, "keep names its layers itself; leave `layers` out");
    }
    if (status == JC_OK && layers != NULL) {
        status = technique_read_patterns(r, layers, s);
    }
    if (status == JC_OK && multiple != NULL &&
        (!jc_yaml_int64(multiple, &s->multiple) || s->multiple < 1 || s->multiple > 65536)) {
        status = technique_fail_value(r, multiple, "multiple_of", "a whole number from 1 to 65536");
    }
    if (status != JC_OK) {
        return status;
    }
    if (keep != NULL) {
        return read_keep(r, keep, s);
    }
    s->kind = energy != NULL ? STATEMENT_ENERGY : STATEMENT_PRUNE;
    status = technique_read_share(r, energy != NULL ? energy : ratio,
                                  energy != NULL ? "energy" : "ratio", &s->number);
    return status == JC_OK ? technique_add_statement(r, s) : status;
}

static jc_status read_depth(technique_reader *r, const jc_yaml *node, statement *s) {
    static const char *const keys[] = {"ratio", "drop", "layers", NULL};
    s->kind = STATEMENT_DEPTH;
    if (node->kind != JC_YAML_MAPPING) {
        const jc_status status = technique_read_share(r, node, "depth", &s->number);
        return status == JC_OK ? technique_add_statement(r, s) : status;
    }
    jc_status status = technique_check_keys(r, node, "depth", keys);
    const jc_yaml *ratio = jc_yaml_get(node, "ratio");
    const jc_yaml *drop = jc_yaml_get(node, "drop");
    const jc_yaml *layers = jc_yaml_get(node, "layers");
    if (status == JC_OK && (ratio == NULL) == (drop == NULL)) {
        status = technique_fail(r, s->line, "depth needs either ratio or drop");
    }
    if (status == JC_OK && drop != NULL && layers != NULL) {
        status =
            technique_fail(r, layers->line, "drop names its layers itself; leave `layers` out");
    }
    if (status == JC_OK && (drop != NULL || layers != NULL)) {
        status = technique_read_patterns(r, drop != NULL ? drop : layers, s);
    }
    if (status == JC_OK && drop != NULL) {
        s->kind = STATEMENT_DROP;
    } else if (status == JC_OK) {
        status = technique_read_share(r, ratio, "ratio", &s->number);
    }
    return status == JC_OK ? technique_add_statement(r, s) : status;
}

// `sparsity` and `active`: a share, or shares under names, and `layers`.
static jc_status read_shares(technique_reader *r, const jc_yaml *node, statement *s,
                             const char *first, const char *second) {
    const char *const keys[] = {"layers", first, second, NULL};
    const char *what = s->kind == STATEMENT_ACTIVE ? "active" : "sparsity";
    if (node->kind != JC_YAML_MAPPING) {
        const jc_status status = technique_read_share(r, node, what, &s->number);
        return status == JC_OK ? technique_add_statement(r, s) : status;
    }
    jc_status status = technique_check_keys(r, node, what, keys);
    const jc_yaml *layers = jc_yaml_get(node, "layers");
    const jc_yaml *one = jc_yaml_get(node, first);
    const jc_yaml *two = second == NULL ? NULL : jc_yaml_get(node, second);
    if (status == JC_OK && one == NULL && two == NULL) {
        status = technique_fail(r, s->line, "%s needs %s%s%s", what, first,
                                second == NULL ? "" : " or ", second == NULL ? "" : second);
    }
    if (status == JC_OK && layers != NULL) {
        status = technique_read_patterns(r, layers, s);
    }
    if (status == JC_OK && one != NULL) {
        status = technique_read_share(r, one, first, &s->number);
    }
    if (status == JC_OK && two != NULL) {
        status = technique_read_share(r, two, second, &s->second);
    }
    return status == JC_OK ? technique_add_statement(r, s) : status;
}

static jc_status read_sparsity(technique_reader *r, const jc_yaml *node, statement *s) {
    s->kind = STATEMENT_SPARSITY;
    s->number = (double)NAN;
    return read_shares(r, node, s, "density", "activations");
}

static jc_status read_active(technique_reader *r, const jc_yaml *node, statement *s) {
    s->kind = STATEMENT_ACTIVE;
    return read_shares(r, node, s, "fraction", NULL);
}

static jc_status read_precision(technique_reader *r, const jc_yaml *node, statement *s) {
    static const char *const keys[] = {"weights", "activations", "layers", NULL};
    s->kind = STATEMENT_PRECISION;
    if (node->kind != JC_YAML_MAPPING) {
        const jc_status status = read_format(r, node, &s->weights);
        s->activations = s->weights;
        return status == JC_OK ? technique_add_statement(r, s) : status;
    }
    jc_status status = technique_check_keys(r, node, "precision", keys);
    const jc_yaml *weights = jc_yaml_get(node, "weights");
    const jc_yaml *activations = jc_yaml_get(node, "activations");
    const jc_yaml *layers = jc_yaml_get(node, "layers");
    if (status == JC_OK && weights == NULL && activations == NULL) {
        status = technique_fail(r, s->line, "precision needs weights or activations");
    }
    if (status == JC_OK && weights != NULL) {
        status = read_format(r, weights, &s->weights);
    }
    if (status == JC_OK && activations != NULL) {
        status = read_format(r, activations, &s->activations);
    }
    if (status == JC_OK && layers != NULL) {
        status = technique_read_patterns(r, layers, s);
    }
    return status == JC_OK ? technique_add_statement(r, s) : status;
}

const char *technique_folder(jc_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return jc_arena_copy_text(arena, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
}

char *technique_beside(technique_reader *r, const char *path) {
    const char *folder = path[0] == '/' ? "" : r->folder;
    const size_t size = strlen(folder) + strlen(path) + 1;
    char *text = jc_arena_alloc(&r->technique->arena, size, 1);
    if (text != NULL) {
        (void)snprintf(text, size, "%s%s", folder, path);
    }
    return text;
}

// Another file's steps, as if they stood here.
static jc_status read_technique(technique_reader *r, const jc_yaml *node, statement *s) {
    (void)s;
    const char *path = jc_yaml_text(node);
    if (path == NULL || path[0] == '\0') {
        return technique_fail_value(r, node, "technique", "a file");
    }
    if (r->depth == TECHNIQUE_MAX_DEPTH) {
        return technique_fail(r, node->line, "techniques name each other more than %d deep",
                              TECHNIQUE_MAX_DEPTH);
    }
    technique_reader inner = *r;
    inner.depth++;
    inner.file = technique_beside(r, path);
    inner.folder = inner.file == NULL ? NULL : technique_folder(&r->technique->arena, inner.file);
    jc_yaml *root = NULL;
    if (inner.folder == NULL) {
        return technique_out_of_memory(r);
    }
    const jc_status status = jc_yaml_load(inner.file, &r->technique->arena, &root, r->err);
    if (status != JC_OK) {
        return technique_fail_file(r, node->line, status);
    }
    if (jc_yaml_get(root, "networks") != NULL) {
        return technique_fail(r, node->line,
                              "%.100s is about networks of its own, and cannot be a step", path);
    }
    const jc_yaml *steps = jc_yaml_get(root, "steps");
    return technique_read_steps(&inner, steps == NULL ? root : steps);
}

static const struct {
    const char *name;
    jc_status (*read)(technique_reader *r, const jc_yaml *node, statement *s);
} step_kinds[] = {
    {"active", read_active},       {"depth", read_depth}, {"exits", technique_read_exits},
    {"precision", read_precision}, {"prune", read_prune}, {"sparsity", read_sparsity},
    {"technique", read_technique}, {NULL, NULL},
};

static jc_status read_step(technique_reader *r, const jc_yaml *node) {
    if (node->kind == JC_YAML_MAPPING && node->n > 1) {
        return technique_fail(r, node->child->next->key_line,
                              "'%.60s' needs a dash of its own: a step has one key",
                              node->child->next->key);
    }
    if (node->kind != JC_YAML_MAPPING || node->n == 0) {
        return technique_fail_value(r, node, "a step",
                                    "one of prune, depth, sparsity, precision, active, "
                                    "exits, technique, with its value");
    }
    const jc_yaml *value = node->child;
    statement s = {.file = r->file,
                   .line = value->key_line,
                   .second = (double)NAN,
                   .threshold = (double)NAN,
                   .multiple = 1,
                   .weights = JC_FORMAT_COUNT,
                   .activations = JC_FORMAT_COUNT};
    jc_suggestion suggestion = {.wanted = value->key};
    for (size_t i = 0; step_kinds[i].name != NULL; ++i) {
        if (jc_text_equal(step_kinds[i].name, value->key)) {
            return step_kinds[i].read(r, value, &s);
        }
        jc_suggestion_offer(&suggestion, step_kinds[i].name);
    }
    jc_suggestion_offer(&suggestion, "steps"); // of a file
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return technique_fail(r, value->key_line, "there is no step '%.60s'%s", value->key,
                          jc_suggestion_format(&suggestion, hint));
}

// A list of steps, or one step.
jc_status technique_read_steps(technique_reader *r, const jc_yaml *node) {
    if (node->kind != JC_YAML_SEQUENCE) {
        return read_step(r, node);
    }
    jc_status status = JC_OK;
    for (const jc_yaml *item = node->child; status == JC_OK && item != NULL; item = item->next) {
        status = read_step(r, item);
    }
    return status;
}
