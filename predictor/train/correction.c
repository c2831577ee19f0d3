// SPDX-License-Identifier: Apache-2.0
// Corrections by the relaxed lasso, in two rounds.
#include "correction.h"

#include "relaxed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Ratio of the smallest λ tried to λ_max.
static const double LAMBDA_RATIO = 2e-3;
// Folds without which rules are grown anew. With fewer than FEWEST_FOLDS, too little is left.
enum { RULE_FOLDS = 5, FEWEST_FOLDS = 4 };

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

// --- One fit -----------------------------------------------------------------------------------

// Values of all candidates, [n x n_terms]; the caller frees.
static double *evaluate(const correction_rows *rows, const candidates *c) {
    double *X = malloc((rows->n * c->n_terms + 1) * sizeof *X);
    for (size_t i = 0; i < rows->n && X != NULL; ++i) {
        candidates_evaluate(c, rows->points[i], X + i * c->n_terms);
    }
    return X;
}

// The relaxed lasso on the logarithm of what the backbone leaves.
static jc_status fit_once(const correction_rows *rows, const candidates *c, const double *X,
                          const correction_options *options, const model *m, relaxed_fit *out_fit) {
    moments sums = {0};
    double *y = malloc((rows->n + 1) * sizeof *y);
    if (y == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < rows->n; ++i) {
        y[i] = log(rows->y[i] / model_backbone(m, rows->points[i]));
    }
    const regression data = {.n_rows = rows->n,
                             .n_cols = c->n_terms,
                             .X = X,
                             .y = y,
                             .weights = rows->weights,
                             .fold = rows->fold,
                             .n_folds = rows->n_folds};
    jc_status status = moments_create(&data, &sums);
    if (status == JC_OK) {
        relaxed_options relaxed = {.lasso = lasso_options_default(),
                                   .n_lambdas = options->train->n_lambdas,
                                   .ratio = LAMBDA_RATIO};
        relaxed.lasso.tolerance = options->train->tolerance;
        relaxed.lasso.max_terms = options->max_terms;
        status = relaxed_create(&sums, &relaxed, out_fit);
    }
    moments_clear(&sums);
    free(y);
    return status;
}

// Predictions of rows by the coefficients without their fold.
static void predict_out_of_fold(const correction_rows *rows, const double *X, const model *m,
                                const relaxed_fit *fit, double *out_of_fold) {
    for (size_t i = 0; i < rows->n; ++i) {
        const size_t at = (size_t)rows->fold[i] + 1;
        const double *x = X + i * fit->n_cols;
        const double *beta = fit->coefficients + at * fit->n_cols;
        double g = 0;
        for (size_t j = 0; j < fit->n_cols; ++j) {
            g += beta[j] == 0 ? 0 : beta[j] * x[j];
        }
        const double exponent = fit->intercepts[at] + clamp(g, -m->bound, m->bound);
        out_of_fold[i] = clamp(model_backbone(m, rows->points[i]) * exp(exponent), m->low, m->high);
    }
}

// The model of all rows. The intercept belongs to the backbone: exp(g) is then 1 in the middle of
// the rows.
static jc_status finish(const candidates *c, const relaxed_fit *fit, jc_arena *arena, model *m) {
    const double factor = exp(fit->intercepts[0]);
    model_term *backbone = jc_arena_alloc(arena, m->n_backbone + 1, sizeof *backbone);
    if (backbone == NULL) {
        return JC_ENOMEM;
    }
    for (size_t t = 0; t < m->n_backbone; ++t) {
        backbone[t] = m->backbone[t];
        backbone[t].coefficient *= factor;
    }
    m->backbone = backbone;
    return candidates_keep(c, fit->coefficients, arena, m);
}

// --- Second round ------------------------------------------------------------------------------

// What the second round starts from.
typedef struct first_round {
    const correction_rows *rows;
    const candidates *c;
    const correction_options *options;
    const model *plain;        ///< the backbone without a correction
    const double *out_of_fold; ///< [n]
    bool *used;                ///< [n_terms of c]
} first_round;

static void clear_rows(correction_rows *u) {
    free(u->points);
    free(u->y);
    free(u->weights);
    free(u->fold);
}

// The number of a fold among those that are not f modulo RULE_FOLDS.
static int renumber(int fold, int f) {
    return f < 0 ? fold : fold - (fold + RULE_FOLDS - 1 - f) / RULE_FOLDS;
}

// Rows whose fold is not f modulo RULE_FOLDS (f < 0: all), and their predictions; the folds that
// are left are renumbered.
static jc_status take_rows(const first_round *r, int f, correction_rows *u, double *predicted) {
    const correction_rows *all = r->rows;
    *u = (correction_rows){.points = malloc((all->n + 1) * sizeof *u->points),
                           .y = malloc((all->n + 1) * sizeof *u->y),
                           .weights = malloc((all->n + 1) * sizeof *u->weights),
                           .fold = malloc((all->n + 1) * sizeof *u->fold)};
    if (u->points == NULL || u->y == NULL || u->weights == NULL || u->fold == NULL) {
        return JC_ENOMEM;
    }
    u->n_folds = renumber(all->n_folds, f);
    for (size_t i = 0; i < all->n; ++i) {
        if (all->fold[i] % RULE_FOLDS != f) {
            u->points[u->n] = all->points[i];
            u->y[u->n] = all->y[i];
            u->weights[u->n] = all->weights[i];
            u->fold[u->n] = renumber(all->fold[i], f);
            predicted[u->n++] = r->out_of_fold[i];
        }
    }
    return JC_OK;
}

static jc_status find_rules(const correction_rows *u, const double *predicted, jc_arena *arena,
                            rule **out_rules, size_t *out_n) {
    double *q = malloc((u->n + 1) * JC_QUANTITY_COUNT * sizeof *q);
    if (q == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < u->n; ++i) {
        memcpy(q + i * JC_QUANTITY_COUNT, u->points[i]->q, sizeof u->points[i]->q);
    }
    const backbone_rows rows = {.n = u->n, .q = q, .y = u->y, .weights = u->weights};
    const jc_status status = rules_find(&rows, predicted, RULES_ALL, arena, out_rules, out_n);
    free(q);
    return status;
}

// A model with rules of the rows whose fold is not f, and its predictions of the others.
static jc_status fit_without(const first_round *r, int f, jc_arena *arena, model *m,
                             double *out_of_fold) {
    correction_rows u;
    candidates c = {0};
    relaxed_fit fit = {0};
    rule *rules = NULL;
    size_t n_rules = 0;
    double *X = NULL;
    double *predicted = malloc((r->rows->n + 1) * sizeof *predicted);
    jc_status status = take_rows(r, f, &u, predicted);
    status = predicted == NULL ? JC_ENOMEM : status;
    if (status == JC_OK) {
        status = find_rules(&u, predicted, arena, &rules, &n_rules);
    }
    if (status == JC_OK) {
        status = candidates_with_rules(r->options->k, r->c, r->used, rules, n_rules, arena, &c);
    }
    if (status == JC_OK) {
        X = evaluate(&u, &c);
        status = X == NULL ? JC_ENOMEM : fit_once(&u, &c, X, r->options, r->plain, &fit);
    }
    if (status == JC_OK) {
        *m = *r->plain;
        status = finish(&c, &fit, arena, m);
    }
    for (size_t i = 0; i < r->rows->n && status == JC_OK; ++i) {
        if (r->rows->fold[i] % RULE_FOLDS == f) {
            out_of_fold[i] = model_predict(m, r->rows->points[i]);
        }
    }
    relaxed_clear(&fit);
    free(X);
    free(predicted);
    clear_rows(&u);
    return status;
}

// Whether squared relative errors are smaller by more than a standard error of the difference:
// noise alone, which rules fit well, must not decide.
static bool is_better(const correction_rows *rows, const double *own, const double *before) {
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < rows->n; ++i) {
        const double less = pow(before[i] / rows->y[i] - 1, 2) - pow(own[i] / rows->y[i] - 1, 2);
        sum += less;
        squares += less * less;
    }
    return sum > sqrt(squares);
}

// The second round as a whole; the model and its predictions are replaced where it is better.
static jc_status try_rules(const first_round *r, jc_arena *arena, model *m, double *out_of_fold) {
    const correction_rows *rows = r->rows;
    double *own = calloc(rows->n + 1, sizeof *own);
    jc_status status = own == NULL ? JC_ENOMEM : JC_OK;
    for (int f = 0; f < RULE_FOLDS && f < rows->n_folds && status == JC_OK; ++f) {
        jc_arena scratch = {0};
        model without;
        status = fit_without(r, f, &scratch, &without, own);
        jc_arena_clear(&scratch);
    }
    if (status == JC_OK && is_better(rows, own, out_of_fold)) {
        status = fit_without(r, -1, arena, m, NULL);
        memcpy(out_of_fold, own, rows->n * sizeof *own);
    }
    free(own);
    return status;
}

jc_status correction_fit(const correction_rows *rows, const candidates *c,
                         const correction_options *options, jc_arena *arena, model *m,
                         double *out_of_fold) {
    const model plain = *m;
    relaxed_fit fit = {0};
    double *X = evaluate(rows, c);
    bool *used = calloc(c->n_terms + 1, sizeof *used);
    jc_status status = X == NULL || used == NULL ? JC_ENOMEM : JC_OK;
    if (status == JC_OK) {
        status = fit_once(rows, c, X, options, m, &fit);
    }
    if (status == JC_OK) {
        predict_out_of_fold(rows, X, m, &fit, out_of_fold);
        status = finish(c, &fit, arena, m);
    }
    for (size_t j = 0; status == JC_OK && j < c->n_terms * ((size_t)fit.n_folds + 1); ++j) {
        used[j % c->n_terms] = used[j % c->n_terms] || fit.coefficients[j] != 0;
    }
    free(X);
    relaxed_clear(&fit);
    if (status == JC_OK && options->with_rules && rows->n_folds >= FEWEST_FOLDS) {
        const first_round r = {rows, c, options, &plain, out_of_fold, used};
        status = try_rules(&r, arena, m, out_of_fold);
    }
    free(used);
    return status;
}
