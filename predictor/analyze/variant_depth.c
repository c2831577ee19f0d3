// SPDX-License-Identifier: Apache-2.0
// Depth: which layers and blocks go, by name or by the share of repetitions.
#include "removal.h"
#include "variant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** What is written with `repeat`: layers whose names begin with the same text and a bracket. */
typedef struct repeated {
    const char *name;
    size_t length;       ///< of the text
    size_t first;        ///< layer
    const statement *by; ///< who says how many go
} repeated;

typedef struct shortening {
    variant *v;
    removal r;
    bool *matches; ///< [layers] scratch
    bool *before;  ///< [layers] scratch: what was gone before an attempt
    repeated *claims;
    size_t n_claims;
    size_t capacity;
    jc_arena arena;
} shortening;

// --- By name --------------------------------------------------------------------------------

static jc_status check_replaceable(const shortening *d, size_t i, jc_error *err) {
    const removal *r = &d->r;
    const int64_t from = r->source[i];
    if (!r->gone[i] || !r->needed[i] || removal_is_replaceable(r, i)) {
        return JC_OK;
    }
    if (from < 0) {
        return statement_fail(r->by[i], JC_ESHAPE, err,
                              "'%.80s' cannot be dropped: it does not replace one tensor by "
                              "another",
                              d->v->names[i]);
    }
    char in[JC_SHAPE_TEXT_SIZE];
    char out[JC_SHAPE_TEXT_SIZE];
    return statement_fail(r->by[i], JC_ESHAPE, err,
                          "'%.80s' cannot be dropped: it takes %s and gives %s, and what follows "
                          "needs the latter",
                          d->v->names[i], jc_shape_format(&r->layers[from].output, in),
                          jc_shape_format(&r->layers[i].output, out));
}

static jc_status drop(shortening *d, const technique_network *network, jc_error *err) {
    jc_status status = JC_OK;
    for (size_t k = 0; status == JC_OK && k < network->n_statements; ++k) {
        const statement *s = &network->statements[k];
        if (s->kind != STATEMENT_DROP) {
            continue;
        }
        status = variant_match(d->v, s, d->matches, err);
        for (size_t i = 0; status == JC_OK && i < d->r.n_layers; ++i) {
            if (d->matches[i]) {
                removal_take(&d->r, i, s);
            }
        }
    }
    removal_settle(&d->r);
    for (size_t i = 0; status == JC_OK && i < d->r.n_layers; ++i) {
        status = check_replaceable(d, i, err);
    }
    return status;
}

// --- By ratio -------------------------------------------------------------------------------

static bool belongs_to(const repeated *what, const char *name) {
    return strncmp(name, what->name, what->length) == 0 && name[what->length] == '[';
}

static int repetition_of(const repeated *what, const char *name) {
    enum { MOST = 1 << 24 }; // names of ONNX files are anything
    const long n = strtol(name + what->length + 1, NULL, 10);
    return n < 0 || n > MOST ? 0 : (int)n;
}

// The outermost repetition that a statement names a layer by; false if it names none.
static bool find_repeated(const shortening *d, const statement *s, size_t layer,
                          repeated *out_what) {
    const char *name = d->v->names[layer];
    bool found = false;
    for (size_t p = 0; p < s->n_patterns || (p == 0 && s->n_patterns == 0); ++p) {
        size_t end = 0;
        if (s->n_patterns > 0 && !variant_names(d->v, s->patterns[p], layer, &end)) {
            continue;
        }
        const char *bracket = strchr(name + end, '[');
        if (bracket != NULL && (!found || (size_t)(bracket - name) < out_what->length)) {
            *out_what = (repeated){name, (size_t)(bracket - name), layer, s};
            found = true;
        }
    }
    return found;
}

static jc_status claim(shortening *d, const repeated *what, jc_error *err) {
    repeated *before = NULL;
    for (size_t c = 0; before == NULL && c < d->n_claims; ++c) {
        const bool is_same =
            d->claims[c].length == what->length && belongs_to(&d->claims[c], what->name);
        before = is_same ? &d->claims[c] : NULL;
    }
    if (before == NULL) {
        repeated *claims =
            jc_arena_grow(&d->arena, d->claims, d->n_claims, &d->capacity, sizeof *claims);
        if (claims == NULL) {
            return variant_out_of_memory(err);
        }
        d->claims = claims;
        claims[d->n_claims++] = *what;
        return JC_OK;
    }
    const bool is_named = what->by->n_patterns > 0;
    const bool was_named = before->by->n_patterns > 0;
    if (is_named == was_named && before->by->number != what->by->number) {
        return statement_fail(what->by, JC_EPARSE, err, "contradicts line %d of %.120s on '%.*s'",
                              before->by->line, before->by->file, (int)what->length, what->name);
    }
    if (is_named && !was_named) {
        before->by = what->by;
    }
    return JC_OK;
}

static jc_status claim_all(shortening *d, const statement *s, jc_error *err) {
    bool any = false;
    jc_status status = variant_match(d->v, s, d->matches, err);
    for (size_t i = 0; status == JC_OK && i < d->r.n_layers; ++i) {
        repeated what = {.name = NULL};
        if (d->matches[i] && find_repeated(d, s, i, &what)) {
            any = true;
            status = claim(d, &what, err);
        }
    }
    return status == JC_OK && !any && s->number > 0
               ? statement_fail(s, JC_ESHAPE, err,
                                "nothing of %.60s is written with `repeat`; name what goes: drop",
                                jc_graph_name(d->v->graph))
               : status;
}

static bool is_gone(const shortening *d, const repeated *what, int repetition) {
    bool is = true;
    for (size_t i = 0; is && i < d->r.n_layers; ++i) {
        const char *name = d->v->names[i];
        is = d->r.gone[i] || !belongs_to(what, name) || repetition_of(what, name) != repetition;
    }
    return is;
}

// Takes a repetition out, or leaves all as it was where what follows needs it.
static bool drop_repetition(shortening *d, const repeated *what, int repetition) {
    removal *r = &d->r;
    memcpy(d->before, r->gone, r->n_layers * sizeof *r->gone);
    for (size_t i = 0; i < r->n_layers; ++i) {
        const char *name = d->v->names[i];
        if (belongs_to(what, name) && repetition_of(what, name) == repetition) {
            removal_take(r, i, what->by);
        }
    }
    removal_settle(r);
    for (size_t i = 0; i < r->n_layers; ++i) {
        if (r->gone[i] && r->needed[i] && !removal_is_replaceable(r, i)) {
            memcpy(r->gone, d->before, r->n_layers * sizeof *r->gone);
            return false;
        }
    }
    return true;
}

// The last repetitions go first: the first ones change sizes in most networks.
static jc_status shorten(shortening *d, const repeated *what, jc_error *err) {
    int n = 0;
    for (size_t i = 0; i < d->r.n_layers; ++i) {
        const char *name = d->v->names[i];
        if (belongs_to(what, name) && repetition_of(what, name) >= n) {
            n = repetition_of(what, name) + 1;
        }
    }
    const int wanted = (int)floor(what->by->number * n + 0.5);
    int dropped = 0;
    for (int k = 0; k < n; ++k) {
        dropped += is_gone(d, what, k) ? 1 : 0;
    }
    for (int k = n - 1; k >= 0 && dropped < wanted; --k) {
        dropped += !is_gone(d, what, k) && drop_repetition(d, what, k) ? 1 : 0;
    }
    return dropped >= wanted
               ? JC_OK
               : statement_fail(what->by, JC_ESHAPE, err,
                                "of the %d repetitions of '%.*s' only %d can be dropped without "
                                "changing a shape, not %d",
                                n, (int)what->length, what->name, dropped, wanted);
}

// In the order of the network, what is repeated in a repetition after the repetition.
static int compare_claims(const void *a, const void *b) {
    const repeated *left = a;
    const repeated *right = b;
    return left->first != right->first
               ? (left->first > right->first) - (left->first < right->first)
               : (left->length > right->length) - (left->length < right->length);
}

static jc_status shorten_all(shortening *d, const technique_network *network, jc_error *err) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < network->n_statements; ++i) {
        if (network->statements[i].kind == STATEMENT_DEPTH) {
            status = claim_all(d, &network->statements[i], err);
        }
    }
    if (d->n_claims > 1) {
        qsort(d->claims, d->n_claims, sizeof *d->claims, compare_claims);
    }
    for (size_t c = 0; status == JC_OK && c < d->n_claims; ++c) {
        status = shorten(d, &d->claims[c], err);
    }
    return status;
}

// --- Both -----------------------------------------------------------------------------------

// Layers that go and that nothing needs are still there, as hands that pass something on.
static jc_status edit(shortening *d, jc_error *err) {
    variant *v = d->v;
    const removal *r = &d->r;
    jc_layer_edit *edits = jc_arena_alloc(&d->arena, r->n_layers + 1, sizeof *edits);
    const statement **by = jc_arena_alloc(&v->arena, r->n_layers + 1, sizeof *by);
    if (edits == NULL || by == NULL) {
        return variant_out_of_memory(err);
    }
    for (size_t i = 0; i < r->n_layers; ++i) {
        by[i] = r->gone[i] ? r->by[i] : NULL;
    }
    removal_edit(r, edits);
    const jc_status status = jc_graph_edit(v->graph, edits, &v->shortened, err);
    if (status == JC_OK) {
        v->graph = v->shortened;
        v->dropped_by = by;
    }
    return status;
}

static jc_status take_statements(shortening *d, const technique_network *network, jc_error *err) {
    d->matches = jc_arena_alloc(&d->arena, d->v->n_layers + 1, sizeof *d->matches);
    d->before = jc_arena_alloc(&d->arena, d->v->n_layers + 1, sizeof *d->before);
    if (d->matches == NULL || d->before == NULL ||
        removal_init(d->v->graph, &d->arena, &d->r) != JC_OK) {
        return variant_out_of_memory(err);
    }
    jc_status status = drop(d, network, err);
    if (status == JC_OK) {
        status = shorten_all(d, network, err);
    }
    return status == JC_OK ? edit(d, err) : status;
}

jc_status variant_drop_layers(variant *v, const technique_network *network, jc_error *err) {
    bool any = false;
    for (size_t i = 0; i < network->n_statements; ++i) {
        const statement_kind kind = network->statements[i].kind;
        any = any || kind == STATEMENT_DROP || kind == STATEMENT_DEPTH;
    }
    if (!any) {
        return JC_OK;
    }
    shortening d = {.v = v};
    const jc_status status = take_statements(&d, network, err);
    jc_arena_clear(&d.arena);
    return status;
}
