// SPDX-License-Identifier: Apache-2.0
// Meter `none`: runtime alone. Energy stays unknown.
#include "meter_list.h"

#include "common/clock.h"

#include <math.h>
#include <stdlib.h>

struct jc_meter_handle {
    double begin_s;
};

static jc_status open_none(const jc_meter_options *options, jc_meter_handle **out_handle,
                           jc_error *err) {
    (void)options;
    jc_meter_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    *out_handle = handle;
    return JC_OK;
}

static void close_none(jc_meter_handle *handle) {
    free(handle);
}

static void describe_none(const jc_meter_handle *handle, jc_meter_info *out_info) {
    (void)handle;
    *out_info = (jc_meter_info){.step_s = (double)NAN, .declared_idle_w = (double)NAN};
}

static jc_status begin_none(jc_meter_handle *handle, jc_error *err) {
    (void)err;
    handle->begin_s = clock_now_s();
    return JC_OK;
}

static jc_status end_none(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err) {
    (void)err;
    *out_window = (jc_meter_window){.energy_j = (double)NAN,
                                    .duration_s = clock_now_s() - handle->begin_s,
                                    .error_j = (double)NAN,
                                    .temperature_c = (double)NAN,
                                    .throttled_s = (double)NAN,
                                    .throttled_by_heat_s = (double)NAN,
                                    .clock_hz = (double)NAN};
    return JC_OK;
}

const jc_meter meter_none = {
    .name = "none",
    .source = "none",
    .summary = "runtime alone; energy stays unknown",
    .open = open_none,
    .close = close_none,
    .describe = describe_none,
    .begin = begin_none,
    .end = end_none,
};
