// SPDX-License-Identifier: Apache-2.0
// joulecast calibrate: a profile of this machine in one command: measure, train, check.
#include "campaign.h"
#include "collect.h"
#include "evaluate_networks.h"
#include "progress.h"
#include "validation.h"

#include <joulecast/train.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_progress(void *context, double share) {
    progress_update(context, share);
}

static jc_status train(const jc_dataset *dataset, const char *path, jc_profile **out_profile,
                       jc_error *err) {
    jc_train_options options = jc_train_options_default();
    progress shown = progress_begin("train");
    jc_profile *profile = NULL;
    options.progress = show_progress;
    options.progress_context = &shown;
    jc_status status = jc_train(dataset, &options, &profile, err);
    progress_end(&shown);
    jc_error_record networks[NETWORK_RECORDS];
    size_t n_networks = 0;
    if (status == JC_OK) {
        status = calibrate_networks(profile, dataset, networks, &n_networks, err);
    }
    for (size_t i = 0; i < n_networks && status == JC_OK; ++i) {
        (void)fprintf(stderr,
                      "joulecast: %s of %s networks: %.0f %% lie in the 90 %% interval that the "
                      "other architectures give\n",
                      jc_target_name(networks[i].target), jc_precision_name(networks[i].precision),
                      100 * networks[i].errors.coverage_90);
    }
    if (status == JC_OK) {
        status = jc_profile_save(profile, path, err);
    }
    if (status != JC_OK) {
        jc_profile_free(profile);
        return status;
    }
    *out_profile = profile;
    return JC_OK;
}

// Mean of a network's repetitions; false if it was not measured.
static bool find_measured(const jc_dataset *dataset, validation_record *record) {
    double runtime_s = 0;
    double energy_j = 0;
    double n = 0;
    for (size_t i = 0; i < dataset->n_networks; ++i) {
        const jc_network_row *row = &dataset->networks[i];
        if (strcmp(row->architecture, record->architecture) == 0 &&
            row->batch_size == record->batch_size && row->precision == record->precision) {
            runtime_s += row->measured.runtime_s;
            energy_j += row->measured.energy_j;
            n += 1;
        }
    }
    record->measured_runtime_s = runtime_s / n;
    record->measured_energy_j = energy_j / n;
    return n > 0;
}

// The networks of the plan that were measured, which no training has seen.
static jc_status check(const jc_profile *profile, const jc_dataset *dataset, const char *plan_path,
                       validation_record **out_records, size_t *out_n, jc_error *err) {
    jc_plan *plan = NULL;
    jc_memo *memo = NULL;
    collection c = {.n_kernels = 0};
    jc_status status = jc_plan_load(plan_path, &plan, err);
    if (status == JC_OK) {
        status = collection_read(plan, &c, err);
    }
    validation_record *records = calloc(c.n_networks + 1, sizeof *records);
    if (status == JC_OK && (records == NULL || jc_memo_create(profile, &memo) != JC_OK)) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    size_t n = 0;
    for (size_t i = 0; status == JC_OK && i < c.n_networks; ++i) {
        jc_totals totals;
        jc_analyze(memo, c.graphs[i], &totals, NULL);
        records[n] = validation_of_network(c.graphs[i], &totals);
        n += find_measured(dataset, &records[n]);
    }
    jc_memo_free(memo);
    collection_clear(&c);
    jc_plan_free(plan);
    if (status != JC_OK) {
        free(records);
        return status;
    }
    *out_records = records;
    *out_n = n;
    return JC_OK;
}

static cli_exit train_and_check(const cli_options *options, const campaign_choice *choice) {
    const size_t size = strlen(choice->folder) + sizeof "/profile.yaml";
    char *path = malloc(size);
    jc_error err = {0};
    jc_dataset *dataset = NULL;
    jc_profile *profile = NULL;
    validation_record *records = NULL;
    size_t n = 0;
    jc_status status =
        path == NULL ? jc_error_set(&err, JC_ENOMEM, NULL, 0, "out of memory") : JC_OK;
    if (status == JC_OK) {
        (void)snprintf(path, size, "%s/profile.yaml", choice->folder);
        status = jc_dataset_load(choice->folder, &dataset, &err);
    }
    if (status == JC_OK) {
        status = train(dataset, path, &profile, &err);
    }
    if (status == JC_OK) {
        status = check(profile, dataset, choice->plan, &records, &n, &err);
    }
    cli_exit code = CLI_OK;
    if (status == JC_OK) {
        const validation_summary summary = validation_summarise(records, n);
        (void)fprintf(stderr, "joulecast: the profile is %s\n", path);
        validation_report(&summary);
        code = validation_print(options, records, n);
    } else {
        code = cli_report_error(&err);
    }
    free(records);
    jc_profile_free(profile);
    jc_dataset_free(dataset);
    free(path);
    return code;
}

static cli_exit run_calibrate(const cli_command *self, int argc, char **argv) {
    campaign_choice choice = campaign_choice_default();
    choice.learns = true;
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
    if (signal != 0) {
        (void)fprintf(stderr, "joulecast: stopped; the same command goes on from here\n");
        campaign_end_by(signal);
    }
    return train_and_check(&options, &choice);
}

static const cli_option *const options_of_calibrate[] = {
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

extern const cli_command cli_calibrate;

const cli_command cli_calibrate = {
    .name = "calibrate",
    .summary = "A profile of this machine: measure, train, check",
    .operands = "",
    .help =
        "Goes on where it was when it is run again on the same DATASET. Prints whole networks,\n"
        "which training has not seen, predicted beside measured.\n",
    .min_operands = 0,
    .max_operands = 0,
    .options = options_of_calibrate,
    .run = run_calibrate,
};
