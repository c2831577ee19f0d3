// SPDX-License-Identifier: Apache-2.0
// What rows of single kernels cannot tell: how far a whole network is from the sum of its layers.
#include <joulecast/train.h>

#include <math.h>
#include <stdlib.h>

// Smallest spread whose interval holds the measured value: squares of half-widths add up, as in
// predictor/analyze/network.c.
static double find_score(const jc_outcome *o) {
    const double off = o->measured - o->predicted;
    const double h = off > 0 ? o->high - o->predicted : o->predicted - o->low;
    const double beyond = off * off - h * h;
    if (!(beyond > 0)) {
        return 0;
    }
    const double share = sqrt(beyond) / o->predicted;
    return off > 0 ? log1p(share) : -log1p(-share);
}

static void widen(jc_outcome *o, double spread) {
    const double up = o->predicted * expm1(spread);
    const double down = -o->predicted * expm1(-spread);
    o->high = o->predicted + hypot(o->high - o->predicted, up);
    o->low = o->predicted - hypot(o->predicted - o->low, down);
}

static int compare_numbers(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

// The ceil((n + 1) · 0.9)-th smallest, or the largest where there are too few for that.
static double take_quantile(double *scores, size_t n) {
    if (n == 0) {
        return 0;
    }
    qsort(scores, n, sizeof *scores, compare_numbers);
    const size_t rank = (size_t)ceil(0.9 * (double)(n + 1));
    return scores[(rank < n ? rank : n) - 1];
}

jc_status jc_network_spread_find(jc_outcome *pairs, const size_t *group, size_t n,
                                 double *out_spread) {
    double *scores = calloc(2 * n + 1, sizeof *scores);
    if (scores == NULL) {
        return JC_ENOMEM;
    }
    double *chosen = scores + n;
    for (size_t i = 0; i < n; ++i) {
        scores[i] = find_score(&pairs[i]);
    }
    for (size_t i = 0; i < n; ++i) {
        size_t n_chosen = 0;
        for (size_t k = 0; k < n; ++k) {
            if (group[k] != group[i]) {
                chosen[n_chosen++] = scores[k];
            }
        }
        widen(&pairs[i], take_quantile(chosen, n_chosen));
    }
    *out_spread = take_quantile(scores, n);
    free(scores);
    return JC_OK;
}
