// SPDX-License-Identifier: Apache-2.0
// NVIDIA's management library, opened at run time.
#include "library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// ISO C has no conversion from an object's pointer to a function's; POSIX promises that both are
// alike (dlsym). The name of a member and the symbol it is.
typedef struct symbol {
    const char *name;
    size_t offset;
    bool is_required;
} symbol;

static const symbol symbols[] = {
    {"nvmlInit_v2", offsetof(nvml_library, init), true},
    {"nvmlShutdown", offsetof(nvml_library, shutdown), true},
    {"nvmlDeviceGetCount_v2", offsetof(nvml_library, get_count), true},
    {"nvmlDeviceGetHandleByIndex_v2", offsetof(nvml_library, get_by_index), true},
    {"nvmlDeviceGetPowerUsage", offsetof(nvml_library, get_power), true},
    {"nvmlErrorString", offsetof(nvml_library, describe_error), false},
    {"nvmlDeviceGetHandleByPciBusId_v2", offsetof(nvml_library, get_by_address), false},
    {"nvmlDeviceGetName", offsetof(nvml_library, get_name), false},
    {"nvmlDeviceGetMigMode", offsetof(nvml_library, get_mig_mode), false},
    {"nvmlDeviceGetTotalEnergyConsumption", offsetof(nvml_library, get_energy), false},
    {"nvmlDeviceGetFieldValues", offsetof(nvml_library, get_fields), false},
    {"nvmlDeviceGetTemperature", offsetof(nvml_library, get_temperature), false},
    {"nvmlDeviceGetEnforcedPowerLimit", offsetof(nvml_library, get_power_limit), false},
    {"nvmlDeviceGetMaxClockInfo", offsetof(nvml_library, get_max_clock), false},
    {"nvmlDeviceGetClockInfo", offsetof(nvml_library, get_clock), false},
    {"nvmlDeviceGetPersistenceMode", offsetof(nvml_library, get_persistence), false},
    {"nvmlDeviceGetComputeMode", offsetof(nvml_library, get_compute_mode), false},
    {"nvmlDeviceGetMemoryInfo", offsetof(nvml_library, get_memory), false},
    {"nvmlSystemGetDriverVersion", offsetof(nvml_library, get_driver), false},
    {"nvmlDeviceGetViolationStatus", offsetof(nvml_library, get_violation), false},
    // One function: by its name of old, and as it is called since release 535.
    {"nvmlDeviceGetCurrentClocksThrottleReasons", offsetof(nvml_library, get_reasons), false},
    {"nvmlDeviceGetCurrentClocksEventReasons", offsetof(nvml_library, get_reasons), false},
};

static jc_status find_symbols(nvml_library *library, const char *path, jc_error *err) {
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; ++i) {
        void *address = dlsym(library->object, symbols[i].name);
        if (address == NULL && symbols[i].is_required) {
            return jc_error_set(err, JC_ENOMETER, path, 0,
                                "has no %s: it is older than what is supported, or something else",
                                symbols[i].name);
        }
        if (address != NULL) {
            memcpy((char *)library + symbols[i].offset, &address, sizeof address);
        }
    }
    return JC_OK;
}

jc_status nvml_check(const nvml_library *library, int answer, const char *what, jc_error *err) {
    if (answer == NVML_SUCCESS) {
        return JC_OK;
    }
    const char *advice = "";
    jc_status status = JC_EIO;
    switch (answer) {
    case NVML_NO_PERMISSION:
        status = JC_EPERM;
        advice = "; ask who set this machine up, or run as root";
        break;
    case NVML_DRIVER_NOT_LOADED:
        status = JC_ENOMETER;
        advice = "; load it: sudo modprobe nvidia";
        break;
    case NVML_VERSION_MISMATCH:
        status = JC_ENOMETER;
        advice = "; the driver was updated: restart the machine";
        break;
    case NVML_NOT_SUPPORTED:
    case NVML_NOT_FOUND:
    case NVML_FUNCTION_NOT_FOUND:
    case NVML_GPU_IS_LOST:
    case NVML_RESET_REQUIRED:
        status = JC_ENOMETER;
        break;
    default:
        break;
    }
    const char *text = library->describe_error == NULL ? NULL : library->describe_error(answer);
    return jc_error_set(err, status, NULL, 0, "NVML, %s: %.120s (%d)%s", what,
                        text == NULL ? "error" : text, answer, advice);
}

jc_status nvml_library_open(const char *path, nvml_library *out_library, jc_error *err) {
    nvml_library library = {.object = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (library.object == NULL) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "there is no NVIDIA driver: %s cannot be opened", path);
    }
    jc_status status = find_symbols(&library, path, err);
    if (status == JC_OK) {
        status = nvml_check(&library, library.init(), "start", err);
    }
    if (status != JC_OK) {
        (void)dlclose(library.object); // nothing of it is used any more
        return status;
    }
    *out_library = library;
    return JC_OK;
}

void nvml_library_close(const nvml_library *library) {
    (void)library->shutdown(); // a failure changes nothing for us
    (void)dlclose(library->object);
}
