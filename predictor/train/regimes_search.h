// SPDX-License-Identifier: Apache-2.0
/** @file One search among terms with regimes: the path of all rows and without each fold. */
#ifndef JC_TRAIN_REGIMES_SEARCH_H
#define JC_TRAIN_REGIMES_SEARCH_H

#include "lasso.h"
#include "regimes.h"

enum { REGIMES_LAMBDAS = 40 };

typedef struct regimes_search {
    const backbone_rows *rows;
    const regimes_options *options;
    model_term *terms; ///< candidates; without those that repeat others once prepared
    size_t k;
    double *scale;  ///< [k] root mean square of f/y
    double *folds;  ///< [n_folds x (k + 1)²]: Σ w·zzᵀ, z = (f/y/scale, 1)
    double *total;  ///< their sum
    problem p;      ///< of the fit at hand
    double *path;   ///< [REGIMES_LAMBDAS x k]
    double *refits; ///< [(1 + n_folds) x REGIMES_LAMBDAS x k]: all rows, then without each fold
    double lambdas[REGIMES_LAMBDAS];
    double error[REGIMES_LAMBDAS]; ///< out of fold; the caller adds it up
    size_t n_lambdas;              ///< solved for all rows; 0 before that, unless λ are given
    double *A;                     ///< scratch for refits, [max_terms²]
    double *b;                     ///< scratch, [max_terms]
    double *x;                     ///< scratch, [max_terms]
    size_t *support;
} regimes_search;

/** Moments of the terms; rows, options, terms and k are set, all else is 0. Clear in any case. */
JC_MUST_USE jc_status regimes_prepare(regimes_search *s);
void regimes_clear(regimes_search *s);

/** Path and refits of one fit (0: all rows, and first; f + 1: without fold f). */
JC_MUST_USE jc_status regimes_path(regimes_search *s, int fit);

/** Scaled coefficients of a fit's model at a λ, [k]. */
double *regimes_refit(const regimes_search *s, int fit, size_t l);

/** Σ w(1 − Σ c·z)² over a fold for scaled coefficients: a quadratic form in its moments. */
double regimes_fold_error(const regimes_search *s, int fold, const double *c);

/** Prediction of a fit at a λ for quantities of a row. */
double regimes_predict(const regimes_search *s, int fit, size_t l, const double *q);

/** The λ of the smallest error. */
size_t regimes_best(const regimes_search *s);

/** The model of all rows at a λ becomes the backbone of a model. */
JC_MUST_USE jc_status regimes_keep(const regimes_search *s, size_t l, jc_arena *arena,
                                   model *out_model);

#endif
