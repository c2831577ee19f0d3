// SPDX-License-Identifier: Apache-2.0
// Campaigns with hardware that is a formula: what the rows hold, and what happens when things go
// wrong.
#include <joulecast/campaign.h>

#include "fixture.h"

#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(campaign, .init = fixture_set_up, .fini = fixture_tear_down);

Test(campaign, rows_hold_what_executor_and_meter_say) {
    const jc_campaign_options options = fixture_options();
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_FINISHED);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].planned, N_KERNELS);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS);
    cr_expect_eq(report.counts[JC_CAMPAIGN_NETWORKS].measured, N_NETWORKS);
    jc_dataset *dataset = fixture_load();
    cr_assert_eq(dataset->n_rows, 2 * N_KERNELS);
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        const jc_row *row = &dataset->rows[i];
        const jc_measurement *m = &row->measured;
        cr_assert(jc_kernel_equal(&row->kernel, &fixture.kernels[i / 2]));
        cr_assert_eq(m->repetition, (int)(i % 2) + 1);
        cr_assert_float_eq(m->runtime_s, fake_pass_s(&row->kernel), 1e-12);
        cr_assert_float_eq(m->power_w, 50, 1e-9); // 100 J in 2 s
        cr_assert_float_eq(m->energy_j, 50 * m->runtime_s, 1e-9);
        cr_assert_eq(m->idle_power_w, 20);
        cr_assert_float_eq(m->runtime_rel_sd, 0, 1e-9);
        cr_assert_str_eq(m->meter, "external");
        cr_assert_float_eq(m->energy_rel_sd, 0.03, 1e-12);
        cr_assert_eq(m->temperature_c, 61);
        cr_assert_eq(m->throttled, 0);
        cr_assert_str_eq(m->algorithm, "winograd, fused");
        // 100 steps of a millisecond, in at least 5 batches.
        cr_assert_geq(m->window_s, 0.1 - 1e-9);
        cr_assert_geq(m->iterations, 5);
        cr_assert_float_eq(m->window_s, m->iterations * m->runtime_s, 1e-9);
    }
    cr_assert_eq(dataset->n_networks, 2 * N_NETWORKS);
    for (size_t i = 0; i < dataset->n_networks; ++i) {
        cr_expect_str_eq(dataset->networks[i].architecture, "net");
        cr_expect_float_eq(dataset->networks[i].measured.runtime_s,
                           1e-3 * (double)dataset->networks[i].batch_size, 1e-12);
    }
    cr_expect_str_eq(dataset->device.name, "rows");
    cr_expect_str_eq(dataset->device.executor, "fake 1, 3 threads");
    cr_expect_str_eq(dataset->device.meter, "external");
    cr_expect_eq(dataset->device.meter_step_s, 1e-3);
    jc_dataset_free(dataset);
}

Test(campaign, a_device_is_called_as_its_folder) {
    jc_campaign_options options = fixture_options();
    char slashes[700];
    (void)snprintf(slashes, sizeof slashes, "%s//", fixture.folder);
    options.folder = slashes;
    options.n_kernels = 1;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_expect_str_eq(dataset->device.name, "rows");
    jc_dataset_free(dataset);
}

Test(campaign, a_window_spans_a_hundred_steps_of_the_meter) {
    fixture.plan->window_s = 0.001; // the meter's step is 0.001 s
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        cr_assert_geq(dataset->rows[i].measured.window_s, 0.1 - 1e-9);
    }
    jc_dataset_free(dataset);
}

Test(campaign, a_runtime_that_is_not_known_well_enough_says_so) {
    // Batches of 1 and 2 in turn: a standard deviation of 1/3 of the mean, and a standard error
    // of 1/(3·√n), below 2 % for n of 278. Windows end at ten times their shortest: 100 batches.
    fake.noise = 1;
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    const jc_measurement *m = &dataset->rows[0].measured;
    cr_expect_gt(m->runtime_rel_sd, 0.02);
    cr_expect_lt(m->runtime_rel_sd, 0.06);
    cr_expect_float_eq(m->runtime_s, 1.5e-3, 0.05e-3);
    jc_dataset_free(dataset);
}

Test(campaign, what_is_measured_is_not_measured_again) {
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    cr_expect_eq(fake.n_prepared, 2 * (N_KERNELS + N_NETWORKS));
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(fake.n_prepared, 2 * (N_KERNELS + N_NETWORKS));
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS);
    cr_expect_eq(fixture_count_rows(), 2 * N_KERNELS);
}

Test(campaign, a_refusal_is_final) {
    fake.refused = 1005;
    const jc_campaign_options options = fixture_options();
    for (int i = 0; i < 2; ++i) {
        const jc_campaign_report report = fixture_run(&options);
        cr_expect_eq(report.counts[JC_KERNEL_RELU].refused, 1);
        cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS - 1);
        cr_expect_eq(fake.n_prepared, 2 * (N_KERNELS + N_NETWORKS) - 1);
    }
    cr_expect_eq(fixture_count_rows(), 2 * (N_KERNELS - 1));
}

Test(campaign, a_failure_costs_its_kernel_and_is_tried_three_times_at_most) {
    fake.failing = 1007;
    const jc_campaign_options options = fixture_options();
    const int usual = 2 * (N_KERNELS + N_NETWORKS - 1);
    for (int i = 1; i <= 5; ++i) {
        const jc_campaign_report report = fixture_run(&options);
        cr_expect_eq(report.counts[JC_KERNEL_RELU].failed, 1);
        cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS - 1);
        cr_expect_eq(fake.n_prepared, usual + (i < 3 ? i : 3));
    }
}

Test(campaign, a_failure_that_passes_is_made_good) {
    fake.failing = 1007;
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    fake.failing = 0;
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS);
    cr_expect_eq(fixture_count_rows(), 2 * N_KERNELS);
}

Test(campaign, what_does_not_fit_memory_is_left_out) {
    fake.too_large = 1009;
    const jc_campaign_options options = fixture_options();
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].failed, 1);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS - 1);
}

Test(campaign, an_executor_that_always_fails_ends_it) {
    fake.fails_always = true;
    jc_campaign_options options = fixture_options();
    options.n_networks = 0;
    fixture_expect_failure(&options, JC_EIO,
                           "failed 10 times in a row, the last time so: something broke");
    cr_expect_eq(fake.n_prepared, 10);
}

enum { EXIT_BEGUN = 100 };

static void end_instead_of_beginning_anew(void *context, int n_in_a_row) {
    (void)context;
    _exit(EXIT_BEGUN + n_in_a_row);
}

// Exit code of a campaign in a process of its own; 0 = it came to its end.
static int run_that_may_crash(void) {
    jc_campaign_options options = fixture_options();
    options.listener.crashed = end_instead_of_beginning_anew;
    const pid_t child = fork();
    if (child == 0) {
        jc_campaign_report report;
        _exit(jc_campaign_run(&options, &report, NULL) == JC_OK ? 0 : 1);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(campaign, a_crash_of_the_library_costs_its_kernel) {
    fake.crashing = 1005;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
    cr_expect_eq(run_that_may_crash(), 0); // it is not tried again
    const jc_campaign_options options = fixture_options();
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].refused, 1);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS - 1);
    cr_expect_eq(fixture_count_rows(), 2 * (N_KERNELS - 1));
    cr_expect_eq(fake.n_prepared, 0); // by this process: all was measured by the others
}

Test(campaign, crashes_are_counted_until_a_window_is_measured) {
    fake.crashes_always = true;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 2);
    fake.crashes_always = false;
    fake.crashing = 1050;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
    fake.crashing = 0;
    const jc_campaign_options options = fixture_options();
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].refused, 3);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, N_KERNELS - 3);
}

Test(campaign, rows_of_an_earlier_run_end_a_row_of_crashes) {
    fake.crashes_always = true;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
    fake.crashes_always = false;
    fake.stop_after = 20;
    jc_campaign_options options = fixture_options();
    cr_expect_eq(fixture_run(&options).end, JC_CAMPAIGN_STOPPED);
    fake.stop_after = 0;
    fake.stop = 0;
    fake.crashes_always = true;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
}

Test(campaign, threads_that_crash_together_are_one_crash) {
    fake.crashing = 1005;
    fake.crashing_threads = 4;
    cr_expect_eq(run_that_may_crash(), EXIT_BEGUN + 1);
    cr_expect_eq(run_that_may_crash(), 0);
    const jc_campaign_options options = fixture_options();
    cr_expect_eq(fixture_run(&options).counts[JC_KERNEL_RELU].refused, 1);
}

Test(campaign, handlers_of_crashes_are_there_for_work_alone) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    enum { N_SIGNALS = sizeof signals / sizeof signals[0] };
    void (*before[N_SIGNALS])(int);
    for (int i = 0; i < N_SIGNALS; ++i) {
        before[i] = fake_handler_of(signals[i]);
    }
    jc_campaign_options options = fixture_options();
    options.n_kernels = 1;
    options.listener.crashed = end_instead_of_beginning_anew;
    (void)fixture_run(&options);
    cr_expect_neq(fake.abort_handler, before[N_SIGNALS - 1]);
    for (int i = 0; i < N_SIGNALS; ++i) {
        cr_expect_eq(fake_handler_of(signals[i]), before[i]);
    }
}

Test(campaign, crashes_nobody_wants_to_hear_of_are_left_alone) {
    jc_campaign_options options = fixture_options();
    options.n_kernels = 1;
    (void)fixture_run(&options);
    cr_expect_eq(fake.abort_handler, fake_handler_of(SIGABRT));
}

Test(campaign, a_meter_that_goes_away_ends_it_and_what_was_measured_stays) {
    fake.meter_gone_after = 40;
    const jc_campaign_options options = fixture_options();
    fixture_expect_failure(&options, JC_ENOMETER, "someone pulled the plug");
    const size_t n = fixture_count_rows();
    cr_expect(n > 30 && n <= 40, "%zu", n);
    fake.meter_gone_after = 0;
    (void)fixture_run(&options);
    cr_expect_eq(fixture_count_rows(), 2 * N_KERNELS);
    cr_expect_eq(fake.n_prepared, 2 * (N_KERNELS + N_NETWORKS) + 1);
}

Test(campaign, nonsense_of_the_meter_is_measured_again) {
    fake.nonsense_from = 10;
    fake.nonsense_windows = 2;
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        cr_assert_float_eq(dataset->rows[i].measured.power_w, 50, 1e-9);
    }
    jc_dataset_free(dataset);
}

Test(campaign, nonsense_that_stays_leaves_the_runtime_alone) {
    fake.nonsense_from = 10;
    fake.nonsense_windows = 6; // three tries of two rows
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    int n_without = 0;
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        const jc_measurement *m = &dataset->rows[i].measured;
        cr_assert_float_eq(m->runtime_s, fake_pass_s(&dataset->rows[i].kernel), 1e-12);
        if (isnan(m->energy_j)) {
            ++n_without;
            cr_expect(isnan(m->power_w));
            cr_expect_str_eq(m->meter, "none");
        }
    }
    for (size_t i = 0; i < dataset->n_networks; ++i) {
        n_without += isnan(dataset->networks[i].measured.energy_j);
    }
    cr_expect_eq(n_without, 2);
    jc_dataset_free(dataset);
}

Test(campaign, a_meter_that_has_gone_mad_ends_it) {
    fake.nonsense_from = 10;
    fake.nonsense_windows = 1000;
    const jc_campaign_options options = fixture_options();
    fixture_expect_failure(&options, JC_ENOMETER, "nonsense in 10 windows in a row");
}

Test(campaign, a_stop_loses_the_window_at_hand_and_no_other) {
    fake.stop_after = 57;
    const jc_campaign_options options = fixture_options();
    jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_STOPPED);
    cr_expect_gt(report.counts[JC_KERNEL_RELU].left, 0);
    fake.stop = 0;
    fake.stop_after = 0;
    report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_FINISHED);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].left, 0);
    cr_expect_eq(fixture_count_rows(), 2 * N_KERNELS);
    cr_expect_eq(fake.n_prepared, 2 * (N_KERNELS + N_NETWORKS) + 1, "one was begun twice");
}

Test(campaign, a_budget_that_is_used_up_ends_it) {
    jc_campaign_options options = fixture_options();
    options.budget_s = 1e-9;
    jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_OUT_OF_BUDGET);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].left, N_KERNELS);
    cr_expect_eq(fake.n_prepared, 0);
    options.budget_s = 1e6;
    report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_FINISHED);
}

Test(campaign, the_order_is_random_and_repetitions_stand_apart) {
    fake.stop_after = 50; // within the first repetition of the first block of 64
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_assert_gt(dataset->n_rows, 40);
    int n_late = 0;
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        cr_assert_eq(dataset->rows[i].measured.repetition, 1);
        n_late += dataset->rows[i].kernel.size[1] >= 1000 + 50;
    }
    cr_expect_gt(n_late, 0, "not in the order of the plan");
    jc_dataset_free(dataset);
}

Test(campaign, networks_stand_among_the_kernels) {
    fake.stop_after = 62; // nearly all of the first block of 64
    const jc_campaign_options options = fixture_options();
    const jc_campaign_report report = fixture_run(&options);
    const size_t left = report.counts[JC_CAMPAIGN_NETWORKS].left;
    cr_expect_eq(left, N_NETWORKS, "none has both repetitions");
    jc_dataset *dataset = fixture_load();
    cr_expect_geq(dataset->n_networks, 2);
    cr_expect_leq(dataset->n_networks, 4);
    jc_dataset_free(dataset);
}

Test(campaign, windows_that_were_disturbed_are_left_out_and_measured_again) {
    jc_campaign_options options = fixture_options();
    options.max_load = 0.1;
    fake.lacked_share = 0.2;
    options.n_kernels = 3;
    options.n_networks = 0;
    jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].disturbed, 3);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, 0);
    cr_expect_eq(fake.n_windows, 3 * 2 * 3, "three tries each");
    cr_expect_not_null(strstr(fixture.notes, "6 of 6 windows were disturbed"), "%s", fixture.notes);
    struct stat info;
    char path[700];
    (void)snprintf(path, sizeof path, "%s/relu.csv", fixture.folder);
    cr_expect_neq(stat(path, &info), 0, "no rows, no file");
    options.max_load = 1;
    report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].disturbed, 0);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, 3);
    cr_expect_eq(fixture_count_rows(), 6);
}

// --- Adaptive rows --------------------------------------------------------------------------

static int n_choices;

// The last ones first; it must see all rows that came before.
static jc_status choose_last(void *context, const size_t *candidates, size_t n_candidates,
                             size_t *out_chosen, size_t n, jc_error *err) {
    (void)context;
    (void)err;
    cr_assert_lt(n, n_candidates);
    for (size_t i = 0; i < n; ++i) {
        out_chosen[i] = candidates[n_candidates - 1 - i];
    }
    cr_expect_eq(fixture_count_rows(), 2 * (N_KERNELS - n_candidates));
    ++n_choices;
    return JC_OK;
}

static jc_campaign_options adaptive_options(void) {
    jc_campaign_options options = fixture_options();
    fixture.plan->rows = 40;
    fixture.plan->adaptive = 0.25;
    options.n_networks = 3;
    options.chooser.choose = choose_last;
    n_choices = 0;
    return options;
}

static void expect_first_and_last(void) {
    jc_dataset *dataset = fixture_load();
    cr_assert_eq(dataset->n_rows, 2 * 40);
    cr_expect_eq(dataset->n_networks, 2 * 3);
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        const int64_t elements = dataset->rows[i].kernel.size[1];
        cr_expect(elements < 1000 + 30 || elements >= 1000 + N_KERNELS - 10, "%d", (int)elements);
    }
    jc_dataset_free(dataset);
}

Test(campaign, adaptive_rows_are_chosen_after_the_others) {
    const jc_campaign_options options = adaptive_options();
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(n_choices, 1);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, 40);
    cr_expect_eq(report.counts[JC_CAMPAIGN_ADAPTIVE].planned, 0);
    expect_first_and_last();
}

Test(campaign, rows_once_chosen_stay_chosen) {
    jc_campaign_options options = adaptive_options();
    fake.stop_after = 2 * 33 + 5; // in the first repetition of what was chosen
    jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(report.end, JC_CAMPAIGN_STOPPED);
    cr_expect_eq(n_choices, 1);
    fake.stop = 0;
    fake.stop_after = 0;
    options.chooser.choose = NULL;
    report = fixture_run(&options);
    cr_expect_eq(report.counts[JC_KERNEL_RELU].measured, 40);
    expect_first_and_last();
}

Test(campaign, rows_still_to_be_chosen_are_told) {
    const jc_campaign_options options = adaptive_options();
    fake.stop_after = 20;
    const jc_campaign_report report = fixture_run(&options);
    cr_expect_eq(n_choices, 0);
    cr_expect_eq(report.counts[JC_CAMPAIGN_ADAPTIVE].planned, 10);
    cr_expect_eq(report.counts[JC_CAMPAIGN_ADAPTIVE].left, 10);
}

static jc_status choose_one_twice(void *context, const size_t *candidates, size_t n_candidates,
                                  size_t *out_chosen, size_t n, jc_error *err) {
    (void)context;
    (void)n_candidates;
    (void)err;
    for (size_t i = 0; i < n; ++i) {
        out_chosen[i] = candidates[0];
    }
    return JC_OK;
}

Test(campaign, a_row_is_chosen_once) {
    jc_campaign_options options = adaptive_options();
    options.chooser.choose = choose_one_twice;
    fixture_expect_failure(&options, JC_EINVAL, "is not to be chosen");
}

Test(campaign, a_journal_of_another_plan_is_refused) {
    jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    ++fixture.kernels[7].size[1];
    fixture_expect_failure(&options, JC_EFORMAT, "of another plan");
    --fixture.kernels[7].size[1];
    fixture.plan->repetitions = 3;
    fixture_expect_failure(&options, JC_EFORMAT, "of another plan");
    fixture.plan->repetitions = 2;
    cr_expect_eq(fixture_run(&options).end, JC_CAMPAIGN_FINISHED);
}

Test(campaign, a_journal_of_another_meter_is_refused) {
    jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    jc_meter other = fake_meter;
    other.source = "nvml";
    options.meter = &other;
    fixture_expect_failure(&options, JC_EFORMAT, "of another machine, executor or meter");
}

Test(campaign, rows_without_a_journal_are_not_overwritten) {
    const jc_campaign_options options = fixture_options();
    cr_assert_eq(mkdir(fixture.folder, 0777), 0);
    folder_put(fixture.folder, "linear.csv", "anything");
    fixture_expect_failure(&options, JC_EFORMAT, "linear.csv");
    cr_expect_str_eq(folder_get(fixture.folder, "linear.csv"), "anything");
    cr_expect_eq(folder_count(fixture.folder), 1);
}

Test(campaign, a_file_in_the_folders_place_is_told) {
    const jc_campaign_options options = fixture_options();
    char parent[600];
    (void)snprintf(parent, sizeof parent, "%s", fixture.folder);
    *strrchr(parent, '/') = '\0';
    folder_put(parent, "rows", "");
    fixture_expect_failure(&options, JC_ENOENT, "Not a directory");
}

Test(campaign, lines_that_fit_the_checksum_and_nothing_else_are_refused) {
    const jc_campaign_options options = fixture_options();
    (void)fixture_run(&options);
    char path[700];
    (void)snprintf(path, sizeof path, "%s/" JC_JOURNAL_NAME, fixture.folder);
    FILE *file = fopen(path, "ab");
    cr_assert_not_null(file);
    (void)fputs("85944171f73967e8 foobar\n", file); // published with FNV-1a
    cr_assert_eq(fclose(file), 0);
    fixture_expect_failure(&options, JC_EFORMAT, "'foobar' is no line of a journal");
}
