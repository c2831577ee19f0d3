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

Test(shared, few_configurations_tell_nothing) {
    make_rows();
    double shared = 0;
    cr_assert_eq(crossval_shared(&set, outcomes_of, 30, &shared), JC_OK);
    cr_expect_eq(shared, 1);
}
