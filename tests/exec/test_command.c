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

static const char FAKE[] = "exec python3 " JC_TEST_SOURCE_ROOT "/tests/exec/fake_executor.py ";

static jc_executor_handle *open_fake(const char *behaviour, double timeout_s) {
    char command[600];
    (void)snprintf(command, sizeof command, "%s%s", FAKE, behaviour);
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

static void expect_failure(const char *behaviour, double timeout_s, const char *message) {
    jc_executor_handle *handle = open_fake(behaviour, timeout_s);
    for (int round = 0; round < 2; ++round) { // the second kernel meets a program started anew
        jc_error err = {.message = ""};
        double seconds = 7;
        cr_expect_eq(try(handle, 1, &seconds, &err), JC_EIO, "%s: %s", behaviour, err.message);
        cr_expect_not_null(strstr(err.message, message), "%s: %s", behaviour, err.message);
        cr_expect_eq(seconds, 7, "%s: an output is written on success only", behaviour);
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

Test(command, runs_a_kernel_as_often_as_asked) {
    jc_executor_handle *handle = open_fake("", 30);
    jc_executor_info info;
    jc_executor_find("command")->describe(handle, &info);
    cr_expect_str_eq(info.software, "fake 1.0");
    cr_expect_eq(info.threads, 2);
    double seconds = 0;
    jc_error err = {.message = ""};
    cr_expect_eq(try(handle, 1, &seconds, &err), JC_OK, "%s", err.message);
    // 20 µs and 1000 elements, ten times; sleeping never takes less.
    cr_expect_geq(seconds, 10 * 2.1e-5);
    jc_executor_find("command")->close(handle);
}

Test(command, a_refusal_is_told_from_a_lack_of_memory_and_a_death) {
    jc_executor_handle *handle = open_fake("", 30);
    double seconds = 0;
    jc_error err = {.message = ""};
    cr_expect_eq(try(handle, 13, &seconds, &err), JC_EUNSUPPORTED);
    cr_expect_str_eq(err.message, "unlucky number");
    cr_expect_eq(try(handle, 14, &seconds, &err), JC_ENOMEM);
    cr_expect_str_eq(err.message, "1 TB is needed");
    cr_expect_eq(try(handle, 15, &seconds, &err), JC_EIO);
    cr_expect_not_null(strstr(err.message, "exit code 3"), "%s", err.message);
    cr_expect_not_null(strstr(err.message, "out of luck"), "%s", err.message);
    cr_expect_eq(try(handle, 1, &seconds, &err), JC_OK, "the next kernel starts it anew");
    jc_executor_find("command")->close(handle);
}

Test(command, a_program_that_does_wrong_is_an_error_that_says_so) {
    expect_failure("dies", 30, "out of luck");
    expect_failure("lies", 30, "only 0.");
    expect_failure("slow", 30, "have passed");
    expect_failure("nan", 30, "must be 'seconds X'");
    expect_failure("negative", 30, "must be 'seconds X'");
    expect_failure("babbles", 30, "babbles");
}

Test(command, a_program_that_hangs_is_left_after_the_time_allowed) {
    expect_failure("hangs", 0.7, "silent for");
}

Test(command, words_that_nobody_asked_for_are_an_error_of_the_next_request) {
    const char *const behaviours[] = {"unasked", "twice"};
    for (int i = 0; i < 2; ++i) {
        jc_executor_handle *handle = open_fake(behaviours[i], 30);
        const jc_kernel kernel = relu(1);
        const struct timespec pause = {0, 300000000};
        jc_task *task = NULL;
        double seconds = 0;
        jc_error err = {.message = ""};
        const jc_executor *executor = jc_executor_find("command");
        cr_assert_eq(executor->prepare_kernel(handle, &kernel, &task, &err), JC_OK);
        cr_expect_eq(executor->run(task, 1000, &seconds, &err), JC_OK, "%s", err.message);
        (void)nanosleep(&pause, NULL);
        cr_expect_eq(executor->run(task, 1000, &seconds, &err), JC_EIO);
        cr_expect_not_null(strstr(err.message, "spoke unasked"), "%s", err.message);
        cr_expect_eq(executor->run(task, 1, &seconds, &err), JC_EINVAL, "the task went with it");
        executor->release(task);
        executor->close(handle);
    }
}

Test(command, what_it_writes_to_its_standard_error_does_not_block_it) {
    jc_executor_handle *handle = open_fake("loud", 30);
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
    char command[600];
    (void)snprintf(command, sizeof command, "%smultiplies", FAKE);
    const jc_executor_options options = {.command = command, .timeout_s = 8};
    jc_executor_handle *handle = NULL;
    jc_error err = {.message = ""};
    // The superuser's are counted; those of others fail to fork and wait in silence.
    cr_expect_eq(jc_executor_find("command")->open(&options, &handle, &err), JC_EUNSUPPORTED);
    const bool said =
        strstr(err.message, "processes") != NULL || strstr(err.message, "silent") != NULL;
    cr_expect(said, "%s", err.message);
    const struct timespec pause = {0, 100000000};
    for (int i = 0; i < 100 && count_processes("fake_executor.py multiplies") > 0; ++i) {
        (void)nanosleep(&pause, NULL); // killed, not all buried
    }
    cr_expect_eq(count_processes("fake_executor.py multiplies"), 0);
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

// The program writes what it was asked; the shell is executor enough.
Test(command, a_kernel_and_a_network_arrive_as_documented) {
    const jc_executor_options options = {
        .command =
            "echo joulecast-executor 1 sh; while read -r line; do echo \"refused $line\"; done",
        .threads = 3,
        .weights = JC_WEIGHTS_WARM,
        .seed = 5,
        .timeout_s = 30};
    const jc_executor *executor = jc_executor_find("command");
    jc_executor_handle *handle = NULL;
    jc_task *task = NULL;
    jc_error err = {.message = ""};
    cr_assert_eq(executor->open(&options, &handle, &err), JC_OK, "%s", err.message);
    const jc_kernel kernel = {
        .kind = JC_KERNEL_LINEAR, .precision = JC_PRECISION_BF16, .size = {1, 2, 3}};
    cr_expect_eq(executor->prepare_kernel(handle, &kernel, &task, &err), JC_EUNSUPPORTED);
    cr_expect_str_eq(err.message,
                     "{\"kernel\":\"linear\",\"precision\":\"bf16\",\"threads\":3,"
                     "\"weights\":\"warm\",\"seed\":5,"
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
