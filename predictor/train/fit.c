// SPDX-License-Identifier: Apache-2.0
// Runtime and power models of one kernel: backbone, then a sparse correction of its logarithm.
#include "fit.h"

#include "backbone.h"
#include "correction.h"
#include "regimes.h"
#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// |g| ≤ ln 3: no prediction leaves a factor of three of its backbone.
static const double CORRECTION_BOUND = 1.0986122886681098;
// Below this no clock resolves a call.
static const double SMALLEST_RUNTIME_S = 1e-9;
// Relative standard deviation of a model that is as good as can be: what a row's own noise adds to.
static const double MODEL_NOISE = 0.1;
// With fewer configurations there is no correction, or a plain backbone alone.
enum { FEWEST_FOR_CORRECTION = 40, FEWEST_FOR_REGIMES = 12 };
// Regimes have many candidates: fewer folds than for the correction save time.
enum { REGIME_FOLDS = 5 };
// A model has one term for so many configurations at most: below, a path runs into interpolation,
// where it neither converges soon nor predicts.
enum { CONFIGURATIONS_PER_TERM = 3 };

// What the targets of one kernel share.
typedef struct workspace {
    const fit_request *request;
    jc_arena *arena;
    kernel_model *k;
    candidates c;
    model_point *points; ///< [n]
    int *fold;           ///< [n]
    int n_folds;
    size_t n_groups;
} workspace;

// One target: the rows that have it.
typedef struct target_rows {
    size_t n;
    size_t *at;          ///< [n], positions in the workspace
    double *y;           ///< [n]
    double *weights;     ///< [n]
    double *out_of_fold; ///< [n]: prediction by a model without the row's fold
} target_rows;

static jc_status target_alloc(size_t n, target_rows *t) {
    t->at = calloc(n + 1, sizeof *t->at);
    t->y = calloc(n + 1, sizeof *t->y);
    t->weights = calloc(n + 1, sizeof *t->weights);
    t->out_of_fold = calloc(n + 1, sizeof *t->out_of_fold);
    return t->at != NULL && t->y != NULL && t->weights != NULL && t->out_of_fold != NULL
               ? JC_OK
               : JC_ENOMEM;
}

static void target_clear(target_rows *t) {
    free(t->at);
    free(t->y);
    free(t->weights);
    free(t->out_of_fold);
    *t = (target_rows){0};
}

static jc_status select_target(const workspace *w, jc_target target, target_rows *t) {
    const jc_status status = target_alloc(w->request->n, t);
    for (size_t i = 0; i < w->request->n && status == JC_OK; ++i) {
        const train_row *row = &w->request->set->rows[w->request->index[i]];
        const double y = target == JC_TARGET_RUNTIME ? row->runtime_s : row->power_w;
        const double noise = target == JC_TARGET_RUNTIME ? row->runtime_noise : row->power_noise;
        if (isnan(y)) {
            continue;
        }
        t->at[t->n] = i;
        t->y[t->n] = y;
        t->weights[t->n++] = 1 / (MODEL_NOISE * MODEL_NOISE + noise * noise);
    }
    return status;
}

// --- Backbones -------------------------------------------------------------------------------

// Quantities of a target's rows, for a backbone; the caller frees.
static double *gather_quantities(const workspace *w, const target_rows *t) {
    double *q = malloc((t->n + 1) * JC_QUANTITY_COUNT * sizeof *q);
    for (size_t i = 0; i < t->n && q != NULL; ++i) {
        memcpy(q + i * JC_QUANTITY_COUNT, w->points[t->at[i]].q, JC_QUANTITY_COUNT * sizeof *q);
    }
    return q;
}

static jc_status fit_runtime_backbone(const workspace *w, const backbone_rows *rows, model *m) {
    model_term *terms = NULL;
    size_t n_terms = 0;
    m->low = SMALLEST_RUNTIME_S;
    m->high = (double)INFINITY;
    const jc_status status = backbone_candidates(w->request->set->kind, w->arena, &terms, &n_terms);
    return status == JC_OK ? backbone_fit(rows, terms, n_terms, w->arena, m) : status;
}

// Power: its geometric mean; the result stays within what was measured.
static jc_status fit_power_backbone(const workspace *w, const target_rows *t, model *m) {
    double sum = 0;
    double weight = 0;
    m->low = (double)INFINITY;
    m->high = 0;
    for (size_t i = 0; i < t->n; ++i) {
        sum += t->weights[i] * log(t->y[i]);
        weight += t->weights[i];
        m->low = fmin(m->low, t->y[i]);
        m->high = fmax(m->high, t->y[i]);
    }
    m->backbone = jc_arena_alloc(w->arena, 1, sizeof *m->backbone);
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

static size_t most_terms(const workspace *w) {
    const size_t most = w->n_groups / CONFIGURATIONS_PER_TERM;
    return most < w->request->options->max_terms ? most : w->request->options->max_terms;
}

// --- Targets ---------------------------------------------------------------------------------

static jc_status spread_of(const double *measured, const double *predicted, size_t n,
                           model_spread *out_spread) {
    outcome *outcomes = calloc(n + 1, sizeof *outcomes);
    if (outcomes == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < n; ++i) {
        outcomes[i] = (outcome){.measured = measured[i], .predicted = predicted[i]};
    }
    const jc_status status = statistics_spread(outcomes, n, out_spread);
    free(outcomes);
    return status;
}

// Rules find what a choice of algorithm does to the power; of runtimes, regimes know it.
static jc_status fit_correction(const workspace *w, jc_target target, target_rows *t, model *m) {
    const model_point **points = malloc((t->n + 1) * sizeof *points);
    int *fold = malloc((t->n + 1) * sizeof *fold);
    jc_status status = points == NULL || fold == NULL ? JC_ENOMEM : JC_OK;
    for (size_t i = 0; i < t->n && status == JC_OK; ++i) {
        points[i] = &w->points[t->at[i]];
        fold[i] = w->fold[t->at[i]];
    }
    if (status == JC_OK) {
        const correction_rows rows = {.n = t->n,
                                      .points = points,
                                      .y = t->y,
                                      .weights = t->weights,
                                      .fold = fold,
                                      .n_folds = w->n_folds};
        const correction_options options = {.k = w->k,
                                            .train = w->request->options,
                                            .max_terms = most_terms(w),
                                            .with_rules = target == JC_TARGET_POWER};
        status = correction_fit(&rows, &w->c, &options, w->arena, m, t->out_of_fold);
    }
    free(points);
    free(fold);
    return status;
}

// A backbone with regimes in place of the correction.
static jc_status fit_regimes(const workspace *w, const target_rows *t, const backbone_rows *rows,
                             model *m, double *out_of_fold) {
    const int n_folds = w->n_folds < REGIME_FOLDS ? w->n_folds : REGIME_FOLDS;
    int *fold = malloc((t->n + 1) * sizeof *fold);
    if (fold == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < t->n; ++i) {
        fold[i] = w->fold[t->at[i]] % n_folds;
    }
    const regimes_options options = {.fold = fold,
                                     .n_folds = n_folds,
                                     .max_terms = most_terms(w),
                                     .with_rules = w->n_groups >= FEWEST_FOR_CORRECTION,
                                     .tolerance = w->request->options->tolerance};
    const jc_status status =
        regimes_fit(rows, &options, w->request->set->kind, w->arena, m, out_of_fold);
    free(fold);
    return status;
}

// --- The two forms, of which the inner folds choose ---------------------------------------------

static jc_status fit_backbone(const workspace *w, jc_target target, const target_rows *t,
                              model *m) {
    if (target == JC_TARGET_POWER) {
        return fit_power_backbone(w, t, m);
    }
    double *q = gather_quantities(w, t);
    const backbone_rows rows = {.n = t->n, .q = q, .y = t->y, .weights = t->weights};
    const jc_status status = q == NULL ? JC_ENOMEM : fit_runtime_backbone(w, &rows, m);
    free(q);
    return status;
}

// Predictions of a fold's rows by the backbone of all others; by that of all where there are none.
static jc_status predict_fold(const workspace *w, jc_target target, const target_rows *t, int fold,
                              const model *of_all, double *out_of_fold) {
    target_rows others = {0};
    model m = *of_all;
    jc_status status = target_alloc(t->n, &others);
    for (size_t i = 0; i < t->n && status == JC_OK; ++i) {
        if (w->fold[t->at[i]] != fold) {
            others.at[others.n] = t->at[i];
            others.y[others.n] = t->y[i];
            others.weights[others.n++] = t->weights[i];
        }
    }
    if (status == JC_OK && others.n > 0) {
        status = fit_backbone(w, target, &others, &m);
    }
    for (size_t i = 0; i < t->n && status == JC_OK; ++i) {
        if (w->fold[t->at[i]] == fold) {
            out_of_fold[i] = model_predict(&m, &w->points[t->at[i]]);
        }
    }
    target_clear(&others);
    return status;
}

static jc_status fit_plain(const workspace *w, jc_target target, target_rows *t, model *m) {
    jc_status status = fit_backbone(w, target, t, m);
    for (int f = 0; f < w->n_folds && status == JC_OK; ++f) {
        status = predict_fold(w, target, t, f, m, t->out_of_fold);
    }
    return status;
}

// With a correction where there are rows enough for it.
static jc_status fit_smooth(const workspace *w, jc_target target, target_rows *t, model *m) {
    if (w->n_groups < FEWEST_FOR_CORRECTION) {
        return fit_plain(w, target, t, m);
    }
    const jc_status status = fit_backbone(w, target, t, m);
    return status == JC_OK ? fit_correction(w, target, t, m) : status;
}

// A backbone with regimes replaces the model where it errs less out of fold.
static jc_status try_regimes(const workspace *w, target_rows *t, model *m) {
    double *q = gather_quantities(w, t);
    double *out_of_fold = malloc((t->n + 1) * sizeof *out_of_fold);
    const backbone_rows rows = {.n = t->n, .q = q, .y = t->y, .weights = t->weights};
    model regimes = {.bound = m->bound, .low = m->low, .high = m->high};
    jc_status status = q == NULL || out_of_fold == NULL
                           ? JC_ENOMEM
                           : fit_regimes(w, t, &rows, &regimes, out_of_fold);
    if (status == JC_OK && statistics_squares(t->y, out_of_fold, t->n) <
                               statistics_squares(t->y, t->out_of_fold, t->n)) {
        *m = regimes;
        memcpy(t->out_of_fold, out_of_fold, t->n * sizeof *out_of_fold);
    }
    free(q);
    free(out_of_fold);
    return status;
}

static jc_status fit_target(const workspace *w, jc_target target, target_rows *t, model *m) {
    m->bound = CORRECTION_BOUND;
    jc_status status = fit_smooth(w, target, t, m);
    if (status == JC_OK && target == JC_TARGET_RUNTIME && w->n_groups >= FEWEST_FOR_REGIMES) {
        status = try_regimes(w, t, m);
    }
    m->held_out.terms = m->n_backbone + m->n_terms;
    return status == JC_OK ? spread_of(t->y, t->out_of_fold, t->n, &m->spread) : status;
}

// --- Kernel ----------------------------------------------------------------------------------

// Energy out of fold: the product of runtime and power, each by models without the row's fold.
static jc_status fit_energy_spread(const target_rows *runtime, const target_rows *power,
                                   model_spread *out_spread) {
    double *measured = calloc(power->n + 1, sizeof *measured);
    double *predicted = calloc(power->n + 1, sizeof *predicted);
    jc_status status = JC_ENOMEM;
    if (measured != NULL && predicted != NULL) {
        for (size_t i = 0; i < power->n; ++i) {
            const size_t at = power->at[i]; // every row has a runtime
            measured[i] = power->y[i] * runtime->y[at];
            predicted[i] = power->out_of_fold[i] * runtime->out_of_fold[at];
        }
        status = spread_of(measured, predicted, power->n, out_spread);
    }
    free(measured);
    free(predicted);
    return status;
}

// Keep the ranges of variables, of columns, and of the work; renumber.
static void prune_ranges(kernel_model *k) {
    int place[MODEL_MAX_RANGES];
    bool used[MODEL_MAX_RANGES] = {false};
    model *const models[] = {&k->runtime, &k->power};
    for (size_t i = 0; i < 2; ++i) {
        for (size_t v = 0; v < models[i]->n_variables; ++v) {
            used[models[i]->variables[v].range] = true;
        }
    }
    size_t n = 0;
    for (size_t r = 0; r < k->n_ranges; ++r) {
        const int quantity = k->ranges[r].quantity;
        if (used[r] || quantity < JC_QUANTITY_FIRST_DERIVED || quantity == JC_QUANTITY_MACS ||
            quantity == JC_QUANTITY_MOVED_BYTES) {
            place[r] = (int)n;
            k->ranges[n++] = k->ranges[r];
        }
    }
    k->n_ranges = n;
    for (size_t i = 0; i < 2; ++i) {
        for (size_t v = 0; v < models[i]->n_variables; ++v) {
            models[i]->variables[v].range = place[models[i]->variables[v].range];
        }
    }
}

static jc_status fit_targets(workspace *w) {
    kernel_model *k = w->k;
    target_rows runtime = {0};
    target_rows power = {0};
    jc_status status = select_target(w, JC_TARGET_RUNTIME, &runtime);
    if (status == JC_OK) {
        status = fit_target(w, JC_TARGET_RUNTIME, &runtime, &k->runtime);
    }
    if (status == JC_OK) {
        status = select_target(w, JC_TARGET_POWER, &power);
    }
    if (status == JC_OK && power.n >= 2) {
        status = fit_target(w, JC_TARGET_POWER, &power, &k->power);
        if (status == JC_OK) {
            status = fit_energy_spread(&runtime, &power, &k->energy_spread);
        }
    }
    target_clear(&runtime);
    target_clear(&power);
    if (status == JC_OK) {
        prune_ranges(k);
    }
    return status;
}

static size_t count_groups(const fit_request *r) {
    size_t n = 0;
    bool *seen = calloc(r->set->n_groups + 1, sizeof *seen);
    for (size_t i = 0; i < r->n && seen != NULL; ++i) {
        bool *s = &seen[r->set->rows[r->index[i]].group];
        n += !*s;
        *s = true;
    }
    free(seen);
    return n;
}

static jc_status prepare(workspace *w) {
    const fit_request *r = w->request;
    jc_status status = candidates_ranges(r->set, r->index, r->n, w->arena, w->k);
    if (status != JC_OK) {
        return status;
    }
    candidates_points(w->k, r->set, r->index, r->n, w->points);
    if (w->n_groups >= FEWEST_FOR_CORRECTION) {
        status = candidates_create(w->k, w->points, r->n, w->arena, &w->c);
    }
    if (status != JC_OK) {
        return status;
    }
    return train_rows_deal(r->set, r->index, r->n, w->n_folds, r->seed, w->fold);
}

jc_status fit_kernel(const fit_request *request, jc_arena *arena, kernel_model *out_model) {
    kernel_model k = {.kind = request->set->kind, .precision = request->set->precision};
    workspace w = {.request = request, .arena = arena, .k = &k};
    w.n_groups = count_groups(request);
    if (w.n_groups < 2) {
        return JC_ERANGE;
    }
    w.n_folds = (size_t)request->options->n_folds < w.n_groups ? request->options->n_folds
                                                               : (int)w.n_groups;
    w.points = malloc(request->n * sizeof *w.points);
    w.fold = malloc(request->n * sizeof *w.fold);
    jc_status status = JC_ENOMEM;
    if (w.points != NULL && w.fold != NULL) {
        status = prepare(&w);
    }
    if (status == JC_OK) {
        status = fit_targets(&w);
    }
    free(w.points);
    free(w.fold);
    if (status == JC_OK) {
        k.n_rows = request->n;
        k.n_configurations = w.n_groups;
        *out_model = k;
    }
    return status;
}
