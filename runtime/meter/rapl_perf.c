// SPDX-License-Identifier: Apache-2.0
// Meter `rapl-perf`: the energy counters of RAPL through perf events, which a user may be allowed
// to read without being root. The kernel unwraps them to 64 bits.
//
// Added up are energy-pkg and energy-ram of every package; energy-cores and energy-gpu are parts of
// a package, and energy-psys, which contains all, stands in only where there is no energy-pkg.
//
// Source: Linux arch/x86/events/rapl.c; Documentation/ABI/testing/
// sysfs-bus-event_source-devices-events; perf_event_open(2).
#define _GNU_SOURCE // syscall
#include "rapl_perf.h"

#include "common/number.h"
#include "handle.h"
#include "meter_list.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POWER "sys/bus/event_source/devices/power"

// As of rapl-powercap.
#define PATIENCE_S 1.0
#define MAX_ZONE_W 2000.0

/** A kind of energy. */
typedef struct perf_event {
    const char *file;   // below events/
    const char *prefix; // of a counter's name
    bool may_rest;
    uint64_t config;
    double per_joule;
} perf_event;

// ---- The kernel's calls ----

static int open_of_kernel(uint32_t type, uint64_t config, int cpu) {
    struct perf_event_attr attr = {.type = type, .size = sizeof attr, .config = config};
    return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

const perf_calls perf_calls_of_kernel = {open_of_kernel, read};

static jc_status read_event(const meter_counter *counter, uint64_t *out_count, jc_error *err) {
    const perf_calls *calls = counter->source;
    uint64_t count = 0;
    ssize_t got = 0;
    do {
        got = calls->read(counter->fd, &count, sizeof count);
    } while (got < 0 && errno == EINTR);
    if (got == 0) { // perf_event_open(2): the event is in an error state
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "the perf event of %s has ended",
                            counter->name);
    }
    if (got != (ssize_t)sizeof count) {
        return jc_error_set(err, errno == ENODEV ? JC_ENOMETER : JC_EIO, NULL, 0,
                            "the perf event of %s: %s", counter->name,
                            got < 0 ? strerror(errno) : "half a number");
    }
    *out_count = count;
    return JC_OK;
}

// ---- What sysfs tells of the events ----

// "event=0x02": bits 0 to 7 of the configuration.
static bool parse_config(const char *text, uint64_t *out_config) {
    unsigned config = 0;
    char rest = '\0';
    if (sscanf(text, "event=0x%x%c", &config, &rest) != 1 || config > 0xff) {
        return false;
    }
    *out_config = config;
    return true;
}

static jc_status report_text(jc_error *err, const char *path, const char *text) {
    char absolute[ROOT_PATH_SIZE + 1];
    (void)snprintf(absolute, sizeof absolute, "/%s", path);
    return jc_error_set(err, JC_EIO, absolute, 0, "'%.40s' is not understood", text);
}

/** @retval JC_ENOENT  there is no such event */
static jc_status read_description(int root_fd, perf_event *event, jc_error *err) {
    char path[ROOT_PATH_SIZE];
    char text[ROOT_TEXT_SIZE];
    (void)snprintf(path, sizeof path, POWER "/events/%s", event->file);
    jc_status status = root_read(root_fd, path, text, err);
    if (status == JC_OK && !parse_config(text, &event->config)) {
        status = report_text(err, path, text);
    }
    if (status == JC_OK) {
        (void)snprintf(path, sizeof path, POWER "/events/%s.unit", event->file);
        status = root_read(root_fd, path, text, err);
    }
    if (status == JC_OK && strcmp(text, "Joules") != 0) {
        status = report_text(err, path, text);
    }
    if (status == JC_OK) {
        (void)snprintf(path, sizeof path, POWER "/events/%s.scale", event->file);
        status = root_read(root_fd, path, text, err);
    }
    double scale = 0;
    if (status == JC_OK && !(jc_parse_double(text, &scale) && scale > 0 && scale <= 1)) {
        status = report_text(err, path, text);
    }
    if (status == JC_OK) {
        event->per_joule = 1 / scale;
    }
    return status;
}

// ---- Opening ----

typedef struct perf_opening {
    int root_fd;
    const perf_calls *calls;
    uint32_t type;
    char cpus[ROOT_TEXT_SIZE]; // "0,18": one of each package
    jc_meter_handle *handle;
} perf_opening;

static jc_status explain_open(int error, const char *event, jc_error *err) {
    if (error == EACCES || error == EPERM) {
        return jc_error_set(err, JC_EPERM, NULL, 0,
                            "perf events of the whole machine are for root; run as root, or allow "
                            "them until the next boot: sudo sysctl kernel.perf_event_paranoid=0");
    }
    const bool absent = error == ENOENT || error == ENODEV || error == EOPNOTSUPP;
    return jc_error_set(err, absent ? JC_ENOMETER : JC_EIO, NULL, 0,
                        "the perf event %s cannot be opened: %s", event, strerror(error));
}

static jc_status add_event_of_cpu(const perf_opening *o, const perf_event *event, int cpu,
                                  int package, jc_error *err) {
    const int fd = o->calls->open(o->type, event->config, cpu);
    if (fd < 0) {
        return explain_open(errno, event->file, err);
    }
    meter_counter counter = {.read = read_event,
                             .fd = fd,
                             .source = (void *)(uintptr_t)o->calls, // never written to
                             .limits.per_joule = event->per_joule,
                             .limits.max_w = MAX_ZONE_W,
                             .may_rest = event->may_rest};
    (void)snprintf(counter.name, sizeof counter.name, "%s-%d", event->prefix, package);
    return handle_add_counter(o->handle, &counter, err);
}

// Once for each package, which the list of CPUs stands for. Ranges are never among them: neighbours
// share a package.
static jc_status add_event(const perf_opening *o, const perf_event *event, jc_error *err) {
    jc_status status = JC_OK;
    const char *rest = o->cpus;
    for (int package = 0; status == JC_OK; ++package) {
        char *end = NULL;
        errno = 0;
        const long cpu = strtol(rest, &end, 10);
        if (end == rest || cpu < 0 || cpu > 65535 || errno != 0 || (*end != ',' && *end != '\0')) {
            return report_text(err, POWER "/cpumask", o->cpus);
        }
        status = add_event_of_cpu(o, event, (int)cpu, package, err);
        if (*end == '\0') {
            break;
        }
        rest = end + 1;
    }
    return status;
}

static jc_status add_event_if_there(const perf_opening *o, perf_event *event, bool *out_there,
                                    jc_error *err) {
    const jc_status status = read_description(o->root_fd, event, err);
    *out_there = status == JC_OK;
    if (status == JC_ENOENT) {
        return JC_OK;
    }
    return status == JC_OK ? add_event(o, event, err) : status;
}

static jc_status add_events(const perf_opening *o, jc_error *err) {
    perf_event package = {.file = "energy-pkg", .prefix = "package"};
    perf_event memory = {.file = "energy-ram", .prefix = "dram", .may_rest = true};
    perf_event platform = {.file = "energy-psys", .prefix = "psys"};
    bool has_package = false;
    bool has_other = false;
    jc_status status = add_event_if_there(o, &package, &has_package, err);
    if (status == JC_OK) {
        status = add_event_if_there(o, has_package ? &memory : &platform, &has_other, err);
    }
    if (status == JC_OK && !has_package && !has_other) {
        status = jc_error_set(err, JC_ENOMETER, NULL, 0,
                              "/" POWER "/events has neither energy-pkg nor energy-psys");
    }
    return status;
}

static jc_status open_events(const jc_meter_options *options, const perf_calls *calls,
                             jc_meter_handle *handle, jc_error *err) {
    perf_opening o = {.root_fd = options->root_fd, .calls = calls, .handle = handle};
    uint64_t type = 0;
    jc_status status = root_read_count(o.root_fd, POWER "/type", &type, err);
    if (status == JC_ENOENT) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "%s",
                            root_is_virtual(o.root_fd)
                                ? "this is a virtual machine, and its host passes no energy "
                                  "counters on; measure on the host"
                                : "the kernel has no perf events of energy; if the processor has "
                                  "RAPL, load the module: sudo modprobe rapl");
    }
    if (status == JC_OK && type > UINT32_MAX) {
        status = jc_error_set(err, JC_EIO, "/" POWER "/type", 0, "is no type of a perf event");
    }
    if (status == JC_OK) {
        o.type = (uint32_t)type;
        status = root_read(o.root_fd, POWER "/cpumask", o.cpus, err);
    }
    if (status == JC_OK) {
        status = add_events(&o, err);
    }
    return status == JC_OK ? handle_watch_counters(handle, PATIENCE_S, err) : status;
}

jc_status rapl_perf_open(const jc_meter_options *options, const perf_calls *calls,
                         jc_meter_handle **out_handle, jc_error *err) {
    jc_meter_handle *handle = handle_create();
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    const jc_status status = open_events(options, calls, handle, err);
    if (status != JC_OK) {
        handle_close(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

static jc_status open_perf(const jc_meter_options *options, jc_meter_handle **out_handle,
                           jc_error *err) {
    // Numbers of another machine's events mean something else to this kernel.
    if (!root_is_this_machine(options->root_fd)) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "perf events are of the machine that runs, not of a recorded one");
    }
    return rapl_perf_open(options, &perf_calls_of_kernel, out_handle, err);
}

const jc_meter meter_rapl_perf = {
    .name = "rapl-perf",
    .source = "rapl",
    .summary = "the same counters through perf events, for users who may not read those",
    .open = open_perf,
    .close = handle_close,
    .describe = handle_describe,
    .begin = handle_begin,
    .end = handle_end,
};
