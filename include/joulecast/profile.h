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
} jc_prediction;

/** Read a profile file. @retval JC_EFORMAT, JC_EPARSE (err says which check failed), JC_ENOENT, …
 */
JC_MUST_USE jc_status jc_profile_load(const char *path, jc_profile **out_profile, jc_error *err);

/** Free a profile; NULL is allowed. */
void jc_profile_free(jc_profile *profile);

/** Device and provenance. */
const jc_device *jc_profile_device(const jc_profile *profile);

/** True if the profile has a model of its own for the kind in the precision. */
bool jc_profile_covers(const jc_profile *profile, jc_kernel_kind kind, jc_precision precision);

/** Predict one kernel. Cannot fail: every kernel has at least a fallback. Nothing is negative. */
void jc_profile_predict(const jc_profile *profile, const jc_kernel *kernel,
                        jc_prediction *out_prediction);

/** "modelled", "extrapolated", "fallback", "free". */
const char *jc_confidence_name(jc_confidence confidence);

#ifdef __cplusplus
}
#endif

#endif
