// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * NVIDIA's management library, opened at run time. The declarations are our own: headers of
 * distributions lack the newer fields, and the program must run where there is no such library.
 *
 * Source: NVML API Reference Guide, docs.nvidia.com/deploy/nvml-api (release 550).
 */
#ifndef JC_METER_NVML_LIBRARY_H
#define JC_METER_NVML_LIBRARY_H

#include <joulecast/status.h>

/** nvmlReturn_t, as far as its values are told apart. */
typedef enum nvml_return {
    NVML_SUCCESS = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_VERSION_MISMATCH = 18,
} nvml_return;

typedef struct nvml_device *nvml_device_handle; ///< nvmlDevice_t

/** nvmlFieldValue_t. */
typedef struct nvml_field {
    unsigned id;
    unsigned scope;
    long long timestamp_us;
    long long latency_us;
    int type; ///< of the value: NVML_TYPE_…
    int status;
    union {
        double d;
        int si;
        unsigned ui;
        unsigned long ul;
        unsigned long long ull;
        long long sll;
    } value;
} nvml_field;

enum {
    NVML_TYPE_UNSIGNED = 1,
    NVML_FIELD_POWER_INSTANT = 186, ///< mW; nvmlDeviceGetPowerUsage is a mean of a second on Ampere
                                    ///< and later
    NVML_SCOPE_GPU = 0,
    NVML_SENSOR_GPU = 0, ///< of temperatures
    NVML_CLOCK_SM = 1,
    NVML_CLOCK_MEMORY = 2,
    NVML_VIOLATION_POWER = 0, ///< of performance, by the power limit
    NVML_VIOLATION_THERMAL = 1,
    // nvmlClocksEventReasons
    NVML_REASON_POWER_CAP = 0x4, ///< the power limit, by software
    NVML_REASON_HARDWARE = 0x8,  ///< a slowdown by the hardware, for any reason
    NVML_REASON_HEAT = 0x20,     ///< by software
    NVML_REASON_HARDWARE_HEAT = 0x40,
    NVML_REASON_POWER_BRAKE = 0x80, ///< asked for from outside of the board
};

/** nvmlMemory_t. */
typedef struct nvml_memory {
    unsigned long long total_bytes, free_bytes, used_bytes;
} nvml_memory;

/** nvmlViolationTime_t. */
typedef struct nvml_violation {
    unsigned long long reference_us;
    unsigned long long violation_ns; ///< sum since the driver was loaded
} nvml_violation;

/** The library. Functions that older ones lack are NULL; the others never are. */
typedef struct nvml_library {
    void *object;
    int (*init)(void);
    int (*shutdown)(void);
    int (*get_count)(unsigned *out_count);
    int (*get_by_index)(unsigned index, nvml_device_handle *out_device);
    int (*get_power)(nvml_device_handle device, unsigned *out_mw);
    const char *(*describe_error)(int error);                                         // may be NULL
    int (*get_by_address)(const char *pci_address, nvml_device_handle *out_device);   // may be NULL
    int (*get_name)(nvml_device_handle device, char *name, unsigned size);            // may be NULL
    int (*get_mig_mode)(nvml_device_handle device, unsigned *now, unsigned *pending); // may be NULL
    int (*get_energy)(nvml_device_handle device, unsigned long long *out_mj);         // may be NULL
    int (*get_fields)(nvml_device_handle device, int n, nvml_field *fields);          // may be NULL
    int (*get_temperature)(nvml_device_handle device, int sensor, unsigned *out_c);   // may be NULL
    int (*get_power_limit)(nvml_device_handle device, unsigned *out_mw);              // may be NULL
    int (*get_max_clock)(nvml_device_handle device, int which, unsigned *out_mhz);    // may be NULL
    int (*get_clock)(nvml_device_handle device, int which, unsigned *out_mhz);        // may be NULL
    int (*get_persistence)(nvml_device_handle device, int *out_is_on);                // may be NULL
    int (*get_compute_mode)(nvml_device_handle device, int *out_mode);                // may be NULL
    int (*get_memory)(nvml_device_handle device, nvml_memory *out_memory);            // may be NULL
    int (*get_driver)(char *version, unsigned size);                                  // may be NULL
    int (*get_violation)(nvml_device_handle device, int policy,
                         nvml_violation *out_violation); // may be NULL
    int (*get_reasons)(nvml_device_handle device,
                       unsigned long long *out_reasons); // may be NULL
} nvml_library;

/**
 * Open the library and initialise it; nvml_library_close undoes both.
 *
 * @param path  as of dlopen: "libnvidia-ml.so.1"
 * @retval JC_ENOMETER  there is none, or no driver; err says what to do
 * @retval JC_EPERM, JC_EIO
 */
JC_MUST_USE jc_status nvml_library_open(const char *path, nvml_library *out_library, jc_error *err);
void nvml_library_close(const nvml_library *library);

/** The status of an answer of the library; err says what failed, and what to do. */
jc_status nvml_check(const nvml_library *library, int answer, const char *what, jc_error *err);

#endif
