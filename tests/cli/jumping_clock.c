// SPDX-License-Identifier: Apache-2.0
// Loaded before a program, it makes the time of day jump: twenty years back and forth with each
// look at it, as if someone set the clock. What measures time by it measures nonsense.
#define _GNU_SOURCE // syscall
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(time_t now) {
    static int n_looks;
    const time_t years = 20 * 365 * (time_t)86400;
    return n_looks++ % 2 == 0 ? now - years : now + years;
}

// The kernel itself is asked: the library's own function is what this one stands in for.
int clock_gettime(clockid_t clock, struct timespec *now) {
    const int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec = jump(now->tv_sec);
    }
    return failed;
}

time_t time(time_t *now) {
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (now != NULL) {
        *now = t.tv_sec;
    }
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec t;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    *now = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}
