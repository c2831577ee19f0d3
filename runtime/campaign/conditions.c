// SPDX-License-Identifier: Apache-2.0
#include "conditions.h"

#include "machine.h"

#include <glob.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double read_clock(void) {
    char text[64];
    if (machine_read_clock("scaling_cur_freq", text, sizeof text)) {
        return 1e3 * strtod(text, NULL);
    }
    return machine_read("/proc/cpuinfo", "cpu MHz", text, sizeof text) ? 1e6 * strtod(text, NULL)
                                                                       : (double)NAN;
}

// The kernel tells thousandths of a degree.
static double read_temperature(void) {
    glob_t found = {0};
    double hottest = (double)NAN;
    if (glob("/sys/class/thermal/thermal_zone*/temp", 0, NULL, &found) == 0) {
        (void)glob("/sys/class/hwmon/hwmon*/temp*_input", GLOB_APPEND, NULL, &found);
    } else {
        (void)glob("/sys/class/hwmon/hwmon*/temp*_input", 0, NULL, &found);
    }
    for (size_t i = 0; i < found.gl_pathc; ++i) {
        char text[64];
        if (machine_read(found.gl_pathv[i], "", text, sizeof text)) {
            hottest = fmax(hottest, 1e-3 * strtod(text, NULL));
        }
    }
    globfree(&found);
    return hottest;
}

// The line "cpu": user nice system idle iowait irq softirq steal, in ticks.
static void read_times(conditions *now) {
    enum { N_FIELDS = 8, STEAL = 7 };
    const double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    char line[512];
    now->stolen_s = now->total_s = (double)NAN;
    if (!machine_read("/proc/stat", "cpu ", line, sizeof line)) {
        return;
    }
    char *at = line;
    now->total_s = 0;
    for (int i = 0; i < N_FIELDS; ++i) {
        const double field_s = tick_s * strtod(at, &at);
        now->total_s += field_s;
        now->stolen_s = i == STEAL ? field_s : now->stolen_s;
    }
}

conditions conditions_now(void) {
    conditions now = {.clock_hz = read_clock(), .temperature_c = read_temperature()};
    read_times(&now);
    return now;
}

double conditions_steal(const conditions *begin, const conditions *end) {
    const double total_s = end->total_s - begin->total_s;
    return total_s > 0 ? (end->stolen_s - begin->stolen_s) / total_s : (double)NAN;
}

void conditions_add(char *text, size_t size, const char *format, ...) {
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    if (used > 0 && used + 2 < size) {
        (void)snprintf(text + used, size - used, "; ");
    }
    const size_t begin = strlen(text);
    (void)vsnprintf(text + begin, size - begin, format, arguments);
    va_end(arguments);
}

void conditions_describe(const conditions *begin, const conditions *end, char *text, size_t size) {
    char allowed[64];
    char online[64];
    text[0] = '\0';
    if (machine_read("/proc/self/status", "Cpus_allowed_list", allowed, sizeof allowed) &&
        machine_read("/sys/devices/system/cpu/online", "", online, sizeof online)) {
        conditions_add(text, size, "cores %.60s of %.60s", allowed, online);
    }
    if (!isnan(begin->clock_hz) && !isnan(end->clock_hz)) {
        conditions_add(text, size, "%.2f GHz to %.2f GHz", 1e-9 * begin->clock_hz,
                       1e-9 * end->clock_hz);
    }
    if (!isnan(begin->temperature_c) && !isnan(end->temperature_c)) {
        conditions_add(text, size, "%.0f °C to %.0f °C", begin->temperature_c, end->temperature_c);
    }
    const double steal = conditions_steal(begin, end);
    if (!isnan(steal)) {
        conditions_add(text, size, "%.1f %% of the processor time stolen", 100 * steal);
    }
}
