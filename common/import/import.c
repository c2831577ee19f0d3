// SPDX-License-Identifier: Apache-2.0
// Importing CSV files into a dataset: one pass, one row at a time.
#include <joulecast/import.h>

#include "mapping.h"
#include "rows.h"

#include "common/csv/csv.h"
#include "common/suggest.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_A_PROGRESS = 4096 };

/** A report with the storage of its texts: the mapping's own. */
typedef struct report_storage {
    jc_import_report report; ///< first, so that a pointer to it is a pointer to the whole
    jc_arena arena;
} report_storage;

/** An import under way. */
typedef struct run {
    const jc_import_options *options;
    mapping mapping;
    const mapping_file **sections; ///< [n_paths]
    jc_dataset_writer *writer;
    jc_arena *arena;
    int64_t done_bytes; ///< of the files before the current one
    jc_error *err;
} run;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static jc_status fail_memory(const run *r) {
    return jc_error_set(r->err, JC_ENOMEM, r->options->mapping, 0, "out of memory");
}

// --- Before anything is read ----------------------------------------------------------------

static jc_status report_unknown_file(const run *r, const char *path) {
    const char *name = base_name(path);
    jc_suggestion suggestion = {.wanted = name};
    char known[300] = "";
    for (size_t f = 0; f < r->mapping.n_files; ++f) {
        const size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", f == 0 ? "" : ", ",
                       r->mapping.files[f].name);
        jc_suggestion_offer(&suggestion, r->mapping.files[f].name);
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(r->err, JC_EPARSE, r->mapping.path, 0,
                        "no file '%.60s' is mapped, only %s%s", name, known,
                        jc_suggestion_format(&suggestion, close));
}

static jc_status find_sections(run *r) {
    r->sections = jc_arena_alloc(r->arena, r->options->n_paths + 1, sizeof *r->sections);
    if (r->sections == NULL) {
        return fail_memory(r);
    }
    for (size_t p = 0; p < r->options->n_paths; ++p) {
        const char *path = r->options->paths[p];
        for (size_t earlier = 0; earlier < p; ++earlier) {
            if (strcmp(r->options->paths[earlier], path) == 0) {
                return jc_error_set(r->err, JC_EPARSE, path, 0,
                                    "given twice; its rows would count twice");
            }
        }
        r->sections[p] = mapping_find(&r->mapping, base_name(path));
        if (r->sections[p] == NULL) {
            return report_unknown_file(r, path);
        }
    }
    return JC_OK;
}

// --- One file -------------------------------------------------------------------------------

// Counters for the section's rules, and one more for rows of which nothing was measured.
static jc_status begin_report(const run *r, const mapping_file *section, const char *path,
                              jc_import_file *file) {
    *file = (jc_import_file){.path = jc_arena_copy_text(r->arena, path, strlen(path)),
                             .n_rules = section->n_rules + 1};
    file->rules = jc_arena_alloc(r->arena, file->n_rules, sizeof *file->rules);
    if (file->path == NULL || file->rules == NULL) {
        return fail_memory(r);
    }
    for (size_t i = 0; i < section->n_rules; ++i) {
        file->rules[i].because = section->rules[i].because;
        file->rules[i].fields = section->rules[i].fields;
    }
    file->rules[section->n_rules].because = "none of runtime_s, power_w and energy_j is known";
    return JC_OK;
}

static jc_status take_result(const run *r, const row_result *result, jc_import_file *file) {
    ++file->n_read;
    if (result->rule >= 0) {
        ++file->rules[result->rule].n_rows;
        ++file->rules[result->rule].n_rows_of[result->kind];
        return JC_OK;
    }
    ++file->n_kept;
    ++file->n_kept_of[result->kind];
    return result->kind == JC_KERNEL_NONE
               ? jc_dataset_write_network(r->writer, &result->network, r->err)
               : jc_dataset_write_row(r->writer, &result->row, r->err);
}

static void show_progress(const run *r, int64_t bytes) {
    if (r->options->progress != NULL) {
        r->options->progress(r->options->context, r->done_bytes + bytes);
    }
}

static jc_status import_rows(run *r, row_source *source, jc_import_file *file) {
    for (;;) {
        bool more = false;
        row_result result;
        jc_status status = jc_csv_next(source->csv, &more, r->err);
        if (status != JC_OK || !more) {
            return status;
        }
        status = rows_convert(source, file->rules, &result);
        if (status == JC_OK) {
            status = take_result(r, &result, file);
        }
        if (status != JC_OK) {
            return status;
        }
        if (file->n_read % ROWS_A_PROGRESS == 0) {
            show_progress(r, jc_csv_position_bytes(source->csv));
        }
    }
}

static jc_status import_file(run *r, const mapping_file *section, const char *path,
                             jc_import_file *file) {
    jc_csv *csv = NULL;
    row_source source;
    jc_status status = begin_report(r, section, path, file);
    if (status == JC_OK) {
        status = jc_csv_open(path, section->separator, &csv, r->err);
    }
    if (status == JC_OK) {
        status = rows_bind(&r->mapping, section, csv, r->arena, &source, r->err);
    }
    if (status == JC_OK) {
        status = import_rows(r, &source, file);
    }
    if (status == JC_OK) {
        r->done_bytes += jc_csv_position_bytes(csv);
        show_progress(r, 0);
    }
    jc_csv_close(csv);
    return status;
}

// --- All files ------------------------------------------------------------------------------

static jc_status import_files(run *r, jc_import_report *report) {
    const jc_import_options *options = r->options;
    report->files = jc_arena_alloc(r->arena, options->n_paths + 1, sizeof *report->files);
    if (report->files == NULL) {
        return fail_memory(r);
    }
    jc_status status = jc_dataset_writer_open(options->folder, &r->writer, r->err);
    if (status == JC_OK) {
        status = jc_dataset_write_device(r->writer, &r->mapping.device, r->err);
    }
    for (size_t p = 0; p < options->n_paths && status == JC_OK; ++p) {
        status = import_file(r, r->sections[p], options->paths[p], &report->files[p]);
        ++report->n_files;
    }
    if (status == JC_OK) {
        return jc_dataset_writer_close(r->writer, r->err);
    }
    jc_dataset_writer_abandon(r->writer);
    return status;
}

jc_status jc_import(const jc_import_options *options, jc_import_report **out_report,
                    jc_error *err) {
    report_storage *storage = calloc(1, sizeof *storage);
    if (storage == NULL) {
        return jc_error_set(err, JC_ENOMEM, options->mapping, 0, "out of memory");
    }
    run r = {.options = options, .arena = &storage->arena, .err = err};
    jc_yaml *root = NULL;
    jc_status status = jc_yaml_load(options->mapping, r.arena, &root, err);
    if (status == JC_OK) {
        status = mapping_compile(root, options->mapping, r.arena, &r.mapping, err);
    }
    if (status == JC_OK) {
        status = find_sections(&r);
    }
    if (status == JC_OK) {
        status = import_files(&r, &storage->report);
    }
    if (status != JC_OK) {
        jc_import_report_free(&storage->report);
        return status;
    }
    *out_report = &storage->report;
    return JC_OK;
}

void jc_import_report_free(jc_import_report *report) {
    if (report != NULL) {
        report_storage *storage = (report_storage *)(void *)report;
        jc_arena_clear(&storage->arena);
        free(storage);
    }
}
