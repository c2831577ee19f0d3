// SPDX-License-Identifier: Apache-2.0
/** @file What else this machine does. */
#ifndef JC_CAMPAIGN_MACHINE_H
#define JC_CAMPAIGN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/** A moment, to tell the load between two of them. */
typedef struct machine_moment {
    double wall_s;
    double waited_s; ///< in which some task waited for a core, since the start; NaN = unknown
    double worked_s; ///< by whoever does the work; NaN = unknown
} machine_moment;

/** @param worked_s  by whoever does the work, so far; NaN = unknown */
machine_moment machine_now(double worked_s);

/** Processor time of the calling thread, in s. */
double machine_thread_worked_s(void);

/**
 * Share of the time between two moments in which something waited for a core: by the pressure stall
 * information of Linux (Documentation/accounting/psi.rst), which is of the whole machine and hence
 * left out where this process is bound to some of its cores, and by what the one who does the work
 * lacked.
 *
 * @return 0 to 1; NaN = unknown
 */
double machine_load_between(const machine_moment *begin, const machine_moment *end);

/** Share of the last ten seconds in which something waited for a core, likewise; NaN = unknown. */
double machine_recent_load(void);

/**
 * First line of a file that begins with `key`, without it, a colon and spaces.
 *
 * @return false if there is none
 */
bool machine_read(const char *path, const char *key, char *value, size_t size);

/** What Linux tells of the clock of the first core that this process may use: "scaling_governor".
 *  @return false if it tells nothing, as in virtual machines */
bool machine_read_clock(const char *name, char *value, size_t size);

#endif
