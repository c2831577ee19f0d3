// SPDX-License-Identifier: Apache-2.0
// Reading a dataset folder.
#include "columns.h"
#include "device.h"

#include "common/csv/csv.h"
#include "common/number.h"
#include "common/suggest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** What a column of a row file holds. */
typedef enum cell_kind {
    CELL_SIZE,
    CELL_PRECISION,
    CELL_REUSE,
    CELL_MEASURED,
    CELL_NETWORK
} cell_kind;

typedef struct cell {
    cell_kind kind;
    int index; ///< of the kernel's size, the measured column, or the column of networks.csv
} cell;

/** A row file while it is read. */
typedef struct row_file {
    jc_csv *csv;
    jc_kernel_kind kind; ///< JC_KERNEL_NONE = networks.csv
    cell *cells;         ///< [columns of the CSV]
    jc_error *err;
} row_file;

static jc_status report_cell(const row_file *f, size_t column, const char *expected) {
    return jc_error_set(f->err, JC_EPARSE, jc_csv_name(f->csv), jc_csv_line(f->csv),
                        "%.40s is '%.60s', which %s", jc_csv_column(f->csv, column),
                        jc_csv_field(f->csv, column), expected);
}

// --- Columns --------------------------------------------------------------------------------

static int find_name(const char *const *names, int n, const char *name) {
    int i = n - 1;
    while (i >= 0 && strcmp(names[i], name) != 0) {
        --i;
    }
    return i;
}

static jc_status report_unknown_column(const row_file *f, const char *name,
                                       const char *const *names, int n) {
    jc_suggestion suggestion = {.wanted = name};
    for (int i = 0; i < n; ++i) {
        jc_suggestion_offer(&suggestion, names[i]);
    }
    for (int i = 0; i < N_MEASURED_COLUMNS; ++i) {
        jc_suggestion_offer(&suggestion, measured_name(i));
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(f->err, JC_EPARSE, jc_csv_name(f->csv), 1,
                        "rows of %s have no column '%.60s'%s",
                        f->kind == JC_KERNEL_NONE ? "networks" : jc_kernel_name(f->kind), name,
                        jc_suggestion_format(&suggestion, close));
}

static jc_status bind_columns(row_file *f) {
    const bool is_network = f->kind == JC_KERNEL_NONE;
    int n_names = NETWORKS_COLUMN_COUNT;
    const char *const *names = is_network ? networks_columns : jc_kernel_columns(f->kind, &n_names);
    bool has_precision = false;
    for (size_t c = 0; c < jc_csv_n_columns(f->csv); ++c) {
        const char *name = jc_csv_column(f->csv, c);
        size_t only = 0;
        const jc_status status = jc_csv_find(f->csv, name, &only, f->err);
        if (status != JC_OK) {
            return status; // two columns of that name
        }
        const int own = find_name(names, n_names, name);
        const int measured = measured_find(name);
        if (strcmp(name, "precision") == 0) {
            f->cells[c] = (cell){.kind = CELL_PRECISION};
            has_precision = true;
        } else if (strcmp(name, "reuse_bytes") == 0 && !is_network) {
            f->cells[c] = (cell){.kind = CELL_REUSE};
        } else if (own >= 0) {
            f->cells[c] = (cell){is_network ? CELL_NETWORK : CELL_SIZE, own};
        } else if (measured >= 0) {
            f->cells[c] = (cell){CELL_MEASURED, measured};
        } else {
            return report_unknown_column(f, name, names, n_names);
        }
    }
    if (!has_precision) {
        return jc_error_set(f->err, JC_EPARSE, jc_csv_name(f->csv), 1,
                            "the column 'precision' is missing (f32, tf32, f16, bf16, int8)");
    }
    return JC_OK;
}

// --- Cells ----------------------------------------------------------------------------------

// Empty is 0, unknown: jc_kernel_complete fills it in or says that it is missing.
static jc_status read_size(const row_file *f, size_t column, int64_t *out_size) {
    const char *text = jc_csv_field(f->csv, column);
    int64_t size = 0;
    if (text[0] != '\0' && (!jc_parse_int64(text, &size) || size < 0)) {
        return report_cell(f, column, "must be a whole number");
    }
    *out_size = size;
    return JC_OK;
}

static jc_status read_precision(const row_file *f, size_t column, jc_precision *out_precision) {
    const jc_precision precision = jc_precision_find(jc_csv_field(f->csv, column));
    if (precision == JC_PRECISION_COUNT) {
        return report_cell(f, column, "must be f32, tf32, f16, bf16 or int8");
    }
    *out_precision = precision;
    return JC_OK;
}

static jc_status read_measured(const row_file *f, size_t column, jc_measurement *measured) {
    const int which = f->cells[column].index;
    const char *text = jc_csv_field(f->csv, column);
    if (measured_is_text(which)) {
        size_t size = 0;
        if (measured_check_text(which, text) != NULL) {
            return report_cell(f, column, measured_check_text(which, text));
        }
        (void)strcpy(measured_text(measured, which, &size), text);
        return JC_OK;
    }
    double value = (double)NAN;
    if (text[0] != '\0' && !jc_parse_double(text, &value)) {
        return report_cell(f, column, "must be a number, or empty where it is unknown");
    }
    const char *expected = measured_check(which, value);
    if (expected != NULL) {
        return report_cell(f, column, expected);
    }
    measured_set(measured, which, value);
    return JC_OK;
}

static jc_status read_row(const row_file *f, jc_row *row) {
    for (size_t c = 0; c < jc_csv_n_columns(f->csv); ++c) {
        jc_status status = JC_OK;
        switch (f->cells[c].kind) {
        case CELL_SIZE:
            status = read_size(f, c, &row->kernel.size[f->cells[c].index]);
            break;
        case CELL_PRECISION:
            status = read_precision(f, c, &row->kernel.precision);
            break;
        case CELL_REUSE:
            status = read_size(f, c, &row->kernel.reuse_bytes);
            break;
        case CELL_MEASURED:
        case CELL_NETWORK: // never in a kernel's file
            status = read_measured(f, c, &row->measured);
            break;
        }
        if (status != JC_OK) {
            return status;
        }
    }
    jc_error reason = {.status = JC_OK};
    const jc_status status = jc_kernel_complete(&row->kernel, &reason);
    if (status != JC_OK) {
        return jc_error_set(f->err, status, jc_csv_name(f->csv), jc_csv_line(f->csv), "%s",
                            reason.message);
    }
    return JC_OK;
}

// --- Networks -------------------------------------------------------------------------------

// "3x224x224"; empty leaves rank 0.
static bool parse_shape(const char *text, jc_shape *out_shape) {
    jc_shape shape = {.rank = 0};
    while (*text != '\0') {
        char size[24];
        const size_t n = strcspn(text, "x");
        if (n >= sizeof size || shape.rank == JC_MAX_RANK) {
            return false;
        }
        memcpy(size, text, n);
        size[n] = '\0';
        int64_t *dim = &shape.dim[shape.rank++];
        if (!jc_parse_int64(size, dim) || *dim < 1) {
            return false;
        }
        text += n;
        if (*text == 'x' && *++text == '\0') {
            return false;
        }
    }
    if (jc_shape_elements(&shape) > JC_MAX_ELEMENTS) {
        return false;
    }
    *out_shape = shape;
    return true;
}

static jc_status read_network_cell(const row_file *f, size_t column, jc_network_row *row) {
    const char *text = jc_csv_field(f->csv, column);
    switch (f->cells[column].index) {
    case NETWORKS_ARCHITECTURE:
        if (text[0] == '\0' || strlen(text) >= sizeof row->architecture) {
            return report_cell(f, column, "must be a name of 1 to 63 characters");
        }
        strcpy(row->architecture, text);
        return JC_OK;
    case NETWORKS_BATCH_SIZE:
        return read_size(f, column, &row->batch_size);
    default:
        return parse_shape(text, &row->input)
                   ? JC_OK
                   : report_cell(f, column, "must be sizes such as 3x224x224, or empty");
    }
}

static jc_status read_network(const row_file *f, jc_network_row *row) {
    for (size_t c = 0; c < jc_csv_n_columns(f->csv); ++c) {
        jc_status status = JC_OK;
        switch (f->cells[c].kind) {
        case CELL_NETWORK:
            status = read_network_cell(f, c, row);
            break;
        case CELL_PRECISION:
            status = read_precision(f, c, &row->precision);
            break;
        case CELL_MEASURED:
        case CELL_REUSE:
        case CELL_SIZE: // never in networks.csv
            status = read_measured(f, c, &row->measured);
            break;
        }
        if (status != JC_OK) {
            return status;
        }
    }
    const char *missing = row->architecture[0] == '\0' ? "architecture"
                          : row->batch_size == 0       ? "batch_size"
                                                       : NULL;
    if (missing != NULL) {
        return jc_error_set(f->err, JC_EPARSE, jc_csv_name(f->csv), jc_csv_line(f->csv),
                            "%s is missing or 0", missing);
    }
    return JC_OK;
}

// --- Files ----------------------------------------------------------------------------------

/** A dataset while it is read. */
typedef struct loader {
    const char *folder;
    jc_dataset *dataset;
    size_t row_capacity;
    size_t network_capacity;
    size_t n_files; ///< row files found
    jc_error *err;
} loader;

// Room for one more element; false if out of memory.
static bool grow(void **array, size_t n, size_t *capacity, size_t size) {
    if (n < *capacity) {
        return true;
    }
    const size_t doubled = *capacity == 0 ? 256 : 2 * *capacity;
    void *grown = doubled > SIZE_MAX / size ? NULL : realloc(*array, doubled * size);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *capacity = doubled;
    return true;
}

static jc_status take_row(loader *l, const row_file *f) {
    void *rows = l->dataset->rows;
    const bool good = grow(&rows, l->dataset->n_rows, &l->row_capacity, sizeof *l->dataset->rows);
    l->dataset->rows = rows;
    if (!good) {
        return jc_error_set(l->err, JC_ENOMEM, l->folder, 0, "out of memory");
    }
    jc_row row = {.kernel.kind = f->kind, .measured = measured_unknown()};
    const jc_status status = read_row(f, &row);
    if (status == JC_OK) {
        l->dataset->rows[l->dataset->n_rows++] = row;
    }
    return status;
}

static jc_status take_network(loader *l, const row_file *f) {
    void *networks = l->dataset->networks;
    const bool good =
        grow(&networks, l->dataset->n_networks, &l->network_capacity, sizeof *l->dataset->networks);
    l->dataset->networks = networks;
    if (!good) {
        return jc_error_set(l->err, JC_ENOMEM, l->folder, 0, "out of memory");
    }
    jc_network_row row = {.measured = measured_unknown()};
    const jc_status status = read_network(f, &row);
    if (status == JC_OK) {
        l->dataset->networks[l->dataset->n_networks++] = row;
    }
    return status;
}

static jc_status load_rows(loader *l, row_file *f) {
    f->cells = calloc(jc_csv_n_columns(f->csv), sizeof *f->cells);
    if (f->cells == NULL) {
        return jc_error_set(l->err, JC_ENOMEM, l->folder, 0, "out of memory");
    }
    jc_status status = bind_columns(f);
    bool more = status == JC_OK;
    while (more) {
        status = jc_csv_next(f->csv, &more, l->err);
        if (status == JC_OK && more) {
            status = f->kind == JC_KERNEL_NONE ? take_network(l, f) : take_row(l, f);
        }
        more = more && status == JC_OK;
    }
    free(f->cells);
    return status;
}

static char *join_path(const loader *l, const char *name, const char *suffix) {
    const size_t size = strlen(l->folder) + strlen(name) + strlen(suffix) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s%s", l->folder, name, suffix);
    }
    return path;
}

static jc_status load_row_file(loader *l, jc_kernel_kind kind) {
    char *path = join_path(l, kind == JC_KERNEL_NONE ? "networks" : jc_kernel_name(kind), ".csv");
    if (path == NULL) {
        return jc_error_set(l->err, JC_ENOMEM, l->folder, 0, "out of memory");
    }
    row_file f = {.kind = kind, .err = l->err};
    jc_error reason = {.status = JC_OK};
    jc_status status = jc_csv_open(path, ',', &f.csv, &reason);
    free(path);
    if (status == JC_ENOENT) {
        return JC_OK;
    }
    if (status != JC_OK) {
        if (l->err != NULL) {
            *l->err = reason;
        }
        return status;
    }
    ++l->n_files;
    status = load_rows(l, &f);
    jc_csv_close(f.csv);
    return status;
}

// The folder's own name, which is the device's where no device.yaml says otherwise.
static void name_after_folder(const char *folder, jc_device *device) {
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') {
        --end;
    }
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/') {
        --begin;
    }
    (void)snprintf(device->name, sizeof device->name, "%.*s", (int)(end - begin), folder + begin);
}

static jc_status load_device(loader *l) {
    char *path = join_path(l, "device", ".yaml");
    if (path == NULL) {
        return jc_error_set(l->err, JC_ENOMEM, l->folder, 0, "out of memory");
    }
    jc_error reason = {.status = JC_OK};
    jc_device device = device_unknown();
    jc_status status = device_load(path, &device, &reason);
    free(path);
    if (status == JC_ENOENT) {
        status = JC_OK;
    } else if (status != JC_OK && l->err != NULL) {
        *l->err = reason;
    }
    if (device.name[0] == '\0') {
        name_after_folder(l->folder, &device);
    }
    l->dataset->device = device;
    return status;
}

jc_status jc_dataset_load(const char *folder, jc_dataset **out_dataset, jc_error *err) {
    loader l = {.folder = folder, .dataset = calloc(1, sizeof(jc_dataset)), .err = err};
    if (l.dataset == NULL) {
        return jc_error_set(err, JC_ENOMEM, folder, 0, "out of memory");
    }
    jc_status status = load_device(&l);
    for (int kind = 0; kind <= JC_KERNEL_NONE && status == JC_OK; ++kind) {
        status = load_row_file(&l, (jc_kernel_kind)kind);
    }
    if (status == JC_OK && l.n_files == 0) {
        status = jc_error_set(err, JC_ENOENT, folder, 0,
                              "no folder with rows: neither networks.csv nor a file named after a "
                              "kernel, such as conv2d.csv");
    }
    if (status != JC_OK) {
        jc_dataset_free(l.dataset);
        return status;
    }
    *out_dataset = l.dataset;
    return JC_OK;
}

void jc_dataset_free(jc_dataset *dataset) {
    if (dataset != NULL) {
        free(dataset->rows);
        free(dataset->networks);
        free(dataset);
    }
}
