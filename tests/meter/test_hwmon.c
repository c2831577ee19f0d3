// SPDX-License-Identifier: Apache-2.0
// Sensors of boards and servers: which of them are added up, units, and sensors that fail.
#include "machine.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define HWMON "sys/class/hwmon/"

static const jc_meter *hwmon(void) {
    return jc_meter_find("hwmon");
}

static jc_meter_handle *open_moving(jc_meter_options options, const char *path) {
    machine_move(path);
    return machine_open(hwmon(), &options);
}

static jc_meter_info describe(const jc_meter_handle *handle) {
    jc_meter_info info;
    hwmon()->describe(handle, &info);
    cr_assert(info.step_s > 0 && info.step_s < 1.5);
    return info;
}

// Mean power of a window in which nothing changes.
static double mean_w(jc_meter_handle *handle) {
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(hwmon()->begin(handle, &err), JC_OK, "%s", err.message);
    machine_wait_s(0.03);
    cr_assert_eq(hwmon()->end(handle, &window, &err), JC_OK, "%s", err.message);
    cr_assert_geq(window.duration_s, 0.03);
    cr_assert(window.gap_s > 0 && window.gap_s <= window.duration_s);
    // Nothing changed: the error is that of the ends.
    const double step_s = describe(handle).step_s;
    cr_assert_float_eq(window.error_j, window.energy_j / window.duration_s * step_s / sqrt(6),
                       1e-9);
    return window.energy_j / window.duration_s;
}

static jc_error open_fails(const jc_meter_options *options, jc_status expected) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(hwmon()->open(options, &handle, &err), expected, "%s", err.message);
    cr_assert_null(handle);
    return err;
}

Test(hwmon, jetson_with_a_rail_of_the_whole_module) {
    jc_meter_handle *handle =
        open_moving(machine_make("jetson-orin-nano"), HWMON "hwmon2/curr1_input");
    cr_assert_str_eq(describe(handle).domains, "VDD_IN");
    machine_set(HWMON "hwmon2/curr1_input", 1234);
    machine_set(HWMON "hwmon2/curr2_input", 999999);
    cr_assert_float_eq(mean_w(handle), 5.0 * 1.234, 1e-12);
    hwmon()->close(handle);
}

Test(hwmon, jetson_without_one_adds_up_rails_that_do_not_feed_each_other) {
    jc_meter_handle *handle =
        open_moving(machine_make("jetson-agx-orin"), HWMON "hwmon2/curr1_input");
    cr_assert_str_eq(describe(handle).domains, "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0");
    machine_set(HWMON "hwmon2/curr1_input", 1000);
    cr_assert_float_eq(mean_w(handle), 0.8 * 1.0 + 0.8 * 0.5 + 5.0 * 0.4, 1e-12);
    machine_write(HWMON "hwmon2/curr2_input", "-8\n"); // an offset of the converter
    cr_assert_float_eq(mean_w(handle), 0.8 * 1.0 - 0.8 * 0.008 + 5.0 * 0.4, 1e-12);
    hwmon()->close(handle);
}

Test(hwmon, two_views_of_a_server_are_one_machine) {
    jc_meter_handle *handle =
        open_moving(machine_make("acpi-server"), HWMON "hwmon2/power1_average");
    cr_assert_str_eq(describe(handle).domains, "power_meter hwmon2");
    machine_set(HWMON "hwmon2/power1_average", 250500000);
    cr_assert_float_eq(mean_w(handle), 250.5, 1e-10);
    hwmon()->close(handle);
}

Test(hwmon, sensor_that_does_not_change_is_renewed_as_its_driver_tells) {
    const jc_meter_options options = machine_make("acpi-server");
    jc_meter_handle *handle = machine_open(hwmon(), &options);
    cr_assert_eq(describe(handle).step_s, 1.0);
    hwmon()->close(handle);
}

Test(hwmon, files_of_older_drivers_are_those_of_the_device) {
    jc_meter_handle *handle =
        open_moving(machine_make("acpi-server-old"), HWMON "hwmon0/device/power1_average");
    machine_set(HWMON "hwmon0/device/power1_average", 99000000);
    cr_assert_float_eq(mean_w(handle), 99, 1e-10);
    hwmon()->close(handle);
}

Test(hwmon, energies_of_sockets_are_added_up) {
    const jc_meter_options options = machine_make("amd-energy");
    machine_move(HWMON "hwmon2/energy5_input");
    machine_move(HWMON "hwmon2/energy6_input");
    jc_meter_handle *handle = machine_open(hwmon(), &options);
    cr_assert_str_eq(describe(handle).domains, "Esocket0 + Esocket1");
    machine_set(HWMON "hwmon2/energy5_input", 1000000);
    machine_set(HWMON "hwmon2/energy6_input", 2000000);
    cr_assert_eq(hwmon()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.01);
    machine_set(HWMON "hwmon2/energy1_input", 90000000);
    machine_set(HWMON "hwmon2/energy5_input", 1500000);
    machine_set(HWMON "hwmon2/energy6_input", 2250000);
    jc_meter_window window;
    cr_assert_eq(hwmon()->end(handle, &window, NULL), JC_OK);
    cr_assert_eq(window.energy_j, 0.75);
    machine_set(HWMON "hwmon2/energy6_input", 2249999);
    jc_error err = {0};
    cr_assert_eq(hwmon()->begin(handle, NULL), JC_OK);
    machine_set(HWMON "hwmon2/energy6_input", 2249998);
    cr_assert_eq(hwmon()->end(handle, &window, &err), JC_EIO, "64 bits do not wrap");
    hwmon()->close(handle);
}

Test(hwmon, power_that_changes_is_within_its_bounds) {
    jc_meter_handle *handle =
        open_moving(machine_make("acpi-server"), HWMON "hwmon2/power1_average");
    machine_set(HWMON "hwmon2/power1_average", 100000000);
    cr_assert_eq(hwmon()->begin(handle, NULL), JC_OK);
    machine_set(HWMON "hwmon2/power1_average", 300000000);
    machine_wait_s(0.03);
    jc_meter_window window;
    cr_assert_eq(hwmon()->end(handle, &window, NULL), JC_OK);
    // The first sample was 100 W, the last 300 W: by trapezoids neither alone.
    cr_assert_gt(window.energy_j, 100 * window.duration_s);
    cr_assert_lt(window.energy_j, 300 * window.duration_s);
    hwmon()->close(handle);
}

Test(hwmon, sensors_that_fail_within_a_window_are_reported_and_may_recover) {
    static const char *const path = HWMON "hwmon2/power1_average";
    static const char *const garbage[] = {"", "x\n", "-1\n", "20000000001\n", "1e6\n"};
    jc_meter_handle *handle = open_moving(machine_make("acpi-server"), path);
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; ++i) {
        machine_set(path, 100000000);
        cr_assert_eq(hwmon()->begin(handle, NULL), JC_OK);
        machine_write(path, garbage[i]);
        jc_meter_window window = {.energy_j = -7};
        jc_error err = {0};
        cr_assert_eq(hwmon()->end(handle, &window, &err), JC_EIO, "%zu", i);
        cr_assert_eq(window.energy_j, -7.0);
        cr_assert_neq(err.message[0], '\0');
        cr_assert_eq(hwmon()->begin(handle, NULL), JC_EIO);
    }
    machine_set(path, 100000000);
    cr_assert_float_eq(mean_w(handle), 100, 1e-10);
    machine_set(path, 0);
    jc_meter_window window;
    cr_assert_eq(hwmon()->begin(handle, NULL), JC_OK);
    cr_assert_eq(hwmon()->end(handle, &window, NULL), JC_EIO, "no machine draws nothing");
    hwmon()->close(handle);
}

Test(hwmon, sensor_of_nothing_is_no_meter) {
    const jc_meter_options options = machine_make("acpi-server");
    machine_set(HWMON "hwmon2/power1_average", 0);
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "0 W"));
}

Test(hwmon, unreadable_sensors_hint_at_the_reason) {
    const jc_meter_options options = machine_make("amd-energy");
    cr_assert_eq(fchmodat(options.root_fd, HWMON "hwmon2/energy5_input", 0, 0), 0);
    machine_lose_privileges();
    cr_assert_not_null(strstr(open_fails(&options, JC_EPERM).message, "chmod"));
}

Test(hwmon, absence_says_why) {
    jc_meter_options options = machine_make("virtual-machine");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "virtual machine"));
    options = machine_make("no-sensor");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "of the 3 chips"));
}
