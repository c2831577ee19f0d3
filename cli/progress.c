// SPDX-License-Identifier: Apache-2.0
// Progress on standard error.
#include "progress.h"

#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

static const double QUIET_S = 2;        ///< shorter work shows nothing
static const double BAR_PERIOD_S = 0.1; ///< smooth enough for the eye
static const double LINE_PERIOD_S = 10; ///< a log stays short

progress progress_begin(const char *label) {
    return (progress){
        .label = label, .begin_s = clock_now_s(), .is_terminal = isatty(STDERR_FILENO) != 0};
}

// "1:05" or "2:03:20".
static void format_duration(double duration_s, char *text, size_t size) {
    const long s = (long)(duration_s + 0.5);
    if (s >= 3600) {
        (void)snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
    }
}

void progress_update(progress *p, double done) {
    const double now = clock_now_s();
    const double elapsed_s = now - p->begin_s;
    const double period_s = p->is_terminal ? BAR_PERIOD_S : LINE_PERIOD_S;
    if (elapsed_s < QUIET_S || now - p->last_shown_s < period_s || !(done > 0 && done <= 1)) {
        return;
    }
    p->last_shown_s = now;
    char left[32];
    format_duration(elapsed_s * (1 - done) / done, left, sizeof left);
    if (!p->is_terminal) {
        (void)fprintf(stderr, "joulecast: %s: %.0f %%, %s left\n", p->label, 100 * done, left);
        return;
    }
    char bar[BAR_WIDTH + 1];
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', (size_t)(BAR_WIDTH * done));
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r%s [%s] %3.0f %%, %s left \033[K", p->label, bar, 100 * done, left);
    (void)fflush(stderr);
}

void progress_end(progress *p) {
    if (p->is_terminal && p->last_shown_s > 0) {
        (void)fprintf(stderr, "\r\033[K");
    }
}
