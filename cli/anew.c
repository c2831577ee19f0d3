// SPDX-License-Identifier: Apache-2.0
// The process stays the same one, so who waits for it, or sends it signals, need not know. What
// outlives the program is the environment: there stands when the work began.
#include "anew.h"

#include "common/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char VARIABLE[] = "JOULECAST_BEGAN"; // "PROCESS SECONDS", on the monotonic clock

static char **arguments;
static sigset_t mask; // handlers, and threads of libraries, have other ones

void anew_remember(char **argv) {
    arguments = argv;
    (void)prctl(PR_SET_NAME, "joulecast"); // "exe" after beginning anew, which nobody looks for
    (void)sigprocmask(SIG_SETMASK, NULL, &mask); // cannot fail without a new one
}

double anew_elapsed_s(void) {
    const char *text = getenv(VARIABLE);
    char *end = NULL;
    if (text != NULL && strtol(text, &end, 10) == (long)getpid()) { // not that of a parent
        return clock_now_s() - strtod(end, NULL);
    }
    char value[64];
    (void)snprintf(value, sizeof value, "%ld %.6f", (long)getpid(), clock_now_s());
    (void)setenv(VARIABLE, value, 1); // without memory for it the budget begins anew, too
    return 0;
}

void anew_begin(void) {
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (arguments != NULL) {
        (void)execv("/proc/self/exe", arguments);
    }
}
