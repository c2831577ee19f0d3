// SPDX-License-Identifier: Apache-2.0
/** @file What a campaign has measured so far, and how that stands in the journal. */
#ifndef JC_CAMPAIGN_STATE_H
#define JC_CAMPAIGN_STATE_H

#include "journal.h"

#include <joulecast/campaign.h>

enum { MOST_FAILURES = 3 }; ///< after which a configuration is not tried again

/** One configuration: a kernel, or a whole network. */
typedef struct campaign_item {
    const jc_kernel *kernel;   ///< NULL = a network
    const jc_network *network; ///< NULL = a kernel
    bool is_refused;
    bool is_tried;  ///< failed since the campaign was begun or resumed: not tried again
    int n_failures; ///< in all
} campaign_item;

/** A repetition of a configuration. */
typedef struct campaign_result {
    bool is_measured;
    jc_window window;
} campaign_result;

typedef struct campaign_state {
    campaign_item *items; ///< [n_items] in the order of measuring, networks spread among kernels
    size_t n_items;       ///< those chosen so far included
    const jc_kernel *kernels; ///< [n_kernels] those that may be chosen included
    size_t n_kernels;
    size_t n_first;     ///< kernels that are measured whatever they teach
    size_t n_to_choose; ///< kernels that are still to be chosen
    bool *is_item;      ///< [n_kernels]
    int repetitions;
    campaign_result *results; ///< [n_items x repetitions], row-major
    double max_load;
    double idle_w;        ///< the last that was measured; NaN = none
    double lag_s;         ///< of the meter; NaN = not measured
    char no_lag[200];     ///< why it cannot be; "" = it is, or was not tried
    char machine[512];    ///< as this run finds it
    char plan[64];        ///< digest of all that is to be measured
    int header_lines;     ///< of the journal that were read
    int crashes_in_a_row; ///< of the executor's library, and no row since
} campaign_state;

JC_MUST_USE jc_status state_init(const jc_campaign_options *options, const jc_device *device,
                                 campaign_state *out_state, jc_error *err);
void state_clear(campaign_state *state);

campaign_result *state_result(const campaign_state *state, size_t item, int repetition);

/** True if the result may go into the dataset. */
bool state_is_good(const campaign_state *state, const campaign_result *result);

/** True if the configuration is to be measured once more. */
bool state_is_open(const campaign_state *state, size_t item, int repetition);

/** Indices of the kernels that may be chosen. @param out  [state->n_kernels] @return how many */
size_t state_candidates(const campaign_state *state, size_t *out);

/** Fill counts from scratch. */
void state_count(const campaign_state *state, jc_campaign_report *out_report);

/** A journal_visit: take a line into account. @param context  the state */
jc_status state_visit(void *context, const char *text, int line, jc_error *err);

/** Write the header of a journal that is empty. */
JC_MUST_USE jc_status state_begin_journal(campaign_state *state, journal *j, jc_error *err);

/** Have the journal ready for a crash at this configuration, which is not tried again then. */
void state_prepare_crash(journal *j, size_t item);

// Each notes what happened in the journal, then in the state.
JC_MUST_USE jc_status state_add_result(campaign_state *state, journal *j, size_t item,
                                       int repetition, const jc_window *window, jc_error *err);
JC_MUST_USE jc_status state_add_refusal(campaign_state *state, journal *j, size_t item,
                                        const char *why, jc_error *err);
JC_MUST_USE jc_status state_add_failure(campaign_state *state, journal *j, size_t item,
                                        const char *why, jc_error *err);
JC_MUST_USE jc_status state_add_choice(campaign_state *state, journal *j, size_t kernel,
                                       jc_error *err);
JC_MUST_USE jc_status state_add_idle(campaign_state *state, journal *j, double idle_w,
                                     jc_error *err);
JC_MUST_USE jc_status state_add_lag(campaign_state *state, journal *j, double lag_s, jc_error *err);
JC_MUST_USE jc_status state_add_no_lag(campaign_state *state, journal *j, const char *why,
                                       jc_error *err);

#endif
