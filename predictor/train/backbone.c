// SPDX-License-Identifier: Apache-2.0
// Backbones by non-negative least squares on relative errors.
#include "backbone.h"

#include "linalg.h"
#include "nnls.h"

#include <math.h>
#include <stdlib.h>

const int backbone_quantities[] = {
    JC_QUANTITY_CALLS,        JC_QUANTITY_MACS,         JC_QUANTITY_MACS_IN_8,
    JC_QUANTITY_MACS_IN_16,   JC_QUANTITY_MACS_OUT_8,   JC_QUANTITY_MACS_OUT_16,
    JC_QUANTITY_MACS_8,       JC_QUANTITY_MACS_16,      JC_QUANTITY_INPUT_BYTES,
    JC_QUANTITY_WEIGHT_BYTES, JC_QUANTITY_OUTPUT_BYTES, JC_QUANTITY_PADDED_INPUT,
    JC_QUANTITY_PATCH_BYTES,  JC_QUANTITY_WINDOW_READS, JC_QUANTITY_ROWS,
};
const size_t n_backbone_quantities = sizeof backbone_quantities / sizeof backbone_quantities[0];

static jc_status solve(const backbone_rows *rows, const int *quantities, size_t k, double *X,
                       double *A, double *x) {
    // Rows √w·(q/y, 1): the last column of the Gram matrix is the right-hand side.
    const size_t order = k + 1;
    for (size_t i = 0; i < rows->n; ++i) {
        const double root = sqrt(rows->weights[i]);
        for (size_t j = 0; j < k; ++j) {
            X[i * order + j] =
                root * rows->q[i * JC_QUANTITY_COUNT + (size_t)quantities[j]] / rows->y[i];
        }
        X[i * order + k] = root;
    }
    jc_status status = linalg_gram(rows->n, order, X, A);
    if (status != JC_OK) {
        return status;
    }
    double *b = X; // the rows are not needed any more, and hold more than k numbers
    for (size_t j = 0; j < k; ++j) {
        b[j] = A[j * order + k];
    }
    for (size_t i = 0; i < k; ++i) {
        for (size_t j = 0; j < k; ++j) {
            A[i * k + j] = A[i * order + j];
        }
    }
    return nnls_solve(k, A, b, x);
}

jc_status backbone_fit(const backbone_rows *rows, const int *quantities, size_t n_quantities,
                       jc_arena *arena, model *out_model) {
    const size_t order = n_quantities + 1;
    double *X = calloc((rows->n + 1) * order, sizeof *X);
    double *A = calloc(order * order, sizeof *A);
    double *x = calloc(order, sizeof *x);
    model_term *terms = jc_arena_alloc(arena, order, sizeof *terms);
    jc_status status = JC_ENOMEM;
    if (X != NULL && A != NULL && x != NULL && terms != NULL) {
        status = solve(rows, quantities, n_quantities, X, A, x);
    }
    if (status == JC_OK) {
        size_t n = 0;
        for (size_t j = 0; j < n_quantities; ++j) {
            if (x[j] > 0) {
                terms[n++] = (model_term){.coefficient = x[j],
                                          .n_factors = 1,
                                          .factor = {(short)quantities[j]},
                                          .exponent = {1}};
            }
        }
        out_model->backbone = terms;
        out_model->n_backbone = n;
    }
    free(X);
    free(A);
    free(x);
    return status;
}
