// SPDX-License-Identifier: Apache-2.0
// Choice of rows: what is dropped or distrusted, which rows those are, and what each weighs.
#include "predictor/train/rows.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MOST = 64 };

static jc_row data_rows[MOST];
static jc_arena arena;

// Sixteen linear layers with four rows each, 10 ms and 50 W.
static jc_dataset make_dataset(void) {
    for (int i = 0; i < MOST; ++i) {
        data_rows[i] = (jc_row){.kernel = {.kind = JC_KERNEL_LINEAR, .size = {1 + i / 4, 10, 20}},
                                .measured = {.runtime_s = 0.01,
                                             .runtime_rel_sd = (double)NAN,
                                             .power_w = 50,
                                             .energy_j = (double)NAN,
                                             .idle_power_w = (double)NAN,
                                             .iterations = (double)NAN,
                                             .window_s = (double)NAN}};
        // Repetitions differ by a thousandth, so that there is something to stand out from.
        data_rows[i].measured.runtime_s *= 1 + 0.001 * (i % 4);
    }
    jc_dataset d = {.rows = data_rows, .n_rows = MOST};
    d.device.meter_step_s = (double)NAN;
    return d;
}

static train_rows collect(const jc_dataset *d) {
    train_rows set;
    cr_assert_eq(train_rows_collect(d, JC_KERNEL_LINEAR, JC_PRECISION_F32, &arena, &set), JC_OK);
    return set;
}

Test(rows, what_stands_out_is_listed_by_its_number_in_the_file) {
    jc_dataset d = make_dataset();
    data_rows[6].measured.power_w = 25; // half a machine
    data_rows[9].measured.power_w = 56; // 12 % more: a layer that works harder
    data_rows[30].measured.runtime_s *= 2;
    data_rows[40].measured.runtime_s = 0;
    data_rows[41].measured.power_w = -3;
    // Rows of another kernel come first in the dataset: numbers count within a file.
    jc_row before[MOST + 1];
    before[0] = (jc_row){.kernel = {.kind = JC_KERNEL_CONV2D}, .measured = {.runtime_s = 1}};
    memcpy(before + 1, data_rows, sizeof data_rows);
    d.rows = before;
    d.n_rows = MOST + 1;
    const train_rows set = collect(&d);
    cr_assert_eq(set.n_dropped, (size_t)4);
    static const struct {
        const char *reason;
        int64_t number;
    } expected[] = {{"no positive runtime", 41},
                    {"power not positive", 42},
                    {"power beyond 10", 7},
                    {"runtime beyond 10", 31}};
    for (size_t r = 0; r < 4; ++r) {
        cr_expect_eq(set.dropped[r].rows, 1);
        cr_assert_eq(set.dropped[r].n_numbers, (size_t)1);
        cr_expect_eq(set.dropped[r].numbers[0], expected[r].number);
        cr_expect_eq(strstr(set.dropped[r].reason, expected[r].reason), set.dropped[r].reason, "%s",
                     set.dropped[r].reason);
    }
    cr_expect_eq(set.n_rows, (size_t)MOST - 1);
    cr_expect_eq(set.n_power, (size_t)MOST - 3);
    jc_arena_clear(&arena);
}

Test(rows, lists_are_bounded_and_counts_are_not) {
    const jc_dataset d = make_dataset();
    for (int i = 0; i < 30; ++i) {
        data_rows[2 * i].measured.runtime_s = (double)NAN;
    }
    const train_rows set = collect(&d);
    cr_assert_eq(set.n_dropped, (size_t)1);
    cr_expect_eq(set.dropped[0].rows, 30);
    cr_expect_eq(set.dropped[0].n_numbers, (size_t)JC_DROPPED_NUMBERS);
    jc_arena_clear(&arena);
}

Test(rows, a_row_is_known_as_well_as_its_repetitions_agree) {
    const jc_dataset d = make_dataset();
    // ln of the four runtimes: 0, 0, 0.3, 0.3 about their mean: variance 4·0.15²/3.
    static const double logs[] = {0, 0, 0.3, 0.3};
    for (int i = 0; i < 4; ++i) {
        data_rows[8 + i].measured.runtime_s = 0.01 * exp(logs[i]);
        data_rows[12 + i].measured.power_w = 50 * exp(logs[i] / 10);
    }
    data_rows[16].measured.runtime_rel_sd = 0.2; // told by who measured; its repetitions agree
    const train_rows set = collect(&d);
    const double spread = sqrt(4 * 0.15 * 0.15 / 3);
    for (int i = 0; i < 4; ++i) {
        cr_expect_float_eq(set.rows[8 + i].runtime_noise, spread, 1e-12);
        cr_expect_float_eq(set.rows[8 + i].power_noise, 0, 1e-12);
        cr_expect_float_eq(set.rows[12 + i].power_noise, spread / 10, 1e-12);
    }
    cr_expect_float_eq(set.rows[16].runtime_noise, 0.2, 1e-12);
    cr_expect_lt(set.rows[17].runtime_noise, 0.002);
    jc_arena_clear(&arena);
}

Test(rows, a_reading_that_says_its_error_is_believed) {
    jc_dataset d = make_dataset();
    d.device.meter_step_s = 0.1; // which would make it 41 %
    data_rows[0].measured.window_s = 0.1;
    data_rows[0].measured.energy_rel_sd = 0.02;
    const train_rows set = collect(&d);
    cr_expect_float_eq(set.rows[0].power_noise, 0.02, 1e-12);
    jc_arena_clear(&arena);
}

Test(rows, a_counter_that_steps_blurs_short_windows) {
    jc_dataset d = make_dataset();
    d.device.meter_step_s = 0.001;
    data_rows[0].measured.window_s = 0.1;
    data_rows[1].measured.window_s = 30;
    data_rows[2].measured.runtime_s = 1e-4; // window unknown: 100 passes metered one by one
    const train_rows set = collect(&d);
    // Two readings, each off by a uniform error of variance step²/12: step/√6 in the difference.
    cr_expect_float_eq(set.rows[0].power_noise, 0.01 / sqrt(6), 1e-12);
    cr_expect_float_eq(set.rows[1].power_noise, 0.001 / 30 / sqrt(6), 1e-12);
    cr_expect_float_eq(set.rows[2].power_noise, 10 / sqrt(600), 1e-12);
    jc_arena_clear(&arena);
}
