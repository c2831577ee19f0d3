// SPDX-License-Identifier: Apache-2.0
// What sums keep of their parts' errors, where it is known.
#include "predictor/train/crossval.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 400 };

static uint64_t state;

// xorshift64*; uniform in [0, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

static jc_kernel kernels[N];
static train_row rows[N];
static outcome outcomes_of[N];
static train_rows set = {.kind = JC_KERNEL_LINEAR, .rows = rows, .n_rows = N, .n_groups = N};

// Layers of 1 s each, whose interval reaches 0.1 s either way.
static void make_rows(void) {
    state = 77;
    for (size_t i = 0; i < N; ++i) {
        kernels[i] =
            (jc_kernel){.kind = JC_KERNEL_LINEAR,
                        .size = {1 + (int64_t)(100 * uniform()), 1 + (int64_t)(1000 * uniform()),
                                 1 + (int64_t)(1000 * uniform())}};
        rows[i] = (train_row){.kernel = &kernels[i], .group = i, .number = i};
        outcomes_of[i] =
            (outcome){.predicted = 1, .measured = 1, .low = 0.9, .high = 1.1, .row = &rows[i]};
    }
}

static double find_shared(void) {
    double shared = (double)NAN;
    cr_assert_eq(crossval_shared(&set, outcomes_of, N, &shared), JC_OK);
    return shared;
}

Test(shared, one_error_for_all_is_shared_whole) {
    make_rows();
    for (size_t i = 0; i < N; ++i) {
        outcomes_of[i].measured = 1.1;
    }
    cr_expect_float_eq(find_shared(), 1, 1e-9);
}

Test(shared, a_part_for_all_is_shared_in_part) {
    // Every sum of n errs by 0.05 n: 0.0025 n² = ρ (0.1 n)² + (1 − ρ) 0.01 n. The largest of the
    // three sums tells: 0.25 n = ρ n + 1 − ρ at n = 16.
    make_rows();
    for (size_t i = 0; i < N; ++i) {
        outcomes_of[i].measured = 0.95;
    }
    cr_expect_float_eq(find_shared(), (0.25 * 16 - 1) / 15, 1e-9);
}

Test(shared, errors_of_each_its_own_cancel) {
    make_rows();
    for (size_t i = 0; i < N; ++i) { // 90 % inside ±0.1
        outcomes_of[i].measured = 1 + (2 * uniform() - 1) / 9;
    }
    cr_expect_lt(find_shared(), 0.05);
}

Test(shared, errors_that_neighbours_have_in_common_do_not) {
    make_rows();
    for (size_t i = 0; i < N; ++i) { // too fast where inputs are few, too slow where they are many
        outcomes_of[i].measured = kernels[i].size[1] > 500 ? 1.1 : 0.9;
    }
    cr_expect_gt(find_shared(), 0.8);
}

// Each configuration measured twice, in windows of which one is as much slower as the other is
// faster: what a network's own window does to all of its layers alike.
Test(shared, the_moment_of_a_measurement_is_shared) {
    make_rows();
    for (size_t i = 0; i < N; ++i) {
        rows[i].group = i / 2;
        outcomes_of[i].measured = i % 2 == 0 ? exp(0.03) : exp(-0.03);
    }
    set.n_groups = N / 2;
    // Of two, each is √2 times as far from what is true as from their mean.
    const double half = log(1.1 / 0.9) / 2;
    cr_expect_float_eq(find_shared(), pow(0.03 * sqrt(2) / half, 2), 0.02);
    set.n_groups = N;
}

// Windows of 8 are faster than predicted, those of 10 slower, wherever the other sizes lie, and the
// nearest have windows of all sizes.
Test(shared, errors_that_layers_of_a_type_have_in_common_do_not_cancel) {
    make_rows();
    set.kind = JC_KERNEL_CONV2D;
    for (size_t i = 0; i < N; ++i) {
        const int64_t edge = 8 + (int64_t)(3 * uniform());
        kernels[i] = (jc_kernel){.kind = JC_KERNEL_CONV2D};
        int64_t *s = kernels[i].size;
        s[JC_WINDOW_BATCH_SIZE] = 1 + (int64_t)(64 * uniform());
        s[JC_WINDOW_IN_CHANNELS] = 1 + (int64_t)(500 * uniform());
        s[JC_WINDOW_OUT_CHANNELS] = 1 + (int64_t)(500 * uniform());
        s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = 10 + (int64_t)(60 * uniform());
        s[JC_WINDOW_KERNEL_H] = s[JC_WINDOW_KERNEL_W] = edge;
        cr_assert_eq(jc_kernel_complete(&kernels[i], NULL), JC_OK);
        outcomes_of[i].measured = 1 + 0.1 * (double)(edge - 9);
    }
    cr_expect_gt(find_shared(), 0.95);
    set.kind = JC_KERNEL_LINEAR;
}

Test(shared, few_configurations_tell_nothing) {
    make_rows();
    double shared = 0;
    cr_assert_eq(crossval_shared(&set, outcomes_of, 30, &shared), JC_OK);
    cr_expect_eq(shared, 1);
}
