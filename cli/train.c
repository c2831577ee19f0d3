// SPDX-License-Identifier: Apache-2.0
// joulecast train: a profile from the rows of a dataset.
#include "command.h"
#include "errors.h"
#include "evaluate_networks.h"
#include "held_out.h"
#include "progress.h"

#include <joulecast/train.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct train_extra {
    const char *profile;  ///< -o
    const char *held_out; ///< --held-out; NULL = not asked for
    bool learning_curve;  ///< --learning-curve
    jc_train_options options;
} train_extra;

static const char *parse_output(cli_options *options, const char *text) {
    train_extra *extra = options->extra;
    extra->profile = text;
    return text[0] == '\0' ? "the name of the profile to write" : NULL;
}

static const char *parse_seed(cli_options *options, const char *text) {
    train_extra *extra = options->extra;
    int64_t seed = 0;
    if (!cli_parse_integer(text, 0, INT64_MAX, &seed)) {
        return "a whole number, 0 or more";
    }
    extra->options.seed = (uint64_t)seed;
    return NULL;
}

static const char *parse_folds(cli_options *options, const char *text) {
    train_extra *extra = options->extra;
    int64_t folds = 0;
    if (!cli_parse_integer(text, 2, 100, &folds)) {
        return "a whole number from 2 to 100";
    }
    extra->options.n_folds = (int)folds;
    return NULL;
}

static const char *parse_held_out(cli_options *options, const char *text) {
    train_extra *extra = options->extra;
    extra->held_out = text;
    return text[0] == '\0' ? "the name of the CSV file to write" : NULL;
}

static const char *parse_learning_curve(cli_options *options, const char *text) {
    train_extra *extra = options->extra;
    (void)text;
    extra->learning_curve = true;
    return NULL;
}

static const cli_option option_output = {'o', "output", "PROFILE", "the profile to write",
                                         parse_output};
static const cli_option option_seed = {0, "seed", "N", "deals rows to folds in another way (1)",
                                       parse_seed};
static const cli_option option_folds = {0, "folds", "N", "folds of cross-validation (10)",
                                        parse_folds};
static const cli_option option_held_out = {
    0, "held-out", "FILE", "each row and what models without it predict, as CSV", parse_held_out};
static const cli_option option_learning_curve = {
    0, "learning-curve", NULL, "errors against the number of rows, and no profile",
    parse_learning_curve};

static void print_dropped(const jc_coverage *c, const jc_dropped *d) {
    (void)fprintf(stderr, "joulecast: %s %s: %lld rows: %s", jc_kernel_name(c->kind),
                  jc_precision_name(c->precision), (long long)d->rows, d->reason);
    for (size_t i = 0; i < d->n_numbers; ++i) {
        (void)fprintf(stderr, "%s%lld", i == 0 ? " (row " : ", ", (long long)d->numbers[i]);
    }
    (void)fputs(d->n_numbers == 0                 ? "\n"
                : (int64_t)d->n_numbers < d->rows ? ", ...)\n"
                                                  : ")\n",
                stderr);
}

// What was left out is said before the table: it bears on every number in it.
static void report_dropped(const jc_profile *profile) {
    for (size_t i = 0; i < jc_profile_n_kernels(profile); ++i) {
        jc_coverage c;
        jc_profile_coverage(profile, i, &c);
        for (size_t d = 0; d < c.n_dropped; ++d) {
            print_dropped(&c, &c.dropped[d]);
        }
    }
}

static cli_exit print_result(const cli_options *options, const jc_profile *profile,
                             const jc_error_record *networks, size_t n_networks) {
    jc_error err = {0};
    jc_error_table *kernels = NULL;
    jc_error_table errors = {0};
    jc_status status = jc_profile_errors(profile, &kernels);
    if (status == JC_OK) {
        status = cli_join_errors(kernels, networks, n_networks, &errors, &err);
    }
    jc_error_table_free(kernels);
    if (status != JC_OK) {
        err = (jc_error){.status = status};
        return cli_report_error(&err);
    }
    report_dropped(profile);
    const cli_exit code =
        cli_print_errors(options, "Held-out errors (nested cross-validation)", &errors);
    free(errors.records);
    return code;
}

static void show_progress(void *context, double share) {
    progress_update(context, share);
}

static cli_exit train_profile(const cli_options *options, const jc_dataset *dataset) {
    const train_extra *extra = options->extra;
    jc_error err = {0};
    jc_profile *profile = NULL;
    held_out_list held_out = {0};
    jc_train_options training = extra->options;
    if (extra->held_out != NULL) {
        training.held_out = held_out_add;
        training.held_out_context = &held_out;
    }
    progress shown = progress_begin("train");
    training.progress = show_progress;
    training.progress_context = &shown;
    jc_status status = jc_train(dataset, &training, &profile, &err);
    progress_end(&shown);
    jc_error_record networks[NETWORK_RECORDS];
    size_t n_networks = 0;
    if (status == JC_OK) {
        status = calibrate_networks(profile, dataset, networks, &n_networks, &err);
    }
    if (status == JC_OK) {
        status = jc_profile_save(profile, extra->profile, &err);
    }
    cli_exit code = status == JC_OK ? print_result(options, profile, networks, n_networks)
                                    : cli_report_error(&err);
    if (code == CLI_OK && extra->held_out != NULL) {
        code = held_out_write(&held_out, dataset, extra->held_out);
    }
    held_out_clear(&held_out);
    jc_profile_free(profile);
    return code;
}

static cli_exit print_curve(const cli_options *options, const jc_dataset *dataset) {
    const train_extra *extra = options->extra;
    jc_error err = {0};
    jc_error_table *errors = NULL;
    progress shown = progress_begin("train");
    jc_train_options training = extra->options;
    training.progress = show_progress;
    training.progress_context = &shown;
    const jc_status status = jc_learning_curve(dataset, &training, &errors, &err);
    progress_end(&shown);
    const cli_exit code =
        status == JC_OK
            ? cli_print_errors(options, "Held-out errors by number of training rows", errors)
            : cli_report_error(&err);
    jc_error_table_free(errors);
    return code;
}

static cli_exit run_train(const cli_command *self, int argc, char **argv) {
    train_extra extra = {.options = jc_train_options_default()};
    cli_options options = {.extra = &extra};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    if (extra.learning_curve && (extra.profile != NULL || extra.held_out != NULL)) {
        return cli_report_usage(self->name, "--learning-curve writes no file: leave out -o and "
                                            "--held-out");
    }
    if (!extra.learning_curve && extra.profile == NULL) {
        return cli_report_usage(self->name, "needs -o PROFILE, the file to write");
    }
    jc_error err = {0};
    jc_dataset *dataset = NULL;
    if (jc_dataset_load(options.operands[0], &dataset, &err) != JC_OK) {
        return cli_report_error(&err);
    }
    code = extra.learning_curve ? print_curve(&options, dataset) : train_profile(&options, dataset);
    jc_dataset_free(dataset);
    return code;
}

static const cli_option *const options_of_train[] = {
    &option_output,         &option_seed,       &option_folds, &option_held_out,
    &option_learning_curve, &cli_option_format, NULL};

extern const cli_command cli_train;

const cli_command cli_train = {
    .name = "train",
    .summary = "Fit a profile to the rows of a dataset",
    .operands = "DATASET",
    .help = "Prints the errors of nested cross-validation: on rows that no part of the model "
            "has seen.\nWhole networks (networks.csv) change no prediction: they tell how wide "
            "the intervals of\nnetworks are, and are judged by intervals that the others give.\n",
    .min_operands = 1,
    .max_operands = 1,
    .options = options_of_train,
    .run = run_train,
};
