// SPDX-License-Identifier: Apache-2.0
#include "throttle.h"

#include "common/clock.h"
#include "runtime/meter/ticker.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

// Between two looks at the reasons: as often as the board renews its readings at best.
#define LOOK_S 0.02

// What holds clocks down.
enum { BY_POWER, BY_HEAT, N_POLICIES };

struct throttle {
    const nvml_library *library;
    nvml_device_handle device;
    double summed_s[N_POLICIES]; // by the driver, at the beginning of a window; NaN = not told
    ticker *looks;               // NULL where the driver sums
    double looked_s[N_POLICIES]; // within the window, by the reasons; NaN = one was not told
    double last_s;               // when they were last looked at
};

// Seconds in which a policy has held down the clocks, since the driver was loaded.
static double read_summed_s(const throttle *t, int policy) {
    static const int policies[N_POLICIES] = {NVML_VIOLATION_POWER, NVML_VIOLATION_THERMAL};
    nvml_violation violation = {0};
    return t->library->get_violation != NULL &&
                   t->library->get_violation(t->device, policies[policy], &violation) ==
                       NVML_SUCCESS
               ? (double)violation.violation_ns * 1e-9
               : (double)NAN;
}

static bool read_reasons(const throttle *t, unsigned long long *out_reasons) {
    return t->library->get_reasons != NULL &&
           t->library->get_reasons(t->device, out_reasons) == NVML_SUCCESS;
}

// A slowdown by the hardware that is not said to be the power brake is taken for heat: such windows
// are measured again, which does less harm than rows that nobody doubts.
static bool is_held_by(unsigned long long reasons, int policy) {
    const unsigned long long by_power = NVML_REASON_POWER_CAP | NVML_REASON_POWER_BRAKE;
    const unsigned long long by_heat = NVML_REASON_HEAT | NVML_REASON_HARDWARE_HEAT;
    if (policy == BY_POWER) {
        return (reasons & by_power) != 0;
    }
    return (reasons & by_heat) != 0 ||
           ((reasons & NVML_REASON_HARDWARE) != 0 && (reasons & NVML_REASON_POWER_BRAKE) == 0);
}

// The time since the last look is that of what is seen now.
static void look(void *context) {
    throttle *t = context;
    unsigned long long reasons = 0;
    const bool is_told = read_reasons(t, &reasons);
    const double now_s = clock_now_s();
    for (int i = 0; i < N_POLICIES; ++i) {
        if (!is_told) {
            t->looked_s[i] = (double)NAN;
        } else if (is_held_by(reasons, i)) {
            t->looked_s[i] += now_s - t->last_s;
        }
    }
    t->last_s = now_s;
}

jc_status throttle_create(const nvml_library *library, nvml_device_handle device,
                          throttle **out_throttle, jc_error *err) {
    throttle *t = calloc(1, sizeof *t);
    unsigned long long reasons = 0;
    if (t == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    t->library = library;
    t->device = device;
    const bool sums = !isnan(read_summed_s(t, BY_POWER)) && !isnan(read_summed_s(t, BY_HEAT));
    if (!sums && read_reasons(t, &reasons)) {
        const jc_status status = ticker_create(LOOK_S, look, t, &t->looks, err);
        if (status != JC_OK) {
            free(t);
            return status;
        }
    }
    *out_throttle = t;
    return JC_OK;
}

void throttle_free(throttle *t) {
    if (t != NULL) {
        ticker_free(t->looks);
        free(t);
    }
}

void throttle_begin(throttle *t) {
    for (int i = 0; i < N_POLICIES; ++i) {
        t->summed_s[i] = read_summed_s(t, i);
        if (t->looks == NULL) {
            t->looked_s[i] = (double)NAN;
        }
    }
    if (t->looks != NULL) {
        ticker_lock(t->looks);
        for (int i = 0; i < N_POLICIES; ++i) {
            t->looked_s[i] = 0;
        }
        t->last_s = clock_now_s();
        ticker_start(t->looks);
        ticker_unlock(t->looks);
    }
}

void throttle_end(throttle *t, jc_meter_window *window) {
    double held_s[N_POLICIES];
    if (t->looks != NULL) {
        ticker_lock(t->looks);
        ticker_stop(t->looks);
        look(t);
        ticker_unlock(t->looks);
    }
    for (int i = 0; i < N_POLICIES; ++i) {
        const double summed_s = read_summed_s(t, i) - t->summed_s[i];
        // The looks begin a little before the window, and end a little after it.
        const double looked_s =
            isnan(t->looked_s[i]) ? t->looked_s[i] : fmin(t->looked_s[i], window->duration_s);
        held_s[i] = isnan(summed_s) ? looked_s : summed_s;
    }
    window->throttled_by_heat_s = held_s[BY_HEAT];
    window->throttled_s = held_s[BY_POWER] + held_s[BY_HEAT];
}
