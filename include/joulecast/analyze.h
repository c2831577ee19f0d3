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

#ifdef __cplusplus
extern "C" {
#endif

/** Cost of one layer. */
typedef struct jc_layer_cost {
    size_t layer; ///< index in the graph
    int64_t params;
    int64_t macs;
    double weight_bytes;
    double activation_bytes; ///< read and written
    jc_prediction prediction;
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
