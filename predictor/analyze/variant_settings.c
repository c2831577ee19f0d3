// SPDX-License-Identifier: Apache-2.0
// How layers run: number formats, densities, active fractions. What names layers goes before what
// does not; two statements of the same standing must not differ.
#include "variant.h"

#include <math.h>
#include <stdlib.h>

enum { FIELD_WEIGHTS, FIELD_ACTIVATIONS, FIELD_DENSITY, FIELD_INPUT_DENSITY, FIELD_ACTIVE, FIELDS };

/** Who said what of a layer. */
typedef struct claim {
    const statement *by[FIELDS];
} claim;

static double get(const jc_setting *s, int field) {
    const double values[FIELDS] = {(double)s->weights, (double)s->activations, s->weight_density,
                                   s->activation_density, s->active};
    return values[field];
}

static void set(jc_setting *s, int field, double value) {
    switch (field) {
    case FIELD_WEIGHTS:
        s->weights = (jc_format)(int)value;
        break;
    case FIELD_ACTIVATIONS:
        s->activations = (jc_format)(int)value;
        break;
    case FIELD_DENSITY:
        s->weight_density = value;
        break;
    case FIELD_INPUT_DENSITY:
        s->activation_density = value;
        break;
    default:
        s->active = value;
    }
}

// What a statement says of a field; NaN = nothing.
static double said(const statement *s, int field) {
    const double unsaid = (double)NAN;
    switch (s->kind) {
    case STATEMENT_PRECISION:
        if (field == FIELD_WEIGHTS && s->weights != JC_FORMAT_COUNT) {
            return (double)s->weights;
        }
        return field == FIELD_ACTIVATIONS && s->activations != JC_FORMAT_COUNT
                   ? (double)s->activations
                   : unsaid;
    case STATEMENT_SPARSITY:
        return field == FIELD_DENSITY ? s->number
                                      : (field == FIELD_INPUT_DENSITY ? s->second : unsaid);
    case STATEMENT_ACTIVE:
        return field == FIELD_ACTIVE ? s->number : unsaid;
    case STATEMENT_PRUNE:
    case STATEMENT_KEEP:
    case STATEMENT_ENERGY:
    case STATEMENT_DEPTH:
    case STATEMENT_DROP:
    case STATEMENT_EXIT:
        return unsaid;
    }
    return unsaid;
}

static jc_status claim_field(variant *v, size_t layer, int field, const statement *s, claim *c,
                             jc_error *err) {
    // Where there are no weights, what is said of them says nothing: all is activations.
    size_t n = 0;
    const bool has_weights = jc_graph_layers(v->graph, &n)[layer].work.weight_elements > 0;
    const double value =
        said(s, field == FIELD_WEIGHTS && !has_weights ? FIELD_ACTIVATIONS : field);
    const statement *before = c->by[field];
    if (isnan(value)) {
        return JC_OK;
    }
    const bool is_named = s->n_patterns > 0;
    const bool was_named = before != NULL && before->n_patterns > 0;
    if (before != NULL && was_named == is_named && get(&v->settings[layer], field) != value) {
        return statement_fail(s, JC_EPARSE, err, "contradicts line %d of %.120s on layer '%.80s'",
                              before->line, before->file, v->names[layer]);
    }
    if (before == NULL || is_named || !was_named) {
        c->by[field] = s;
        set(&v->settings[layer], field, value);
    }
    return JC_OK;
}

// A density or an active share means something only for layers that multiply or compute, a format
// of weights alone for those that have some.
static bool applies(const jc_layer *layer, const statement *s) {
    if (s->kind == STATEMENT_PRECISION && s->activations == JC_FORMAT_COUNT) {
        return layer->work.weight_elements > 0;
    }
    return s->kind == STATEMENT_SPARSITY ? layer->work.macs > 0
                                         : layer->kernel.kind != JC_KERNEL_NONE;
}

static jc_status take_statement(variant *v, const statement *s, claim *claims, bool *matches,
                                jc_error *err) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(v->graph, &n);
    jc_status status = variant_match(v, s, matches, err);
    bool any = false;
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        if (!matches[i] || !applies(&layers[i], s)) {
            continue;
        }
        any = true;
        for (int field = 0; status == JC_OK && field < FIELDS; ++field) {
            status = claim_field(v, i, field, s, &claims[i], err);
        }
    }
    return status == JC_OK && !any
               ? statement_fail(s, JC_EPARSE, err, "none of its layers has work that this changes")
               : status;
}

jc_status variant_set_layers(variant *v, const technique_network *network, jc_error *err) {
    claim *claims = calloc(v->n_layers + 1, sizeof *claims);
    bool *matches = calloc(v->n_layers + 1, sizeof *matches);
    jc_status status = claims == NULL || matches == NULL ? variant_out_of_memory(err) : JC_OK;
    for (size_t i = 0; status == JC_OK && i < network->n_statements; ++i) {
        const statement *s = &network->statements[i];
        if (s->kind == STATEMENT_PRECISION || s->kind == STATEMENT_SPARSITY ||
            s->kind == STATEMENT_ACTIVE) {
            status = take_statement(v, s, claims, matches, err);
        }
    }
    free(claims);
    free(matches);
    return status;
}
