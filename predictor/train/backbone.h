// SPDX-License-Identifier: Apache-2.0
/** @file Backbones: runtime as a non-negative sum of physical quantities. */
#ifndef JC_TRAIN_BACKBONE_H
#define JC_TRAIN_BACKBONE_H

#include "predictor/profile/model.h"

/** Rows for a backbone. */
typedef struct backbone_rows {
    size_t n;
    const double *q;       ///< [n x JC_QUANTITY_COUNT]
    const double *y;       ///< [n], > 0
    const double *weights; ///< [n]: relative errors count with these
} backbone_rows;

/** Quantities whose multiples make up a runtime. */
extern const int backbone_quantities[];
extern const size_t n_backbone_quantities;

/**
 * Minimise Σ w·(1 − b(x)/y)² over non-negative coefficients of the quantities given.
 *
 * NeuralPower's physical terms (Cai et al. 2017, Eq. (2)) with relative weights, by
 * Lawson and Hanson's method, which leaves most coefficients 0; only the others are kept.
 */
JC_MUST_USE jc_status backbone_fit(const backbone_rows *rows, const int *quantities,
                                   size_t n_quantities, jc_arena *arena, model *out_model);

#endif
