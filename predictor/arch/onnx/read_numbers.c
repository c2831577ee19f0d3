// SPDX-License-Identifier: Apache-2.0
// Texts and numbers from a stream of nanopb.
#include "read_numbers.h"

#include <string.h>

bool onnx_read_text(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    const text_target *t = *arg;
    const onnx_reader *r = t->reader;
    // A field of another wire type comes in a buffer of nanopb's, not in the file.
    const char *data = stream->state;
    const size_t size = stream->bytes_left;
    if (data < r->bytes || data > r->bytes + r->length ||
        size > (size_t)(r->bytes + r->length - data)) {
        PB_RETURN_ERROR(stream, "a number where a text belongs");
    }
    *t->text = (onnx_text){data, size};
    return pb_read(stream, NULL, size);
}

// Room for one more number; false out of memory or over the limit of the file.
static bool make_room(number_target *t, bool reals) {
    onnx_reader *r = t->reader;
    if (r->n_numbers++ >= ONNX_MAX_NUMBERS) {
        r->is_over_limit = true;
        return false;
    }
    if (t->n == 0) {
        t->ints = t->few_ints;
        t->reals = t->few_reals;
        t->capacity = sizeof t->few_ints / sizeof t->few_ints[0];
    }
    if (t->n < t->capacity) {
        return true;
    }
    void *grown = jc_arena_take(r->arena, 2 * t->capacity, sizeof *t->ints);
    if (grown == NULL) {
        r->is_out_of_memory = true;
        return false;
    }
    if (reals) {
        t->reals = memcpy(grown, t->reals, t->n * sizeof *t->reals);
    } else {
        t->ints = memcpy(grown, t->ints, t->n * sizeof *t->ints);
    }
    t->capacity *= 2;
    return true;
}

// What lies behind the numbers that are kept is passed over in one step.
static bool cut(number_target *t, pb_istream_t *stream) {
    t->is_cut = true;
    return pb_read(stream, NULL, stream->bytes_left);
}

bool onnx_read_varints(number_target *t, pb_istream_t *stream, size_t most) {
    while (stream->bytes_left > 0) {
        if (t->n >= most) {
            return cut(t, stream);
        }
        uint64_t value = 0;
        if (!pb_decode_varint(stream, &value) || !make_room(t, false)) {
            return false;
        }
        t->ints[t->n++] = (int64_t)value;
    }
    return true;
}

bool onnx_read_floats(number_target *t, pb_istream_t *stream, size_t most) {
    while (stream->bytes_left > 0) {
        if (t->n >= most) {
            return cut(t, stream);
        }
        float value = 0;
        if (!pb_decode_fixed32(stream, &value) || !make_room(t, true)) {
            return false;
        }
        t->reals[t->n++] = (double)value;
    }
    return true;
}

bool onnx_read_doubles(number_target *t, pb_istream_t *stream, size_t most) {
    while (stream->bytes_left > 0) {
        if (t->n >= most) {
            return cut(t, stream);
        }
        double value = 0;
        if (!pb_decode_fixed64(stream, &value) || !make_room(t, true)) {
            return false;
        }
        t->reals[t->n++] = value;
    }
    return true;
}

bool onnx_number_keep_ints(const number_target *t, int64_t **out_ints, size_t *out_n) {
    int64_t *kept = jc_arena_take(t->reader->arena, t->n, sizeof *kept);
    if (kept == NULL) {
        t->reader->is_out_of_memory = true;
        return false;
    }
    if (t->n > 0) {
        memcpy(kept, t->ints, t->n * sizeof *kept);
    }
    *out_ints = kept;
    *out_n = t->n;
    return true;
}

bool onnx_number_keep_reals(const number_target *t, double **out_reals, size_t *out_n) {
    double *kept = jc_arena_take(t->reader->arena, t->n, sizeof *kept);
    if (kept == NULL) {
        t->reader->is_out_of_memory = true;
        return false;
    }
    if (t->n > 0) {
        memcpy(kept, t->reals, t->n * sizeof *kept);
    }
    *out_reals = kept;
    *out_n = t->n;
    return true;
}
