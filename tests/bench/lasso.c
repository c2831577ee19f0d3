// SPDX-License-Identifier: Apache-2.0
// Benchmark of the cross-validated lasso path: `lasso ROWS COLUMNS FILE` makes a regression, writes
// it for glmnet.R, solves it, and prints "CPU seconds, worst relative duality gap".
//
// The columns are what training has: monomials up to degree three of a few sizes' logarithms.
// FILE: int32 rows, columns; then float64 X by columns, y; int32 fold of each row, from 1.
#include "predictor/train/lasso.h"
#include "predictor/train/linalg.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BASE = 11, FOLDS = 10, LAMBDAS = 100 };
static const double LAMBDA_RATIO = 1e-4;

static uint64_t state = 88172645463325252u;

// xorshift64*; uniform in (−1, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-52 - 1;
}

// The first n_cols monomials of degree one to three.
static void fill_row(const double *base, size_t n_cols, double *x) {
    size_t n = 0;
    for (int i = 0; i < BASE && n < n_cols; ++i) {
        x[n++] = base[i];
        for (int j = i; j < BASE && n < n_cols; ++j) {
            x[n++] = base[i] * base[j];
            for (int k = j; k < BASE && n < n_cols; ++k) {
                x[n++] = base[i] * base[j] * base[k];
            }
        }
    }
}

static void fill(regression *r, double *X, double *y, int *fold) {
    for (size_t i = 0; i < r->n_rows; ++i) {
        double base[BASE];
        for (int j = 0; j < BASE; ++j) {
            base[j] = uniform();
        }
        fill_row(base, r->n_cols, X + i * r->n_cols);
        y[i] = 0.5 * (uniform() + uniform());
        for (size_t j = 0; j < r->n_cols; j += 7) {
            y[i] += X[i * r->n_cols + j] / (1 + 0.05 * (double)j);
        }
        fold[i] = (int)(i % FOLDS);
    }
    r->X = X;
    r->y = y;
    r->fold = fold;
}

static int write_file(const char *path, const regression *r) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return 0;
    }
    const int32_t sizes[2] = {(int32_t)r->n_rows, (int32_t)r->n_cols};
    size_t written = fwrite(sizes, sizeof sizes, 1, file);
    for (size_t j = 0; j < r->n_cols; ++j) {
        for (size_t i = 0; i < r->n_rows; ++i) {
            written += fwrite(&r->X[i * r->n_cols + j], sizeof(double), 1, file);
        }
    }
    written += fwrite(r->y, sizeof(double), r->n_rows, file);
    for (size_t i = 0; i < r->n_rows; ++i) {
        const int32_t fold = r->fold[i] + 1;
        written += fwrite(&fold, sizeof fold, 1, file);
    }
    const int closed = fclose(file) == 0;
    return closed && written == 1 + r->n_rows * (r->n_cols + 2);
}

static double cpu_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); // cannot fail for this clock
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    regression r = {.n_folds = FOLDS};
    if (argc == 4) {
        r.n_rows = strtoul(argv[1], NULL, 10);
        r.n_cols = strtoul(argv[2], NULL, 10);
    }
    double *X = calloc(r.n_rows * r.n_cols + 1, sizeof *X);
    double *y = calloc(r.n_rows + 1, sizeof *y);
    int *fold = calloc(r.n_rows + 1, sizeof *fold);
    if (r.n_rows == 0 || r.n_cols == 0 || X == NULL || y == NULL || fold == NULL) {
        (void)fprintf(stderr, "usage: lasso ROWS COLUMNS FILE\n");
        return 1;
    }
    fill(&r, X, y, fold);
    if (!write_file(argv[3], &r)) {
        (void)fprintf(stderr, "lasso: %s cannot be written\n", argv[3]);
        return 2;
    }
    (void)linalg_begin();
    const double start_s = cpu_s();
    moments m = {0};
    lasso_cv cv = {0};
    const jc_status created = moments_create(&r, &m);
    const jc_status solved =
        created == JC_OK ? lasso_cross_validate(&m, LAMBDAS, LAMBDA_RATIO, NULL, &cv) : created;
    const double used_s = cpu_s() - start_s;
    if (solved == JC_OK) {
        (void)printf("%.4f %.2g\n", used_s, cv.report.worst_gap);
    }
    lasso_cv_clear(&cv);
    moments_clear(&m);
    free(X);
    free(y);
    free(fold);
    return solved == JC_OK ? 0 : 4;
}
