// SPDX-License-Identifier: Apache-2.0
#include "made_up.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static uint64_t state = 1;

void made_up_seed(uint64_t seed) {
    state = seed;
}

double made_up_uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

jc_measurement made_up_runtime(double runtime_s) {
    const double unknown = (double)NAN;
    return (jc_measurement){.runtime_s = runtime_s,
                            .runtime_rel_sd = unknown,
                            .power_w = unknown,
                            .energy_j = unknown,
                            .idle_power_w = unknown,
                            .iterations = unknown,
                            .window_s = unknown};
}

jc_profile *made_up_train(jc_row *rows, size_t n) {
    jc_dataset d = {.rows = rows, .n_rows = n};
    (void)strcpy(d.device.name, "made-up");
    d.device.meter_step_s = (double)NAN;
    jc_profile *profile = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_train(&d, NULL, &profile, &err), JC_OK, "%s", err.message);
    return profile;
}
