// SPDX-License-Identifier: Apache-2.0
// RAPL through powercap: which zones are added up, wraps, and counters that misbehave.
#include "machine.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENERGY(zone) "sys/class/powercap/" zone "/energy_uj"

static const jc_meter *rapl(void) {
    return jc_meter_find("rapl-powercap");
}

static jc_meter_handle *open_with(jc_meter_options options, const char *const *paths) {
    for (; *paths != NULL; ++paths) {
        machine_move(*paths);
    }
    return machine_open(rapl(), &options);
}

static const char *domains(const jc_meter_handle *handle) {
    static jc_meter_info info;
    rapl()->describe(handle, &info);
    cr_assert_gt(info.step_s, 0.0);
    cr_assert_lt(info.step_s, 1.0);
    cr_assert(isnan(info.declared_idle_w));
    return info.domains;
}

static jc_error end_fails(jc_meter_handle *handle, jc_status expected) {
    jc_meter_window window = {.energy_j = -7};
    jc_error err = {0};
    cr_assert_eq(rapl()->end(handle, &window, &err), expected, "%s", err.message);
    cr_assert_eq(window.energy_j, -7.0, "outputs are written on success only");
    return err;
}

static jc_error open_fails(const jc_meter_options *options, jc_status expected) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(rapl()->open(options, &handle, &err), expected, "%s", err.message);
    cr_assert_null(handle);
    return err;
}

static const char *const desktop[] = {ENERGY("intel-rapl:0"), NULL};
static const char *const server[] = {ENERGY("intel-rapl:0"), ENERGY("intel-rapl:0:0"),
                                     ENERGY("intel-rapl:1"), ENERGY("intel-rapl:1:0"), NULL};

Test(rapl_powercap, package_is_not_counted_twice) {
    jc_meter_handle *handle = open_with(machine_make("intel-desktop"), desktop);
    cr_assert_str_eq(domains(handle), "package-0");
    machine_set(ENERGY("intel-rapl:0"), 1000000);
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.01);
    machine_set(ENERGY("intel-rapl:0"), 1750000);
    machine_set(ENERGY("intel-rapl:0:0"), 99999999);
    machine_set(ENERGY("intel-rapl:1"), 199999999);
    machine_set(ENERGY("intel-rapl-mmio:0"), 1750000);
    jc_meter_window window;
    cr_assert_eq(rapl()->end(handle, &window, NULL), JC_OK);
    cr_assert_eq(window.energy_j, 0.75);
    cr_assert_geq(window.duration_s, 0.01);
    cr_assert_eq(window.gap_s, 0.0);
    jc_meter_info info;
    rapl()->describe(handle, &info);
    cr_assert_float_eq(window.error_j, 0.75 / window.duration_s * info.step_s / sqrt(6), 1e-12);
    rapl()->close(handle);
}

Test(rapl_powercap, sockets_and_their_memory_are_added_up) {
    jc_meter_handle *handle = open_with(machine_make("intel-two-sockets"), server);
    cr_assert_str_eq(domains(handle), "package-0 + dram-0 + package-1 + dram-1");
    for (int i = 0; i < 4; ++i) {
        machine_set(server[i], 1000000);
    }
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.01);
    for (int i = 0; i < 4; ++i) {
        machine_set(server[i], 1000000 + (62500u << i));
    }
    jc_meter_window window;
    cr_assert_eq(rapl()->end(handle, &window, NULL), JC_OK);
    cr_assert_eq(window.energy_j, 15 * 0.0625);
    rapl()->close(handle);
}

Test(rapl_powercap, each_zone_wraps_at_its_own_range) {
    jc_meter_handle *handle = open_with(machine_make("intel-two-sockets"), server);
    machine_set(server[0], 262143328850 - 400000);
    machine_set(server[1], 65532610987 - 100000);
    machine_set(server[2], 5);
    machine_set(server[3], 5);
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.01);
    machine_set(server[0], 100000);
    machine_set(server[1], 25000);
    machine_set(server[2], 250005);
    machine_set(server[3], 125005);
    jc_meter_window window;
    cr_assert_eq(rapl()->end(handle, &window, NULL), JC_OK);
    cr_assert_eq(window.energy_j, 0.5 + 0.125 + 0.25 + 0.125);
    rapl()->close(handle);
}

Test(rapl_powercap, memory_that_counts_nothing_is_left_out) {
    const char *const moving[] = {server[0], server[2], server[3], NULL};
    jc_meter_handle *handle = open_with(machine_make("intel-two-sockets"), moving);
    cr_assert_str_eq(domains(handle), "package-0 + package-1 + dram-1");
    rapl()->close(handle);
}

Test(rapl_powercap, dies_of_zen_are_one_counter) {
    // The second name moves first: what is read later is never less.
    const char *const moving[] = {ENERGY("intel-rapl:1"), ENERGY("intel-rapl:0"), NULL};
    jc_meter_handle *handle = open_with(machine_make("amd-zen2"), moving);
    cr_assert_str_eq(domains(handle), "package-0-die-0");
    rapl()->close(handle);
}

Test(rapl_powercap, dies_with_counters_of_their_own_are_added_up) {
    const char *const moving[] = {ENERGY("intel-rapl:0"), ENERGY("intel-rapl:1"), NULL};
    jc_meter_handle *handle = open_with(machine_make("intel-two-dies"), moving);
    cr_assert_str_eq(domains(handle), "package-0-die-0 + package-0-die-1");
    rapl()->close(handle);
}

Test(rapl_powercap, dies_of_amd_that_tell_different_energies_are_added_up) {
    const jc_meter_options options = machine_make("amd-zen2");
    machine_set(ENERGY("intel-rapl:1"), 70000000);
    const char *const moving[] = {ENERGY("intel-rapl:0"), ENERGY("intel-rapl:1"), NULL};
    jc_meter_handle *handle = open_with(options, moving);
    cr_assert_str_eq(domains(handle), "package-0-die-0 + package-0-die-1");
    rapl()->close(handle);
}

Test(rapl_powercap, mmio_stands_in_where_it_is_alone) {
    const char *const moving[] = {ENERGY("intel-rapl-mmio:0"), NULL};
    jc_meter_handle *handle = open_with(machine_make("intel-mmio-only"), moving);
    cr_assert_str_eq(domains(handle), "package-0");
    rapl()->close(handle);
}

Test(rapl_powercap, psys_stands_in_where_there_is_no_package) {
    jc_meter_handle *handle = open_with(machine_make("intel-psys-only"), desktop);
    cr_assert_str_eq(domains(handle), "psys");
    rapl()->close(handle);
}

static jc_meter_handle *desktop_at(uint64_t uj) {
    jc_meter_handle *handle = open_with(machine_make("intel-desktop"), desktop);
    machine_set(desktop[0], uj);
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    return handle;
}

Test(rapl_powercap, going_backwards_is_no_wrap) {
    // As a wrap it would be 262 kJ within a moment.
    jc_meter_handle *handle = desktop_at(5000000);
    machine_set(desktop[0], 4999999);
    cr_assert_not_null(strstr(end_fails(handle, JC_EIO).message, "went backwards or jumped"));
    rapl()->close(handle);
}

Test(rapl_powercap, jump_that_no_machine_can_draw_is_refused) {
    jc_meter_handle *handle = desktop_at(5000000);
    machine_set(desktop[0], 99005000000);
    cr_assert_not_null(strstr(end_fails(handle, JC_EIO).message, "cannot be"));
    rapl()->close(handle);
}

Test(rapl_powercap, counter_above_its_range_is_refused) {
    jc_meter_handle *handle = desktop_at(5000000);
    machine_set(desktop[0], 262143328851);
    cr_assert_not_null(strstr(end_fails(handle, JC_EIO).message, "out of its range"));
    rapl()->close(handle);
}

Test(rapl_powercap, stuck_counter_is_an_error) {
    jc_meter_handle *handle = desktop_at(5000000);
    jc_meter_info info;
    rapl()->describe(handle, &info);
    machine_wait_s(25 * info.step_s);
    cr_assert_not_null(strstr(end_fails(handle, JC_EIO).message, "stuck"));
    rapl()->close(handle);
}

Test(rapl_powercap, counter_that_wraps_twice_within_a_window_is_kept) {
    const jc_meter_options options = machine_make("intel-desktop");
    // 8 kJ, which 2 kW fill in 4 s: it is looked at every second.
    const uint64_t range_uj = 8000000000;
    machine_write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "8000000000\n");
    jc_meter_handle *handle = open_with(options, desktop);
    uint64_t uj = 7500000000;
    uint64_t drawn_uj = 0;
    machine_set(desktop[0], uj);
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    while (drawn_uj < 9000000000) { // it wraps after 0.5 kJ and after 8.5 kJ
        machine_wait_s(0.02);       // 30 J: 1.5 kW, or less where this machine is busy
        drawn_uj += 30000000;
        uj = (uj + 30000000) % range_uj;
        machine_set(desktop[0], uj);
    }
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(rapl()->end(handle, &window, &err), JC_OK, "%s", err.message);
    cr_assert_eq(window.energy_j, 9000.0);
    rapl()->close(handle);
}

Test(rapl_powercap, readings_too_far_apart_are_refused) {
    const jc_meter_options options = machine_make("intel-desktop");
    // 99 uJ: however quickly it is read, it may have wrapped more than once.
    machine_write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "99\n");
    jc_meter_handle *handle = open_with(options, desktop);
    machine_set(desktop[0], 50);
    cr_assert_eq(rapl()->begin(handle, NULL), JC_OK);
    cr_assert_not_null(strstr(end_fails(handle, JC_EIO).message, "may wrap twice"));
    rapl()->close(handle);
}

Test(rapl_powercap, garbage_is_refused_wherever_it_stands) {
    static const char *const garbage[] = {"",      "\n",     "12x\n", "-5\n",
                                          "1.5\n", "0x10\n", "nan\n", "99999999999999999999\n"};
    jc_meter_handle *handle = desktop_at(5000000);
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; ++i) {
        machine_write(desktop[0], garbage[i]);
        jc_error err = end_fails(handle, JC_EIO);
        cr_assert_not_null(strstr(err.message, "whole number"), "%s", err.message);
        cr_assert_str_eq(err.file, "/" ENERGY("intel-rapl:0"));
        cr_assert_eq(rapl()->begin(handle, &err), JC_EIO);
    }
    rapl()->close(handle);
    const jc_meter_options options = machine_make("intel-desktop");
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; ++i) {
        machine_write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", garbage[i]);
        (void)open_fails(&options, JC_EIO);
    }
}

Test(rapl_powercap, package_that_does_not_move_is_no_meter) {
    const jc_meter_options options = machine_make("intel-desktop");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "has not moved"));
}

Test(rapl_powercap, unreadable_counters_hint_at_the_reason) {
    const jc_meter_options options = machine_make("intel-two-sockets");
    cr_assert_eq(fchmodat(options.root_fd, server[2], 0, 0), 0);
    machine_lose_privileges();
    const jc_error err = open_fails(&options, JC_EPERM);
    cr_assert_not_null(strstr(err.message, "CVE-2020-8694"));
    cr_assert_not_null(strstr(err.message, "chmod"));
}

Test(rapl_powercap, absence_says_why) {
    jc_meter_options options = machine_make("virtual-machine");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "virtual machine"));
    machine_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "modprobe"));
    machine_write("sys/class/powercap/dtpm/enabled", "0\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "modprobe"));
    machine_write("proc/cpuinfo", "CPU implementer\t: 0x41\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "none of Intel or AMD"));
    options = machine_make("intel-desktop");
    machine_remove("sys/class/powercap/intel-rapl:0/name");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "container"));
}
