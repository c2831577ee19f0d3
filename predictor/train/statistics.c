// SPDX-License-Identifier: Apache-2.0
// Medians, conformal spreads, and error measures.
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

// Share of outcomes outside an interval.
static const double MISCOVERAGE = 0.1;
// A bin needs enough residuals for its 5 % quantile to be one of them, and not the extreme one.
enum { ROWS_PER_BIN = 80, MOST_BINS = 10 };

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double statistics_median(double *values, size_t n) {
    if (n == 0) {
        return (double)NAN;
    }
    qsort(values, n, sizeof *values, compare_doubles);
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

double statistics_deviation(const double *values, size_t n, double middle) {
    double *distances = malloc((n + 1) * sizeof *distances);
    if (distances == NULL) {
        return (double)INFINITY;
    }
    for (size_t i = 0; i < n; ++i) {
        distances[i] = fabs(values[i] - middle);
    }
    const double median = statistics_median(distances, n);
    free(distances);
    return 1.4826 * median;
}

double statistics_quantile(double *values, size_t n, double q) {
    if (n == 0) {
        return (double)NAN;
    }
    qsort(values, n, sizeof *values, compare_doubles);
    const double rank = ceil(q * (double)n);
    const size_t at = rank < 1 ? 0 : (size_t)rank - 1;
    return values[at < n ? at : n - 1];
}

typedef struct residual {
    double size; ///< log of the prediction
    double value;
} residual;

static int compare_residuals(const void *a, const void *b) {
    const residual *x = a;
    const residual *y = b;
    if (x->size != y->size) {
        return x->size < y->size ? -1 : 1;
    }
    return (x->value > y->value) - (x->value < y->value);
}

// Order statistics ⌊(n+1)·α/2⌋ and ⌈(n+1)·(1 − α/2)⌉ of n residuals; the extremes where n is small.
static void fill_bin(const residual *r, size_t n, double *values, size_t b, model_spread *s) {
    double size = 0;
    for (size_t i = 0; i < n; ++i) {
        values[i] = r[i].value;
        size += r[i].size / (double)n;
    }
    qsort(values, n, sizeof *values, compare_doubles);
    const double low = floor((double)(n + 1) * MISCOVERAGE / 2);
    const double high = ceil((double)(n + 1) * (1 - MISCOVERAGE / 2));
    s->at[b] = size;
    // The prediction itself is always inside, however one-sided the errors of its size are.
    s->low[b] = fmin(0, values[low < 1 ? 0 : (size_t)low - 1]);
    s->high[b] = fmax(0, values[high > (double)n ? n - 1 : (size_t)high - 1]);
}

// What an interval would have to be multiplied by to reach a residual.
static double find_score(const model_spread *s, const residual *r) {
    double low = 0;
    double high = 0;
    model_spread_at(s, exp(r->size), &low, &high);
    const double end = r->value < 0 ? low : high;
    return end != 0 ? r->value / end : r->value == 0 ? 0 : (double)INFINITY;
}

// Interpolation between bins covers more residuals than its ends do, or fewer: one factor for all
// sizes makes the share right. Lei et al. 2018, sec. 5.2, with the interval in place of a
// deviation.
static void calibrate(const residual *r, size_t n, double *scores, model_spread *s) {
    for (size_t i = 0; i < n; ++i) {
        scores[i] = find_score(s, &r[i]);
    }
    qsort(scores, n, sizeof *scores, compare_doubles);
    const double rank = ceil((double)(n + 1) * (1 - MISCOVERAGE));
    const double factor = scores[rank > (double)n ? n - 1 : (size_t)rank - 1];
    for (size_t b = 0; b < s->n_bins && isfinite(factor) && factor > 0; ++b) {
        s->low[b] *= factor;
        s->high[b] *= factor;
    }
}

static jc_status spread_in_bins(const outcome *outcomes, size_t n, size_t n_bins,
                                model_spread *out_spread) {
    if (n == 0) {
        return JC_EINVAL;
    }
    residual *r = malloc(n * sizeof *r);
    double *values = malloc(n * sizeof *values);
    if (r == NULL || values == NULL) {
        free(r);
        free(values);
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < n; ++i) {
        r[i] = (residual){log(outcomes[i].predicted),
                          log(outcomes[i].measured / outcomes[i].predicted)};
    }
    qsort(r, n, sizeof *r, compare_residuals);
    model_spread s = {0};
    for (size_t b = 0; b < n_bins; ++b) {
        const size_t from = b * n / n_bins;
        const size_t to = (b + 1) * n / n_bins;
        fill_bin(r + from, to - from, values, s.n_bins, &s);
        // Predictions that are all the same (a constant model) make one bin.
        if (s.n_bins == 0 || s.at[s.n_bins] > s.at[s.n_bins - 1]) {
            s.n_bins++;
        }
    }
    if (n_bins > 1) {
        calibrate(r, n, values, &s);
    }
    free(r);
    free(values);
    *out_spread = s;
    return JC_OK;
}

jc_status statistics_spread(const outcome *outcomes, size_t n, model_spread *out_spread) {
    const size_t n_bins = n / ROWS_PER_BIN;
    return spread_in_bins(outcomes, n,
                          n_bins < 1           ? 1
                          : n_bins > MOST_BINS ? MOST_BINS
                                               : n_bins,
                          out_spread);
}

jc_status statistics_spread_pooled(const outcome *outcomes, size_t n, model_spread *out_spread) {
    return spread_in_bins(outcomes, n, 1, out_spread);
}

double statistics_squares(const double *measured, const double *predicted, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
        sum += pow(predicted[i] / measured[i] - 1, 2);
    }
    return sum;
}

jc_status statistics_errors(const outcome *outcomes, size_t n, jc_errors *out_errors) {
    double *relative = malloc((n + 1) * sizeof *relative);
    if (relative == NULL) {
        return JC_ENOMEM;
    }
    jc_errors e = {.rows = n};
    double predicted = 0;
    double measured = 0;
    for (size_t i = 0; i < n; ++i) {
        const outcome *o = &outcomes[i];
        relative[i] = fabs(o->predicted - o->measured) / o->measured;
        e.rmspe += relative[i] * relative[i];
        e.mape += relative[i];
        e.within_10 += relative[i] <= 0.1;
        e.within_20 += relative[i] <= 0.2;
        e.coverage_90 += o->measured >= o->low && o->measured <= o->high;
        predicted += o->predicted;
        measured += o->measured;
    }
    const double count = (double)n;
    e.rmspe = sqrt(e.rmspe / count);
    e.mape /= count;
    e.mdape = statistics_median(relative, n);
    e.within_10 /= count;
    e.within_20 /= count;
    e.coverage_90 /= count;
    e.bias = predicted / measured - 1;
    free(relative);
    *out_errors = e;
    return JC_OK;
}
