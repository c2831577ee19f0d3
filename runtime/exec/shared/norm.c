// SPDX-License-Identifier: Apache-2.0
#include "norm.h"

#include <math.h>

void norm_fold(tensor_fold fold, const float *learned, size_t channels, double eps, size_t n,
               float *values) {
    const size_t each = n / channels;
    for (size_t c = 0; c < channels; ++c) {
        const float factor = learned[2 * channels + c] / sqrtf(learned[channels + c] + (float)eps);
        for (size_t i = 0; i < each; ++i) {
            float *value = &values[c * each + i];
            *value = fold == FOLD_WEIGHTS
                         ? *value * factor
                         : (*value - learned[c]) * factor + learned[3 * channels + c];
        }
    }
}
