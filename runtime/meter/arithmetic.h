// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The arithmetic of meters: counters that wrap, samples of power, update steps. Pure: no clock, no
 * file, no allocation.
 */
#ifndef JC_METER_ARITHMETIC_H
#define JC_METER_ARITHMETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Counts between two readings of a counter that starts again at 0 after `range`.
 *
 * Right if it wrapped at most once: see counter_longest_s. What one wrap loses, the last
 * unit of the register (61 uJ of a RAPL counter), is far below any meter's error.
 *
 * Source: Linux Documentation/power/powercap/powercap.rst, energy_uj and max_energy_range_uj.
 *
 * @param range  largest value; 0 = the counter never wraps
 * @return false where the counter went backwards without a wrap, or a reading is above the range
 */
bool counter_delta(uint64_t before, uint64_t after, uint64_t range, uint64_t *out_delta);

/** What is known of a counter. */
typedef struct counter_limits {
    uint64_t range;   ///< as of counter_delta
    double per_joule; ///< counts in one joule
    double max_w;     ///< no more than this is ever drawn
    double step_s;    ///< time between changes
} counter_limits;

/** What is wrong with two readings. */
typedef enum counter_fault {
    COUNTER_FINE,
    COUNTER_BACKWARDS, ///< or above its range
    COUNTER_JUMP,      ///< more energy than can be drawn: it went backwards, or was set
    COUNTER_TOO_LATE,  ///< it may have wrapped more than once
} counter_fault;

/**
 * Longest time between two readings in which a counter cannot wrap twice.
 *
 * @return seconds; infinite where the counter never wraps (range 0)
 */
double counter_longest_s(const counter_limits *limits);

/**
 * Counts between two readings, if they can be.
 *
 * @param interval_s  time between the readings
 * @param out_delta   set if COUNTER_FINE is returned
 */
counter_fault counter_judge(const counter_limits *limits, uint64_t before, uint64_t after,
                            double interval_s, uint64_t *out_delta);

/**
 * Standard deviation of an energy read from a counter that moves every `step_s`.
 *
 * At either end of the window the counter is up to one step old, uniformly: sqrt(2/12) of the
 * energy of one step.
 *
 * @return joules
 */
double counter_error_j(double energy_j, double duration_s, double step_s);

/** The integral of a power that is known at some moments: the trapezoidal rule. */
typedef struct power_integral {
    double gap_limit_s; ///< samples further apart than this leave a gap
    double energy_j;
    double begin_s; ///< time of the first sample
    double last_s;  ///< time of the last one
    double last_w;
    double least_w;
    double most_w;
    double gap_s;          ///< longest time between two samples
    double change_j2;      ///< sum of (change of power * time)^2 over neighbours that leave no gap
    double gap_squares_s2; ///< sum of gaps squared
    size_t n;
} power_integral;

/** Begin with no sample. */
void power_integral_init(power_integral *integral, double gap_limit_s);

/**
 * Add a sample.
 *
 * @param time_s  no earlier than that of the last sample
 * @return false, and nothing is added, if the time goes back or a number is not finite
 */
bool power_integral_add(power_integral *integral, double time_s, double power_w);

/**
 * Standard deviation of the energy so far.
 *
 * Between two samples the power changes once, at any moment: uniform, so sd = change * time /
 * sqrt(12). In a gap it may have been anything that was seen in the window. A sensor that is
 * renewed every `step_s` adds the error of the ends, as of a counter.
 *
 * @return joules
 */
double power_integral_error_j(const power_integral *integral, double step_s);

/** Median; sorts the values. NaN where there are none. */
double median_of(double *values, size_t n);

#endif
