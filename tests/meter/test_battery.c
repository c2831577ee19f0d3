// SPDX-License-Identifier: Apache-2.0
// Batteries: units, signs, several of them, and mains that come and go.
#include "machine.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define SUPPLIES "sys/class/power_supply/"

static const jc_meter *battery(void) {
    return jc_meter_find("battery");
}

static jc_meter_handle *open_moving(jc_meter_options options, const char *path) {
    machine_move(path);
    return machine_open(battery(), &options);
}

static const char *domains(const jc_meter_handle *handle) {
    static jc_meter_info info;
    battery()->describe(handle, &info);
    return info.domains;
}

static double mean_w(jc_meter_handle *handle) {
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(battery()->begin(handle, &err), JC_OK, "%s", err.message);
    machine_wait_s(0.015);
    cr_assert_eq(battery()->end(handle, &window, &err), JC_OK, "%s", err.message);
    return window.energy_j / window.duration_s;
}

static jc_error open_fails(const jc_meter_options *options, jc_status expected) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(battery()->open(options, &handle, &err), expected, "%s", err.message);
    cr_assert_null(handle);
    return err;
}

Test(battery, those_of_the_machine_are_added_up) {
    jc_meter_handle *handle =
        open_moving(machine_make("laptop-two-batteries"), SUPPLIES "BAT0/power_now");
    cr_assert_str_eq(domains(handle), "BAT0 + BAT1");
    machine_set(SUPPLIES "BAT0/power_now", 7500000);
    machine_set(SUPPLIES "BAT1/power_now", 90000000); // of a battery that does not discharge
    cr_assert_float_eq(mean_w(handle), 7.5, 1e-12);
    machine_write(SUPPLIES "BAT1/status", "Discharging\n");
    machine_set(SUPPLIES "BAT1/power_now", 2500000);
    cr_assert_float_eq(mean_w(handle), 10, 1e-12);
    battery()->close(handle);
}

Test(battery, current_of_either_sign_flows_out) {
    jc_meter_handle *handle =
        open_moving(machine_make("laptop-current"), SUPPLIES "BAT1/current_now");
    cr_assert_str_eq(domains(handle), "BAT1");
    machine_set(SUPPLIES "BAT1/current_now", 800000);
    cr_assert_float_eq(mean_w(handle), 11.5 * 0.8, 1e-12);
    machine_write(SUPPLIES "BAT1/current_now", "-800000\n");
    cr_assert_float_eq(mean_w(handle), 11.5 * 0.8, 1e-12);
    battery()->close(handle);
}

Test(battery, mains_within_a_window_end_the_meter) {
    static const char *const plugged[] = {"Charging\n", "Full\n", "Not charging\n", "Unknown\n"};
    jc_meter_handle *handle =
        open_moving(machine_make("laptop-current"), SUPPLIES "BAT1/current_now");
    for (size_t i = 0; i < sizeof plugged / sizeof plugged[0]; ++i) {
        machine_write(SUPPLIES "BAT1/status", "Discharging\n");
        cr_assert_eq(battery()->begin(handle, NULL), JC_OK);
        machine_write(SUPPLIES "BAT1/status", plugged[i]);
        jc_meter_window window;
        jc_error err = {0};
        cr_assert_eq(battery()->end(handle, &window, &err), JC_ENOMETER);
        cr_assert_not_null(strstr(err.message, "unplug"), "%s", err.message);
    }
    battery()->close(handle);
}

Test(battery, one_that_is_charged_means_mains_whatever_the_other_does) {
    const jc_meter_options options = machine_make("laptop-two-batteries");
    machine_write(SUPPLIES "BAT1/status", "Charging\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "BAT1"));
}

Test(battery, garbage_is_refused) {
    jc_meter_handle *handle =
        open_moving(machine_make("laptop-current"), SUPPLIES "BAT1/current_now");
    static const char *const garbage[] = {"", "n/a\n", "1.5\n", "99999999999\n"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; ++i) {
        machine_write(SUPPLIES "BAT1/current_now", garbage[i]);
        jc_error err = {0};
        cr_assert_eq(battery()->begin(handle, &err), JC_EIO, "%zu", i);
        cr_assert_neq(err.message[0], '\0');
    }
    battery()->close(handle);
}

Test(battery, absence_says_why) {
    jc_meter_options options = machine_make("virtual-machine");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "no battery"));
    options = machine_make("laptop-two-batteries");
    machine_write(SUPPLIES "BAT0/type", "Mains\n");
    machine_write(SUPPLIES "BAT1/present", "0\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "no battery"),
                       "a mouse has one, and a bay is empty");
    options = machine_make("laptop-current");
    machine_remove(SUPPLIES "BAT1/current_now");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "neither power"));
    options = machine_make("laptop-current");
    machine_write(SUPPLIES "BAT1/status", "Charging\n");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "unplug"));
}
