// SPDX-License-Identifier: Apache-2.0
// joulecast evaluate: how far a profile is from measured rows.
#include "command.h"
#include "errors.h"
#include "evaluate_networks.h"
#include "locate.h"

#include <joulecast/train.h>

#include <stdlib.h>

// Kernels and whole networks in one table; a dataset may have only one of the two.
static jc_status evaluate(const jc_profile *profile, const jc_dataset *dataset,
                          jc_error_table *out_table, jc_error *err) {
    jc_error_record networks[NETWORK_RECORDS];
    size_t n_networks = 0;
    jc_error_table *kernels = NULL;
    jc_status status = evaluate_networks(profile, dataset, networks, &n_networks, err);
    if (status == JC_OK) {
        status = jc_evaluate(profile, dataset, &kernels, err);
    }
    if (status == JC_ERANGE && n_networks > 0) {
        status = JC_OK;
    }
    if (status == JC_OK) {
        status = cli_join_errors(kernels, networks, n_networks, out_table, err);
    }
    jc_error_table_free(kernels);
    return status;
}

static cli_exit run_evaluate(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    jc_error err = {0};
    jc_profile *profile = NULL;
    jc_dataset *dataset = NULL;
    jc_error_table errors = {0};
    jc_status status = locate_profile(options.profile, NULL, &profile, &err);
    if (status == JC_OK) {
        status = jc_dataset_load(options.operands[0], &dataset, &err);
    }
    if (status == JC_OK) {
        status = evaluate(profile, dataset, &errors, &err);
    }
    code = status == JC_OK ? cli_print_errors(&options, "Errors on these rows", &errors)
                           : cli_report_error(&err);
    free(errors.records);
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
    .help = "They are out of sample only if the profile was trained on other rows. Whole networks\n"
            "(networks.csv) are predicted layer by layer: training sees none of them.\n",
    .min_operands = 1,
    .max_operands = 1,
    .options = options_of_evaluate,
    .run = run_evaluate,
};
