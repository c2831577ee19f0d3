// SPDX-License-Identifier: Apache-2.0
// RAPL through perf events: which events are opened, units, and events that fail.
#include "machine.h"

#include "runtime/meter/rapl_perf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define POWER "sys/bus/event_source/devices/power"

// A kernel with counters that a test sets. While `step` is not 0, every reading adds to them.
enum { MAX_EVENTS = 8 };

static struct event {
    uint32_t type;
    uint64_t config;
    int cpu;
    int fd;
    uint64_t count;
} events[MAX_EVENTS];
static int n_events;
static uint64_t step;
static int open_errno;
static int read_errno;
static ssize_t read_size;

static int fake_open(uint32_t type, uint64_t config, int cpu) {
    if (open_errno != 0) {
        errno = open_errno;
        return -1;
    }
    cr_assert_lt(n_events, MAX_EVENTS);
    const int fd = dup(STDERR_FILENO); // any that may be closed
    events[n_events++] = (struct event){type, config, cpu, fd, 0};
    return fd;
}

static ssize_t fake_read(int fd, void *buffer, size_t size) {
    if (read_errno != 0) {
        errno = read_errno;
        return -1;
    }
    for (int i = 0; i < n_events; ++i) {
        if (events[i].fd == fd) {
            events[i].count += step;
            memcpy(buffer, &events[i].count, size);
            return read_size;
        }
    }
    cr_assert_fail("an event that was not opened is read");
    return -1;
}

static const perf_calls fake = {fake_open, fake_read};

static const jc_meter *perf(void) {
    return jc_meter_find("rapl-perf");
}

static jc_meter_handle *open_fake(const jc_meter_options *options) {
    step = 1 << 20;
    read_size = sizeof(uint64_t);
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(rapl_perf_open(options, &fake, &handle, &err), JC_OK, "%s", err.message);
    step = 0;
    return handle;
}

static jc_error open_fails(const jc_meter_options *options, jc_status expected) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    n_events = 0;
    cr_assert_eq(rapl_perf_open(options, &fake, &handle, &err), expected, "%s", err.message);
    cr_assert_null(handle);
    return err;
}

Test(rapl_perf, packages_and_memory_of_every_socket) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    jc_meter_handle *handle = open_fake(&options);
    jc_meter_info info;
    perf()->describe(handle, &info);
    cr_assert_str_eq(info.domains, "package-0 + package-1 + dram-0 + dram-1");
    cr_assert_eq(n_events, 4);
    static const uint64_t config[] = {2, 2, 3, 3};
    static const int cpu[] = {0, 18, 0, 18};
    for (int i = 0; i < 4; ++i) {
        cr_assert_eq(events[i].type, 20);
        cr_assert_eq(events[i].config, config[i]);
        cr_assert_eq(events[i].cpu, cpu[i]);
        events[i].count = UINT64_C(3) << 60; // far beyond 32 bits
    }
    cr_assert_eq(perf()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.01);
    for (int i = 0; i < 4; ++i) {
        events[i].count += UINT64_C(1) << (32 - i); // 1, 1/2, 1/4 and 1/8 J
    }
    jc_meter_window window;
    cr_assert_eq(perf()->end(handle, &window, NULL), JC_OK);
    cr_assert_eq(window.energy_j, 1.875);
    perf()->close(handle);
}

Test(rapl_perf, psys_stands_in_where_there_is_no_package) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    machine_remove(POWER "/events/energy-pkg");
    machine_write(POWER "/cpumask", "0\n");
    jc_meter_handle *handle = open_fake(&options);
    jc_meter_info info;
    perf()->describe(handle, &info);
    cr_assert_str_eq(info.domains, "psys-0");
    perf()->close(handle);
}

Test(rapl_perf, failures_of_a_reading_are_told_apart) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    jc_meter_handle *handle = open_fake(&options);
    jc_meter_window window;
    jc_error err = {0};
    static const struct {
        ssize_t size;
        int error;
        jc_status status;
    } failures[] = {
        {0, 0, JC_ENOMETER}, {4, 0, JC_EIO}, {8, ENODEV, JC_ENOMETER}, {8, EIO, JC_EIO}};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; ++i) {
        cr_assert_eq(perf()->begin(handle, NULL), JC_OK);
        read_size = failures[i].size;
        read_errno = failures[i].error;
        err.message[0] = '\0';
        cr_assert_eq(perf()->end(handle, &window, &err), failures[i].status, "%zu", i);
        cr_assert_neq(err.message[0], '\0');
        read_size = sizeof(uint64_t);
        read_errno = 0;
    }
    read_errno = EIO;
    cr_assert_eq(perf()->begin(handle, &err), JC_EIO);
    read_errno = 0;
    read_size = 8;
    events[1].count = 5;
    cr_assert_eq(perf()->begin(handle, NULL), JC_OK);
    events[1].count = 4;
    cr_assert_eq(perf()->end(handle, &window, &err), JC_EIO, "backwards");
    perf()->close(handle);
}

Test(rapl_perf, refusals_of_the_kernel_say_what_to_do) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    open_errno = EACCES;
    cr_assert_not_null(strstr(open_fails(&options, JC_EPERM).message, "perf_event_paranoid"));
    open_errno = EPERM;
    (void)open_fails(&options, JC_EPERM);
    open_errno = ENODEV;
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "energy-pkg"));
    open_errno = EMFILE;
    (void)open_fails(&options, JC_EIO);
}

Test(rapl_perf, counters_that_do_not_move_are_no_meter) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    read_size = sizeof(uint64_t);
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "has not moved"));
}

Test(rapl_perf, descriptions_that_are_not_understood_are_refused) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    static const char *const bad[][3] = {
        {POWER "/events/energy-pkg", "event=2\n", "event=0x02\n"},
        {POWER "/events/energy-pkg", "event=0x102\n", "event=0x02\n"},
        {POWER "/events/energy-pkg", "event=0x02,umask=1\n", "event=0x02\n"},
        {POWER "/events/energy-pkg.unit", "Watts\n", "Joules\n"},
        {POWER "/events/energy-pkg.scale", "0\n", "1e-9\n"},
        {POWER "/events/energy-pkg.scale", "-1e-9\n", "1e-9\n"},
        {POWER "/events/energy-pkg.scale", "nonsense\n", "1e-9\n"},
        {POWER "/cpumask", "0-3\n", "0\n"},
        {POWER "/cpumask", "\n", "0\n"},
        {POWER "/cpumask", "0,\n", "0\n"},
        {POWER "/cpumask", "-1\n", "0\n"},
        {POWER "/type", "x\n", "20\n"},
        {POWER "/type", "4294967296\n", "20\n"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        machine_write(bad[i][0], bad[i][1]);
        const jc_error err = open_fails(&options, JC_EIO);
        cr_assert_not_null(strstr(err.file, bad[i][0]), "%zu: %s", i, err.file);
        machine_write(bad[i][0], bad[i][2]);
    }
    perf()->close(open_fake(&options));
}

Test(rapl_perf, absence_says_why) {
    jc_meter_options options = machine_make("virtual-machine");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "virtual machine"));
    options = machine_make("intel-desktop");
    cr_assert_not_null(strstr(open_fails(&options, JC_ENOMETER).message, "modprobe rapl"));
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    options = machine_make("perf-two-sockets");
    cr_assert_eq(perf()->open(&options, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "recorded"));
}

// The real call, on an event that every kernel has: the clock of a CPU in ns, here as energy of 1
// W.
Test(rapl_perf, kernel_counts) {
    const jc_meter_options options = machine_make("perf-two-sockets");
    machine_write(POWER "/type", "1\n"); // PERF_TYPE_SOFTWARE
    machine_write(POWER "/cpumask", "0\n");
    machine_write(POWER "/events/energy-pkg", "event=0x00\n"); // PERF_COUNT_SW_CPU_CLOCK
    machine_write(POWER "/events/energy-pkg.scale", "1e-9\n");
    machine_remove(POWER "/events/energy-ram");
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    if (rapl_perf_open(&options, &perf_calls_of_kernel, &handle, &err) != JC_OK) {
        cr_skip_test("this kernel offers no perf events here: %s", err.message);
    }
    jc_meter_window window;
    cr_assert_eq(perf()->begin(handle, NULL), JC_OK);
    machine_wait_s(0.05);
    cr_assert_eq(perf()->end(handle, &window, &err), JC_OK, "%s", err.message);
    cr_assert_gt(window.energy_j, 0.0);
    perf()->close(handle);
}
