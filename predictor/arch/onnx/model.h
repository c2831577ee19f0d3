// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/arch/onnx: a file as it is written, names resolved, before any shape is
 * known.
 *
 * Texts and contents of tensors are not copied: they point into the file, which outlives the model.
 * Everything else lives in the arena that was given.
 */
#ifndef JC_ARCH_ONNX_MODEL_H
#define JC_ARCH_ONNX_MODEL_H

#include "common/arena.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ONNX_FIRST_OPSET = 7, ///< of the default domain: those that shape rules are written for
    ONNX_LAST_OPSET = 20,
    ONNX_MAX_RANK = 8,
    ONNX_MAX_PARTS = 250000,    ///< nodes, attributes, tensors and shapes of a file, together
    ONNX_MAX_NAMES = 1000000,   ///< inputs and outputs of all nodes, together
    ONNX_MAX_NUMBERS = 4000000, ///< numbers in attributes and small tensors, all together
    ONNX_MAX_CONTENTS = 4096,   ///< values of a tensor that are looked at; larger ones are weights
    ONNX_MAX_FOLDED = 1 << 21,  ///< values that are worked out, of all tensors together
};

/** A text in the file; not terminated. */
typedef struct onnx_text {
    const char *data;
    size_t size;
} onnx_text;

/** Types of elements, TensorProto.DataType. */
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16,
};

/** A size of an input: a number, or a name for what is open (0 and possibly no name). */
typedef struct onnx_dim {
    int64_t size;
    onnx_text symbol;
} onnx_dim;

/** Name, element type and shape of an input, an output, or a value in between. */
typedef struct onnx_value_info {
    onnx_text name;
    int64_t type;
    bool has_shape;
    bool is_tensor;
    int rank;
    onnx_dim dim[ONNX_MAX_RANK];
} onnx_value_info;

/** A tensor of the file. */
typedef struct onnx_tensor {
    onnx_text name;
    int64_t type;
    int rank; ///< ONNX_MAX_RANK + 1 where it has more axes
    int64_t dim[ONNX_MAX_RANK];
    onnx_text raw; ///< contents as bytes, little-endian; or
    size_t n_reals;
    double *reals; ///< [n_reals] of float_data and double_data; or
    size_t n_ints;
    int64_t *ints; ///< [n_ints] of the other fields
    bool is_large; ///< more numbers than are kept: a weight
} onnx_tensor;

typedef struct onnx_attribute {
    onnx_text name;
    bool has_i, has_f, has_graph;
    int64_t i;
    double f;
    onnx_text s;
    onnx_tensor *tensor;
    size_t n_ints;
    int64_t *ints;
    size_t n_floats;
    double *floats;
} onnx_attribute;

enum { ONNX_NO_VALUE = -1 };

typedef struct onnx_node {
    onnx_text name;
    onnx_text op_type;
    onnx_text domain;
    size_t n_inputs;
    const onnx_text *input_names;
    int32_t *inputs; ///< [n_inputs] values; ONNX_NO_VALUE = left out
    size_t n_outputs;
    const onnx_text *output_names;
    int32_t *outputs; ///< [n_outputs]
    size_t n_attributes;
    onnx_attribute *attributes;
} onnx_node;

typedef struct onnx_model {
    int64_t opset; ///< of the default domain
    size_t n_nodes;
    onnx_node *nodes;
    size_t n_tensors;
    onnx_tensor *tensors; ///< initializers
    size_t n_inputs;
    onnx_value_info *inputs;
    size_t n_outputs;
    onnx_value_info *outputs;
    size_t n_infos;
    onnx_value_info *infos; ///< shapes that the file tells of values in between
    size_t n_values;
    const onnx_text *values; ///< [n_values] names of what nodes take and give, sorted
} onnx_model;

/** True if a text in the file is this one. */
bool onnx_text_is(onnx_text text, const char *word);

/** Index of a value by name; ONNX_NO_VALUE if no node knows it. */
int32_t onnx_find_value(const onnx_model *model, onnx_text name);

/**
 * Read a file.
 *
 * @param file  what errors call it.
 * @retval JC_EPARSE   malformed, over a limit, or without a graph
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status onnx_read(const void *bytes, size_t length, const char *file, jc_arena *arena,
                                onnx_model *out_model, jc_error *err);

#endif
