// SPDX-License-Identifier: Apache-2.0
// Lawson and Hanson's active-set method. P is the passive set: indices that may be positive.
#include "nnls.h"

#include "linalg.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Gradients below this share of the largest |b| (columns scaled to 1) are rounding.
static const double GRADIENT_TOLERANCE = 1e-11;

// Added to the unit diagonal: columns that nearly depend on each other keep a solution that
// rounding does not decide.
static const double RIDGE = 1e-10;

typedef struct nnls {
    size_t n;
    const double *A;
    const double *b;
    double *scale; ///< √diagonal of A; 0 = a column of zeros
    double *x;     ///< in scaled columns
    bool *passive;
    bool *dependent; ///< left out: depends on the passive columns
    size_t *index;   ///< of the k passive columns
    double *M;       ///< scratch [n x n]
    double *z;       ///< scratch [n]
} nnls;

// Least squares over the passive columns; k of them, indices in s->index, solution in s->z.
static jc_status solve_passive(nnls *s, size_t *out_k) {
    size_t k = 0;
    for (size_t j = 0; j < s->n; ++j) {
        if (s->passive[j]) {
            s->index[k++] = j;
        }
    }
    for (size_t i = 0; i < k; ++i) {
        const size_t j = s->index[i];
        for (size_t l = 0; l < k; ++l) {
            const size_t m = s->index[l];
            s->M[i * k + l] = s->A[j * s->n + m] / (s->scale[j] * s->scale[m]);
        }
        s->M[i * k + i] += RIDGE;
        s->z[i] = s->b[j] / s->scale[j];
    }
    *out_k = k;
    return linalg_solve(k, s->M, s->z);
}

// Column with the largest gradient w = b − Ax that is not passive; n if none is above tolerance.
static size_t find_entering(const nnls *s) {
    double largest = 0;
    for (size_t j = 0; j < s->n; ++j) {
        largest = s->scale[j] > 0 ? fmax(largest, fabs(s->b[j] / s->scale[j])) : largest;
    }
    double best = GRADIENT_TOLERANCE * largest;
    size_t entering = s->n;
    for (size_t j = 0; j < s->n; ++j) {
        if (s->passive[j] || s->dependent[j] || s->scale[j] <= 0) {
            continue;
        }
        double w = s->b[j] / s->scale[j];
        for (size_t m = 0; m < s->n; ++m) {
            if (s->x[m] > 0) {
                w -= s->A[j * s->n + m] / (s->scale[j] * s->scale[m]) * s->x[m];
            }
        }
        if (w > best) {
            best = w;
            entering = j;
        }
    }
    return entering;
}

// Move x towards z until the first passive entry reaches 0, and take that entry out.
static void step_to_boundary(nnls *s, size_t k) {
    double t = 1;
    size_t blocking = s->n;
    for (size_t i = 0; i < k; ++i) {
        const double from = s->x[s->index[i]];
        if (s->z[i] <= 0 && (blocking == s->n || from / (from - s->z[i]) < t)) {
            t = from > 0 ? from / (from - s->z[i]) : 0;
            blocking = s->index[i];
        }
    }
    for (size_t i = 0; i < k; ++i) {
        const size_t j = s->index[i];
        s->x[j] += t * (s->z[i] - s->x[j]);
        if (j == blocking || s->x[j] <= 0) {
            s->x[j] = 0;
            s->passive[j] = false;
        }
    }
    // What depended on a column that left may not depend on the others.
    memset(s->dependent, 0, s->n * sizeof *s->dependent);
}

static bool all_positive(const double *z, size_t k) {
    for (size_t i = 0; i < k; ++i) {
        if (!(z[i] > 0)) {
            return false;
        }
    }
    return true;
}

// Least squares over the passive columns, giving up those that would turn negative. False if one
// cannot be solved for.
static bool settle(nnls *s) {
    for (;;) {
        size_t k = 0;
        if (solve_passive(s, &k) != JC_OK) {
            return false;
        }
        if (all_positive(s->z, k)) {
            for (size_t i = 0; i < k; ++i) {
                s->x[s->index[i]] = s->z[i];
            }
            return true;
        }
        step_to_boundary(s, k);
    }
}

static jc_status iterate(nnls *s) {
    if (!settle(s)) { // a start whose columns depend on each other: begin with none
        memset(s->x, 0, s->n * sizeof *s->x);
        memset(s->passive, 0, s->n * sizeof *s->passive);
    }
    for (size_t exchange = 0; exchange < 10 * s->n + 10; ++exchange) {
        const size_t entering = find_entering(s);
        if (entering == s->n) {
            return JC_OK;
        }
        s->passive[entering] = true;
        if (!settle(s)) {
            s->passive[entering] = false;
            s->dependent[entering] = true;
        }
        // Its gradient was positive by rounding alone: it would enter and leave for ever.
        s->dependent[entering] |= !s->passive[entering];
    }
    return JC_ENOTCONV;
}

jc_status nnls_solve(size_t n, const double *A, const double *b, double *out_x) {
    memset(out_x, 0, n * sizeof *out_x);
    return nnls_solve_from(n, A, b, out_x);
}

jc_status nnls_solve_from(size_t n, const double *A, const double *b, double *x) {
    nnls s = {.n = n, .A = A, .b = b};
    s.scale = calloc(n + 1, sizeof *s.scale);
    s.x = calloc(n + 1, sizeof *s.x);
    s.passive = calloc(n + 1, sizeof *s.passive);
    s.dependent = calloc(n + 1, sizeof *s.dependent);
    s.index = calloc(n + 1, sizeof *s.index);
    s.M = calloc(n * n + 1, sizeof *s.M);
    s.z = calloc(n + 1, sizeof *s.z);
    jc_status status = JC_ENOMEM;
    if (s.scale != NULL && s.x != NULL && s.passive != NULL && s.dependent != NULL &&
        s.index != NULL && s.M != NULL && s.z != NULL) {
        for (size_t j = 0; j < n; ++j) {
            s.scale[j] = sqrt(A[j * n + j]);
            s.passive[j] = s.scale[j] > 0 && x[j] > 0;
            s.x[j] = s.passive[j] ? x[j] * s.scale[j] : 0;
        }
        status = iterate(&s);
    }
    for (size_t j = 0; j < n && status == JC_OK; ++j) {
        x[j] = s.x[j] > 0 ? s.x[j] / s.scale[j] : 0;
    }
    free(s.scale);
    free(s.x);
    free(s.passive);
    free(s.dependent);
    free(s.index);
    free(s.M);
    free(s.z);
    return status;
}
