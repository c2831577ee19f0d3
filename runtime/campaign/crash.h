// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Crashes of an executor's library, which cost the configuration at hand and not the campaign.
 *
 * A library that has crashed cannot be trusted with more work in the same process. So what is to be
 * noted stands ready in the journal, a handler of the signal adds it, and the listener begins the
 * program anew. Whatever else crashes meanwhile, or sends such a signal, is taken for the library;
 * where a stack is full there is no handler. Process-wide, as handlers are; one campaign at a time.
 */
#ifndef JC_CAMPAIGN_CRASH_H
#define JC_CAMPAIGN_CRASH_H

#include "journal.h"

#include <joulecast/campaign.h>

/**
 * Handle crashes from here on; does nothing where the listener does not want to hear of them.
 *
 * @param j           borrowed; its prepared line is added when the library crashes.
 * @param listener    borrowed.
 * @param n_in_a_row  that the listener is told.
 */
void crash_watch(journal *j, const jc_campaign_listener *listener, int n_in_a_row);

/** Crashes end the process again, as they did before. */
void crash_unwatch(void);

#endif
