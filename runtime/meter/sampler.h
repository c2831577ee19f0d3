// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A thread that samples a power sensor while a window is open.
 *
 * Ownership: what sampler_create returns, the caller frees; the sensor is borrowed until then.
 */
#ifndef JC_METER_SAMPLER_H
#define JC_METER_SAMPLER_H

#include "handle.h"

typedef struct sampler sampler;

/** Read a sensor once. @retval JC_EIO  also where it tells no power */
JC_MUST_USE jc_status sampler_read(const meter_power *power, double *out_w, jc_error *err);

/** @param step_s  time between renewals of the sensor */
JC_MUST_USE jc_status sampler_create(const meter_power *power, double step_s, sampler **out_sampler,
                                     jc_error *err);

/** Stop the thread and free; NULL is allowed. */
void sampler_free(sampler *sampler);

/** Take the first sample, and more of them from now on. */
JC_MUST_USE jc_status sampler_begin(sampler *sampler, jc_error *err);

/** Take the last sample; the first failure since sampler_begin is returned. */
JC_MUST_USE jc_status sampler_end(sampler *sampler, jc_meter_window *out_window, jc_error *err);

#endif
