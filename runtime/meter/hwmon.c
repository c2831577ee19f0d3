// SPDX-License-Identifier: Apache-2.0
// Meter `hwmon`: sensors of power and energy that drivers offer below /sys/class/hwmon.
//
// A chip may measure anything: a disk, a graphics card, one rail of many. So only chips are used
// of which it is known what they measure; the first kind that the machine has is taken, and all
// chips of that kind are added up.
//
// Source: Linux Documentation/hwmon/sysfs-interface.rst (power in uW, energy in uJ, voltage in mV,
// current in mA) and the files named at the chips.
#include "handle.h"
#include "meter_list.h"
#include "rails.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HWMON "sys/class/hwmon"

// ACPI's meters and slow converters are renewed every second at least.
#define PATIENCE_S    1.5
#define MAX_MACHINE_W 20000.0 // a rack's node
#define MAX_SOCKET_W  2000.0

/** A kind of chip, and how its channels are named. */
typedef struct hwmon_chip {
    const char *name;         // of the driver, in hwmonN/name
    const char *value;        // of a channel, with its number: "power%d_input"
    const char *current;      // where `value` is a voltage; else NULL
    const char *label;        // file with the channel's name; NULL = channels have none
    const char *label_prefix; // only channels whose name begins so; NULL = all
    const char *totals[2];    // a channel of such a name is the sum of all others; NULL = none
    const char *renewal;      // file with the milliseconds between renewals; NULL = none
    double per_unit;          // what one watt or joule is in the files' units
    int n_channels;
    bool is_energy;
    bool is_single; // several chips are several views of one machine: the first is enough
} hwmon_chip;

// Whole machines first, then what is inside of them.
static const hwmon_chip chips[] = {
    // Jetson's rails (ina3221.rst). The whole module is VDD_IN, or POM_5V_IN, where that is
    // measured.
    {.name = "ina3221",
     .value = "in%d_input",
     .current = "curr%d_input",
     .label = "in%d_label",
     .totals = {"VDD_IN", "POM_5V_IN"},
     .renewal = "update_interval",
     .per_unit = 1e6,
     .n_channels = 3},
    // A server's supply (acpi_power_meter.rst).
    {.name = "power_meter",
     .value = "power%d_average",
     .renewal = "power1_average_interval",
     .per_unit = 1e6,
     .n_channels = 1,
     .is_single = true},
    // AMD's counters, cores and sockets; cores are parts of a socket (amd_energy.rst).
    {.name = "amd_energy",
     .value = "energy%d_input",
     .label = "energy%d_label",
     .label_prefix = "Esocket",
     .per_unit = 1e6,
     .n_channels = 512,
     .is_energy = true},
    // X-Gene's processor and its connections (xgene-hwmon.rst).
    {.name = "apm_xgene",
     .value = "power%d_input",
     .label = "power%d_label",
     .per_unit = 1e6,
     .n_channels = 2},
    // Zen's processor, its cores and the rest of it (the driver is not in Linux itself).
    {.name = "zenpower", .value = "power%d_input", .per_unit = 1e6, .n_channels = 2},
    // AMD before Zen (fam15h_power.rst).
    {.name = "fam15h_power", .value = "power%d_input", .per_unit = 1e6, .n_channels = 1},
};

// Fed from a rail that is measured too: on Jetson AGX Orin it has the 5 V of VIN_SYS_5V0.
static const char *const contained_rails[] = {"VDDQ_VDD2_1V8AO", "NC", NULL};

typedef struct hwmon_search {
    int root_fd;
    const hwmon_chip *chip;
    char folder[48]; // "hwmon3"
    jc_meter_handle *handle;
    power_rails *rails;
    size_t n_found;
    double renewal_s;
} hwmon_search;

static void file_path(const hwmon_search *s, const char *pattern, int channel, char *path) {
    char file[48];
    const char *percent = strstr(pattern, "%d");
    if (percent == NULL) {
        (void)snprintf(file, sizeof file, "%.40s", pattern);
    } else {
        (void)snprintf(file, sizeof file, "%.*s%d%.24s", (int)(percent - pattern), pattern, channel,
                       percent + 2);
    }
    (void)snprintf(path, ROOT_PATH_SIZE, HWMON "/%s/%s", s->folder, file);
}

static bool is_contained(const char *label) {
    const char *const *contained = contained_rails;
    while (*contained != NULL && strcmp(*contained, label) != 0) {
        ++contained;
    }
    return *contained != NULL;
}

// True if the channel is there and is one to add up; its name goes to `label`.
static bool wants_channel(const hwmon_search *s, int channel, char *label) {
    char path[ROOT_PATH_SIZE];
    file_path(s, s->chip->value, channel, path);
    if (!root_has(s->root_fd, path)) {
        return false;
    }
    (void)snprintf(label, ROOT_TEXT_SIZE, "%s %s", s->chip->name, s->folder);
    if (s->chip->label == NULL) {
        return true;
    }
    file_path(s, s->chip->label, channel, path);
    if (root_read(s->root_fd, path, label, NULL) != JC_OK) {
        return false; // a channel without a name is not wired
    }
    const char *prefix = s->chip->label_prefix;
    return (prefix == NULL || strncmp(label, prefix, strlen(prefix)) == 0) && !is_contained(label);
}

static jc_status add_counter(hwmon_search *s, int channel, const char *label, jc_error *err) {
    meter_counter counter = {.read = counter_read_file,
                             .fd = -1,
                             .limits.per_joule = s->chip->per_unit,
                             .limits.max_w = MAX_SOCKET_W};
    (void)snprintf(counter.name, sizeof counter.name, "%.*s", COUNTER_NAME_SIZE - 1, label);
    file_path(s, s->chip->value, channel, counter.path);
    const jc_status status = root_open(s->root_fd, counter.path, &counter.fd, err);
    return status == JC_OK ? handle_add_counter(s->handle, &counter, err) : status;
}

static jc_status add_rail(hwmon_search *s, int channel, const char *label, jc_error *err) {
    power_rail rail = {.per_watt = s->chip->per_unit};
    file_path(s, s->chip->value, channel, rail.path);
    if (s->chip->current != NULL) {
        file_path(s, s->chip->current, channel, rail.current_path);
    }
    return rails_add(s->rails, s->root_fd, &rail, label, err);
}

static bool is_total(const hwmon_chip *chip, const char *label) {
    bool found = false;
    for (size_t i = 0; i < 2; ++i) {
        found = found || (chip->totals[i] != NULL && strcmp(label, chip->totals[i]) == 0);
    }
    return found;
}

/** @param only_total  a channel that is the sum of the others, and nothing else */
static jc_status add_channels(hwmon_search *s, bool only_total, jc_error *err) {
    jc_status status = JC_OK;
    for (int channel = 1; status == JC_OK && channel <= s->chip->n_channels; ++channel) {
        char label[ROOT_TEXT_SIZE];
        if (!wants_channel(s, channel, label) || (only_total && !is_total(s->chip, label)) ||
            (s->chip->is_single && s->n_found > 0)) {
            continue;
        }
        status = s->chip->is_energy ? add_counter(s, channel, label, err)
                                    : add_rail(s, channel, label, err);
        s->n_found++;
    }
    return status;
}

static void read_renewal(hwmon_search *s) {
    char path[ROOT_PATH_SIZE];
    uint64_t ms = 0;
    if (s->chip->renewal == NULL) {
        return;
    }
    file_path(s, s->chip->renewal, 1, path);
    if (root_read_count(s->root_fd, path, &ms, NULL) == JC_OK && ms > 0) {
        s->renewal_s = fmax(s->renewal_s, (double)ms / 1000);
    }
}

// The name of a chip, and its files, are in its folder or, with older drivers, that of its device.
static bool is_of_kind(const hwmon_search *s, const char *folder) {
    char path[ROOT_PATH_SIZE];
    char name[ROOT_TEXT_SIZE];
    (void)snprintf(path, sizeof path, HWMON "/%.20s/name", folder);
    if (root_read(s->root_fd, path, name, NULL) != JC_OK) {
        (void)snprintf(path, sizeof path, HWMON "/%.20s/device/name", folder);
        if (root_read(s->root_fd, path, name, NULL) != JC_OK) {
            return false;
        }
    }
    return strcmp(name, s->chip->name) == 0;
}

/** @param folders  [n] all chips of the machine */
static jc_status add_kind(hwmon_search *s, const char *const *folders, size_t n, bool only_total,
                          jc_error *err) {
    static const char *const below[] = {"", "/device"};
    jc_status status = JC_OK;
    for (size_t i = 0; i < n; ++i) {
        const size_t n_before = s->n_found;
        const bool wanted = is_of_kind(s, folders[i]);
        for (size_t j = 0; wanted && status == JC_OK && j < 2 && s->n_found == n_before; ++j) {
            (void)snprintf(s->folder, sizeof s->folder, "%.20s%s", folders[i], below[j]);
            read_renewal(s);
            status = add_channels(s, only_total, err);
        }
    }
    return status;
}

static jc_status explain_absence(int root_fd, size_t n_chips, jc_error *err) {
    if (root_is_virtual(root_fd)) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "this is a virtual machine, and its host passes no sensors on; measure "
                            "on the host");
    }
    return jc_error_set(err, JC_ENOMETER, NULL, 0,
                        "of the %zu chips in /" HWMON
                        " none is known to measure the machine or its "
                        "processor; servers may have one after: sudo modprobe acpi_power_meter",
                        n_chips);
}

static jc_status explain(jc_status status, const char *chip, jc_error *err) {
    if (status != JC_EPERM) {
        return status;
    }
    return jc_error_set(err, JC_EPERM, NULL, 0,
                        "%s may be read by root alone (since CVE-2020-8694 or CVE-2020-12912); run "
                        "as root, or allow it until the next boot with chmod a+r",
                        chip);
}

static jc_status find_sensors(hwmon_search *s, jc_error *err) {
    const char **folders = NULL;
    size_t n = 0;
    jc_status status = root_list(s->root_fd, HWMON, handle_arena(s->handle), &folders, &n, err);
    if (status != JC_OK && status != JC_ENOENT) {
        return status;
    }
    for (size_t i = 0; i < sizeof chips / sizeof chips[0] && s->n_found == 0; ++i) {
        s->chip = &chips[i];
        status = s->chip->totals[0] == NULL ? JC_OK : add_kind(s, folders, n, true, err);
        if (status == JC_OK && s->n_found == 0) {
            status = add_kind(s, folders, n, false, err);
        }
        if (status != JC_OK) {
            return explain(status, s->chip->name, err);
        }
    }
    return s->n_found == 0 ? explain_absence(s->root_fd, n, err) : JC_OK;
}

static jc_status watch(hwmon_search *s, jc_error *err) {
    if (s->chip->is_energy) {
        return handle_watch_counters(s->handle, PATIENCE_S, err);
    }
    meter_power power = {.read = rails_read,
                         .source = s->rails,
                         .max_w = MAX_MACHINE_W,
                         .renewal_s = s->renewal_s > 0 ? s->renewal_s : (double)NAN};
    (void)snprintf(power.name, sizeof power.name, "%s", s->rails->name);
    return handle_watch_power(s->handle, &power, PATIENCE_S, err);
}

static jc_status open_hwmon(const jc_meter_options *options, jc_meter_handle **out_handle,
                            jc_error *err) {
    hwmon_search s = {.root_fd = options->root_fd, .handle = handle_create()};
    if (s.handle == NULL || (s.rails = rails_create(s.handle)) == NULL) {
        handle_close(s.handle);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = find_sensors(&s, err);
    if (status == JC_OK) {
        status = watch(&s, err);
    }
    if (status != JC_OK) {
        handle_close(s.handle);
        return status;
    }
    *out_handle = s.handle;
    return JC_OK;
}

const jc_meter meter_hwmon = {
    .name = "hwmon",
    .source = "hwmon",
    .summary = "sensors of boards and servers: Jetson's INA3221, ACPI power meters, amd_energy",
    .open = open_hwmon,
    .close = handle_close,
    .describe = handle_describe,
    .begin = handle_begin,
    .end = handle_end,
};
