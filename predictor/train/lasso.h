// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The lasso on second moments: solution paths and their cross-validation.
 *
 * Minimises (1/2n)·Σ wᵢ(yᵢ − xᵢβ)² + λ·‖β‖₁ over standardised columns, with Σ wᵢ = n; the
 * intercept is not penalised.
 * Source: Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via
 * coordinate descent", J. Stat. Softw. 33(1), 2010, Sec. 2.2 (covariance updates, warm starts);
 * screening by Tibshirani et al., "Strong rules for discarding predictors in lasso-type problems",
 * J. R. Stat. Soc. B 74(2), 2012, Eq. (7). Differs in: convergence is by relative duality gap, and
 * a support that has settled is solved for directly.
 */
#ifndef JC_TRAIN_LASSO_H
#define JC_TRAIN_LASSO_H

#include "moments.h"

#include <stdbool.h>

typedef struct lasso_options {
    double tolerance;  ///< largest (primal − dual)/primal; default 1e-5
    size_t max_sweeps; ///< over the coordinates, for one λ; default 100000
    bool non_negative; ///< minimise over β ≥ 0 alone
    size_t max_terms;  ///< the path ends before a solution has more; default: no limit
} lasso_options;

lasso_options lasso_options_default(void);

typedef struct lasso_report {
    size_t sweeps;
    size_t direct_solves;
    double worst_gap; ///< largest relative duality gap of a solution with λ > 0
} lasso_report;

/** Smallest λ whose solution is 0: max |xᵀy|/n. */
double lasso_lambda_max(const problem *p);

/** n values from lambda_max down to ratio·lambda_max, evenly spaced in their logarithms. */
void lasso_lambdas(double lambda_max, double ratio, size_t n, double *out_lambdas);

/**
 * Solutions for a falling sequence of λ ≥ 0, each begun from the last.
 *
 * @param out_beta   [n_lambdas x n_cols], standardised coefficients.
 * @param out_n_done number of λ solved: less than n_lambdas only where max_terms was reached.
 * @param report     may be NULL; added to.
 * @retval JC_ENOTCONV  max_sweeps reached
 * Cost: O(n_cols) for each coefficient that changes, whatever the number of rows.
 */
JC_MUST_USE jc_status lasso_path(const problem *p, size_t n_lambdas, const double *lambdas,
                                 const lasso_options *options, double *out_beta, size_t *out_n_done,
                                 lasso_report *report);

/** Relative duality gap of any coefficients; λ > 0. */
double lasso_gap(const problem *p, double lambda, const double *beta);

/** A path on all rows with its cross-validated error. */
typedef struct lasso_cv {
    size_t n_lambdas;
    size_t n_cols;
    double *lambdas;  ///< [n_lambdas], falling
    double *beta;     ///< [n_lambdas x n_cols], standardised, of all rows
    double *error;    ///< [n_lambdas]: mean over rows of the squared error out of fold
    double *error_se; ///< [n_lambdas]: its standard error over folds
    size_t best;      ///< index of the smallest error
    size_t one_se;    ///< index of the largest λ within one standard error of it
    lasso_report report;
} lasso_cv;

/** Cross-validate a path of n_lambdas from λ_max to ratio·λ_max; folds as in the moments. */
JC_MUST_USE jc_status lasso_cross_validate(const moments *m, size_t n_lambdas, double ratio,
                                           const lasso_options *options, lasso_cv *out_cv);
void lasso_cv_clear(lasso_cv *cv);

#endif
