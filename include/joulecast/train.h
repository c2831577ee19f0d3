// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Training: measured rows to a profile, and the errors of profiles on rows.
 *
 * Ownership: what a function returns, the caller frees; all else is borrowed for the call.
 * Results depend on the rows and the options and on nothing else: not on the number of threads.
 */
#ifndef JC_TRAIN_H
#define JC_TRAIN_H

#include <joulecast/dataset.h>
#include <joulecast/profile.h>
#include <joulecast/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A measured value, and what models that have not seen its configuration predict for it. */
typedef struct jc_held_out {
    size_t row; ///< index into the dataset's rows
    int fold;   ///< 0-based; repetitions of one configuration share it
    jc_target target;
    double measured; ///< this and the following in s, W or J, by target
    double predicted;
    double low; ///< ends of the 90 % interval
    double high;
} jc_held_out;

typedef struct jc_train_options {
    int n_folds;      ///< of both levels of the nested cross-validation, 2 to 100; default 10
    uint64_t seed;    ///< of the assignment to folds; default 1
    size_t max_terms; ///< of a model; default 78
    size_t n_lambdas; ///< of a lasso path; default 40
    double tolerance; ///< relative duality gap of the lasso; default 1e-4

    /** Told now and then what share of the work is done, 0 to 1; NULL (the default) = nobody. */
    void (*progress)(void *context, double share);
    void *progress_context;

    /** Told every prediction of the outer cross-validation, kernel by kernel; NULL (the default) =
     *  nobody. */
    void (*held_out)(void *context, const jc_held_out *held_out);
    void *held_out_context;
} jc_train_options;

jc_train_options jc_train_options_default(void);

/** Errors of one kernel and target. */
typedef struct jc_error_record {
    jc_kernel_kind kind;
    jc_precision precision;
    jc_target target;
    jc_errors errors;
    size_t training_rows; ///< of a learning curve: rows that each fit had; 0 elsewhere
} jc_error_record;

/** A table of errors, sorted by kernel, precision, training rows and target. */
typedef struct jc_error_table {
    jc_error_record *records;
    size_t n_records;
} jc_error_table;

/** Free a table; NULL is allowed. */
void jc_error_table_free(jc_error_table *table);

/**
 * Fit a profile.
 *
 * For each kernel and precision with enough rows: a runtime model, and a power model if there is a
 * meter; for all others a fallback from MACs and bytes. Repetitions of one configuration are never
 * split between folds. The errors that go into the profile are those of nested cross-validation:
 * no row of a test fold touches ranges, candidates, choice of terms, λ, backbone or intervals.
 * docs/METHOD.md has the equations and their sources.
 *
 * @param options  NULL for defaults.
 * @retval JC_EINVAL    an option out of its range
 * @retval JC_ERANGE    fewer than 2 configurations that can be used, of any kernel
 * @retval JC_ENOTCONV, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_train(const jc_dataset *dataset, const jc_train_options *options,
                               jc_profile **out_profile, jc_error *err);

/**
 * Held-out errors against the number of rows: do more rows still help?
 *
 * The rows of each fold of the outer cross-validation are predicted by fits on 50, 100, 200, … rows
 * and on all rows of the other folds; smaller sets are part of larger ones, and the configurations
 * in them are drawn by the seed. The last point of a kernel is what jc_train finds.
 *
 * @param options  NULL for defaults.
 * @retval JC_EINVAL    an option out of its range
 * @retval JC_ERANGE    no kernel with 3 configurations or more
 * @retval JC_ENOTCONV, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_learning_curve(const jc_dataset *dataset, const jc_train_options *options,
                                        jc_error_table **out_table, jc_error *err);

/** The held-out errors that a profile was trained with, as a table. */
JC_MUST_USE jc_status jc_profile_errors(const jc_profile *profile, jc_error_table **out_table);

/**
 * Errors of a profile on the rows of a dataset. They are out of sample only if the profile was
 * trained on others.
 *
 * @retval JC_ERANGE  no row of the dataset is of a kernel that the profile has a model of
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_evaluate(const jc_profile *profile, const jc_dataset *dataset,
                                  jc_error_table **out_table, jc_error *err);

/** A measured value, its prediction, and the interval that came with it. */
typedef struct jc_outcome {
    double measured;
    double predicted;
    double low;
    double high;
} jc_outcome;

/**
 * Error measures of predictions, as in the tables.
 *
 * @param pairs       [n], values > 0
 * @param out_errors  `terms` is 0
 * @retval JC_EINVAL  n = 0; @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_errors_compute(const jc_outcome *pairs, size_t n, jc_errors *out_errors);

/**
 * How far measured networks are from the sums of their layers, by conformal calibration (Lei et
 * al., JASA 113, 2018): docs/METHOD.md, section 8.
 *
 * @param pairs       [n], of networks, with the intervals that their layers alone give. Each is
 *                    widened by what the networks of all other groups ask for: what is held then is
 *                    held out.
 * @param group       [n], the same number for networks of one architecture
 * @param out_spread  for jc_network_spread: 90 % of the networks need no more
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_network_spread_find(jc_outcome *pairs, const size_t *group, size_t n,
                                             double *out_spread);

#ifdef __cplusplus
}
#endif

#endif
