// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/analyze: an acyclic graph of steps that inputs take, each with a cost.
 *
 * Early exits, stages and cascades are all this: what costs something, and with which probability
 * an input goes on to what.
 */
#ifndef JC_ANALYZE_ROUTE_H
#define JC_ANALYZE_ROUTE_H

#include <joulecast/analyze.h>

#include <stdbool.h>
#include <stddef.h>

/** A way out of a step. */
typedef struct route_way {
    size_t to; ///< a later step
    double probability;
} route_way;

/** A piece of work that an input may meet. */
typedef struct route_step {
    jc_totals cost;
    route_way *ways; ///< [n_ways]; the rest of the inputs is done
    size_t n_ways;
    bool may_drop; ///< an exit's classifier: without it all go on to ways[0]
    bool is_dropped;
    double reach;      ///< out: share of all inputs that come here
    double onward;     ///< out: expected price of an input from here on
    double break_even; ///< out, of an exit: the share of those that come here, from which on it
                       ///< pays; NaN where neither energy nor runtime is known
} route_step;

/** Distribution of what single inputs cost. */
typedef struct route_distribution {
    double energy_p50_j, energy_p95_j, energy_worst_j;
    double runtime_p50_s, runtime_p95_s, runtime_worst_s;
} route_distribution;

/** Whether exits are judged by runtime, for the energy of some step is not known. */
bool route_is_by_runtime(const route_step *steps, size_t n);

/**
 * Follow the inputs from step 0.
 *
 * Exits are judged from the last to the first, each with what is left of those behind it: one pays
 * if the inputs that leave save more energy (or runtime) than its classifier costs all that reach
 * it (Panda et al., Conditional Deep Learning, DATE 2016: an exit stays if that shortens the
 * expected work).
 *
 * @param drop  leave out exits that do not pay.
 * @param out_expected  costs weighted by reach; params and weight_bytes are sums of all steps that
 *                      are not dropped.
 * @retval JC_EUNSUPPORTED  more than 65536 paths
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status route_follow(route_step *steps, size_t n, bool drop, jc_totals *out_expected,
                                   route_distribution *out_distribution);

#endif
