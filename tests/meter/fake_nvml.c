// SPDX-License-Identifier: Apache-2.0
// A library that looks like NVIDIA's. FAKE_OLD: without what old ones lack; FAKE_BROKEN: without
// what none may lack. FAKE_AT_WORK: of a GPU that is busy, for programs as a whole.
#include "fake_nvml.h"

#include "common/clock.h"
#include "runtime/meter/nvml/library.h"

#include <stdio.h>
#include <string.h>

extern fake_nvml fake_nvml_state;
fake_nvml fake_nvml_state
#ifdef FAKE_AT_WORK // whoever opens it finds a GPU that draws 120 W
    = {.n_gpus = 1,
       .field_type = 1,
       .moves = true,
       .step_s = 0.01,
       .watts = 120,
       .power_mw = 120000,
       .celsius = 50}
#endif
;

static int device; // its address is a handle

#define F fake_nvml_state

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device_handle *out);
int nvmlDeviceGetPowerUsage(nvml_device_handle d, unsigned *mw);
const char *nvmlErrorString(int error);
int nvmlDeviceGetHandleByPciBusId_v2(const char *address, nvml_device_handle *out);
int nvmlDeviceGetName(nvml_device_handle d, char *name, unsigned size);
int nvmlDeviceGetMigMode(nvml_device_handle d, unsigned *now, unsigned *pending);
int nvmlDeviceGetTotalEnergyConsumption(nvml_device_handle d, unsigned long long *mj);
int nvmlDeviceGetFieldValues(nvml_device_handle d, int n, nvml_field *fields);
int nvmlDeviceGetTemperature(nvml_device_handle d, int sensor, unsigned *celsius);
int nvmlDeviceGetViolationStatus(nvml_device_handle d, int policy, nvml_violation *out);
int nvmlDeviceGetEnforcedPowerLimit(nvml_device_handle d, unsigned *mw);
int nvmlDeviceGetMaxClockInfo(nvml_device_handle d, int which, unsigned *mhz);
int nvmlDeviceGetPersistenceMode(nvml_device_handle d, int *is_on);
int nvmlDeviceGetComputeMode(nvml_device_handle d, int *mode);
int nvmlDeviceGetMemoryInfo(nvml_device_handle d, nvml_memory *memory);
int nvmlSystemGetDriverVersion(char *version, unsigned size);
int nvmlDeviceGetClockInfo(nvml_device_handle d, int which, unsigned *mhz);
int nvmlDeviceGetCurrentClocksThrottleReasons(nvml_device_handle d, unsigned long long *reasons);
int nvmlDeviceGetCurrentClocksEventReasons(nvml_device_handle d, unsigned long long *reasons);

int nvmlInit_v2(void) {
    F.n_running += F.init == 0;
    return F.init;
}

int nvmlShutdown(void) {
    F.n_running--;
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *n) {
    *n = F.n_gpus;
    return F.count;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device_handle *out) {
    *out = (nvml_device_handle)(void *)&device;
    return index == 0 ? F.by_index : 2;
}

// Since the first look, so that numbers are small.
static unsigned long long steps(void) {
    if (F.begin_s <= 0) {
        F.begin_s = clock_now_s();
    }
    return F.moves ? (unsigned long long)((clock_now_s() - F.begin_s) / F.step_s) : 0;
}

#ifndef FAKE_BROKEN
int nvmlDeviceGetPowerUsage(nvml_device_handle d, unsigned *mw) {
    *mw = F.power_mw + (unsigned)(steps() % 2);
    return (void *)d == (void *)&device ? F.power : 2;
}
#endif

#ifndef FAKE_OLD
const char *nvmlErrorString(int error) {
    return error == 3 ? "Not Supported" : "Some Error";
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *address, nvml_device_handle *out) {
    F.address = address;
    *out = (nvml_device_handle)(void *)&device;
    return F.by_address;
}

int nvmlDeviceGetName(nvml_device_handle d, char *name, unsigned size) {
    (void)d;
    (void)snprintf(name, size, "NVIDIA Fake 100");
    return F.name;
}

int nvmlDeviceGetMigMode(nvml_device_handle d, unsigned *now, unsigned *pending) {
    (void)d;
    *now = F.mig_mode;
    *pending = F.mig_mode;
    return F.mig;
}

int nvmlDeviceGetTotalEnergyConsumption(nvml_device_handle d, unsigned long long *mj) {
    (void)d;
    *mj = F.energy_mj + (unsigned long long)((double)steps() * F.step_s * F.watts * 1000);
    return F.energy;
}

int nvmlDeviceGetFieldValues(nvml_device_handle d, int n, nvml_field *fields) {
    (void)d;
    for (int i = 0; i < n; ++i) {
        fields[i].status = fields[i].id == 186 && fields[i].scope == 0 ? F.field : 2;
        fields[i].type = F.field_type;
        fields[i].value.ui = F.power_mw + (unsigned)(steps() % 2);
    }
    return F.fields;
}

int nvmlDeviceGetEnforcedPowerLimit(nvml_device_handle d, unsigned *mw) {
    (void)d;
    *mw = 700000;
    return F.modes;
}

int nvmlDeviceGetMaxClockInfo(nvml_device_handle d, int which, unsigned *mhz) {
    (void)d;
    *mhz = which == 1 ? 1980 : 2619;
    return F.modes;
}

int nvmlDeviceGetPersistenceMode(nvml_device_handle d, int *is_on) {
    (void)d;
    *is_on = 1;
    return F.modes;
}

int nvmlDeviceGetComputeMode(nvml_device_handle d, int *mode) {
    (void)d;
    *mode = 3;
    return F.modes;
}

int nvmlDeviceGetMemoryInfo(nvml_device_handle d, nvml_memory *memory) {
    (void)d;
    memory->total_bytes = 80ULL << 30;
    return F.modes;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    (void)snprintf(version, size, "580.1");
    return F.modes;
}

int nvmlDeviceGetTemperature(nvml_device_handle d, int sensor, unsigned *celsius) {
    (void)d;
    *celsius = F.celsius;
    return sensor == 0 ? F.temperature : 2;
}

int nvmlDeviceGetViolationStatus(nvml_device_handle d, int policy, nvml_violation *out) {
    (void)d;
    *out = (nvml_violation){.violation_ns = F.violation_ns[policy & 1]};
    return policy == 1 && F.violation_heat != 0 ? F.violation_heat : F.violation;
}

int nvmlDeviceGetClockInfo(nvml_device_handle d, int which, unsigned *mhz) {
    (void)d;
    *mhz = which == 1 ? 1755 : 1593;
    return F.clock;
}

static int tell_reasons(unsigned long long *reasons) {
    *reasons = F.reason_bits;
    return F.reasons;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(nvml_device_handle d, unsigned long long *reasons) {
    (void)d;
    return tell_reasons(reasons);
}

int nvmlDeviceGetCurrentClocksEventReasons(nvml_device_handle d, unsigned long long *reasons) {
    (void)d;
    return tell_reasons(reasons);
}
#endif
