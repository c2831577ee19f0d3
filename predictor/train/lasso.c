// SPDX-License-Identifier: Apache-2.0
// Lasso by cyclic coordinate descent on the Gram matrix. Symbols: G = XᵀWX/n, c = XᵀWy/n,
// r = c − Gβ (the negative gradient of the squared error), S = the strong set.
#include "lasso.h"

#include "linalg.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// A support solved for directly costs k³/6: worth it once this many sweeps have not sufficed.
enum { SWEEPS_BEFORE_DIRECT = 6 };
// For λ = 0 there is no dual point to compare with: the gradient must vanish, relative to √(yᵀy/n).
static const double LEAST_SQUARES_GRADIENT = 1e-11;
// A primal value below this share of ½yᵀy/n is rounding, and so is a gap relative to it.
static const double PRIMAL_FLOOR = 1e-12;

typedef struct solver {
    const problem *p;
    double lambda;
    bool non_negative;
    double *beta;
    double *r;
    size_t *strong; ///< indices of S
    size_t n_strong;
    bool *is_strong;
    size_t *support; ///< scratch for direct solves
    double *A;       ///< scratch [n_cols x n_cols]
    double *b;       ///< scratch [n_cols]
} solver;

lasso_options lasso_options_default(void) {
    return (lasso_options){.tolerance = 1e-5, .max_sweeps = 100000, .max_terms = SIZE_MAX};
}

double lasso_lambda_max(const problem *p) {
    double largest = 0;
    for (size_t j = 0; j < p->n_cols; ++j) {
        largest = fmax(largest, fabs(p->xy[j]));
    }
    return largest;
}

void lasso_lambdas(double lambda_max, double ratio, size_t n, double *out_lambdas) {
    for (size_t i = 0; i < n; ++i) {
        out_lambdas[i] = lambda_max * pow(ratio, n == 1 ? 0 : (double)i / (double)(n - 1));
    }
}

static void compute_gradient(const problem *p, const double *beta, double *r) {
    memcpy(r, p->xy, p->n_cols * sizeof *r);
    for (size_t j = 0; j < p->n_cols; ++j) {
        if (beta[j] != 0) {
            linalg_axpy(p->n_cols, -beta[j], p->gram + j * p->n_cols, r);
        }
    }
}

// (P − D)/P. With residual e = y − Xβ: P = ½‖e‖²/n + λ‖β‖₁; the dual point s·e/n is feasible for
// s = min(1, λ/max|r|) (max r where β ≥ 0), D = s·yᵀe/n − ½s²‖e‖²/n, and yᵀe/n = ‖e‖²/n + rᵀβ.
// Written as P − D = ½(1 − s)²‖e‖²/n + Σ(λ|β_j| − s·r_j·β_j) it is a sum of terms ≥ 0: nothing
// cancels.
static double relative_gap(const problem *p, double lambda, const double *beta, const double *r,
                           bool non_negative) {
    double largest = lambda;
    double norm = 0;
    for (size_t j = 0; j < p->n_cols; ++j) {
        norm += fabs(beta[j]);
        largest = fmax(largest, non_negative ? r[j] : fabs(r[j]));
    }
    const double s = lambda / largest;
    double gap = 0;
    for (size_t j = 0; j < p->n_cols; ++j) {
        gap += lambda * fabs(beta[j]) - s * r[j] * beta[j];
    }
    const double ye = p->yy - linalg_dot(p->n_cols, p->xy, beta);
    const double ee = fmax(0, ye - linalg_dot(p->n_cols, r, beta));
    gap += 0.5 * (1 - s) * (1 - s) * ee;
    const double primal = 0.5 * ee + lambda * norm;
    return gap / fmax(primal, PRIMAL_FLOOR * 0.5 * p->yy);
}

double lasso_gap(const problem *p, double lambda, const double *beta) {
    double *r = malloc((p->n_cols + 1) * sizeof *r);
    if (r == NULL) {
        return (double)NAN;
    }
    compute_gradient(p, beta, r);
    const double gap = relative_gap(p, lambda, beta, r, false);
    free(r);
    return gap;
}

// S(z, γ) = sign(z)·max(|z| − γ, 0); Friedman et al. 2010, Eq. (6).
static double soft_threshold(double z, double gamma) {
    return z > gamma ? z - gamma : z < -gamma ? z + gamma : 0;
}

// One cycle over the strong set; true if the support changed.
static bool sweep(solver *s) {
    const problem *p = s->p;
    bool changed = false;
    for (size_t i = 0; i < s->n_strong; ++i) {
        const size_t j = s->strong[i];
        const double *row = p->gram + j * p->n_cols;
        if (row[j] <= 0) {
            continue;
        }
        const double old = s->beta[j];
        const double z = s->r[j] + row[j] * old;
        const double now = s->non_negative ? fmax(z - s->lambda, 0) / row[j]
                                           : soft_threshold(z, s->lambda) / row[j];
        if (now != old) {
            changed |= (now == 0) != (old == 0);
            s->beta[j] = now;
            linalg_axpy(p->n_cols, old - now, row, s->r);
        }
    }
    return changed;
}

// Longest step t ≤ 1 from beta towards b along which no coefficient changes its sign; where one
// would, it is set to 0 there.
static void step_towards(solver *s, size_t k) {
    double t = 1;
    size_t blocking = SIZE_MAX;
    for (size_t i = 0; i < k; ++i) {
        const double from = s->beta[s->support[i]];
        if (from * s->b[i] <= 0 && from / (from - s->b[i]) < t) {
            t = from / (from - s->b[i]);
            blocking = s->support[i];
        }
    }
    for (size_t i = 0; i < k; ++i) {
        double *beta = &s->beta[s->support[i]];
        *beta = s->support[i] == blocking ? 0 : t == 1 ? s->b[i] : *beta + t * (s->b[i] - *beta);
    }
}

// With support and signs known the solution is linear: G_AA·β_A = c_A − λ·sign(β_A). A matrix that
// has no factors (columns that depend on each other) leaves beta as it is.
static void solve_support(solver *s, lasso_report *report) {
    const problem *p = s->p;
    size_t k = 0;
    for (size_t j = 0; j < p->n_cols; ++j) {
        if (s->beta[j] != 0) {
            s->support[k++] = j;
        }
    }
    for (size_t i = 0; i < k; ++i) {
        const size_t j = s->support[i];
        for (size_t l = 0; l < k; ++l) {
            s->A[i * k + l] = p->gram[j * p->n_cols + s->support[l]];
        }
        s->b[i] = p->xy[j] - copysign(s->lambda, s->beta[j]);
    }
    if (linalg_solve(k, s->A, s->b) != JC_OK) {
        return;
    }
    report->direct_solves++;
    step_towards(s, k);
    compute_gradient(p, s->beta, s->r);
}

// How strongly the squared error asks for column j: |r_j|, or r_j where only β_j ≥ 0 is allowed.
static double pull(const solver *s, size_t j) {
    return s->non_negative ? s->r[j] : fabs(s->r[j]);
}

// Sequential strong rule: leave out column j while |r_j| < 2λ − λ_before; Tibshirani et al. Eq.
// (7).
static void screen(solver *s, double lambda_before) {
    s->n_strong = 0;
    for (size_t j = 0; j < s->p->n_cols; ++j) {
        s->is_strong[j] = s->beta[j] != 0 || pull(s, j) >= 2 * s->lambda - lambda_before;
        if (s->is_strong[j]) {
            s->strong[s->n_strong++] = j;
        }
    }
}

// The rule can err: take in what violates the optimality conditions.
static void add_violators(solver *s) {
    for (size_t j = 0; j < s->p->n_cols; ++j) {
        if (!s->is_strong[j] && pull(s, j) > s->lambda) {
            s->is_strong[j] = true;
            s->strong[s->n_strong++] = j;
        }
    }
}

static bool converged(const solver *s, const lasso_options *options, double *out_gap) {
    if (s->lambda > 0) {
        *out_gap = relative_gap(s->p, s->lambda, s->beta, s->r, s->non_negative);
        return *out_gap <= options->tolerance;
    }
    *out_gap = 0;
    double largest = 0;
    for (size_t j = 0; j < s->p->n_cols; ++j) {
        largest = fmax(largest, s->beta[j] != 0 ? fabs(s->r[j]) : pull(s, j));
    }
    return largest <= LEAST_SQUARES_GRADIENT * sqrt(s->p->yy);
}

static jc_status solve(solver *s, const lasso_options *options, lasso_report *report) {
    size_t settled = 0; // sweeps since the support last changed
    for (size_t n = 0; n < options->max_sweeps; ++n) {
        settled = sweep(s) ? 0 : settled + 1;
        report->sweeps++;
        double gap = 0;
        if (converged(s, options, &gap)) {
            report->worst_gap = fmax(report->worst_gap, gap);
            return JC_OK;
        }
        add_violators(s);
        if (n + 1 >= SWEEPS_BEFORE_DIRECT && settled >= 1) {
            solve_support(s, report);
            settled = 0;
            if (converged(s, options, &gap)) {
                report->worst_gap = fmax(report->worst_gap, gap);
                return JC_OK;
            }
        }
    }
    return JC_ENOTCONV;
}

static size_t count_terms(const double *beta, size_t n) {
    size_t count = 0;
    for (size_t j = 0; j < n; ++j) {
        count += beta[j] != 0;
    }
    return count;
}

static jc_status follow_path(solver *s, size_t n_lambdas, const double *lambdas,
                             const lasso_options *options, double *out_beta, size_t *out_n_done,
                             lasso_report *report) {
    const size_t n = s->p->n_cols;
    compute_gradient(s->p, s->beta, s->r);
    double before = fmax(lasso_lambda_max(s->p), n_lambdas > 0 ? lambdas[0] : 0);
    size_t done = 0;
    for (; done < n_lambdas; ++done) {
        s->lambda = lambdas[done];
        screen(s, before);
        const jc_status status = solve(s, options, report);
        if (status != JC_OK) {
            return status;
        }
        if (count_terms(s->beta, n) > options->max_terms) {
            break;
        }
        memcpy(out_beta + done * n, s->beta, n * sizeof *s->beta);
        before = s->lambda;
    }
    *out_n_done = done;
    return JC_OK;
}

jc_status lasso_path(const problem *p, size_t n_lambdas, const double *lambdas,
                     const lasso_options *options, double *out_beta, size_t *out_n_done,
                     lasso_report *report) {
    const lasso_options defaults = lasso_options_default();
    lasso_report ignored = {0};
    const size_t n = p->n_cols + 1; // malloc(0) may be NULL
    solver s = {.p = p};
    s.beta = calloc(n, sizeof *s.beta);
    s.r = calloc(n, sizeof *s.r);
    s.strong = calloc(n, sizeof *s.strong);
    s.is_strong = calloc(n, sizeof *s.is_strong);
    s.support = calloc(n, sizeof *s.support);
    s.A = malloc(n * n * sizeof *s.A);
    s.b = calloc(n, sizeof *s.b);
    jc_status status = JC_ENOMEM;
    if (s.beta != NULL && s.r != NULL && s.strong != NULL && s.is_strong != NULL &&
        s.support != NULL && s.A != NULL && s.b != NULL) {
        s.non_negative = options != NULL && options->non_negative;
        status = follow_path(&s, n_lambdas, lambdas, options == NULL ? &defaults : options,
                             out_beta, out_n_done, report == NULL ? &ignored : report);
    }
    free(s.beta);
    free(s.r);
    free(s.strong);
    free(s.is_strong);
    free(s.support);
    free(s.A);
    free(s.b);
    return status;
}
