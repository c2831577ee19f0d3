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

/**
 * Products whose multiples may make up a runtime: the loop nests of a kernel.
 *
 * A kernel is a nest of loops: over output positions, over its window, over input and over output
 * channels (as they are, or rounded up to a vector width). Each product of some of their lengths is
 * a time that an implementation may spend: on multiply-accumulates (all of them), on packing
 * inputs or weights, on writing outputs, on setting up a row, on the call itself (none).
 *
 * @param out_terms  coefficients 1; in the arena.
 */
JC_MUST_USE jc_status backbone_candidates(jc_kernel_kind kind, jc_arena *arena,
                                          model_term **out_terms, size_t *out_n);

/**
 * Minimise Σ w·(1 − b(x)/y)² over non-negative coefficients of the terms given.
 *
 * NeuralPower's physical terms (Cai et al. 2017, Eq. (2)) taken further, with relative weights, by
 * Lawson and Hanson's method, which leaves most coefficients 0; only the others are kept.
 */
JC_MUST_USE jc_status backbone_fit(const backbone_rows *rows, const model_term *terms,
                                   size_t n_terms, jc_arena *arena, model *out_model);

#endif
