// SPDX-License-Identifier: Apache-2.0
// Counting and killing by /proc (man 5 proc, /proc/pid/stat).
#include "tasks.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct process {
    pid_t pid;
    uid_t user;
    pid_t session;
    char state; ///< 'Z' = dead, not yet buried
    long n_threads;
} process;

// False if the process is gone, which is no failure.
static bool look_at(pid_t pid, process *out_process) {
    char path[64];
    char text[1024];
    struct stat info;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const ssize_t n = read(fd, text, sizeof text - 1);
    const bool is_known = fstat(fd, &info) == 0;
    (void)close(fd);
    if (n <= 0 || !is_known) {
        return false;
    }
    text[n] = '\0';
    // The name, in parentheses, may hold anything: what follows its last one counts.
    const char *rest = strrchr(text, ')');
    process p = {.pid = pid, .user = info.st_uid};
    long session = 0;
    if (rest == NULL || sscanf(rest + 1,
                               " %c %*d %*d %ld %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                               "%*d %ld",
                               &p.state, &session, &p.n_threads) != 3) {
        return false;
    }
    p.session = (pid_t)session;
    *out_process = p;
    return true;
}

// Calls `visit` for each process.
static void for_each(void (*visit)(const process *p, void *context), void *context) {
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        return; // without /proc nothing can be counted
    }
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        process p;
        if (isdigit((unsigned char)e->d_name[0]) != 0 &&
            look_at((pid_t)strtol(e->d_name, NULL, 10), &p)) {
            visit(&p, context);
        }
    }
    (void)closedir(folder);
}

typedef struct count {
    uid_t user;
    pid_t session;
    long n;
} count;

static void count_user(const process *p, void *context) {
    count *c = context;
    c->n += p->user == c->user ? p->n_threads : 0;
}

static void count_session(const process *p, void *context) {
    count *c = context;
    c->n += p->session == c->session && p->state != 'Z' ? p->n_threads : 0;
}

static void kill_one(const process *p, void *context) {
    count *c = context;
    if (p->session == c->session && p->state != 'Z') {
        c->n += kill(p->pid, SIGKILL) == 0;
    }
}

long tasks_of_user(uid_t user) {
    count c = {.user = user};
    for_each(count_user, &c);
    return c.n;
}

long tasks_of_session(pid_t session) {
    count c = {.session = session};
    for_each(count_session, &c);
    return c.n;
}

void tasks_kill_session(pid_t session) {
    // At once for the leader's group: no process of it can fork any more. Those that made a group
    // of their own are looked for until none is left.
    enum { MAX_ROUNDS = 100 };
    count c = {.session = session, .n = 1};
    (void)kill(-session, SIGKILL);
    for (int round = 0; round < MAX_ROUNDS && c.n > 0; ++round) {
        c.n = 0;
        for_each(kill_one, &c);
    }
}
