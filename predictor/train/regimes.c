// SPDX-License-Identifier: Apache-2.0
// Backbones with regimes: a first round with those by rule, then with those that trees find.
#include "regimes.h"

#include "regimes_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void predict_out_of_fold(const regimes_search *s, size_t best, double *out_of_fold) {
    for (size_t i = 0; i < s->rows->n; ++i) {
        out_of_fold[i] =
            regimes_predict(s, s->options->fold[i] + 1, best, s->rows->q + i * JC_QUANTITY_COUNT);
    }
}

static jc_status run(regimes_search *s, jc_arena *arena, model *out_model, double *out_of_fold) {
    jc_status status = JC_OK;
    for (int f = -1; f < s->options->n_folds && status == JC_OK; ++f) {
        status = regimes_path(s, f + 1);
        for (size_t l = 0; l < s->n_lambdas && f >= 0 && status == JC_OK; ++l) {
            s->error[l] += regimes_fold_error(s, f, regimes_refit(s, f + 1, l));
        }
    }
    if (status != JC_OK) {
        return status;
    }
    const size_t best = regimes_best(s);
    predict_out_of_fold(s, best, out_of_fold);
    return regimes_keep(s, best, arena, out_model);
}

// --- Second rounds ------------------------------------------------------------------------------

/** Rows of a fit, all in one fold. */
typedef struct subset {
    backbone_rows rows;
    regimes_options options;
    double *q;
    double *y;
    double *weights;
    double *predicted; ///< of the first round, out of fold
    int *fold;
} subset;

static void subset_clear(subset *u) {
    free(u->q);
    free(u->y);
    free(u->weights);
    free(u->predicted);
    free(u->fold);
}

// Rows outside a fold (−1: all).
static jc_status subset_init(const regimes_search *first, const double *predicted, int without,
                             subset *u) {
    const backbone_rows *all = first->rows;
    *u = (subset){.options = *first->options};
    u->q = malloc((all->n + 1) * JC_QUANTITY_COUNT * sizeof *u->q);
    u->y = malloc((all->n + 1) * sizeof *u->y);
    u->weights = malloc((all->n + 1) * sizeof *u->weights);
    u->predicted = malloc((all->n + 1) * sizeof *u->predicted);
    u->fold = calloc(all->n + 1, sizeof *u->fold);
    if (u->q == NULL || u->y == NULL || u->weights == NULL || u->predicted == NULL ||
        u->fold == NULL) {
        subset_clear(u);
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < all->n; ++i) {
        if (first->options->fold[i] != without) {
            memcpy(u->q + n * JC_QUANTITY_COUNT, all->q + i * JC_QUANTITY_COUNT,
                   JC_QUANTITY_COUNT * sizeof *u->q);
            u->y[n] = all->y[i];
            u->weights[n] = all->weights[i];
            u->predicted[n++] = predicted[i];
        }
    }
    u->rows = (backbone_rows){.n = n, .q = u->q, .y = u->y, .weights = u->weights};
    u->options.fold = u->fold;
    u->options.n_folds = 1;
    return JC_OK;
}

/** A second round: what it starts from, and the quantities its rules may name. */
typedef struct second_round {
    const regimes_search *first;
    const double *predicted; ///< [n], of the first round, out of fold
    jc_kernel_kind kind;
    rules_axes axes;
} second_round;

// What the first round used anywhere on its path, then the rules with the leading products.
static jc_status list_terms(const second_round *r, const subset *u, jc_arena *scratch,
                            model_term **out_terms, size_t *out_n) {
    const regimes_search *first = r->first;
    rule *rules = NULL;
    model_term *ruled = NULL;
    size_t n_rules = 0;
    size_t n_ruled = 0;
    jc_status status = rules_find(&u->rows, u->predicted, r->axes, scratch, &rules, &n_rules);
    if (status == JC_OK) {
        status = regimes_of_rules(r->kind, rules, n_rules, scratch, &ruled, &n_ruled);
    }
    if (status != JC_OK) {
        return status;
    }
    model_term *terms = jc_arena_alloc(scratch, first->k + n_ruled + 1, sizeof *terms);
    if (terms == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t j = 0; j < first->k; ++j) {
        bool used = false;
        for (size_t l = 0; l < first->n_lambdas && !used; ++l) {
            used = regimes_refit(first, 0, l)[j] > 0;
        }
        if (used) {
            terms[n++] = first->terms[j];
        }
    }
    memcpy(terms + n, ruled, n_ruled * sizeof *terms);
    *out_terms = terms;
    *out_n = n + n_ruled;
    return JC_OK;
}

// The path on a subset, for the second search's λ where it has them already.
static jc_status fit_subset(const second_round *r, const subset *u, jc_arena *scratch,
                            regimes_search *out_s) {
    regimes_search s = *out_s;
    s.rows = &u->rows;
    s.options = &u->options;
    jc_status status = list_terms(r, u, scratch, &s.terms, &s.k);
    if (status == JC_OK) {
        status = regimes_prepare(&s);
        status = status == JC_OK ? regimes_path(&s, 0) : status;
        if (status != JC_OK) {
            regimes_clear(&s);
        }
    }
    if (status == JC_OK) {
        *out_s = s;
    }
    return status;
}

// Predictions of a fold's rows for each λ, by rules and a path that had not seen them.
static jc_status predict_fold(const second_round *r, const regimes_search *second, int fold,
                              double *out_of_fold) {
    const backbone_rows *rows = r->first->rows;
    const int *folds = r->first->options->fold;
    subset u;
    jc_arena scratch = {0};
    jc_status status = subset_init(r->first, r->predicted, fold, &u);
    if (status != JC_OK) {
        return status;
    }
    regimes_search s = {.n_lambdas = second->n_lambdas};
    memcpy(s.lambdas, second->lambdas, sizeof s.lambdas);
    status = fit_subset(r, &u, &scratch, &s);
    for (size_t l = 0; l < second->n_lambdas && status == JC_OK; ++l) {
        const size_t solved = l < s.n_lambdas ? l : s.n_lambdas - 1;
        for (size_t i = 0; i < rows->n; ++i) {
            if (folds[i] == fold) {
                out_of_fold[l * rows->n + i] =
                    regimes_predict(&s, 0, solved, rows->q + i * JC_QUANTITY_COUNT);
            }
        }
    }
    if (status == JC_OK) {
        regimes_clear(&s);
    }
    subset_clear(&u);
    jc_arena_clear(&scratch);
    return status;
}

static double weighted_error(const backbone_rows *rows, const double *predicted) {
    double error = 0;
    for (size_t i = 0; i < rows->n; ++i) {
        error += rows->weights[i] * pow(predicted[i] / rows->y[i] - 1, 2);
    }
    return error;
}

// All folds; the model and its predictions are replaced where this round is better.
static jc_status choose(const second_round *r, regimes_search *second, jc_arena *arena, model *m,
                        double *out_of_fold) {
    const backbone_rows *rows = r->first->rows;
    double *own = malloc((rows->n + 1) * REGIMES_LAMBDAS * sizeof *own);
    jc_status status = own == NULL ? JC_ENOMEM : JC_OK;
    for (int f = 0; f < r->first->options->n_folds && status == JC_OK; ++f) {
        status = predict_fold(r, second, f, own);
    }
    if (status == JC_OK) {
        for (size_t l = 0; l < second->n_lambdas; ++l) {
            second->error[l] = weighted_error(rows, own + l * rows->n);
        }
        const size_t best = regimes_best(second);
        if (second->error[best] < weighted_error(rows, out_of_fold)) {
            memcpy(out_of_fold, own + best * rows->n, rows->n * sizeof *own);
            status = regimes_keep(second, best, arena, m);
        }
    }
    free(own);
    return status;
}

static jc_status try_round(const second_round *r, jc_arena *arena, model *m, double *out_of_fold) {
    subset u;
    jc_arena scratch = {0};
    jc_status status = subset_init(r->first, r->predicted, -1, &u);
    if (status != JC_OK) {
        return status;
    }
    regimes_search second = {.n_lambdas = 0};
    status = fit_subset(r, &u, &scratch, &second);
    if (status == JC_OK) {
        status = choose(r, &second, arena, m, out_of_fold);
        regimes_clear(&second);
    }
    subset_clear(&u);
    jc_arena_clear(&scratch);
    return status;
}

static jc_status try_rounds(const regimes_search *first, jc_kernel_kind kind, jc_arena *arena,
                            model *m, double *out_of_fold) {
    static const rules_axes axes[] = {RULES_SHAPES, RULES_ALL};
    double *predicted = malloc((first->rows->n + 1) * sizeof *predicted);
    jc_status status = predicted == NULL ? JC_ENOMEM : JC_OK;
    if (status == JC_OK) {
        memcpy(predicted, out_of_fold, first->rows->n * sizeof *predicted);
    }
    for (size_t a = 0; a < sizeof axes / sizeof axes[0] && status == JC_OK; ++a) {
        const second_round r = {
            .first = first, .predicted = predicted, .kind = kind, .axes = axes[a]};
        status = try_round(&r, arena, m, out_of_fold);
    }
    free(predicted);
    return status;
}

jc_status regimes_fit(const backbone_rows *rows, const regimes_options *options,
                      jc_kernel_kind kind, jc_arena *arena, model *out_model, double *out_of_fold) {
    regimes_search s = {.rows = rows, .options = options};
    jc_status status = regimes_candidates(rows, kind, arena, &s.terms, &s.k);
    if (status != JC_OK) {
        return status;
    }
    status = regimes_prepare(&s);
    if (status == JC_OK) {
        status = run(&s, arena, out_model, out_of_fold);
    }
    if (status == JC_OK && options->with_rules) {
        status = try_rounds(&s, kind, arena, out_model, out_of_fold);
    }
    regimes_clear(&s);
    return status;
}
