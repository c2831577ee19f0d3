// SPDX-License-Identifier: Apache-2.0
/** @file A library that looks like NVIDIA's, and does what a test tells it to. */
#ifndef JC_TEST_FAKE_NVML_H
#define JC_TEST_FAKE_NVML_H

#include <stdbool.h>

typedef struct fake_nvml {
    unsigned n_gpus;
    // What calls answer; 0 = success.
    int init, count, by_index, by_address, name, mig, power, energy, fields, field, temperature,
        violation, modes, clock, reasons;
    unsigned mig_mode;
    int field_type;
    const char *address; ///< the one that by_address was last asked for
    int n_running;       ///< calls of init that succeeded, less those of shutdown

    bool moves; ///< energy and power change by themselves, once in step_s
    double step_s;
    double begin_s; ///< of the moving; 0 = not yet
    double watts;   ///< of the energy that moves
    unsigned long long energy_mj;
    unsigned power_mw;
    unsigned celsius;
    int violation_heat; ///< of that policy alone
    unsigned long long violation_ns[2];
    unsigned long long reason_bits;
} fake_nvml;

/** Name of the variable of the library. */
#define FAKE_NVML_SYMBOL "fake_nvml_state"

#endif
