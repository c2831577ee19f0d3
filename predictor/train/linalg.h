// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The linear algebra that training needs. linalg.c alone includes CBLAS and LAPACKE.
 *
 * All matrices are row-major. Results do not depend on the number of threads: see linalg_begin.
 */
#ifndef JC_TRAIN_LINALG_H
#define JC_TRAIN_LINALG_H

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

/** Run the library on one thread from here on, so that sums are always taken in the same order.
 *  @return what to give to linalg_end. */
int linalg_begin(void);

/** Restore the number of threads. */
void linalg_end(int n_threads);

/** G = Xᵀ·X, both triangles. X [n_rows x n_cols], G [n_cols x n_cols].
 *  @retval JC_ERANGE  more rows or columns than the library can index */
JC_MUST_USE jc_status linalg_gram(size_t n_rows, size_t n_cols, const double *X, double *out_G);

/** Solve A·x = b in place by Cholesky's factors; A [n x n] is overwritten, b becomes x.
 *  @retval JC_ESINGULAR  A is not positive definite; b is not touched */
JC_MUST_USE jc_status linalg_solve(size_t n, double *A, double *b);

/** y += a·x, vectors of length n. */
void linalg_axpy(size_t n, double a, const double *x, double *y);

/** xᵀ·y, vectors of length n. */
double linalg_dot(size_t n, const double *x, const double *y);

/** out = X·beta. X [n_rows x n_cols] with rows `stride` apart. */
void linalg_apply(size_t n_rows, size_t n_cols, const double *X, size_t stride, const double *beta,
                  double *out);

#endif
