// SPDX-License-Identifier: Apache-2.0
/** @file Non-negative least squares on normal equations. */
#ifndef JC_TRAIN_NNLS_H
#define JC_TRAIN_NNLS_H

#include <joulecast/status.h>

#include <stddef.h>

/**
 * Minimise ½xᵀAx − bᵀx over x ≥ 0.
 *
 * Source: Lawson and Hanson, "Solving least squares problems", 1974, ch. 23, algorithm NNLS, with
 * the inner problems solved by the normal equations as in Bro and de Jong, J. Chemometrics 11,
 * 1997. A column that depends on those already taken is left at 0.
 *
 * @param A      [n x n], symmetric, positive semidefinite; scaled internally to unit diagonal.
 * @param b      [n]
 * @param out_x  [n]
 * @retval JC_ENOTCONV  10·n + 10 exchanges did not suffice; @retval JC_ENOMEM
 */
JC_MUST_USE jc_status nnls_solve(size_t n, const double *A, const double *b, double *out_x);

/** The same from a start: entries of x above 0 are tried as the positive ones first. */
JC_MUST_USE jc_status nnls_solve_from(size_t n, const double *A, const double *b, double *x);

#endif
