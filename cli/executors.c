// SPDX-License-Identifier: Apache-2.0
// joulecast executors: what can run kernels and networks on this machine, and why the rest cannot.
#include "command.h"

#include "common/arena.h"

#include <joulecast/executor.h>

#include <stdio.h>
#include <string.h>

enum {
    EXECUTOR_NAME,
    EXECUTOR_STATUS,
    EXECUTOR_SOFTWARE,
    EXECUTOR_IMPLEMENTATION,
    EXECUTOR_THREADS,
    EXECUTOR_PROBLEM,
    EXECUTOR_FINDING,
    EXECUTOR_SUMMARY,
    EXECUTOR_COLUMNS,
};

static const report_column columns[EXECUTOR_COLUMNS] = {
    [EXECUTOR_NAME] = {.name = "executor", .heading = "executor", .type = REPORT_TEXT},
    [EXECUTOR_STATUS] = {.name = "status", .heading = "status", .type = REPORT_TEXT},
    [EXECUTOR_SOFTWARE] = {.name = "software", .heading = NULL, .type = REPORT_TEXT},
    [EXECUTOR_IMPLEMENTATION] = {.name = "implementation", .heading = NULL, .type = REPORT_TEXT},
    [EXECUTOR_THREADS] = {.name = "threads", .heading = "threads", .type = REPORT_INTEGER},
    [EXECUTOR_PROBLEM] = {.name = "problem", .heading = NULL, .type = REPORT_TEXT},
    [EXECUTOR_FINDING] = {.name = NULL,
                          .heading = "runs on, or why not",
                          .type = REPORT_TEXT,
                          .narrowest = 20,
                          .fit = REPORT_WRAP},
    [EXECUTOR_SUMMARY] = {.name = "summary", .heading = NULL, .type = REPORT_TEXT},
};

static const char *copy(jc_arena *arena, const char *text) {
    return jc_arena_copy_text(arena, text, strlen(text));
}

// "oneDNN 2.6.3, OpenMP, avx2"
static const char *describe_software(jc_arena *arena, const jc_executor_info *info) {
    char text[sizeof info->software + sizeof info->implementation + 4];
    const char *comma = info->implementation[0] == '\0' ? "" : ", ";
    (void)snprintf(text, sizeof text, "%s%s%s", info->software, comma, info->implementation);
    return copy(arena, text);
}

// Opening an executor is the one way to know whether it works; false if out of memory.
static bool fill_row(const jc_executor *executor, jc_arena *arena, report_value *row) {
    const jc_executor_options options = {0};
    jc_executor_handle *handle = NULL;
    jc_error err = {0};
    const jc_status status = executor->open(&options, &handle, &err);
    row[EXECUTOR_NAME].text = executor->name;
    row[EXECUTOR_SUMMARY].text = executor->summary;
    row[EXECUTOR_STATUS].text = status == JC_OK ? "ready" : "absent";
    row[EXECUTOR_THREADS].integer = REPORT_UNKNOWN;
    if (status == JC_OK) {
        jc_executor_info info;
        executor->describe(handle, &info);
        executor->close(handle);
        row[EXECUTOR_SOFTWARE].text = copy(arena, info.software);
        row[EXECUTOR_IMPLEMENTATION].text = copy(arena, info.implementation);
        row[EXECUTOR_FINDING].text = describe_software(arena, &info);
        if (info.threads > 0) {
            row[EXECUTOR_THREADS].integer = info.threads;
        }
        return row[EXECUTOR_SOFTWARE].text != NULL && row[EXECUTOR_IMPLEMENTATION].text != NULL &&
               row[EXECUTOR_FINDING].text != NULL;
    }
    char text[JC_ERROR_FILE_SIZE + JC_ERROR_MESSAGE_SIZE + 32];
    row[EXECUTOR_PROBLEM].text = copy(arena, jc_error_format(&err, text, sizeof text));
    row[EXECUTOR_FINDING].text = row[EXECUTOR_PROBLEM].text;
    return row[EXECUTOR_PROBLEM].text != NULL;
}

static cli_exit run_executors(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    size_t n = 0;
    while (jc_executors()[n] != NULL) {
        ++n;
    }
    jc_arena arena = {0};
    report_value *values = jc_arena_alloc(&arena, n, EXECUTOR_COLUMNS * sizeof *values);
    bool filled = values != NULL;
    for (size_t i = 0; i < n && filled; ++i) {
        filled = fill_row(jc_executors()[i], &arena, values + i * EXECUTOR_COLUMNS);
    }
    if (filled) {
        const report_table table = {columns, EXECUTOR_COLUMNS, values, n};
        code = cli_print_table(&options, "Executors", &table);
    } else {
        const jc_error err = {.status = JC_ENOMEM};
        code = cli_report_error(&err);
    }
    jc_arena_clear(&arena);
    return code;
}

static const cli_option *const options_of_executors[] = {&cli_option_format, &cli_option_output,
                                                         NULL};

extern const cli_command cli_executors;

const cli_command cli_executors = {
    .name = "executors",
    .summary = "List what can run kernels and networks on this machine, and why the rest cannot",
    .operands = "",
    .options = options_of_executors,
    .run = run_executors,
};
