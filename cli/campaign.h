// SPDX-License-Identifier: Apache-2.0
/** @file Measuring as `measure` and `calibrate` do it. */
#ifndef JC_CLI_CAMPAIGN_H
#define JC_CLI_CAMPAIGN_H

#include "hardware.h"

#include <joulecast/campaign.h>

/** What their options say. */
typedef struct campaign_choice {
    hardware_choice hardware; ///< first, for its options
    const char *plan;         ///< --plan; NULL = the default one
    double budget_s;          ///< --budget; 0 = none
    double max_load;          ///< --max-load
    const char *folder;       ///< -o
    bool learns;              ///< adaptive rows are chosen by what the others have taught
} campaign_choice;

extern const cli_option campaign_option_plan, campaign_option_budget, campaign_option_max_load,
    campaign_option_output;

campaign_choice campaign_choice_default(void);

/**
 * Measure, with a bar and words on standard error. SIGINT, SIGTERM and SIGHUP end it in good order.
 *
 * @param out_signal  the signal that ended it; 0 = none. A program that was told to end should.
 */
JC_MUST_USE jc_status campaign_measure(const campaign_choice *choice,
                                       jc_campaign_report *out_report, int *out_signal,
                                       jc_error *err);

/** Print what became of the configurations. */
cli_exit campaign_print(const cli_options *options, const jc_campaign_report *report);

/** End as the signal would have ended the program; returns where it does not. */
void campaign_end_by(int signal);

#endif
