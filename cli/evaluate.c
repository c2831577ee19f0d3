// SPDX-License-Identifier: Apache-2.0
// joulecast evaluate: how far a profile is from measured rows.
#include "command.h"
#include "errors.h"
#include "locate.h"

#include <joulecast/train.h>

static cli_exit run_evaluate(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    jc_error err = {0};
    jc_profile *profile = NULL;
    jc_dataset *dataset = NULL;
    jc_error_table *errors = NULL;
    jc_status status = locate_profile(options.profile, &profile, &err);
    if (status == JC_OK) {
        status = jc_dataset_load(options.operands[0], &dataset, &err);
    }
    if (status == JC_OK) {
        status = jc_evaluate(profile, dataset, &errors, &err);
    }
    code = status == JC_OK ? cli_print_errors(&options, "Errors on these rows", errors)
                           : cli_report_error(&err);
    jc_error_table_free(errors);
    jc_dataset_free(dataset);
    jc_profile_free(profile);
    return code;
}

static const cli_option *const options_of_evaluate[] = {&cli_option_profile, &cli_option_format,
                                                        &cli_option_output, NULL};

extern const cli_command cli_evaluate;

const cli_command cli_evaluate = {
    .name = "evaluate",
    .summary = "Errors of a profile on measured rows",
    .operands = "DATASET",
    .help = "They are out of sample only if the profile was trained on other rows.\n",
    .min_operands = 1,
    .max_operands = 1,
    .options = options_of_evaluate,
    .run = run_evaluate,
};
