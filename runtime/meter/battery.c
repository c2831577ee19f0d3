// SPDX-License-Identifier: Apache-2.0
// Meter `battery`: what a laptop's batteries give while it runs on them.
//
// Power is power_now, or current_now times voltage_now; drivers differ in the sign that they give
// to a current that flows out. It is the whole machine's power, screen and all, if and only if no
// mains helps: a battery that does not discharge is an error.
//
// Source: Linux Documentation/ABI/testing/sysfs-class-power (uW, uA, uV; type, scope, status).
#include "handle.h"
#include "meter_list.h"
#include "rails.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUPPLIES "sys/class/power_supply"

// Gauges are renewed every few seconds; the user waits for it once.
#define PATIENCE_S   3.0
#define MAX_LAPTOP_W 500.0

enum { MOST_BATTERIES = 4 };

typedef struct battery {
    const char *folder; // "BAT0"
    int status_fd;
    char status_path[ROOT_PATH_SIZE];
    power_rail rail;
} battery;

typedef struct batteries {
    battery list[MOST_BATTERIES];
    size_t n;
    char name[128]; // "BAT0 + BAT1"
} batteries;

static void free_batteries(void *source) {
    batteries *all = source;
    for (size_t i = 0; i < all->n; ++i) {
        (void)close(all->list[i].status_fd); // read only: nothing can be lost
        rail_close(&all->list[i].rail);
    }
    free(all);
}

static void file_path(const char *folder, const char *file, char *path) {
    (void)snprintf(path, ROOT_PATH_SIZE, SUPPLIES "/%.64s/%s", folder, file);
}

// ---- Reading ----

// Of several batteries some rest while another gives; none may be charged, for then mains are
// there.
static jc_status read_batteries(void *source, double *out_w, jc_error *err) {
    const batteries *all = source;
    double sum_w = 0;
    bool discharges = false;
    const char *mains = NULL;
    for (size_t i = 0; i < all->n; ++i) {
        const battery *b = &all->list[i];
        char text[ROOT_TEXT_SIZE];
        double power_w = 0;
        jc_status status = root_reread(b->status_fd, b->status_path, text, err);
        if (status == JC_OK) {
            status = rail_read(&b->rail, &power_w, err);
        }
        if (status != JC_OK) {
            return status;
        }
        if (strcmp(text, "Discharging") == 0) {
            discharges = true;
            sum_w += fabs(power_w);
        } else if (strcmp(text, "Charging") == 0) {
            mains = b->folder;
        }
    }
    if (!discharges || mains != NULL) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "%s: the machine runs on mains; unplug it to measure by its battery",
                            mains == NULL ? all->name : mains);
    }
    *out_w = sum_w;
    return JC_OK;
}

// ---- Opening ----

static bool has_text(int root_fd, const char *folder, const char *file, const char *expected) {
    char path[ROOT_PATH_SIZE];
    char text[ROOT_TEXT_SIZE];
    file_path(folder, file, path);
    return root_read(root_fd, path, text, NULL) == JC_OK && strcmp(text, expected) == 0;
}

// Batteries of mice and the like have the scope "Device".
static bool is_of_machine(int root_fd, const char *folder) {
    return has_text(root_fd, folder, "type", "Battery") &&
           !has_text(root_fd, folder, "scope", "Device") &&
           !has_text(root_fd, folder, "present", "0");
}

static jc_status open_battery(int root_fd, battery *b, jc_error *err) {
    file_path(b->folder, "power_now", b->rail.path);
    b->rail.per_watt = 1e6;
    if (!root_has(root_fd, b->rail.path)) {
        file_path(b->folder, "voltage_now", b->rail.path);
        file_path(b->folder, "current_now", b->rail.current_path);
        b->rail.per_watt = 1e12;
    }
    jc_status status = rail_open(root_fd, &b->rail, err);
    if (status != JC_OK) {
        return status;
    }
    file_path(b->folder, "status", b->status_path);
    status = root_open(root_fd, b->status_path, &b->status_fd, err);
    if (status != JC_OK) {
        rail_close(&b->rail);
    }
    return status;
}

static jc_status add_battery(int root_fd, batteries *all, const char *folder, jc_error *err) {
    if (all->n == MOST_BATTERIES) {
        return jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                            "more than %d batteries: such a machine is not known", MOST_BATTERIES);
    }
    battery *b = &all->list[all->n];
    *b = (battery){.folder = folder};
    const jc_status status = open_battery(root_fd, b, err);
    if (status == JC_OK) {
        const size_t used = strlen(all->name);
        (void)snprintf(all->name + used, sizeof all->name - used, "%s%.64s", used == 0 ? "" : " + ",
                       folder);
        all->n++;
    }
    return status;
}

static jc_status find_batteries(int root_fd, jc_arena *arena, batteries *all, jc_error *err) {
    const char **folders = NULL;
    size_t n = 0;
    jc_status status = root_list(root_fd, SUPPLIES, arena, &folders, &n, err);
    if (status == JC_ENOENT) {
        status = JC_OK;
    }
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        if (is_of_machine(root_fd, folders[i])) {
            status = add_battery(root_fd, all, folders[i], err);
        }
    }
    if (status == JC_ENOENT) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "the battery tells neither power nor current");
    }
    if (status == JC_OK && all->n == 0) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0, "the machine has no battery");
    }
    return status;
}

static jc_status watch(jc_meter_handle *handle, batteries *all, jc_error *err) {
    meter_power power = {
        .read = read_batteries, .source = all, .max_w = MAX_LAPTOP_W, .renewal_s = (double)NAN};
    (void)snprintf(power.name, sizeof power.name, "%s", all->name);
    return handle_watch_power(handle, &power, PATIENCE_S, err);
}

static jc_status open_batteries(const jc_meter_options *options, jc_meter_handle **out_handle,
                                jc_error *err) {
    jc_meter_handle *handle = handle_create();
    batteries *all = calloc(1, sizeof *all);
    if (handle == NULL || all == NULL) {
        handle_close(handle);
        free(all);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    handle_own(handle, all, free_batteries);
    jc_status status = find_batteries(options->root_fd, handle_arena(handle), all, err);
    if (status == JC_OK) {
        status = watch(handle, all, err);
    }
    if (status != JC_OK) {
        handle_close(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

const jc_meter meter_battery = {
    .name = "battery",
    .source = "battery",
    .summary = "what a laptop's battery gives while it runs on it: the whole machine",
    .open = open_batteries,
    .close = handle_close,
    .describe = handle_describe,
    .begin = handle_begin,
    .end = handle_end,
};
