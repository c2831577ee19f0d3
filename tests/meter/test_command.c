// SPDX-License-Identifier: Apache-2.0
// Meter `command` against programs that behave, and against those that do not.
#include <joulecast/meter.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A shell is meter enough. It tells its number n, which grows by 1 with every question.
#define GREETING   "echo joulecast-meter 1 a wall; "
#define ANSWERS(a) GREETING "n=0; while read -r line; do n=$((n + 1)); " a "; done"

static const jc_meter *command(void) {
    return jc_meter_find("command");
}

static jc_status try_open(const char *program, double timeout_s, jc_meter_handle **out_handle,
                          jc_error *err) {
    const jc_meter_options options = {.root_fd = -1, .command = program, .timeout_s = timeout_s};
    return command()->open(&options, out_handle, err);
}

static jc_meter_handle *open_program(const char *program, double timeout_s) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(try_open(program, timeout_s, &handle, &err), JC_OK, "%s", err.message);
    return handle;
}

static void expect_no_opening(const char *program, const char *message) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_expect_eq(try_open(program, 0.3, &handle, &err), JC_EIO, "%s: %s", program, err.message);
    cr_expect_null(handle);
    cr_expect_not_null(strstr(err.message, message), "%s: %s", program, err.message);
}

static void wait_s(double seconds) {
    const struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
    cr_assert_eq(nanosleep(&pause, NULL), 0);
}

Test(meter_command, joules_are_a_counter) {
    jc_meter_handle *handle = open_program(ANSWERS("echo joules $n.25"), 10);
    jc_meter_info info;
    command()->describe(handle, &info);
    cr_assert_str_eq(info.domains, "a wall");
    cr_assert(info.step_s > 0 && info.step_s < 3);
    for (int i = 0; i < 3; ++i) {
        jc_meter_window window;
        cr_assert_eq(command()->begin(handle, NULL), JC_OK);
        wait_s(0.001);
        cr_assert_eq(command()->end(handle, &window, NULL), JC_OK);
        cr_assert_eq(window.energy_j, 1.0);
    }
    command()->close(handle);
}

Test(meter_command, watts_are_sampled) {
    jc_meter_handle *handle = open_program(ANSWERS("echo watts 4$((n % 2))"), 10);
    jc_meter_window window;
    cr_assert_eq(command()->begin(handle, NULL), JC_OK);
    wait_s(0.05);
    cr_assert_eq(command()->end(handle, &window, NULL), JC_OK);
    const double mean_w = window.energy_j / window.duration_s;
    cr_assert(mean_w >= 40 && mean_w <= 41, "%g W", mean_w);
    cr_assert_gt(window.gap_s, 0.0);
    command()->close(handle);
}

Test(meter_command, without_a_program_there_is_none) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(try_open(NULL, 0, &handle, &err), JC_ENOMETER);
    cr_assert_eq(try_open("", 0, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "command:"));
}

Test(meter_command, programs_that_do_not_begin_as_they_should) {
    expect_no_opening("exit 3", "ended with exit code 3");
    expect_no_opening("echo no such meter >&2; exit 1", "no such meter");
    expect_no_opening("/no/such/program", "exit code 127");
    expect_no_opening("sleep 60", "silent for 0.3 s");
    expect_no_opening("echo joulecast-meter 2 later; cat", "joulecast-meter 1 NAME");
    expect_no_opening("echo 'joulecast-meter 1 '; cat", "joulecast-meter 1 NAME");
    expect_no_opening("echo watts 5; cat", "joulecast-meter 1 NAME");
    expect_no_opening("yes joulecast-meter 1 babbler", "babbles");
    expect_no_opening("head -c 100000 /dev/zero; cat", "babbles");
}

Test(meter_command, answers_that_are_none) {
    static const char *const bad[] = {"echo 42",
                                      "echo watts",
                                      "echo watts -1",
                                      "echo watts nan",
                                      "echo joules inf",
                                      "echo joules 1e300",
                                      "echo joules 5 J",
                                      "echo kilowatts 5",
                                      "echo watts 5,5",
                                      "echo 'joules  5'",
                                      "echo"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        char program[256];
        (void)snprintf(program, sizeof program, GREETING "while read -r line; do %s; done", bad[i]);
        expect_no_opening(program, "joules NUMBER");
    }
    expect_no_opening(ANSWERS("echo error the plug is offline"), "the plug is offline");
    expect_no_opening(ANSWERS("echo watts 200000"), "cannot be");
}

Test(meter_command, counter_that_does_not_move_is_no_meter) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    cr_assert_eq(try_open(ANSWERS("echo joules 5"), 10, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "has not moved"));
    cr_assert_eq(try_open(ANSWERS("echo watts 0"), 10, &handle, &err), JC_ENOMETER);
    cr_assert_not_null(strstr(err.message, "0 W"));
}

// Behaves until a file is there; then does `harm`.
static void expect_failure_of_window(const char *answer, const char *harm, const char *message) {
    char file[] = "/tmp/joulecast-test-XXXXXX";
    cr_assert(mkstemp(file) >= 0 && unlink(file) == 0);
    char program[512];
    (void)snprintf(program, sizeof program, ANSWERS("if [ -e %s ]; then %s; else echo %s; fi"),
                   file, harm, answer);
    jc_meter_handle *handle = open_program(program, 1);
    jc_meter_window window = {.energy_j = -7};
    jc_error err = {0};
    cr_assert_eq(command()->begin(handle, &err), JC_OK, "%s", err.message);
    FILE *signal = fopen(file, "w");
    cr_assert(signal != NULL && fclose(signal) == 0);
    cr_expect_eq(command()->end(handle, &window, &err), JC_EIO, "%s", harm);
    cr_expect_not_null(strstr(err.message, message), "%s: %s", harm, err.message);
    cr_expect_eq(window.energy_j, -7.0);
    cr_expect_eq(command()->begin(handle, &err), JC_EIO, "%s: still so", harm);
    cr_assert_eq(unlink(file), 0);
    cr_expect_eq(command()->begin(handle, &err), JC_OK, "a program started anew: %s", err.message);
    command()->close(handle);
}

Test(meter_command, programs_that_fail_within_a_window_are_started_anew) {
    static const char *const joules = "joules $n";
    static const char *const watts = "watts 5.$n";
    expect_failure_of_window(joules, "exit 7", "exit code 7");
    expect_failure_of_window(watts, "exit 7", "exit code 7");
    expect_failure_of_window(joules, "sleep 60", "silent");
    expect_failure_of_window(joules, "echo watts 5", "told joules, and tells watts");
    expect_failure_of_window(watts, "echo joules 5", "told watts, and tells joules");
    expect_failure_of_window(watts, "kill -9 $$", "killed by signal 9");
}

Test(meter_command, counter_that_goes_backwards_is_refused) {
    // Up for the 12 answers in which the unit and the step are found, down afterwards.
    jc_meter_handle *handle = open_program(
        ANSWERS("if [ $n -gt 12 ]; then echo joules $((1000 - n)); else echo joules $n; fi"), 10);
    jc_meter_window window;
    jc_error err = {0};
    cr_assert_eq(command()->begin(handle, NULL), JC_OK);
    cr_assert_eq(command()->end(handle, &window, &err), JC_EIO);
    cr_assert_not_null(strstr(err.message, "backwards"));
    command()->close(handle);
}
