// SPDX-License-Identifier: Apache-2.0
// Meter `nvml` against a library of the test's own: counters, power, and every call that fails.
#include "fake_nvml.h"

#include "runtime/meter/nvml/nvml.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static fake_nvml *fake;
static const char *library;

// A GPU that draws 50 W, renewed every 5 ms.
static void use(const char *path) {
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(object, "%s", path);
    fake = dlsym(object, FAKE_NVML_SYMBOL);
    cr_assert_not_null(fake);
    library = path;
    *fake = (fake_nvml){.n_gpus = 1,
                        .field_type = 1,
                        .moves = true,
                        .step_s = 0.005,
                        .watts = 50,
                        .power_mw = 50000};
}

static const jc_meter *nvml(void) {
    return jc_meter_find("nvml");
}

static void wait_s(double seconds) {
    const struct timespec pause = {.tv_sec = (time_t)seconds,
                                   .tv_nsec = (long)(1e9 * (seconds - floor(seconds)))};
    cr_assert_eq(nanosleep(&pause, NULL), 0);
}

static jc_meter_handle *open_gpu(void) {
    const jc_meter_options options = {.root_fd = -1};
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(nvml_open(&options, library, &handle, &err), JC_OK, "%s", err.message);
    cr_assert_eq(fake->n_running, 1);
    fake->moves = false;
    fake->energy_mj = 1000000000; // more than what was told while it moved
    return handle;
}

static void close_gpu(jc_meter_handle *handle) {
    nvml()->close(handle);
    cr_assert_eq(fake->n_running, 0, "the library is shut down");
}

static jc_error open_fails(jc_status expected) {
    const jc_meter_options options = {.root_fd = -1};
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(nvml_open(&options, library, &handle, &err), expected, "%s", err.message);
    cr_assert_null(handle);
    cr_assert_eq(fake->n_running, 0, "%s", err.message);
    return err;
}

static jc_meter_info describe(const jc_meter_handle *handle) {
    static jc_meter_info info;
    nvml()->describe(handle, &info);
    return info;
}

// A window in which the counter goes from one number to another.
static jc_status measure(jc_meter_handle *handle, unsigned long long from_mj,
                         unsigned long long to_mj, jc_meter_window *window, jc_error *err) {
    fake->energy_mj = from_mj;
    cr_assert_eq(nvml()->begin(handle, err), JC_OK, "%s", err->message);
    wait_s(0.01);
    fake->energy_mj = to_mj;
    return nvml()->end(handle, window, err);
}

Test(nvml, counter_is_preferred_and_told_in_millijoules) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    const jc_meter_info info = describe(handle);
    cr_assert_str_eq(info.domains, "NVIDIA Fake 100");
    cr_assert(info.step_s > 0 && info.step_s < 2);
    jc_meter_window window;
    jc_error err = {0};
    const unsigned long long base_mj = fake->energy_mj + 1000000000000;
    cr_assert_eq(measure(handle, base_mj, base_mj + 1500, &window, &err), JC_OK);
    cr_assert_eq(window.energy_j, 1.5);
    const double end_s = fmax(0.3, info.step_s); // what the sensor's own mean costs
    cr_assert_float_eq(window.error_j, 1.5 / window.duration_s * end_s / sqrt(6), 1e-9);
    close_gpu(handle);
}

Test(nvml, step_is_found) {
    use(FAKE_NVML);
    fake->step_s = 0.1;
    jc_meter_handle *handle = open_gpu();
    // Never shorter; longer where this machine is busy.
    cr_assert(describe(handle).step_s > 0.05 && describe(handle).step_s <= 2);
    close_gpu(handle);
}

Test(nvml, counter_of_32_bits_wraps_and_one_of_64_goes_on) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(measure(handle, 4294967000, 704, &window, &err), JC_OK, "%s", err.message);
    cr_assert_eq(window.energy_j, 1.0); // 295 to the end, 1 around it, 704 after
    cr_assert_eq(measure(handle, 4294967000, 4294968000, &window, &err), JC_OK);
    cr_assert_eq(window.energy_j, 1.0);
    cr_assert_eq(measure(handle, 5000000000000, 5000000002000, &window, &err), JC_OK);
    cr_assert_eq(window.energy_j, 2.0);
    close_gpu(handle);
}

Test(nvml, counter_that_goes_back_or_is_reset_is_refused) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    jc_meter_window window = {.energy_j = -7};
    jc_error err = {0};
    cr_assert_eq(measure(handle, 5000000000000, 4999999999999, &window, &err), JC_EIO);
    cr_assert_not_null(strstr(err.message, "went back"));
    close_gpu(handle);
    use(FAKE_NVML);
    handle = open_gpu();
    cr_assert_eq(measure(handle, 4000000000, 10, &window, &err), JC_EIO, "a driver loaded anew");
    cr_assert_not_null(strstr(err.message, "jumped"));
    cr_assert_eq(window.energy_j, -7.0);
    close_gpu(handle);
}

Test(nvml, counter_that_sticks_is_refused) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    wait_s(25 * describe(handle).step_s);
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(nvml()->end(handle, &window, &err), JC_EIO);
    cr_assert_not_null(strstr(err.message, "stuck"));
    close_gpu(handle);
}

static void expect_power(const char *domains, double end_s) {
    jc_meter_handle *handle = open_gpu();
    cr_assert_str_eq(describe(handle).domains, domains);
    fake->power_mw = 123456;
    jc_meter_window window;
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    wait_s(0.03);
    cr_assert_eq(nvml()->end(handle, &window, NULL), JC_OK);
    cr_assert_float_eq(window.energy_j / window.duration_s, 123.456, 1e-9);
    const double step_s = fmax(end_s, describe(handle).step_s);
    cr_assert_float_eq(window.error_j, 123.456 * step_s / sqrt(6), 1e-6);
    close_gpu(handle);
}

Test(nvml, power_of_the_moment_where_there_is_no_counter) {
    use(FAKE_NVML);
    fake->energy = 3;
    expect_power("NVIDIA Fake 100, instant power", 0);
}

Test(nvml, average_power_where_there_is_no_other) {
    static const int failures[][3] = {{3, 0, 1}, {0, 3, 1}, {0, 0, 0}}; // call, field, type
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; ++i) {
        use(FAKE_NVML);
        fake->energy = 3;
        fake->fields = failures[i][0];
        fake->field = failures[i][1];
        fake->field_type = failures[i][2];
        expect_power("NVIDIA Fake 100, average power", 1);
    }
}

Test(nvml, old_library_has_power_alone) {
    use(FAKE_NVML_OLD);
    expect_power("NVIDIA GPU, average power", 1);
    use(FAKE_NVML_OLD);
    fake->by_index = 15;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "(15)"));
}

Test(nvml, counter_that_contradicts_the_power_is_not_used) {
    use(FAKE_NVML);
    fake->power_mw = 20000;
    expect_power("NVIDIA Fake 100, instant power", 0);
    use(FAKE_NVML);
    fake->power_mw = 150000;
    expect_power("NVIDIA Fake 100, instant power", 0);
}

Test(nvml, counter_is_used_where_no_power_contradicts_it) {
    use(FAKE_NVML);
    fake->fields = 3;
    fake->power = 3;
    jc_meter_handle *handle = open_gpu();
    cr_assert_str_eq(describe(handle).domains, "NVIDIA Fake 100");
    close_gpu(handle);
}

Test(nvml, failures_of_opening_say_what_to_do) {
    use(FAKE_NVML);
    fake->init = 9;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "modprobe nvidia"));
    fake->init = 18;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "restart"));
    fake->init = 4;
    cr_assert_not_null(strstr(open_fails(JC_EPERM).message, "root"));
    fake->init = 999;
    cr_assert_not_null(strstr(open_fails(JC_EIO).message, "Some Error (999)"));
    fake->init = 0;
    fake->count = 999;
    cr_assert_not_null(strstr(open_fails(JC_EIO).message, "number of GPUs"));
    fake->count = 0;
    fake->n_gpus = 0;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "no GPU"));
    fake->n_gpus = 1;
    fake->by_index = 4;
    (void)open_fails(JC_EPERM);
    fake->by_index = 0;
    fake->energy = 3;
    fake->fields = 3;
    fake->power = 3;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "Not Supported"));
    fake->power = 4;
    (void)open_fails(JC_EPERM);
}

Test(nvml, name_that_is_not_told_does_no_harm) {
    use(FAKE_NVML);
    fake->name = 7;
    jc_meter_handle *handle = open_gpu();
    cr_assert_str_eq(describe(handle).domains, "NVIDIA GPU");
    close_gpu(handle);
}

Test(nvml, divided_gpus_are_refused) {
    use(FAKE_NVML);
    fake->mig_mode = 1;
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "MIG"));
    fake->mig = 3; // GPUs that cannot be divided
    close_gpu(open_gpu());
}

Test(nvml, gpu_by_its_address) {
    use(FAKE_NVML);
    const jc_meter_options options = {.root_fd = -1, .device = "0000:01:00.0"};
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    fake->by_index = 999;
    cr_assert_eq(nvml_open(&options, library, &handle, &err), JC_OK);
    cr_assert_str_eq(fake->address, "0000:01:00.0");
    close_gpu(handle);
    fake->by_address = 6;
    cr_assert_eq(nvml_open(&options, library, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "0000:01:00.0"));
}

Test(nvml, gpu_that_is_lost_within_a_window) {
    for (int by_power = 0; by_power < 3; ++by_power) {
        use(FAKE_NVML);
        fake->energy = by_power > 0 ? 3 : 0;
        fake->fields = by_power > 1 ? 3 : 0;
        jc_meter_handle *handle = open_gpu();
        cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
        fake->energy = fake->power = fake->fields = fake->temperature = fake->violation = 15;
        jc_meter_window window;
        jc_error err = {0};
        cr_assert_eq(nvml()->end(handle, &window, &err), JC_ENOMETER, "%d", by_power);
        cr_assert_neq(err.message[0], '\0');
        cr_assert_eq(nvml()->begin(handle, &err), JC_ENOMETER);
        close_gpu(handle);
    }
}

Test(nvml, power_that_no_gpu_draws_is_refused) {
    use(FAKE_NVML);
    fake->energy = 3;
    jc_meter_handle *handle = open_gpu();
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    fake->power_mw = 4000000;
    jc_meter_window window;
    cr_assert_eq(nvml()->end(handle, &window, NULL), JC_EIO);
    close_gpu(handle);
}

Test(nvml, heat_and_throttling_are_noted) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    jc_meter_window window;
    jc_error err = {0};
    fake->celsius = 71;
    cr_assert_eq(measure(handle, 1000000000000, 1000000000500, &window, &err), JC_OK);
    cr_assert_eq(window.temperature_c, 71.0);
    cr_assert_eq(window.throttled_s, 0.0);
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    fake->violation_ns[0] += 500000000;
    fake->violation_ns[1] += 250000000;
    fake->energy_mj += 500;
    cr_assert_eq(nvml()->end(handle, &window, NULL), JC_OK);
    cr_assert_float_eq(window.throttled_s, 0.75, 1e-12);
    cr_assert_float_eq(window.throttled_by_heat_s, 0.25, 1e-12);
    fake->temperature = 3;
    fake->violation = 3;
    cr_assert_eq(measure(handle, 1000000002000, 1000000002500, &window, &err), JC_OK);
    cr_assert(isnan(window.temperature_c) && isnan(window.throttled_s));
    close_gpu(handle);
}

// A window of 60 ms in which a reason holds for the last part of it, or for all.
static jc_meter_window measure_held(jc_meter_handle *handle, unsigned long long reasons,
                                    bool from_the_beginning) {
    jc_meter_window window;
    fake->reason_bits = from_the_beginning ? reasons : 0;
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    wait_s(0.06);
    fake->reason_bits = reasons;
    fake->energy_mj += 500;
    cr_assert_eq(nvml()->end(handle, &window, NULL), JC_OK);
    return window;
}

Test(nvml, reasons_stand_in_where_throttling_is_not_summed) {
    static const struct {
        unsigned long long bits;
        bool by_power, by_heat;
    } rows[] = {
        {0x0, false, false}, // nothing
        {0x1, false, false}, // idle
        {0x2, false, false}, // clocks that its owner set
        {0x4, true, false},  // power cap
        {0x8, false, true},  // hardware, not told why
        {0x88, true, false}, // hardware, by the power brake
        {0x20, false, true}, // heat
        {0x48, false, true}, // hardware, by heat
        {0x24, true, true},
    };
    use(FAKE_NVML);
    fake->violation = 3;
    jc_meter_handle *handle = open_gpu();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        const jc_meter_window w = measure_held(handle, rows[i].bits, true);
        const double all_s = w.duration_s;
        cr_expect_float_eq(w.throttled_by_heat_s, rows[i].by_heat ? all_s : 0, 0.01,
                           "%zu: %g of %g", i, w.throttled_by_heat_s, all_s);
        cr_expect_float_eq(w.throttled_s, (rows[i].by_heat + rows[i].by_power) * all_s, 0.02);
    }
    // What begins late is counted from the look before: at most one look, of 20 ms, too early.
    const jc_meter_window late = measure_held(handle, 0x20, false);
    cr_expect(late.throttled_by_heat_s > 0 && late.throttled_by_heat_s < late.duration_s,
              "%g of %g", late.throttled_by_heat_s, late.duration_s);
    fake->reasons = 15;
    const jc_meter_window lost = measure_held(handle, 0x20, true);
    cr_expect(isnan(lost.throttled_s) && isnan(lost.throttled_by_heat_s));
    close_gpu(handle);
}

Test(nvml, reasons_stand_in_for_one_policy_alone) {
    use(FAKE_NVML);
    fake->violation_heat = 3;
    jc_meter_handle *handle = open_gpu();
    cr_assert_eq(nvml()->begin(handle, NULL), JC_OK);
    fake->reason_bits = 0x24; // heat, and power, which is summed: 0.25 s
    fake->violation_ns[0] += 250000000;
    fake->energy_mj += 500;
    wait_s(0.03);
    jc_meter_window w;
    cr_assert_eq(nvml()->end(handle, &w, NULL), JC_OK);
    cr_expect_float_eq(w.throttled_s - w.throttled_by_heat_s, 0.25, 1e-9);
    cr_expect(w.throttled_by_heat_s > 0 && w.throttled_by_heat_s <= w.duration_s);
    close_gpu(handle);
}

Test(nvml, clock_at_work_is_noted) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(measure(handle, 1000000000000, 1000000000500, &window, &err), JC_OK);
    cr_expect_eq(window.clock_hz, 1755e6);
    fake->clock = 3;
    cr_assert_eq(measure(handle, 1000000001000, 1000000001500, &window, &err), JC_OK);
    cr_expect(isnan(window.clock_hz));
    close_gpu(handle);
}

// --- Each call and each function ---------------------------------------------------------------

// What is measured does not hang on what only describes it.
Test(nvml, calls_that_only_describe_may_fail_in_any_way) {
    use(FAKE_NVML);
    int *const answers[] = {&fake->name,      &fake->mig,           &fake->fields,
                            &fake->field,     &fake->modes,         &fake->clock,
                            &fake->power,     &fake->temperature,   &fake->reasons,
                            &fake->violation, &fake->violation_heat};
    static const int codes[] = {3, 999};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; ++i) {
        for (size_t k = 0; k < sizeof codes / sizeof codes[0]; ++k) {
            use(FAKE_NVML);
            *answers[i] = codes[k];
            jc_meter_handle *handle = open_gpu();
            jc_meter_window window;
            jc_error err = {0};
            cr_assert_eq(measure(handle, 1000000000000, 1000000000500, &window, &err), JC_OK,
                         "call %zu, %d: %s", i, codes[k], err.message);
            cr_expect_eq(window.energy_j, 0.5);
            (void)describe(handle);
            close_gpu(handle);
        }
    }
}

// A copy of the library in which a function has another name; the caller frees the path.
static char *without(const char *function) {
    FILE *from = fopen(FAKE_NVML, "rb");
    cr_assert_not_null(from);
    cr_assert_eq(fseek(from, 0, SEEK_END), 0);
    const size_t size = (size_t)ftell(from);
    char *bytes = malloc(size);
    rewind(from);
    cr_assert(bytes != NULL && fread(bytes, 1, size, from) == size);
    (void)fclose(from);
    const size_t length = strlen(function) + 1;
    int n = 0;
    for (size_t i = 0; i + length <= size; ++i) {
        if (memcmp(bytes + i, function, length) == 0) {
            bytes[i] = 'X';
            ++n;
        }
    }
    cr_assert_gt(n, 0, "%s", function);
    char *path = strdup("/tmp/joulecast-nvml-XXXXXX");
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
    free(bytes);
    return path;
}

Test(nvml, each_function_may_be_missing) {
    static const struct {
        const char *name;
        bool is_required;
    } functions[] = {
        {"nvmlInit_v2", true},
        {"nvmlShutdown", true},
        {"nvmlDeviceGetCount_v2", true},
        {"nvmlDeviceGetHandleByIndex_v2", true},
        {"nvmlDeviceGetPowerUsage", true},
        {"nvmlErrorString", false},
        {"nvmlDeviceGetHandleByPciBusId_v2", false},
        {"nvmlDeviceGetName", false},
        {"nvmlDeviceGetMigMode", false},
        {"nvmlDeviceGetTotalEnergyConsumption", false},
        {"nvmlDeviceGetFieldValues", false},
        {"nvmlDeviceGetTemperature", false},
        {"nvmlDeviceGetEnforcedPowerLimit", false},
        {"nvmlDeviceGetMaxClockInfo", false},
        {"nvmlDeviceGetClockInfo", false},
        {"nvmlDeviceGetPersistenceMode", false},
        {"nvmlDeviceGetComputeMode", false},
        {"nvmlDeviceGetMemoryInfo", false},
        {"nvmlSystemGetDriverVersion", false},
        {"nvmlDeviceGetViolationStatus", false},
        {"nvmlDeviceGetCurrentClocksThrottleReasons", false},
        {"nvmlDeviceGetCurrentClocksEventReasons", false},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
        char *path = without(functions[i].name);
        use(path);
        if (functions[i].is_required) {
            cr_expect_not_null(strstr(open_fails(JC_ENOMETER).message, functions[i].name));
        } else {
            jc_meter_handle *handle = open_gpu();
            const jc_meter_window w = measure_held(handle, 0x20, true);
            cr_expect(w.energy_j > 0 && w.duration_s > 0, "%s", functions[i].name);
            // Heat is not seen by sums here; reasons, by either name, stand in.
            const bool looks = strcmp(functions[i].name, "nvmlDeviceGetViolationStatus") == 0;
            cr_expect_eq(w.throttled_by_heat_s > 0, looks, "%s", functions[i].name);
            (void)describe(handle);
            close_gpu(handle);
        }
        cr_expect_eq(unlink(path), 0);
        free(path);
    }
}

Test(nvml, settings_are_read) {
    use(FAKE_NVML);
    jc_meter_handle *handle = open_gpu();
    const jc_meter_info info = describe(handle);
    cr_expect_str_eq(info.clocks, "SM 1755 of 1980 MHz, memory 1593 of 2619 MHz");
    cr_expect_str_eq(info.limits, "at most 700 W, persistent, mode 3");
    cr_expect_str_eq(info.memory, "80.0 GiB, driver 580.1");
    fake->clock = 3; // not supported
    cr_expect_str_eq(describe(handle).clocks, "SM up to 1980 MHz, memory up to 2619 MHz");
    fake->clock = 0;
    fake->modes = 3;
    cr_expect_str_eq(describe(handle).clocks, "SM 1755 MHz, memory 1593 MHz");
    fake->clock = 3;
    const jc_meter_info none = describe(handle);
    cr_expect(none.clocks[0] == '\0' && none.limits[0] == '\0' && none.memory[0] == '\0');
    close_gpu(handle);
    use(FAKE_NVML_OLD);
    handle = open_gpu();
    cr_expect_str_eq(describe(handle).clocks, "");
    close_gpu(handle);
}

Test(nvml, libraries_that_are_none) {
    use(FAKE_NVML_BROKEN);
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "nvmlDeviceGetPowerUsage"));
    library = "/no/such/library.so";
    cr_assert_not_null(strstr(open_fails(JC_ENOMETER).message, "no NVIDIA driver"));
}

Test(nvml, recorded_machine_has_none) {
    const jc_meter_options options = {.root_fd = -1};
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(nvml()->open(&options, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "recorded"));
    cr_assert(nvml()->is_gpu && !jc_meter_find("rapl-powercap")->is_gpu);
}
