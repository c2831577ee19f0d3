// SPDX-License-Identifier: Apache-2.0
// Cross-validation of a lasso path: each fold's moments are subtracted from the total, and its
// error is a quadratic form in them, so that the rows are read once for all folds.
#include "lasso.h"

#include <math.h>
#include <stdlib.h>

void lasso_cv_clear(lasso_cv *cv) {
    free(cv->lambdas);
    free(cv->beta);
    free(cv->error);
    free(cv->error_se);
    *cv = (lasso_cv){0};
}

// Error of the path fitted without `fold` on that fold, into errors[n_lambdas]. Beyond the end of
// a path that stopped at max_terms the last solution stands.
static jc_status try_fold(const moments *m, int fold, const lasso_options *options, lasso_cv *cv,
                          double *path, double *errors, double *out_weight) {
    problem p;
    jc_status status = problem_create(m, fold, &p);
    if (status != JC_OK) {
        return status;
    }
    size_t n_done = 0;
    status = lasso_path(&p, cv->n_lambdas, cv->lambdas, options, path, &n_done, &cv->report);
    for (size_t l = 0; l < cv->n_lambdas && status == JC_OK; ++l) {
        const size_t at = l < n_done || n_done == 0 ? l : n_done - 1;
        errors[l] = problem_fold_error(&p, m, fold, path + at * m->n_cols, out_weight);
    }
    problem_clear(&p);
    return status;
}

// Mean and standard error over folds, weighted by the folds' weights (as cv.glmnet does).
static void summarise(lasso_cv *cv, int n_folds, const double *errors, const double *weights) {
    double total = 0;
    for (int f = 0; f < n_folds; ++f) {
        total += weights[f];
    }
    for (size_t l = 0; l < cv->n_lambdas; ++l) {
        double mean = 0;
        double square = 0;
        for (int f = 0; f < n_folds; ++f) {
            mean += weights[f] / total * errors[(size_t)f * cv->n_lambdas + l];
        }
        for (int f = 0; f < n_folds; ++f) {
            const double d = errors[(size_t)f * cv->n_lambdas + l] - mean;
            square += weights[f] / total * d * d;
        }
        cv->error[l] = mean;
        cv->error_se[l] = n_folds > 1 ? sqrt(square / (n_folds - 1)) : 0;
        if (mean < cv->error[cv->best]) {
            cv->best = l;
        }
    }
    const double bound = cv->error[cv->best] + cv->error_se[cv->best];
    cv->one_se = 0;
    while (cv->error[cv->one_se] > bound) {
        cv->one_se++;
    }
}

static jc_status cross_validate(const moments *m, double ratio, const lasso_options *options,
                                lasso_cv *cv, double *path, double *errors) {
    problem p;
    jc_status status = problem_create(m, -1, &p);
    if (status != JC_OK) {
        return status;
    }
    lasso_lambdas(lasso_lambda_max(&p), ratio, cv->n_lambdas, cv->lambdas);
    size_t n_done = 0;
    status = lasso_path(&p, cv->n_lambdas, cv->lambdas, options, cv->beta, &n_done, &cv->report);
    problem_clear(&p);
    if (status == JC_OK) {
        cv->n_lambdas = n_done;
    }
    double *weights = calloc((size_t)m->n_folds, sizeof *weights);
    if (weights == NULL && status == JC_OK) {
        status = JC_ENOMEM;
    }
    for (int f = 0; f < m->n_folds && status == JC_OK; ++f) {
        status = try_fold(m, f, options, cv, path, errors + (size_t)f * cv->n_lambdas, &weights[f]);
    }
    if (status == JC_OK) {
        summarise(cv, m->n_folds, errors, weights);
    }
    free(weights);
    return status;
}

jc_status lasso_cross_validate(const moments *m, size_t n_lambdas, double ratio,
                               const lasso_options *options, lasso_cv *out_cv) {
    if (n_lambdas == 0) {
        return JC_EINVAL;
    }
    lasso_cv cv = {.n_lambdas = n_lambdas, .n_cols = m->n_cols};
    const size_t size = n_lambdas * (m->n_cols + 1);
    cv.lambdas = calloc(n_lambdas, sizeof *cv.lambdas);
    cv.beta = calloc(size, sizeof *cv.beta);
    cv.error = calloc(n_lambdas, sizeof *cv.error);
    cv.error_se = calloc(n_lambdas, sizeof *cv.error_se);
    double *path = calloc(size, sizeof *path); // zeroed: where no λ was solved, β = 0
    double *errors = calloc((size_t)m->n_folds * n_lambdas, sizeof *errors);
    jc_status status = JC_ENOMEM;
    if (cv.lambdas != NULL && cv.beta != NULL && cv.error != NULL && cv.error_se != NULL &&
        path != NULL && errors != NULL) {
        status = cross_validate(m, ratio, options, &cv, path, errors);
    }
    free(path);
    free(errors);
    if (status != JC_OK) {
        lasso_cv_clear(&cv);
        return status;
    }
    *out_cv = cv;
    return JC_OK;
}
