// SPDX-License-Identifier: Apache-2.0
// joulecast profiles: the profiles that are found by name.
#include "command.h"

#include "predictor/profile/find.h"

#include <joulecast/profile.h>

#include <string.h>

enum {
    PROFILE_NAME,
    PROFILE_DEVICE,
    PROFILE_EXECUTOR,
    PROFILE_METER,
    PROFILE_DATE,
    PROFILE_KERNELS,
    PROFILE_PATH,
    PROFILE_COLUMNS,
};

static const report_column columns[PROFILE_COLUMNS] = {
    [PROFILE_NAME] = {.name = "profile", .heading = "profile", .type = REPORT_TEXT},
    [PROFILE_DEVICE] = {.name = "device",
                        .heading = "device",
                        .type = REPORT_TEXT,
                        .narrowest = 12,
                        .fit = REPORT_WRAP},
    [PROFILE_EXECUTOR] = {.name = "executor", .heading = NULL, .type = REPORT_TEXT},
    [PROFILE_METER] = {.name = "meter", .heading = "meter", .type = REPORT_TEXT},
    [PROFILE_DATE] = {.name = "date", .heading = "date", .type = REPORT_TEXT},
    [PROFILE_KERNELS] = {.name = "kernels",
                         .heading = "kernels",
                         .type = REPORT_LIST,
                         .narrowest = 12,
                         .fit = REPORT_WRAP},
    [PROFILE_PATH] = {.name = "path", .heading = NULL, .type = REPORT_TEXT},
};

// Kernels with a model of their own in any precision, ending with NULL; NULL if out of memory.
static const char *const *list_kernels(const jc_profile *profile, jc_arena *arena) {
    const char **names = jc_arena_alloc(arena, JC_KERNEL_COUNT + 1, sizeof *names);
    size_t n = 0;
    for (int kind = 0; names != NULL && kind < JC_KERNEL_COUNT; ++kind) {
        bool covered = false;
        for (int precision = 0; precision < JC_PRECISION_COUNT; ++precision) {
            covered = covered ||
                      jc_profile_covers(profile, (jc_kernel_kind)kind, (jc_precision)precision);
        }
        if (covered) {
            names[n++] = jc_kernel_name((jc_kernel_kind)kind);
        }
    }
    return names;
}

static const char *copy_known(const char *text, jc_arena *arena) {
    return text[0] == '\0' ? NULL : jc_arena_copy_text(arena, text, strlen(text));
}

static jc_status fill_row(const jc_search_entry *entry, jc_arena *arena, report_value *row,
                          jc_error *err) {
    jc_profile *profile = NULL;
    const jc_status status = jc_profile_load(entry->path, &profile, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_device *device = jc_profile_device(profile);
    row[PROFILE_NAME].text = entry->name;
    row[PROFILE_DEVICE].text = copy_known(device->machine, arena);
    row[PROFILE_EXECUTOR].text = copy_known(device->executor, arena);
    row[PROFILE_METER].text = copy_known(device->meter, arena);
    row[PROFILE_DATE].text = copy_known(device->date, arena);
    row[PROFILE_KERNELS].list = list_kernels(profile, arena);
    row[PROFILE_PATH].text = entry->path;
    jc_profile_free(profile);
    return JC_OK;
}

// One bad profile does not hide the others: it is reported, and the exit code tells.
static cli_exit print_profiles(const cli_options *options, jc_arena *arena) {
    jc_search_entry *entries = NULL;
    size_t n_entries = 0;
    report_value *values = NULL;
    if (jc_search_list(&profile_search_path, arena, &entries, &n_entries) != JC_OK ||
        (values = jc_arena_alloc(arena, n_entries + 1, PROFILE_COLUMNS * sizeof *values)) == NULL) {
        const jc_error err = {.status = JC_ENOMEM};
        return cli_report_error(&err);
    }
    cli_exit code = CLI_OK;
    size_t n_rows = 0;
    for (size_t i = 0; i < n_entries; ++i) {
        jc_error err = {0};
        if (fill_row(&entries[i], arena, values + n_rows * PROFILE_COLUMNS, &err) == JC_OK) {
            ++n_rows;
        } else {
            code = cli_report_error(&err);
        }
    }
    const report_table table = {columns, PROFILE_COLUMNS, values, n_rows};
    const cli_exit printed = cli_print_table(options, "Profiles", &table);
    return printed == CLI_OK ? code : printed;
}

static cli_exit run_profiles(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    jc_arena arena = {0};
    code = print_profiles(&options, &arena);
    jc_arena_clear(&arena);
    return code;
}

static const cli_option *const options_of_profiles[] = {&cli_option_format, &cli_option_output,
                                                        NULL};

extern const cli_command cli_profiles;

const cli_command cli_profiles = {
    .name = "profiles",
    .summary = "List the profiles that -p finds by name",
    .operands = "",
    .help = "Profiles are sought in the folders of JOULECAST_PROFILE_PATH first.\n",
    .options = options_of_profiles,
    .run = run_profiles,
};
