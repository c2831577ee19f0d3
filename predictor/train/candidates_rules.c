// SPDX-License-Identifier: Apache-2.0
// Rules as candidates of a correction: products of steps.
#include "candidates.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int find_range(const kernel_model *k, int quantity) {
    for (size_t r = 0; r < k->n_ranges; ++r) {
        if (k->ranges[r].quantity == quantity) {
            return (int)r;
        }
    }
    return -1;
}

// The variable of a gate, added unless it is there; −1 where it has no range or no room, −2 where
// memory is short.
static int find_step(const kernel_model *k, const model_gate *g, jc_arena *arena, candidates *c) {
    const model_transform transform = g->side == MODEL_FROM ? MODEL_STEP : MODEL_UNDER;
    const int range = find_range(k, g->quantity);
    for (size_t v = 0; v < c->n_variables; ++v) {
        const model_variable *known = &c->variables[v];
        if (known->transform == transform && known->range == range && known->at == g->at) {
            return (int)v;
        }
    }
    if (range < 0 || c->n_variables == MODEL_MAX_VARIABLES || !(g->at > 0)) {
        return -1;
    }
    char at[JC_NUMBER_TEXT_SIZE];
    char name[96];
    const int length = snprintf(name, sizeof name, "%s%s%s", jc_quantity_name(k->kind, g->quantity),
                                transform == MODEL_STEP ? ">=" : "<", jc_format_double(g->at, at));
    model_variable *v = &c->variables[c->n_variables];
    *v = (model_variable){.name = jc_arena_copy_text(arena, name, (size_t)length),
                          .transform = transform,
                          .range = range,
                          .at = g->at,
                          .log_at = log(g->at)};
    return v->name == NULL ? -2 : (int)c->n_variables++;
}

jc_status candidates_with_rules(const kernel_model *k, const candidates *from, const bool *used,
                                const rule *rules, size_t n_rules, jc_arena *arena,
                                candidates *out_candidates) {
    candidates c = {
        .variables = jc_arena_alloc(arena, MODEL_MAX_VARIABLES, sizeof *c.variables),
        .terms = jc_arena_alloc(arena, from->n_terms + n_rules + 1, sizeof *c.terms),
    };
    if (c.variables == NULL || c.terms == NULL) {
        return JC_ENOMEM;
    }
    memcpy(c.variables, from->variables, from->n_variables * sizeof *c.variables);
    c.n_variables = from->n_variables;
    for (size_t t = 0; t < from->n_terms; ++t) {
        if (used[t]) {
            c.terms[c.n_terms++] = from->terms[t];
        }
    }
    for (size_t r = 0; r < n_rules; ++r) {
        model_term term = {0};
        int v = 0;
        for (int g = 0; g < rules[r].n_gates && v >= 0; ++g) {
            v = find_step(k, &rules[r].gates[g], arena, &c);
            term.factor[term.n_factors++] = (short)v;
        }
        if (v == -2) {
            return JC_ENOMEM;
        }
        if (v >= 0) {
            c.terms[c.n_terms++] = term;
        }
    }
    *out_candidates = c;
    return JC_OK;
}
