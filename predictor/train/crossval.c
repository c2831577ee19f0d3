// SPDX-License-Identifier: Apache-2.0
// The outer level of cross-validation.
#include "crossval.h"

#include <math.h>
#include <stdlib.h>

jc_status crossval_check(const jc_train_options *o, jc_error *err) {
    if (o->n_folds < 2 || o->n_folds > 100) {
        return jc_error_set(err, JC_EINVAL, NULL, 0, "folds must be 2 to 100, not %d", o->n_folds);
    }
    if (o->n_lambdas < 2 || o->max_terms < 1 || !(o->tolerance > 0) || o->seed > INT64_MAX) {
        return jc_error_set(err, JC_EINVAL, NULL, 0,
                            "a path needs 2 values of lambda at least, a model 1 term, a tolerance "
                            "above 0 and a seed below 2^63");
    }
    return JC_OK;
}

uint64_t crossval_seed(const jc_train_options *options, int without) {
    return options->seed + 1 + (uint64_t)without;
}

jc_status crossval_fold(const fit_request *request, const int *fold, int held_out, outcomes *o,
                        size_t out_terms[JC_TARGET_COUNT]) {
    const train_rows *set = request->set;
    jc_arena scratch = {0};
    kernel_model k;
    const jc_status status = fit_kernel(request, &scratch, &k);
    if (status == JC_OK) {
        out_terms[JC_TARGET_RUNTIME] = k.runtime.n_backbone + k.runtime.n_terms;
        out_terms[JC_TARGET_POWER] = k.power.n_backbone + k.power.n_terms;
        out_terms[JC_TARGET_ENERGY] = out_terms[JC_TARGET_RUNTIME] + out_terms[JC_TARGET_POWER];
    }
    for (size_t i = 0; i < set->n_rows && status == JC_OK; ++i) {
        if (fold[i] == held_out) {
            outcomes_add(o, &k, &set->rows[i]);
        }
    }
    jc_arena_clear(&scratch);
    return status;
}

// Fit on the rows whose fold is not `without`; predict the others.
static jc_status try_fold(const train_rows *set, const jc_train_options *options, const int *fold,
                          int without, outcomes *o) {
    size_t *index = calloc(set->n_rows + 1, sizeof *index);
    if (index == NULL) {
        return JC_ENOMEM;
    }
    fit_request request = {
        .set = set, .index = index, .options = options, .seed = crossval_seed(options, without)};
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (fold[i] != without) {
            index[request.n++] = i;
        }
    }
    size_t terms[JC_TARGET_COUNT];
    const jc_status status = crossval_fold(&request, fold, without, o, terms);
    free(index);
    return status;
}

jc_status crossval_deal(const train_rows *set, const jc_train_options *options, int *out_fold,
                        int *out_n_folds) {
    const int n_folds =
        (size_t)options->n_folds < set->n_groups ? options->n_folds : (int)set->n_groups;
    size_t *all = calloc(set->n_rows + 1, sizeof *all);
    if (all == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < set->n_rows; ++i) {
        all[i] = i;
    }
    const jc_status status =
        train_rows_deal(set, all, set->n_rows, n_folds, options->seed, out_fold);
    free(all);
    *out_n_folds = n_folds;
    return status;
}

static jc_status summarise(const outcomes *h, kernel_model *k) {
    model_spread *const spreads[JC_TARGET_COUNT] = {&k->runtime.spread, &k->power.spread,
                                                    &k->energy_spread};
    jc_errors *const errors[JC_TARGET_COUNT] = {&k->runtime.held_out, &k->power.held_out,
                                                &k->energy_held_out};
    k->energy_held_out.terms = k->runtime.held_out.terms + k->power.held_out.terms;
    jc_status status = JC_OK;
    for (int t = 0; t < JC_TARGET_COUNT && status == JC_OK; ++t) {
        if (h->n[t] == 0) {
            continue;
        }
        const size_t terms = errors[t]->terms;
        status = statistics_errors(h->by[t], h->n[t], errors[t]);
        errors[t]->terms = terms;
        if (status == JC_OK) {
            status = statistics_spread(h->by[t], h->n[t], spreads[t]);
        }
    }
    return status;
}

static void report_held_out(const train_rows *set, const jc_train_options *options, const int *fold,
                            const outcomes *h) {
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        for (size_t i = 0; i < h->n[t]; ++i) {
            const outcome *o = &h->by[t][i];
            const jc_held_out told = {.row = o->row->number,
                                      .fold = fold[o->row - set->rows],
                                      .target = (jc_target)t,
                                      .measured = o->measured,
                                      .predicted = o->predicted,
                                      .low = o->low,
                                      .high = o->high};
            options->held_out(options->held_out_context, &told);
        }
    }
}

jc_status crossval_kernel(const train_rows *set, const jc_train_options *options, kernel_model *k) {
    k->runtime_shared = 1;
    k->energy_shared = 1;
    if (set->n_groups < CROSSVAL_FEWEST) {
        return JC_OK;
    }
    outcomes h;
    int n_folds = 0;
    int *fold = calloc(set->n_rows + 1, sizeof *fold);
    jc_status status = outcomes_create(set->n_rows, &h);
    if (fold == NULL) {
        status = JC_ENOMEM;
    }
    if (status == JC_OK) {
        status = crossval_deal(set, options, fold, &n_folds);
    }
    for (int f = 0; f < n_folds && status == JC_OK; ++f) {
        status = try_fold(set, options, fold, f, &h);
        if (options->progress != NULL) {
            // The fit to all rows and those of crossval_widening are two more, about.
            options->progress(options->progress_context, (f + 1.0) / (n_folds + 2.0));
        }
    }
    if (status == JC_OK) {
        status = summarise(&h, k);
    }
    if (status == JC_OK) {
        status = crossval_shared(set, h.by[JC_TARGET_RUNTIME], h.n[JC_TARGET_RUNTIME],
                                 &k->runtime_shared);
    }
    if (status == JC_OK) {
        status =
            crossval_shared(set, h.by[JC_TARGET_ENERGY], h.n[JC_TARGET_ENERGY], &k->energy_shared);
    }
    if (status == JC_OK && options->held_out != NULL) {
        report_held_out(set, options, fold, &h);
    }
    free(fold);
    outcomes_clear(&h);
    return status;
}

// --- Outside the range -----------------------------------------------------------------------

// Intervals grow at least this fast, whatever the rows say: e^0.1 for a size e times too large.
static const double SMALLEST_WIDENING = 0.1;
// Share of the rows, by size, that is left out at either end.
static const double END_SHARE = 0.25;
// Nearer ones say nothing about growth.
static const double NEAREST_DISTANCE = 0.1;
enum { FEWEST_FOR_WIDENING = 60 };

static double size_of(const jc_kernel *kernel) {
    double q[JC_QUANTITY_COUNT];
    jc_quantity_compute(kernel, q);
    return fmax(q[JC_QUANTITY_MACS], q[JC_QUANTITY_MOVED_BYTES]);
}

// 0: the middle; 1: the small end; 2: the large end.
static jc_status find_ends(const train_rows *set, int *out_end) {
    double *sizes = malloc((set->n_rows + 1) * sizeof *sizes);
    if (sizes == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < set->n_rows; ++i) {
        sizes[i] = size_of(set->rows[i].kernel);
    }
    const double small = statistics_quantile(sizes, set->n_rows, END_SHARE);
    const double large = statistics_quantile(sizes, set->n_rows, 1 - END_SHARE);
    free(sizes);
    for (size_t i = 0; i < set->n_rows; ++i) {
        const double size = size_of(set->rows[i].kernel);
        out_end[i] = size < small ? 1 : size > large ? 2 : 0;
    }
    return JC_OK;
}

// What an interval lacks, per unit of distance, for each row of one end.
static jc_status try_end(const train_rows *set, const jc_train_options *options, const int *end,
                         int without, double *growth, size_t *n) {
    jc_arena scratch = {0};
    size_t *index = calloc(set->n_rows + 1, sizeof *index);
    if (index == NULL) {
        return JC_ENOMEM;
    }
    fit_request request = {.set = set, .index = index, .options = options, .seed = options->seed};
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (end[i] != without) {
            index[request.n++] = i;
        }
    }
    kernel_model k;
    const jc_status status = fit_kernel(&request, &scratch, &k);
    for (size_t i = 0; i < set->n_rows && status == JC_OK; ++i) {
        model_point point;
        double low = 0;
        double high = 0;
        model_point_init(&k, set->rows[i].kernel, &point);
        if (end[i] != without || point.distance < NEAREST_DISTANCE) {
            continue;
        }
        const double predicted = model_predict(&k.runtime, &point);
        const double residual = log(set->rows[i].runtime_s / predicted);
        model_spread_at(&k.runtime.spread, predicted, &low, &high);
        growth[(*n)++] = fmax(0, fmax(residual - high, low - residual)) / point.distance;
    }
    free(index);
    jc_arena_clear(&scratch);
    return status;
}

jc_status crossval_widening(const train_rows *set, const jc_train_options *options,
                            kernel_model *k) {
    k->widening = SMALLEST_WIDENING;
    if (set->n_groups < FEWEST_FOR_WIDENING) {
        k->widening = 1; // too few to tell: e for a size e times too large
        return JC_OK;
    }
    int *end = calloc(set->n_rows + 1, sizeof *end);
    double *growth = calloc(set->n_rows + 1, sizeof *growth);
    size_t n = 0;
    jc_status status = JC_ENOMEM;
    if (end != NULL && growth != NULL) {
        status = find_ends(set, end);
    }
    for (int e = 1; e <= 2 && status == JC_OK; ++e) {
        const jc_status tried = try_end(set, options, end, e, growth, &n);
        status = tried == JC_ERANGE ? JC_OK : tried; // an end may be all there is
    }
    if (status == JC_OK && n > 0) {
        k->widening = fmax(SMALLEST_WIDENING, statistics_quantile(growth, n, 0.9));
    }
    free(end);
    free(growth);
    return status;
}
