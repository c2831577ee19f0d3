// SPDX-License-Identifier: Apache-2.0
/** @file Private to the meter `nvml` and its test, which has a library of its own. */
#ifndef JC_METER_NVML_H
#define JC_METER_NVML_H

#include <joulecast/meter.h>

/** A meter's open, with another library. @param path  as of dlopen */
jc_status nvml_open(const jc_meter_options *options, const char *path, jc_meter_handle **out_handle,
                    jc_error *err);

#endif
