// SPDX-License-Identifier: Apache-2.0
// The relaxed lasso with cross-validated λ and γ.
#include "relaxed.h"

#include "linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Weights of the lasso's own coefficients.
static const double gammas[] = {0, 0.25, 0.5, 1};
enum { GAMMAS = sizeof gammas / sizeof gammas[0] };

// Added to the unit diagonal of the Gram matrix, as if each column had one more row with √RIDGE of
// it and y = 0: columns that depend on each other share their coefficient instead of blowing it up
// (the elastic net of Zou and Hastie, J. R. Stat. Soc. B 67, 2005, with a small fixed second part).
static const double RIDGE = 1e-4;

typedef struct search {
    const moments *m;
    const relaxed_options *options;
    double *lambdas;
    double *lasso;     ///< [(1 + n_folds) x n_lambdas x n_cols], standardised
    double *squares;   ///< the same shape: least squares on the supports
    problem *problems; ///< [1 + n_folds]
    double *error;     ///< [n_lambdas x GAMMAS]
    double *A;         ///< scratch [n_cols x n_cols]
    double *b;         ///< scratch [n_cols]
    size_t *support;   ///< scratch [n_cols]
    double *mixed;     ///< scratch [n_cols]
    size_t n_lambdas;  ///< solved for all rows
} search;

static double *at(const search *s, double *array, int fit, size_t l) {
    return array + ((size_t)fit * s->options->n_lambdas + l) * s->m->n_cols;
}

static void refit(search *s, const problem *p, const double *lasso, double *out_beta) {
    size_t k = 0;
    for (size_t j = 0; j < p->n_cols; ++j) {
        if (lasso[j] != 0) {
            s->support[k++] = j;
        }
    }
    for (size_t i = 0; i < k; ++i) {
        const double *row = p->gram + s->support[i] * p->n_cols;
        for (size_t l = 0; l < k; ++l) {
            s->A[i * k + l] = row[s->support[l]];
        }
        s->b[i] = p->xy[s->support[i]];
    }
    memcpy(out_beta, lasso, p->n_cols * sizeof *out_beta);
    if (linalg_solve(k, s->A, s->b) == JC_OK) {
        for (size_t i = 0; i < k; ++i) {
            out_beta[s->support[i]] = s->b[i];
        }
    }
}

static bool same_support(const double *a, const double *b, size_t n) {
    for (size_t j = 0; j < n; ++j) {
        if ((a[j] == 0) != (b[j] == 0)) {
            return false;
        }
    }
    return true;
}

// Path and refits of one fit (0: all rows; f + 1: without fold f). Where a fold's path ends early
// its last solution stands.
static jc_status fit_one(search *s, int fit) {
    const problem *p = &s->problems[fit];
    const size_t n = s->m->n_cols;
    size_t n_done = 0;
    lasso_options options = s->options->lasso;
    const size_t wanted = fit == 0 ? s->options->n_lambdas : s->n_lambdas;
    const jc_status status =
        lasso_path(p, wanted, s->lambdas, &options, at(s, s->lasso, fit, 0), &n_done, NULL);
    if (status != JC_OK) {
        return status;
    }
    if (fit == 0) {
        s->n_lambdas = n_done;
    }
    for (size_t l = 0; l < s->n_lambdas; ++l) {
        double *lasso = at(s, s->lasso, fit, l);
        double *squares = at(s, s->squares, fit, l);
        if (l >= n_done && l > 0) {
            memcpy(lasso, lasso - n, n * sizeof *lasso);
        }
        if (l > 0 && same_support(lasso, lasso - n, n)) {
            memcpy(squares, squares - n, n * sizeof *squares);
        } else {
            refit(s, p, lasso, squares);
        }
    }
    return JC_OK;
}

static const double *mix(search *s, int fit, size_t l, double gamma) {
    const double *lasso = at(s, s->lasso, fit, l);
    const double *squares = at(s, s->squares, fit, l);
    for (size_t j = 0; j < s->m->n_cols; ++j) {
        s->mixed[j] = gamma * lasso[j] + (1 - gamma) * squares[j];
    }
    return s->mixed;
}

static void score_fold(search *s, int fold) {
    const double total = s->m->total[0];
    for (size_t l = 0; l < s->n_lambdas; ++l) {
        for (size_t g = 0; g < GAMMAS; ++g) {
            double weight = 0;
            const double error = problem_fold_error(&s->problems[fold + 1], s->m, fold,
                                                    mix(s, fold + 1, l, gammas[g]), &weight);
            s->error[l * GAMMAS + g] += weight / total * error;
        }
    }
}

static void add_ridge(problem *p) {
    for (size_t j = 0; j < p->n_cols; ++j) {
        p->gram[j * p->n_cols + j] += p->scale[j] > 0 ? RIDGE : 0;
    }
}

static jc_status run(search *s, relaxed_fit *fit) {
    jc_status status = JC_OK;
    for (int f = -1; f < s->m->n_folds && status == JC_OK; ++f) {
        status = problem_create(s->m, f, &s->problems[f + 1]);
        if (status == JC_OK) {
            add_ridge(&s->problems[f + 1]);
        }
        if (status == JC_OK && f < 0) {
            lasso_lambdas(lasso_lambda_max(&s->problems[0]), s->options->ratio,
                          s->options->n_lambdas, s->lambdas);
        }
        if (status == JC_OK) {
            status = fit_one(s, f + 1);
        }
        if (status == JC_OK && f >= 0) {
            score_fold(s, f);
        }
    }
    if (status != JC_OK) {
        return status;
    }
    size_t best = 0;
    for (size_t i = 1; i < s->n_lambdas * GAMMAS; ++i) {
        best = s->error[i] < s->error[best] ? i : best;
    }
    fit->lambda = s->lambdas[best / GAMMAS];
    fit->gamma = gammas[best % GAMMAS];
    fit->error = s->error[best];
    for (int f = 0; f <= s->m->n_folds; ++f) {
        problem_unstandardise(&s->problems[f], s->m, mix(s, f, best / GAMMAS, fit->gamma),
                              fit->coefficients + (size_t)f * s->m->n_cols, &fit->intercepts[f]);
    }
    return JC_OK;
}

void relaxed_clear(relaxed_fit *fit) {
    free(fit->coefficients);
    free(fit->intercepts);
    *fit = (relaxed_fit){0};
}

static void search_clear(search *s) {
    for (int f = 0; s->problems != NULL && f <= s->m->n_folds; ++f) {
        problem_clear(&s->problems[f]);
    }
    free(s->lambdas);
    free(s->lasso);
    free(s->squares);
    free(s->problems);
    free(s->error);
    free(s->A);
    free(s->b);
    free(s->support);
    free(s->mixed);
}

jc_status relaxed_create(const moments *m, const relaxed_options *options, relaxed_fit *out_fit) {
    const size_t n = m->n_cols + 1;
    const size_t fits = (size_t)m->n_folds + 1;
    relaxed_fit fit = {.n_cols = m->n_cols, .n_folds = m->n_folds};
    search s = {.m = m, .options = options};
    fit.coefficients = calloc(fits * n, sizeof(double));
    fit.intercepts = calloc(fits, sizeof(double));
    s.lambdas = calloc(options->n_lambdas, sizeof(double));
    s.lasso = calloc(fits * options->n_lambdas * n, sizeof(double));
    s.squares = calloc(fits * options->n_lambdas * n, sizeof(double));
    s.problems = calloc(fits, sizeof *s.problems);
    s.error = calloc(options->n_lambdas * GAMMAS, sizeof(double));
    s.A = calloc(n * n, sizeof(double));
    s.b = calloc(n, sizeof(double));
    s.support = calloc(n, sizeof *s.support);
    s.mixed = calloc(n, sizeof(double));
    jc_status status = JC_ENOMEM;
    if (fit.coefficients != NULL && fit.intercepts != NULL && s.lambdas != NULL &&
        s.lasso != NULL && s.squares != NULL && s.problems != NULL && s.error != NULL &&
        s.A != NULL && s.b != NULL && s.support != NULL && s.mixed != NULL) {
        status = run(&s, &fit);
    }
    search_clear(&s);
    if (status != JC_OK) {
        relaxed_clear(&fit);
        return status;
    }
    *out_fit = fit;
    return JC_OK;
}
