// SPDX-License-Identifier: Apache-2.0
// Executor `command` against a program that behaves, and against all that do not.
#include <joulecast/executor.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// A shell is executor enough: it greets, is ready, and runs as the text says.
#define GREETING   "echo joulecast-executor 1 sh 1.0; "
#define READY      GREETING "read -r kernel; echo ready; read -r run; "
#define ANSWERS(a) GREETING "while read -r line; do " a "; done"

static jc_executor_handle *open_program(const char *command, double timeout_s) {
    const jc_executor_options options = {.command = command, .timeout_s = timeout_s, .threads = 2};
    jc_executor_handle *handle = NULL;
    jc_error err = {.message = ""};
    const jc_status status = jc_executor_find("command")->open(&options, &handle, &err);
    cr_assert_eq(status, JC_OK, "%s", err.message);
    return handle;
}

static jc_kernel relu(int64_t batch_size) {
    return (jc_kernel){.kind = JC_KERNEL_RELU, .size = {batch_size, 1000}};
}

// Prepares and runs a kernel; the status of what failed, and its message.
static jc_status try(jc_executor_handle *handle, int64_t batch_size, double *out_seconds,
                     jc_error *err) {
    const jc_executor *executor = jc_executor_find("command");
    const jc_kernel kernel = relu(batch_size);
    jc_task *task = NULL;
    jc_status status = executor->prepare_kernel(handle, &kernel, &task, err);
    if (status == JC_OK) {
        status = executor->run(task, 10, out_seconds, err);
    }
    executor->release(task);
    return status;
}

static void expect_failure(const char *command, double timeout_s, const char *message) {
    jc_executor_handle *handle = open_program(command, timeout_s);
    for (int round = 0; round < 2; ++round) { // the second kernel meets a program started anew
        jc_error err = {.message = ""};
        double seconds = 7;
        cr_expect_eq(try(handle, 1, &seconds, &err), JC_EIO, "%s: %s", command, err.message);
        cr_expect_not_null(strstr(err.message, message), "%s: %s", command, err.message);
        cr_expect_eq(seconds, 7, "%s: an output is written on success only", command);
    }
    jc_executor_find("command")->close(handle);
}

static void expect_no_opening(const char *command, const char *message) {
    const jc_executor_options options = {.command = command, .timeout_s = 5};
    jc_executor_handle *handle = NULL;
    jc_error err = {.message = ""};
    cr_expect_eq(jc_executor_find("command")->open(&options, &handle, &err), JC_EUNSUPPORTED);
    cr_expect_null(handle);
    cr_expect_not_null(strstr(err.message, message), "%s", err.message);
}

Test(command, runs_a_kernel_and_believes_its_time) {
    jc_executor_handle *handle =
        open_program(READY "sleep 1; echo seconds 0.9375; read -r end", 60);
    jc_executor_info info;
    jc_executor_find("command")->describe(handle, &info);
    cr_expect_str_eq(info.software, "sh 1.0");
    cr_expect_eq(info.threads, 2);
    double seconds = 0;
    jc_error err = {.message = ""};
    cr_expect_eq(try(handle, 1, &seconds, &err), JC_OK, "%s", err.message);
    cr_expect_eq(seconds, 0.9375);
    jc_executor_find("command")->close(handle);
}

Test(command, a_refusal_is_told_from_a_lack_of_memory_and_a_death) {
    jc_executor_handle *handle = open_program(
        ANSWERS("case $line in *:13,*) echo refused unlucky number;; *:14,*) echo memory 1 TB;; "
                "*:15,*) echo out of luck >&2; exit 3;; *) echo ready; read -r run; sleep 1; "
                "echo seconds 1;; esac"),
        60);
    double seconds = 0;
    jc_error err = {.message = ""};
    cr_expect_eq(try(handle, 13, &seconds, &err), JC_EUNSUPPORTED);
    cr_expect_str_eq(err.message, "unlucky number");
    cr_expect_eq(try(handle, 14, &seconds, &err), JC_ENOMEM);
    cr_expect_str_eq(err.message, "1 TB");
    cr_expect_eq(try(handle, 15, &seconds, &err), JC_EIO);
    cr_expect_not_null(strstr(err.message, "exit code 3"), "%s", err.message);
    cr_expect_not_null(strstr(err.message, "out of luck"), "%s", err.message);
    cr_expect_eq(try(handle, 1, &seconds, &err), JC_OK, "the next kernel starts it anew: %s",
                 err.message);
    jc_executor_find("command")->close(handle);
}

Test(command, a_program_that_does_wrong_is_an_error_that_says_so) {
    expect_failure(READY "echo out of luck >&2; exit 3", 60, "out of luck");
    expect_failure(READY "kill -SEGV $$", 60, "signal 11");
    expect_failure(READY "echo seconds 1e9; read -r end", 60, "have passed");
    expect_failure(READY "sleep 0.5; echo seconds 0.001; read -r end", 60, "have passed");
    expect_failure(READY "echo seconds nan; read -r end", 60, "must be 'seconds X'");
    expect_failure(READY "echo seconds -1; read -r end", 60, "must be 'seconds X'");
    expect_failure(READY "echo seconds; read -r end", 60, "must be 'seconds X'");
    expect_failure(READY "exec cat /dev/zero", 60, "babbles");
    expect_failure(ANSWERS("echo perhaps"), 60, "must be 'ready'");
}

Test(command, a_program_that_hangs_is_left_after_the_time_allowed) {
    expect_failure(READY "sleep 3600", 2, "silent for 2 s");
}

Test(command, words_that_nobody_asked_for_are_an_error_of_the_next_request) {
    jc_executor_handle *handle =
        open_program(READY "sleep 1; echo seconds 1; echo by the way; read -r end", 60);
    const jc_kernel kernel = relu(1);
    const struct timespec pause = {0, 300000000};
    jc_task *task = NULL;
    double seconds = 0;
    jc_error err = {.message = ""};
    const jc_executor *executor = jc_executor_find("command");
    cr_assert_eq(executor->prepare_kernel(handle, &kernel, &task, &err), JC_OK);
    cr_expect_eq(executor->run(task, 1, &seconds, &err), JC_OK, "%s", err.message);
    (void)nanosleep(&pause, NULL);
    cr_expect_eq(executor->run(task, 1, &seconds, &err), JC_EIO);
    cr_expect_not_null(strstr(err.message, "'by the way'"), "%s", err.message);
    cr_expect_eq(executor->run(task, 1, &seconds, &err), JC_EINVAL, "the task went with it");
    executor->release(task);
    executor->close(handle);
}

Test(command, what_it_writes_to_its_standard_error_does_not_block_it) {
    jc_executor_handle *handle = open_program(
        GREETING "head -c 300000 /dev/zero >&2; read -r kernel; head -c 300000 /dev/zero >&2; "
                 "echo ready; read -r run; sleep 1; echo seconds 1; read -r end",
        60);
    double seconds = 0;
    jc_error err = {.message = ""};
    cr_expect_eq(try(handle, 1, &seconds, &err), JC_OK, "%s", err.message);
    jc_executor_find("command")->close(handle);
}

Test(command, what_is_no_executor_is_told_at_the_start) {
    expect_no_opening(NULL, "needs a program");
    expect_no_opening("", "needs a program");
    expect_no_opening("/no/such/program", "exit code 127");
    expect_no_opening("echo hello; sleep 60", "must be 'joulecast-executor 1");
    expect_no_opening("exec cat /dev/zero", "babbles");
    expect_no_opening("kill -SEGV $$", "signal 11");
}

// Processes whose command line has a text.
static int count_processes(const char *text) {
    int n = 0;
    DIR *folder = opendir("/proc");
    cr_assert_not_null(folder);
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        char path[300];
        char line[1024] = "";
        (void)snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
            continue;
        }
        const size_t size = fread(line, 1, sizeof line - 1, file);
        for (size_t i = 0; i < size; ++i) {
            line[i] = line[i] == '\0' ? ' ' : line[i];
        }
        n += strstr(line, text) != NULL;
        (void)fclose(file);
    }
    (void)closedir(folder);
    return n;
}

Test(command, a_program_that_multiplies_is_stopped_with_all_it_became) {
    // 192 and 4 for each core are allowed: twice that. Bounded, lest a test that fails takes the
    // machine with it.
    const jc_executor_options options = {
        .command = "n=0; while [ $n -lt $((384 + 8 * $(nproc))) ]; do sleep 98764 & n=$((n + 1)); "
                   "done; wait",
        .timeout_s = 10};
    jc_executor_handle *handle = NULL;
    jc_error err = {.message = ""};
    // The superuser's are counted; those of others fail to fork.
    cr_expect_eq(jc_executor_find("command")->open(&options, &handle, &err), JC_EUNSUPPORTED);
    const bool said =
        strstr(err.message, "processes") != NULL || strstr(err.message, "fork") != NULL;
    cr_expect(said, "%s", err.message);
    const struct timespec pause = {0, 100000000};
    for (int i = 0; i < 100 && count_processes("sleep 98764 ") > 0; ++i) {
        (void)nanosleep(&pause, NULL); // killed, not all buried
    }
    cr_expect_eq(count_processes("sleep 98764 "), 0);
}

Test(command, closing_ends_the_program_and_what_it_started) {
    const jc_executor_options options = {
        .command = "sleep 98765 & echo joulecast-executor 1 shell; sleep 98765", .timeout_s = 30};
    jc_executor_handle *handle = NULL;
    jc_error err = {.message = ""};
    cr_assert_eq(jc_executor_find("command")->open(&options, &handle, &err), JC_OK, "%s",
                 err.message);
    jc_executor_find("command")->close(handle);
    const struct timespec pause = {0, 50000000};
    for (int i = 0; i < 100 && count_processes("sleep 98765 ") > 0; ++i) {
        (void)nanosleep(&pause, NULL);
    }
    cr_expect_eq(count_processes("sleep 98765 "), 0);
}

// The program says what it was asked.
Test(command, a_kernel_and_a_network_arrive_as_documented) {
    const jc_executor_options options = {.command = ANSWERS("echo \"refused $line\""),
                                         .threads = 3,
                                         .weights = JC_WEIGHTS_WARM,
                                         .seed = 5,
                                         .timeout_s = 30};
    const jc_executor *executor = jc_executor_find("command");
    jc_executor_handle *handle = NULL;
    jc_task *task = NULL;
    jc_error err = {.message = ""};
    cr_assert_eq(executor->open(&options, &handle, &err), JC_OK, "%s", err.message);
    const jc_kernel kernel = {.kind = JC_KERNEL_LINEAR,
                              .precision = JC_PRECISION_BF16,
                              .size = {1, 2, 3},
                              .reuse_bytes = 4096};
    cr_expect_eq(executor->prepare_kernel(handle, &kernel, &task, &err), JC_EUNSUPPORTED);
    cr_expect_str_eq(err.message,
                     "{\"kernel\":\"linear\",\"precision\":\"bf16\",\"threads\":3,"
                     "\"weights\":\"warm\",\"seed\":5,\"reuse_bytes\":4096,"
                     "\"sizes\":{\"batch_size\":1,\"in_features\":2,\"out_features\":3}}");
    const jc_op *op = jc_op_find("relu");
    const uint32_t input = 0, output = 1;
    const jc_network_step steps[2] = {
        {.kernel = {.kind = JC_KERNEL_NONE}, .output = {2, {1, 4}}},
        {.op = op,
         .n_inputs = 1,
         .inputs = &input,
         .output = {2, {1, 4}},
         .kernel = {.kind = JC_KERNEL_RELU, .size = {1, 4}}},
    };
    const jc_network network = {.name = "a\"b",
                                .batch_size = 1,
                                .steps = steps,
                                .n_steps = 2,
                                .outputs = &output,
                                .n_outputs = 1};
    cr_expect_eq(executor->prepare_network(handle, &network, &task, &err), JC_EUNSUPPORTED);
    cr_expect_str_eq(err.message,
                     "{\"network\":\"a\\u0022b\",\"batch_size\":1,\"precision\":\"f32\","
                     "\"threads\":3,\"weights\":\"warm\",\"seed\":5,\"steps\":["
                     "{\"op\":\"input\",\"params\":{},\"inputs\":[],\"output\":[1,4]},"
                     "{\"op\":\"relu\",\"params\":{},\"inputs\":[0],\"output\":[1,4],"
                     "\"kernel\":\"relu\",\"sizes\":{\"batch_size\":1,\"elements\":4}}],"
                     "\"outputs\":[1]}");
    executor->close(handle);
}
