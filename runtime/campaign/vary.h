// SPDX-License-Identifier: Apache-2.0
/** @file Kernels like those of networks: sizes varied, and beside the thresholds of libraries. */
#ifndef JC_CAMPAIGN_VARY_H
#define JC_CAMPAIGN_VARY_H

#include "sobol.h"

#include <joulecast/kernel.h>

/** What the coordinates of a point decide. */
enum {
    POINT_FAMILY,
    POINT_PATTERN,
    POINT_FACTOR, ///< and the two after it
    POINT_BATCH = POINT_FACTOR + 3,
    POINT_ROUNDING,
    POINT_VARIANT,
    POINT_PRECISION,
    POINT_PICTURE,
};

/**
 * Vary the sizes of a kernel: 0.4 to 1.6 times channels and features (nn-Meter's range), planes and
 * elements more, at times another window; some pictures become grey.
 *
 * @return false if the sizes do not fit together.
 */
bool vary_sizes(jc_kernel *kernel, const double point[SOBOL_DIMENSIONS]);

/**
 * Move a kernel to a threshold, or to one beside it: channels about multiples of vector widths,
 * groups, 1x1 windows, small and large planes; for other kinds sizes about powers of 2.
 *
 * @return false if the sizes do not fit together.
 */
bool vary_to_boundary(jc_kernel *kernel, const double point[SOBOL_DIMENSIONS]);

/** A pattern for a kind that no network at hand has. @param conv  a convolution to derive it from.
 */
jc_kernel vary_pattern(jc_kernel_kind kind, const jc_kernel *conv);

#endif
