// SPDX-License-Identifier: Apache-2.0
/** @file Rows of a campaign that are chosen by what the others have taught. */
#ifndef JC_CLI_CHOOSE_H
#define JC_CLI_CHOOSE_H

#include <joulecast/campaign.h>

/** What the choice is made from; borrowed. */
typedef struct choice_source {
    const char *folder; ///< of the dataset
    const jc_kernel *kernels;
    uint64_t seed;
} choice_source;

/**
 * Choose among kernels where a model of the rows so far knows least: at random, with a chance that
 * grows with the square of the interval of its runtime. Kinds without a model are left out: more
 * rows of the plan's own order do more for them. In order where nothing can be trained yet.
 *
 * @param context  a choice_source
 */
jc_status choose_least_known(void *context, const size_t *candidates, size_t n_candidates,
                             size_t *out_chosen, size_t n, jc_error *err);

#endif
