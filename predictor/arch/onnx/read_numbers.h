// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch/onnx/read*.c: texts and numbers from a stream of nanopb. */
#ifndef JC_ARCH_ONNX_READ_NUMBERS_H
#define JC_ARCH_ONNX_READ_NUMBERS_H

#include "model.h"

#include <pb_decode.h>

/** A list that is filled and emptied again for each node. */
typedef struct text_list {
    size_t n, capacity;
    onnx_text *texts;
} text_list;

/** A file being read. */
typedef struct onnx_reader {
    const char *bytes; ///< [length] the file
    size_t length;
    jc_arena *arena;
    onnx_model *model;
    size_t node_capacity, tensor_capacity, input_capacity, output_capacity, info_capacity;
    size_t n_parts, n_names, n_numbers; ///< so far, against the limits
    bool is_over_limit, is_out_of_memory, has_graph;
    text_list inputs, outputs; ///< of the node being read
    size_t n_attributes, attribute_capacity;
    onnx_attribute *attributes; ///< of the node being read
    onnx_attribute *attribute;  ///< being read
    onnx_value_info *info;      ///< being read
} onnx_reader;

/** Where a text goes; a callback's argument. */
typedef struct text_target {
    onnx_reader *reader;
    onnx_text *text;
} text_target;

/** Where numbers go; a callback's argument. The first few need no memory of their own. */
typedef struct number_target {
    onnx_reader *reader;
    size_t n, capacity;
    bool is_cut; ///< more than were asked for
    int64_t few_ints[ONNX_MAX_RANK + 1];
    double few_reals[ONNX_MAX_RANK + 1];
    int64_t *ints; ///< [n] or
    double *reals; ///< [n]
} number_target;

/** Callback: point to a text in the file. The argument is a text_target. */
bool onnx_read_text(pb_istream_t *stream, const pb_field_t *field, void **arg);

/** Append numbers, packed or not, the first `most` of them. */
bool onnx_read_varints(number_target *target, pb_istream_t *stream, size_t most);
bool onnx_read_floats(number_target *target, pb_istream_t *stream, size_t most);
bool onnx_read_doubles(number_target *target, pb_istream_t *stream, size_t most);

/** Copy what was collected to where it stays. */
bool onnx_number_keep_ints(const number_target *target, int64_t **out_ints, size_t *out_n);
bool onnx_number_keep_reals(const number_target *target, double **out_reals, size_t *out_n);

#endif
