// SPDX-License-Identifier: Apache-2.0
// Executor `command`: an external program runs the kernels. docs/EXECUTORS.md has the protocol.
//
// The program is believed in one thing only, its times, and these are held against our own clock.
// Whatever else it does wrong ends it, and costs the kernel at hand: the next one starts it anew.
// It has one task at a time: preparing another gives up the one before.
#include "request.h"

#include "common/clock.h"
#include "common/number.h"
#include "runtime/child/child.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const jc_executor executor_command;

static const double DEFAULT_TIMEOUT_S = 120;

// A time may exceed ours by what clocks differ. It may be shorter than ours by what is not the
// passes (a line there and back, a device that is waited for), but not by this much.
static const double LIE_SHARE = 0.001, LIE_S = 1e-3;
static const double MISSING_SHARE = 0.5, MISSING_S = 0.1;

static const char GREETING[] = "joulecast-executor 1 ";

struct jc_executor_handle {
    jc_executor_options options;
    char *command;
    double timeout_s;
    char software[64];
    child *child;  ///< NULL = not running
    uint64_t task; ///< number of the task the child has; 0 = none
    uint64_t last_task;
};

struct jc_task {
    jc_executor_handle *handle;
    uint64_t number;
    double pass_s; ///< longest time of a pass so far; 0 = unknown
};

static void stop_child(jc_executor_handle *h) {
    child_stop(h->child);
    h->child = NULL;
    h->task = 0;
}

// What follows a word and a space; NULL if the line is another.
static const char *after(const char *line, const char *word) {
    const size_t n = strlen(word);
    return strncmp(line, word, n) == 0 ? line + n : NULL;
}

static jc_status report_strange(const char *line, const char *expected, jc_error *err) {
    return jc_error_set(err, JC_EIO, NULL, 0, "the program says '%.80s'; must be %s", line,
                        expected);
}

static jc_status start_child(jc_executor_handle *h, jc_error *err) {
    char line[CHILD_LINE_SIZE];
    jc_status status = child_start(h->command, &h->child, err);
    if (status == JC_OK) {
        status = child_receive(h->child, h->timeout_s, line, err);
    }
    if (status == JC_OK) {
        const char *software = after(line, GREETING);
        if (software == NULL || software[0] == '\0') {
            status = report_strange(line, "'joulecast-executor 1 NAME AND VERSION'", err);
        } else {
            (void)snprintf(h->software, sizeof h->software, "%.63s", software);
        }
    }
    if (status != JC_OK) {
        stop_child(h);
    }
    return status;
}

static void close_command(jc_executor_handle *h) {
    if (h != NULL) {
        stop_child(h);
        free(h->command);
        free(h);
    }
}

static jc_status open_command(const jc_executor_options *options, jc_executor_handle **out_handle,
                              jc_error *err) {
    if (options->command == NULL || options->command[0] == '\0') {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "executor command needs a program: -x 'command:PROGRAM ARGUMENTS'");
    }
    jc_executor_handle *h = calloc(1, sizeof *h);
    if (h == NULL || (h->command = strdup(options->command)) == NULL) {
        free(h);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    h->options = *options;
    h->options.command = h->command;
    h->timeout_s = options->timeout_s > 0 ? options->timeout_s : DEFAULT_TIMEOUT_S;
    jc_error why = {.message = ""};
    if (start_child(h, &why) != JC_OK) {
        const jc_status status = jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                                              "executor '%.150s': %s", h->command, why.message);
        close_command(h);
        return status;
    }
    *out_handle = h;
    return JC_OK;
}

static void describe_command(const jc_executor_handle *h, jc_executor_info *out_info) {
    *out_info = (jc_executor_info){.threads = h->options.threads};
    (void)snprintf(out_info->software, sizeof out_info->software, "%s", h->software);
}

// Send a line and hear the answer. Any failure ends the child.
static jc_status ask(jc_executor_handle *h, const char *text, double timeout_s, char *line,
                     jc_error *err) {
    jc_status status = child_send(h->child, text, strlen(text), h->timeout_s, err);
    if (status == JC_OK) {
        status = child_receive(h->child, timeout_s, line, err);
    }
    if (status != JC_OK) {
        stop_child(h);
    }
    return status;
}

static jc_status prepare(jc_executor_handle *h, char *request, jc_task **out_task, jc_error *err) {
    char line[CHILD_LINE_SIZE];
    jc_task *task = calloc(1, sizeof *task);
    jc_status status = JC_OK;
    if (task == NULL || request == NULL) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    h->task = 0;
    if (status == JC_OK && h->child == NULL) {
        status = start_child(h, err);
    }
    if (status == JC_OK) {
        status = ask(h, request, h->timeout_s, line, err);
    }
    if (status == JC_OK && strcmp(line, "ready") != 0) {
        const char *refused = after(line, "refused ");
        const char *no_memory = after(line, "memory ");
        if (refused != NULL) {
            status = jc_error_set(err, JC_EUNSUPPORTED, NULL, 0, "%.400s", refused);
        } else if (no_memory != NULL) {
            status = jc_error_set(err, JC_ENOMEM, NULL, 0, "%.400s", no_memory);
        } else {
            status = report_strange(line, "'ready', 'refused WHY' or 'memory WHY'", err);
            stop_child(h);
        }
    }
    free(request);
    if (status != JC_OK) {
        free(task);
        return status;
    }
    h->task = ++h->last_task;
    *task = (jc_task){.handle = h, .number = h->task};
    *out_task = task;
    return JC_OK;
}

static jc_status prepare_kernel(jc_executor_handle *h, const jc_kernel *kernel, jc_task **out_task,
                                jc_error *err) {
    return prepare(h, request_of_kernel(&h->options, kernel), out_task, err);
}

static jc_status prepare_network(jc_executor_handle *h, const jc_network *network,
                                 jc_task **out_task, jc_error *err) {
    return prepare(h, request_of_network(&h->options, network), out_task, err);
}

// A time that our own clock contradicts.
static jc_status check_time(const char *line, double seconds, double wall_s, jc_error *err) {
    if (seconds > wall_s * (1 + LIE_SHARE) + LIE_S) {
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the program lies: it says '%.40s', but only %.6g s have passed", line,
                            wall_s);
    }
    if (seconds < wall_s * MISSING_SHARE - MISSING_S) {
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the program lies: it says '%.40s', but %.6g s have passed", line,
                            wall_s);
    }
    return JC_OK;
}

static jc_status run_command(jc_task *task, uint64_t n, double *out_seconds, jc_error *err) {
    jc_executor_handle *h = task->handle;
    if (h->child == NULL || h->task != task->number) {
        return jc_error_set(err, JC_EINVAL, NULL, 0, "the program no longer has this task");
    }
    char line[CHILD_LINE_SIZE];
    char text[40];
    (void)snprintf(text, sizeof text, "run %" PRIu64 "\n", n);
    // Passes that are known are given twice their time.
    const double begin_s = clock_now_s();
    jc_status status = ask(h, text, h->timeout_s + 2 * task->pass_s * (double)n, line, err);
    const double wall_s = clock_now_s() - begin_s;
    if (status != JC_OK) {
        return status;
    }
    const char *number = after(line, "seconds ");
    double seconds = 0;
    if (number == NULL || !jc_parse_double(number, &seconds) || seconds <= 0) {
        status = report_strange(line, "'seconds X', X above 0", err);
    } else {
        status = check_time(line, seconds, wall_s, err);
    }
    if (status != JC_OK) {
        stop_child(h);
        return status;
    }
    task->pass_s = fmax(task->pass_s, seconds / (double)n);
    *out_seconds = seconds;
    return JC_OK;
}

static double worked_s(const jc_task *task) {
    return task->handle->child == NULL ? (double)NAN : child_worked_s(task->handle->child);
}

static void release(jc_task *task) {
    free(task); // the child gives up its own when it is asked for another
}

const jc_executor executor_command = {
    .name = "command",
    .summary = "a program of your own, which answers lines with lines",
    .open = open_command,
    .close = close_command,
    .describe = describe_command,
    .prepare_kernel = prepare_kernel,
    .prepare_network = prepare_network,
    .run = run_command,
    .worked_s = worked_s,
    .release = release,
};
