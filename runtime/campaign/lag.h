// SPDX-License-Identifier: Apache-2.0
/** @file How far the answers of a meter lag behind what a machine does. */
#ifndef JC_CAMPAIGN_LAG_H
#define JC_CAMPAIGN_LAG_H

#include <joulecast/campaign.h>

#include <stdbool.h>

/** What came of a try to measure it. */
typedef struct lag_answer {
    double lag_s;  ///< NaN = it cannot be told
    char why[200]; ///< not; "" where the work was to end
    bool has_run;  ///< it took its time
} lag_answer;

/**
 * The mean delay of a meter: a machine at rest goes to work, and what is missing in the energy of
 * the first window, against a machine that worked from its beginning, is the delay times the rise
 * of the power. Of a sensor that averages over a time it is half of that time.
 *
 * @param energy_j  in the window of duration_s that begins with the work
 * @param work_w    later
 * @return          s, ≥ 0; NaN where the rise is too small to tell
 */
double lag_of(double energy_j, double duration_s, double work_w, double rest_w);

/**
 * Measure it with a kernel, after a time of rest. Takes some four seconds.
 *
 * @param rest_w      power at rest
 * @param out_answer  the kernel being refused or too small is among the reasons why not
 * @retval JC_ENOMETER, JC_EPERM  the meter is gone
 */
JC_MUST_USE jc_status lag_measure(const jc_campaign_options *options, const jc_kernel *kernel,
                                  double rest_w, lag_answer *out_answer, jc_error *err);

#endif
