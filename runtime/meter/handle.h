// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What all meters that read hardware share: energy counters read at both ends of a window, or a
 * power sensor sampled in between. A meter's own file finds the counters or the sensor and tells
 * how one reading is made; the rest is here.
 *
 * A meter's open: handle_create, then handle_add_counter for each and handle_watch_counters, or
 * handle_watch_power; on failure handle_close. close, describe, begin and end of its row are those
 * below.
 */
#ifndef JC_METER_HANDLE_H
#define JC_METER_HANDLE_H

#include "arithmetic.h"
#include "root.h"

#include <joulecast/meter.h>

enum { COUNTER_NAME_SIZE = 40 };

/** A counter of energy, one of those that a meter adds up. */
typedef struct meter_counter {
    char name[COUNTER_NAME_SIZE]; ///< "package-0"

    /** @retval JC_ENOMETER  gone; else JC_EIO or JC_EPERM */
    jc_status (*read)(const struct meter_counter *self, uint64_t *out_count, jc_error *err);
    int fd;                    ///< of a counter that is a file; closed with the handle; else -1
    char path[ROOT_PATH_SIZE]; ///< of the file, for messages
    void *source;              ///< of a counter that is none; borrowed

    counter_limits limits; ///< its step is measured here
    double least_end_s;    ///< the ends of a window are known no better, whatever the step
    bool may_rest;         ///< left out where it does not move, instead of an error

    uint64_t last;    ///< count at the last reading
    uint64_t counted; ///< since the beginning of the window
} meter_counter;

/** A sensor of power, or the sum of several. */
typedef struct meter_power {
    char name[128]; ///< "VDD_IN"

    /** @param out_w  any number; what is no power is refused by the caller */
    jc_status (*read)(void *source, double *out_w, jc_error *err);
    void *source;       ///< borrowed
    double max_w;       ///< no reading is above
    double least_end_s; ///< as of a counter
    double renewal_s;   ///< how often it is renewed, as its driver tells; NaN = not told
} meter_power;

/** A handle that reads nothing yet. NULL if out of memory. */
jc_meter_handle *handle_create(void);

/** What counters and sensors borrow: freed by `release` when the handle is closed. */
void handle_own(jc_meter_handle *handle, void *source, void (*release)(void *source));

/** What else is to be noted of a window, by functions that are called at its ends. */
void handle_note(jc_meter_handle *handle, void (*begin)(void *source),
                 void (*end)(void *source, jc_meter_window *window));

/** What handle_own was given. */
void *handle_source(const jc_meter_handle *handle);

/** Memory that lives as long as the handle. */
jc_arena *handle_arena(jc_meter_handle *handle);

/** Add a counter; the handle owns its file from now on, whatever is returned. */
JC_MUST_USE jc_status handle_add_counter(jc_meter_handle *handle, const meter_counter *counter,
                                         jc_error *err);

/** A counter's `read` for files with a whole number. */
jc_status counter_read_file(const meter_counter *counter, uint64_t *out_count, jc_error *err);

/**
 * Watch the counters until the steps of all are known.
 *
 * @param patience_s  a counter that has not moved by then does not move
 * @retval JC_ENOMETER  one does not move, or none is left
 */
JC_MUST_USE jc_status handle_watch_counters(jc_meter_handle *handle, double patience_s,
                                            jc_error *err);

/**
 * Take a sensor, watch it until its step is known, and be ready to sample it.
 *
 * @param patience_s  a sensor that has not changed by then is renewed as its driver tells, or, if
 *                    that is not told, every patience_s at best
 */
JC_MUST_USE jc_status handle_watch_power(jc_meter_handle *handle, const meter_power *power,
                                         double patience_s, jc_error *err);

/** The functions of a row. */
void handle_close(jc_meter_handle *handle);
void handle_describe(const jc_meter_handle *handle, jc_meter_info *out_info);
jc_status handle_begin(jc_meter_handle *handle, jc_error *err);
jc_status handle_end(jc_meter_handle *handle, jc_meter_window *out_window, jc_error *err);

#endif
