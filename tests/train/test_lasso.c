// SPDX-License-Identifier: Apache-2.0
// The lasso against its own mathematics (optimality, limits in λ) and against R's glmnet.
#include "glmnet_fixture.h"
#include "predictor/train/lasso.h"
#include "predictor/train/linalg.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { ROWS = 200, COLUMNS = 30, FOLDS = 10, LAMBDAS = 40 };

static double data_x[ROWS * COLUMNS];
static double data_y[ROWS];
static double data_w[ROWS];
static int data_fold[ROWS];

// xorshift64*; uniform in (−1, 1).
static double uniform(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-52 - 1;
}

// Columns that hang together as powers do, on scales from 1e-6 to 1e9; some true coefficients.
static regression make_data(uint64_t seed) {
    uint64_t state = seed;
    for (int i = 0; i < ROWS; ++i) {
        double y = 3;
        double common = uniform(&state);
        for (int j = 0; j < COLUMNS; ++j) {
            const double x = common + 0.3 * uniform(&state);
            y += (j % 5 == 0 ? 1.0 + j : 0) * x;
            data_x[i * COLUMNS + j] = (x + 7) * pow(10, j % 16 - 6);
        }
        data_y[i] = y + uniform(&state);
        data_w[i] = 1.5 + uniform(&state);
        data_fold[i] = i % FOLDS;
    }
    return (regression){.n_rows = ROWS,
                        .n_cols = COLUMNS,
                        .X = data_x,
                        .y = data_y,
                        .weights = data_w,
                        .fold = data_fold,
                        .n_folds = FOLDS};
}

// Largest violation of the optimality conditions, from the rows themselves: with residual e and
// standardised column x, Σ w·x·e/Σw = λ·sign(β) where β ≠ 0 and at most λ in size elsewhere.
static double violation(const regression *d, const problem *p, const moments *m, const double *beta,
                        double lambda) {
    double coefficients[COLUMNS];
    double intercept = 0;
    problem_unstandardise(p, m, beta, coefficients, &intercept);
    double worst = 0;
    for (size_t j = 0; j < d->n_cols; ++j) {
        double sum = 0;
        double total = 0;
        const double mean = p->mean[j] * m->scale[j] + m->shift[j];
        for (size_t i = 0; i < d->n_rows; ++i) {
            const double *x = d->X + i * d->n_cols;
            double e = d->y[i] - intercept;
            for (size_t k = 0; k < d->n_cols; ++k) {
                e -= coefficients[k] * x[k];
            }
            sum += d->weights[i] * (x[j] - mean) / (p->scale[j] * m->scale[j]) * e;
            total += d->weights[i];
        }
        const double gradient = sum / total;
        const double miss =
            beta[j] != 0 ? fabs(gradient - copysign(lambda, beta[j])) : fabs(gradient) - lambda;
        worst = fmax(worst, miss);
    }
    return worst;
}

Test(lasso, solutions_meet_the_optimality_conditions) {
    const regression d = make_data(11);
    moments m;
    problem p;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(problem_create(&m, -1, &p), JC_OK);
    double lambdas[LAMBDAS];
    double beta[LAMBDAS * COLUMNS];
    size_t n_done = 0;
    lasso_options options = lasso_options_default();
    options.tolerance = 1e-10;
    lasso_lambdas(lasso_lambda_max(&p), 1e-4, LAMBDAS, lambdas);
    cr_assert_eq(lasso_path(&p, LAMBDAS, lambdas, &options, beta, &n_done, NULL), JC_OK);
    cr_assert_eq(n_done, (size_t)LAMBDAS);
    for (size_t l = 0; l < LAMBDAS; ++l) {
        const double miss = violation(&d, &p, &m, beta + l * COLUMNS, lambdas[l]);
        cr_assert_leq(miss, 1e-5 * lambdas[l] + 1e-9 * lambdas[0], "λ %g: violation %g", lambdas[l],
                      miss);
    }
    problem_clear(&p);
    moments_clear(&m);
}

Test(lasso, lambda_from_lambda_max_gives_zero) {
    const regression d = make_data(12);
    moments m;
    problem p;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(problem_create(&m, -1, &p), JC_OK);
    const double lambda_max = lasso_lambda_max(&p);
    const double lambdas[2] = {2 * lambda_max, lambda_max};
    double beta[2 * COLUMNS];
    size_t n_done = 0;
    cr_assert_eq(lasso_path(&p, 2, lambdas, NULL, beta, &n_done, NULL), JC_OK);
    for (size_t j = 0; j < 2 * COLUMNS; ++j) {
        cr_assert_eq(beta[j], 0);
    }
    problem_clear(&p);
    moments_clear(&m);
}

Test(lasso, lambda_zero_is_least_squares) {
    const regression d = make_data(13);
    moments m;
    problem p;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(problem_create(&m, -1, &p), JC_OK);
    const double lambda = 0;
    double beta[COLUMNS];
    size_t n_done = 0;
    cr_assert_eq(lasso_path(&p, 1, &lambda, NULL, beta, &n_done, NULL), JC_OK);
    double A[COLUMNS * COLUMNS];
    double b[COLUMNS];
    for (size_t j = 0; j < COLUMNS; ++j) {
        b[j] = p.xy[j];
    }
    for (size_t j = 0; j < COLUMNS * COLUMNS; ++j) {
        A[j] = p.gram[j];
    }
    cr_assert_eq(linalg_solve(COLUMNS, A, b), JC_OK);
    for (size_t j = 0; j < COLUMNS; ++j) {
        cr_assert_float_eq(beta[j], b[j], 1e-8 * (1 + fabs(b[j])));
    }
    problem_clear(&p);
    moments_clear(&m);
}

Test(lasso, coefficients_are_those_of_glmnet) {
    int fold[GLMNET_ROWS] = {0};
    const regression d = {.n_rows = GLMNET_ROWS,
                          .n_cols = GLMNET_COLUMNS,
                          .X = glmnet_x[0],
                          .y = glmnet_y,
                          .weights = glmnet_w,
                          .fold = fold,
                          .n_folds = 1};
    moments m;
    problem p;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(problem_create(&m, -1, &p), JC_OK);
    double beta[GLMNET_LAMBDAS * GLMNET_COLUMNS];
    size_t n_done = 0;
    lasso_options options = lasso_options_default();
    options.tolerance = 1e-13;
    cr_assert_eq(lasso_path(&p, GLMNET_LAMBDAS, glmnet_lambda, &options, beta, &n_done, NULL),
                 JC_OK);
    for (size_t l = 0; l < GLMNET_LAMBDAS; ++l) {
        double coefficients[GLMNET_COLUMNS];
        double intercept = 0;
        problem_unstandardise(&p, &m, beta + l * GLMNET_COLUMNS, coefficients, &intercept);
        cr_expect_float_eq(intercept, glmnet_coefficients[l][0], 1e-6);
        for (size_t j = 0; j < GLMNET_COLUMNS; ++j) {
            cr_expect_float_eq(coefficients[j], glmnet_coefficients[l][1 + j], 1e-6,
                               "λ %g, column %zu: %.9g, glmnet %.9g", glmnet_lambda[l], j,
                               coefficients[j], glmnet_coefficients[l][1 + j]);
        }
    }
    problem_clear(&p);
    moments_clear(&m);
}

Test(lasso, columns_that_repeat_or_stand_still_do_no_harm) {
    regression d = make_data(14);
    for (size_t i = 0; i < ROWS; ++i) {
        data_x[i * COLUMNS + 3] = 42;
        data_x[i * COLUMNS + 9] = 2 * data_x[i * COLUMNS + 5];
    }
    moments m;
    lasso_cv cv;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(lasso_cross_validate(&m, LAMBDAS, 1e-3, NULL, &cv), JC_OK);
    for (size_t l = 0; l < LAMBDAS; ++l) {
        cr_expect_eq(cv.beta[l * COLUMNS + 3], 0);
    }
    cr_expect_leq(cv.report.worst_gap, 1e-5);
    lasso_cv_clear(&cv);
    moments_clear(&m);
}

// Fold errors from moments against errors from the rows, the model of each fold being fitted on
// moments of exactly the other rows.
Test(lasso, subtracted_folds_are_the_other_rows) {
    const regression d = make_data(15);
    moments m;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    double x[ROWS * COLUMNS];
    double y[ROWS];
    double w[ROWS];
    int fold[ROWS] = {0};
    size_t n = 0;
    for (size_t i = 0; i < ROWS; ++i) {
        if (data_fold[i] == 4) {
            continue;
        }
        for (size_t j = 0; j < COLUMNS; ++j) {
            x[n * COLUMNS + j] = data_x[i * COLUMNS + j];
        }
        y[n] = data_y[i];
        w[n++] = data_w[i];
    }
    const regression rest = {
        .n_rows = n, .n_cols = COLUMNS, .X = x, .y = y, .weights = w, .fold = fold, .n_folds = 1};
    moments m_rest;
    problem by_subtraction;
    problem by_rows;
    cr_assert_eq(moments_create(&rest, &m_rest), JC_OK);
    cr_assert_eq(problem_create(&m, 4, &by_subtraction), JC_OK);
    cr_assert_eq(problem_create(&m_rest, -1, &by_rows), JC_OK);
    for (size_t j = 0; j < COLUMNS * COLUMNS; ++j) {
        cr_assert_float_eq(by_subtraction.gram[j], by_rows.gram[j], 1e-11);
    }
    const double lambda = 0.1 * lasso_lambda_max(&by_rows);
    double beta[COLUMNS];
    double coefficients[COLUMNS];
    double intercept = 0;
    double weight = 0;
    size_t n_done = 0;
    cr_assert_eq(lasso_path(&by_subtraction, 1, &lambda, NULL, beta, &n_done, NULL), JC_OK);
    const double error = problem_fold_error(&by_subtraction, &m, 4, beta, &weight);
    problem_unstandardise(&by_subtraction, &m, beta, coefficients, &intercept);
    double sum = 0;
    double total = 0;
    for (size_t i = 0; i < ROWS; ++i) {
        if (data_fold[i] == 4) {
            const double fit = linalg_dot(COLUMNS, coefficients, data_x + i * COLUMNS);
            sum += data_w[i] * pow(data_y[i] - intercept - fit, 2);
            total += data_w[i];
        }
    }
    cr_assert_float_eq(weight, total, 1e-10 * total);
    cr_assert_float_eq(error, sum / total, 1e-8 * error);
    problem_clear(&by_subtraction);
    problem_clear(&by_rows);
    moments_clear(&m);
    moments_clear(&m_rest);
}

Test(lasso, a_number_that_is_not_finite_is_refused) {
    const regression d = make_data(16);
    moments m;
    data_x[17] = (double)NAN;
    cr_assert_eq(moments_create(&d, &m), JC_EINVAL);
    data_x[17] = 1;
    data_y[5] = (double)INFINITY;
    cr_assert_eq(moments_create(&d, &m), JC_EINVAL);
}

// Over β ≥ 0: Σ w·x·e/Σw = λ where β > 0 and at most λ elsewhere.
Test(lasso, non_negative_solutions_meet_their_optimality_conditions) {
    const regression d = make_data(17);
    moments m;
    problem p;
    cr_assert_eq(moments_create(&d, &m), JC_OK);
    cr_assert_eq(problem_create(&m, -1, &p), JC_OK);
    p.xy[5] = -p.xy[5]; // a column that only a negative coefficient would serve
    double lambdas[LAMBDAS];
    double beta[LAMBDAS * COLUMNS];
    size_t n_done = 0;
    lasso_options options = lasso_options_default();
    options.tolerance = 1e-10;
    options.non_negative = true;
    lasso_lambdas(lasso_lambda_max(&p), 1e-4, LAMBDAS, lambdas);
    cr_assert_eq(lasso_path(&p, LAMBDAS, lambdas, &options, beta, &n_done, NULL), JC_OK);
    for (size_t l = 0; l < n_done; ++l) {
        const double slack = 1e-5 * lambdas[l] + 1e-9 * lambdas[0];
        for (size_t j = 0; j < COLUMNS; ++j) {
            const double *b = beta + l * COLUMNS;
            const double gradient = p.xy[j] - linalg_dot(COLUMNS, p.gram + j * COLUMNS, b);
            cr_assert_geq(b[j], 0);
            cr_assert_leq(gradient, lambdas[l] + slack);
            cr_assert(b[j] == 0 || gradient >= lambdas[l] - slack);
        }
    }
    problem_clear(&p);
    moments_clear(&m);
}
