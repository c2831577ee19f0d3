// SPDX-License-Identifier: Apache-2.0
/** @file The rows of the meter table, one file each. */
#ifndef JC_METER_LIST_H
#define JC_METER_LIST_H

#include <joulecast/meter.h>

extern const jc_meter meter_battery, meter_command, meter_declared, meter_hwmon, meter_none,
    meter_nvml, meter_rapl_perf, meter_rapl_powercap;

#endif
