// SPDX-License-Identifier: Apache-2.0
// joulecast measure: rows of a dataset from this machine.
#include "campaign.h"

#include <stdio.h>

static void report_end(const jc_campaign_report *report, int signal) {
    if (report->end != JC_CAMPAIGN_FINISHED) {
        (void)fprintf(stderr, "joulecast: %s; the same command goes on from here\n",
                      signal != 0 ? "stopped" : "the budget is used up");
    }
}

static cli_exit run_measure(const cli_command *self, int argc, char **argv) {
    campaign_choice choice = campaign_choice_default();
    cli_options options = {.extra = &choice};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    if (choice.folder == NULL) {
        return cli_report_usage(self->name, "needs -o DATASET, the folder to measure into");
    }
    choice.hardware.power = options.power;
    jc_error err = {0};
    jc_campaign_report report;
    int signal = 0;
    if (campaign_measure(&choice, &report, &signal, &err) != JC_OK) {
        return cli_report_error(&err);
    }
    report_end(&report, signal);
    code = campaign_print(&options, &report);
    if (signal != 0) {
        (void)fflush(stdout); // the table is the last word
        campaign_end_by(signal);
    }
    return code;
}

static const cli_option *const options_of_measure[] = {
    &hardware_option_executor,
    &hardware_option_meter,
    &cli_option_power_declared,
    &campaign_option_plan,
    &campaign_option_budget,
    &campaign_option_output,
    &campaign_option_max_load,
    &hardware_option_threads,
    &hardware_option_timeout,
    &cli_option_format,
    NULL,
};

extern const cli_command cli_measure;

const cli_command cli_measure = {
    .name = "measure",
    .summary = "Measure kernels and networks on this machine",
    .operands = "",
    .help = "Goes on where it was when it is run again on the same DATASET.\n",
    .min_operands = 0,
    .max_operands = 0,
    .options = options_of_measure,
    .run = run_measure,
};
