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
    uint32_t *source; ///< [layers] of a layer that goes: the one tensor that comes in from outside
    bool *needed;     ///< [layers] of a layer that goes: something that stays takes it
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
    }
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(r->v->graph, &n_outputs);
    for (size_t i = 0; i < n_outputs; ++i) {
        r->needed[outputs[i]] = r->gone[outputs[i]];
    }
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

// Length of the name of the block or layer that repeats ("stage1.bottleneck"); 0 if none does.
static size_t repeated_name(const char *name) {
    const char *bracket = strchr(name, '[');
    return bracket == NULL ? 0 : (size_t)(bracket - name);
}

static int repetition_of(const char *name) {
    return atoi(name + repeated_name(name) + 1); // digits: jc_layer_name wrote them
}

static bool repeats_same(const char *a, const char *b) {
    const size_t n = repeated_name(a);
    return n > 0 && n == repeated_name(b) && memcmp(a, b, n) == 0;
}

static void set_gone(removal *r, const char *of, int repetition, bool gone) {
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        if (repeats_same(of, r->v->names[i]) && repetition_of(r->v->names[i]) == repetition) {
            r->gone[i] = gone;
        }
    }
}

// Takes a repetition out, or leaves all as it was where what follows needs it.
static bool drop_repetition(removal *r, const char *of, int repetition) {
    set_gone(r, of, repetition, true);
    find_sources(r);
    for (size_t i = 0; i < r->v->n_layers; ++i) {
        if (r->gone[i] && r->needed[i] && !is_replaceable(r, i)) {
            set_gone(r, of, repetition, false);
            return false;
        }
    }
    return true;
}

// The last repetitions go first: the first ones change sizes in most networks.
static jc_status shorten(removal *r, const statement *s, size_t first, jc_error *err) {
    const char *name = r->v->names[first];
    int n = 0;
    for (size_t i = first; i < r->v->n_layers; ++i) {
        if (repeats_same(name, r->v->names[i]) && repetition_of(r->v->names[i]) >= n) {
            n = repetition_of(r->v->names[i]) + 1;
        }
    }
    const int wanted = (int)floor(s->number * n + 0.5);
    int dropped = 0;
    for (int k = n - 1; k >= 0 && dropped < wanted; --k) {
        dropped += drop_repetition(r, name, k) ? 1 : 0;
    }
    return dropped == wanted
               ? JC_OK
               : statement_fail(s, JC_ESHAPE, err,
                                "of the %d repetitions of '%.*s' only %d can be dropped without "
                                "changing a shape, not %d",
                                n, (int)repeated_name(name), name, dropped, wanted);
}

static jc_status shorten_all(removal *r, const statement *s, const bool *matches, jc_error *err) {
    bool any = false;
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < r->v->n_layers; ++i) {
        const char *name = r->v->names[i];
        bool is_first = repeated_name(name) > 0 && matches[i];
        for (size_t k = 0; is_first && k < i; ++k) {
            is_first = !repeats_same(name, r->v->names[k]);
        }
        if (is_first) {
            any = true;
            status = shorten(r, s, i, err);
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
        find_sources(r);
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

jc_status variant_drop_layers(variant *v, const technique_network *network, jc_error *err) {
    size_t n = 0;
    removal r = {.v = v, .layers = jc_graph_layers(v->graph, &n)};
    r.gone = calloc(n + 1, sizeof *r.gone);
    r.source = calloc(n + 1, sizeof *r.source);
    r.needed = calloc(n + 1, sizeof *r.needed);
    r.edits = calloc(n + 1, sizeof *r.edits);
    jc_status status = JC_OK;
    bool any = false;
    if (r.gone == NULL || r.source == NULL || r.needed == NULL || r.edits == NULL) {
        status = variant_out_of_memory(err);
    }
    if (status == JC_OK) {
        status = take_statements(&r, network, &any, err);
    }
    if (status == JC_OK && any) {
        status = edit(&r, err);
    }
    free(r.gone);
    free(r.source);
    free(r.needed);
    free(r.edits);
    return status;
}
