// SPDX-License-Identifier: Apache-2.0
// Depth: layers and blocks that are left out, where what they take fits what follows them.
#include "variant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t NONE = UINT32_MAX;
static const uint32_t SEVERAL = UINT32_MAX - 1;

/** Layers on their way out. */
typedef struct removal {
    variant *v;
    const jc_layer *layers;
    bool *gone;       ///< [layers]
    bool *before;     ///< [layers] scratch: what was gone before an attempt
    bool *by_gate;    ///< [layers] of a layer that goes with its branches: its gate stands in
    bool *in_region;  ///< [layers] scratch of take_branches
    bool *stays_for;  ///< [layers] scratch of take_branches: something that stays takes it
    uint32_t *source; ///< [layers] of a layer that goes: the one tensor that comes in from outside
    bool *needed;     ///< [layers] of a layer that goes: something that stays takes it
    uint32_t *gate;   ///< [layers] the last tensor that all ways to the layer pass; NONE = no one
    uint32_t *depth;  ///< [layers] gates before it
    jc_layer_edit *edits;
} removal;

static bool same_shape(const jc_shape *a, const jc_shape *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

// What comes into the layers that go, followed from layer to layer.
static void find_sources(removal *r) {
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        r->source[i] = NONE;
        r->needed[i] = false;
        for (size_t k = 0; k < r->layers[i].n_inputs; ++k) {
            const uint32_t input = r->layers[i].inputs[k];
            if (!r->gone[i]) {
                r->needed[input] = r->needed[input] || r->gone[input];
                continue;
            }
            const uint32_t from = r->gone[input] ? r->source[input] : input;
            r->source[i] = r->source[i] == NONE || r->source[i] == from ? from : SEVERAL;
        }
        if (r->gone[i] && r->by_gate[i]) {
            r->source[i] = r->gone[r->gate[i]] ? r->source[r->gate[i]] : r->gate[i];
        }
    }
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(r->v->graph, &n_outputs);
    for (size_t i = 0; i < n_outputs; ++i) {
        r->needed[outputs[i]] = r->gone[outputs[i]];
    }
}

// --- Branches -------------------------------------------------------------------------------

static uint32_t common_gate(const removal *r, uint32_t a, uint32_t b) {
    while (a != b && a != NONE && b != NONE) {
        if (r->depth[a] >= r->depth[b]) {
            a = r->gate[a];
        } else {
            b = r->gate[b];
        }
    }
    return a == b ? a : NONE;
}

// Gates are immediate dominators, in one pass since layers come after what they take: see Cooper,
// Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001.
static void find_gates(removal *r) {
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        const jc_layer *l = &r->layers[i];
        uint32_t gate = l->n_inputs == 0 ? NONE : l->inputs[0];
        for (size_t k = 1; k < l->n_inputs; ++k) {
            gate = common_gate(r, gate, l->inputs[k]);
        }
        r->gate[i] = gate;
        r->depth[i] = gate == NONE ? 0 : r->depth[gate] + 1;
    }
}

// A layer that several branches lead to goes with all in them that nothing else takes.
static void take_branches(removal *r, size_t i) {
    const size_t n = r->v->n_layers;
    const uint32_t gate = r->gate[i];
    memset(r->in_region, 0, n * sizeof *r->in_region);
    memset(r->stays_for, 0, n * sizeof *r->stays_for);
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(r->v->graph, &n_outputs);
    for (size_t o = 0; o < n_outputs; ++o) {
        r->stays_for[outputs[o]] = true;
    }
    r->in_region[i] = true;
    for (size_t j = n; j-- > 0;) {
        r->gone[j] = r->gone[j] || (r->in_region[j] && !r->stays_for[j]);
        for (size_t k = 0; k < r->layers[j].n_inputs; ++k) {
            const uint32_t input = r->layers[j].inputs[k];
            r->stays_for[input] = r->stays_for[input] || !r->gone[j];
            r->in_region[input] = r->in_region[input] || (r->in_region[j] && input != gate);
        }
    }
}

static void settle(removal *r) {
    find_sources(r);
    for (size_t i = r->v->n_layers; i-- > 0;) {
        if (r->gone[i] && r->source[i] == SEVERAL && r->gate[i] != NONE) {
            r->by_gate[i] = true;
            take_branches(r, i);
        }
    }
    find_sources(r);
}

// True if the layer's output can be replaced by what comes in.
static bool is_replaceable(const removal *r, size_t i) {
    const uint32_t from = r->source[i];
    return from != NONE && from != SEVERAL &&
           same_shape(&r->layers[from].output, &r->layers[i].output);
}

// --- By name --------------------------------------------------------------------------------

static jc_status check_replaceable(const removal *r, const statement *s, size_t i, jc_error *err) {
    if (is_replaceable(r, i)) {
        return JC_OK;
    }
    const uint32_t from = r->source[i];
    if (from == NONE || from == SEVERAL) {
        return statement_fail(s, JC_ESHAPE, err,
                              "'%.80s' cannot be dropped: it does not replace one tensor by "
                              "another",
                              r->v->names[i]);
    }
    char in[JC_SHAPE_TEXT_SIZE];
    char out[JC_SHAPE_TEXT_SIZE];
    return statement_fail(s, JC_ESHAPE, err,
                          "'%.80s' cannot be dropped: it takes %s and gives %s, and what follows "
                          "needs the latter",
                          r->v->names[i], jc_shape_format(&r->layers[from].output, in),
                          jc_shape_format(&r->layers[i].output, out));
}

// --- By ratio -------------------------------------------------------------------------------

/** What is written with `repeat`: layers whose names begin with the same text and a bracket. */
typedef struct repeated {
    const char *name;
    size_t length; ///< of the text
} repeated;

static bool belongs_to(const repeated *what, const char *name) {
    return strncmp(name, what->name, what->length) == 0 && name[what->length] == '[';
}

static int repetition_of(const repeated *what, const char *name) {
    enum { MOST = 1 << 24 }; // names of ONNX files are anything
    const long n = strtol(name + what->length + 1, NULL, 10);
    return n < 0 || n > MOST ? 0 : (int)n;
}

// The outermost repetition that a statement names a layer by; false if it names none.
static bool find_repeated(const removal *r, const statement *s, size_t layer, repeated *out_what) {
    const char *name = r->v->names[layer];
    bool found = false;
    for (size_t p = 0; p < s->n_patterns || (p == 0 && s->n_patterns == 0); ++p) {
        size_t end = 0;
        if (s->n_patterns > 0 && !variant_names(r->v, s->patterns[p], layer, &end)) {
            continue;
        }
        const char *bracket = strchr(name + end, '[');
        if (bracket != NULL && (!found || (size_t)(bracket - name) < out_what->length)) {
            *out_what = (repeated){name, (size_t)(bracket - name)};
            found = true;
        }
    }
    return found;
}

static void set_gone(removal *r, const repeated *what, int repetition) {
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        const char *name = r->v->names[i];
        if (belongs_to(what, name) && repetition_of(what, name) == repetition) {
            r->gone[i] = true;
        }
    }
}

// Takes a repetition out, or leaves all as it was where what follows needs it.
static bool drop_repetition(removal *r, const repeated *what, int repetition) {
    memcpy(r->before, r->gone, r->v->n_layers * sizeof *r->gone);
    set_gone(r, what, repetition);
    settle(r);
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        if (r->gone[i] && r->needed[i] && !is_replaceable(r, i)) {
            memcpy(r->gone, r->before, r->v->n_layers * sizeof *r->gone);
            return false;
        }
    }
    return true;
}

// The last repetitions go first: the first ones change sizes in most networks.
static jc_status shorten(removal *r, const statement *s, const repeated *what, jc_error *err) {
    int n = 0;
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        const char *name = r->v->names[i];
        if (belongs_to(what, name) && repetition_of(what, name) >= n) {
            n = repetition_of(what, name) + 1;
        }
    }
    const int wanted = (int)floor(s->number * n + 0.5);
    int dropped = 0;
    for (int k = n - 1; k >= 0 && dropped < wanted; --k) {
        dropped += drop_repetition(r, what, k) ? 1 : 0;
    }
    return dropped == wanted
               ? JC_OK
               : statement_fail(s, JC_ESHAPE, err,
                                "of the %d repetitions of '%.*s' only %d can be dropped without "
                                "changing a shape, not %d",
                                n, (int)what->length, what->name, dropped, wanted);
}

static jc_status shorten_all(removal *r, const statement *s, const bool *matches, jc_error *err) {
    bool any = false;
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < r->v->n_layers; ++i) {
        repeated what = {NULL, 0};
        if (!matches[i] || !find_repeated(r, s, i, &what)) {
            continue;
        }
        any = true;
        bool is_first = true;
        for (size_t k = 0; is_first && k < i; ++k) {
            is_first = !matches[k] || !belongs_to(&what, r->v->names[k]);
        }
        if (is_first) {
            status = shorten(r, s, &what, err);
        }
    }
    return status == JC_OK && !any
               ? statement_fail(s, JC_ESHAPE, err,
                                "nothing of %.60s is written with `repeat`; name what goes: "
                                "drop",
                                jc_graph_name(r->v->graph))
               : status;
}

// --- Both -----------------------------------------------------------------------------------

static jc_status take_statement(removal *r, const statement *s, jc_error *err) {
    bool *matches = calloc(r->v->n_layers + 1, sizeof *matches);
    if (matches == NULL) {
        return variant_out_of_memory(err);
    }
    jc_status status = variant_match(r->v, s, matches, err);
    if (status == JC_OK && s->kind == STATEMENT_DEPTH) {
        status = shorten_all(r, s, matches, err);
    } else if (status == JC_OK) {
        for (size_t i = 0; i < r->v->n_layers; ++i) {
            r->gone[i] = r->gone[i] || matches[i];
        }
        settle(r);
        for (size_t i = 0; status == JC_OK && i < r->v->n_layers; ++i) {
            status = matches[i] && r->needed[i] ? check_replaceable(r, s, i, err) : JC_OK;
        }
    }
    free(matches);
    return status;
}

static jc_status take_statements(removal *r, const technique_network *network, bool *out_any,
                                 jc_error *err) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < network->n_statements; ++i) {
        const statement *s = &network->statements[i];
        if (s->kind == STATEMENT_DROP || s->kind == STATEMENT_DEPTH) {
            *out_any = true;
            status = take_statement(r, s, err);
        }
    }
    return status;
}

// Layers that go and that nothing needs are still there, as hands that pass something on.
static jc_status edit(removal *r, jc_error *err) {
    find_sources(r);
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        const uint32_t from = r->source[i];
        r->edits[i].removed = r->gone[i];
        r->edits[i].stands_in = from < SEVERAL ? from : 0;
    }
    const jc_status status = jc_graph_edit(r->v->graph, r->edits, &r->v->shortened, err);
    if (status == JC_OK) {
        r->v->graph = r->v->shortened;
    }
    return status;
}

static bool allocate(removal *r, jc_arena *arena) {
    const size_t n = r->v->n_layers + 1;
    r->gone = jc_arena_alloc(arena, n, sizeof *r->gone);
    r->before = jc_arena_alloc(arena, n, sizeof *r->before);
    r->by_gate = jc_arena_alloc(arena, n, sizeof *r->by_gate);
    r->in_region = jc_arena_alloc(arena, n, sizeof *r->in_region);
    r->stays_for = jc_arena_alloc(arena, n, sizeof *r->stays_for);
    r->source = jc_arena_alloc(arena, n, sizeof *r->source);
    r->needed = jc_arena_alloc(arena, n, sizeof *r->needed);
    r->gate = jc_arena_alloc(arena, n, sizeof *r->gate);
    r->depth = jc_arena_alloc(arena, n, sizeof *r->depth);
    r->edits = jc_arena_alloc(arena, n, sizeof *r->edits);
    return r->gone != NULL && r->before != NULL && r->by_gate != NULL && r->in_region != NULL &&
           r->stays_for != NULL && r->source != NULL && r->needed != NULL && r->gate != NULL &&
           r->depth != NULL && r->edits != NULL;
}

jc_status variant_drop_layers(variant *v, const technique_network *network, jc_error *err) {
    jc_arena arena = {0};
    size_t n = 0;
    removal r = {.v = v, .layers = jc_graph_layers(v->graph, &n)};
    jc_status status = allocate(&r, &arena) ? JC_OK : variant_out_of_memory(err);
    bool any = false;
    if (status == JC_OK) {
        find_gates(&r);
        status = take_statements(&r, network, &any, err);
    }
    if (status == JC_OK && any) {
        status = edit(&r, err);
    }
    jc_arena_clear(&arena);
    return status;
}
