// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/arch/onnx: from nodes to layers.
 *
 * Nodes are taken in order of execution. Each gives its outputs a shape; where all of its inputs
 * are constants nothing else happens (small integers are computed, weights keep their shape), else
 * layers are added to the graph, by operators of the table. Views (Reshape and its like) add none:
 * where a later node needs the tensor in its new shape, one `reshape` does it.
 */
#ifndef JC_ARCH_ONNX_LOWER_H
#define JC_ARCH_ONNX_LOWER_H

#include "model.h"
#include "shape.h"

#include "predictor/arch/graph_build.h"

#include <joulecast/op.h>

#define ONNX_NO_LAYER UINT32_MAX

/** What is known of a value. */
typedef struct onnx_value {
    bool is_known;    ///< below is valid: its input, initializer or node has been seen
    bool is_constant; ///< depends on no input of the network
    bool is_needed;   ///< its contents are, and not only its shape
    bool is_output;   ///< the network returns it
    bool is_second;   ///< an input whose batch is its second axis, as sequences have it
    bool is_int8;     ///< 8-bit integers, or such made real by DequantizeLinear
    int told_rank;    ///< its number of axes by the file; 0 = not told
    int64_t type;     ///< of elements
    onnx_shape shape;
    const jc_value *cells;  ///< contents of a small constant: `real` of float types, else `i`
    const int32_t *sources; ///< [n_sources] initializers that a constant is made of
    size_t n_sources;
    uint32_t layer;   ///< ONNX_NO_LAYER for constants
    int32_t producer; ///< node; −1 for inputs and initializers
    int n_uses;       ///< by nodes that are alive, and as an output of the network
} onnx_value;

typedef struct lowering {
    const onnx_model *model;
    onnx_value *values;           ///< [model->n_values]
    bool *is_counted;             ///< [model->n_tensors] initializers whose parameters a layer has
    const onnx_value_info **told; ///< [model->n_values] its sizes by the file; NULL = none
    int64_t n_folded;             ///< values worked out so far
    jc_graph *graph;
    onnx_batch batch;
    const char *file;
    jc_arena *arena;
    jc_error *err;
    const onnx_node *node;    ///< being lowered
    const struct onnx_op *op; ///< its operator; NULL where it is not known
    bool is_int8;             ///< it takes 8-bit integers
} lowering;

/** A layer to be added. */
typedef struct emission {
    layer_request request;
    uint32_t *inputs; ///< [request.n_inputs]
} emission;

/** How one operator of ONNX is lowered. */
typedef struct onnx_op {
    const char *name;
    const char *op; ///< of the table, where one function serves several operators; may be NULL
    /** Shapes of the outputs from the inputs; NULL where `emit` sets them. */
    jc_status (*infer)(lowering *w);
    /** Layers of a node that has an input which is no constant; NULL = a view of input 0. */
    jc_status (*emit)(lowering *w);
    /** Contents of output 0 of a node whose inputs are small constants; may be NULL. */
    jc_status (*fold)(lowering *w);
} onnx_op;

/** Find an operator of ONNX; NULL if it is not known. */
const onnx_op *onnx_op_find(onnx_text op_type);

/** `file: Conv 'name': …` */
jc_status onnx_lower_fail(lowering *w, jc_status status, const char *format, ...) JC_PRINTF(3, 4);
jc_status onnx_lower_out_of_memory(lowering *w);

// --- The node at hand ---------------------------------------------------------------------------

/** Input i; NULL where it is left out. */
onnx_value *onnx_node_input(const lowering *w, size_t i);
/** Output i; NULL where it is left out. */
onnx_value *onnx_node_output(const lowering *w, size_t i);
const onnx_attribute *onnx_node_attribute(const onnx_node *node, const char *name);
int64_t onnx_node_int(const lowering *w, const char *name, int64_t otherwise);
double onnx_node_real(const lowering *w, const char *name, double otherwise);
bool onnx_node_flag(const lowering *w, const char *name);
bool onnx_node_text_is(const lowering *w, const char *name, const char *word);

/** Fail unless the first n inputs are there. */
JC_MUST_USE jc_status onnx_node_require(lowering *w, size_t n);

/** Integers of an attribute, or, where it is not there, of a constant input.
 *  @param out_n  0 where neither is given. */
JC_MUST_USE jc_status onnx_node_ints(lowering *w, const char *attribute, size_t input,
                                     const int64_t **out_ints, size_t *out_n);

/** Turn an axis that may count from the end into an index. */
JC_MUST_USE jc_status onnx_node_axis(lowering *w, int64_t axis, int rank, int *out_axis);

// --- Values -------------------------------------------------------------------------------------

bool onnx_type_is_real(int64_t type);

/** Set the shape of output i. Type: that of input 0. Nothing happens where it is left out.
 *  @retval JC_ESHAPE  a size < 1, or more than 2^42 elements */
JC_MUST_USE jc_status onnx_set_output(lowering *w, size_t i, const onnx_shape *shape);

/** Set the layer of output i too; the shape is the layer's, its batch in front, where the output
 *  has none yet. */
JC_MUST_USE jc_status onnx_set_output_layer(lowering *w, size_t i, uint32_t layer);

/** A constant integer of a value with one element. */
bool onnx_value_int(const onnx_value *v, int64_t *out_value);
/** A constant real (or integer) of a value with one element. */
bool onnx_value_real(const onnx_value *v, double *out_value);

/** The shape that the rest of the program sees of a value. */
jc_shape onnx_value_sample_shape(const lowering *w, const onnx_value *v);

/** Make an output a constant of these integers, whatever the inputs are. @param rank 0 or 1 */
JC_MUST_USE jc_status onnx_set_output_ints(lowering *w, const int64_t *ints, size_t n, int rank);

/** Learned values behind a constant that no layer has counted yet; they are counted from now on. */
int64_t onnx_take_params(lowering *w, const onnx_value *v);

// --- Layers -------------------------------------------------------------------------------------

/** Begin a layer of at most `most_inputs`. */
JC_MUST_USE jc_status onnx_emission_begin(lowering *w, emission *e, const char *op,
                                          size_t most_inputs);
void onnx_emission_set(emission *e, const char *param, int k, int64_t value);
void onnx_emission_set_real(emission *e, const char *param, double value);

/** Add a value as the next input, in its own shape or in `shape`: a constant becomes a parameter, a
 *  view a reshape. */
JC_MUST_USE jc_status onnx_emission_input(lowering *w, emission *e, onnx_value *v,
                                          const jc_shape *shape);

/** Add the layer. Its learned parameters are `params`; −1: as the operator has. */
JC_MUST_USE jc_status onnx_emission_end(lowering *w, emission *e, int64_t params,
                                        uint32_t *out_layer);

/** Layer of a value in its own shape or in `shape`. */
JC_MUST_USE jc_status onnx_value_layer(lowering *w, onnx_value *v, const jc_shape *shape,
                                       uint32_t *out_layer);

/** Add a layer of one input, with the parameters that `e` has so far, as output i. */
JC_MUST_USE jc_status onnx_emit_simple(lowering *w, emission *e, onnx_value *x, size_t i);

/** Add a layer that moves the values of input 0 into the shape that output i has. */
JC_MUST_USE jc_status onnx_emit_copy(lowering *w);

/** Add a layer for a node that no operator of the table describes. */
JC_MUST_USE jc_status onnx_emit_other(lowering *w);

/** Lower a model into an empty graph. */
JC_MUST_USE jc_status onnx_lower(const onnx_model *model, const char *file, jc_arena *arena,
                                 jc_graph *graph, jc_error *err);

#endif
