// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Graphs: an architecture with every shape known.
 *
 * Ownership: what a `load` returns, the caller frees; every other pointer is borrowed and lives as
 * long as the graph. A graph is read-only after loading and may be shared by threads.
 */
#ifndef JC_GRAPH_H
#define JC_GRAPH_H

#include <joulecast/kernel.h>
#include <joulecast/op.h>
#include <joulecast/shape.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jc_graph jc_graph;

/** One operator at its place in the network. Its output is the tensor of the same index. */
typedef struct jc_layer {
    const jc_op *op; ///< NULL for an input of the network
    int line;        ///< where it is written; 0 = unknown
    size_t n_inputs;
    const uint32_t *inputs; ///< [n_inputs] indices of earlier layers
    const jc_value *values; ///< [JC_OP_MAX_SLOTS] parameters as given or by default, before the
                            ///< shape rule derives others; NULL = not known (and for an input)
    jc_shape output;
    int64_t params;    ///< learned parameters
    bool params_given; ///< told by the file, not counted by the operator: shared weights
    jc_kernel kernel;  ///< what it asks of a machine; kind JC_KERNEL_NONE = no work
    jc_work work;      ///< of that kernel; zero if there is none
} jc_layer;

/** Sizes of an input of the network. */
typedef struct jc_input_shape {
    const char *name;
    jc_shape shape; ///< the batch among them
} jc_input_shape;

typedef struct jc_graph_options {
    int64_t batch_size;     ///< samples of one forward pass; 0 = that of the inputs given, else 1
    jc_precision precision; ///< of activations and weights
    bool strict;            ///< operators that are not known are errors (JC_EUNSUPPORTED)
    const jc_input_shape *inputs; ///< [n_inputs] what an ONNX file leaves open, or instead of what
                                  ///< a YAML file says; borrowed for the call. Names that the
                                  ///< network does not have are no error
    size_t n_inputs;
} jc_graph_options; ///< safe at {0}

/**
 * Read an architecture and infer every shape.
 *
 * @param path     a file; see jc_zoo_find for names of the zoo.
 * @param options  NULL for batch size 1 in f32.
 * @retval JC_EPARSE, JC_ESHAPE, JC_EUNSUPPORTED  err names file, line, layer and what disagrees
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_graph_load(const char *path, const jc_graph_options *options,
                                    jc_graph **out_graph, jc_error *err);

/** As jc_graph_load, from text in memory. @param name what errors call it. */
JC_MUST_USE jc_status jc_graph_parse(const char *text, size_t length, const char *name,
                                     const jc_graph_options *options, jc_graph **out_graph,
                                     jc_error *err);

/** What becomes of a layer in a copy of its graph. */
typedef struct jc_layer_edit {
    const jc_value *values; ///< [JC_OP_MAX_SLOTS] parameters instead of its own; NULL = its own
    bool removed;           ///< it hands on the tensor `stands_in` and does no work
    uint32_t stands_in;     ///< index of an earlier layer of the same output shape
} jc_layer_edit;            ///< safe at {0}: the layer as it is

/**
 * Copy a graph with other parameters, and infer every shape anew. Layers keep their indices; one
 * that is removed becomes an `identity`.
 *
 * @param graph  names the layers of the copy too, so it must outlive it.
 * @param edits  [number of layers]
 * @retval JC_ESHAPE        err->message names the layer and what disagrees
 * @retval JC_EUNSUPPORTED  a layer's parameters are not known
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_graph_edit(const jc_graph *graph, const jc_layer_edit *edits,
                                    jc_graph **out_graph, jc_error *err);

/**
 * Write a graph as an architecture in YAML, layer after layer, sizes as numbers, what repeats
 * itself as a block. Reading it gives the same costs.
 *
 * @retval JC_EUNSUPPORTED  a layer's parameters are not known
 * @retval JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_graph_write(const jc_graph *graph, FILE *file, jc_error *err);

/** Free a graph; NULL is allowed. */
void jc_graph_free(jc_graph *graph);

/** Name of the architecture: its `name:`, else the file's name without folder and extension. */
const char *jc_graph_name(const jc_graph *graph);

/** Published share of wrong answers, as the architecture's `error_rate:` says; NaN = not said. */
double jc_graph_error_rate(const jc_graph *graph);

/** Layers in an order of execution, inputs of the network first. */
const jc_layer *jc_graph_layers(const jc_graph *graph, size_t *out_n);

/** Indices of the layers that the network returns. */
const uint32_t *jc_graph_outputs(const jc_graph *graph, size_t *out_n);

/** Operators of a file that no operator here describes: their layers are `other`. */
typedef struct jc_graph_unknown {
    const char *op; ///< as the file calls it
    size_t n_layers;
} jc_graph_unknown;

/** @param out_n  their number, 0 for most files. */
const jc_graph_unknown *jc_graph_unknowns(const jc_graph *graph, size_t *out_n);

/** Layers of a YAML file on which no output depends. They are left out, as they are of ONNX files,
 *  where exporters leave many. */
typedef struct jc_graph_dead {
    size_t n_layers;
    int line; ///< where the first stands; 0 = unknown
} jc_graph_dead;

jc_graph_dead jc_graph_dead_layers(const jc_graph *graph);

/**
 * The layer whose kernel does a layer's work: itself, or the one that its executor fuses it into.
 *
 * A batch normalisation, a sum of two tensors and an activation, in this order and each once, are
 * done where a kernel writes if nothing else reads what lies between. A sum is made in place of
 * its other operand, which must be complete before the kernel begins and not be read afterwards.
 *
 * @param fusion  what the executor takes in; NULL = nothing.
 * @return index; the layer's own if it is a kernel by itself, or has none
 */
uint32_t jc_graph_kernel_of(const jc_graph *graph, const jc_fusion *fusion, uint32_t layer);

int64_t jc_graph_batch_size(const jc_graph *graph);
jc_precision jc_graph_precision(const jc_graph *graph);

enum { JC_LAYER_NAME_SIZE = 160 };

/**
 * Full name of a layer, blocks included: "stage_2.bottleneck_2[1].conv2d_3". A layer that has
 * no name of its own is called by its operator or block, numbered where a list has several of it;
 * [n] counts repetitions from 0. Built when asked for: ranking a million architectures never asks.
 *
 * @param buffer [JC_LAYER_NAME_SIZE]; longer names are cut at the front.
 * @return buffer
 */
const char *jc_layer_name(const jc_graph *graph, size_t layer, char *buffer);

/**
 * Find the file of a zoo network by name.
 *
 * Looks in the folders of JOULECAST_ZOO_PATH (colon-separated), then beside the source tree in an
 * uninstalled build, then where the zoo is installed.
 *
 * @param buffer  [size] receives the path.
 * @retval JC_ENOENT  err lists close names
 */
JC_MUST_USE jc_status jc_zoo_find(const char *name, char *buffer, size_t size, jc_error *err);

#ifdef __cplusplus
}
#endif

#endif
