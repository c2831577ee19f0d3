// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Regimes that the rows show by themselves: conjunctions of thresholds at which a model errs.
 *
 * A library chooses its algorithm by several sizes at once (1x1 windows and both channels between
 * 100 and 200), and no list of thresholds foresees that. Small regression trees are grown on what a
 * model leaves; each of their nodes is a regime. Which of them count is the lasso's choice, as in
 * RuleFit (Friedman and Popescu, Ann. Appl. Stat. 2, 2008, sec. 3 to 4).
 */
#ifndef JC_TRAIN_RULES_H
#define JC_TRAIN_RULES_H

#include "backbone.h"

/** Quantities that rules may name. */
typedef enum rules_axes {
    RULES_SHAPES, ///< columns and channels: what the designer of a network chooses one by one
    RULES_ALL,    ///< amounts (work, bytes, positions), too
} rules_axes;

/** All gates must be open. */
typedef struct rule {
    int n_gates;
    model_gate gates[MODEL_MAX_GATES];
    double score; ///< how much of the squared relative error the node alone explains
} rule;

/**
 * Grow trees of depth up to MODEL_MAX_GATES, one after the other on what the earlier leave, on
 * h = y/predicted − 1 with weights w·(predicted/y)²: Σ w(predicted·(1 + h)/y − 1)² is least squares
 * in h (Friedman, Ann. Stat. 29, 2001, for the trees in sequence).
 *
 * @param predicted  [n], > 0: by models that had not seen the row.
 * @param out_rules  best score first, each set of rows once; in the arena.
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status rules_find(const backbone_rows *rows, const double *predicted,
                                 rules_axes axes, jc_arena *arena, rule **out_rules, size_t *out_n);

#endif
