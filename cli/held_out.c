// SPDX-License-Identifier: Apache-2.0
// Held-out predictions as a table.
#include "held_out.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SIZES = JC_KERNEL_COUNT * JC_KERNEL_MAX_COLUMNS };

enum { BEFORE_KERNEL, BEFORE_PRECISION, N_BEFORE };
enum {
    AFTER_ROW,
    AFTER_FOLD,
    AFTER_TARGET,
    AFTER_MEASURED,
    AFTER_PREDICTED,
    AFTER_LOW,
    AFTER_HIGH,
    N_AFTER,
};

static const report_column before[N_BEFORE] = {
    [BEFORE_KERNEL] = {.name = "kernel", .type = REPORT_TEXT},
    [BEFORE_PRECISION] = {.name = "precision", .type = REPORT_TEXT},
};

static const report_column after[N_AFTER] = {
    [AFTER_ROW] = {.name = "row", .type = REPORT_INTEGER},
    [AFTER_FOLD] = {.name = "fold", .type = REPORT_INTEGER},
    [AFTER_TARGET] = {.name = "target", .type = REPORT_TEXT},
    [AFTER_MEASURED] = {.name = "measured", .type = REPORT_REAL},
    [AFTER_PREDICTED] = {.name = "predicted", .type = REPORT_REAL},
    [AFTER_LOW] = {.name = "low", .type = REPORT_REAL},
    [AFTER_HIGH] = {.name = "high", .type = REPORT_REAL},
};

/** The columns of a table: what comes before the sizes, the sizes, what comes after them. */
typedef struct held_out_columns {
    report_column all[N_BEFORE + MOST_SIZES + N_AFTER];
    size_t n_sizes;
    size_t n;
    size_t place[JC_KERNEL_COUNT][JC_KERNEL_MAX_COLUMNS]; ///< of a kernel's sizes among all
    size_t first_row[JC_KERNEL_COUNT];                    ///< of a kernel's rows in the dataset
} held_out_columns;

void held_out_add(void *context, const jc_held_out *held_out) {
    held_out_list *list = context;
    if (list->n == list->room) {
        const size_t room = list->room == 0 ? 1024 : 2 * list->room;
        jc_held_out *items = realloc(list->items, room * sizeof *items);
        if (items == NULL) {
            list->failed = true;
            return;
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->n++] = *held_out;
}

void held_out_clear(held_out_list *list) {
    free(list->items);
    *list = (held_out_list){0};
}

static int compare(const void *a, const void *b) {
    const jc_held_out *x = a;
    const jc_held_out *y = b;
    if (x->row != y->row) {
        return x->row < y->row ? -1 : 1;
    }
    return (x->target > y->target) - (x->target < y->target);
}

// Kernels that share the name of a size share its column.
static void add_sizes(jc_kernel_kind kind, held_out_columns *columns) {
    int n = 0;
    const char *const *names = jc_kernel_columns(kind, &n);
    for (int i = 0; i < n; ++i) {
        size_t c = N_BEFORE;
        while (c < N_BEFORE + columns->n_sizes && strcmp(columns->all[c].name, names[i]) != 0) {
            ++c;
        }
        if (c == N_BEFORE + columns->n_sizes) {
            columns->all[c] = (report_column){.name = names[i], .type = REPORT_INTEGER};
            columns->n_sizes++;
        }
        columns->place[kind][i] = c;
    }
}

static void make_columns(const held_out_list *list, const jc_dataset *dataset,
                         held_out_columns *columns) {
    bool present[JC_KERNEL_COUNT] = {false};
    *columns = (held_out_columns){0};
    for (size_t i = 0; i < list->n; ++i) {
        present[dataset->rows[list->items[i].row].kernel.kind] = true;
    }
    memcpy(columns->all, before, sizeof before);
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        if (present[kind]) {
            add_sizes((jc_kernel_kind)kind, columns);
        }
    }
    memcpy(columns->all + N_BEFORE + columns->n_sizes, after, sizeof after);
    columns->n = N_BEFORE + columns->n_sizes + N_AFTER;
    for (size_t i = dataset->n_rows; i-- > 0;) {
        columns->first_row[dataset->rows[i].kernel.kind] = i;
    }
}

static void fill_row(const jc_held_out *item, const jc_kernel *kernel,
                     const held_out_columns *columns, report_value *row) {
    row[BEFORE_KERNEL].text = jc_kernel_name(kernel->kind);
    row[BEFORE_PRECISION].text = jc_precision_name(kernel->precision);
    for (size_t c = 0; c < columns->n_sizes; ++c) {
        row[N_BEFORE + c].integer = REPORT_UNKNOWN;
    }
    int n = 0;
    (void)jc_kernel_columns(kernel->kind, &n);
    for (int i = 0; i < n; ++i) {
        row[columns->place[kernel->kind][i]].integer = kernel->size[i];
    }
    report_value *rest = row + N_BEFORE + columns->n_sizes;
    rest[AFTER_ROW].integer = (int64_t)(item->row - columns->first_row[kernel->kind] + 1);
    rest[AFTER_FOLD].integer = item->fold;
    rest[AFTER_TARGET].text = jc_target_name(item->target);
    rest[AFTER_MEASURED].real = item->measured;
    rest[AFTER_PREDICTED].real = item->predicted;
    rest[AFTER_LOW].real = item->low;
    rest[AFTER_HIGH].real = item->high;
}

cli_exit held_out_write(held_out_list *list, const jc_dataset *dataset, const char *path) {
    const jc_error no_memory = {.status = JC_ENOMEM};
    held_out_columns *columns = malloc(sizeof *columns);
    report_value *values = NULL;
    if (columns != NULL && !list->failed) {
        make_columns(list, dataset, columns);
        values = calloc(list->n + 1, columns->n * sizeof *values);
    }
    if (values == NULL) {
        free(columns);
        return cli_report_error(&no_memory);
    }
    if (list->n > 0) {
        qsort(list->items, list->n, sizeof *list->items, compare);
    }
    for (size_t i = 0; i < list->n; ++i) {
        fill_row(&list->items[i], &dataset->rows[list->items[i].row].kernel, columns,
                 values + i * columns->n);
    }
    const cli_options options = {.format = &report_csv_format, .output = path};
    const report_table table = {columns->all, columns->n, values, list->n};
    const cli_exit code = cli_print_table(&options, NULL, &table);
    free(values);
    free(columns);
    return code;
}
