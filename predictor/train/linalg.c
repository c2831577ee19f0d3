// SPDX-License-Identifier: Apache-2.0
// CBLAS and LAPACKE behind the few calls that training makes; their integers exist only here.
#include "linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

int linalg_begin(void) {
    const int n_threads = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return n_threads;
}

void linalg_end(int n_threads) {
    openblas_set_num_threads(n_threads);
}

jc_status linalg_gram(size_t n_rows, size_t n_cols, const double *X, double *out_G) {
    if (n_rows > INT_MAX || n_cols > INT_MAX) {
        return JC_ERANGE;
    }
    const blasint n = (blasint)n_cols;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, (blasint)n_rows, 1.0, X, n, 0.0, out_G,
                n);
    for (size_t i = 0; i < n_cols; ++i) {
        for (size_t j = 0; j < i; ++j) {
            out_G[i * n_cols + j] = out_G[j * n_cols + i];
        }
    }
    return JC_OK;
}

jc_status linalg_solve(size_t n, double *A, double *b) {
    if (n > INT_MAX) {
        return JC_ERANGE;
    }
    if (n == 0) {
        return JC_OK;
    }
    // Column-major, for which LAPACKE makes no copy; A is symmetric, so the same matrix.
    const lapack_int order = (lapack_int)n;
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', order, A, order) != 0) {
        return JC_ESINGULAR;
    }
    const lapack_int info =
        LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', order, 1, A, order, b, order);
    return info == 0 ? JC_OK : JC_ESINGULAR;
}

void linalg_axpy(size_t n, double a, const double *x, double *y) {
    cblas_daxpy((blasint)n, a, x, 1, y, 1);
}

double linalg_dot(size_t n, const double *x, const double *y) {
    return cblas_ddot((blasint)n, x, 1, y, 1);
}

void linalg_apply(size_t n_rows, size_t n_cols, const double *X, size_t stride, const double *beta,
                  double *out) {
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)n_rows, (blasint)n_cols, 1.0, X,
                (blasint)stride, beta, 1, 0.0, out, 1);
}
