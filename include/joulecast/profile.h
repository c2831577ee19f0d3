// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Profiles: what one device and executor cost, as fitted models that a person can read.
 *
 * Ownership: what a `load` returns, the caller frees; every other pointer is borrowed.
 * A loaded profile is read-only and may be shared by threads.
 */
#ifndef JC_PROFILE_H
#define JC_PROFILE_H

#include <joulecast/dataset.h>
#include <joulecast/kernel.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jc_profile jc_profile;

/** Where a prediction comes from. */
typedef enum jc_confidence {
    JC_CONFIDENCE_MODELLED,     ///< a model of this kernel, inside the range of its rows
    JC_CONFIDENCE_EXTRAPOLATED, ///< a model of this kernel, outside the range of its rows
    JC_CONFIDENCE_FALLBACK,     ///< no rows of this kernel: from its MACs and bytes alone
    JC_CONFIDENCE_FREE,         ///< no work at inference
} jc_confidence;

/** Predicted cost of one kernel. Power and energy are NaN where the profile has no meter. */
typedef struct jc_prediction {
    double runtime_s;
    double runtime_low_s; ///< 90 % interval
    double runtime_high_s;
    double power_w;
    double energy_j; ///< runtime_s · power_w
    double energy_low_j;
    double energy_high_j;
    jc_confidence confidence;
    /** Share of the squared half-widths of the intervals that other kernels priced by the same
     * model have in common: 0 = errors are each kernel's own and partly cancel in sums, 1 = they
     * are one error. */
    double runtime_shared;
    double energy_shared;
} jc_prediction;

/** How far predictions were from rows they had not seen. Errors are fractions: 0.12 is 12 %. */
typedef struct jc_errors {
    size_t rows;
    size_t terms;     ///< kept, backbone included
    double rmspe;     ///< √mean((ŷ − y)²/y²)
    double mape;      ///< mean |ŷ − y|/y
    double mdape;     ///< median |ŷ − y|/y
    double within_10; ///< share of rows with |ŷ − y|/y ≤ 0.1
    double within_20;
    double bias;        ///< Σŷ/Σy − 1
    double coverage_90; ///< share of rows inside their 90 % interval
} jc_errors;

/** What a model is asked for. */
typedef enum jc_target { JC_TARGET_RUNTIME, JC_TARGET_POWER, JC_TARGET_ENERGY } jc_target;

enum { JC_TARGET_COUNT = JC_TARGET_ENERGY + 1, JC_DIGEST_SIZE = 40 };

/** Where a profile comes from, beyond the device. */
typedef struct jc_provenance {
    char dataset_digest[JC_DIGEST_SIZE]; ///< of the rows, in order
    char trainer[32];                    ///< program and version
    uint64_t seed;                       ///< of the folds
    int n_folds;
} jc_provenance;

/**
 * Find the file of a shipped profile by name.
 *
 * Looks in the folders of JOULECAST_PROFILE_PATH (colon-separated) for `NAME.yaml` and
 * `NAME/profile.yaml`, then beside the source tree in an uninstalled build, then where profiles are
 * installed.
 *
 * @param name    NULL for the default profile.
 * @param buffer  [size] receives the path.
 * @retval JC_ENOENT  err names a close name
 * @retval JC_ERANGE  the path is longer than the buffer
 */
JC_MUST_USE jc_status jc_profile_find(const char *name, char *buffer, size_t size, jc_error *err);

/** Read a profile file. @retval JC_EFORMAT, JC_EPARSE (err says which check failed), JC_ENOENT, …
 */
JC_MUST_USE jc_status jc_profile_load(const char *path, jc_profile **out_profile, jc_error *err);

/**
 * Write a profile file: beside its name first, then renamed, so that no reader sees half of it.
 * What is loaded again predicts the same to the last bit.
 */
JC_MUST_USE jc_status jc_profile_save(const jc_profile *profile, const char *path, jc_error *err);

/** Free a profile; NULL is allowed. */
void jc_profile_free(jc_profile *profile);

/** Device the rows were measured on. */
const jc_device *jc_profile_device(const jc_profile *profile);

/** What the executor does within another kernel; NULL where each kernel stands by itself. */
const jc_fusion *jc_profile_fusion(const jc_profile *profile);

/** True if some model asks for a kernel's reuse_bytes, which its rows said then. */
bool jc_profile_prices_reuse(const jc_profile *profile);

const jc_provenance *jc_profile_provenance(const jc_profile *profile);

/** How far whole networks are from the sum of their layers, beyond the layers' own intervals. */
typedef struct jc_network_spread {
    int64_t rows;   ///< of networks that were measured; 0 = none, and nothing is known
    double runtime; ///< of ln(measured/predicted) either way, 0 or more
    double energy;
} jc_network_spread;

/** What a profile knows of networks in a precision. It widens their intervals, and changes no
 *  prediction. */
jc_network_spread jc_profile_network_spread(const jc_profile *profile, jc_precision precision);

/** Set it: `rows` from 1, the others finite. */
void jc_profile_set_network_spread(jc_profile *profile, jc_precision precision,
                                   const jc_network_spread *spread);

enum { JC_DROPPED_NUMBERS = 10 };

/** Rows that training left out, wholly or in part, or distrusted, for one reason. */
typedef struct jc_dropped {
    const char *reason;
    int64_t rows;
    int64_t numbers[JC_DROPPED_NUMBERS]; ///< [n_numbers] of the first of them in `<kernel>.csv`,
                                         ///< from 1
    size_t n_numbers;                    ///< 0 where an older profile does not tell them
} jc_dropped;

/** One kernel in one precision that a profile has a model of its own for. */
typedef struct jc_coverage {
    jc_kernel_kind kind;
    jc_precision precision;
    size_t rows;               ///< measured rows it was fitted on
    bool has_power;            ///< false: runtime only
    const jc_dropped *dropped; ///< [n_dropped], the profile's
    size_t n_dropped;
    jc_errors held_out[JC_TARGET_COUNT]; ///< rows = 0 where the target has no model
} jc_coverage;

size_t jc_profile_n_kernels(const jc_profile *profile);

/** @param i < jc_profile_n_kernels */
void jc_profile_coverage(const jc_profile *profile, size_t i, jc_coverage *out_coverage);

/** True if the profile has a model of its own for the kind in the precision. */
bool jc_profile_covers(const jc_profile *profile, jc_kernel_kind kind, jc_precision precision);

/** True if some kernel of the profile has measured power. */
bool jc_profile_has_power(const jc_profile *profile);

/**
 * Give a profile without a meter the watts that its device takes under load: energies are these
 * times the predicted runtimes, and the device's meter is `declared`. Before anything is priced.
 *
 * @retval JC_EFORMAT  the profile has measured power, which a declared one must not replace
 */
JC_MUST_USE jc_status jc_profile_declare_power(jc_profile *profile, double full_w, jc_error *err);

/** Predict one kernel. Cannot fail: every kernel has at least a fallback. Nothing is negative. */
void jc_profile_predict(const jc_profile *profile, const jc_kernel *kernel,
                        jc_prediction *out_prediction);

/** "runtime", "power", "energy". */
const char *jc_target_name(jc_target target);

/** "modelled", "extrapolated", "fallback", "free". */
const char *jc_confidence_name(jc_confidence confidence);

#ifdef __cplusplus
}
#endif

#endif
