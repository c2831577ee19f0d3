// SPDX-License-Identifier: Apache-2.0
// Applying a technique's statements to a network: layers by name, and the order of the parts.
#include "variant.h"

#include "common/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

jc_status variant_out_of_memory(jc_error *err) {
    return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
}

void variant_remark(variant *v, const char *format, ...) {
    enum { LONGEST_NOTE = 1000 };
    char sentence[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    const size_t used = v->note == NULL ? 0 : strlen(v->note);
    const size_t size = used + strlen(sentence) + 2;
    char *note = size > LONGEST_NOTE ? NULL : jc_arena_alloc(&v->arena, size, 1);
    if (note != NULL) { // a remark is not worth failing for
        (void)snprintf(note, size, "%s%s%s", used == 0 ? "" : v->note, used == 0 ? "" : " ",
                       sentence);
        v->note = note;
    }
}

// --- Layers by name -------------------------------------------------------------------------

// `*` in the pattern stands for any text, also none.
static bool matches_text(const char *pattern, const char *text, size_t length) {
    const char *star = NULL;
    size_t star_at = 0;
    size_t at = 0;
    while (at < length) {
        if (*pattern == '*') {
            star = pattern++;
            star_at = at;
        } else if (*pattern != '\0' && *pattern == text[at]) {
            ++pattern;
            ++at;
        } else if (star != NULL) {
            pattern = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        ++pattern;
    }
    return *pattern == '\0';
}

// Text that ends a name of a block within a layer's name: "stage" and "stage[0]" in
// "stage[0].conv", "layer1" in "layer1/Conv".
static bool is_boundary(char c) {
    return c == '\0' || c == '.' || c == '/' || c == '[';
}

bool variant_names(const variant *v, const char *pattern, size_t layer, size_t *out_end) {
    size_t n = 0;
    const jc_layer *l = &jc_graph_layers(v->graph, &n)[layer];
    if (l->op == NULL) {
        return false;
    }
    const char *name = v->names[layer];
    for (size_t end = 1; name[end - 1] != '\0'; ++end) {
        if (is_boundary(name[end]) && matches_text(pattern, name, end)) {
            *out_end = end;
            return true;
        }
    }
    *out_end = 0;
    return strcmp(pattern, l->op->name) == 0;
}

// Suggests layers and blocks.
static jc_status fail_unknown(const variant *v, const statement *s, const char *pattern,
                              jc_error *err) {
    jc_suggestion suggestion = {.wanted = pattern};
    jc_arena arena = {0};
    for (size_t i = 0; i < v->n_layers; ++i) {
        const char *name = v->names[i];
        for (size_t end = 1; name[end - 1] != '\0'; ++end) {
            const char *block =
                is_boundary(name[end]) ? jc_arena_copy_text(&arena, name, end) : NULL;
            if (block != NULL) {
                jc_suggestion_offer(&suggestion, block);
            }
        }
    }
    char hint[JC_SUGGESTION_TEXT_SIZE];
    (void)jc_suggestion_format(&suggestion, hint);
    jc_arena_clear(&arena);
    return statement_fail(s, JC_EPARSE, err, "%.60s has no layer or block '%.80s'%s",
                          jc_graph_name(v->graph), pattern, hint);
}

static const statement *dropped_by(const variant *v, size_t layer) {
    return v->dropped_by == NULL ? NULL : v->dropped_by[layer];
}

jc_status variant_match(const variant *v, const statement *s, bool *out_matches, jc_error *err) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(v->graph, &n);
    for (size_t i = 0; i < v->n_layers; ++i) {
        out_matches[i] = s->n_patterns == 0 && layers[i].op != NULL && dropped_by(v, i) == NULL;
    }
    for (size_t p = 0; p < s->n_patterns; ++p) {
        bool found = false;
        const statement *dropped = NULL;
        for (size_t i = 0; i < v->n_layers; ++i) {
            size_t end = 0;
            if (variant_names(v, s->patterns[p], i, &end)) {
                dropped = dropped_by(v, i) == NULL ? dropped : dropped_by(v, i);
                out_matches[i] = dropped_by(v, i) == NULL;
                found = found || out_matches[i];
            }
        }
        if (!found && dropped != NULL) {
            return statement_fail(s, JC_EPARSE, err, "line %d of %.120s drops all of '%.80s'",
                                  dropped->line, dropped->file, s->patterns[p]);
        }
        if (!found) {
            return fail_unknown(v, s, s->patterns[p], err);
        }
    }
    return JC_OK;
}

// --- All parts ------------------------------------------------------------------------------

static bool prepare(variant *v) {
    (void)jc_graph_layers(v->graph, &v->n_layers);
    char(*names)[JC_LAYER_NAME_SIZE] = jc_arena_alloc(&v->arena, v->n_layers + 1, sizeof *names);
    v->settings = jc_arena_alloc(&v->arena, v->n_layers + 1, sizeof *v->settings);
    if (names == NULL || v->settings == NULL) {
        return false;
    }
    for (size_t i = 0; i < v->n_layers; ++i) {
        (void)jc_layer_name(v->graph, i, names[i]);
        v->settings[i] = jc_setting_default(v->graph);
    }
    v->names = (const char(*)[JC_LAYER_NAME_SIZE])names;
    return true;
}

jc_status variant_init(const technique_network *network, const jc_graph *graph,
                       const jc_source *source, variant *out_variant, jc_error *err) {
    static const technique_network nothing = {.n_statements = 0};
    const technique_network *said = network == NULL ? &nothing : network;
    variant v = {.graph = graph};
    jc_status status = prepare(&v) ? JC_OK : variant_out_of_memory(err);
    // An order that makes statements independent of theirs: what is gone first, then how wide and
    // how the rest runs, then what is attached to it.
    if (status == JC_OK) {
        status = variant_drop_layers(&v, said, err);
    }
    if (status == JC_OK) {
        status = variant_set_layers(&v, said, err);
    }
    if (status == JC_OK) {
        status = variant_prune(&v, said, source, err);
    }
    if (status == JC_OK) {
        status = variant_add_exits(&v, said, err);
    }
    if (status != JC_OK) {
        variant_clear(&v);
        return status;
    }
    *out_variant = v;
    return JC_OK;
}

void variant_clear(variant *v) {
    for (size_t i = 0; i < v->n_exits; ++i) {
        jc_graph_free(v->exits[i].classifier);
    }
    jc_graph_free(v->narrowed);
    jc_graph_free(v->shortened);
    jc_arena_clear(&v->arena);
}
