// SPDX-License-Identifier: Apache-2.0
// joulecast meters: what can tell this machine's energy, and why the rest cannot.
#include "command.h"

#include "common/arena.h"
#include "common/suggest.h"

#include <joulecast/meter.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    METER_NAME,
    METER_STATUS,
    METER_STEP,
    METER_DOMAINS,
    METER_PROBLEM,
    METER_FINDING,
    METER_SOURCE,
    METER_SUMMARY,
    METER_COLUMNS,
};

static const report_column columns[METER_COLUMNS] = {
    [METER_NAME] = {.name = "meter", .heading = "meter", .type = REPORT_TEXT},
    [METER_STATUS] = {.name = "status", .heading = "status", .type = REPORT_TEXT},
    [METER_STEP] = {.name = "step_s",
                    .heading = "step",
                    .type = REPORT_REAL,
                    .unit = REPORT_SECONDS},
    [METER_DOMAINS] = {.name = "domains", .heading = NULL, .type = REPORT_TEXT},
    [METER_PROBLEM] = {.name = "problem", .heading = NULL, .type = REPORT_TEXT},
    [METER_FINDING] = {.name = NULL,
                       .heading = "adds up, or why not",
                       .type = REPORT_TEXT,
                       .narrowest = 20,
                       .fit = REPORT_WRAP},
    [METER_SOURCE] = {.name = "source", .heading = NULL, .type = REPORT_TEXT},
    [METER_SUMMARY] = {.name = "summary", .heading = NULL, .type = REPORT_TEXT},
};

typedef struct meters_choice {
    const char *root; // folder that stands for "/"
} meters_choice;

static const char *parse_root(cli_options *options, const char *text) {
    meters_choice *choice = options->extra;
    choice->root = text;
    return text[0] == '\0' ? "a folder" : NULL;
}

static const cli_option option_root = {
    0, "root", "FOLDER", "look at the machine recorded in FOLDER instead of this one", parse_root};

static const char *describe_status(jc_status status) {
    switch ((int)status) {
    case JC_OK:
        return "ready";
    case JC_ENOMETER:
        return "absent";
    case JC_EPERM:
        return "forbidden";
    default:
        return "broken";
    }
}

static const char *copy(jc_arena *arena, const char *text) {
    return jc_arena_copy_text(arena, text, strlen(text));
}

// Opening a meter is the one way to know whether it works; false if out of memory.
static bool fill_row(const jc_meter *meter, const jc_meter_options *options, jc_arena *arena,
                     report_value *row) {
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    const jc_status status = meter->open(options, &handle, &err);
    row[METER_NAME].text = meter->name;
    row[METER_SOURCE].text = meter->source;
    row[METER_SUMMARY].text = meter->summary;
    row[METER_STATUS].text = describe_status(status);
    row[METER_STEP].real = (double)NAN;
    if (status == JC_OK) {
        jc_meter_info info;
        meter->describe(handle, &info);
        meter->close(handle);
        row[METER_STEP].real = info.step_s;
        if (info.domains[0] != '\0') {
            row[METER_DOMAINS].text = copy(arena, info.domains);
            row[METER_FINDING].text = row[METER_DOMAINS].text;
            return row[METER_FINDING].text != NULL;
        }
        row[METER_FINDING].text = meter->summary;
        return true;
    }
    char text[JC_ERROR_FILE_SIZE + JC_ERROR_MESSAGE_SIZE + 32];
    row[METER_PROBLEM].text = copy(arena, jc_error_format(&err, text, sizeof text));
    row[METER_FINDING].text = row[METER_PROBLEM].text;
    return row[METER_FINDING].text != NULL;
}

static const jc_meter *find_meter(const char *name, jc_error *err) {
    const jc_meter *meter = jc_meter_find(name);
    if (meter == NULL) {
        jc_suggestion suggestion = {.wanted = name};
        for (const jc_meter *const *m = jc_meters(); *m != NULL; ++m) {
            jc_suggestion_offer(&suggestion, (*m)->name);
        }
        char close_names[JC_SUGGESTION_TEXT_SIZE];
        (void)jc_error_set(err, JC_ENOENT, NULL, 0, "there is no meter '%.60s'%s", name,
                           jc_suggestion_format(&suggestion, close_names));
    }
    return meter;
}

// "command:PROGRAM" is the meter `command`, and what follows is its program.
static cli_exit fill_named(const cli_options *options, jc_meter_options *meter_options,
                           jc_arena *arena, report_value *values) {
    for (int i = 0; i < options->n_operands; ++i) {
        static const char command[] = "command:";
        const char *name = options->operands[i];
        jc_error err = {0};
        meter_options->command = NULL;
        if (strncmp(name, command, sizeof command - 1) == 0) {
            meter_options->command = name + sizeof command - 1;
            name = "command";
        }
        const jc_meter *meter = find_meter(name, &err);
        if (meter == NULL) {
            return cli_report_error(&err);
        }
        if (!fill_row(meter, meter_options, arena, values + (size_t)i * METER_COLUMNS)) {
            err.status = JC_ENOMEM;
            return cli_report_error(&err);
        }
    }
    return CLI_OK;
}

static cli_exit print_meters(const cli_options *options, jc_meter_options *meter_options,
                             jc_arena *arena) {
    size_t n = 0;
    while (jc_meters()[n] != NULL) {
        ++n;
    }
    const size_t n_named = (size_t)options->n_operands;
    const size_t n_rows = n_named > 0 ? n_named : n;
    report_value *values = jc_arena_alloc(arena, n_rows, METER_COLUMNS * sizeof *values);
    bool filled = values != NULL;
    for (size_t i = 0; n_named == 0 && filled && i < n; ++i) {
        filled = fill_row(jc_meters()[i], meter_options, arena, values + i * METER_COLUMNS);
    }
    if (!filled) {
        const jc_error err = {.status = JC_ENOMEM};
        return cli_report_error(&err);
    }
    const cli_exit code = fill_named(options, meter_options, arena, values);
    if (code != CLI_OK) {
        return code;
    }
    const report_table table = {columns, METER_COLUMNS, values, n_rows};
    return cli_print_table(options, "Meters", &table);
}

static cli_exit run_meters(const cli_command *self, int argc, char **argv) {
    meters_choice choice = {.root = "/"};
    cli_options options = {.extra = &choice};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    const int root_fd = open(choice.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0) {
        jc_error err;
        (void)jc_error_set(&err, JC_ENOENT, choice.root, 0, "%s", strerror(errno));
        return cli_report_error(&err);
    }
    jc_arena arena = {0};
    jc_meter_options meter_options = {
        .root_fd = root_fd, .idle_w = (double)NAN, .full_w = (double)NAN};
    code = print_meters(&options, &meter_options, &arena);
    jc_arena_clear(&arena);
    (void)close(root_fd); // nothing was written
    return code;
}

static const cli_option *const options_of_meters[] = {&option_root, &cli_option_format,
                                                      &cli_option_output, NULL};

extern const cli_command cli_meters;

const cli_command cli_meters = {
    .name = "meters",
    .summary = "List what can tell this machine's energy, and why the rest cannot",
    .operands = "[METER...]",
    .help = "Each meter is opened, which takes some seconds. METER is a name of the list, or\n"
            "'command:PROGRAM' to try a program that docs/METERS.md describes.\n",
    .max_operands = -1,
    .options = options_of_meters,
    .run = run_meters,
};
