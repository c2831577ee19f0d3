// SPDX-License-Identifier: Apache-2.0
// The machine as Linux describes it.
#define _GNU_SOURCE // sched_getaffinity
#include "machine.h"

#include "common/clock.h"

#include <joulecast/campaign.h>

#include <ctype.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A thread or process that works most of the time is the one the work is done by.
static const double WORKER_SHARE = 0.5;

bool machine_read(const char *path, const char *key, char *value, size_t size) {
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            const char *text = line + strlen(key);
            while (isspace((unsigned char)*text) != 0 || *text == ':') {
                ++text;
            }
            (void)snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
            found = true;
        }
    }
    if (file != NULL) {
        (void)fclose(file); // only read from
    }
    return found;
}

// --- Load -----------------------------------------------------------------------------------

// A number of the line "some avg10=0.00 … total=0", which is of all tasks; NaN = unknown.
static double read_pressure(const char *key) {
    char line[256];
    const char *at = NULL;
    if (machine_read("/proc/pressure/cpu", "some", line, sizeof line)) {
        at = strstr(line, key);
    }
    return at == NULL ? (double)NAN : strtod(at + strlen(key), NULL);
}

// Others that wait for the cores that this process must not use do not disturb it.
static bool is_bound(void) {
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 &&
           CPU_COUNT(&cores) < sysconf(_SC_NPROCESSORS_ONLN);
}

bool machine_read_clock(const char *name, char *value, size_t size) {
    char path[128];
    cpu_set_t cores;
    size_t core = 0;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
        while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, &cores)) {
            ++core;
        }
    }
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/cpufreq/%s", core, name);
    return machine_read(path, "", value, size);
}

double machine_recent_load(void) {
    return is_bound() ? (double)NAN : read_pressure("avg10=") / 100;
}

double machine_thread_worked_s(void) {
    struct timespec worked = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked); // cannot fail for this clock
    return (double)worked.tv_sec + 1e-9 * (double)worked.tv_nsec;
}

machine_moment machine_now(double worked_s) {
    return (machine_moment){.wall_s = clock_now_s(),
                            .waited_s = is_bound() ? (double)NAN : 1e-6 * read_pressure("total="),
                            .worked_s = worked_s};
}

double machine_load_between(const machine_moment *begin, const machine_moment *end) {
    const double wall_s = end->wall_s - begin->wall_s;
    if (!(wall_s > 0)) {
        return (double)NAN;
    }
    const double waited = (end->waited_s - begin->waited_s) / wall_s;
    const double worked = (end->worked_s - begin->worked_s) / wall_s;
    const double lacked = worked > WORKER_SHARE ? 1 - worked : (double)NAN;
    const double load = fmax(waited, lacked); // the number of a number and a NaN
    return isnan(load) ? load : fmin(1, fmax(0, load));
}

// --- Description ----------------------------------------------------------------------------

static void describe_clocks(jc_device *device) {
    char text[64];
    if (machine_read_clock("cpuinfo_max_freq", text, sizeof text)) {
        (void)snprintf(device->clocks, sizeof device->clocks, "up to %.2f GHz",
                       strtod(text, NULL) / 1e6);
    } else if (machine_read("/proc/cpuinfo", "cpu MHz", text, sizeof text)) {
        (void)snprintf(device->clocks, sizeof device->clocks, "%.2f GHz when looked at",
                       strtod(text, NULL) / 1e3);
    }
    if (machine_read_clock("scaling_governor", text, sizeof text)) {
        (void)snprintf(device->governor, sizeof device->governor, "%.31s", text);
    }
}

void jc_device_describe(jc_device *out_device) {
    jc_device device = *out_device;
    char cpu[96] = "unknown processor";
    char text[64];
    (void)(machine_read("/proc/cpuinfo", "model name", cpu, sizeof cpu) ||
           machine_read("/proc/device-tree/model", "", cpu, sizeof cpu)); // else it stays unknown
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    (void)snprintf(device.machine, sizeof device.machine, "%.90s, %ld cores", cpu, cores);
    describe_clocks(&device);
    if (machine_read("/proc/meminfo", "MemTotal", text, sizeof text)) {
        (void)snprintf(device.memory, sizeof device.memory, "%.1f GiB",
                       strtod(text, NULL) / 1024 / 1024);
    }
    const time_t now = time(NULL);
    struct tm day = {0};
    if (gmtime_r(&now, &day) != NULL) {
        (void)strftime(device.date, sizeof device.date, "%Y-%m-%d", &day);
    }
    *out_device = device;
}
