// SPDX-License-Identifier: Apache-2.0
/** @file What the tests of campaigns share: a plan of small kernels on hardware that is a formula.
 */
#ifndef JC_TESTS_CAMPAIGN_FIXTURE_H
#define JC_TESTS_CAMPAIGN_FIXTURE_H

#include "fake_hardware.h"

#include <joulecast/campaign.h>

enum { N_KERNELS = 100, N_NETWORKS = 5 };

typedef struct campaign_fixture {
    jc_kernel kernels[N_KERNELS];
    jc_network networks[N_NETWORKS];
    jc_plan *plan;
    char folder[600];
    char notes[4096]; ///< all that the campaign said
} campaign_fixture;

extern campaign_fixture fixture;

void fixture_set_up(void);
void fixture_tear_down(void);

jc_campaign_options fixture_options(void);

/** Run a campaign that has to succeed. */
jc_campaign_report fixture_run(const jc_campaign_options *options);

/** Run a campaign that has to fail so, with this in its message. */
void fixture_expect_failure(const jc_campaign_options *options, jc_status expected,
                            const char *message);

/** The dataset that was measured; the caller frees it. */
jc_dataset *fixture_load(void);

size_t fixture_count_rows(void);

#endif
