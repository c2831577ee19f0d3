// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Candidate terms of a correction, by rules that hold for any kernel and device.
 *
 * Base variables are logarithms of the kernel's columns that vary (one of each set that varies
 * together). Candidates are all their products up to degree 3; hinges of columns and of physical
 * quantities (bytes against cache sizes, …) at quantiles of the rows; steps at powers of two of
 * channels; how full vectors are, alone and times a base variable; flags times a base variable.
 */
#ifndef JC_TRAIN_CANDIDATES_H
#define JC_TRAIN_CANDIDATES_H

#include "rows.h"
#include "rules.h"

typedef struct candidates {
    model_variable *variables;
    size_t n_variables;
    model_term *terms; ///< coefficients 0
    size_t n_terms;
} candidates;

/** Ranges of all quantities of rows (indices into the set), into out_k->ranges. */
JC_MUST_USE jc_status candidates_ranges(const train_rows *set, const size_t *index, size_t n,
                                        jc_arena *arena, kernel_model *out_k);

/** Points of rows under the model's ranges. @param out_points [n] */
void candidates_points(const kernel_model *k, const train_rows *set, const size_t *index, size_t n,
                       model_point *out_points);

/** Candidate terms for rows at these points. @retval JC_ENOMEM */
JC_MUST_USE jc_status candidates_create(const kernel_model *k, const model_point *points, size_t n,
                                        jc_arena *arena, candidates *out_candidates);

/** Those of `from` that are used, and one term for each rule: 1 where all its gates are open. A
 * rule is left out where its quantities have no range or there is no room for more variables.
 *  @param used [n_terms of from]  @retval JC_ENOMEM */
JC_MUST_USE jc_status candidates_with_rules(const kernel_model *k, const candidates *from,
                                            const bool *used, const rule *rules, size_t n_rules,
                                            jc_arena *arena, candidates *out_candidates);

/** Values of all candidate terms at a point. @param out_x [n_terms] */
void candidates_evaluate(const candidates *c, const model_point *point, double *out_x);

/** Keep the terms with a coefficient, the variables they use, and the ranges that matter: those of
 *  variables and columns. Fills the model's g. */
JC_MUST_USE jc_status candidates_keep(const candidates *c, const double *coefficients,
                                      jc_arena *arena, model *out_model);

#endif
