// SPDX-License-Identifier: Apache-2.0
// Weighted second moments by fold, and the standardised problems that follow from them.
#include "moments.h"

#include "linalg.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// A column whose variance is less than this share of its mean square is constant but for rounding.
static const double CONSTANT_SHARE = 1e-13;

static double weight_of(const regression *data, size_t row) {
    return data->weights == NULL ? 1.0 : data->weights[row];
}

static bool all_finite(const regression *data) {
    for (size_t i = 0; i < data->n_rows; ++i) {
        if (!isfinite(data->y[i]) || !(weight_of(data, i) > 0) || !isfinite(weight_of(data, i))) {
            return false;
        }
    }
    for (size_t i = 0; i < data->n_rows * data->n_cols; ++i) {
        if (!isfinite(data->X[i])) {
            return false;
        }
    }
    return true;
}

// Mean and spread of each column, unweighted: any values near them serve.
static void find_shift(const regression *data, moments *m) {
    const size_t p = data->n_cols;
    const double n = (double)data->n_rows;
    for (size_t i = 0; i < data->n_rows; ++i) {
        linalg_axpy(p, 1 / n, data->X + i * p, m->shift);
        m->y_shift += data->y[i] / n;
    }
    for (size_t i = 0; i < data->n_rows; ++i) {
        const double *x = data->X + i * p;
        for (size_t j = 0; j < p; ++j) {
            const double d = x[j] - m->shift[j];
            m->scale[j] += d * d / n;
        }
    }
    for (size_t j = 0; j < p; ++j) {
        const double mean_square = m->scale[j] + m->shift[j] * m->shift[j];
        m->scale[j] = m->scale[j] > CONSTANT_SHARE * mean_square ? sqrt(m->scale[j]) : 1.0;
    }
}

// √w·(1, x, y) of the rows of one fold, one below the other.
static size_t pack_fold(const regression *data, const moments *m, int fold, double *Z) {
    size_t n = 0;
    for (size_t i = 0; i < data->n_rows; ++i) {
        if (data->fold[i] != fold) {
            continue;
        }
        double *z = Z + n++ * m->order;
        const double *x = data->X + i * m->n_cols;
        const double root = sqrt(weight_of(data, i));
        z[0] = root;
        for (size_t j = 0; j < m->n_cols; ++j) {
            z[1 + j] = root * ((x[j] - m->shift[j]) / m->scale[j]);
        }
        z[m->order - 1] = root * (data->y[i] - m->y_shift);
    }
    return n;
}

static size_t largest_fold(const regression *data) {
    size_t largest = 0;
    for (int f = 0; f < data->n_folds; ++f) {
        size_t n = 0;
        for (size_t i = 0; i < data->n_rows; ++i) {
            n += data->fold[i] == f;
        }
        largest = n > largest ? n : largest;
    }
    return largest;
}

static jc_status fill(const regression *data, moments *m) {
    const size_t square = m->order * m->order;
    double *Z = calloc(largest_fold(data) * m->order, sizeof *Z);
    if (Z == NULL) {
        return JC_ENOMEM;
    }
    jc_status status = JC_OK;
    for (int f = 0; f < m->n_folds && status == JC_OK; ++f) {
        double *G = m->folds + (size_t)f * square;
        const size_t n = pack_fold(data, m, f, Z);
        status = linalg_gram(n, m->order, Z, G);
        linalg_axpy(square, 1.0, G, m->total);
    }
    free(Z);
    return status;
}

jc_status moments_create(const regression *data, moments *out_moments) {
    if (data->n_rows == 0 || data->n_folds < 1 || !all_finite(data)) {
        return JC_EINVAL;
    }
    moments m = {.n_cols = data->n_cols, .order = data->n_cols + 2, .n_folds = data->n_folds};
    const size_t square = m.order * m.order;
    m.shift = calloc(m.order, sizeof *m.shift);
    m.scale = calloc(m.order, sizeof *m.scale);
    m.total = calloc(square, sizeof *m.total);
    m.folds = calloc((size_t)m.n_folds * square, sizeof *m.folds);
    jc_status status = JC_ENOMEM;
    if (m.shift != NULL && m.scale != NULL && m.total != NULL && m.folds != NULL) {
        find_shift(data, &m);
        status = fill(data, &m);
    }
    if (status != JC_OK) {
        moments_clear(&m);
        return status;
    }
    *out_moments = m;
    return JC_OK;
}

void moments_clear(moments *m) {
    free(m->shift);
    free(m->scale);
    free(m->total);
    free(m->folds);
    *m = (moments){0};
}

// One entry of the moments in use: the total, or the total less a fold.
static double entry(const moments *m, int without, size_t i, size_t j) {
    const size_t at = i * m->order + j;
    const double all = m->total[at];
    return without < 0 ? all : all - m->folds[(size_t)without * m->order * m->order + at];
}

static void standardise(const moments *m, int without, problem *p) {
    const size_t y = m->order - 1;
    const double w = entry(m, without, 0, 0);
    p->y_mean = entry(m, without, 0, y) / w;
    p->yy = entry(m, without, y, y) / w - p->y_mean * p->y_mean;
    p->yy = p->yy < 0 ? 0 : p->yy;
    for (size_t j = 0; j < p->n_cols; ++j) {
        p->mean[j] = entry(m, without, 0, 1 + j) / w;
        const double square = entry(m, without, 1 + j, 1 + j) / w;
        const double variance = square - p->mean[j] * p->mean[j];
        // Columns were scaled to spread 1, so that rounding leaves about 1e-15 of a constant one.
        p->scale[j] = variance > 1e-12 ? sqrt(variance) : 0;
    }
    for (size_t j = 0; j < p->n_cols; ++j) {
        double *row = p->gram + j * p->n_cols;
        if (p->scale[j] <= 0) {
            continue;
        }
        for (size_t k = 0; k < p->n_cols; ++k) {
            if (p->scale[k] > 0) {
                const double cov = entry(m, without, 1 + j, 1 + k) / w - p->mean[j] * p->mean[k];
                row[k] = cov / (p->scale[j] * p->scale[k]);
            }
        }
        const double cov = entry(m, without, 1 + j, y) / w - p->mean[j] * p->y_mean;
        p->xy[j] = cov / p->scale[j];
    }
}

jc_status problem_create(const moments *m, int without, problem *out_problem) {
    const size_t n = m->n_cols;
    problem p = {.n_cols = n};
    p.gram = calloc(n * n + 1, sizeof *p.gram);
    p.xy = calloc(n + 1, sizeof *p.xy);
    p.mean = calloc(n + 1, sizeof *p.mean);
    p.scale = calloc(n + 1, sizeof *p.scale);
    if (p.gram == NULL || p.xy == NULL || p.mean == NULL || p.scale == NULL) {
        problem_clear(&p);
        return JC_ENOMEM;
    }
    if (!(entry(m, without, 0, 0) > 0)) {
        problem_clear(&p);
        return JC_EINVAL;
    }
    standardise(m, without, &p);
    *out_problem = p;
    return JC_OK;
}

void problem_clear(problem *p) {
    free(p->gram);
    free(p->xy);
    free(p->mean);
    free(p->scale);
    *p = (problem){0};
}

double problem_fold_error(const problem *p, const moments *m, int fold, const double *beta,
                          double *out_weight) {
    // Residual e = y − y_mean − Σ b_j (x_j − mean_j) = vᵀz with v = (v0, −b, 1).
    const double *M = m->folds + (size_t)fold * m->order * m->order;
    double v0 = -p->y_mean;
    for (size_t j = 0; j < p->n_cols; ++j) {
        v0 += beta[j] == 0 ? 0 : beta[j] / p->scale[j] * p->mean[j];
    }
    double sum = 0;
    for (size_t i = 0; i < m->order; ++i) {
        const bool is_column = i > 0 && i + 1 < m->order;
        if (is_column && beta[i - 1] == 0) {
            continue;
        }
        const double vi = is_column ? -beta[i - 1] / p->scale[i - 1] : i == 0 ? v0 : 1.0;
        const double *row = M + i * m->order;
        double product = v0 * row[0] + row[m->order - 1];
        for (size_t j = 0; j < p->n_cols; ++j) {
            product -= beta[j] == 0 ? 0 : beta[j] / p->scale[j] * row[1 + j];
        }
        sum += vi * product;
    }
    *out_weight = M[0];
    return M[0] > 0 ? sum / M[0] : 0;
}

void problem_unstandardise(const problem *p, const moments *m, const double *beta,
                           double *out_coefficients, double *out_intercept) {
    double intercept = p->y_mean + m->y_shift;
    for (size_t j = 0; j < p->n_cols; ++j) {
        if (beta[j] == 0) {
            out_coefficients[j] = 0;
            continue;
        }
        const double b = beta[j] / p->scale[j];
        out_coefficients[j] = b / m->scale[j];
        intercept -= b * p->mean[j] + out_coefficients[j] * m->shift[j];
    }
    *out_intercept = intercept;
}
