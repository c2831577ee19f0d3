// SPDX-License-Identifier: Apache-2.0
// Executors and meters by name.
#include "hardware.h"

#include "common/number.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- Options --------------------------------------------------------------------------------

static const char *parse_executor(cli_options *options, const char *text) {
    hardware_choice *choice = options->extra;
    choice->executor = text;
    return text[0] == '\0' ? "an executor, as in onednn or 'command:PROGRAM'" : NULL;
}

static const char *parse_meter(cli_options *options, const char *text) {
    hardware_choice *choice = options->extra;
    choice->meter = text;
    return text[0] == '\0' ? "a meter, as in none or rapl-powercap" : NULL;
}

static const char *parse_threads(cli_options *options, const char *text) {
    hardware_choice *choice = options->extra;
    int64_t threads = 0;
    if (!cli_parse_integer(text, 1, 1024, &threads)) {
        return "a whole number from 1 to 1024";
    }
    choice->executor_options.threads = (int)threads;
    return NULL;
}

static const char *parse_timeout(cli_options *options, const char *text) {
    hardware_choice *choice = options->extra;
    double timeout_s = 0;
    if (!jc_parse_double(text, &timeout_s) || !(timeout_s > 0 && timeout_s <= 86400)) {
        return "a number of seconds up to 86400";
    }
    choice->executor_options.timeout_s = timeout_s;
    return NULL;
}

const cli_option hardware_option_executor = {
    'x', "executor", "EXECUTOR", "what runs kernels: onednn, cudnn, or 'command:PROGRAM'",
    parse_executor};
const cli_option hardware_option_meter = {
    'm', "meter", "METER", "what tells energy: rapl-powercap, none, ... (the best there is)",
    parse_meter};
const cli_option hardware_option_threads = {'j', "threads", "THREADS",
                                            "threads of the executor (all cores)", parse_threads};
const cli_option hardware_option_timeout = {
    0, "timeout", "SECONDS", "how long a program may be silent (120)", parse_timeout};

// --- Names ----------------------------------------------------------------------------------

// NAME of "NAME:ARGUMENT" into name; *out_argument is NULL where there is none.
static void split(const char *text, char *name, size_t size, const char **out_argument) {
    const size_t n = strcspn(text, ":");
    (void)snprintf(name, size, "%.*s", (int)n, text);
    *out_argument = text[n] == ':' ? text + n + 1 : NULL;
}

typedef const char *name_at(size_t i);

static const char *executor_at(size_t i) {
    return jc_executors()[i] == NULL ? NULL : jc_executors()[i]->name;
}

static const char *meter_at(size_t i) {
    return jc_meters()[i] == NULL ? NULL : jc_meters()[i]->name;
}

static jc_status report_unknown(const char *what, const char *name, name_at *at, jc_error *err) {
    char known[256] = "";
    size_t length = 0;
    for (size_t i = 0; at(i) != NULL && length < sizeof known; ++i) {
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s",
                                   i == 0 ? "" : ", ", at(i));
    }
    return jc_error_set(err, JC_ENOENT, NULL, 0, "there is no %s '%.60s'; there are %s", what, name,
                        known);
}

// --- Opening --------------------------------------------------------------------------------

static jc_status open_executor(const hardware_choice *choice, hardware *h, jc_error *err) {
    char name[64];
    const char *argument = NULL;
    if (choice->executor == NULL) {
        // The preferred one that this machine has; the last word is of the first that has not.
        jc_status status = jc_error_set(err, JC_EUNSUPPORTED, NULL, 0, "there is no executor");
        for (size_t i = 0; jc_executors()[i] != NULL; ++i) {
            h->executor = jc_executors()[i];
            status = h->executor->open(&choice->executor_options, &h->executor_handle,
                                       i == 0 ? err : NULL);
            if (status == JC_OK) {
                return JC_OK;
            }
        }
        return status;
    }
    split(choice->executor, name, sizeof name, &argument);
    h->executor = jc_executor_find(name);
    if (h->executor == NULL) {
        return report_unknown("executor", name, executor_at, err);
    }
    jc_executor_options options = choice->executor_options;
    options.command = argument;
    return h->executor->open(&options, &h->executor_handle, err);
}

static jc_status open_meter(const hardware_choice *choice, hardware *h, jc_error *err) {
    char name[64];
    const char *argument = NULL;
    jc_executor_info executor;
    jc_meter_options options = {
        .root_fd = h->root_fd, .idle_w = (double)NAN, .full_w = (double)NAN};
    h->executor->describe(h->executor_handle, &executor);
    if (choice->power.is_declared) {
        options.idle_w = choice->power.idle_w;
        options.full_w = choice->power.full_w;
    }
    if (choice->meter == NULL && !choice->power.is_declared) {
        jc_status status = jc_error_set(err, JC_ENOMETER, NULL, 0, "there is no meter");
        // A GPU's meter is silent about executors that run on processors, and the other way round.
        // Where a program of the user's runs is not known: on a processor unless asked for.
        for (size_t i = 0; jc_meters()[i] != NULL && status != JC_OK; ++i) {
            const bool is_last = jc_meters()[i + 1] == NULL; // none
            if (jc_meters()[i]->is_gpu == h->executor->is_gpu || is_last) {
                options.device = executor.gpu[0] == '\0' ? NULL : executor.gpu;
                h->meter = jc_meters()[i];
                status = h->meter->open(&options, &h->meter_handle, err);
            }
        }
        return status;
    }
    split(choice->meter == NULL ? "declared" : choice->meter, name, sizeof name, &argument);
    h->meter = jc_meter_find(name);
    if (h->meter == NULL) {
        return report_unknown("meter", name, meter_at, err);
    }
    options.command = argument;
    options.device = argument != NULL                              ? argument
                     : h->meter->is_gpu && executor.gpu[0] != '\0' ? executor.gpu
                                                                   : NULL;
    return h->meter->open(&options, &h->meter_handle, err);
}

jc_status hardware_open(const hardware_choice *choice, hardware *out_hardware, jc_error *err) {
    hardware h = {.root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (h.root_fd < 0) {
        return jc_error_set(err, JC_EIO, "/", 0, "%s", strerror(errno));
    }
    jc_status status = open_executor(choice, &h, err);
    if (status == JC_OK) {
        status = open_meter(choice, &h, err);
    }
    if (status != JC_OK) {
        hardware_close(&h);
        return status;
    }
    *out_hardware = h;
    return JC_OK;
}

void hardware_close(hardware *h) {
    if (h->meter_handle != NULL) {
        h->meter->close(h->meter_handle);
    }
    if (h->executor_handle != NULL) {
        h->executor->close(h->executor_handle);
    }
    (void)close(h->root_fd); // only read from
}
