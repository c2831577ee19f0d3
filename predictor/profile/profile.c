// SPDX-License-Identifier: Apache-2.0
// Predictions from a profile, and what it says about itself.
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Widening stops here: an interval of e⁴ either way says "unknown" as well as any wider one.
static const double LARGEST_WIDENING = 4;

void jc_profile_free(jc_profile *profile) {
    if (profile != NULL) {
        jc_arena_clear(&profile->arena);
        free(profile);
    }
}

const jc_device *jc_profile_device(const jc_profile *profile) {
    return &profile->device;
}

const jc_fusion *jc_profile_fusion(const jc_profile *profile) {
    return jc_fusion_is_empty(&profile->device.fuses) ? NULL : &profile->device.fuses;
}

static bool has_reuse_gate(const model *m) {
    for (size_t t = 0; t < m->n_backbone; ++t) {
        for (int g = 0; g < m->backbone[t].n_gates; ++g) {
            if (m->backbone[t].gates[g].quantity == JC_QUANTITY_REUSE) {
                return true;
            }
        }
    }
    return false;
}

static bool has_reuse_range(const kernel_model *k) {
    for (size_t r = 0; r < k->n_ranges; ++r) {
        if (k->ranges[r].quantity == JC_QUANTITY_REUSE) {
            return true;
        }
    }
    return false;
}

bool jc_profile_prices_reuse(const jc_profile *profile) {
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        const kernel_model *k = &profile->kernels[i];
        if (has_reuse_gate(&k->runtime) || has_reuse_gate(&k->power) || has_reuse_range(k)) {
            return true;
        }
    }
    return false;
}

const jc_provenance *jc_profile_provenance(const jc_profile *profile) {
    return &profile->provenance;
}

jc_network_spread jc_profile_network_spread(const jc_profile *profile, jc_precision precision) {
    return profile->networks[precision];
}

void jc_profile_set_network_spread(jc_profile *profile, jc_precision precision,
                                   const jc_network_spread *spread) {
    profile->networks[precision] = *spread;
}

bool jc_profile_covers(const jc_profile *profile, jc_kernel_kind kind, jc_precision precision) {
    return kind < JC_KERNEL_COUNT && precision < JC_PRECISION_COUNT &&
           profile->find[kind][precision] != NULL;
}

size_t jc_profile_n_kernels(const jc_profile *profile) {
    return profile->n_kernels;
}

void jc_profile_coverage(const jc_profile *profile, size_t i, jc_coverage *out_coverage) {
    const kernel_model *k = &profile->kernels[i];
    *out_coverage = (jc_coverage){
        .kind = k->kind,
        .precision = k->precision,
        .rows = k->n_rows,
        .dropped = k->dropped,
        .n_dropped = k->n_dropped,
        .has_power = k->power.n_backbone > 0,
        .held_out = {k->runtime.held_out, k->power.held_out, k->energy_held_out},
    };
}

bool jc_profile_has_power(const jc_profile *profile) {
    bool has_power = profile->fallback.power.n_backbone > 0;
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        has_power = has_power || profile->kernels[i].power.n_backbone > 0;
    }
    return has_power;
}

jc_status jc_profile_declare_power(jc_profile *profile, double full_w, jc_error *err) {
    if (jc_profile_has_power(profile)) {
        return jc_error_set(err, JC_EFORMAT, NULL, 0,
                            "%s has measured power (meter %s); watts are declared for profiles "
                            "without",
                            profile->device.name[0] == '\0' ? "the profile" : profile->device.name,
                            profile->device.meter);
    }
    profile->declared_w = full_w;
    (void)snprintf(profile->device.meter, sizeof profile->device.meter, "declared");
    return JC_OK;
}

void profile_index(jc_profile *profile) {
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        kernel_model *k = &profile->kernels[i];
        profile->find[k->kind][k->precision] = k;
    }
}

// What is added outside the ranges is the same error for all that lies there.
static double share_widened(double shared, double low, double high, double widening) {
    const double half = 0.5 * (high - low);
    const double own = half > 0 ? half / (half + widening) : 0;
    return 1 - (1 - shared) * own * own;
}

void kernel_model_predict(const kernel_model *k, const jc_kernel *kernel,
                          jc_prediction *out_prediction) {
    model_point point;
    model_point_init(k, kernel, &point);
    const double widening = fmin(k->widening * point.distance, LARGEST_WIDENING);
    double low = 0;
    double high = 0;
    const double runtime_s = model_predict(&k->runtime, &point);
    model_spread_at(&k->runtime.spread, runtime_s, &low, &high);
    *out_prediction = (jc_prediction){
        .runtime_s = runtime_s,
        .runtime_low_s = runtime_s * exp(low - widening),
        .runtime_high_s = runtime_s * exp(high + widening),
        .power_w = (double)NAN,
        .energy_j = (double)NAN,
        .energy_low_j = (double)NAN,
        .energy_high_j = (double)NAN,
        .confidence = point.distance > 0 ? JC_CONFIDENCE_EXTRAPOLATED : JC_CONFIDENCE_MODELLED,
        .runtime_shared = share_widened(k->runtime_shared, low, high, widening),
    };
    if (k->power.n_backbone == 0) {
        return;
    }
    out_prediction->power_w = model_predict(&k->power, &point);
    out_prediction->energy_j = runtime_s * out_prediction->power_w;
    model_spread_at(&k->energy_spread, out_prediction->energy_j, &low, &high);
    out_prediction->energy_shared = share_widened(k->energy_shared, low, high, widening);
    out_prediction->energy_low_j = out_prediction->energy_j * exp(low - widening);
    out_prediction->energy_high_j = out_prediction->energy_j * exp(high + widening);
}

// Watts that are given are as sure as they are given: what is unsure of the energy is the runtime.
static void declare_power(jc_prediction *p, double watts) {
    p->power_w = watts;
    p->energy_j = watts * p->runtime_s;
    p->energy_low_j = watts * p->runtime_low_s;
    p->energy_high_j = watts * p->runtime_high_s;
    p->energy_shared = p->runtime_shared;
}

// Only products are made in tf32: everything else is f32.
static const kernel_model *find_model(const jc_profile *profile, const jc_kernel *kernel) {
    const kernel_model *k = profile->find[kernel->kind][kernel->precision];
    return k == NULL && kernel->precision == JC_PRECISION_TF32 && jc_kernel_work(kernel).macs == 0
               ? profile->find[kernel->kind][JC_PRECISION_F32]
               : k;
}

void jc_profile_predict(const jc_profile *profile, const jc_kernel *kernel,
                        jc_prediction *out_prediction) {
    if (kernel->kind == JC_KERNEL_NONE) {
        *out_prediction = (jc_prediction){.power_w = (double)NAN, .confidence = JC_CONFIDENCE_FREE};
        return;
    }
    const kernel_model *k = find_model(profile, kernel);
    kernel_model_predict(k == NULL ? &profile->fallback : k, kernel, out_prediction);
    if (k == NULL) {
        out_prediction->confidence = JC_CONFIDENCE_FALLBACK;
    }
    if (profile->declared_w > 0) {
        declare_power(out_prediction, profile->declared_w);
    }
}

const char *jc_confidence_name(jc_confidence confidence) {
    switch (confidence) {
    case JC_CONFIDENCE_MODELLED:
        return "modelled";
    case JC_CONFIDENCE_EXTRAPOLATED:
        return "extrapolated";
    case JC_CONFIDENCE_FALLBACK:
        return "fallback";
    case JC_CONFIDENCE_FREE:
        return "free";
    }
    return "unknown";
}

const char *jc_target_name(jc_target target) {
    static const char *const names[JC_TARGET_COUNT] = {"runtime", "power", "energy"};
    return names[target];
}
