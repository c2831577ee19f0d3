// SPDX-License-Identifier: Apache-2.0
// The step `exits`: a list with rates, or a validation run from which rates follow.
#include "technique_read.h"

#include <math.h>

// One exit; without a rate where a validation run gives it.
static jc_status read_exit(technique_reader *r, const jc_yaml *node, const statement *base,
                           bool has_rate) {
    static const char *const with_rate[] = {"after", "layers", "rate", NULL};
    static const char *const without_rate[] = {"after", "layers", NULL};
    if (node->kind != JC_YAML_MAPPING) {
        return technique_fail_value(r, node, "an exit", "{after: LAYER, rate: SHARE}");
    }
    statement s = *base;
    s.line = node->line;
    jc_status status =
        technique_check_keys(r, node, "an exit", has_rate ? with_rate : without_rate);
    const jc_yaml *after = jc_yaml_get(node, "after");
    const jc_yaml *rate = jc_yaml_get(node, "rate");
    s.classifier = jc_yaml_get(node, "layers");
    if (status == JC_OK && (after == NULL || (has_rate && rate == NULL))) {
        status =
            technique_fail(r, node->line, "an exit needs `after`%s", has_rate ? " and `rate`" : "");
    }
    if (status == JC_OK && has_rate) {
        status = technique_read_share(r, rate, "rate", &s.number);
    }
    if (status == JC_OK) {
        status = after->kind == JC_YAML_SCALAR
                     ? technique_read_patterns(r, after, &s)
                     : technique_fail_value(r, after, "after", "one layer's name");
    }
    if (status == JC_OK && s.classifier != NULL && s.classifier->kind != JC_YAML_SEQUENCE) {
        status = technique_fail_value(r, s.classifier, "layers", "the classifier's list of layers");
    }
    return status == JC_OK ? technique_add_statement(r, &s) : status;
}

static jc_status read_list(technique_reader *r, const jc_yaml *node, const statement *base,
                           bool has_rate) {
    if (node->kind != JC_YAML_SEQUENCE || node->n == 0) {
        return technique_fail_value(r, node, has_rate ? "exits" : "at",
                                    has_rate ? "a list of {after: LAYER, rate: SHARE}"
                                             : "a list of {after: LAYER}");
    }
    jc_status status = JC_OK;
    for (const jc_yaml *item = node->child; status == JC_OK && item != NULL; item = item->next) {
        status = read_exit(r, item, base, has_rate);
    }
    return status;
}

jc_status technique_load_run(technique_reader *r, const jc_yaml *file, double threshold,
                             const char *const *names, size_t n) {
    jc_technique *t = r->technique;
    const char *path = jc_yaml_text(file);
    if (path == NULL || path[0] == '\0') {
        return technique_fail_value(r, file, "confidences", "a CSV file");
    }
    if (t->measured_by != NULL) {
        return technique_fail(r, file->line, "line %d of %.120s names a validation run already",
                              t->measured_by->line, t->measured_by->file);
    }
    statement *said = jc_arena_alloc(&t->arena, 1, sizeof *said);
    const char *beside = technique_beside(r, path);
    if (said == NULL || beside == NULL) {
        return technique_out_of_memory(r);
    }
    *said = (statement){.file = r->file, .line = file->line, .threshold = threshold};
    t->measured_by = said;
    return technique_fail_file(r, file->line,
                               confidence_load(beside, names, n, &t->arena, &t->run, r->err));
}

// The table of a validation run, whose exits have just been read.
static jc_status load_run(technique_reader *r, const jc_yaml *file, size_t first) {
    const size_t n = r->network->n_statements - first;
    const char *names[TECHNIQUE_MAX_EXITS];
    if (n > TECHNIQUE_MAX_EXITS) {
        return technique_fail(r, file->line, "there are more than %d exits", TECHNIQUE_MAX_EXITS);
    }
    const statement *exits = r->network->statements + first;
    for (size_t i = 0; i < n; ++i) {
        names[i] = exits[i].patterns[0];
    }
    const jc_status status = technique_load_run(r, file, exits[0].threshold, names, n);
    r->technique->run_network = r->network;
    r->technique->run_first = first;
    return status;
}

jc_status technique_read_exits(technique_reader *r, const jc_yaml *node, statement *s) {
    static const char *const keys[] = {"at", "confidences", "threshold", NULL};
    s->kind = STATEMENT_EXIT;
    if (node->kind != JC_YAML_MAPPING) {
        return read_list(r, node, s, true);
    }
    const jc_yaml *at = jc_yaml_get(node, "at");
    const jc_yaml *file = jc_yaml_get(node, "confidences");
    const jc_yaml *threshold = jc_yaml_get(node, "threshold");
    jc_status status = technique_check_keys(r, node, "exits", keys);
    if (status == JC_OK && (at == NULL || file == NULL || threshold == NULL)) {
        status = technique_fail(
            r, node->line, "exits need a list of them, or `at`, `confidences` and `threshold`");
    }
    if (status == JC_OK) {
        status = technique_read_share(r, threshold, "threshold", &s->threshold);
    }
    const size_t first = r->network->n_statements;
    if (status == JC_OK) {
        status = read_list(r, at, s, false);
    }
    return status == JC_OK ? load_run(r, file, first) : status;
}
