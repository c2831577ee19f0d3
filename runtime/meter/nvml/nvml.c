// SPDX-License-Identifier: Apache-2.0
// Meter `nvml`: the energy counter of an NVIDIA GPU, or its power where there is none.
//
// The GPU alone is measured, not the machine around it. Both readings come from the same sensor of
// the board; the counter is preferred, for it misses nothing between two looks, unless it disagrees
// with the power: see agrees().
#include "nvml.h"

#include "common/clock.h"
#include "library.h"
#include "runtime/meter/arithmetic.h"
#include "runtime/meter/handle.h"
#include "runtime/meter/meter_list.h"
#include "throttle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Both are renewed every 20 to 100 ms (Yang et al., "Accurate and Convenient Energy Measurements
// for GPUs", SC'24); nine steps must fit.
#define PATIENCE_S 2.0
#define MAX_GPU_W  3000.0
// The sensor averages, so the ends of a window lag behind by more than a step: a counter was seen
// to lack 26 % of a window of 0.5 s and 12 % of 1 s, that is 0.12 s of power, the standard
// deviation of a step of 0.3 s.
#define COUNTER_END_S 0.3
// What is no instant power is the mean of the last second on Ampere and later.
#define AVERAGE_END_S 1.0
// How long counter and power are compared, and by what factor they may differ while the GPU rests.
#define COMPARE_S   0.6
#define MOST_FACTOR 1.5

typedef struct gpu {
    nvml_library library;
    nvml_device_handle device;
    char name[96]; // as long as NVML makes it
    bool has_instant;
    unsigned long long last_mj; // of the counter
    uint64_t total_mj;
    throttle *throttle;
} gpu;

static void free_gpu(void *source) {
    gpu *g = source;
    throttle_free(g->throttle);
    nvml_library_close(&g->library);
    free(g);
}

// ---- Readings ----

// The counter has 64 bits. Should a board fill 32 of them alone, it wraps there; anything else that
// goes back was reset.
static jc_status read_energy(const meter_counter *counter, uint64_t *out_mj, jc_error *err) {
    gpu *g = counter->source;
    unsigned long long mj = 0;
    const jc_status status =
        nvml_check(&g->library, g->library.get_energy(g->device, &mj), "energy", err);
    if (status != JC_OK) {
        return status;
    }
    const bool wraps = mj < g->last_mj && g->last_mj <= UINT32_MAX;
    if (mj < g->last_mj && !wraps) {
        return jc_error_set(err, JC_EIO, NULL, 0,
                            "the energy counter of %s went back from %llu to %llu mJ", g->name,
                            g->last_mj, mj);
    }
    g->total_mj += wraps ? UINT64_C(0x100000000) - g->last_mj + mj : mj - g->last_mj;
    g->last_mj = mj;
    *out_mj = g->total_mj;
    return JC_OK;
}

// The power of a moment; false where the library or the board does not tell it.
static bool read_instant(const gpu *g, unsigned *out_mw) {
    nvml_field field = {.id = NVML_FIELD_POWER_INSTANT, .scope = NVML_SCOPE_GPU};
    if (g->library.get_fields == NULL ||
        g->library.get_fields(g->device, 1, &field) != NVML_SUCCESS ||
        field.status != NVML_SUCCESS || field.type != NVML_TYPE_UNSIGNED) {
        return false;
    }
    *out_mw = field.value.ui;
    return true;
}

static jc_status read_power(void *source, double *out_w, jc_error *err) {
    const gpu *g = source;
    unsigned mw = 0;
    if (g->has_instant) {
        if (!read_instant(g, &mw)) {
            return jc_error_set(err, JC_ENOMETER, NULL, 0,
                                "NVML told the power of %s, and tells it no more", g->name);
        }
    } else {
        const jc_status status =
            nvml_check(&g->library, g->library.get_power(g->device, &mw), "power", err);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_w = mw / 1000.0;
    return JC_OK;
}

static double read_clock_hz(const gpu *g, int which) {
    unsigned mhz = 0;
    return g->library.get_clock != NULL &&
                   g->library.get_clock(g->device, which, &mhz) == NVML_SUCCESS
               ? 1e6 * mhz
               : (double)NAN;
}

static void note_begin(void *source) {
    const gpu *g = source;
    throttle_begin(g->throttle);
}

static void note_end(void *source, jc_meter_window *window) {
    const gpu *g = source;
    unsigned celsius = 0;
    window->clock_hz = read_clock_hz(g, NVML_CLOCK_SM); // first: it falls soon after the work
    throttle_end(g->throttle, window);
    if (g->library.get_temperature != NULL &&
        g->library.get_temperature(g->device, NVML_SENSOR_GPU, &celsius) == NVML_SUCCESS) {
        window->temperature_c = celsius;
    }
}

// ---- Opening ----

static jc_status find_device(gpu *g, const char *address, jc_error *err) {
    const nvml_library *library = &g->library;
    unsigned n = 0;
    jc_status status = nvml_check(library, library->get_count(&n), "number of GPUs", err);
    if (status != JC_OK) {
        return status;
    }
    if (n == 0) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "the NVIDIA driver is there, and no GPU that this user may see");
    }
    if (address == NULL) {
        return nvml_check(library, library->get_by_index(0, &g->device), "first GPU", err);
    }
    if (library->get_by_address == NULL) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "NVML finds no GPU by its address");
    }
    return nvml_check(library, library->get_by_address(address, &g->device), address, err);
}

static jc_status refuse_shared(const gpu *g, jc_error *err) {
    unsigned now = 0;
    unsigned pending = 0;
    if (g->library.get_mig_mode != NULL &&
        g->library.get_mig_mode(g->device, &now, &pending) == NVML_SUCCESS && now != 0) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "%s is divided into instances (MIG), and its power is that of all of "
                            "them; measure on a whole GPU",
                            g->name);
    }
    return JC_OK;
}

static bool has_energy(const gpu *g) {
    unsigned long long mj = 0;
    return g->library.get_energy != NULL && g->library.get_energy(g->device, &mj) == NVML_SUCCESS;
}

static meter_power describe_power(gpu *g) {
    unsigned mw = 0;
    g->has_instant = read_instant(g, &mw);
    meter_power power = {
        .read = read_power, .source = g, .max_w = MAX_GPU_W, .renewal_s = (double)NAN};
    power.least_end_s = g->has_instant ? 0 : AVERAGE_END_S;
    (void)snprintf(power.name, sizeof power.name, "%s, %s", g->name,
                   g->has_instant ? "instant power" : "average power");
    return power;
}

// Counter and power of one board were seen to differ by 187 J to 327 J (zeus #181). While the GPU
// rests they must agree; where they do not, power is taken, which can be held against other tools.
// A GPU whose power cannot be read has nothing to compare with.
static bool agrees(gpu *g) {
    const meter_power power = describe_power(g);
    const struct timespec pause = {.tv_nsec = 20000000};
    unsigned long long before_mj = 0;
    unsigned long long after_mj = 0;
    power_integral integral;
    power_integral_init(&integral, COMPARE_S);
    bool known = g->library.get_energy(g->device, &before_mj) == NVML_SUCCESS;
    const double begin_s = clock_now_s();
    double now_s = begin_s;
    for (; known && now_s - begin_s < COMPARE_S; now_s = clock_now_s()) {
        double power_w = 0;
        known =
            power.read(g, &power_w, NULL) == JC_OK && power_integral_add(&integral, now_s, power_w);
        (void)nanosleep(&pause, NULL); // a shorter one does no harm
    }
    known = known && g->library.get_energy(g->device, &after_mj) == NVML_SUCCESS &&
            after_mj > before_mj && integral.energy_j > 0;
    if (!known) {
        return true;
    }
    const double counted_w = (double)(after_mj - before_mj) / 1000 / (clock_now_s() - begin_s);
    const double told_w = integral.energy_j / (integral.last_s - integral.begin_s);
    return counted_w < MOST_FACTOR * told_w && told_w < MOST_FACTOR * counted_w;
}

static jc_status watch_energy(gpu *g, jc_meter_handle *handle, jc_error *err) {
    meter_counter counter = {.read = read_energy,
                             .fd = -1,
                             .source = g,
                             .limits.per_joule = 1000,
                             .limits.max_w = MAX_GPU_W,
                             .least_end_s = COUNTER_END_S};
    (void)snprintf(counter.name, sizeof counter.name, "%.*s", COUNTER_NAME_SIZE - 1, g->name);
    const jc_status status = handle_add_counter(handle, &counter, err);
    return status == JC_OK ? handle_watch_counters(handle, PATIENCE_S, err) : status;
}

static jc_status open_gpu(gpu *g, const char *address, jc_meter_handle *handle, jc_error *err) {
    jc_status status = find_device(g, address, err);
    if (status == JC_OK) {
        if (g->library.get_name == NULL ||
            g->library.get_name(g->device, g->name, sizeof g->name) != NVML_SUCCESS) {
            (void)snprintf(g->name, sizeof g->name, "NVIDIA GPU");
        }
        g->name[sizeof g->name - 1] = '\0';
        status = refuse_shared(g, err);
    }
    if (status == JC_OK) {
        status = throttle_create(&g->library, g->device, &g->throttle, err);
    }
    if (status != JC_OK) {
        return status;
    }
    if (has_energy(g) && agrees(g)) {
        return watch_energy(g, handle, err);
    }
    const meter_power power = describe_power(g);
    return handle_watch_power(handle, &power, PATIENCE_S, err);
}

jc_status nvml_open(const jc_meter_options *options, const char *path, jc_meter_handle **out_handle,
                    jc_error *err) {
    gpu *g = calloc(1, sizeof *g);
    jc_meter_handle *handle = handle_create();
    if (g == NULL || handle == NULL) {
        free(g);
        handle_close(handle);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = nvml_library_open(path, &g->library, err);
    if (status != JC_OK) {
        free(g);
        handle_close(handle);
        return status;
    }
    handle_own(handle, g, free_gpu);
    handle_note(handle, note_begin, note_end);
    status = open_gpu(g, options->device, handle, err);
    if (status != JC_OK) {
        handle_close(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

static jc_status open_nvml(const jc_meter_options *options, jc_meter_handle **out_handle,
                           jc_error *err) {
    if (!root_is_this_machine(options->root_fd)) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "GPUs are those of the machine that runs, not of a recorded one");
    }
    return nvml_open(options, "libnvidia-ml.so.1", out_handle, err);
}

// ---- How it is set ----

static void append(char *text, size_t size, const char *part) {
    const size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", part);
}

// What a clock is now, and what it may be at most: either may be unknown.
static void describe_clocks(const gpu *g, jc_meter_info *info) {
    static const struct {
        int which;
        const char *name;
    } clocks[] = {{NVML_CLOCK_SM, "SM"}, {NVML_CLOCK_MEMORY, "memory"}};
    for (int i = 0; i < 2; ++i) {
        const double now_hz = read_clock_hz(g, clocks[i].which);
        unsigned most_mhz = 0;
        char part[40];
        const bool has_most =
            g->library.get_max_clock != NULL &&
            g->library.get_max_clock(g->device, clocks[i].which, &most_mhz) == NVML_SUCCESS;
        int n = snprintf(part, sizeof part, "%s ", clocks[i].name);
        if (!isnan(now_hz)) {
            n += snprintf(part + n, sizeof part - (size_t)n, "%.0f%s", 1e-6 * now_hz,
                          has_most ? " of " : "");
        }
        if (has_most) {
            n += snprintf(part + n, sizeof part - (size_t)n, "%s%u", isnan(now_hz) ? "up to " : "",
                          most_mhz);
        }
        if (has_most || !isnan(now_hz)) {
            (void)snprintf(part + n, sizeof part - (size_t)n, " MHz");
            append(info->clocks, sizeof info->clocks, part);
        }
    }
}

static void describe_limits(const gpu *g, jc_meter_info *info) {
    unsigned mw = 0;
    int is_on = 0;
    int mode = 0;
    char part[32];
    if (g->library.get_power_limit != NULL &&
        g->library.get_power_limit(g->device, &mw) == NVML_SUCCESS) {
        (void)snprintf(part, sizeof part, "at most %u W", mw / 1000);
        append(info->limits, sizeof info->limits, part);
    }
    if (g->library.get_persistence != NULL &&
        g->library.get_persistence(g->device, &is_on) == NVML_SUCCESS && is_on != 0) {
        append(info->limits, sizeof info->limits, "persistent");
    }
    if (g->library.get_compute_mode != NULL &&
        g->library.get_compute_mode(g->device, &mode) == NVML_SUCCESS && mode != 0) {
        (void)snprintf(part, sizeof part, "mode %d", mode); // 0 is the default
        append(info->limits, sizeof info->limits, part);
    }
}

static void describe_nvml(const jc_meter_handle *handle, jc_meter_info *out_info) {
    const gpu *g = handle_source(handle);
    nvml_memory memory = {0};
    char version[40] = "";
    char part[64];
    handle_describe(handle, out_info);
    describe_clocks(g, out_info);
    describe_limits(g, out_info);
    if (g->library.get_memory != NULL &&
        g->library.get_memory(g->device, &memory) == NVML_SUCCESS) {
        (void)snprintf(part, sizeof part, "%.1f GiB",
                       (double)memory.total_bytes / 1024 / 1024 / 1024);
        append(out_info->memory, sizeof out_info->memory, part);
    }
    if (g->library.get_driver != NULL &&
        g->library.get_driver(version, sizeof version) == NVML_SUCCESS) {
        version[sizeof version - 1] = '\0';
        (void)snprintf(part, sizeof part, "driver %s", version);
        append(out_info->memory, sizeof out_info->memory, part);
    }
}

const jc_meter meter_nvml = {
    .name = "nvml",
    .source = "nvml",
    .summary = "energy counter or power of an NVIDIA GPU, without the machine around it",
    .is_gpu = true,
    .open = open_nvml,
    .close = handle_close,
    .describe = describe_nvml,
    .begin = handle_begin,
    .end = handle_end,
};
