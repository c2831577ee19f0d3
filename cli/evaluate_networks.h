// SPDX-License-Identifier: Apache-2.0
/** @file Whole networks that were measured in one piece, beside their predictions. */
#ifndef JC_CLI_EVALUATE_NETWORKS_H
#define JC_CLI_EVALUATE_NETWORKS_H

#include <joulecast/train.h>

/** Records of runtime and of energy, for each precision. */
enum { NETWORK_RECORDS = 2 * JC_PRECISION_COUNT };

/**
 * Predict every network of a dataset and compare. A network that is not found, or that was measured
 * with another input than its architecture takes, is left out and reported on standard error.
 *
 * @param records  [NETWORK_RECORDS]; kind JC_KERNEL_NONE.
 * @param out_n    records that were filled: 0 where no network could be predicted
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status evaluate_networks(const jc_profile *profile, const jc_dataset *dataset,
                                        jc_error_record *records, size_t *out_n, jc_error *err);

/**
 * Let a profile that was just trained know how far networks are from the sums of their layers, by
 * those of its dataset. Otherwise as evaluate_networks; `coverage_90` of the records is of
 * intervals that the other architectures gave.
 */
JC_MUST_USE jc_status calibrate_networks(jc_profile *profile, const jc_dataset *dataset,
                                         jc_error_record *records, size_t *out_n, jc_error *err);

#endif
