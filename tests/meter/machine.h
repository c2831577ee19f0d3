// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Machines for the tests of meters: the files of tests/sysfs in a folder that stands for "/", and
 * counters that move while a meter is opened. A test has one machine.
 */
#ifndef JC_TEST_MACHINE_H
#define JC_TEST_MACHINE_H

#include <joulecast/meter.h>

#include <stdint.h>

/** Make the machine of tests/sysfs/<name>. @return options of a meter on it */
jc_meter_options machine_make(const char *name);

/** Write a file of the machine; folders are made. */
void machine_write(const char *path, const char *text);

/** Write a number of 16 digits, of which machine_move moves the last 8. */
void machine_set(const char *path, uint64_t value);

void machine_remove(const char *path);

/** Move a counter or sensor from now on: 1000 more about every millisecond. */
void machine_move(const char *path);

/** Nothing moves any more: what a test writes now stays. */
void machine_stop(void);

/** Let the clock go on. */
void machine_wait_s(double seconds);

/** Run on as a user who may read no file of mode 0400; skips the test where that cannot be. */
void machine_lose_privileges(void);

/** Open a meter while the counters move, then stop them. The test fails if it cannot be opened. */
jc_meter_handle *machine_open(const jc_meter *meter, const jc_meter_options *options);

#endif
