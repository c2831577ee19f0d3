// SPDX-License-Identifier: Apache-2.0
/** @file Rows that are made up, for tests that know the law behind them. */
#ifndef JC_TESTS_TRAIN_MADE_UP_H
#define JC_TESTS_TRAIN_MADE_UP_H

#include <joulecast/train.h>

/** Where the numbers of made_up_uniform begin; any but 0. */
void made_up_seed(uint64_t seed);

/** Uniform in [0, 1): xorshift64*. */
double made_up_uniform(void);

/** A measurement of which the runtime alone is known. */
jc_measurement made_up_runtime(double runtime_s);

/** The profile of rows, which has to come about. */
jc_profile *made_up_train(jc_row *rows, size_t n);

#endif
