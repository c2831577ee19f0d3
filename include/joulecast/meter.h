// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Meters: what tells the energy a machine has used.
 *
 * A meter is a row of a table (runtime/meter/meter.c), one file each. It is read at both ends of a
 * window; meters that only know power sample it in between, in a thread of their own.
 *
 * Ownership: what an `open` returns, the caller closes; every other pointer is borrowed for the
 * call. A handle is used by one thread at a time.
 */
#ifndef JC_METER_H
#define JC_METER_H

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jc_meter_options {
    int root_fd;         ///< folder that stands for "/": recorded machines are read by tests
    const char *device;  ///< meter `nvml`: PCI address of the GPU, "0000:01:00.0"; NULL = the first
    const char *command; ///< meter `command`: program and arguments; else NULL
    double timeout_s;    ///< meter `command`: longest wait for an answer; 0 = 10 s
    double idle_w;       ///< meter `declared`: watts given by the user; NaN = not given
    double full_w;
} jc_meter_options;

/** What a meter is, for device.yaml and `joulecast meters`. */
typedef struct jc_meter_info {
    char domains[128]; ///< what is added up: "package-0 + package-1"
    double step_s;     ///< time between updates, as measured when it was opened; NaN = no steps

    /// Watts at rest where the user declared them: a window without work would not tell them.
    /// NaN = not declared, so idle power is what such a window measures.
    double declared_idle_w;

    // Of a GPU, as its owner set it: read, never changed. "" = not told.
    char clocks[64]; ///< now, and at most: "SM 1755 of 1980 MHz, memory …"
    char limits[40]; ///< power limit in force, modes: "at most 700 W, persistent"
    char memory[64]; ///< "80.0 GiB, driver 580.95.05"
} jc_meter_info;

/** Energy of one window. */
typedef struct jc_meter_window {
    double energy_j;   ///< NaN where the meter knows none (`none`)
    double duration_s; ///< between the two readings, CLOCK_MONOTONIC
    double error_j;    ///< standard deviation of energy_j from steps and gaps; NaN = unknown
    double gap_s;      ///< longest time without a sample, power meters only; else 0

    double temperature_c; ///< at the end, of what is measured; NaN = unknown
    double throttled_s;   ///< in which heat or a power limit held down the clocks; NaN = unknown
    double throttled_by_heat_s; ///< of it, by heat
    double clock_hz;            ///< at the end, of what is measured; NaN = unknown
} jc_meter_window;

typedef struct jc_meter_handle jc_meter_handle; ///< an open meter

/** A row of the meter table. */
typedef struct jc_meter {
    const char *name;    ///< "rapl-powercap"
    const char *source;  ///< what rows and reports call it: "rapl", "nvml", "hwmon", "battery",
                         ///< "external", "declared", "none"
    const char *summary; ///< one line
    bool is_gpu; ///< measures a GPU alone: of use for executors that run there, and no others

    /**
     * Open it and measure its update step.
     *
     * @retval JC_ENOMETER  not on this machine; err says why and what to do
     * @retval JC_EPERM     there, but not for this user; err says what to do
     */
    jc_status (*open)(const jc_meter_options *options, jc_meter_handle **out_handle, jc_error *err);
    void (*close)(jc_meter_handle *handle); ///< NULL is allowed
    void (*describe)(const jc_meter_handle *handle, jc_meter_info *out_info);

    /** Begin a window. */
    jc_status (*begin)(jc_meter_handle *handle, jc_error *err);

    /**
     * End the window that was begun.
     *
     * @retval JC_ENOMETER  the meter is gone
     * @retval JC_EIO       it answers nonsense: goes backwards, sticks, is no number
     */
    jc_status (*end)(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err);
} jc_meter;

/** All meters of this build, NULL-terminated, the preferred ones first; `none` is the last. */
const jc_meter *const *jc_meters(void);

/** Find a meter by name; NULL if there is none of that name. */
const jc_meter *jc_meter_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
