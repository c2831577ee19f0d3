// SPDX-License-Identifier: Apache-2.0
/** @file The rows of one kernel that training can use: cleaned, weighed, and dealt to folds. */
#ifndef JC_TRAIN_ROWS_H
#define JC_TRAIN_ROWS_H

#include "predictor/profile/model.h"

#include <joulecast/dataset.h>
#include <joulecast/train.h>

/** One usable row. */
typedef struct train_row {
    const jc_kernel *kernel;
    size_t number;        ///< index into the rows of the dataset
    size_t group;         ///< configuration: equal kernels, equal group
    double runtime_s;     ///< > 0
    double power_w;       ///< > 0, or NaN
    double runtime_noise; ///< relative standard deviation of the measurement; 0 = unknown
    double power_noise;
} train_row;

typedef struct train_rows {
    jc_kernel_kind kind;
    jc_precision precision;
    train_row *rows;
    size_t n_rows;
    size_t n_groups;
    size_t n_power; ///< rows with power
    uint64_t *group_hash;
    jc_dropped *dropped;
    size_t n_dropped;
} train_rows;

/** Collect a kernel's rows; everything lives in the arena. @retval JC_ENOMEM */
JC_MUST_USE jc_status train_rows_collect(const jc_dataset *dataset, jc_kernel_kind kind,
                                         jc_precision precision, jc_arena *arena,
                                         train_rows *out_rows);

/** Configurations in an order that depends on their sizes and the seed alone.
 *  @param out_order [n_groups] @retval JC_ENOMEM */
JC_MUST_USE jc_status train_rows_shuffle(const train_rows *set, uint64_t seed, size_t *out_order);

/** Fold of each of n rows (indices into the set): configurations are shuffled and dealt
 *  in turn. @param out_fold [n] @retval JC_ENOMEM */
JC_MUST_USE jc_status train_rows_deal(const train_rows *set, const size_t *index, size_t n,
                                      int n_folds, uint64_t seed, int *out_fold);

#endif
