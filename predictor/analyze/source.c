// SPDX-License-Identifier: Apache-2.0
// Profiles as a source of prices. They price what was measured: dense kernels, in the number
// formats that they have rows of. Where a profile declares that its machine skips zeros, they scale
// the dense price.
#include "source.h"

#include <joulecast/accelerator.h>

#include <math.h>
#include <stdio.h>

// The precision of measured rows that a setting stands for; JC_PRECISION_COUNT if there is none.
static jc_precision precision_of(const jc_setting *setting) {
    return setting->weights == setting->activations
               ? jc_precision_find(jc_format_name(setting->weights))
               : JC_PRECISION_COUNT;
}

// A machine may move numbers of a format without computing in it: rows of products tell.
static bool has_rows(const jc_profile *profile, jc_precision precision) {
    static const jc_kernel_kind products[] = {JC_KERNEL_CONV2D,    JC_KERNEL_CONV_TRANSPOSE2D,
                                              JC_KERNEL_LINEAR,    JC_KERNEL_MATMUL,
                                              JC_KERNEL_ATTENTION, JC_KERNEL_RECURRENT};
    bool any_products = false;
    bool any = false;
    bool in_precision = false;
    for (int kind = 0; precision != JC_PRECISION_COUNT && kind < JC_KERNEL_COUNT; ++kind) {
        any = any || jc_profile_covers(profile, (jc_kernel_kind)kind, precision);
    }
    for (size_t i = 0; any && i < sizeof products / sizeof products[0]; ++i) {
        in_precision = in_precision || jc_profile_covers(profile, products[i], precision);
        for (int p = 0; p < JC_PRECISION_COUNT; ++p) {
            any_products = any_products || jc_profile_covers(profile, products[i], (jc_precision)p);
        }
    }
    return any && (in_precision || !any_products);
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

source_skips source_skips_of(const jc_source *source) {
    const jc_accelerator *a = source->accelerator;
    if (a != NULL) {
        return (source_skips){.weights = a->skips_weights || a->compresses_weights,
                              .inputs = a->skips_inputs || a->compresses_inputs,
                              .outputs = a->skips_outputs};
    }
    const jc_device *d = jc_profile_device(jc_memo_profile(source->memo));
    return (source_skips){d->skips_weights, d->skips_inputs, d->skips_outputs};
}

// With s the share of a dense price that goes with an operand, and d that of its values that are
// not 0, 1 - s·(1 - d) is left; operands are taken to spare independently.
static double share_left(const jc_source *source, const jc_kernel *kernel, const jc_setting *s) {
    const source_skips skips = source_skips_of(source);
    const double of_outputs = 1 - skips.outputs * (1 - s->active);
    return jc_kernel_work(kernel).macs > 0
               ? of_outputs * (1 - skips.weights * (1 - s->weight_density)) *
                     (1 - skips.inputs * (1 - s->activation_density))
               : of_outputs;
}

// Power stays what it is: what is skipped takes no time.
static void scale(jc_prediction *p, double share) {
    p->runtime_s *= share;
    p->runtime_low_s *= share;
    p->runtime_high_s *= share;
    p->energy_j *= share;
    p->energy_low_j *= share;
    p->energy_high_j *= share;
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
    const double left = share_left(source, kernel, setting);
    if (left < 1) {
        scale(&cost->prediction, left);
        cost->is_declared = true;
    }
}

jc_network_spread source_network_spread(const jc_source *source, const jc_kernel *kernel,
                                        const jc_setting *setting) {
    const jc_precision precision = setting == NULL ? kernel->precision : precision_of(setting);
    return source->accelerator != NULL || precision == JC_PRECISION_COUNT
               ? (jc_network_spread){.rows = 0}
               : jc_profile_network_spread(jc_memo_profile(source->memo), precision);
}

static bool is_activation(jc_kernel_kind kind) {
    return jc_fusion_stage(kind) == jc_fusion_stage(JC_KERNEL_RELU);
}

void source_price_fused(const jc_source *source, const jc_kernel *kernel, const jc_setting *setting,
                        jc_layer_cost *cost) {
    const jc_profile *profile = jc_memo_profile(source->memo);
    if (!is_activation(kernel->kind) || kernel->kind == JC_KERNEL_RELU ||
        !jc_profile_covers(profile, kernel->kind, kernel->precision) ||
        !jc_profile_covers(profile, JC_KERNEL_RELU, kernel->precision)) {
        return;
    }
    jc_kernel relu = *kernel;
    relu.kind = JC_KERNEL_RELU;
    jc_layer_cost alone = *cost;
    jc_layer_cost moved = *cost;
    source_price(source, kernel, setting, &alone);
    source_price(source, &relu, setting, &moved);
    const double beyond = 1 - moved.prediction.runtime_s / alone.prediction.runtime_s;
    if (beyond > 0) { // not where either has no price
        scale(&alone.prediction, beyond);
        cost->prediction = alone.prediction;
        cost->is_declared = alone.is_declared;
    }
}
