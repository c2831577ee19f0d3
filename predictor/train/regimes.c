// SPDX-License-Identifier: Apache-2.0
// Non-negative lasso over terms with regimes, and its relaxed refit.
#include "regimes.h"

#include "lasso.h"
#include "linalg.h"
#include "nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAMBDAS = 40, BLOCK_ROWS = 1024 };
static const double LAMBDA_RATIO = 1e-4;
// As in relaxed.c: columns that depend on each other share their coefficient.
static const double RIDGE = 1e-6;

// Candidates whose cosine exceeds this are one: rows cannot tell them apart.
static const double SAME_TERM = 0.9997;

typedef struct search {
    const backbone_rows *rows;
    const regimes_options *options;
    model_term *terms;
    size_t k;
    double *scale;  ///< [k] root mean square of f/y
    double *folds;  ///< [n_folds x (k + 1)²]: Σ w·zzᵀ, z = (f/y/scale, 1)
    double *total;  ///< their sum
    problem p;      ///< of the fit at hand
    double *path;   ///< [LAMBDAS x k]
    double *refits; ///< [(1 + n_folds) x LAMBDAS x k]: all rows, then without each fold
    double lambdas[LAMBDAS];
    double error[LAMBDAS];
    size_t n_lambdas; ///< solved for all rows; 0 at first
    double *A;        ///< scratch for refits, [max_terms²]
    double *b;        ///< scratch, [max_terms]
    double *x;        ///< scratch, [max_terms]
    size_t *support;
} search;

static double *refit_at(const search *s, int fit, size_t l) {
    return s->refits + ((size_t)fit * LAMBDAS + l) * s->k;
}

// f/y of all terms for one row.
static void fill_columns(const search *s, size_t i, double *z) {
    for (size_t j = 0; j < s->k; ++j) {
        z[j] =
            model_backbone_value(&s->terms[j], s->rows->q + i * JC_QUANTITY_COUNT) / s->rows->y[i];
    }
}

static void find_scale(search *s, double *z) {
    double weight = 0;
    for (size_t i = 0; i < s->rows->n; ++i) {
        fill_columns(s, i, z);
        weight += s->rows->weights[i];
        for (size_t j = 0; j < s->k; ++j) {
            s->scale[j] += s->rows->weights[i] * z[j] * z[j];
        }
    }
    for (size_t j = 0; j < s->k; ++j) {
        s->scale[j] = s->scale[j] > 0 ? sqrt(s->scale[j] / weight) : 1;
    }
}

static jc_status add_block(search *s, size_t n, const double *Z, double *G, double *out_sum) {
    const size_t order = s->k + 1;
    const jc_status status = linalg_gram(n, order, Z, G);
    if (status == JC_OK) {
        linalg_axpy(order * order, 1, G, out_sum);
    }
    return status;
}

static jc_status find_moments(search *s, double *Z, double *G) {
    const size_t order = s->k + 1;
    jc_status status = JC_OK;
    for (int f = 0; f < s->options->n_folds && status == JC_OK; ++f) {
        double *sum = s->folds + (size_t)f * order * order;
        size_t n = 0;
        for (size_t i = 0; i < s->rows->n && status == JC_OK; ++i) {
            if (s->options->fold[i] != f) {
                continue;
            }
            double *z = Z + n++ * order;
            const double root = sqrt(s->rows->weights[i]);
            fill_columns(s, i, z);
            for (size_t j = 0; j < s->k; ++j) {
                z[j] *= root / s->scale[j];
            }
            z[s->k] = root;
            if (n == BLOCK_ROWS) {
                status = add_block(s, n, Z, G, sum);
                n = 0;
            }
        }
        if (n > 0 && status == JC_OK) {
            status = add_block(s, n, Z, G, sum);
        }
        linalg_axpy(order * order, 1, sum, s->total);
    }
    return status;
}

// Rows and columns `kept` (and the last) of a matrix of order k + 1, moved together in place.
static void compact(const double *from, size_t order, const size_t *kept, size_t n, double *to) {
    for (size_t i = 0; i <= n; ++i) {
        const size_t row = i == n ? order - 1 : kept[i];
        for (size_t j = 0; j <= n; ++j) {
            to[i * (n + 1) + j] = from[row * order + (j == n ? order - 1 : kept[j])];
        }
    }
}

// Leave out candidates that repeat an earlier one on these rows.
static void drop_repeated(search *s) {
    const size_t order = s->k + 1;
    size_t n = 0;
    for (size_t j = 0; j < s->k; ++j) {
        const double *row = s->total + j * order;
        bool repeats = !(row[j] > 0);
        for (size_t i = 0; i < n && !repeats; ++i) {
            const double other = s->total[s->support[i] * order + s->support[i]];
            repeats = row[s->support[i]] > SAME_TERM * sqrt(row[j] * other);
        }
        if (!repeats) {
            s->support[n++] = j;
        }
    }
    // Entries move towards the front only, in the order in which they are read.
    compact(s->total, order, s->support, n, s->total);
    for (int f = 0; f < s->options->n_folds; ++f) {
        compact(s->folds + (size_t)f * order * order, order, s->support, n,
                s->folds + (size_t)f * (n + 1) * (n + 1));
    }
    for (size_t j = 0; j < n; ++j) {
        s->terms[j] = s->terms[s->support[j]];
        s->scale[j] = s->scale[s->support[j]];
    }
    s->k = n;
    s->p.n_cols = n;
}

// Problem of all rows but a fold (−1: of all): no centring, for the model has no intercept.
static void make_problem(search *s, int without) {
    const size_t order = s->k + 1;
    const double *fold = without < 0 ? NULL : s->folds + (size_t)without * order * order;
    const double weight =
        s->total[order * order - 1] - (fold == NULL ? 0 : fold[order * order - 1]);
    for (size_t i = 0; i < s->k; ++i) {
        const double *total = s->total + i * order;
        const double *part = fold == NULL ? NULL : fold + i * order;
        for (size_t j = 0; j < s->k; ++j) {
            s->p.gram[i * s->k + j] = (total[j] - (part == NULL ? 0 : part[j])) / weight;
        }
        s->p.xy[i] = (total[s->k] - (part == NULL ? 0 : part[s->k])) / weight;
        s->p.gram[i * s->k + i] += RIDGE;
    }
    s->p.yy = 1;
}

// Non-negative least squares on the support of a lasso solution.
static jc_status refit(search *s, const double *lasso, double *out_c) {
    size_t n = 0;
    for (size_t j = 0; j < s->k; ++j) {
        out_c[j] = 0;
        if (lasso[j] > 0) {
            s->support[n++] = j;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < n; ++j) {
            s->A[i * n + j] = s->p.gram[s->support[i] * s->k + s->support[j]];
        }
        s->b[i] = s->p.xy[s->support[i]];
        s->x[i] = lasso[s->support[i]];
    }
    const jc_status status = nnls_solve_from(n, s->A, s->b, s->x);
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        out_c[s->support[i]] = s->x[i];
    }
    return status;
}

// Path and refits of one fit (0: all rows; f + 1: without fold f).
static jc_status fit_one(search *s, int fit) {
    make_problem(s, fit - 1);
    if (s->n_lambdas == 0) {
        double largest = 0;
        for (size_t j = 0; j < s->k; ++j) {
            largest = fmax(largest, s->p.xy[j]);
        }
        lasso_lambdas(largest, LAMBDA_RATIO, LAMBDAS, s->lambdas);
        s->n_lambdas = LAMBDAS;
    }
    lasso_options options = lasso_options_default();
    options.tolerance = s->options->tolerance;
    options.max_terms = s->options->max_terms;
    options.non_negative = true;
    size_t n_done = 0;
    jc_status status =
        lasso_path(&s->p, s->n_lambdas, s->lambdas, &options, s->path, &n_done, NULL);
    if (fit == 0 && status == JC_OK) {
        s->n_lambdas = n_done;
    }
    for (size_t l = 0; l < s->n_lambdas && status == JC_OK; ++l) {
        if (l >= n_done && l > 0) { // a fold's path that ended early: its last solution stands
            memcpy(refit_at(s, fit, l), refit_at(s, fit, l - 1), s->k * sizeof *s->path);
        } else {
            status = refit(s, s->path + l * s->k, refit_at(s, fit, l));
        }
    }
    return status;
}

// Σ w(1 − Σ c·z)² over a fold: a quadratic form in its moments.
static double fold_error(const search *s, int fold, const double *c) {
    const size_t order = s->k + 1;
    const double *M = s->folds + (size_t)fold * order * order;
    double error = M[order * order - 1];
    for (size_t i = 0; i < s->k; ++i) {
        if (c[i] > 0) {
            error += c[i] * (linalg_dot(s->k, c, M + i * order) - 2 * M[i * order + s->k]);
        }
    }
    return error;
}

static double predict(const search *s, int fit, size_t l, const double *q) {
    const double *c = refit_at(s, fit, l);
    double sum = 0;
    for (size_t j = 0; j < s->k; ++j) {
        if (c[j] > 0) {
            sum += c[j] / s->scale[j] * model_backbone_value(&s->terms[j], q);
        }
    }
    return sum;
}

static void predict_out_of_fold(const search *s, size_t best, double *out_of_fold) {
    for (size_t i = 0; i < s->rows->n; ++i) {
        out_of_fold[i] =
            predict(s, s->options->fold[i] + 1, best, s->rows->q + i * JC_QUANTITY_COUNT);
    }
}

static jc_status keep(const search *s, size_t best, jc_arena *arena, model *out_model) {
    model_term *kept = jc_arena_alloc(arena, s->options->max_terms + 1, sizeof *kept);
    if (kept == NULL) {
        return JC_ENOMEM;
    }
    const double *c = refit_at(s, 0, best);
    size_t n = 0;
    for (size_t j = 0; j < s->k; ++j) {
        if (c[j] > 0) {
            kept[n] = s->terms[j];
            kept[n++].coefficient = c[j] / s->scale[j];
        }
    }
    out_model->backbone = kept;
    out_model->n_backbone = n;
    return JC_OK;
}

static size_t find_best(const search *s) {
    size_t best = s->n_lambdas > 1 ? 1 : 0; // at λ_max there is no term
    for (size_t l = best; l < s->n_lambdas; ++l) {
        best = s->error[l] < s->error[best] ? l : best;
    }
    return best;
}

static jc_status run(search *s, jc_arena *arena, model *out_model, double *out_of_fold) {
    jc_status status = JC_OK;
    for (int f = -1; f < s->options->n_folds && status == JC_OK; ++f) {
        status = fit_one(s, f + 1);
        for (size_t l = 0; l < s->n_lambdas && f >= 0 && status == JC_OK; ++l) {
            s->error[l] += fold_error(s, f, refit_at(s, f + 1, l));
        }
    }
    if (status != JC_OK) {
        return status;
    }
    const size_t best = find_best(s);
    predict_out_of_fold(s, best, out_of_fold);
    return keep(s, best, arena, out_model);
}

static void search_clear(search *s) {
    free(s->scale);
    free(s->folds);
    free(s->total);
    problem_clear(&s->p);
    free(s->path);
    free(s->refits);
    free(s->A);
    free(s->b);
    free(s->x);
    free(s->support);
}

static jc_status search_alloc(search *s) {
    const size_t square = (s->k + 1) * (s->k + 1);
    const size_t folds = (size_t)s->options->n_folds;
    const size_t most = s->k + 1; // a path ends at max_terms, but its last step may go beyond
    s->scale = calloc(s->k + 1, sizeof(double));
    s->folds = calloc(folds * square, sizeof(double));
    s->total = calloc(square, sizeof(double));
    s->p.n_cols = s->k;
    s->p.gram = calloc(square, sizeof(double));
    s->p.xy = calloc(s->k + 1, sizeof(double));
    s->path = calloc(LAMBDAS * most, sizeof(double));
    s->refits = calloc((folds + 1) * LAMBDAS * most, sizeof(double));
    s->A = calloc(square, sizeof(double));
    s->b = calloc(most, sizeof(double));
    s->x = calloc(most, sizeof(double));
    s->support = calloc(most, sizeof(size_t));
    const bool done = s->scale != NULL && s->folds != NULL && s->total != NULL &&
                      s->p.gram != NULL && s->p.xy != NULL && s->path != NULL &&
                      s->refits != NULL && s->A != NULL && s->b != NULL && s->x != NULL &&
                      s->support != NULL;
    return done ? JC_OK : JC_ENOMEM;
}

// Moments of the terms, without those that repeat others.
static jc_status prepare(search *s) {
    double *Z = calloc(BLOCK_ROWS * (s->k + 1), sizeof *Z);
    double *G = calloc((s->k + 1) * (s->k + 1), sizeof *G);
    jc_status status = search_alloc(s);
    if (status == JC_OK && (Z == NULL || G == NULL)) {
        status = JC_ENOMEM;
    }
    if (status == JC_OK) {
        find_scale(s, Z);
        status = find_moments(s, Z, G);
    }
    free(Z);
    free(G);
    if (status == JC_OK) {
        drop_repeated(s);
    }
    return status;
}

// --- Second round ------------------------------------------------------------------------------

/** Rows of a fit, all in one fold. */
typedef struct subset {
    backbone_rows rows;
    regimes_options options;
    double *q;
    double *y;
    double *weights;
    double *predicted; ///< of the first round, out of fold
    int *fold;
} subset;

static void subset_clear(subset *u) {
    free(u->q);
    free(u->y);
    free(u->weights);
    free(u->predicted);
    free(u->fold);
}

// Rows outside a fold (−1: all).
static jc_status subset_init(const search *first, const double *predicted, int without, subset *u) {
    const backbone_rows *all = first->rows;
    *u = (subset){.options = *first->options};
    u->q = malloc((all->n + 1) * JC_QUANTITY_COUNT * sizeof *u->q);
    u->y = malloc((all->n + 1) * sizeof *u->y);
    u->weights = malloc((all->n + 1) * sizeof *u->weights);
    u->predicted = malloc((all->n + 1) * sizeof *u->predicted);
    u->fold = calloc(all->n + 1, sizeof *u->fold);
    if (u->q == NULL || u->y == NULL || u->weights == NULL || u->predicted == NULL ||
        u->fold == NULL) {
        subset_clear(u);
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < all->n; ++i) {
        if (first->options->fold[i] != without) {
            memcpy(u->q + n * JC_QUANTITY_COUNT, all->q + i * JC_QUANTITY_COUNT,
                   JC_QUANTITY_COUNT * sizeof *u->q);
            u->y[n] = all->y[i];
            u->weights[n] = all->weights[i];
            u->predicted[n++] = predicted[i];
        }
    }
    u->rows = (backbone_rows){.n = n, .q = u->q, .y = u->y, .weights = u->weights};
    u->options.fold = u->fold;
    u->options.n_folds = 1;
    return JC_OK;
}

// What the first round used anywhere on its path, then the rules with the leading products.
static jc_status list_terms(const search *first, jc_kernel_kind kind, const subset *u,
                            jc_arena *scratch, model_term **out_terms, size_t *out_n) {
    rule *rules = NULL;
    model_term *ruled = NULL;
    size_t n_rules = 0;
    size_t n_ruled = 0;
    jc_status status = rules_find(&u->rows, u->predicted, scratch, &rules, &n_rules);
    if (status == JC_OK) {
        status = regimes_of_rules(kind, rules, n_rules, scratch, &ruled, &n_ruled);
    }
    if (status != JC_OK) {
        return status;
    }
    model_term *terms = jc_arena_alloc(scratch, first->k + n_ruled + 1, sizeof *terms);
    if (terms == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t j = 0; j < first->k; ++j) {
        bool used = false;
        for (size_t l = 0; l < first->n_lambdas && !used; ++l) {
            used = refit_at(first, 0, l)[j] > 0;
        }
        if (used) {
            terms[n++] = first->terms[j];
        }
    }
    memcpy(terms + n, ruled, n_ruled * sizeof *terms);
    *out_terms = terms;
    *out_n = n + n_ruled;
    return JC_OK;
}

// The path on a subset, for the second search's λ where it has them already.
static jc_status fit_subset(const search *first, jc_kernel_kind kind, const subset *u,
                            jc_arena *scratch, search *out_s) {
    search s = *out_s;
    s.rows = &u->rows;
    s.options = &u->options;
    jc_status status = list_terms(first, kind, u, scratch, &s.terms, &s.k);
    if (status == JC_OK) {
        status = prepare(&s);
        status = status == JC_OK ? fit_one(&s, 0) : status;
        if (status != JC_OK) {
            search_clear(&s);
        }
    }
    if (status == JC_OK) {
        *out_s = s;
    }
    return status;
}

// Predictions of a fold's rows for each λ, by rules and a path that had not seen them.
static jc_status predict_fold(const search *first, const search *second, const double *predicted,
                              jc_kernel_kind kind, int fold, double *out_of_fold) {
    const backbone_rows *rows = first->rows;
    subset u;
    jc_arena scratch = {0};
    jc_status status = subset_init(first, predicted, fold, &u);
    if (status != JC_OK) {
        return status;
    }
    search s = {.n_lambdas = second->n_lambdas};
    memcpy(s.lambdas, second->lambdas, sizeof s.lambdas);
    status = fit_subset(first, kind, &u, &scratch, &s);
    for (size_t l = 0; l < second->n_lambdas && status == JC_OK; ++l) {
        const size_t solved = l < s.n_lambdas ? l : s.n_lambdas - 1;
        for (size_t i = 0; i < rows->n; ++i) {
            if (first->options->fold[i] == fold) {
                out_of_fold[l * rows->n + i] =
                    predict(&s, 0, solved, rows->q + i * JC_QUANTITY_COUNT);
            }
        }
    }
    if (status == JC_OK) {
        search_clear(&s);
    }
    subset_clear(&u);
    jc_arena_clear(&scratch);
    return status;
}

static double weighted_error(const backbone_rows *rows, const double *predicted) {
    double error = 0;
    for (size_t i = 0; i < rows->n; ++i) {
        error += rows->weights[i] * pow(predicted[i] / rows->y[i] - 1, 2);
    }
    return error;
}

// The second round as a whole; the model and its predictions are replaced where it is better.
static jc_status choose_rules(const search *first, search *second, jc_kernel_kind kind,
                              jc_arena *arena, model *m, double *predicted) {
    const backbone_rows *rows = first->rows;
    double *out_of_fold = malloc((rows->n + 1) * LAMBDAS * sizeof *out_of_fold);
    jc_status status = out_of_fold == NULL ? JC_ENOMEM : JC_OK;
    for (int f = 0; f < first->options->n_folds && status == JC_OK; ++f) {
        status = predict_fold(first, second, predicted, kind, f, out_of_fold);
    }
    if (status == JC_OK) {
        for (size_t l = 0; l < second->n_lambdas; ++l) {
            second->error[l] = weighted_error(rows, out_of_fold + l * rows->n);
        }
        const size_t best = find_best(second);
        if (second->error[best] < weighted_error(rows, predicted)) {
            memcpy(predicted, out_of_fold + best * rows->n, rows->n * sizeof *predicted);
            status = keep(second, best, arena, m);
        }
    }
    free(out_of_fold);
    return status;
}

static jc_status try_rules(const search *first, jc_kernel_kind kind, jc_arena *arena, model *m,
                           double *predicted) {
    subset u;
    jc_arena scratch = {0};
    jc_status status = subset_init(first, predicted, -1, &u);
    if (status != JC_OK) {
        return status;
    }
    search second = {.n_lambdas = 0};
    status = fit_subset(first, kind, &u, &scratch, &second);
    if (status == JC_OK) {
        status = choose_rules(first, &second, kind, arena, m, predicted);
        search_clear(&second);
    }
    subset_clear(&u);
    jc_arena_clear(&scratch);
    return status;
}

jc_status regimes_fit(const backbone_rows *rows, const regimes_options *options,
                      jc_kernel_kind kind, jc_arena *arena, model *out_model, double *out_of_fold) {
    search s = {.rows = rows, .options = options};
    jc_status status = regimes_candidates(rows, kind, arena, &s.terms, &s.k);
    if (status != JC_OK) {
        return status;
    }
    status = prepare(&s);
    if (status == JC_OK) {
        status = run(&s, arena, out_model, out_of_fold);
    }
    if (status == JC_OK) {
        status = try_rules(&s, kind, arena, out_model, out_of_fold);
    }
    search_clear(&s);
    return status;
}
