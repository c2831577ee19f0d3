// SPDX-License-Identifier: Apache-2.0
// Profiles as a source of prices. They price what was measured: dense kernels, in the number
// formats that they have rows of.
#include "source.h"

#include <math.h>
#include <stdio.h>

// The precision of measured rows that a setting stands for; JC_PRECISION_COUNT if there is none.
static jc_precision precision_of(const jc_setting *setting) {
    return setting->weights == setting->activations
               ? jc_precision_find(jc_format_name(setting->weights))
               : JC_PRECISION_COUNT;
}

static bool has_rows(const jc_profile *profile, jc_precision precision) {
    for (int kind = 0; precision != JC_PRECISION_COUNT && kind < JC_KERNEL_COUNT; ++kind) {
        if (jc_profile_covers(profile, (jc_kernel_kind)kind, precision)) {
            return true;
        }
    }
    return false;
}

const char *jc_source_refuses(const jc_source *source, const jc_setting *setting, char *buffer) {
    if (source->accelerator != NULL ||
        has_rows(jc_memo_profile(source->memo), precision_of(setting))) {
        return NULL;
    }
    if (setting->weights == setting->activations) {
        (void)snprintf(buffer, JC_REFUSAL_SIZE, "no rows in %s", jc_format_name(setting->weights));
    } else {
        (void)snprintf(buffer, JC_REFUSAL_SIZE, "no rows of %s weights with %s activations",
                       jc_format_name(setting->weights), jc_format_name(setting->activations));
    }
    return buffer;
}

void source_price(const jc_source *source, const jc_kernel *kernel, const jc_setting *setting,
                  jc_layer_cost *cost) {
    if (source->accelerator != NULL) {
        accelerator_price(source->accelerator, kernel, setting, cost);
        return;
    }
    if (setting == NULL) {
        jc_memo_predict(source->memo, kernel, &cost->prediction);
        return;
    }
    const jc_precision precision = precision_of(setting);
    if (!has_rows(jc_memo_profile(source->memo), precision)) {
        const double unknown = (double)NAN;
        cost->prediction = (jc_prediction){unknown, unknown, unknown, unknown,
                                           unknown, unknown, unknown, JC_CONFIDENCE_FALLBACK,
                                           1,       1};
        return;
    }
    jc_kernel priced = *kernel;
    priced.precision = precision;
    jc_memo_predict(source->memo, &priced, &cost->prediction);
}
