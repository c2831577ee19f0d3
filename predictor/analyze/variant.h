// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/analyze: a network to which the statements of a technique have been applied.
 */
#ifndef JC_ANALYZE_VARIANT_H
#define JC_ANALYZE_VARIANT_H

#include "technique.h"

typedef struct variant_exit {
    const statement *statement;
    uint32_t layer; ///< after which it stands
    double rate;    ///< share of all inputs that leave here
    double leaving; ///< share of those that reach it
    jc_graph *classifier;
    jc_setting *settings; ///< of the classifier's layers: those of the layer before it
} variant_exit;

typedef struct variant {
    jc_arena arena;
    const jc_graph *graph;                   ///< what is priced
    jc_graph *shortened;                     ///< owned: after layers were dropped; or NULL
    jc_graph *narrowed;                      ///< owned: after channels were pruned; or NULL
    const char (*names)[JC_LAYER_NAME_SIZE]; ///< [layers]
    size_t n_layers;
    const statement *const
        *dropped_by;      ///< [layers] NULL = stays; all NULL until layers are dropped
    jc_setting *settings; ///< [layers]
    variant_exit *exits;  ///< [n_exits], in the order of their layers
    size_t n_exits;
    const char *note; ///< what was left as it is, or what else changed with it; NULL
} variant;

/**
 * Apply.
 *
 * @param network  statements; NULL = none.
 * @param graph    borrowed, must outlive the variant, as must the network.
 * @param source   for statements that ask for an energy.
 */
JC_MUST_USE jc_status variant_init(const technique_network *network, const jc_graph *graph,
                                   const jc_source *source, variant *out_variant, jc_error *err);
void variant_clear(variant *v);

/**
 * Layers that a statement names, of those that are left.
 *
 * @param out_matches  [layers]
 * @retval JC_EPARSE  a name is nobody's (err suggests one), or only of layers that were dropped
 */
JC_MUST_USE jc_status variant_match(const variant *v, const statement *s, bool *out_matches,
                                    jc_error *err);

/** True if a pattern names a layer: its name, a block it stands in, or its operator.
 * @param out_end  characters of its name that the pattern stands for; 0 = the operator's */
bool variant_names(const variant *v, const char *pattern, size_t layer, size_t *out_end);

/** Parts of variant_init, one a file. */
JC_MUST_USE jc_status variant_drop_layers(variant *v, const technique_network *network,
                                          jc_error *err);
JC_MUST_USE jc_status variant_set_layers(variant *v, const technique_network *network,
                                         jc_error *err);
JC_MUST_USE jc_status variant_prune(variant *v, const technique_network *network,
                                    const jc_source *source, jc_error *err);
JC_MUST_USE jc_status variant_add_exits(variant *v, const technique_network *network,
                                        jc_error *err);

/** Add a sentence to the variant's note. */
void variant_remark(variant *v, const char *format, ...) JC_PRINTF(2, 3);

/** "out of memory", as an error. */
jc_status variant_out_of_memory(jc_error *err);

#endif
