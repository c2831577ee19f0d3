// SPDX-License-Identifier: Apache-2.0
// joulecast import: foreign CSV files to a dataset. The report goes to standard error, the rows to
// their files.
#include "command.h"
#include "progress.h"

#include <joulecast/import.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct import_extra {
    const char *dataset; ///< -o
} import_extra;

static const char *parse_output(cli_options *options, const char *text) {
    import_extra *extra = options->extra;
    extra->dataset = text;
    return text[0] == '\0' ? "the folder of the dataset to write" : NULL;
}

static const cli_option option_output = {'o', "output", "DATASET", "folder of the dataset to write",
                                         parse_output};

// --- Progress -------------------------------------------------------------------------------

typedef struct byte_progress {
    progress progress;
    int64_t total_bytes;
} byte_progress;

// 0 where a file has no size (a pipe): then there is no share to show.
static int64_t total_bytes(const jc_import_options *import) {
    int64_t total = 0;
    for (size_t p = 0; p < import->n_paths; ++p) {
        struct stat info;
        if (stat(import->paths[p], &info) != 0 || !S_ISREG(info.st_mode)) {
            return 0;
        }
        total += (int64_t)info.st_size;
    }
    return total;
}

static void show_progress(void *context, int64_t bytes) {
    byte_progress *p = context;
    if (p->total_bytes > 0) {
        progress_update(&p->progress, (double)bytes / (double)p->total_bytes);
    }
}

// --- Report ---------------------------------------------------------------------------------

// ": relu 30, tanh 12", of all kernels with rows.
static void print_by_kernel(const int64_t *n_rows_of) {
    const char *separator = ": ";
    for (int kind = 0; kind <= JC_KERNEL_COUNT; ++kind) {
        if (n_rows_of[kind] > 0) {
            (void)fprintf(stderr, "%s%s %" PRId64, separator,
                          kind == JC_KERNEL_COUNT ? "networks"
                                                  : jc_kernel_name((jc_kernel_kind)kind),
                          n_rows_of[kind]);
            separator = ", ";
        }
    }
}

// " (relu 30, tanh 12)", where there is more than one kernel to tell apart.
static void print_share(const jc_import_file *file, const int64_t *n_rows_of) {
    int n_kinds = 0;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        n_kinds += file->n_kept_of[kind] > 0;
    }
    const char *separator = " (";
    for (int kind = 0; kind < JC_KERNEL_COUNT && n_kinds > 1; ++kind) {
        if (n_rows_of[kind] > 0) {
            (void)fprintf(stderr, "%s%s %" PRId64, separator, jc_kernel_name((jc_kernel_kind)kind),
                          n_rows_of[kind]);
            separator = ", ";
        }
    }
    (void)fputs(separator[0] == ',' ? ")\n" : "\n", stderr);
}

static void print_file(const jc_import_file *file) {
    (void)fprintf(stderr, "joulecast: %s: %" PRId64 " rows read, %" PRId64 " kept", file->path,
                  file->n_read, file->n_kept);
    print_by_kernel(file->n_kept_of);
    (void)fputc('\n', stderr);
    for (size_t r = 0; r < file->n_rules; ++r) {
        const jc_import_rule *rule = &file->rules[r];
        if (rule->n_rows == 0) {
            continue;
        }
        (void)fprintf(stderr, "joulecast: %s: %" PRId64 " %s%s: %s", file->path, rule->n_rows,
                      rule->fields == NULL ? "dropped" : "kept without ",
                      rule->fields == NULL ? "" : rule->fields, rule->because);
        print_share(file, rule->n_rows_of);
    }
}

static void print_report(const jc_import_report *report, const char *dataset) {
    int64_t n_kept = 0;
    for (size_t f = 0; f < report->n_files; ++f) {
        print_file(&report->files[f]);
        n_kept += report->files[f].n_kept;
    }
    (void)fprintf(stderr, "joulecast: %s: %" PRId64 " rows written\n", dataset, n_kept);
}

// --- Command --------------------------------------------------------------------------------

static cli_exit run_import(const cli_command *self, int argc, char **argv) {
    import_extra extra = {.dataset = NULL};
    cli_options options = {.extra = &extra};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    if (extra.dataset == NULL) {
        return cli_report_usage(self->name, "needs -o DATASET, the folder to write");
    }
    jc_import_options import = {.mapping = options.operands[0],
                                .paths = (const char *const *)(options.operands + 1),
                                .n_paths = (size_t)options.n_operands - 1,
                                .folder = extra.dataset,
                                .progress = show_progress};
    byte_progress bytes = {progress_begin("import"), total_bytes(&import)};
    import.context = &bytes;
    jc_error err = {0};
    jc_import_report *report = NULL;
    const jc_status status = jc_import(&import, &report, &err);
    progress_end(&bytes.progress);
    if (status != JC_OK) {
        return cli_report_error(&err);
    }
    print_report(report, extra.dataset);
    jc_import_report_free(report);
    return CLI_OK;
}

static const cli_option *const options_of_import[] = {&option_output, NULL};

extern const cli_command cli_import;

const cli_command cli_import = {
    .name = "import",
    .summary = "Turn foreign measurements into a dataset",
    .operands = "MAPPING CSV...",
    .help = "The mapping knows the CSV files by their names and says what their columns mean;\n"
            "datasets/README.md tells how to write one. Rows read, kept and dropped, and why,\n"
            "are reported on standard error.\n",
    .min_operands = 2,
    .max_operands = -1,
    .options = options_of_import,
    .run = run_import,
};
