// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What held down the clocks of a GPU while a window was open: by the driver's sums of such time,
 * or, where it has none, by the reasons that it tells at a moment, looked at again and again.
 *
 * Ownership: what throttle_create returns, the caller frees; the library is borrowed until then.
 */
#ifndef JC_METER_NVML_THROTTLE_H
#define JC_METER_NVML_THROTTLE_H

#include "library.h"

#include <joulecast/meter.h>

typedef struct throttle throttle;

/** @retval JC_ENOMEM  also where no thread can be started */
JC_MUST_USE jc_status throttle_create(const nvml_library *library, nvml_device_handle device,
                                      throttle **out_throttle, jc_error *err);
void throttle_free(throttle *throttle); ///< NULL is allowed

void throttle_begin(throttle *throttle);

/** Fill throttled_s and throttled_by_heat_s; NaN where the driver tells nothing. */
void throttle_end(throttle *throttle, jc_meter_window *window);

#endif
