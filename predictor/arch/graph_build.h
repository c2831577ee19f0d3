// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch: the graph as its readers build it. */
#ifndef JC_ARCH_GRAPH_BUILD_H
#define JC_ARCH_GRAPH_BUILD_H

#include "template.h"

#include <joulecast/graph.h>

enum { MAX_LAYERS = 200000 };

/** One use of a block: a part of its layers' names. */
typedef struct scope {
    const struct scope *parent;
    const layer_template *call; ///< the layer that uses the block
    int repetition;
} scope;

/** What a layer's name is made of. */
typedef struct layer_origin {
    const char *name;   ///< the whole name: of an input, and of layers not from a template; or NULL
    const scope *scope; ///< NULL = the network itself
    const layer_template *template_; ///< NULL where `name` is given
    int repetition;
} layer_origin;

/** Who reads a layer's output. */
typedef struct layer_use {
    uint32_t n_users;       ///< readings, counting each; an output of the network counts as one
    uint32_t last_user;     ///< index of the last layer that reads it; 0 = none
    uint32_t previous_user; ///< of the last one before that; 0 = none
    bool is_output;
    bool has_view; ///< a layer without work reads it, and is read in turn
} layer_use;

struct jc_graph {
    jc_arena arena;
    const char *name;
    double error_rate;
    jc_graph_options options;
    size_t n_layers;
    size_t layer_capacity;
    jc_layer *layers;
    size_t origin_capacity;
    layer_origin *origins; ///< [n_layers]
    layer_use *uses;       ///< [n_layers]
    jc_graph_dead dead;
    size_t n_outputs;
    uint32_t *outputs;
    size_t n_unknown;
    size_t unknown_capacity;
    jc_graph_unknown *unknown; ///< [n_unknown] operators of the file that are not known
    int64_t total_params;      ///< sums so far, to catch overflow
    int64_t total_macs;
};

/** Local part of a name: "conv1", "conv2d_3", "bottleneck_2[1]". @return length */
size_t layer_local_name(const layer_template *t, int repetition, char *buffer, size_t size);

/** Room for one more layer, which the caller fills; NULL if out of memory. */
jc_layer *graph_add_layer(jc_graph *graph, layer_origin origin);

/** Leave out the layers on which no output depends. @retval JC_ENOMEM */
JC_MUST_USE jc_status graph_drop_dead(jc_graph *graph);

/** Find out who reads each layer's output, once all layers are there. @retval JC_ENOMEM */
JC_MUST_USE jc_status graph_count_uses(jc_graph *graph);

/** Count one more layer of an operator that is not known; false if out of memory. */
bool graph_note_unknown(jc_graph *graph, const char *op);

/** An operator to be applied. */
typedef struct layer_request {
    layer_origin origin;
    const jc_op *op;
    int line;                        ///< where it is written; 0 = unknown
    jc_value value[JC_OP_MAX_SLOTS]; ///< parameters as given or by default
    const uint32_t *inputs;          ///< [n_inputs] indices of earlier layers
    size_t n_inputs;
    const jc_value *kept_value; ///< `value` in storage that outlives the graph; NULL = copy it
    bool is_int8;               ///< runs in 8-bit integers, whatever the network's precision
    bool has_params;            ///< `params` holds instead of what the operator counts
    int64_t params;
} layer_request;

/**
 * Add a layer that applies an operator: infer its shape, count its parameters, find its kernel.
 *
 * @retval JC_ESHAPE, JC_EPARSE  why->message says what disagrees, without file and line
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status graph_apply(jc_graph *graph, const layer_request *request,
                                  uint32_t *out_layer, jc_error *why);

/** Expand a compiled document into an empty graph. */
JC_MUST_USE jc_status document_expand(const document *doc, jc_graph *graph, jc_error *err);

/**
 * A graph of a list of layers that takes one tensor: what another file attaches to a network.
 *
 * @param layers  the list; it, its texts and `file` must outlive the graph, whose layers they name.
 * @param input   shape of the tensor, the batch in front.
 */
JC_MUST_USE jc_status graph_from_layers(const jc_yaml *layers, const char *file,
                                        const jc_shape *input, jc_graph **out_graph, jc_error *err);

#endif
