// SPDX-License-Identifier: Apache-2.0
// Training on few configurations.
#include <joulecast/train.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { FEW = 24, NEW = 400 };

static uint64_t state;

// xorshift64*; uniform in [0, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

// Pooling 2 x 2 of 1 to 8 samples, 8 to 256 channels, at a speed of 1e10 values/s.
static jc_row make_row(void) {
    jc_row row = {.kernel = {.kind = JC_KERNEL_MAX_POOL2D},
                  .measured = {.power_w = (double)NAN,
                               .runtime_rel_sd = (double)NAN,
                               .energy_j = (double)NAN,
                               .idle_power_w = (double)NAN,
                               .iterations = (double)NAN,
                               .window_s = (double)NAN}};
    int64_t *s = row.kernel.size;
    s[JC_WINDOW_BATCH_SIZE] = 1 + (int64_t)(8 * uniform());
    s[JC_WINDOW_IN_CHANNELS] = 8 + (int64_t)(249 * uniform());
    s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = 2 * (7 + (int64_t)(50 * uniform()));
    s[JC_WINDOW_KERNEL_H] = s[JC_WINDOW_KERNEL_W] = 2;
    s[JC_WINDOW_STRIDE_H] = s[JC_WINDOW_STRIDE_W] = 2;
    cr_assert_eq(jc_kernel_complete(&row.kernel, NULL), JC_OK);
    row.measured.runtime_s = 1e-6 + (double)jc_kernel_work(&row.kernel).input_elements / 1e10;
    return row;
}

static jc_profile *train(jc_row *rows, size_t n) {
    jc_dataset d = {.rows = rows, .n_rows = n};
    strcpy(d.device.name, "made-up");
    d.device.meter_step_s = (double)NAN;
    jc_profile *profile = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_train(&d, NULL, &profile, &err), JC_OK, "%s", err.message);
    return profile;
}

// Eight times as long where channels are no multiple of 8.
static void slow_down(jc_row *row) {
    row->measured.runtime_s *= row->kernel.size[JC_WINDOW_IN_CHANNELS] % 8 == 0 ? 1 : 8;
}

Test(few, multiples_of_a_vector_are_found) {
    jc_row rows[FEW];
    state = 5;
    for (int i = 0; i < FEW; ++i) {
        rows[i] = make_row();
        if (i % 2 == 0) {
            rows[i].kernel.size[JC_WINDOW_IN_CHANNELS] &= ~INT64_C(7);
            rows[i].kernel.size[JC_WINDOW_OUT_HEIGHT] = 0;
            rows[i].kernel.size[JC_WINDOW_OUT_WIDTH] = 0;
            cr_assert_eq(jc_kernel_complete(&rows[i].kernel, NULL), JC_OK);
            rows[i].measured.runtime_s =
                1e-6 + (double)jc_kernel_work(&rows[i].kernel).input_elements / 1e10;
        }
        slow_down(&rows[i]);
    }
    jc_profile *profile = train(rows, FEW);
    double sum = 0;
    for (int i = 0; i < NEW; ++i) {
        jc_row row = make_row();
        jc_prediction p;
        slow_down(&row);
        jc_profile_predict(profile, &row.kernel, &p);
        sum += fabs(p.runtime_s / row.measured.runtime_s - 1) / NEW;
    }
    cr_expect_lt(sum, 0.1, "mean error %g", sum);
    jc_profile_free(profile);
}
