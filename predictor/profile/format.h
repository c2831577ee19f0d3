// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What reader and writer of profile files share. The format, version 1:
 *
 *     format: joulecast-profile
 *     version: 1
 *     device: {name, machine, executor, meter, meter_step_s, date, source, license,
 *              skips_weights, skips_inputs, skips_outputs,  # declared; 0 if absent
 *              fuses: {conv2d: [batch_norm, add, activation]}}  # what the executor does within
 *                                # another kernel; absent = each kernel by itself
 *     provenance: {dataset_digest, trainer, seed, folds}
 *     kernels:                       # one item a kernel and precision
 *       - kernel: conv2d
 *         precision: f32
 *         rows: 1000                 # used
 *         configurations: 1000       # that differ
 *         dropped: [{reason: text, rows: 3, numbers: [17, 40, 41]}]    # the first 10
 *         ranges: {macs: [1, 2e9]}   # quantity: lowest and highest value in the rows
 *         widening: 0.3              # of intervals, per unit of log distance outside the ranges
 *         shared: {runtime: 0.2, energy: 0.2} # of squared half-widths, in sums; 1 if absent
 *         runtime:                   # seconds
 *           limits: [1e-9, null]     # the result is clamped to them; null = no limit
 *           bound: 1.0986            # of the correction's exponent
 *           backbone:                # sum of coefficient · Π quantity^exponent
 *             - {coefficient: 1e-11, macs: 1}
 *             - {coefficient: 1e-12, rows: 1, from: {width: 9}}  # a regime: counts where
 *                                # width ≥ 9; `below` where it is less; up to four conditions
 *           variables:               # log(q/at), `hinge` max(0, log(q/at)), `step` 1 where
 *             - {name: macs, log: macs, at: 1e6}       # q ≥ at, `below` 1 where q < at
 *           terms:                   # correction: exp(Σ coefficient · Π variable^exponent)
 *             - {coefficient: 0.1, macs: 2}
 *           spread:                  # quantiles 5 % and 95 % of log(measured/predicted)
 *             - {at: -7.5, low: -0.2, high: 0.2}     # at: log of the prediction
 *           held_out: {rows, terms, rmspe, mape, mdape, within_10, within_20, bias, coverage_90}
 *         power:                     # watts, as runtime; absent without a meter
 *         energy: {spread, held_out} # of runtime · power; absent without a meter
 *     fallback:                      # as a kernel, without `kernel` and `precision`
 *     digest: fnv1a64-…              # of all bytes before this line
 */
#ifndef JC_PROFILE_FORMAT_H
#define JC_PROFILE_FORMAT_H

#include "model.h"

#define PROFILE_FORMAT     "joulecast-profile"
#define PROFILE_DIGEST_KEY "digest: "

enum { PROFILE_VERSION = 1 };

/** Keys of variables, by model_transform. */
extern const char *const profile_transforms[MODEL_TRANSFORMS];

/** Keys of regimes, by model_side. */
extern const char *const profile_sides[2];

/** What a device is declared to skip: name and place. */
typedef struct profile_skip {
    const char *name;
    unsigned long offset; ///< of a double in jc_device
} profile_skip;

enum { PROFILE_SKIPS = 3 };

extern const profile_skip profile_skips[PROFILE_SKIPS];

/** Fields of jc_errors after `rows` and `terms`: name and place. */
typedef struct profile_error_field {
    const char *name;
    unsigned long offset; ///< of a double in jc_errors
} profile_error_field;

enum { PROFILE_ERROR_FIELDS = 7 };

extern const profile_error_field profile_error_fields[PROFILE_ERROR_FIELDS];

#endif
