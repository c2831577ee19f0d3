// SPDX-License-Identifier: Apache-2.0
// Meter `command`: a program that tells joules or watts when it is asked. docs/METERS.md has the
// protocol.
//
// Whatever the program does wrong ends it, and costs the window at hand: the next one starts it
// anew.
#include "handle.h"
#include "meter_list.h"

#include "common/number.h"
#include "runtime/child/child.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Wall meters tell a new number once a second or so.
#define PATIENCE_S        3.0
#define DEFAULT_TIMEOUT_S 10.0
#define MAX_W             1e5
#define MAX_J             9e12 // in microjoules it is still a whole number

static const char GREETING[] = "joulecast-meter 1 ";
static const char READ[] = "read\n";

typedef enum unit { UNIT_JOULES, UNIT_WATTS } unit;

typedef struct program {
    char *command;
    double timeout_s;
    child *child; // NULL = to be started
    char name[COUNTER_NAME_SIZE];
    unit unit; // what its first answer told
} program;

static void stop(program *p) {
    child_stop(p->child);
    p->child = NULL;
}

static void free_program(void *source) {
    program *p = source;
    stop(p);
    free(p->command);
    free(p);
}

// The answer is quoted in messages, which a terminal shows.
static jc_status report_answer(jc_error *err, const char *what, char *line) {
    for (char *c = line; *c != '\0'; ++c) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
    return jc_error_set(err, JC_EIO, NULL, 0, "the meter's program %s: '%.60s'", what, line);
}

static jc_status greet(program *p, jc_error *err) {
    char line[CHILD_LINE_SIZE];
    const jc_status status = child_receive(p->child, p->timeout_s, line, err);
    if (status != JC_OK) {
        return status;
    }
    const size_t length = strlen(GREETING);
    if (strncmp(line, GREETING, length) != 0 || line[length] == '\0') {
        return report_answer(err, "must begin with 'joulecast-meter 1 NAME', and says", line);
    }
    (void)snprintf(p->name, sizeof p->name, "%.*s", COUNTER_NAME_SIZE - 1, line + length);
    return JC_OK;
}

// "joules 12.5" or "watts 40".
static jc_status parse_answer(char *line, unit *out_unit, double *out_value, jc_error *err) {
    const bool joules = strncmp(line, "joules ", 7) == 0;
    const bool watts = strncmp(line, "watts ", 6) == 0;
    if (strncmp(line, "error ", 6) == 0) {
        return report_answer(err, "reports an error", line + 6);
    }
    double value = 0;
    if (!(joules || watts) || !jc_parse_double(line + (joules ? 7 : 6), &value) || value < 0 ||
        value > MAX_J) {
        return report_answer(err, "must answer 'joules NUMBER' or 'watts NUMBER', and says", line);
    }
    *out_unit = joules ? UNIT_JOULES : UNIT_WATTS;
    *out_value = value;
    return JC_OK;
}

static jc_status ask(program *p, unit *out_unit, double *out_value, jc_error *err) {
    char line[CHILD_LINE_SIZE];
    jc_status status = JC_OK;
    if (p->child == NULL) {
        status = child_start(p->command, &p->child, err);
        if (status == JC_OK) {
            status = greet(p, err);
        }
    }
    if (status == JC_OK) {
        status = child_send(p->child, READ, strlen(READ), p->timeout_s, err);
    }
    if (status == JC_OK) {
        status = child_receive(p->child, p->timeout_s, line, err);
    }
    if (status == JC_OK) {
        status = parse_answer(line, out_unit, out_value, err);
    }
    if (status != JC_OK) {
        stop(p);
    }
    return status;
}

// As ask, of a program that has told its unit.
static jc_status ask_again(program *p, double *out_value, jc_error *err) {
    unit told = UNIT_JOULES;
    double value = 0;
    const jc_status status = ask(p, &told, &value, err);
    if (status != JC_OK) {
        return status;
    }
    if (told != p->unit) {
        stop(p);
        return jc_error_set(err, JC_EIO, NULL, 0, "the meter's program told %s, and tells %s now",
                            p->unit == UNIT_JOULES ? "joules" : "watts",
                            told == UNIT_JOULES ? "joules" : "watts");
    }
    *out_value = value;
    return JC_OK;
}

static jc_status read_joules(const meter_counter *counter, uint64_t *out_count, jc_error *err) {
    double joules = 0;
    const jc_status status = ask_again(counter->source, &joules, err);
    if (status == JC_OK) {
        *out_count = (uint64_t)llround(joules * 1e6);
    }
    return status;
}

static jc_status read_watts(void *source, double *out_w, jc_error *err) {
    return ask_again(source, out_w, err);
}

static jc_status watch(program *p, jc_meter_handle *handle, jc_error *err) {
    double value = 0;
    jc_status status = ask(p, &p->unit, &value, err);
    if (status != JC_OK) {
        return status;
    }
    if (p->unit == UNIT_WATTS) {
        meter_power power = {
            .read = read_watts, .source = p, .max_w = MAX_W, .renewal_s = (double)NAN};
        (void)snprintf(power.name, sizeof power.name, "%s", p->name);
        return handle_watch_power(handle, &power, PATIENCE_S, err);
    }
    meter_counter counter = {
        .read = read_joules, .fd = -1, .source = p, .limits.per_joule = 1e6, .limits.max_w = MAX_W};
    (void)snprintf(counter.name, sizeof counter.name, "%s", p->name);
    status = handle_add_counter(handle, &counter, err);
    return status == JC_OK ? handle_watch_counters(handle, PATIENCE_S, err) : status;
}

static program *create_program(const jc_meter_options *options) {
    program *p = calloc(1, sizeof *p);
    const size_t size = strlen(options->command) + 1;
    if (p == NULL || (p->command = malloc(size)) == NULL) {
        free(p);
        return NULL;
    }
    memcpy(p->command, options->command, size);
    p->timeout_s = options->timeout_s > 0 ? options->timeout_s : DEFAULT_TIMEOUT_S;
    return p;
}

static jc_status open_command(const jc_meter_options *options, jc_meter_handle **out_handle,
                              jc_error *err) {
    if (options->command == NULL || options->command[0] == '\0') {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "no program is given; -m 'command:PROGRAM ARGUMENTS' names one");
    }
    jc_meter_handle *handle = handle_create();
    program *p = create_program(options);
    if (handle == NULL || p == NULL) {
        handle_close(handle);
        if (p != NULL) {
            free_program(p);
        }
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    handle_own(handle, p, free_program);
    const jc_status status = watch(p, handle, err);
    if (status != JC_OK) {
        handle_close(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

const jc_meter meter_command = {
    .name = "command",
    .source = "external",
    .summary = "a program that tells joules or watts when asked: wall meters, docs/METERS.md",
    .open = open_command,
    .close = handle_close,
    .describe = handle_describe,
    .begin = handle_begin,
    .end = handle_end,
};
