// SPDX-License-Identifier: Apache-2.0
// Non-negative least squares against its optimality conditions.
#include "predictor/train/nnls.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

enum { ROWS = 40, COLUMNS = 12 };

static double uniform(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-52 - 1;
}

// Karush-Kuhn-Tucker: x ≥ 0, gradient w = b − Ax ≤ 0, and w = 0 where x > 0.
static void check_optimal(const double *A, const double *b, const double *x, double scale) {
    for (size_t i = 0; i < COLUMNS; ++i) {
        double w = b[i];
        for (size_t j = 0; j < COLUMNS; ++j) {
            w -= A[i * COLUMNS + j] * x[j];
        }
        cr_assert_geq(x[i], 0);
        cr_assert_leq(w, 1e-8 * scale);
        cr_assert(x[i] == 0 || fabs(w) <= 1e-8 * scale);
    }
}

Test(nnls, solutions_meet_the_optimality_conditions) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        uint64_t state = seed * 7919;
        double X[ROWS][COLUMNS];
        double A[COLUMNS * COLUMNS] = {0};
        double b[COLUMNS] = {0};
        double scale = 0;
        for (int i = 0; i < ROWS; ++i) {
            const double common = uniform(&state);
            const double y = uniform(&state);
            for (int j = 0; j < COLUMNS; ++j) {
                X[i][j] = common + 0.5 * uniform(&state);
                b[j] += X[i][j] * y;
            }
            for (int j = 0; j < COLUMNS; ++j) {
                for (int k = 0; k < COLUMNS; ++k) {
                    A[j * COLUMNS + k] += X[i][j] * X[i][k];
                }
            }
        }
        for (int j = 0; j < COLUMNS; ++j) {
            scale = fmax(scale, fabs(b[j]));
        }
        double x[COLUMNS];
        cr_assert_eq(nnls_solve(COLUMNS, A, b, x), JC_OK);
        check_optimal(A, b, x, scale);
    }
}

Test(nnls, dependent_and_zero_columns_are_left_out) {
    // Columns 1 and 2 are the same, column 3 is zero.
    const double A[9] = {4, 4, 0, 4, 4, 0, 0, 0, 0};
    const double b[3] = {8, 8, 0};
    double x[3];
    cr_assert_eq(nnls_solve(3, A, b, x), JC_OK);
    cr_assert_float_eq(x[0] + x[1], 2, 1e-8);
    cr_assert_eq(x[2], 0);
}
