// SPDX-License-Identifier: Apache-2.0
// The arithmetic of meters, to the last digit: every number here can be followed by hand.
#include "runtime/meter/arithmetic.h"

#include <criterion/criterion.h>
#include <math.h>

// Range of a 32-bit register of 2^-14 J in microjoules, as Linux reports it for Intel's desktops.
static const uint64_t rapl_range = 262143328850;

static uint64_t delta(uint64_t before, uint64_t after, uint64_t range) {
    uint64_t value = 0;
    cr_assert(counter_delta(before, after, range, &value));
    return value;
}

Test(arithmetic, counter_between_two_readings) {
    cr_assert_eq(delta(1000, 1000, rapl_range), 0);
    cr_assert_eq(delta(1000, 251000, rapl_range), 250000);
    cr_assert_eq(delta(0, rapl_range, rapl_range), rapl_range);
    cr_assert_eq(delta(0, UINT64_MAX, 0), UINT64_MAX);
}

Test(arithmetic, counter_wraps_once_at_its_own_range) {
    cr_assert_eq(delta(262143328850 - 400, 600, rapl_range), 1000);
    cr_assert_eq(delta(65532610987 - 1, 1, 65532610987), 2);
    cr_assert_eq(delta(1, 0, rapl_range), rapl_range - 1);
    cr_assert_eq(delta(UINT64_MAX, 0, UINT64_MAX), 0); // the sum of both ends does not overflow
}

Test(arithmetic, counter_that_cannot_be_is_refused) {
    uint64_t value = 7;
    cr_assert_not(counter_delta(1001, 1000, 0, &value), "backwards, and it never wraps");
    cr_assert_not(counter_delta(rapl_range + 1, 5, rapl_range, &value));
    cr_assert_not(counter_delta(5, rapl_range + 1, rapl_range, &value));
    cr_assert_eq(value, 7, "outputs are written on success only");
}

Test(arithmetic, longest_time_is_that_of_one_wrap_at_full_power) {
    // 262143.32885 J at 2000 W.
    const counter_limits rapl = {.range = rapl_range, .per_joule = 1e6, .max_w = 2000};
    cr_assert_eq(counter_longest_s(&rapl), 262143.32885 / 2000);
    const counter_limits even = {.range = UINT64_C(1) << 31, .per_joule = 1024, .max_w = 1024};
    cr_assert_eq(counter_longest_s(&even), 2048.0);
    const counter_limits endless = {.per_joule = 1e6, .max_w = 2000};
    cr_assert(isinf(counter_longest_s(&endless)));
}

Test(arithmetic, readings_are_judged_by_what_can_be_drawn) {
    // 1000 J until it wraps, 100 W at most, so 10 s; 1 s between steps.
    const counter_limits limits = {.range = 1000, .per_joule = 1, .max_w = 100, .step_s = 1};
    uint64_t value = 7;
    cr_assert_eq(counter_judge(&limits, 100, 500, 3, &value), COUNTER_FINE);
    cr_assert_eq(value, 400); // 4 steps of 100 J, of which one began before
    cr_assert_eq(counter_judge(&limits, 900, 100, 3, &value), COUNTER_FINE);
    cr_assert_eq(value, 200);
    value = 7;
    cr_assert_eq(counter_judge(&limits, 100, 501, 3, &value), COUNTER_JUMP);
    cr_assert_eq(counter_judge(&limits, 100, 99, 3, &value), COUNTER_JUMP); // as a wrap 999 J
    cr_assert_eq(counter_judge(&limits, 100, 1001, 3, &value), COUNTER_BACKWARDS);
    cr_assert_eq(counter_judge(&limits, 100, 500, 10.001, &value), COUNTER_TOO_LATE);
    const counter_limits endless = {.per_joule = 1, .max_w = 100, .step_s = 1};
    cr_assert_eq(counter_judge(&endless, 100, 99, 3, &value), COUNTER_BACKWARDS);
    cr_assert_eq(value, 7, "outputs are written on success only");
    cr_assert_eq(counter_judge(&endless, 100, 100000, 1e6, &value), COUNTER_FINE);
}

Test(arithmetic, counter_error_is_two_uniform_ends) {
    // 100 W in steps of 1 ms: 0.1 J a step, sd of both ends 0.1 * sqrt(2 / 12), of any window.
    const double expected_j = 0.1 * sqrt(2.0 / 12);
    cr_assert_float_eq(counter_error_j(100, 1, 0.001), expected_j, 1e-16);
    cr_assert_float_eq(counter_error_j(500, 5, 0.001), expected_j, 1e-16);
}

static power_integral integrate(double gap_limit_s, const double (*samples)[2], size_t n) {
    power_integral integral;
    power_integral_init(&integral, gap_limit_s);
    for (size_t i = 0; i < n; ++i) {
        cr_assert(power_integral_add(&integral, samples[i][0], samples[i][1]));
    }
    return integral;
}

Test(arithmetic, integral_of_a_line_is_exact_whatever_the_spacing) {
    // P = 8 t from t = 1 to 5: 4 * (25 - 1) = 96 J.
    const double samples[][2] = {{1, 8}, {1.5, 12}, {3, 24}, {3.25, 26}, {5, 40}};
    const power_integral integral = integrate(10, samples, 5);
    cr_assert_eq(integral.energy_j, 96.0);
    cr_assert_eq(integral.gap_s, 1.75);
    cr_assert_eq(integral.begin_s, 1.0);
    cr_assert_eq(integral.last_s, 5.0);
}

Test(arithmetic, integral_of_one_sample_is_nothing) {
    const double samples[][2] = {{3, 50}};
    const power_integral integral = integrate(1, samples, 1);
    cr_assert_eq(integral.energy_j, 0.0);
    cr_assert_eq(integral.gap_s, 0.0);
}

Test(arithmetic, constant_power_leaves_the_error_of_the_ends) {
    const double samples[][2] = {{0, 64}, {1, 64}, {2, 64}, {8, 64}};
    const power_integral integral = integrate(2, samples, 4);
    cr_assert_eq(integral.energy_j, 512.0);
    cr_assert_eq(integral.gap_s, 6.0);
    cr_assert_eq(power_integral_error_j(&integral, 0), 0.0);
    cr_assert_float_eq(power_integral_error_j(&integral, 0.5), 32 / sqrt(6), 1e-14);
}

Test(arithmetic, changes_between_samples_are_uniform_errors) {
    // 12 W up within 1 s, then 24 W down within 0.5 s: both (12 J)^2 / 12.
    const double samples[][2] = {{0, 0}, {1, 12}, {2, 12}, {2.5, -12}};
    const power_integral integral = integrate(2, samples, 4);
    cr_assert_eq(integral.energy_j, 18.0);
    cr_assert_eq(integral.change_j2, 288.0);
    cr_assert_float_eq(power_integral_error_j(&integral, 0), sqrt(24), 1e-15);
}

Test(arithmetic, gaps_may_hide_any_power_of_the_window) {
    // 10 to 30 W were seen; the 3 s gap lies between two samples of 20 W.
    const double samples[][2] = {{0, 20}, {1, 10}, {2, 30}, {3, 20}, {6, 20}};
    const power_integral integral = integrate(1.5, samples, 5);
    cr_assert_eq(integral.energy_j, 15.0 + 20 + 25 + 60);
    cr_assert_eq(integral.gap_s, 3.0);
    cr_assert_eq(integral.gap_squares_s2, 9.0);
    // (10^2 + 20^2 + 10^2 + 20^2 * 3^2) / 12 = 350
    cr_assert_float_eq(power_integral_error_j(&integral, 0), sqrt(350), 1e-14);
}

Test(arithmetic, integral_refuses_what_is_no_sample) {
    power_integral integral;
    power_integral_init(&integral, 1);
    cr_assert(power_integral_add(&integral, 2, 5));
    cr_assert_not(power_integral_add(&integral, 1.999, 5), "time goes back");
    cr_assert_not(power_integral_add(&integral, 3, (double)NAN));
    cr_assert_not(power_integral_add(&integral, 3, (double)INFINITY));
    cr_assert_not(power_integral_add(&integral, (double)NAN, 5));
    cr_assert(power_integral_add(&integral, 2, 7), "two samples of one moment");
    cr_assert(power_integral_add(&integral, 4, 7));
    cr_assert_eq(integral.energy_j, 14.0);
    cr_assert_eq(integral.n, 3);
}

Test(arithmetic, median) {
    double values[] = {5, 1, 100, 2};
    cr_assert_eq(median_of(values, 4), 3.5);
    cr_assert_eq(median_of(values, 3), 2.0);
    cr_assert_eq(median_of(values, 1), 1.0);
    cr_assert(isnan(median_of(values, 0)));
}
