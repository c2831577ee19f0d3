// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Weighted second moments of rows: all that least squares, lasso and cross-validation need of them.
 *
 * With rows z = (1, x, y), M = Σ w·z·zᵀ. Moments of disjoint rows add, so the moments of "all rows
 * but a fold" are the total less those of the fold, and a model's squared error on a fold is a
 * quadratic form in the fold's moments: no row is looked at twice.
 */
#ifndef JC_TRAIN_MOMENTS_H
#define JC_TRAIN_MOMENTS_H

#include <joulecast/status.h>

#include <stddef.h>

/** Rows of a regression, borrowed. */
typedef struct regression {
    size_t n_rows;
    size_t n_cols;
    const double *X;       ///< [n_rows x n_cols], row-major
    const double *y;       ///< [n_rows]
    const double *weights; ///< [n_rows], > 0; NULL = all 1
    const int *fold;       ///< [n_rows], 0 … n_folds − 1
    int n_folds;
} regression;

/** Moments by fold and in total, of columns shifted and scaled for the sake of rounding alone. */
typedef struct moments {
    size_t n_cols;
    size_t order; ///< n_cols + 2: 1, the columns, y
    int n_folds;
    double *shift; ///< [n_cols]: (x − shift)/scale is what M is made of
    double *scale; ///< [n_cols]; 1 for a constant column
    double y_shift;
    double *total; ///< [order x order]
    double *folds; ///< [n_folds x order x order]
} moments;

/** @retval JC_EINVAL  no rows, or a number that is not finite; @retval JC_ENOMEM, JC_ERANGE */
JC_MUST_USE jc_status moments_create(const regression *data, moments *out_moments);
void moments_clear(moments *m);

/** A least-squares problem in standardised columns (mean 0, variance 1 under the weights). */
typedef struct problem {
    size_t n_cols;
    double *gram;  ///< [n_cols x n_cols]: XᵀWX/Σw; rows of constant columns are 0
    double *xy;    ///< [n_cols]: XᵀWy/Σw, y centred
    double yy;     ///< variance of y
    double *mean;  ///< [n_cols], of the shifted columns
    double *scale; ///< [n_cols], of the shifted columns; 0 = constant
    double y_mean; ///< of the shifted y
} problem;

/** Standardised problem of all rows (`without` < 0) or of all but one fold. */
JC_MUST_USE jc_status problem_create(const moments *m, int without, problem *out_problem);
void problem_clear(problem *p);

/** Weighted mean squared error of standardised coefficients of `p` on a fold; also the fold's
 *  weight. */
double problem_fold_error(const problem *p, const moments *m, int fold, const double *beta,
                          double *out_weight);

/** Coefficients of the original columns and the intercept from standardised ones. */
void problem_unstandardise(const problem *p, const moments *m, const double *beta,
                           double *out_coefficients, double *out_intercept);

#endif
