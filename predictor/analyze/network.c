// SPDX-License-Identifier: Apache-2.0
// Sums over the layers of a network, and the interval of a sum.
#include "source.h"

#include <math.h>

/** Distances from a prediction to the ends of its interval. */
typedef struct half_widths {
    double low;
    double high;
} half_widths;

enum {
    MODELS = JC_KERNEL_COUNT + 1, ///< kernels without a model share the fallback's errors
    FALLBACK = JC_KERNEL_COUNT,
    OWN_SLOTS = 256, ///< a power of two
    MOST_OWN = 192,
};

/** A kernel's own error, which its repetitions in the network share. */
typedef struct own_error {
    uint64_t hash; ///< of the kernel; 0 = free
    half_widths widths;
} own_error;

/** Errors of a sum, while it is summed. */
typedef struct error_sum {
    half_widths common[MODELS]; ///< of all that one model prices
    half_widths whole;          ///< of networks, beyond their layers
    own_error own[OWN_SLOTS];
    size_t n_own;
} error_sum;

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

static void add_widths(half_widths *sum, half_widths h, double factor) {
    sum->low += factor * h.low;
    sum->high += factor * h.high;
}

// Place of a kernel's own error; NULL if there is none left.
static own_error *find_own(error_sum *sum, const jc_kernel *kernel) {
    const uint64_t hash = jc_kernel_hash(kernel) | 1;
    for (size_t i = (size_t)(hash >> 1) % OWN_SLOTS;; i = (i + 1) % OWN_SLOTS) {
        if (sum->own[i].hash == hash) {
            return &sum->own[i];
        }
        if (sum->own[i].hash == 0) {
            if (sum->n_own == MOST_OWN) {
                return NULL;
            }
            sum->n_own++;
            sum->own[i].hash = hash;
            return &sum->own[i];
        }
    }
}

// A layer's squared half-width has a share in common with all that its model prices; the rest is
// the kernel's own. See docs/METHOD.md, "Networks".
static void add_error(error_sum *sum, const jc_kernel *kernel, jc_confidence confidence,
                      half_widths h, double shared) {
    half_widths *common =
        &sum->common[confidence == JC_CONFIDENCE_FALLBACK ? FALLBACK : (int)kernel->kind];
    own_error *own = shared < 1 ? find_own(sum, kernel) : NULL;
    if (own == NULL) { // nothing of its own, or more distinct kernels than places: cautious
        add_widths(common, h, 1);
        return;
    }
    add_widths(common, h, sqrt(shared));
    add_widths(&own->widths, h, sqrt(1 - shared));
}

static half_widths combine(const error_sum *sum) {
    half_widths squares = {sum->whole.low * sum->whole.low, sum->whole.high * sum->whole.high};
    for (int m = 0; m < MODELS; ++m) {
        squares.low += sum->common[m].low * sum->common[m].low;
        squares.high += sum->common[m].high * sum->common[m].high;
    }
    for (size_t i = 0; i < OWN_SLOTS && sum->n_own > 0; ++i) {
        squares.low += sum->own[i].widths.low * sum->own[i].widths.low;
        squares.high += sum->own[i].widths.high * sum->own[i].widths.high;
    }
    return (half_widths){sqrt(squares.low), sqrt(squares.high)};
}

// All layers of a network are off by the same factor, in so far as it is no sum of layers.
static void add_whole(error_sum *sum, double predicted, double spread) {
    if (spread > 0) {
        const half_widths h = {-predicted * expm1(-spread), predicted * expm1(spread)};
        add_widths(&sum->whole, h, 1);
    }
}

// Of a wide interval the lower end; unknown (NaN) stays unknown.
static double not_negative(double value) {
    return value < 0 ? 0 : value;
}

// Weights of a layer that can be 0: a product's. Biases and norms stay whole.
static double count_params(const jc_layer *layer, const jc_setting *setting) {
    const double weights = layer->work.macs > 0 ? (double)layer->work.weight_elements : 0;
    return (double)layer->params - weights * (1 - setting->weight_density);
}

// Whether the layer's work is done by another layer's kernel, which is part of the sum.
static bool is_fused(const jc_fusion *fusion, const jc_analysis *what, size_t index) {
    const uint32_t kernel = jc_graph_kernel_of(what->graph, fusion, (uint32_t)index);
    return kernel != index && (what->included == NULL || what->included[kernel]);
}

static const jc_setting *setting_of(const jc_analysis *what, size_t index,
                                    const jc_setting *usual) {
    return what->settings == NULL ? usual : &what->settings[index];
}

// Steps of a quarter of an octave, so that networks of about a size share their kernels' prices.
static int64_t weigh(const jc_analysis *what, const jc_setting *usual) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(what->graph, &n);
    double bytes = 1;
    for (size_t i = 0; i < n; ++i) {
        bytes +=
            (double)layers[i].params * jc_format_bits(setting_of(what, i, usual)->weights) / 8.0;
    }
    return (int64_t)exp2(round(4 * log2(bytes)) / 4);
}

int64_t jc_graph_reuse_bytes(const jc_graph *graph) {
    const jc_setting usual = jc_setting_default(graph);
    return weigh(&(jc_analysis){.graph = graph}, &usual);
}

// 0 where no model asks.
static int64_t reuse_of(const jc_source *source, const jc_analysis *what, const jc_setting *usual) {
    return source->memo != NULL && memo_prices_reuse(source->memo) ? weigh(what, usual) : 0;
}

static jc_layer_cost price(const jc_source *source, const jc_fusion *fusion,
                           const jc_analysis *what, size_t index, const jc_setting *usual,
                           int64_t reuse_bytes) {
    size_t n = 0;
    const jc_layer *layer = &jc_graph_layers(what->graph, &n)[index];
    const jc_setting *setting = setting_of(what, index, usual);
    jc_kernel kernel = layer->kernel;
    kernel.reuse_bytes = layer->work.weight_elements > 0 ? reuse_bytes : 0;
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
    if (is_fused(fusion, what, index)) {
        // Done where the kernel writes; a sum reads its other operand there.
        const double read =
            layer->kernel.kind == JC_KERNEL_ADD ? (double)layer->work.output_elements : 0;
        cost.activation_bytes = read * activation_bytes;
        source_price_fused(source, &kernel, strict ? setting : NULL, &cost);
    } else if (layer->kernel.kind != JC_KERNEL_NONE) {
        source_price(source, &kernel, strict ? setting : NULL, &cost);
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
    t->is_declared = t->is_declared || cost->is_declared;
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
    const int64_t reuse_bytes = reuse_of(source, what, &usual);
    const jc_fusion *fusion =
        source->memo == NULL ? NULL : jc_profile_fusion(jc_memo_profile(source->memo));
    size_t n_layers = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n_layers);
    jc_totals t = {0};
    by_confidence macs = {{0}};
    by_confidence runtime = {{0}};
    error_sum runtime_error = {0};
    error_sum energy_error = {0};
    for (size_t i = 0; i < n_layers; ++i) {
        if (layers[i].op == NULL || (what->included != NULL && !what->included[i])) {
            continue; // an input of the network, or no part of what is asked for
        }
        const jc_layer_cost cost = price(source, fusion, what, i, &usual, reuse_bytes);
        const jc_prediction *p = &cost.prediction;
        if (out_layers != NULL) {
            out_layers[t.layers] = cost;
        }
        add_layer(&t, &cost);
        macs.sum[p->confidence] += (double)cost.macs;
        runtime.sum[p->confidence] += p->runtime_s;
        if (p->confidence != JC_CONFIDENCE_FREE) {
            const jc_kernel *kernel = &layers[i].kernel;
            add_error(
                &runtime_error, kernel, p->confidence,
                (half_widths){p->runtime_s - p->runtime_low_s, p->runtime_high_s - p->runtime_s},
                p->runtime_shared);
            add_error(&energy_error, kernel, p->confidence,
                      (half_widths){p->energy_j - p->energy_low_j, p->energy_high_j - p->energy_j},
                      p->energy_shared);
            const jc_network_spread spread = source_network_spread(
                source, kernel, what->settings == NULL ? NULL : &what->settings[i]);
            add_whole(&runtime_error, p->runtime_s, spread.runtime);
            add_whole(&energy_error, p->energy_j, spread.energy);
        }
    }
    const half_widths runtime_width = combine(&runtime_error);
    const half_widths energy_width = combine(&energy_error);
    t.runtime_low_s = not_negative(t.runtime_s - runtime_width.low);
    t.runtime_high_s = t.runtime_s + runtime_width.high;
    t.energy_low_j = not_negative(t.energy_j - energy_width.low);
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
