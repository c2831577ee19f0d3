// SPDX-License-Identifier: Apache-2.0
// The table of meters, and the meters that read no hardware.
#include <joulecast/meter.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <time.h>

static const jc_meter_options nothing_given = {
    .root_fd = -1, .idle_w = (double)NAN, .full_w = (double)NAN};

static void sleep_ms(long ms) {
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    cr_assert_eq(nanosleep(&pause, NULL), 0);
}

Test(meter, every_row_is_whole_and_has_a_name_of_its_own) {
    for (const jc_meter *const *meter = jc_meters(); *meter != NULL; ++meter) {
        const jc_meter *m = *meter;
        cr_assert(m->source != NULL && m->summary != NULL && m->open != NULL && m->close != NULL);
        cr_assert(m->describe != NULL && m->begin != NULL && m->end != NULL);
        cr_assert_eq(jc_meter_find(m->name), m, "%s", m->name);
        m->close(NULL);
    }
    cr_assert_null(jc_meter_find("no-such-meter"));
}

Test(meter, none_is_last_and_knows_no_energy) {
    const jc_meter *const *last = jc_meters();
    while (last[1] != NULL) {
        ++last;
    }
    const jc_meter *none = *last;
    cr_assert_str_eq(none->name, "none");
    jc_meter_handle *handle = NULL;
    cr_assert_eq(none->open(&nothing_given, &handle, NULL), JC_OK);
    jc_meter_info info;
    none->describe(handle, &info);
    cr_assert(isnan(info.step_s) && isnan(info.declared_idle_w));
    cr_assert_str_eq(info.domains, "");
    jc_meter_window window;
    cr_assert_eq(none->begin(handle, NULL), JC_OK);
    sleep_ms(5);
    cr_assert_eq(none->end(handle, &window, NULL), JC_OK);
    cr_assert(isnan(window.energy_j) && isnan(window.error_j));
    cr_assert_eq(window.gap_s, 0.0);
    cr_assert_geq(window.duration_s, 0.005);
    none->close(handle);
}

Test(meter, declared_multiplies_the_watts_under_load_with_time) {
    const jc_meter *declared = jc_meter_find("declared");
    cr_assert_str_eq(declared->source, "declared");
    const jc_meter_options options = {.root_fd = -1, .idle_w = 20, .full_w = 64};
    jc_meter_handle *handle = NULL;
    cr_assert_eq(declared->open(&options, &handle, NULL), JC_OK);
    jc_meter_info info;
    declared->describe(handle, &info);
    cr_assert_eq(info.declared_idle_w, 20.0);
    cr_assert(isnan(info.step_s));
    cr_assert_not_null(strstr(info.domains, "64 W"));
    for (int i = 0; i < 2; ++i) {
        jc_meter_window window;
        cr_assert_eq(declared->begin(handle, NULL), JC_OK);
        sleep_ms(5);
        cr_assert_eq(declared->end(handle, &window, NULL), JC_OK);
        cr_assert_geq(window.duration_s, 0.005);
        cr_assert_eq(window.energy_j, 64 * window.duration_s); // a power of 2: exact
        cr_assert(isnan(window.error_j), "nobody knows how wrong a declaration is");
    }
    declared->close(handle);
}

Test(meter, declared_refuses_watts_that_are_missing_or_impossible) {
    const jc_meter *declared = jc_meter_find("declared");
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(declared->open(&nothing_given, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "--power-declared"));
    const double impossible[][2] = {
        {20, 0}, {20, -5}, {-1, 5}, {6, 5}, {(double)INFINITY, 5}, {1, (double)INFINITY}};
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; ++i) {
        const jc_meter_options options = {
            .root_fd = -1, .idle_w = impossible[i][0], .full_w = impossible[i][1]};
        cr_assert_eq(declared->open(&options, &handle, &err), JC_ERANGE, "%zu", i);
        cr_assert_null(handle);
    }
    const jc_meter_options only_full = {.root_fd = -1, .idle_w = (double)NAN, .full_w = 5};
    cr_assert_eq(declared->open(&only_full, &handle, &err), JC_OK);
    jc_meter_info info;
    declared->describe(handle, &info);
    cr_assert(isnan(info.declared_idle_w));
    declared->close(handle);
}
