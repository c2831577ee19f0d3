// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

campaign_fixture fixture;

// But for what the host takes of this machine, which is no news about the campaign.
static void take_note(void *context, const char *text) {
    (void)context;
    if (strncmp(text, "the hypervisor gave", strlen("the hypervisor gave")) != 0) {
        (void)strncat(fixture.notes, text, sizeof fixture.notes - strlen(fixture.notes) - 1);
    }
}

// relu of 1000, 1001, … elements.
void fixture_set_up(void) {
    cr_assert_eq(jc_plan_load(NULL, &fixture.plan, NULL), JC_OK);
    fixture.plan->adaptive = 0;
    for (int i = 0; i < N_KERNELS; ++i) {
        fixture.kernels[i] = (jc_kernel){.kind = JC_KERNEL_RELU, .size = {1, 1000 + i}};
    }
    for (int i = 0; i < N_NETWORKS; ++i) {
        fixture.networks[i] = (jc_network){.name = "net", .batch_size = 1 + i};
    }
    (void)snprintf(fixture.folder, sizeof fixture.folder, "%s/rows", folder_make());
    fixture.notes[0] = '\0';
}

void fixture_tear_down(void) {
    jc_plan_free(fixture.plan);
}

jc_campaign_options fixture_options(void) {
    jc_executor_handle *executor = NULL;
    jc_meter_handle *meter = NULL;
    cr_assert_eq(fake_executor.open(NULL, &executor, NULL), JC_OK);
    cr_assert_eq(fake_meter.open(NULL, &meter, NULL), JC_OK);
    return (jc_campaign_options){
        .folder = fixture.folder,
        .plan = fixture.plan,
        .kernels = fixture.kernels,
        .n_kernels = N_KERNELS,
        .networks = fixture.networks,
        .n_networks = N_NETWORKS,
        .executor = &fake_executor,
        .executor_handle = executor,
        .meter = &fake_meter,
        .meter_handle = meter,
        .max_load = 1,
        .stop = &fake.stop,
        .listener = {.note = take_note},
    };
}

jc_campaign_report fixture_run(const jc_campaign_options *options) {
    jc_campaign_report report;
    jc_error err = {.message = ""};
    cr_assert_eq(jc_campaign_run(options, &report, &err), JC_OK, "%s", err.message);
    return report;
}

void fixture_expect_failure(const jc_campaign_options *options, jc_status expected,
                            const char *message) {
    jc_campaign_report report;
    jc_error err = {.message = ""};
    cr_expect_eq(jc_campaign_run(options, &report, &err), expected, "%s", err.message);
    cr_expect_not_null(strstr(err.message, message), "%s", err.message);
}

jc_dataset *fixture_load(void) {
    jc_dataset *dataset = NULL;
    jc_error err = {.message = ""};
    cr_assert_eq(jc_dataset_load(fixture.folder, &dataset, &err), JC_OK, "%s", err.message);
    return dataset;
}

size_t fixture_count_rows(void) {
    jc_dataset *dataset = fixture_load();
    const size_t n = dataset->n_rows;
    jc_dataset_free(dataset);
    return n;
}
