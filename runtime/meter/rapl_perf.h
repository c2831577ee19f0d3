// SPDX-License-Identifier: Apache-2.0
/** @file Private to rapl_perf.c and its test: the kernel's calls, which a test replaces. */
#ifndef JC_METER_RAPL_PERF_H
#define JC_METER_RAPL_PERF_H

#include <joulecast/meter.h>

#include <stdint.h>
#include <sys/types.h>

typedef struct perf_calls {
    /** perf_event_open of a counter of all that runs on a CPU; −1 and errno on failure. */
    int (*open)(uint32_t type, uint64_t config, int cpu);
    ssize_t (*read)(int fd, void *buffer, size_t size); ///< as read(2)
} perf_calls;

extern const perf_calls perf_calls_of_kernel;

/** A meter's open, with other calls. @param calls  lives as long as the handle */
jc_status rapl_perf_open(const jc_meter_options *options, const perf_calls *calls,
                         jc_meter_handle **out_handle, jc_error *err);

#endif
