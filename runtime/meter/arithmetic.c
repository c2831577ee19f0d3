// SPDX-License-Identifier: Apache-2.0
// The arithmetic of meters.
#include "arithmetic.h"

#include <math.h>
#include <stdlib.h>

bool counter_delta(uint64_t before, uint64_t after, uint64_t range, uint64_t *out_delta) {
    if (range != 0 && (before > range || after > range)) {
        return false;
    }
    if (after >= before) {
        *out_delta = after - before;
        return true;
    }
    if (range == 0) {
        return false;
    }
    *out_delta = range - before + after;
    return true;
}

double counter_longest_s(const counter_limits *limits) {
    return limits->range == 0 ? (double)INFINITY
                              : (double)limits->range / limits->per_joule / limits->max_w;
}

counter_fault counter_judge(const counter_limits *limits, uint64_t before, uint64_t after,
                            double interval_s, uint64_t *out_delta) {
    uint64_t delta = 0;
    if (interval_s > counter_longest_s(limits)) {
        return COUNTER_TOO_LATE;
    }
    if (!counter_delta(before, after, limits->range, &delta)) {
        return COUNTER_BACKWARDS;
    }
    // A step that began before the first reading may come whole.
    if ((double)delta / limits->per_joule > limits->max_w * (interval_s + limits->step_s)) {
        return COUNTER_JUMP;
    }
    *out_delta = delta;
    return COUNTER_FINE;
}

double counter_error_j(double energy_j, double duration_s, double step_s) {
    return energy_j / duration_s * step_s / sqrt(6);
}

void power_integral_init(power_integral *integral, double gap_limit_s) {
    *integral = (power_integral){.gap_limit_s = gap_limit_s};
}

static void add_interval(power_integral *integral, double interval_s, double power_w) {
    integral->energy_j += interval_s * (integral->last_w + power_w) / 2;
    if (interval_s > integral->gap_s) {
        integral->gap_s = interval_s;
    }
    if (interval_s > integral->gap_limit_s) {
        integral->gap_squares_s2 += interval_s * interval_s;
    } else {
        const double change_j = (power_w - integral->last_w) * interval_s;
        integral->change_j2 += change_j * change_j;
    }
}

bool power_integral_add(power_integral *integral, double time_s, double power_w) {
    if (!isfinite(time_s) || !isfinite(power_w) || (integral->n > 0 && time_s < integral->last_s)) {
        return false;
    }
    if (integral->n == 0) {
        integral->begin_s = time_s;
        integral->least_w = power_w;
        integral->most_w = power_w;
    } else {
        add_interval(integral, time_s - integral->last_s, power_w);
        integral->least_w = fmin(integral->least_w, power_w);
        integral->most_w = fmax(integral->most_w, power_w);
    }
    integral->last_s = time_s;
    integral->last_w = power_w;
    integral->n++;
    return true;
}

double power_integral_error_j(const power_integral *integral, double step_s) {
    const double seen_w = integral->most_w - integral->least_w;
    const double between_j2 =
        (integral->change_j2 + seen_w * seen_w * integral->gap_squares_s2) / 12;
    const double duration_s = integral->last_s - integral->begin_s;
    const double ends_j = counter_error_j(integral->energy_j, duration_s, step_s);
    return sqrt(between_j2 + ends_j * ends_j);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *values, size_t n) {
    if (n == 0) {
        return (double)NAN;
    }
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
