// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The relaxed lasso: terms chosen by the lasso, coefficients between its own and least squares'.
 *
 * Source: Meinshausen, "Relaxed lasso", Comput. Stat. Data Anal. 52, 2007; in the form of Hastie,
 * Tibshirani, Tibshirani, Stat. Sci. 35, 2020, Eq. (6): β = γ·β_lasso(λ) + (1 − γ)·β_LS(support of
 * β_lasso(λ)). λ and γ are chosen by cross-validation together.
 */
#ifndef JC_TRAIN_RELAXED_H
#define JC_TRAIN_RELAXED_H

#include "lasso.h"

typedef struct relaxed_options {
    lasso_options lasso;
    size_t n_lambdas;
    double ratio; ///< smallest λ / λ_max
} relaxed_options;

/** The chosen model, of all rows and of all rows but each fold; in the original columns. */
typedef struct relaxed_fit {
    size_t n_cols;
    int n_folds;
    double *coefficients; ///< [(1 + n_folds) x n_cols]: all rows, then without fold 0, 1, …
    double *intercepts;   ///< [1 + n_folds]
    double lambda;
    double gamma;
    double error; ///< cross-validated mean squared error
} relaxed_fit;

/** @retval JC_ENOTCONV, JC_ENOMEM */
JC_MUST_USE jc_status relaxed_create(const moments *m, const relaxed_options *options,
                                     relaxed_fit *out_fit);
void relaxed_clear(relaxed_fit *fit);

#endif
