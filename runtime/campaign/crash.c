// SPDX-License-Identifier: Apache-2.0
#include "crash.h"

#include <signal.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

// Handlers have nothing else to tell by. Set while none is installed.
static struct {
    journal *journal; ///< NULL = not watching
    const jc_campaign_listener *listener;
    int n_in_a_row; ///< with the one that may come
    struct sigaction before[N_SIGNALS];
} watch;

void crash_unwatch(void) {
    for (int i = 0; watch.journal != NULL && i < N_SIGNALS; ++i) {
        (void)sigaction(signals[i], &watch.before[i], NULL);
    }
    watch.journal = NULL;
}

// In any thread, wherever the library was: async-signal-safe calls alone. Where the listener
// returns, the signal comes again and ends the process.
static void take_crash(int number) {
    journal *const j = watch.journal;
    if (j != NULL) { // else another thread has crashed, too
        watch.journal = NULL;
        journal_add_prepared(j);
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
    for (int i = 0; i < N_SIGNALS; ++i) {
        struct sigaction action = {.sa_handler = take_crash};
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(signals[i], &action, &watch.before[i]); // cannot fail for these signals
    }
}
