// SPDX-License-Identifier: Apache-2.0
// Meter `declared`: nothing is measured. While work runs the machine draws the watts that the user
// says it draws under full load; what it draws at rest is the user's other number.
#include "meter_list.h"

#include "common/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct jc_meter_handle {
    double idle_w; // NaN = not given
    double full_w;
    double begin_s;
};

static jc_status open_declared(const jc_meter_options *options, jc_meter_handle **out_handle,
                               jc_error *err) {
    const double idle_w = options->idle_w;
    const double full_w = options->full_w;
    if (isnan(full_w)) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "no watts are given; say what the machine draws at rest and under "
                            "full load: --power-declared IDLE,FULL");
    }
    if (!(isfinite(full_w) && full_w > 0) ||
        (!isnan(idle_w) && !(idle_w >= 0 && idle_w <= full_w))) {
        return jc_error_set(err, JC_ERANGE, NULL, 0,
                            "%g W at rest and %g W under full load cannot be; 0 <= idle <= full, "
                            "full > 0 is needed",
                            idle_w, full_w);
    }
    jc_meter_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    handle->idle_w = idle_w;
    handle->full_w = full_w;
    *out_handle = handle;
    return JC_OK;
}

static void close_declared(jc_meter_handle *handle) {
    free(handle);
}

static void describe_declared(const jc_meter_handle *handle, jc_meter_info *out_info) {
    *out_info = (jc_meter_info){.step_s = (double)NAN, .declared_idle_w = handle->idle_w};
    (void)snprintf(out_info->domains, sizeof out_info->domains, "%g W under load, as declared",
                   handle->full_w);
}

static jc_status begin_declared(jc_meter_handle *handle, jc_error *err) {
    (void)err;
    handle->begin_s = clock_now_s();
    return JC_OK;
}

static jc_status end_declared(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err) {
    (void)err;
    const double duration_s = clock_now_s() - handle->begin_s;
    // How far a declaration is from the truth nobody can tell: the error is unknown.
    *out_window = (jc_meter_window){.energy_j = handle->full_w * duration_s,
                                    .duration_s = duration_s,
                                    .error_j = (double)NAN,
                                    .temperature_c = (double)NAN,
                                    .throttled_s = (double)NAN,
                                    .throttled_by_heat_s = (double)NAN,
                                    .clock_hz = (double)NAN};
    return JC_OK;
}

const jc_meter meter_declared = {
    .name = "declared",
    .source = "declared",
    .summary = "watts at rest and under full load, as the user gives them",
    .open = open_declared,
    .close = close_declared,
    .describe = describe_declared,
    .begin = begin_declared,
    .end = end_declared,
};
