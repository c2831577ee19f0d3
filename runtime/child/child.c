// SPDX-License-Identifier: Apache-2.0
// A child process at arm's length.
#include "child.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tasks.h"

enum {
    LAST_WORDS_SIZE = 160,
    // Processes and threads it may have: pools of a thread for each core, and what a framework
    // does beside them.
    TASKS_OF_A_CORE = 4,
    MORE_TASKS = 192,
};

// The first look at how many it has become; later ones come ever more rarely, for they cost time
// that belongs to what is measured.
static const double FIRST_CENSUS_S = 0.1;
static const double LAST_CENSUS_S = 2;
static const double DEATH_TIMEOUT_S = 1; ///< between the end of its output and its own

struct child {
    pid_t pid;
    int in_fd;  ///< ours to write
    int out_fd; ///< ours to read
    int error_fd;
    size_t used; ///< bytes of `heard`
    char heard[CHILD_LINE_SIZE];
    size_t error_used;
    char error_line[LAST_WORDS_SIZE]; ///< of its standard error, being read
    char last_words[LAST_WORDS_SIZE]; ///< last whole line of it
};

static long most_tasks(void) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return MORE_TASKS + TASKS_OF_A_CORE * (cores < 1 ? 1 : cores);
}

// --- Birth ----------------------------------------------------------------------------------

// In the child, between fork and exec: system calls alone.
static void become(const char *command, const int fds[3], rlim_t max_tasks) {
    const struct rlimit tasks = {max_tasks, max_tasks};
    const struct rlimit no_core = {0, 0};
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); // what fails here leaves the child only less bounded
    (void)setrlimit(RLIMIT_NPROC, &tasks);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 3; ++i) {
        if (dup2(fds[i], i) < 0) {
            _exit(127);
        }
    }
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void close_all(int *fds, int n) {
    for (int i = 0; i < n; ++i) {
        if (fds[i] >= 0) {
            (void)close(fds[i]); // nothing is lost by a failure
        }
    }
}

// No descriptor of ours is inherited by this or another child, or is one of the first three, which
// the child overwrites.
static bool move_up(int *fds, int n) {
    for (int i = 0; i < n; ++i) {
        const int moved = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (moved < 0) {
            return false;
        }
        (void)close(fds[i]);
        fds[i] = moved;
    }
    return true;
}

// fds: child's input, our end of it, our end of its output, its output, the same of its errors.
static bool open_channels(int fds[6]) {
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && pipe(fds + 2) == 0 &&
           pipe(fds + 4) == 0 && move_up(fds, 6) && fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(fds[2], F_SETFL, O_NONBLOCK) == 0 && fcntl(fds[4], F_SETFL, O_NONBLOCK) == 0;
}

jc_status child_start(const char *command, child **out_child, jc_error *err) {
    int fds[6] = {-1, -1, -1, -1, -1, -1};
    child *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    pid_t pid = -1;
    if (open_channels(fds)) {
        const rlim_t max_tasks = (rlim_t)(tasks_of_user(getuid()) + most_tasks());
        pid = fork();
        if (pid == 0) {
            become(command, (const int[3]){fds[0], fds[3], fds[5]}, max_tasks);
        }
    }
    if (pid < 0) {
        const int error = errno;
        close_all(fds, 6);
        free(c);
        return jc_error_set(err, JC_EIO, NULL, 0, "'%.200s' cannot be started: %s", command,
                            strerror(error));
    }
    close_all((int[]){fds[0], fds[3], fds[5]}, 3);
    c->pid = pid;
    c->in_fd = fds[1];
    c->out_fd = fds[2];
    c->error_fd = fds[4];
    *out_child = c;
    return JC_OK;
}

// --- Listening ------------------------------------------------------------------------------

static bool is_printable(char ch) {
    return (unsigned char)ch >= 0x20 && ch != 0x7f;
}

// Keep the last whole line of what it wrote to its standard error.
static void hear_errors(child *c) {
    char text[1024];
    ssize_t n = 0;
    while ((n = read(c->error_fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < n; ++i) {
            if (text[i] != '\n') {
                if (c->error_used < LAST_WORDS_SIZE - 1) {
                    c->error_line[c->error_used++] = is_printable(text[i]) ? text[i] : '?';
                }
            } else if (c->error_used > 0) {
                memcpy(c->last_words, c->error_line, c->error_used);
                c->last_words[c->error_used] = '\0';
                c->error_used = 0;
            }
        }
    }
    if (n == 0) { // closed: poll would report it again and again
        (void)close(c->error_fd);
        c->error_fd = -1;
    }
}

static const char *last_words(child *c) {
    if (c->error_fd >= 0) {
        hear_errors(c);
    }
    return c->last_words;
}

// Wait for the end of the process itself; true if it came.
static bool reap(child *c, double timeout_s, int *out_status) {
    const struct timespec pause = {0, 2000000};
    const double end_s = clock_now_s() + timeout_s;
    while (c->pid > 0) {
        const pid_t pid = waitpid(c->pid, out_status, WNOHANG);
        if (pid == c->pid) {
            return true;
        }
        if (clock_now_s() >= end_s || (pid < 0 && errno != EINTR)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

double child_worked_s(const child *c) {
    clockid_t clock = 0;
    struct timespec worked = {0};
    if (c->pid <= 0 || clock_getcpuclockid(c->pid, &clock) != 0 ||
        clock_gettime(clock, &worked) != 0) {
        return (double)NAN;
    }
    return (double)worked.tv_sec + 1e-9 * (double)worked.tv_nsec;
}

static jc_status report_death(child *c, jc_error *err) {
    int status = 0;
    char how[80] = "closed its output";
    if (reap(c, DEATH_TIMEOUT_S, &status)) {
        tasks_kill_session(c->pid); // what it left behind
        c->pid = 0;
        if (WIFEXITED(status)) {
            (void)snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(status));
        } else {
            (void)snprintf(how, sizeof how, "was killed by signal %d (%.40s)", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
        }
    }
    const char *words = last_words(c);
    return jc_error_set(err, JC_EIO, NULL, 0, "the program %s%s%s", how,
                        words[0] == '\0' ? "" : "; its last words: ", words);
}

// Take a line out of what was heard; false if there is none yet.
static bool take_line(child *c, char *line) {
    char *end = memchr(c->heard, '\n', c->used);
    if (end == NULL) {
        return false;
    }
    const size_t length = (size_t)(end - c->heard);
    memcpy(line, c->heard, length);
    line[length] = '\0';
    c->used -= length + 1;
    memmove(c->heard, end + 1, c->used);
    return true;
}

// Read what is there. *out_closed: there will be no more.
static void hear(child *c, bool *out_closed) {
    ssize_t n = 1;
    while (n > 0 && c->used < sizeof c->heard) {
        n = read(c->out_fd, c->heard + c->used, sizeof c->heard - c->used);
        c->used += n > 0 ? (size_t)n : 0;
    }
    *out_closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static jc_status report_babble(const child *c, const char *what, jc_error *err) {
    char text[64];
    size_t n = 0;
    for (; n < c->used && n < sizeof text - 1 && c->heard[n] != '\n'; ++n) {
        text[n] = is_printable(c->heard[n]) ? c->heard[n] : '?';
    }
    text[n] = '\0';
    return jc_error_set(err, JC_EIO, NULL, 0, "the program babbles: %s, '%s'", what, text);
}

// A limit on processes does not bind the superuser: so they are counted, too.
static jc_status census(child *c, jc_error *err) {
    const long n = tasks_of_session(c->pid);
    if (n <= most_tasks()) {
        return JC_OK;
    }
    tasks_kill_session(c->pid);
    return jc_error_set(err, JC_EIO, NULL, 0,
                        "the program was stopped: it had become %ld processes and threads; %ld are "
                        "allowed",
                        n, most_tasks());
}

jc_status child_receive(child *c, double timeout_s, char *line, jc_error *err) {
    const double begin_s = clock_now_s();
    double next_census_s = FIRST_CENSUS_S;
    double waited_s = 0;
    while (!take_line(c, line)) {
        if (c->used == sizeof c->heard) {
            return report_babble(c, "a line of more than 4095 characters", err);
        }
        if (waited_s >= next_census_s) {
            const jc_status status = census(c, err);
            if (status != JC_OK) {
                return status;
            }
            next_census_s =
                waited_s + (next_census_s < LAST_CENSUS_S ? next_census_s : LAST_CENSUS_S);
        }
        if (waited_s >= timeout_s) {
            const char *words = last_words(c);
            return jc_error_set(err, JC_EIO, NULL, 0, "the program was silent for %.3g s%s%s",
                                timeout_s, words[0] == '\0' ? "" : "; its last words: ", words);
        }
        const double until_s = next_census_s < timeout_s ? next_census_s : timeout_s;
        struct pollfd fds[2] = {{.fd = c->out_fd, .events = POLLIN},
                                {.fd = c->error_fd, .events = POLLIN}};
        (void)poll(fds, 2, (int)(1000 * (until_s - waited_s)) + 1); // interruptions are no news
        if (fds[1].revents != 0) {
            hear_errors(c);
        }
        if (fds[0].revents != 0) {
            bool closed = false;
            hear(c, &closed);
            if (closed && memchr(c->heard, '\n', c->used) == NULL) {
                return report_death(c, err);
            }
        }
        waited_s = clock_now_s() - begin_s;
    }
    return JC_OK;
}

jc_status child_send(child *c, const char *text, size_t length, double timeout_s, jc_error *err) {
    bool closed = false;
    hear(c, &closed);
    if (c->used > 0) {
        return report_babble(c, "it spoke unasked", err);
    }
    if (closed) {
        return report_death(c, err);
    }
    const double end_s = clock_now_s() + timeout_s;
    while (length > 0) {
        // A socket and no pipe, so that a reader that went away is an error and no signal.
        const ssize_t n = send(c->in_fd, text, length, MSG_NOSIGNAL);
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return report_death(c, err);
        } else if (clock_now_s() >= end_s) {
            return jc_error_set(err, JC_EIO, NULL, 0, "the program has not listened for %.3g s",
                                timeout_s);
        } else {
            struct pollfd fds[2] = {{.fd = c->in_fd, .events = POLLOUT},
                                    {.fd = c->error_fd, .events = POLLIN}};
            (void)poll(fds, 2, 100);
            if (fds[1].revents != 0) {
                hear_errors(c);
            }
        }
    }
    return JC_OK;
}

// --- Death ----------------------------------------------------------------------------------

void child_stop(child *c) {
    if (c == NULL) {
        return;
    }
    if (c->pid > 0) {
        int status = 0;
        tasks_kill_session(c->pid);
        (void)reap(c, DEATH_TIMEOUT_S, &status); // killed: how it ended is no news
    }
    close_all((int[]){c->in_fd, c->out_fd, c->error_fd}, 3);
    free(c);
}
