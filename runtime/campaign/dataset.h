// SPDX-License-Identifier: Apache-2.0
/** @file The dataset of a campaign. */
#ifndef JC_CAMPAIGN_DATASET_H
#define JC_CAMPAIGN_DATASET_H

#include "state.h"

/** Describe the machine, executor and meter of a campaign. */
void dataset_describe(const jc_campaign_options *options, jc_device *out_device);

/** Write all rows that are good; nothing where there is none. */
JC_MUST_USE jc_status dataset_write(const jc_campaign_options *options, const campaign_state *state,
                                    const jc_device *device, jc_error *err);

/** Fail where a folder has rows that no journal accounts for: they would be lost.
 *  @param path  of the journal */
JC_MUST_USE jc_status dataset_check_folder(const char *folder, const char *path, jc_error *err);

#endif
