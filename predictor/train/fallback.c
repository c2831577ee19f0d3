// SPDX-License-Identifier: Apache-2.0
// The model for kernels that have no rows: from what all kernels have in common.
#include "backbone.h"
#include "fit.h"
#include "outcomes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const model_term common_terms[] = {
    {.n_factors = 1, .factor = {JC_QUANTITY_CALLS}, .exponent = {1}},
    {.n_factors = 1, .factor = {JC_QUANTITY_MACS}, .exponent = {1}},
    {.n_factors = 1, .factor = {JC_QUANTITY_MOVED_BYTES}, .exponent = {1}},
};
enum { COMMON = sizeof common_terms / sizeof common_terms[0] };

static const double SMALLEST_RUNTIME_S = 1e-9;
// Half-width of the interval, as a logarithm, where a single kernel has rows: nothing tells then
// how kernels differ.
static const double UNKNOWN_KERNEL = 1.6094379124341003; // ln 5

// Rows of all sets, those of one being out of use at a time.
typedef struct pool {
    size_t n;
    double *q;
    double *y;
    double *weights; ///< 1/rows of the set: kernels count alike
    double *power;
    size_t *set;
} pool;

static void pool_clear(pool *p) {
    free(p->q);
    free(p->y);
    free(p->weights);
    free(p->power);
    free(p->set);
    *p = (pool){0};
}

static jc_status pool_create(const train_rows *sets, size_t n_sets, size_t without,
                             pool *out_pool) {
    pool p = {0};
    size_t most = 1;
    for (size_t s = 0; s < n_sets; ++s) {
        most += sets[s].n_rows;
    }
    p.q = calloc(most * JC_QUANTITY_COUNT, sizeof *p.q);
    p.y = calloc(most, sizeof *p.y);
    p.weights = calloc(most, sizeof *p.weights);
    p.power = calloc(most, sizeof *p.power);
    p.set = calloc(most, sizeof *p.set);
    if (p.q == NULL || p.y == NULL || p.weights == NULL || p.power == NULL || p.set == NULL) {
        pool_clear(&p);
        return JC_ENOMEM;
    }
    for (size_t s = 0; s < n_sets; ++s) {
        for (size_t i = 0; i < sets[s].n_rows && s != without; ++i) {
            const train_row *row = &sets[s].rows[i];
            jc_quantity_compute(row->kernel, p.q + p.n * JC_QUANTITY_COUNT);
            p.y[p.n] = row->runtime_s;
            p.weights[p.n] = 1 / (double)sets[s].n_rows;
            p.power[p.n] = row->power_w;
            p.set[p.n++] = s;
        }
    }
    *out_pool = p;
    return JC_OK;
}

// Power: weighted geometric mean, held to what was measured; none without a meter.
static jc_status fit_power(const pool *p, jc_arena *arena, model *m) {
    double sum = 0;
    double weight = 0;
    m->low = (double)INFINITY;
    for (size_t i = 0; i < p->n; ++i) {
        if (!isnan(p->power[i])) {
            sum += p->weights[i] * log(p->power[i]);
            weight += p->weights[i];
            m->low = fmin(m->low, p->power[i]);
            m->high = fmax(m->high, p->power[i]);
        }
    }
    if (!(weight > 0)) {
        *m = (model){0};
        return JC_OK;
    }
    m->backbone = jc_arena_alloc(arena, 1, sizeof *m->backbone);
    if (m->backbone == NULL) {
        return JC_ENOMEM;
    }
    m->backbone[0] = (model_term){.coefficient = exp(sum / weight),
                                  .n_factors = 1,
                                  .factor = {JC_QUANTITY_CALLS},
                                  .exponent = {1}};
    m->n_backbone = 1;
    return JC_OK;
}

static jc_status fit_without(const train_rows *sets, size_t n_sets, size_t without, jc_arena *arena,
                             kernel_model *k) {
    pool p;
    jc_status status = pool_create(sets, n_sets, without, &p);
    if (status != JC_OK) {
        return status;
    }
    k->runtime.low = SMALLEST_RUNTIME_S;
    k->runtime.high = (double)INFINITY;
    const backbone_rows rows = {.n = p.n, .q = p.q, .y = p.y, .weights = p.weights};
    status = backbone_fit(&rows, common_terms, COMMON, arena, &k->runtime);
    if (status == JC_OK) {
        status = fit_power(&p, arena, &k->power);
    }
    k->n_rows = p.n;
    k->runtime.held_out.terms = k->runtime.n_backbone;
    k->power.held_out.terms = k->power.n_backbone;
    pool_clear(&p);
    return status;
}

static void add_outcome(outcomes *o, jc_target target, double measured, double predicted) {
    o->by[target][o->n[target]++] = (outcome){.measured = measured, .predicted = predicted};
}

static void predict_set(const kernel_model *k, const train_rows *set, outcomes *o) {
    for (size_t i = 0; i < set->n_rows; ++i) {
        const train_row *row = &set->rows[i];
        model_point point;
        model_point_init(k, row->kernel, &point);
        const double runtime_s = model_predict(&k->runtime, &point);
        add_outcome(o, JC_TARGET_RUNTIME, row->runtime_s, runtime_s);
        if (!isnan(row->power_w) && k->power.n_backbone > 0) {
            const double power_w = model_predict(&k->power, &point);
            add_outcome(o, JC_TARGET_POWER, row->power_w, power_w);
            add_outcome(o, JC_TARGET_ENERGY, row->power_w * row->runtime_s, power_w * runtime_s);
        }
    }
}

// The prediction itself is always inside.
static void widen(model_spread *s, double widening) {
    s->low[0] = fmin(s->low[0], 0) - widening;
    s->high[0] = fmax(s->high[0], 0) + widening;
}

static jc_status fill_spreads(const outcomes *o, double widening, kernel_model *k) {
    model_spread *const spreads[JC_TARGET_COUNT] = {&k->runtime.spread, &k->power.spread,
                                                    &k->energy_spread};
    jc_errors *const errors[JC_TARGET_COUNT] = {&k->runtime.held_out, &k->power.held_out,
                                                &k->energy_held_out};
    jc_status status = JC_OK;
    for (int t = 0; t < JC_TARGET_COUNT && status == JC_OK; ++t) {
        if (o->n[t] == 0) {
            continue;
        }
        // One bin: rows of other kernels say little about how errors go with size.
        status = statistics_spread_pooled(o->by[t], o->n[t], spreads[t]);
        if (status != JC_OK) {
            return status;
        }
        widen(spreads[t], widening);
        for (size_t i = 0; i < o->n[t]; ++i) {
            o->by[t][i].low = o->by[t][i].predicted * exp(spreads[t]->low[0]);
            o->by[t][i].high = o->by[t][i].predicted * exp(spreads[t]->high[0]);
        }
        const size_t terms = errors[t]->terms;
        status = statistics_errors(o->by[t], o->n[t], errors[t]);
        errors[t]->terms = terms;
    }
    return status;
}

// Leave one kernel out at a time; with one kernel there is only its own fit, widened.
static jc_status find_spreads(const train_rows *sets, size_t n_sets, outcomes *o, kernel_model *k) {
    size_t n_used = 0;
    for (size_t s = 0; s < n_sets; ++s) {
        n_used += sets[s].n_rows > 0;
    }
    if (n_used < 2) {
        for (size_t s = 0; s < n_sets; ++s) {
            predict_set(k, &sets[s], o);
        }
        return fill_spreads(o, UNKNOWN_KERNEL, k);
    }
    jc_arena scratch = {0};
    jc_status status = JC_OK;
    for (size_t s = 0; s < n_sets && status == JC_OK; ++s) {
        kernel_model other = {.kind = JC_KERNEL_NONE};
        if (sets[s].n_rows > 0) {
            status = fit_without(sets, n_sets, s, &scratch, &other);
        }
        if (status == JC_OK) {
            predict_set(&other, &sets[s], o);
        }
        jc_arena_reset(&scratch);
    }
    jc_arena_clear(&scratch);
    return status == JC_OK ? fill_spreads(o, 0, k) : status;
}

jc_status fit_fallback(const train_rows *sets, size_t n_sets, jc_arena *arena,
                       kernel_model *out_model) {
    kernel_model k = {.kind = JC_KERNEL_NONE, .runtime_shared = 1, .energy_shared = 1};
    outcomes o = {0};
    jc_status status = fit_without(sets, n_sets, SIZE_MAX, arena, &k);
    if (status == JC_OK) {
        status = outcomes_create(k.n_rows, &o);
    }
    if (status == JC_OK) {
        status = find_spreads(sets, n_sets, &o, &k);
    }
    outcomes_clear(&o);
    if (status == JC_OK) {
        for (size_t s = 0; s < n_sets; ++s) {
            k.n_configurations += sets[s].n_groups;
        }
        *out_model = k;
    }
    return status;
}
