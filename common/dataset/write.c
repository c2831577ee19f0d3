// SPDX-License-Identifier: Apache-2.0
// Writing a dataset folder as rows arrive.
#include "columns.h"
#include "device.h"

#include "common/atomic_file.h"
#include "common/csv/csv.h"
#include "common/file.h"
#include "common/number.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NETWORKS_FILE = JC_KERNEL_COUNT, DEVICE_FILE, N_FILES };

struct jc_dataset_writer {
    char *folder;
    bool folder_is_new;
    jc_atomic_file files[N_FILES];   ///< by kernel kind, then the two others; {0} until needed
    bool has_reuse[JC_KERNEL_COUNT]; ///< whether rows of a kind say reuse_bytes, as its first does
};

static jc_status open_file(jc_dataset_writer *writer, int which, const char *name, jc_error *err) {
    const size_t size = strlen(writer->folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        return jc_error_set(err, JC_ENOMEM, writer->folder, 0, "out of memory");
    }
    (void)snprintf(path, size, "%s/%s", writer->folder, name);
    const jc_status status = jc_atomic_file_open(path, &writer->files[which], err);
    free(path);
    return status;
}

static jc_status make_folder(const char *folder, bool *out_is_new, jc_error *err) {
    struct stat info;
    if (mkdir(folder, 0777) == 0) {
        *out_is_new = true;
        return JC_OK;
    }
    const int error = errno;
    if (error == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode)) {
        *out_is_new = false;
        return JC_OK;
    }
    return jc_error_set(err, jc_status_from_errno(error), folder, 0, "%s",
                        error == EEXIST ? "exists and is no folder" : strerror(error));
}

jc_status jc_dataset_writer_open(const char *folder, jc_dataset_writer **out_writer,
                                 jc_error *err) {
    jc_dataset_writer *writer = calloc(1, sizeof *writer);
    char *copy = strdup(folder);
    if (writer == NULL || copy == NULL) {
        free(writer);
        free(copy);
        return jc_error_set(err, JC_ENOMEM, folder, 0, "out of memory");
    }
    writer->folder = copy;
    const jc_status status = make_folder(folder, &writer->folder_is_new, err);
    if (status != JC_OK) {
        jc_dataset_writer_abandon(writer);
        return status;
    }
    *out_writer = writer;
    return JC_OK;
}

jc_status jc_dataset_write_device(jc_dataset_writer *writer, const jc_device *device,
                                  jc_error *err) {
    jc_atomic_file_abandon(&writer->files[DEVICE_FILE]); // a second device replaces the first
    const jc_status status = open_file(writer, DEVICE_FILE, "device.yaml", err);
    if (status != JC_OK) {
        return status;
    }
    const jc_atomic_file *file = &writer->files[DEVICE_FILE];
    return device_write(file->file, file->path, device, err);
}

// --- Rows -----------------------------------------------------------------------------------

static void write_measured_names(FILE *file) {
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        (void)fprintf(file, ",%s", measured_name(c));
    }
    (void)fputc('\n', file);
}

// An unknown value is an empty cell. Failures show when the file is finished.
static void write_measured(FILE *file, const jc_measurement *measured) {
    char text[JC_NUMBER_TEXT_SIZE];
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        (void)fputc(',', file);
        if (measured_is_text(c)) {
            jc_measurement copy = *measured;
            size_t size = 0;
            jc_csv_write_field(file, measured_text(&copy, c, &size));
            continue;
        }
        const double value = measured_get(measured, c);
        if (!isnan(value)) {
            (void)fputs(jc_format_double(value, text), file);
        }
    }
    (void)fputc('\n', file);
}

static jc_status open_kernel_file(jc_dataset_writer *writer, const jc_kernel *first,
                                  jc_error *err) {
    const jc_kernel_kind kind = first->kind;
    char name[64];
    (void)snprintf(name, sizeof name, "%s.csv", jc_kernel_name(kind));
    const jc_status status = open_file(writer, (int)kind, name, err);
    if (status != JC_OK) {
        return status;
    }
    FILE *file = writer->files[kind].file;
    int n = 0;
    const char *const *columns = jc_kernel_columns(kind, &n);
    for (int c = 0; c < n; ++c) {
        (void)fprintf(file, "%s,", columns[c]);
    }
    writer->has_reuse[kind] = first->reuse_bytes != 0;
    (void)fprintf(file, "precision%s", writer->has_reuse[kind] ? ",reuse_bytes" : "");
    write_measured_names(file);
    return JC_OK;
}

// The disk may be full long before the last row: say so at the first chance.
static jc_status check_file(const jc_atomic_file *file, jc_error *err) {
    return ferror(file->file) == 0
               ? JC_OK
               : jc_error_set(err, JC_EIO, file->path, 0, "cannot be written: %s", strerror(errno));
}

static jc_status check_measured(const char *path, const jc_measurement *measured, jc_error *err) {
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        const double value = measured_is_text(c) ? (double)NAN : measured_get(measured, c);
        const char *expected = measured_check(c, value);
        if (expected != NULL) {
            char text[JC_NUMBER_TEXT_SIZE];
            return jc_error_set(err, JC_EINVAL, path, 0, "%s is %s, which %s", measured_name(c),
                                jc_format_double(value, text), expected);
        }
    }
    return JC_OK;
}

jc_status jc_dataset_write_row(jc_dataset_writer *writer, const jc_row *row, jc_error *err) {
    const jc_kernel *kernel = &row->kernel;
    jc_status status = check_measured(writer->folder, &row->measured, err);
    if (status == JC_OK && writer->files[kernel->kind].file == NULL) {
        status = open_kernel_file(writer, kernel, err);
    }
    if (status != JC_OK) {
        return status;
    }
    if (writer->has_reuse[kernel->kind] != (kernel->reuse_bytes != 0)) {
        return jc_error_set(err, JC_EINVAL, writer->files[kernel->kind].path, 0,
                            "reuse_bytes must be said of all rows of a file, or of none");
    }
    FILE *file = writer->files[kernel->kind].file;
    int n = 0;
    (void)jc_kernel_columns(kernel->kind, &n);
    for (int c = 0; c < n; ++c) {
        (void)fprintf(file, "%" PRId64 ",", kernel->size[c]);
    }
    (void)fputs(jc_precision_name(kernel->precision), file);
    if (writer->has_reuse[kernel->kind]) {
        (void)fprintf(file, ",%" PRId64, kernel->reuse_bytes);
    }
    write_measured(file, &row->measured);
    return check_file(&writer->files[kernel->kind], err);
}

static jc_status open_networks_file(jc_dataset_writer *writer, jc_error *err) {
    const jc_status status = open_file(writer, NETWORKS_FILE, "networks.csv", err);
    if (status != JC_OK) {
        return status;
    }
    FILE *file = writer->files[NETWORKS_FILE].file;
    for (int c = 0; c < NETWORKS_COLUMN_COUNT; ++c) {
        (void)fprintf(file, "%s%s", c == 0 ? "" : ",", networks_columns[c]);
    }
    write_measured_names(file);
    return JC_OK;
}

jc_status jc_dataset_write_network(jc_dataset_writer *writer, const jc_network_row *row,
                                   jc_error *err) {
    jc_status status = check_measured(writer->folder, &row->measured, err);
    if (status == JC_OK && writer->files[NETWORKS_FILE].file == NULL) {
        status = open_networks_file(writer, err);
    }
    if (status != JC_OK) {
        return status;
    }
    FILE *file = writer->files[NETWORKS_FILE].file;
    char shape[JC_SHAPE_TEXT_SIZE] = "";
    if (row->input.rank > 0) {
        (void)jc_shape_format(&row->input, shape);
    }
    jc_csv_write_field(file, row->architecture);
    (void)fprintf(file, ",%" PRId64 ",%s,%s", row->batch_size, shape,
                  jc_precision_name(row->precision));
    write_measured(file, &row->measured);
    return check_file(&writer->files[NETWORKS_FILE], err);
}

// --- Closing --------------------------------------------------------------------------------

static void free_writer(jc_dataset_writer *writer) {
    free(writer->folder);
    free(writer);
}

jc_status jc_dataset_writer_close(jc_dataset_writer *writer, jc_error *err) {
    for (int f = 0; f < N_FILES; ++f) {
        if (writer->files[f].file != NULL) {
            const jc_status status = jc_atomic_file_finish(&writer->files[f], err);
            if (status != JC_OK) {
                jc_dataset_writer_abandon(writer);
                return status;
            }
        }
    }
    for (int f = 0; f < N_FILES; ++f) {
        if (writer->files[f].path != NULL) {
            const jc_status status = jc_atomic_file_commit(&writer->files[f], err);
            if (status != JC_OK) {
                jc_dataset_writer_abandon(writer);
                return status;
            }
        }
    }
    free_writer(writer);
    return JC_OK;
}

void jc_dataset_writer_abandon(jc_dataset_writer *writer) {
    if (writer == NULL) {
        return;
    }
    for (int f = 0; f < N_FILES; ++f) {
        jc_atomic_file_abandon(&writer->files[f]);
    }
    if (writer->folder_is_new) {
        (void)rmdir(writer->folder); // fails where something else was put there: it stays
    }
    free_writer(writer);
}
