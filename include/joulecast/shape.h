// SPDX-License-Identifier: Apache-2.0
/** @file Tensor shapes (NCHW for images, batch first everywhere) and number formats. */
#ifndef JC_SHAPE_H
#define JC_SHAPE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    JC_MAX_RANK = 6,
    JC_SHAPE_TEXT_SIZE = 24 * JC_MAX_RANK, ///< room for jc_shape_format
};

/** Largest number of elements a tensor may have: 2^42, so that products of two stay exact in int64
 *  for every real network and saturate, detectably, for every other. */
#define JC_MAX_ELEMENTS (INT64_C(1) << 42)

/** Sizes of a tensor; dim[0] is the batch. */
typedef struct jc_shape {
    int rank;                 ///< 0..JC_MAX_RANK
    int64_t dim[JC_MAX_RANK]; ///< each ≥ 1; entries from `rank` on are 0
} jc_shape;

/** Number format in which a network runs. */
typedef enum jc_precision {
    JC_PRECISION_F32,
    JC_PRECISION_F16,
    JC_PRECISION_BF16,
    JC_PRECISION_INT8,
    JC_PRECISION_TF32, ///< f32 whose products are multiplied with 10 bits of mantissa
    JC_PRECISION_COUNT,
} jc_precision;

/** Number of elements; saturates at INT64_MAX. A rank-0 shape has one. */
int64_t jc_shape_elements(const jc_shape *shape);

/** Format as "1x3x224x224" into buffer[JC_SHAPE_TEXT_SIZE]; returns buffer. */
const char *jc_shape_format(const jc_shape *shape, char *buffer);

/** "f32", "f16", "bf16", "int8", "tf32". */
const char *jc_precision_name(jc_precision precision);

/** Find a precision by name; JC_PRECISION_COUNT if there is none of that name. */
jc_precision jc_precision_find(const char *name);

/** Size of one element, bytes. */
int64_t jc_precision_bytes(jc_precision precision);

#ifdef __cplusplus
}
#endif

#endif
