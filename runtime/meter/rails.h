// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rails: power read from files, in watts or as a voltage and a current, and the sum of several.
 */
#ifndef JC_METER_RAILS_H
#define JC_METER_RAILS_H

#include "handle.h"

enum { MOST_RAILS = 32 };

/** One rail. Its power is the first file's number, or the product of both, over `per_watt`. */
typedef struct power_rail {
    char path[ROOT_PATH_SIZE];         ///< power, or voltage
    char current_path[ROOT_PATH_SIZE]; ///< "" = the first is power
    int fd;
    int current_fd; ///< −1 = none
    double per_watt;
} power_rail;

/** Open the files of a rail, whose paths and per_watt are given. */
JC_MUST_USE jc_status rail_open(int root_fd, power_rail *rail, jc_error *err);
void rail_close(const power_rail *rail);

/** A current that flows back counts as it is: the power may be negative. */
JC_MUST_USE jc_status rail_read(const power_rail *rail, double *out_w, jc_error *err);

/** All that is added up. Zeroed = none. */
typedef struct power_rails {
    power_rail rails[MOST_RAILS];
    size_t n;
    char name[128]; ///< "VDD_GPU_SOC + VDD_CPU_CV"
} power_rails;

/** Rails that a handle owns; NULL if out of memory. */
power_rails *rails_create(jc_meter_handle *handle);

/**
 * Add a rail, whose files are opened here.
 *
 * @retval JC_EUNSUPPORTED  more than MOST_RAILS
 */
JC_MUST_USE jc_status rails_add(power_rails *rails, int root_fd, const power_rail *rail,
                                const char *name, jc_error *err);

/** A sensor's `read`; the source is the rails. */
jc_status rails_read(void *source, double *out_w, jc_error *err);

#endif
