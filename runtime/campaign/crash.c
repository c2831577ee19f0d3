// SPDX-License-Identifier: Apache-2.0
#include "crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

// Handlers have nothing else to tell by. Set while none is installed.
static struct {
    journal *journal; ///< NULL = not watching
    const jc_campaign_listener *listener;
    int n_in_a_row; ///< with the one that may come
    struct sigaction before[N_SIGNALS];
} watch;

static atomic_flag is_taken; ///< a thread has crashed

// In any thread, wherever the library was: async-signal-safe calls alone. Where the listener
// returns, or the journal could not be written and the crash would come for ever, the signal comes
// again and ends the process.
static void take_crash(int number) {
    while (atomic_flag_test_and_set(&is_taken)) {
        (void)pause(); // threads that do the same work crash together; the first one sees to it
    }
    if (journal_add_prepared(watch.journal)) {
        watch.listener->crashed(watch.listener->context, watch.n_in_a_row);
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void crash_watch(journal *j, const jc_campaign_listener *listener, int n_in_a_row) {
    if (listener->crashed == NULL) {
        return;
    }
    watch.journal = j;
    watch.listener = listener;
    watch.n_in_a_row = n_in_a_row;
    atomic_flag_clear(&is_taken);
    for (int i = 0; i < N_SIGNALS; ++i) {
        struct sigaction action = {.sa_handler = take_crash};
        (void)sigemptyset(&action.sa_mask);
        for (int k = 0; k < N_SIGNALS; ++k) { // a crash in the handler ends the process
            (void)sigaddset(&action.sa_mask, signals[k]);
        }
        (void)sigaction(signals[i], &action, &watch.before[i]); // cannot fail for these signals
    }
}

void crash_unwatch(void) {
    for (int i = 0; watch.journal != NULL && i < N_SIGNALS; ++i) {
        (void)sigaction(signals[i], &watch.before[i], NULL);
    }
    watch.journal = NULL;
}
