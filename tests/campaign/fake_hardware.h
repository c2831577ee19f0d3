// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An executor whose clock is a formula and a meter whose energy is one, for tests.
 *
 * A pass of a kernel takes a microsecond for each of its elements; the meter reads 50 W. What goes
 * wrong, and when, is set in `fake`, which a test may change while a campaign runs.
 */
#ifndef JC_TESTS_FAKE_HARDWARE_H
#define JC_TESTS_FAKE_HARDWARE_H

#include <joulecast/campaign.h>

typedef struct fake_hardware {
    int n_prepared;
    int n_windows;     ///< begun by the meter
    int64_t refused;   ///< elements of kernels that are refused; 0 = none
    int64_t failing;   ///< of kernels that fail to run
    int64_t too_large; ///< of kernels that do not fit memory
    bool fails_always;
    int64_t crashing; ///< of kernels that end the process by a signal
    bool crashes_always;
    int crashing_threads;       ///< that crash together; 0 = the one at work
    void (*abort_handler)(int); ///< while the executor was at work
    int meter_gone_after;       ///< windows; 0 = never
    int nonsense_from;          ///< window from which the meter answers nonsense; 0 = never
    int nonsense_windows;       ///< how many
    int stop_after;             ///< windows after which `stop` is set; 0 = never
    volatile sig_atomic_t stop;
    double noise;           ///< every other batch takes longer by this share
    double first_missing_j; ///< in the first window of work, of a meter that lags behind
    double rest_w;          ///< told by windows in which nothing runs; 0 = declared, 20 W
    int n_rests;            ///< such windows, to their end
    int64_t light;          ///< elements of kernels that draw a watt more than at rest
    int64_t running;        ///< of the one that ran last
    int n_works;            ///< windows of work, to their end
    double heat_share;      ///< of windows in which the meter tells that heat held down the clocks
    int hot_windows;        ///< how many
    double lacked_share;    ///< of the time, that its processor gave to others
    int n_batches;
    double slow_s; ///< that a batch takes by the clock on the wall
} fake_hardware;

extern fake_hardware fake;
extern const jc_executor fake_executor;
extern const jc_meter fake_meter;

void (*fake_handler_of(int signal))(int);

/** Seconds of a pass. */
double fake_pass_s(const jc_kernel *kernel);

#endif
