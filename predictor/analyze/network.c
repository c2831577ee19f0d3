// SPDX-License-Identifier: Apache-2.0
// Sums over the layers of a network, and the interval of a sum.
#include "source.h"

#include <math.h>

/** Distances from a prediction to the ends of its interval, summed within one kind of kernel. */
typedef struct half_widths {
    double low;
    double high;
} half_widths;

/** Shares of something by where the prediction comes from, while it is summed. */
typedef struct by_confidence {
    double sum[JC_CONFIDENCE_FREE + 1];
} by_confidence;

static double share(const by_confidence *parts, jc_confidence confidence) {
    double total = 0;
    for (int c = 0; c <= JC_CONFIDENCE_FREE; ++c) {
        total += parts->sum[c];
    }
    return total > 0 ? parts->sum[confidence] / total : 0;
}

// Layers of one kind share the error of one model, so their half-widths add up; models of different
// kinds err independently, so theirs add up in squares. See docs/METHOD.md, "Networks".
static half_widths combine(const half_widths *by_kind) {
    half_widths squares = {0, 0};
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        squares.low += by_kind[kind].low * by_kind[kind].low;
        squares.high += by_kind[kind].high * by_kind[kind].high;
    }
    return (half_widths){sqrt(squares.low), sqrt(squares.high)};
}

// Weights of a layer that can be 0: a product's. Biases and norms stay whole.
static double count_params(const jc_layer *layer, const jc_setting *setting) {
    const double weights = layer->work.macs > 0 ? (double)layer->work.weight_elements : 0;
    return (double)layer->params - weights * (1 - setting->weight_density);
}

static jc_layer_cost price(const jc_source *source, const jc_analysis *what, size_t index,
                           const jc_setting *usual) {
    size_t n = 0;
    const jc_layer *layer = &jc_graph_layers(what->graph, &n)[index];
    const jc_setting *setting = what->settings == NULL ? usual : &what->settings[index];
    const bool strict = what->settings != NULL || source->accelerator != NULL;
    const double weight_bytes = jc_format_bits(setting->weights) / 8.0;
    const double activation_bytes = jc_format_bits(setting->activations) / 8.0;
    const double share = setting->weight_density * setting->active;
    jc_layer_cost cost = {
        .layer = index,
        .params = layer->params,
        .macs = layer->work.macs,
        .weight_bytes = (double)layer->params * weight_bytes,
        .activation_bytes =
            ((double)layer->work.input_elements + (double)layer->work.output_elements) *
            activation_bytes,
        .prediction = {.confidence = JC_CONFIDENCE_FREE},
    };
    if (share < 1) { // else exact, beyond 2^53 too
        cost.params = (int64_t)llround(count_params(layer, setting));
        cost.macs = (int64_t)llround((double)layer->work.macs * share);
    }
    if (layer->kernel.kind != JC_KERNEL_NONE) {
        source_price(source, &layer->kernel, strict ? setting : NULL, &cost);
    }
    return cost;
}

static void add_layer(jc_totals *t, const jc_layer_cost *cost) {
    const jc_prediction *p = &cost->prediction;
    t->params += cost->params; // the graph's loader has ruled overflow out
    t->macs += cost->macs;
    t->weight_bytes += cost->weight_bytes;
    t->activation_bytes += cost->activation_bytes;
    t->runtime_s += p->runtime_s;
    t->energy_j += p->energy_j;
    t->layers++;
    t->layers_unmodelled += p->confidence == JC_CONFIDENCE_FALLBACK;
    t->layers_extrapolated += p->confidence == JC_CONFIDENCE_EXTRAPOLATED;
}

void jc_analyze(jc_memo *memo, const jc_graph *graph, jc_totals *out_totals,
                jc_layer_cost *out_layers) {
    const jc_source source = {.memo = memo};
    const jc_analysis what = {.graph = graph};
    jc_analyze_part(&source, &what, out_totals, out_layers);
}

void jc_analyze_part(const jc_source *source, const jc_analysis *what, jc_totals *out_totals,
                     jc_layer_cost *out_layers) {
    const jc_graph *graph = what->graph;
    const jc_setting usual = jc_setting_default(graph);
    size_t n_layers = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n_layers);
    jc_totals t = {0};
    by_confidence macs = {{0}};
    by_confidence runtime = {{0}};
    half_widths runtime_widths[JC_KERNEL_COUNT] = {{0, 0}};
    half_widths energy_widths[JC_KERNEL_COUNT] = {{0, 0}};
    for (size_t i = 0; i < n_layers; ++i) {
        if (layers[i].op == NULL || (what->included != NULL && !what->included[i])) {
            continue; // an input of the network, or no part of what is asked for
        }
        const jc_layer_cost cost = price(source, what, i, &usual);
        const jc_prediction *p = &cost.prediction;
        if (out_layers != NULL) {
            out_layers[t.layers] = cost;
        }
        add_layer(&t, &cost);
        macs.sum[p->confidence] += (double)cost.macs;
        runtime.sum[p->confidence] += p->runtime_s;
        if (p->confidence != JC_CONFIDENCE_FREE) {
            const jc_kernel_kind kind = layers[i].kernel.kind;
            runtime_widths[kind].low += p->runtime_s - p->runtime_low_s;
            runtime_widths[kind].high += p->runtime_high_s - p->runtime_s;
            energy_widths[kind].low += p->energy_j - p->energy_low_j;
            energy_widths[kind].high += p->energy_high_j - p->energy_j;
        }
    }
    const half_widths runtime_width = combine(runtime_widths);
    const half_widths energy_width = combine(energy_widths);
    t.runtime_low_s = t.runtime_s - runtime_width.low;
    t.runtime_high_s = t.runtime_s + runtime_width.high;
    t.energy_low_j = t.energy_j - energy_width.low;
    t.energy_high_j = t.energy_j + energy_width.high;
    t.power_w = t.runtime_s > 0 ? t.energy_j / t.runtime_s : (double)NAN;
    t.energy_per_sample_j = t.energy_j / (double)jc_graph_batch_size(graph);
    t.macs_modelled = share(&macs, JC_CONFIDENCE_MODELLED);
    t.macs_extrapolated = share(&macs, JC_CONFIDENCE_EXTRAPOLATED);
    t.macs_fallback = share(&macs, JC_CONFIDENCE_FALLBACK);
    t.runtime_modelled = share(&runtime, JC_CONFIDENCE_MODELLED);
    t.runtime_extrapolated = share(&runtime, JC_CONFIDENCE_EXTRAPOLATED);
    t.runtime_fallback = share(&runtime, JC_CONFIDENCE_FALLBACK);
    *out_totals = t;
}
