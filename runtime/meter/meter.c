// SPDX-License-Identifier: Apache-2.0
// The table of meters.
#include "meter_list.h"

#include <string.h>

static const jc_meter *const meters[] = {
    &meter_command,   &meter_declared, &meter_rapl_powercap,
    &meter_rapl_perf, &meter_hwmon,    &meter_battery,
    &meter_nvml,      &meter_none,     NULL,
};

const jc_meter *const *jc_meters(void) {
    return meters;
}

const jc_meter *jc_meter_find(const char *name) {
    const jc_meter *const *row = meters;
    while (*row != NULL && strcmp((*row)->name, name) != 0) {
        ++row;
    }
    return *row;
}
