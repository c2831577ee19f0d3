// SPDX-License-Identifier: Apache-2.0
/** @file Medians, spreads of residuals, and error measures. */
#ifndef JC_TRAIN_STATISTICS_H
#define JC_TRAIN_STATISTICS_H

#include "predictor/profile/model.h"

struct train_row;

/** Median; reorders the values. NaN for n = 0. */
double statistics_median(double *values, size_t n);

/** 1.4826 · median |value − middle|: the standard deviation of a normal sample, outliers or not. */
double statistics_deviation(const double *values, size_t n, double middle);

/** The q-quantile (0 to 1) by the order statistic at ⌈q·n⌉; reorders the values. */
double statistics_quantile(double *values, size_t n, double q);

/** A measured value, its prediction out of fold, and the interval that came with it. */
typedef struct outcome {
    double measured;
    double predicted;
    double low;
    double high;
    const struct train_row *row; ///< NULL where nobody asks which
} outcome;

/**
 * Quantiles of log(measured/predicted) by size of the prediction: split conformal intervals in
 * bins.
 *
 * Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, "Distribution-free predictive inference for
 * regression", JASA 113, 2018, Alg. 2, with residuals out of fold (Barber et al., "Predictive
 * inference with the jackknife+", Ann. Stat. 49, 2021); conditional on size by binning (Mondrian
 * conformal prediction, Vovk et al. 2003), interpolated between bins.
 *
 * @retval JC_EINVAL n = 0; @retval JC_ENOMEM
 */
JC_MUST_USE jc_status statistics_spread(const outcome *outcomes, size_t n,
                                        model_spread *out_spread);

/** As statistics_spread, in a single bin. */
JC_MUST_USE jc_status statistics_spread_pooled(const outcome *outcomes, size_t n,
                                               model_spread *out_spread);

/** Sum of squared relative errors. */
double statistics_squares(const double *measured, const double *predicted, size_t n);

/** Error measures; `terms` is left 0. @retval JC_ENOMEM */
JC_MUST_USE jc_status statistics_errors(const outcome *outcomes, size_t n, jc_errors *out_errors);

#endif
