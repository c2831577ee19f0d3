// SPDX-License-Identifier: Apache-2.0
// Campaigns at the command line.
#include "campaign.h"
#include "anew.h"
#include "choose.h"
#include "collect.h"
#include "progress.h"

#include "common/number.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// --- Options --------------------------------------------------------------------------------

campaign_choice campaign_choice_default(void) {
    return (campaign_choice){.max_load = 0.05};
}

static const char *parse_plan(cli_options *options, const char *text) {
    campaign_choice *choice = options->extra;
    choice->plan = text;
    return text[0] == '\0' ? "the file of a plan" : NULL;
}

// "90", "90s", "10m", "2h".
static const char *parse_budget(cli_options *options, const char *text) {
    campaign_choice *choice = options->extra;
    char number[JC_NUMBER_TEXT_SIZE];
    static const char units[] = "smh";
    static const double seconds[] = {1, 60, 3600};
    const size_t n = strlen(text);
    const char *unit = n > 0 ? strchr(units, text[n - 1]) : NULL;
    const size_t digits = unit == NULL ? n : n - 1;
    double value = 0;
    if (digits >= sizeof number) {
        return "a time, as in 90s, 10m or 2h";
    }
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!jc_parse_double(number, &value) || !(value > 0 && value < 1e9)) {
        return "a time, as in 90s, 10m or 2h";
    }
    choice->budget_s = value * (unit == NULL ? 1 : seconds[unit - units]);
    return NULL;
}

static const char *parse_max_load(cli_options *options, const char *text) {
    campaign_choice *choice = options->extra;
    if (!jc_parse_double(text, &choice->max_load) || choice->max_load < 0 || choice->max_load > 1) {
        return "a share from 0 to 1";
    }
    return NULL;
}

static const char *parse_folder(cli_options *options, const char *text) {
    campaign_choice *choice = options->extra;
    choice->folder = text;
    return text[0] == '\0' ? "the folder of a dataset" : NULL;
}

const cli_option campaign_option_plan = {0, "plan", "FILE",
                                         "what is measured (kernels like the zoo's)", parse_plan};
const cli_option campaign_option_budget = {0, "budget", "TIME", "end after this time: 90s, 10m, 2h",
                                           parse_budget};
const cli_option campaign_option_max_load = {
    0, "max-load", "SHARE", "windows with more of other load are measured again (0.05)",
    parse_max_load};
const cli_option campaign_option_output = {'o', "output", "DATASET",
                                           "folder of the rows and their journal", parse_folder};

// --- Signals --------------------------------------------------------------------------------

static volatile sig_atomic_t signal_caught; // handlers have nothing else to tell by

static void catch_signal(int number) {
    signal_caught = number;
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

// Once: a second signal of the kind ends the program as if it were not caught.
static void catch_signals(void) {
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        struct sigaction action = {.sa_handler = catch_signal, .sa_flags = (int)SA_RESETHAND};
        struct sigaction old;
        (void)sigemptyset(&action.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) { // nohup
            (void)sigaction(signals[i], &action, NULL); // cannot fail for these signals
        }
    }
}

void campaign_end_by(int number) {
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

// --- Measuring ------------------------------------------------------------------------------

static void show_progress(void *context, double share) {
    progress_update(context, share);
}

static void show_note(void *context, const char *text) {
    progress_end(context);
    (void)fprintf(stderr, "joulecast: %s\n", text);
}

// In the handler of a signal. A library that crashes at everything is not asked for ever, but ten
// times more when a person wants to go on. Who has ended the program meanwhile wants it ended.
static void begin_anew(void *context, int n_in_a_row) {
    enum { MOST_IN_A_ROW = 10 };
    static const char goes_on[] = "\njoulecast: the executor's library crashed; what it crashed at "
                                  "is not tried again, and the campaign goes on\n";
    static const char ends[] =
        "\njoulecast: the executor's library crashed ten times in a row: the "
        "library is at fault, and no kernel\n";
    (void)context;
    if (signal_caught != 0) {
        campaign_end_by(signal_caught);
    }
    if (n_in_a_row % MOST_IN_A_ROW == 0) {
        (void)!write(STDERR_FILENO, ends, sizeof ends - 1); // nobody to tell of errors
    } else {
        (void)!write(STDERR_FILENO, goes_on, sizeof goes_on - 1);
        anew_begin();
    }
}

// What is left of it; 0 = there is none.
static double budget_left_s(const campaign_choice *choice) {
    const double least_s = 1e-3;
    const double elapsed_s = anew_elapsed_s();
    return choice->budget_s > 0 ? fmax(choice->budget_s - elapsed_s, least_s) : 0;
}

static jc_status run(const campaign_choice *choice, const jc_plan *plan, const collection *c,
                     const hardware *h, jc_campaign_report *out_report, jc_error *err) {
    progress shown = progress_begin("measure");
    choice_source source = {choice->folder, c->kernels, plan->seed};
    const jc_campaign_options options = {
        .folder = choice->folder,
        .plan = plan,
        .kernels = c->kernels,
        .n_kernels = c->n_kernels,
        .networks = c->networks,
        .n_networks = c->n_networks,
        .executor = h->executor,
        .executor_handle = h->executor_handle,
        .meter = h->meter,
        .meter_handle = h->meter_handle,
        .chooser = {choice->learns ? choose_least_known : NULL, &source},
        .budget_s = budget_left_s(choice),
        .max_load = choice->max_load,
        .stop = &signal_caught,
        .listener = {.progress = show_progress,
                     .note = show_note,
                     .crashed = begin_anew,
                     .context = &shown},
    };
    catch_signals();
    const jc_status status = jc_campaign_run(&options, out_report, err);
    progress_end(&shown);
    return status;
}

jc_status campaign_measure(const campaign_choice *choice, jc_campaign_report *out_report,
                           int *out_signal, jc_error *err) {
    jc_plan *plan = NULL;
    collection c = {.n_kernels = 0};
    hardware h;
    jc_status status = jc_plan_load(choice->plan, &plan, err);
    if (status == JC_OK) {
        status = collection_read(plan, &c, err);
    }
    if (status == JC_OK) {
        hardware_choice hardware_chosen = choice->hardware;
        hardware_chosen.executor_options.weights = plan->weights;
        hardware_chosen.executor_options.seed = plan->seed;
        status = hardware_open(&hardware_chosen, &h, err);
    }
    if (status == JC_OK) {
        status = run(choice, plan, &c, &h, out_report, err);
        hardware_close(&h);
    }
    collection_clear(&c);
    jc_plan_free(plan);
    *out_signal = signal_caught;
    return status;
}

// --- The report -----------------------------------------------------------------------------

enum {
    COUNT_KERNEL,
    COUNT_PLANNED,
    COUNT_MEASURED,
    COUNT_REFUSED,
    COUNT_FAILED,
    COUNT_DISTURBED,
    COUNT_LEFT,
    COUNT_COLUMNS,
};

static const report_column columns[COUNT_COLUMNS] = {
    [COUNT_KERNEL] = {.name = "kernel", .heading = "kernel", .type = REPORT_TEXT},
    [COUNT_PLANNED] = {.name = "planned", .heading = "planned", .type = REPORT_INTEGER},
    [COUNT_MEASURED] = {.name = "measured", .heading = "measured", .type = REPORT_INTEGER},
    [COUNT_REFUSED] = {.name = "refused", .heading = "refused", .type = REPORT_INTEGER},
    [COUNT_FAILED] = {.name = "failed", .heading = "failed", .type = REPORT_INTEGER},
    [COUNT_DISTURBED] = {.name = "disturbed", .heading = "disturbed", .type = REPORT_INTEGER},
    [COUNT_LEFT] = {.name = "left", .heading = "left", .type = REPORT_INTEGER},
};

static const char *count_name(int which) {
    return which == JC_CAMPAIGN_NETWORKS   ? "networks"
           : which == JC_CAMPAIGN_ADAPTIVE ? "adaptive"
                                           : jc_kernel_name((jc_kernel_kind)which);
}

static size_t fill_values(const jc_campaign_report *report, report_value *values) {
    size_t n = 0;
    for (int i = 0; i < JC_CAMPAIGN_COUNTS; ++i) {
        const jc_campaign_count *count = &report->counts[i];
        report_value *row = values + n * COUNT_COLUMNS;
        if (count->planned > 0) {
            row[COUNT_KERNEL].text = count_name(i);
            row[COUNT_PLANNED].integer = (int64_t)count->planned;
            row[COUNT_MEASURED].integer = (int64_t)count->measured;
            row[COUNT_REFUSED].integer = (int64_t)count->refused;
            row[COUNT_FAILED].integer = (int64_t)count->failed;
            row[COUNT_DISTURBED].integer = (int64_t)count->disturbed;
            row[COUNT_LEFT].integer = (int64_t)count->left;
            ++n;
        }
    }
    return n;
}

cli_exit campaign_print(const cli_options *options, const jc_campaign_report *report) {
    report_value values[JC_CAMPAIGN_COUNTS * COUNT_COLUMNS];
    const size_t n = fill_values(report, values);
    const report_table table = {columns, COUNT_COLUMNS, values, n};
    return cli_print_table(options, "Configurations", &table);
}
