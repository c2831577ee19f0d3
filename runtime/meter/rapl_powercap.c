// SPDX-License-Identifier: Apache-2.0
// Meter `rapl-powercap`: the energy counters of Intel's and AMD's processors, through
// /sys/class/powercap.
//
// Added up are the packages and the memory beside them (dram). What is a part of another zone is
// left out: core and uncore lie in their package, packages and memory in psys, which stands in only
// where there is no package. Zones of intel-rapl-mmio are the counters of intel-rapl a second time.
//
// Source: Linux Documentation/power/powercap/powercap.rst and drivers/powercap/intel_rapl_common.c.
#include "arithmetic.h"
#include "handle.h"
#include "meter_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POWERCAP "sys/class/powercap"

// Counters of RAPL move every millisecond, those of psys by up to 1 J: slower than this is stuck.
#define PATIENCE_S 1.0
// No package draws as much, averaged over a step: today's largest are made for 0.5 kW.
#define MAX_ZONE_W 2000.0
// Of the counters; Intel, Software Developer's Manual, vol. 3B, "RAPL Interfaces".
#define STEP_S 0.001

typedef enum zone_kind { ZONE_OTHER, ZONE_PACKAGE, ZONE_DRAM, ZONE_PSYS } zone_kind;

typedef struct zone {
    const char *folder; // "intel-rapl:0:1"
    char name[COUNTER_NAME_SIZE];
    zone_kind kind;
    bool is_mmio;
    bool is_die; // "package-0-die-1"
    uint64_t range_uj;
} zone;

typedef struct zone_list {
    zone *zones;
    size_t n;
} zone_list;

static void zone_path(const zone *z, const char *file, char *path) {
    (void)snprintf(path, ROOT_PATH_SIZE, POWERCAP "/%.64s/%s", z->folder, file);
}

static zone_kind kind_of(const char *name) {
    if (strncmp(name, "package-", 8) == 0) {
        return ZONE_PACKAGE;
    }
    if (strcmp(name, "dram") == 0) {
        return ZONE_DRAM;
    }
    return strcmp(name, "psys") == 0 ? ZONE_PSYS : ZONE_OTHER;
}

// True for "intel-rapl:0", "intel-rapl-mmio:0:1"; not for the control type "intel-rapl" itself.
static bool is_zone(const char *folder) {
    return strncmp(folder, "intel-rapl:", 11) == 0 || strncmp(folder, "intel-rapl-mmio:", 16) == 0;
}

static jc_status read_zone(int root_fd, const char *folder, zone *z, jc_error *err) {
    *z = (zone){.folder = folder, .is_mmio = strncmp(folder, "intel-rapl-mmio:", 16) == 0};
    char path[ROOT_PATH_SIZE];
    char name[ROOT_TEXT_SIZE];
    zone_path(z, "name", path);
    jc_status status = root_read(root_fd, path, name, err);
    if (status != JC_OK) {
        return status;
    }
    z->kind = kind_of(name);
    z->is_die = z->kind == ZONE_PACKAGE && strstr(name, "-die-") != NULL;
    (void)snprintf(z->name, sizeof z->name, "%.*s", COUNTER_NAME_SIZE - 1, name);
    zone_path(z, "max_energy_range_uj", path);
    return root_read_count(root_fd, path, &z->range_uj, err);
}

static jc_status list_zones(int root_fd, jc_arena *arena, zone_list *out_list, jc_error *err) {
    const char **folders = NULL;
    size_t n_folders = 0;
    jc_status status = root_list(root_fd, POWERCAP, arena, &folders, &n_folders, err);
    zone *zones = NULL;
    if (status == JC_OK && (zones = jc_arena_alloc(arena, n_folders + 1, sizeof *zones)) == NULL) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    size_t n = 0;
    for (size_t i = 0; status == JC_OK && i < n_folders; ++i) {
        if (is_zone(folders[i])) {
            status = read_zone(root_fd, folders[i], &zones[n++], err);
        }
    }
    if (status == JC_OK) {
        *out_list = (zone_list){zones, n};
    }
    return status;
}

// ---- Which zones are added up ----

static bool has_kind(const zone_list *list, zone_kind kind, bool is_mmio) {
    bool found = false;
    for (size_t i = 0; i < list->n; ++i) {
        found = found || (list->zones[i].kind == kind && list->zones[i].is_mmio == is_mmio);
    }
    return found;
}

// Zones of a package carry its number in the folder's name: "intel-rapl:1:0" is of package 1.
static void name_dram(zone *z) {
    const char *number = strchr(z->folder, ':');
    if (number != NULL) {
        const int length = (int)strcspn(number + 1, ":");
        (void)snprintf(z->name, sizeof z->name, "dram-%.*s", length > 8 ? 8 : length, number + 1);
    }
}

static zone_list choose_zones(const zone_list *all) {
    const bool from_mmio = !has_kind(all, ZONE_PACKAGE, false) && has_kind(all, ZONE_PACKAGE, true);
    const bool from_psys = !from_mmio && !has_kind(all, ZONE_PACKAGE, false);
    zone_list chosen = {all->zones, 0};
    for (size_t i = 0; i < all->n; ++i) {
        zone z = all->zones[i];
        const bool wanted =
            from_psys ? z.kind == ZONE_PSYS : z.kind == ZONE_PACKAGE || z.kind == ZONE_DRAM;
        if (wanted && z.is_mmio == from_mmio) {
            if (z.kind == ZONE_DRAM) {
                name_dram(&z);
            }
            chosen.zones[chosen.n++] = z; // never ahead of i
        }
    }
    return chosen;
}

// Length of "package-0" in "package-0-die-1".
static size_t package_length(const zone *z) {
    return (size_t)(strstr(z->name, "-die-") - z->name);
}

static bool same_package(const zone *a, const zone *b) {
    return a->is_die && b->is_die && package_length(a) == package_length(b) &&
           strncmp(a->name, b->name, package_length(a)) == 0;
}

static jc_status read_energy(int root_fd, const zone *z, uint64_t *out_uj, jc_error *err) {
    char path[ROOT_PATH_SIZE];
    zone_path(z, "energy_uj", path);
    return root_read_count(root_fd, path, out_uj, err);
}

// Two names of one counter tell the same microjoules but for what was counted between the readings.
static jc_status is_mirror(int root_fd, const zone *first, const zone *second, bool *out_mirror,
                           jc_error *err) {
    const double most_uj = MAX_ZONE_W * STEP_S * 1e6;
    uint64_t a_uj = 0;
    uint64_t b_uj = 0;
    uint64_t delta_uj = 0;
    jc_status status = read_energy(root_fd, first, &a_uj, err);
    if (status == JC_OK) {
        status = read_energy(root_fd, second, &b_uj, err);
    }
    if (status == JC_OK) {
        *out_mirror =
            counter_delta(a_uj, b_uj, second->range_uj, &delta_uj) && (double)delta_uj <= most_uj;
    }
    return status;
}

// AMD's first Zen processors show the one counter of a package under the name of every die
// (codecarbon #1274). Intel's dies have counters of their own, which may look alike by chance.
static jc_status drop_mirrors(int root_fd, zone_list *list, jc_error *err) {
    if (root_cpu_has(root_fd, "vendor_id", "GenuineIntel")) {
        return JC_OK;
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->n; ++i) {
        bool mirror = false;
        for (size_t j = 0; j < kept && !mirror; ++j) {
            if (same_package(&list->zones[j], &list->zones[i])) {
                const jc_status status =
                    is_mirror(root_fd, &list->zones[j], &list->zones[i], &mirror, err);
                if (status != JC_OK) {
                    return status;
                }
            }
        }
        if (!mirror) {
            list->zones[kept++] = list->zones[i];
        }
    }
    list->n = kept;
    return JC_OK;
}

// ---- Opening ----

static jc_status explain_absence(int root_fd, jc_error *err) {
    if (root_is_virtual(root_fd)) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "this is a virtual machine, and its host passes no energy counters on; "
                            "measure on the host");
    }
    if (root_cpu_has(root_fd, "vendor_id", "GenuineIntel") ||
        root_cpu_has(root_fd, "vendor_id", "AuthenticAMD") ||
        root_cpu_has(root_fd, "vendor_id", "HygonGenuine")) {
        return jc_error_set(err, JC_ENOMETER, NULL, 0,
                            "/" POWERCAP " has no energy counters; if the processor has them, load "
                            "the module: sudo modprobe intel_rapl_msr");
    }
    return jc_error_set(err, JC_ENOMETER, NULL, 0,
                        "the processor is none of Intel or AMD, which have RAPL");
}

static jc_status explain(int root_fd, jc_status status, jc_error *err) {
    if (status == JC_EPERM) {
        return jc_error_set(err, JC_EPERM, NULL, 0,
                            "energy_uj may be read by root alone (since CVE-2020-8694); run as "
                            "root, or allow it until the next boot: sudo chmod a+r "
                            "/" POWERCAP "/intel-rapl*/energy_uj");
    }
    if (status != JC_ENOENT) {
        return status;
    }
    if (!root_has(root_fd, POWERCAP)) {
        return explain_absence(root_fd, err);
    }
    return jc_error_set(err, JC_ENOMETER, NULL, 0,
                        "/" POWERCAP " lists zones whose files are not there; a container hides "
                        "them: measure outside of it");
}

static jc_status add_zone(int root_fd, const zone *z, jc_meter_handle *handle, jc_error *err) {
    meter_counter counter = {.read = counter_read_file,
                             .fd = -1,
                             .limits.per_joule = 1e6,
                             .limits.range = z->range_uj,
                             .limits.max_w = MAX_ZONE_W,
                             .may_rest = z->kind == ZONE_DRAM};
    (void)snprintf(counter.name, sizeof counter.name, "%s", z->name);
    zone_path(z, "energy_uj", counter.path);
    const jc_status status = root_open(root_fd, counter.path, &counter.fd, err);
    return status == JC_OK ? handle_add_counter(handle, &counter, err) : status;
}

static jc_status add_zones(int root_fd, jc_meter_handle *handle, jc_error *err) {
    zone_list all = {0};
    jc_status status = list_zones(root_fd, handle_arena(handle), &all, err);
    if (status != JC_OK) {
        return explain(root_fd, status, err);
    }
    zone_list chosen = choose_zones(&all);
    if (chosen.n == 0) {
        return explain_absence(root_fd, err);
    }
    status = drop_mirrors(root_fd, &chosen, err);
    for (size_t i = 0; status == JC_OK && i < chosen.n; ++i) {
        status = add_zone(root_fd, &chosen.zones[i], handle, err);
    }
    return status == JC_OK ? JC_OK : explain(root_fd, status, err);
}

static jc_status open_rapl(const jc_meter_options *options, jc_meter_handle **out_handle,
                           jc_error *err) {
    jc_meter_handle *handle = handle_create();
    if (handle == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = add_zones(options->root_fd, handle, err);
    if (status == JC_OK) {
        status = handle_watch_counters(handle, PATIENCE_S, err);
    }
    if (status != JC_OK) {
        handle_close(handle);
        return status;
    }
    *out_handle = handle;
    return JC_OK;
}

const jc_meter meter_rapl_powercap = {
    .name = "rapl-powercap",
    .source = "rapl",
    .summary = "energy counters of Intel and AMD processors: packages and memory",
    .open = open_rapl,
    .close = handle_close,
    .describe = handle_describe,
    .begin = handle_begin,
    .end = handle_end,
};
