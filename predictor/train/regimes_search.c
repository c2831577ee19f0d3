// SPDX-License-Identifier: Apache-2.0
// Non-negative lasso over terms with regimes, and its relaxed refit.
#include "regimes_search.h"

#include "lasso.h"
#include "linalg.h"
#include "nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 1024 };
static const double LAMBDA_RATIO = 1e-4;
// As in relaxed.c: columns that depend on each other share their coefficient.
static const double RIDGE = 1e-6;

// Candidates whose cosine exceeds this are one: rows cannot tell them apart.
static const double SAME_TERM = 0.9997;

double *regimes_refit(const regimes_search *s, int fit, size_t l) {
    return s->refits + ((size_t)fit * REGIMES_LAMBDAS + l) * s->k;
}

// f/y of all terms for one row.
static void fill_columns(const regimes_search *s, size_t i, double *z) {
    const double *q = s->rows->q + i * JC_QUANTITY_COUNT;
    for (size_t j = 0; j < s->k; ++j) {
        z[j] = model_backbone_value(&s->terms[j], q, q) / s->rows->y[i];
    }
}

static void find_scale(regimes_search *s, double *z) {
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

static jc_status add_block(regimes_search *s, size_t n, const double *Z, double *G,
                           double *out_sum) {
    const size_t order = s->k + 1;
    const jc_status status = linalg_gram(n, order, Z, G);
    if (status == JC_OK) {
        linalg_axpy(order * order, 1, G, out_sum);
    }
    return status;
}

static jc_status find_moments(regimes_search *s, double *Z, double *G) {
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
static void drop_repeated(regimes_search *s) {
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
static void make_problem(regimes_search *s, int without) {
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
static jc_status refit(regimes_search *s, const double *lasso, double *out_c) {
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
jc_status regimes_path(regimes_search *s, int fit) {
    make_problem(s, fit - 1);
    if (s->n_lambdas == 0) {
        double largest = 0;
        for (size_t j = 0; j < s->k; ++j) {
            largest = fmax(largest, s->p.xy[j]);
        }
        lasso_lambdas(largest, LAMBDA_RATIO, REGIMES_LAMBDAS, s->lambdas);
        s->n_lambdas = REGIMES_LAMBDAS;
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
            memcpy(regimes_refit(s, fit, l), regimes_refit(s, fit, l - 1), s->k * sizeof *s->path);
        } else {
            status = refit(s, s->path + l * s->k, regimes_refit(s, fit, l));
        }
    }
    return status;
}

// Σ w(1 − Σ c·z)² over a fold: a quadratic form in its moments.
double regimes_fold_error(const regimes_search *s, int fold, const double *c) {
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

double regimes_predict(const regimes_search *s, int fit, size_t l, const double *q) {
    const double *c = regimes_refit(s, fit, l);
    double sum = 0;
    for (size_t j = 0; j < s->k; ++j) {
        if (c[j] > 0) {
            sum += c[j] / s->scale[j] * model_backbone_value(&s->terms[j], q, q);
        }
    }
    return sum;
}

jc_status regimes_keep(const regimes_search *s, size_t best, jc_arena *arena, model *out_model) {
    model_term *kept = jc_arena_alloc(arena, s->options->max_terms + 1, sizeof *kept);
    if (kept == NULL) {
        return JC_ENOMEM;
    }
    const double *c = regimes_refit(s, 0, best);
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

size_t regimes_best(const regimes_search *s) {
    size_t best = s->n_lambdas > 1 ? 1 : 0; // at λ_max there is no term
    for (size_t l = best; l < s->n_lambdas; ++l) {
        best = s->error[l] < s->error[best] ? l : best;
    }
    return best;
}

void regimes_clear(regimes_search *s) {
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

static jc_status search_alloc(regimes_search *s) {
    const size_t square = (s->k + 1) * (s->k + 1);
    const size_t folds = (size_t)s->options->n_folds;
    const size_t most = s->k + 1; // a path ends at max_terms, but its last step may go beyond
    s->scale = calloc(s->k + 1, sizeof(double));
    s->folds = calloc(folds * square, sizeof(double));
    s->total = calloc(square, sizeof(double));
    s->p.n_cols = s->k;
    s->p.gram = calloc(square, sizeof(double));
    s->p.xy = calloc(s->k + 1, sizeof(double));
    s->path = calloc(REGIMES_LAMBDAS * most, sizeof(double));
    s->refits = calloc((folds + 1) * REGIMES_LAMBDAS * most, sizeof(double));
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
jc_status regimes_prepare(regimes_search *s) {
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
