// SPDX-License-Identifier: Apache-2.0
// What campaigns ask of a meter beside its readings: its delay, power at rest, clocks and heat.
#include "fixture.h"

#include "runtime/campaign/lag.h"
#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(campaign_meter, .init = fixture_set_up, .fini = fixture_tear_down);

// A meter that tells a step of 30 W 0.4 s late lacks 12 J in the first window.
Test(campaign_meter, lag_of_a_gpus_meter) {
    cr_expect_float_eq(lag_of(88, 2, 50, 20), 0.4, 1e-12);
    cr_expect_eq(lag_of(101, 2, 50, 20), 0, "noise is no foresight");
    cr_expect(isnan(lag_of(88, 2, 21, 20)));
    jc_executor gpu = fake_executor;
    gpu.is_gpu = true;
    jc_campaign_options options = fixture_options();
    options.executor = &gpu;
    fake.first_missing_j = 12;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_expect_float_eq(dataset->device.meter_lag_s, 0.4, 1e-9);
    // Its ends are known to a step of a millisecond in 2 s.
    cr_expect_float_eq(dataset->rows[0].measured.energy_rel_sd, 0.001 / (2 * sqrt(6)), 1e-9);
    jc_dataset_free(dataset);
    // A campaign that goes on knows it from its journal.
    fake.first_missing_j = 0;
    const int n_windows = fake.n_windows;
    (void)fixture_run(&options);
    dataset = fixture_load();
    cr_expect_float_eq(dataset->device.meter_lag_s, 0.4, 1e-9);
    cr_expect_eq(fake.n_windows, n_windows);
    jc_dataset_free(dataset);
}

// The fake meter tells 1000 MHz and one more with each window.
Test(campaign_meter, clocks_at_work_are_in_the_conditions) {
    jc_campaign_options options = fixture_options();
    options.n_kernels = 3;
    options.n_networks = 0;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_expect_not_null(strstr(dataset->device.conditions, "GPU at work 1001 MHz to 1006 MHz"), "%s",
                       dataset->device.conditions);
    jc_dataset_free(dataset);
}

static char *conditions_of(void) {
    static char text[512];
    jc_dataset *dataset = fixture_load();
    (void)snprintf(text, sizeof text, "%s", dataset->device.conditions);
    jc_dataset_free(dataset);
    return text;
}

// The one with most elements of the first block is refused, the next breaks, the third is too
// light: the fourth tells.
Test(campaign_meter, lag_is_told_by_the_first_kernel_that_can) {
    jc_executor gpu = fake_executor;
    gpu.is_gpu = true;
    jc_campaign_options options = fixture_options();
    options.executor = &gpu;
    options.n_kernels = 10;
    options.n_networks = 0;
    fixture.plan->repetitions = 1;
    fake.rest_w = 20;
    fake.refused = 1009;
    fake.failing = 1008;
    fake.light = 1007;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_expect_eq(dataset->device.meter_lag_s, 0);
    jc_dataset_free(dataset);
    cr_expect_str_eq(fixture.notes, "");
    cr_expect_eq(fake.n_rests, 4 + 1, "before each, and after the campaign");
    cr_expect_eq(fake.n_works, 2 * 2 + 8, "two windows for two of them, and the rows");
}

Test(campaign_meter, a_lag_that_cannot_be_told_is_said) {
    jc_executor gpu = fake_executor;
    gpu.is_gpu = true;
    jc_campaign_options options = fixture_options();
    options.executor = &gpu;
    options.n_kernels = 1;
    options.n_networks = 0;
    fake.rest_w = 20;
    fake.light = 1000;
    (void)fixture_run(&options);
    const char *why = "from 20 W at rest to 21 W at work";
    cr_expect_not_null(strstr(fixture.notes, "delay of the meter could not be measured"), "%s",
                       fixture.notes);
    cr_expect_not_null(strstr(fixture.notes, why), "%s", fixture.notes);
    const char *told = "delay of the meter not measured: power rises";
    cr_expect_not_null(strstr(conditions_of(), told), "%s", conditions_of());
    // A campaign that goes on knows that from its journal, and does not try again.
    const int n_works = fake.n_works;
    fixture.notes[0] = '\0';
    (void)fixture_run(&options);
    cr_expect_eq(fake.n_works, n_works);
    cr_expect_str_eq(fixture.notes, "");
    cr_expect_not_null(strstr(conditions_of(), told), "%s", conditions_of());
}

Test(campaign_meter, a_lag_without_kernels_is_said) {
    jc_executor gpu = fake_executor;
    gpu.is_gpu = true;
    jc_campaign_options options = fixture_options();
    options.executor = &gpu;
    options.n_kernels = 0;
    (void)fixture_run(&options);
    cr_expect_not_null(strstr(fixture.notes, "no kernel is among the first rows"), "%s",
                       fixture.notes);
    // Without a meter there is nothing to be late.
    fixture.notes[0] = '\0';
    jc_meter none = fake_meter;
    none.source = "none";
    options.meter = &none;
    (void)snprintf(fixture.folder + strlen(fixture.folder),
                   sizeof fixture.folder - strlen(fixture.folder), "-none");
    (void)fixture_run(&options);
    cr_expect_str_eq(fixture.notes, "");
}

// Power at rest is metered before and after, whatever ends a campaign.
Test(campaign_meter, rest_after_a_campaign_that_is_finished_stopped_or_out_of_budget) {
    jc_campaign_options options = fixture_options();
    options.n_kernels = 20;
    options.n_networks = 0;
    fake.rest_w = 20;
    fake.stop_after = 10;
    cr_expect_eq(fixture_run(&options).end, JC_CAMPAIGN_STOPPED);
    cr_expect_eq(fake.n_rests, 2 + 1, "and the window that was cut before anything ran in it");
    cr_expect_not_null(strstr(conditions_of(), "20 W at rest before, 20 W after"), "%s",
                       conditions_of());
    fake.stop = 0;
    fake.stop_after = 0;
    fake.n_rests = 0;
    options.budget_s = 1.05; // the rest before takes a second of it, a window a few µs
    fake.slow_s = 0.02;
    cr_expect_eq(fixture_run(&options).end, JC_CAMPAIGN_OUT_OF_BUDGET);
    cr_expect_eq(fake.n_rests, 2);
    options.budget_s = 0;
    fake.slow_s = 0;
    fake.n_rests = 0;
    fake.rest_w = 25;
    cr_expect_eq(fixture_run(&options).end, JC_CAMPAIGN_FINISHED);
    cr_expect_eq(fake.n_rests, 2);
    cr_expect_not_null(strstr(conditions_of(), "25 W at rest before, 25 W after"));
}

// What is too hot is measured again, and said where it stays so.
Test(campaign_meter, hot_windows_are_repeated_and_then_said) {
    const jc_campaign_options options = fixture_options();
    fake.heat_share = 0.4;
    fake.hot_windows = 2;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        cr_expect_eq(dataset->rows[i].measured.throttled_by_heat, 0);
    }
    cr_expect_eq(fake.n_windows, 2 * (N_KERNELS + N_NETWORKS) + 2);
    jc_dataset_free(dataset);
}

Test(campaign_meter, heat_that_stays_is_in_the_rows) {
    const jc_campaign_options options = fixture_options();
    fake.heat_share = 0.4;
    fake.hot_windows = 1000000;
    (void)fixture_run(&options);
    jc_dataset *dataset = fixture_load();
    cr_assert_eq(dataset->n_rows, 2 * N_KERNELS);
    cr_expect_float_eq(dataset->rows[0].measured.throttled_by_heat, 0.4, 1e-12);
    cr_expect_float_eq(dataset->rows[0].measured.throttled, 0.4, 1e-12);
    jc_dataset_free(dataset);
}
