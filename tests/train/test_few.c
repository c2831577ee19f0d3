// SPDX-License-Identifier: Apache-2.0
// Training on few configurations.
#include "made_up.h"

#include <criterion/criterion.h>
#include <math.h>

enum { FEW = 24, NEW = 400 };

// Pooling 2 x 2 of 1 to 8 samples, 8 to 256 channels, at a speed of 1e10 values/s.
static jc_row make_row(void) {
    jc_row row = {.kernel = {.kind = JC_KERNEL_MAX_POOL2D}};
    int64_t *s = row.kernel.size;
    s[JC_WINDOW_BATCH_SIZE] = 1 + (int64_t)(8 * made_up_uniform());
    s[JC_WINDOW_IN_CHANNELS] = 8 + (int64_t)(249 * made_up_uniform());
    s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = 2 * (7 + (int64_t)(50 * made_up_uniform()));
    s[JC_WINDOW_KERNEL_H] = s[JC_WINDOW_KERNEL_W] = 2;
    s[JC_WINDOW_STRIDE_H] = s[JC_WINDOW_STRIDE_W] = 2;
    cr_assert_eq(jc_kernel_complete(&row.kernel, NULL), JC_OK);
    row.measured =
        made_up_runtime(1e-6 + (double)jc_kernel_work(&row.kernel).input_elements / 1e10);
    return row;
}

// Eight times as long where channels are no multiple of 8.
static void slow_down(jc_row *row) {
    row->measured.runtime_s *= row->kernel.size[JC_WINDOW_IN_CHANNELS] % 8 == 0 ? 1 : 8;
}

Test(few, multiples_of_a_vector_are_found) {
    jc_row rows[FEW];
    made_up_seed(5);
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
    jc_profile *profile = made_up_train(rows, FEW);
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
