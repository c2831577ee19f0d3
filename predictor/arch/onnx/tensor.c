// SPDX-License-Identifier: Apache-2.0
// Tensors of the file as values. Contents are little-endian, wherever this runs.
#include "tensor.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static size_t type_bytes(int64_t type) {
    switch (type) {
    case ONNX_UINT8:
    case ONNX_INT8:
    case ONNX_BOOL:
        return 1;
    case ONNX_UINT16:
    case ONNX_INT16:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    case ONNX_FLOAT:
    case ONNX_INT32:
    case ONNX_UINT32:
        return 4;
    case ONNX_DOUBLE:
    case ONNX_INT64:
    case ONNX_UINT64:
        return 8;
    default:
        return 0;
    }
}

// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
static double half_to_double(uint64_t bits) {
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    const int exponent = (int)(bits >> 10 & 31);
    const double fraction = (double)(bits & 1023);
    if (exponent == 0) {
        return sign * ldexp(fraction, -24);
    }
    if (exponent == 31) {
        return (double)NAN;
    }
    return sign * ldexp(1024 + fraction, exponent - 25);
}

static double bits_to_real(uint64_t bits, int64_t type) {
    float narrow = 0;
    double wide = 0;
    const uint32_t low = (uint32_t)(type == ONNX_BFLOAT16 ? bits << 16 : bits);
    switch (type) {
    case ONNX_FLOAT16:
        return half_to_double(bits);
    case ONNX_DOUBLE:
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    default:
        memcpy(&narrow, &low, sizeof narrow);
        return (double)narrow;
    }
}

static jc_value cell_from_raw(const unsigned char *bytes, size_t size, int64_t type) {
    uint64_t bits = 0;
    for (size_t i = size; i-- > 0;) {
        bits = bits << 8 | bytes[i];
    }
    if (onnx_type_is_real(type)) {
        return (jc_value){.real = bits_to_real(bits, type)};
    }
    const bool is_signed = type == ONNX_INT8 || type == ONNX_INT16 || type == ONNX_INT32;
    if (is_signed && size < 8 && (bits >> (8 * size - 1) & 1) != 0) {
        bits |= UINT64_MAX << (8 * size);
    }
    return (jc_value){.i = (int64_t)bits};
}

static jc_status fail_tensor(lowering *w, const onnx_tensor *tensor, const char *what) {
    return onnx_lower_fail(w, JC_EPARSE, "tensor '%.*s' %s",
                           (int)(tensor->name.size < 80 ? tensor->name.size : 80),
                           tensor->name.size == 0 ? "" : tensor->name.data, what);
}

static jc_status read_cells(lowering *w, const onnx_tensor *tensor, size_t n, onnx_value *out) {
    const bool is_real = onnx_type_is_real(tensor->type);
    const bool has_half_bits = tensor->type == ONNX_FLOAT16 || tensor->type == ONNX_BFLOAT16;
    const size_t size = type_bytes(tensor->type);
    const size_t given = tensor->raw.size > 0 && size > 0 ? tensor->raw.size / size
                         : is_real && !has_half_bits      ? tensor->n_reals
                                                          : tensor->n_ints;
    if (given == 0 || size == 0) {
        return JC_OK; // contents elsewhere, or texts
    }
    if (given != n || (tensor->raw.size > 0 && tensor->raw.size != n * size)) {
        return fail_tensor(w, tensor, "has not as many values as its shape says");
    }
    jc_value *cells = jc_arena_take(w->arena, n, sizeof *cells);
    if (cells == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    for (size_t i = 0; i < n; ++i) {
        if (tensor->raw.size > 0) {
            cells[i] = cell_from_raw((const unsigned char *)tensor->raw.data + i * size, size,
                                     tensor->type);
        } else if (has_half_bits) {
            cells[i].real = bits_to_real((uint64_t)tensor->ints[i], tensor->type);
        } else if (is_real) {
            cells[i].real = tensor->reals[i];
        } else {
            cells[i].i = tensor->ints[i];
        }
    }
    out->cells = cells;
    return JC_OK;
}

jc_status onnx_tensor_to_value(lowering *w, const onnx_tensor *tensor, onnx_value *out) {
    if (tensor->rank > ONNX_MAX_RANK) {
        return fail_tensor(w, tensor, "has more than 8 axes");
    }
    for (int i = 0; i < tensor->rank; ++i) {
        if (tensor->dim[i] < 0) {
            return fail_tensor(w, tensor, "has a negative size");
        }
    }
    out->shape = onnx_shape_of(tensor->rank, tensor->dim);
    const int64_t n = onnx_shape_elements(&out->shape);
    if (n > JC_MAX_ELEMENTS) {
        return fail_tensor(w, tensor, "has more than 2^42 values");
    }
    out->is_known = true;
    out->is_constant = true;
    out->type = tensor->type;
    out->layer = ONNX_NO_LAYER;
    return n > 0 && n <= ONNX_MAX_CONTENTS && !tensor->is_large
               ? read_cells(w, tensor, (size_t)n, out)
               : JC_OK;
}
