// SPDX-License-Identifier: Apache-2.0
// Intervals from residuals: as many are covered as was asked for, at all sizes about.
#include "predictor/train/statistics.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 2000 };

static uint64_t state = 5;

// xorshift64*; uniform in [0, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

// Sizes over six decades; from 1e-3 on the machine does two things that differ by a factor of 3, as
// allocators do with large tensors.
static outcome draw(void) {
    const double predicted = pow(10, -6 * uniform());
    const double noise = 0.02 * (uniform() + uniform() + uniform() - 1.5);
    const double jump = predicted > 1e-3 && uniform() < 0.3 ? log(3) : 0;
    return (outcome){.predicted = predicted, .measured = predicted * exp(noise + jump)};
}

static bool covers(const model_spread *s, const outcome *o) {
    double low = 0;
    double high = 0;
    model_spread_at(s, o->predicted, &low, &high);
    const double residual = log(o->measured / o->predicted);
    cr_assert(low <= 0 && high >= 0, "the prediction itself is inside");
    return residual >= low * (1 + 1e-12) && residual <= high * (1 + 1e-12);
}

Test(statistics, intervals_cover_what_they_promise) {
    static outcome outcomes[N];
    for (int i = 0; i < N; ++i) {
        outcomes[i] = draw();
    }
    model_spread s;
    cr_assert_eq(statistics_spread(outcomes, N, &s), JC_OK);
    cr_expect_gt(s.n_bins, (size_t)1);
    int covered = 0;
    for (int i = 0; i < N; ++i) {
        covered += covers(&s, &outcomes[i]);
    }
    cr_expect_eq(covered, (int)ceil(0.9 * (N + 1)), "%d", covered);
    // And of outcomes that it has not seen, to three standard deviations of a share.
    covered = 0;
    for (int i = 0; i < 10 * N; ++i) {
        const outcome o = draw();
        covered += covers(&s, &o);
    }
    const double deviation = sqrt(0.9 * 0.1 / N + 0.9 * 0.1 / (10 * N));
    cr_expect_float_eq((double)covered / (10 * N), 0.9, 3 * deviation);
}

Test(statistics, one_sided_errors_end_at_the_prediction) {
    static outcome outcomes[N];
    for (int i = 0; i < N; ++i) {
        const double predicted = pow(10, -6 * uniform());
        outcomes[i] =
            (outcome){.predicted = predicted, .measured = predicted * (1.5 + 0.1 * uniform())};
    }
    model_spread s;
    cr_assert_eq(statistics_spread(outcomes, N, &s), JC_OK);
    for (size_t b = 0; b < s.n_bins; ++b) {
        cr_expect_eq(s.low[b], 0);
        cr_expect_gt(s.high[b], log(1.5));
        cr_expect_lt(s.high[b], log(1.61));
    }
}

Test(statistics, quantiles_are_order_statistics) {
    double values[] = {5, 1, 4, 2, 3};
    cr_expect_eq(statistics_median(values, 5), 3);
    cr_expect_eq(statistics_quantile(values, 5, 0.9), 5);
    cr_expect_eq(statistics_quantile(values, 5, 0.6), 3);
    cr_expect_eq(statistics_median(values, 4), 2.5);
    cr_expect_float_eq(statistics_deviation(values, 5, 3), 1.4826, 1e-12);
}
