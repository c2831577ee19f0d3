// SPDX-License-Identifier: Apache-2.0
// What sums over similar kernels keep of their kernels' errors. docs/METHOD.md, "Networks".
#include "crossval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A network has so many layers of a kind; sums over the nearest configurations stand for them.
static const size_t sum_sizes[] = {4, 8, 16};
enum { SIZES = sizeof sum_sizes / sizeof sum_sizes[0], LARGEST = 16 };
// With fewer configurations the nearest ones are not similar.
enum { FEWEST_CONFIGURATIONS = 60, MOST_SEEDS = 500 };
static const double COVERAGE = 0.9;

/** Configurations that have a target: their sizes, and what was measured and predicted. */
typedef struct configurations {
    size_t n;
    int n_cols;
    double *at;           ///< [n x n_cols]: ln(1 + size)
    outcome *o;           ///< [n]: means of their repetitions
    double *share[SIZES]; ///< [number of seeds]
} configurations;

static void clear(configurations *c) {
    free(c->at);
    free(c->o);
    for (size_t s = 0; s < SIZES; ++s) {
        free(c->share[s]);
    }
}

static jc_status create(const train_rows *set, const outcome *o, size_t n, configurations *c) {
    *c = (configurations){0};
    (void)jc_kernel_columns(set->kind, &c->n_cols);
    const size_t n_cols = (size_t)c->n_cols;
    size_t *count = calloc(set->n_groups + 1, sizeof *count);
    c->at = calloc(set->n_groups * n_cols + 1, sizeof *c->at);
    c->o = calloc(set->n_groups + 1, sizeof *c->o);
    bool done = count != NULL && c->at != NULL && c->o != NULL;
    for (size_t s = 0; s < SIZES; ++s) {
        c->share[s] = calloc(MOST_SEEDS, sizeof *c->share[s]);
        done = done && c->share[s] != NULL;
    }
    for (size_t i = 0; done && i < n; ++i) {
        const size_t g = o[i].row->group;
        const double measured = c->o[g].measured;
        c->o[g] = o[i]; // repetitions are predicted alike
        c->o[g].measured = measured + (o[i].measured - measured) / (double)++count[g];
    }
    for (size_t g = 0; done && g < set->n_groups; ++g) {
        if (count[g] == 0) {
            continue;
        }
        c->o[c->n] = c->o[g];
        for (size_t j = 0; j < n_cols; ++j) {
            c->at[c->n * n_cols + j] = log1p((double)c->o[g].row->kernel->size[j]);
        }
        c->n++;
    }
    free(count);
    return done ? JC_OK : JC_ENOMEM;
}

// The configurations nearest to a seed, itself first.
static void find_nearest(const configurations *c, size_t seed, size_t nearest[LARGEST]) {
    double distance[LARGEST];
    size_t n = 0;
    for (size_t i = 0; i < c->n; ++i) {
        double d = 0;
        for (int j = 0; j < c->n_cols; ++j) {
            d += pow(c->at[i * (size_t)c->n_cols + (size_t)j] -
                         c->at[seed * (size_t)c->n_cols + (size_t)j],
                     2);
        }
        if (n == LARGEST && d >= distance[LARGEST - 1]) {
            continue;
        }
        size_t place = n < LARGEST ? n++ : LARGEST - 1;
        for (; place > 0 && distance[place - 1] > d; --place) {
            distance[place] = distance[place - 1];
            nearest[place] = nearest[place - 1];
        }
        distance[place] = d;
        nearest[place] = i;
    }
}

// The share ρ with which ρ·(Σh)² + (1 − ρ)·Σh² is the squared error of a sum.
static double share_of_sum(const configurations *c, const size_t *members, size_t n) {
    double error = 0;
    for (size_t i = 0; i < n; ++i) {
        error += c->o[members[i]].measured - c->o[members[i]].predicted;
    }
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
        const outcome *o = &c->o[members[i]];
        const double h = fmax(0, error > 0 ? o->high - o->predicted : o->predicted - o->low);
        sum += h;
        squares += h * h;
    }
    const double together = sum * sum - squares;
    if (!(together > 0)) { // one member is all of it, or there is no interval on that side
        return error * error > squares ? 1 : 0;
    }
    return fmin(fmax((error * error - squares) / together, 0), 1);
}

jc_status crossval_shared(const train_rows *set, const outcome *held_out, size_t n,
                          double *out_shared) {
    configurations c;
    const jc_status status = create(set, held_out, n, &c);
    if (status != JC_OK || c.n < FEWEST_CONFIGURATIONS) {
        clear(&c);
        *out_shared = 1;
        return status;
    }
    const size_t n_seeds = c.n < MOST_SEEDS ? c.n : MOST_SEEDS;
    for (size_t i = 0; i < n_seeds; ++i) {
        size_t nearest[LARGEST];
        find_nearest(&c, i * c.n / n_seeds, nearest);
        for (size_t s = 0; s < SIZES; ++s) {
            c.share[s][i] = share_of_sum(&c, nearest, sum_sizes[s]);
        }
    }
    double shared = 0;
    for (size_t s = 0; s < SIZES; ++s) {
        shared = fmax(shared, statistics_quantile(c.share[s], n_seeds, COVERAGE));
    }
    clear(&c);
    *out_shared = shared;
    return JC_OK;
}
