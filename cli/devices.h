// SPDX-License-Identifier: Apache-2.0
/** @file Devices that are compared: profiles (-p) and descriptions of accelerators (-a). */
#ifndef JC_CLI_DEVICES_H
#define JC_CLI_DEVICES_H

#include "command.h"

#include <joulecast/accelerator.h>

enum { MAX_DEVICES = 32 }; ///< of either sort

/** What -p, -a and --analytic name; the first member of what `cli_options.extra` points to. */
typedef struct device_names {
    const char *profiles[MAX_DEVICES]; ///< [n_profiles]
    size_t n_profiles;
    const char *accelerators[MAX_DEVICES]; ///< [n_accelerators]
    size_t n_accelerators;
} device_names;

extern const cli_option cli_option_profiles, cli_option_accelerators, cli_option_analytic;

/** A device with what prices kernels on it. */
typedef struct device {
    const char *name;
    const char *machine; ///< in words; "" = not known
    jc_profile *profile; ///< or
    jc_accelerator *accelerator;
    jc_source source;
} device;

typedef struct device_list {
    device items[2 * MAX_DEVICES];
    size_t n;
} device_list; ///< safe at {0}

/** Load all devices that are named, profiles first; the default profile where there is none.
 * @param power  for the profiles without measured power, of which there must be one if it is
 *               declared */
JC_MUST_USE jc_status devices_load(const device_names *names, const cli_power *power,
                                   device_list *list, jc_error *err);
void devices_clear(device_list *list);

/** Where joules come from on a device; NULL where there are none. */
const char *device_energy_source(const device *d, const jc_totals *totals);

/** One sentence for people on where its prices come from. */
void device_describe(const device *d, const jc_totals *baseline, char *buffer, size_t size);

#endif
