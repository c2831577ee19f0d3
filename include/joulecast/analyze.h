// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Analysis: the predicted cost of a network, layer by layer and in total.
 *
 * Ownership: what a function returns, the caller frees; the graph and the profile are borrowed and
 * must outlive the analysis.
 */
#ifndef JC_ANALYZE_H
#define JC_ANALYZE_H

#include <joulecast/graph.h>
#include <joulecast/profile.h>
#include <joulecast/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Number format of weights or activations. Beyond jc_precision, those that only some hardware has.
 */
typedef enum jc_format {
    JC_FORMAT_F32,
    JC_FORMAT_TF32, ///< stored as f32, multiplied with 10 bits of fraction
    JC_FORMAT_F16,
    JC_FORMAT_BF16,
    JC_FORMAT_INT8,
    JC_FORMAT_INT4,
    JC_FORMAT_TERNARY,
    JC_FORMAT_BINARY,
    JC_FORMAT_COUNT,
} jc_format;

/** "f32", …, "ternary", "binary". */
const char *jc_format_name(jc_format format);

/** Find a format by name; JC_FORMAT_COUNT if there is none of that name. */
jc_format jc_format_find(const char *name);

/** Bits of one value in memory. */
int jc_format_bits(jc_format format);

/** How a layer runs, beside its sizes. */
typedef struct jc_setting {
    jc_format weights;
    jc_format activations;
    double weight_density;     ///< share of the weights that are not 0
    double activation_density; ///< share of the layer's input values that are not 0
    double active;             ///< share of its output positions or units that are computed
} jc_setting;

/** What a layer of a graph does where nothing else is said: the graph's precision, all dense. */
jc_setting jc_setting_default(const jc_graph *graph);

typedef struct jc_accelerator jc_accelerator; ///< see joulecast/accelerator.h

/** What prices kernels: exactly one of the two. */
typedef struct jc_source {
    struct jc_memo *memo;              ///< a profile, through a memory
    const jc_accelerator *accelerator; ///< a description
} jc_source;

/** Cost of one layer. */
typedef struct jc_layer_cost {
    size_t layer;   ///< index in the graph
    int64_t params; ///< that are not 0
    int64_t macs;   ///< of weights that are not 0, at active positions
    double weight_bytes;
    double activation_bytes; ///< read and written
    jc_prediction prediction;
    bool is_declared; ///< zeros are skipped as the profile declares: the price is not measured
} jc_layer_cost;

/** Cost of a network: sums of its layers. Energy and power are NaN where the profile has no meter.
 */
typedef struct jc_totals {
    int64_t params;
    int64_t macs;
    double weight_bytes;
    double activation_bytes;
    double runtime_s;
    double runtime_low_s; ///< 90 % interval; its ends are not sums, for errors partly cancel
    double runtime_high_s;
    double power_w;  ///< energy_j / runtime_s
    double energy_j; ///< one forward pass of the batch
    double energy_low_j;
    double energy_high_j;
    double energy_per_sample_j;
    size_t layers; ///< inputs of the network not counted
    size_t layers_unmodelled;
    size_t layers_extrapolated;
    bool is_declared; ///< of some layer the price is: see jc_layer_cost
    // Shares of the total, 0 to 1, by where the prediction comes from (free layers have none).
    double macs_modelled, macs_extrapolated, macs_fallback;
    double runtime_modelled, runtime_extrapolated, runtime_fallback;
} jc_totals;

/**
 * Memory of kernels priced before: networks repeat themselves, and a search over networks more so.
 * Used by one thread at a time, for one profile.
 */
typedef struct jc_memo jc_memo;

JC_MUST_USE jc_status jc_memo_create(const jc_profile *profile, jc_memo **out_memo);
void jc_memo_free(jc_memo *memo);

/** Price one kernel through the memory. */
void jc_memo_predict(jc_memo *memo, const jc_kernel *kernel, jc_prediction *out_prediction);

const jc_profile *jc_memo_profile(const jc_memo *memo);

/**
 * Why a source has no price for a layer in a setting: "no rows in int8"; NULL where it has one.
 * Such a layer's runtime and energy, and the sums they enter, are NaN.
 */
const char *jc_source_refuses(const jc_source *source, const jc_setting *setting, char *buffer);

enum { JC_REFUSAL_SIZE = 128 }; ///< of the buffer above

/** A part of a network, and how it runs. */
typedef struct jc_analysis {
    const jc_graph *graph;
    const jc_setting *settings; ///< [number of layers]; NULL = by default
    const bool *included;       ///< [number of layers]; NULL = all
} jc_analysis;

/**
 * Sum a part of a network.
 *
 * Zeros and inactive positions lower `params` and `macs`, which is how they are counted in print;
 * they lower bytes, runtime and energy only where the source skips them.
 *
 * @param out_layers  NULL, or room for one cost a layer, as jc_analyze.
 */
void jc_analyze_part(const jc_source *source, const jc_analysis *what, jc_totals *out_totals,
                     jc_layer_cost *out_layers);

/** Bytes of all weights of a network, for jc_kernel.reuse_bytes of its kernels: each is used once
 * in a pass. Within a tenth, so that networks of about a size agree. */
int64_t jc_graph_reuse_bytes(const jc_graph *graph);

/**
 * Sum a network.
 *
 * @param memo        prices kernels; holds the profile.
 * @param out_layers  NULL, or [number of layers of the graph − inputs]: one cost a layer, in order.
 */
void jc_analyze(jc_memo *memo, const jc_graph *graph, jc_totals *out_totals,
                jc_layer_cost *out_layers);

#ifdef __cplusplus
}
#endif

#endif
