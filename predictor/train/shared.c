// SPDX-License-Identifier: Apache-2.0
// What sums over similar kernels keep of their kernels' errors. docs/METHOD.md, "Networks".
#include "crossval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A network has so many layers of a kind; sums over the nearest configurations stand for them, and
// last, sums over the largest number of layers of one type.
static const size_t sum_sizes[] = {4, 8, 16, 16};
enum { SIZES = sizeof sum_sizes / sizeof sum_sizes[0], OF_TYPE = SIZES - 1, LARGEST = 16 };
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

static bool has_windows(jc_kernel_kind kind) {
    return kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D ||
           kind == JC_KERNEL_MAX_POOL2D || kind == JC_KERNEL_AVG_POOL2D;
}

// Layers of a type have the same window and stride, and are all dense, grouped or depthwise.
static bool is_same_type(const jc_kernel *a, const jc_kernel *b) {
    static const int columns[] = {JC_WINDOW_KERNEL_H, JC_WINDOW_KERNEL_W, JC_WINDOW_STRIDE_H,
                                  JC_WINDOW_STRIDE_W};
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; ++c) {
        if (a->size[columns[c]] != b->size[columns[c]]) {
            return false;
        }
    }
    const int64_t groups_a = a->size[JC_WINDOW_GROUPS];
    const int64_t groups_b = b->size[JC_WINDOW_GROUPS];
    return (groups_a == 1) == (groups_b == 1) && (groups_a == a->size[JC_WINDOW_IN_CHANNELS]) ==
                                                     (groups_b == b->size[JC_WINDOW_IN_CHANNELS]);
}

// Configurations of a seed's type, those that follow it in the order of the rows and then those
// that come first: neither near it nor far.
static size_t find_of_type(const configurations *c, size_t seed, size_t found[LARGEST]) {
    size_t n = 0;
    for (size_t i = 0; i < c->n && n < LARGEST; ++i) {
        const size_t at = (seed + i) % c->n;
        if (is_same_type(c->o[at].row->kernel, c->o[seed].row->kernel)) {
            found[n++] = at;
        }
    }
    return n;
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

// Share of the sums of models' errors, the largest of all kinds of sums.
static double share_of_models(const configurations *c, bool with_types) {
    const size_t n_seeds = c->n < MOST_SEEDS ? c->n : MOST_SEEDS;
    size_t n_of_type = 0;
    for (size_t i = 0; i < n_seeds; ++i) {
        const size_t seed = i * c->n / n_seeds;
        size_t members[LARGEST];
        find_nearest(c, seed, members);
        for (size_t s = 0; s < OF_TYPE; ++s) {
            c->share[s][i] = share_of_sum(c, members, sum_sizes[s]);
        }
        if (with_types && find_of_type(c, seed, members) == LARGEST) {
            c->share[OF_TYPE][n_of_type++] = share_of_sum(c, members, LARGEST);
        }
    }
    double shared = 0;
    for (size_t s = 0; s < SIZES; ++s) {
        const size_t n = s == OF_TYPE ? n_of_type : n_seeds;
        shared = n == 0 ? shared : fmax(shared, statistics_quantile(c->share[s], n, COVERAGE));
    }
    return shared;
}

// --- The moment of a measurement ----------------------------------------------------------------

// How far one window is from the mean of all, which repetitions tell: |ln y − mean ln y|, corrected
// for the mean's own error. A network is measured in one window too, and all its layers share it.
static jc_status find_moments(const train_rows *set, const outcome *o, size_t n, double *sorted,
                              size_t *out_n) {
    double *sum = calloc(set->n_groups + 1, sizeof *sum);
    size_t *count = calloc(set->n_groups + 1, sizeof *count);
    jc_status status = sum == NULL || count == NULL ? JC_ENOMEM : JC_OK;
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        sum[o[i].row->group] += log(o[i].measured);
        count[o[i].row->group]++;
    }
    *out_n = 0;
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        const size_t g = o[i].row->group;
        const double repeated = (double)count[g];
        if (count[g] > 1) {
            sorted[(*out_n)++] =
                fabs(log(o[i].measured) - sum[g] / repeated) * sqrt(repeated / (repeated - 1));
        }
    }
    free(sum);
    free(count);
    return status;
}

// Part of the squared half-width that is the moment's.
static jc_status share_of_moment(const train_rows *set, const outcome *o, size_t n,
                                 double *out_share) {
    double *values = calloc(n + 1, sizeof *values);
    size_t n_values = 0;
    jc_status status = values == NULL ? JC_ENOMEM : find_moments(set, o, n, values, &n_values);
    *out_share = 0;
    if (status == JC_OK && n_values >= FEWEST_CONFIGURATIONS) {
        const double moment = statistics_quantile(values, n_values, COVERAGE);
        for (size_t i = 0; i < n; ++i) {
            values[i] = log(o[i].high / o[i].low) / 2;
        }
        const double half = statistics_quantile(values, n, 0.5);
        *out_share = half > moment ? pow(moment / half, 2) : 1;
    }
    free(values);
    return status;
}

jc_status crossval_shared(const train_rows *set, const outcome *held_out, size_t n,
                          double *out_shared) {
    configurations c;
    double moment = 0;
    jc_status status = create(set, held_out, n, &c);
    *out_shared = 1;
    if (status == JC_OK && c.n >= FEWEST_CONFIGURATIONS) {
        status = share_of_moment(set, held_out, n, &moment);
        *out_shared = fmin(1, share_of_models(&c, has_windows(set->kind)) + moment);
    }
    clear(&c);
    return status;
}
