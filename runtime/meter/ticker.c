// SPDX-License-Identifier: Apache-2.0
// A thread that does something again and again while a window is open.
#include "ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct ticker {
    double interval_s;
    void (*tick)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex; // guards what follows, and what the ticks touch
    pthread_cond_t wake;
    bool is_running;
    bool must_end;
};

static struct timespec after(double seconds) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail: the clock exists, t is ours
    const double whole_s = (double)(time_t)seconds;
    const long ns = t.tv_nsec + (long)((seconds - whole_s) * 1e9);
    t.tv_sec += (time_t)seconds + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

static void *run(void *argument) {
    ticker *t = argument;
    (void)pthread_mutex_lock(&t->mutex); // a plain mutex that we hold once: cannot fail
    while (!t->must_end) {
        if (!t->is_running) {
            (void)pthread_cond_wait(&t->wake, &t->mutex);
            continue;
        }
        const struct timespec next = after(t->interval_s);
        while (t->is_running && !t->must_end &&
               pthread_cond_timedwait(&t->wake, &t->mutex, &next) == 0) {
        }
        if (t->is_running && !t->must_end) {
            t->tick(t->context);
        }
    }
    (void)pthread_mutex_unlock(&t->mutex);
    return NULL;
}

static bool start_thread(ticker *t) {
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&t->mutex, NULL) != 0 || pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); // a clock that exists
    const int failed = pthread_cond_init(&t->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (failed != 0) {
        return false;
    }
    // Signals are the program's: no thread of a library takes them.
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int refused = pthread_create(&t->thread, NULL, run, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused == 0;
}

jc_status ticker_create(double interval_s, void (*tick)(void *context), void *context,
                        ticker **out_ticker, jc_error *err) {
    ticker *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    t->interval_s = interval_s;
    t->tick = tick;
    t->context = context;
    if (!start_thread(t)) {
        free(t);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "no thread can be started for the meter");
    }
    *out_ticker = t;
    return JC_OK;
}

void ticker_free(ticker *t) {
    if (t == NULL) {
        return;
    }
    ticker_lock(t);
    t->must_end = true;
    (void)pthread_cond_signal(&t->wake);
    ticker_unlock(t);
    (void)pthread_join(t->thread, NULL);
    (void)pthread_cond_destroy(&t->wake);
    (void)pthread_mutex_destroy(&t->mutex);
    free(t);
}

void ticker_lock(ticker *t) {
    (void)pthread_mutex_lock(&t->mutex);
}

void ticker_unlock(ticker *t) {
    (void)pthread_mutex_unlock(&t->mutex);
}

void ticker_start(ticker *t) {
    t->is_running = true;
    (void)pthread_cond_signal(&t->wake);
}

void ticker_stop(ticker *t) {
    t->is_running = false;
    (void)pthread_cond_signal(&t->wake);
}
