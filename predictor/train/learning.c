// SPDX-License-Identifier: Apache-2.0
// Learning curves: held-out errors against the number of rows.
#include "crossval.h"
#include "linalg.h"

#include <math.h>
#include <stdlib.h>

// Points double from the first, up to this share of all rows; the last is all rows.
enum { FIRST_POINT = 50, MOST_POINTS = 40 };
static const double NEAR_ALL = 2.0 / 3;

typedef struct curve {
    const jc_train_options *options;
    const train_rows *set;
    int *fold; ///< [n_rows]
    int n_folds;
    size_t *order; ///< [n_groups]: configurations as they join the training rows
    size_t *count; ///< [n_groups]: rows of each
    bool *taken;   ///< [n_groups]
    size_t *index; ///< [n_rows]
    outcomes o;
} curve;

static void curve_clear(curve *c) {
    free(c->fold);
    free(c->order);
    free(c->count);
    free(c->taken);
    free(c->index);
    outcomes_clear(&c->o);
}

static jc_status curve_create(const train_rows *set, const jc_train_options *options, curve *c) {
    *c = (curve){.options = options, .set = set};
    c->fold = calloc(set->n_rows + 1, sizeof *c->fold);
    c->order = calloc(set->n_groups + 1, sizeof *c->order);
    c->count = calloc(set->n_groups + 1, sizeof *c->count);
    c->taken = calloc(set->n_groups + 1, sizeof *c->taken);
    c->index = calloc(set->n_rows + 1, sizeof *c->index);
    jc_status status = outcomes_create(set->n_rows, &c->o);
    if (c->fold == NULL || c->order == NULL || c->count == NULL || c->taken == NULL ||
        c->index == NULL) {
        status = JC_ENOMEM;
    }
    if (status == JC_OK) {
        status = crossval_deal(set, options, c->fold, &c->n_folds);
    }
    if (status == JC_OK) { // an order that has nothing to do with the folds: seeds are below 2^63
        status = train_rows_shuffle(set, ~options->seed, c->order);
    }
    for (size_t i = 0; i < set->n_rows && status == JC_OK; ++i) {
        c->count[set->rows[i].group]++;
    }
    return status;
}

// Rows outside a fold: whole configurations in their order, until there are enough of them.
static size_t choose_rows(curve *c, int without, size_t enough) {
    const train_rows *set = c->set;
    for (size_t g = 0; g < set->n_groups; ++g) {
        c->taken[g] = false;
    }
    for (size_t i = 0; i < set->n_rows; ++i) { // a configuration's rows share their fold
        c->taken[set->rows[i].group] = c->fold[i] == without;
    }
    size_t n = 0;
    size_t n_groups = 0;
    for (size_t i = 0; i < set->n_groups; ++i) {
        const size_t g = c->order[i];
        const bool is_out = c->taken[g];
        c->taken[g] = !is_out && (n < enough || n_groups < 2);
        n += c->taken[g] ? c->count[g] : 0;
        n_groups += c->taken[g] ? 1 : 0;
    }
    n = 0;
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (c->taken[set->rows[i].group]) {
            c->index[n++] = i;
        }
    }
    return n;
}

static jc_status add_point(curve *c, size_t enough, jc_error_table *table) {
    size_t terms[JC_TARGET_COUNT] = {0};
    size_t n_rows = 0;
    jc_status status = JC_OK;
    outcomes_reset(&c->o);
    for (int f = 0; f < c->n_folds && status == JC_OK; ++f) {
        const fit_request request = {.set = c->set,
                                     .index = c->index,
                                     .n = choose_rows(c, f, enough),
                                     .options = c->options,
                                     .seed = crossval_seed(c->options, f)};
        size_t own[JC_TARGET_COUNT] = {0};
        status = crossval_fold(&request, c->fold, f, &c->o, own);
        for (int t = 0; t < JC_TARGET_COUNT; ++t) {
            terms[t] += own[t];
        }
        n_rows += request.n;
    }
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        terms[t] /= (size_t)c->n_folds;
    }
    const size_t first = table->n_records;
    if (status == JC_OK) {
        status = error_table_add(table, c->set, &c->o, terms);
    }
    for (size_t i = first; i < table->n_records; ++i) {
        table->records[i].training_rows = n_rows / (size_t)c->n_folds;
    }
    return status;
}

static void report(const jc_train_options *options, double done, double total) {
    if (options->progress != NULL && total > 0) {
        options->progress(options->progress_context, done / total);
    }
}

/** Progress: rows of kernels that are done, of all. */
typedef struct rows_done {
    double done;
    double total;
} rows_done;

static jc_status add_curve(const train_rows *set, const jc_train_options *options,
                           const rows_done *rows, jc_error_table *table) {
    curve c;
    jc_status status = curve_create(set, options, &c);
    const double all = (double)set->n_rows * (c.n_folds - 1) / (c.n_folds > 0 ? c.n_folds : 1);
    int n_points = 1;
    while (ldexp(FIRST_POINT, n_points - 1) < NEAR_ALL * all) {
        ++n_points;
    }
    for (int p = 0; p < n_points && status == JC_OK; ++p) {
        const bool is_last = p == n_points - 1;
        status = add_point(&c, is_last ? set->n_rows : (size_t)FIRST_POINT << p, table);
        report(options, rows->done + (double)set->n_rows * (p + 1) / n_points, rows->total);
    }
    curve_clear(&c);
    return status;
}

static jc_status add_curves(const jc_dataset *dataset, const jc_train_options *options,
                            jc_error_table *table) {
    jc_arena arena = {0};
    jc_status status = JC_OK;
    rows_done rows = {.total = (double)dataset->n_rows};
    for (int kind = 0; kind < JC_KERNEL_COUNT && status == JC_OK; ++kind) {
        for (int precision = 0; precision < JC_PRECISION_COUNT && status == JC_OK; ++precision) {
            train_rows set;
            status = train_rows_collect(dataset, (jc_kernel_kind)kind, (jc_precision)precision,
                                        &arena, &set);
            if (status == JC_OK && set.n_groups >= CROSSVAL_FEWEST) {
                status = add_curve(&set, options, &rows, table);
                rows.done += (double)set.n_rows;
            }
            jc_arena_reset(&arena);
        }
    }
    jc_arena_clear(&arena);
    return status;
}

jc_status jc_learning_curve(const jc_dataset *dataset, const jc_train_options *options,
                            jc_error_table **out_table, jc_error *err) {
    const jc_train_options defaults = jc_train_options_default();
    options = options == NULL ? &defaults : options;
    jc_status status = crossval_check(options, err);
    if (status != JC_OK) {
        return status;
    }
    jc_error_table *table = NULL;
    const size_t most =
        (size_t)JC_KERNEL_COUNT * JC_PRECISION_COUNT * JC_TARGET_COUNT * MOST_POINTS;
    status = error_table_create(most, &table);
    const int n_threads = linalg_begin();
    if (status == JC_OK) {
        status = add_curves(dataset, options, table);
    }
    linalg_end(n_threads);
    if (status == JC_OK && table->n_records == 0) {
        status = jc_error_set(err, JC_ERANGE, NULL, 0,
                              "too few rows: a curve needs 3 configurations of a kernel at least");
    } else if (status != JC_OK) {
        status = jc_error_set(err, status, NULL, 0, "%s", jc_status_message(status));
    }
    if (status != JC_OK) {
        jc_error_table_free(table);
        return status;
    }
    *out_table = table;
    return JC_OK;
}
