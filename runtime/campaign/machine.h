// SPDX-License-Identifier: Apache-2.0
/** @file What else this machine does. */
#ifndef JC_CAMPAIGN_MACHINE_H
#define JC_CAMPAIGN_MACHINE_H

/** A moment, to tell the load between two of them. */
typedef struct machine_moment {
    double wall_s;
    double waited_s; ///< in which some task waited for a core, since the start; NaN = unknown
    double worked_s; ///< of this thread
} machine_moment;

machine_moment machine_now(void);

/**
 * Share of the time from `begin` until now in which something waited for a core: by the pressure
 * stall information of Linux (Documentation/accounting/psi.rst) and, where the work is this
 * thread's, by what this thread lacked.
 *
 * @return 0 to 1; NaN = unknown
 */
double machine_load_since(const machine_moment *begin);

/** Share of the last ten seconds in which something waited for a core; NaN = unknown. */
double machine_recent_load(void);

/** Share of all processor time since the machine started that a hypervisor gave to others; NaN. */
double machine_steal(void);

#endif
