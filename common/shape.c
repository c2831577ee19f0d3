// SPDX-License-Identifier: Apache-2.0
// Tensor shapes and number formats.
#include <joulecast/shape.h>

#include "common/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t jc_shape_elements(const jc_shape *shape) {
    int64_t elements = 1;
    for (int i = 0; i < shape->rank; ++i) {
        elements = jc_mul_saturating(elements, shape->dim[i]);
    }
    return elements;
}

const char *jc_shape_format(const jc_shape *shape, char *buffer) {
    int used = 0;
    buffer[0] = '\0';
    for (int i = 0; i < shape->rank; ++i) {
        used += snprintf(buffer + used, (size_t)(JC_SHAPE_TEXT_SIZE - used), "%s%" PRId64,
                         i == 0 ? "" : "x", shape->dim[i]);
    }
    return buffer;
}

static const struct {
    const char *name;
    int64_t bytes;
} precisions[JC_PRECISION_COUNT] = {
    [JC_PRECISION_F32] = {"f32", 4},   [JC_PRECISION_F16] = {"f16", 2},
    [JC_PRECISION_BF16] = {"bf16", 2}, [JC_PRECISION_INT8] = {"int8", 1},
    [JC_PRECISION_TF32] = {"tf32", 4},
};

const char *jc_precision_name(jc_precision precision) {
    return precisions[precision].name;
}

jc_precision jc_precision_find(const char *name) {
    int p = 0;
    while (p < JC_PRECISION_COUNT && strcmp(precisions[p].name, name) != 0) {
        ++p;
    }
    return (jc_precision)p;
}

int64_t jc_precision_bytes(jc_precision precision) {
    return precisions[precision].bytes;
}
