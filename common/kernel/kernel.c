// SPDX-License-Identifier: Apache-2.0
// The kernel table: columns and work of each kind.
#include <joulecast/kernel.h>

#include "common/number.h"

#include <inttypes.h>
#include <string.h>

// Columns and their number, as two fields of a row.
#define COLUMNS(names) names, (int)(sizeof(names) / sizeof((names)[0]))

typedef struct kernel_row {
    const char *name;
    const char *summary;
    const char *const *columns; ///< [n_columns]
    int n_columns;
    jc_work (*work)(const int64_t *size);
} kernel_row;

// Product of up to six sizes, saturating.
static int64_t product(int n, const int64_t *factors) {
    int64_t p = 1;
    for (int i = 0; i < n; ++i) {
        p = jc_mul_saturating(p, factors[i]);
    }
    return p;
}
#define PRODUCT(...)                                                                               \
    product((int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

// --- Windowed kernels -----------------------------------------------------------------------

static const char *const conv_columns[] = {"batch_size", "in_channels", "in_height",    "in_width",
                                           "out_height", "out_width",   "kernel_h",     "kernel_w",
                                           "stride_h",   "stride_w",    "padding_h",    "padding_w",
                                           "dilation_h", "dilation_w",  "out_channels", "groups"};
static const char *const pool_columns[] = {"batch_size", "in_channels", "in_height", "in_width",
                                           "out_height", "out_width",   "kernel_h",  "kernel_w",
                                           "stride_h",   "stride_w",    "padding_h", "padding_w",
                                           "dilation_h", "dilation_w"};

static int64_t in_plane(const int64_t *s) {
    return jc_mul_saturating(s[JC_WINDOW_IN_HEIGHT], s[JC_WINDOW_IN_WIDTH]);
}

static int64_t out_plane(const int64_t *s) {
    return jc_mul_saturating(s[JC_WINDOW_OUT_HEIGHT], s[JC_WINDOW_OUT_WIDTH]);
}

static jc_work convolution_work(const int64_t *s, int64_t positions) {
    const int64_t weights =
        PRODUCT(s[JC_WINDOW_OUT_CHANNELS], s[JC_WINDOW_IN_CHANNELS] / s[JC_WINDOW_GROUPS],
                s[JC_WINDOW_KERNEL_H], s[JC_WINDOW_KERNEL_W]);
    return (jc_work){
        .macs = PRODUCT(s[JC_WINDOW_BATCH_SIZE], positions, weights),
        .input_elements = PRODUCT(s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_IN_CHANNELS], in_plane(s)),
        .weight_elements = weights,
        .output_elements =
            PRODUCT(s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_OUT_CHANNELS], out_plane(s)),
    };
}

// Each weight meets every output position once.
static jc_work conv2d_work(const int64_t *s) {
    return convolution_work(s, out_plane(s));
}

// The transpose: each weight meets every input position once.
static jc_work conv_transpose2d_work(const int64_t *s) {
    return convolution_work(s, in_plane(s));
}

static jc_work pool_work(const int64_t *s) {
    return (jc_work){
        .input_elements = PRODUCT(s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_IN_CHANNELS], in_plane(s)),
        .output_elements = PRODUCT(s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_IN_CHANNELS], out_plane(s)),
    };
}

// --- Matrix products ------------------------------------------------------------------------

// batch_size: rows of the left matrix, samples times positions.
static const char *const linear_columns[] = {"batch_size", "in_features", "out_features"};

static jc_work linear_work(const int64_t *s) {
    const int64_t weights = jc_mul_saturating(s[1], s[2]);
    return (jc_work){
        .macs = jc_mul_saturating(s[0], weights),
        .input_elements = jc_mul_saturating(s[0], s[1]),
        .weight_elements = weights,
        .output_elements = jc_mul_saturating(s[0], s[2]),
    };
}

// batch_size products of [m x k] by [k x n].
static const char *const matmul_columns[] = {"batch_size", "m", "k", "n"};

static jc_work matmul_work(const int64_t *s) {
    return (jc_work){
        .macs = PRODUCT(s[0], s[1], s[2], s[3]),
        .input_elements = jc_mul_saturating(
            s[0], jc_add_saturating(jc_mul_saturating(s[1], s[2]), jc_mul_saturating(s[2], s[3]))),
        .output_elements = PRODUCT(s[0], s[1], s[3]),
    };
}

// softmax(Q·Kᵀ)·V for batch_size samples of `heads` heads; K and V share the heads of Q.
static const char *const attention_columns[] = {"batch_size", "heads",    "query_length",
                                                "key_length", "head_dim", "value_dim"};

static jc_work attention_work(const int64_t *s) {
    const int64_t n = jc_mul_saturating(s[0], s[1]);
    const int64_t dims = jc_add_saturating(s[4], s[5]);
    const int64_t q = jc_mul_saturating(s[2], s[4]);
    const int64_t kv = jc_mul_saturating(s[3], dims);
    return (jc_work){
        .macs = PRODUCT(n, s[2], s[3], dims),
        .input_elements = jc_mul_saturating(n, jc_add_saturating(q, kv)),
        .output_elements = PRODUCT(n, s[2], s[5]),
    };
}

// --- Normalisations and reductions along an axis --------------------------------------------

static const char *const image_columns[] = {"batch_size", "in_channels", "in_height", "in_width"};
static const char *const lrn_columns[] = {"batch_size", "in_channels", "in_height", "in_width",
                                          "size"};

static jc_work lrn_work(const int64_t *s) {
    const int64_t elements = PRODUCT(s[0], s[1], s[2], s[3]);
    return (jc_work){.input_elements = elements, .output_elements = elements};
}

// At inference: one scale and one shift a channel.
static jc_work batch_norm_work(const int64_t *s) {
    jc_work work = lrn_work(s);
    work.weight_elements = jc_mul_saturating(2, s[1]);
    return work;
}

// elements: of one sample. axis_size: how many of them are normalised together.
static const char *const axis_columns[] = {"batch_size", "elements", "axis_size"};

static jc_work elementwise_work(const int64_t *s) {
    const int64_t elements = jc_mul_saturating(s[0], s[1]);
    return (jc_work){.input_elements = elements, .output_elements = elements};
}

// elements: those read; one is written for each axis_size of them.
static jc_work reduce_work(const int64_t *s) {
    const int64_t elements = jc_mul_saturating(s[0], s[1]);
    return (jc_work){.input_elements = elements, .output_elements = elements / s[2]};
}

static jc_work layer_norm_work(const int64_t *s) {
    jc_work work = elementwise_work(s);
    work.weight_elements = jc_mul_saturating(2, s[2]);
    return work;
}

// --- Elementwise and movement ---------------------------------------------------------------

static const char *const elementwise_columns[] = {"batch_size", "elements"};
// elements: of one sample of the result; operand_elements: of one sample of all operands together.
static const char *const combine_columns[] = {"batch_size", "elements", "operand_elements"};

static jc_work combine_work(const int64_t *s) {
    return (jc_work){
        .input_elements = jc_mul_saturating(s[0], s[2]),
        .output_elements = jc_mul_saturating(s[0], s[1]),
    };
}

// elements: of one sample of the result; axis_size: how many of them lie along the axis that the
// operands follow each other on, which for images is their channels; elsewhere all, for each
// operand is then written in one piece.
static const char *const concat_columns[] = {"batch_size", "elements", "axis_size", "operands"};

// At each of `plane` positions, rows of units of so many values become columns of them; the number
// of columns follows. A plane is that of images whose channels move; elsewhere it is 1.
static const char *const copy_columns[] = {"batch_size", "elements", "rows", "unit", "plane"};

static const char *const upsample_columns[] = {"batch_size", "in_channels", "in_height",
                                               "in_width",   "out_height",  "out_width"};

static jc_work upsample_work(const int64_t *s) {
    return (jc_work){
        .input_elements = PRODUCT(s[0], s[1], s[2], s[3]),
        .output_elements = PRODUCT(s[0], s[1], s[4], s[5]),
    };
}

// batch_size: look-ups, samples times positions.
static const char *const embedding_columns[] = {"batch_size", "embedding_dim", "num_embeddings"};

// Only the rows that are looked up are read.
static jc_work embedding_work(const int64_t *s) {
    const int64_t moved = jc_mul_saturating(s[0], s[1]);
    return (jc_work){.input_elements = s[0], .weight_elements = moved, .output_elements = moved};
}

// `groups` sets of channels normalised together; a scale and a shift a channel.
static const char *const group_norm_columns[] = {"batch_size", "in_channels", "in_height",
                                                 "in_width", "groups"};

// Recurrent layers: gates (4 of an LSTM, 3 of a GRU, 1 of a plain one) for each step and direction.
static const char *const recurrent_columns[] = {"batch_size",  "length", "input_size",
                                                "hidden_size", "gates",  "directions"};

static jc_work recurrent_work(const int64_t *s) {
    const int64_t steps = PRODUCT(s[0], s[1], s[5]);
    const int64_t weights = PRODUCT(s[5], s[4], s[3], jc_add_saturating(s[2], s[3]));
    return (jc_work){
        .macs = PRODUCT(s[0], s[1], weights),
        .input_elements = PRODUCT(s[0], s[1], s[2]),
        .weight_elements = weights,
        .output_elements = jc_mul_saturating(steps, s[3]),
    };
}

#define ELEMENTWISE(kernel, text)                                                                  \
    { kernel, text, COLUMNS(elementwise_columns), elementwise_work }

static const kernel_row kernels[JC_KERNEL_COUNT] = {
    [JC_KERNEL_CONV2D] = {"conv2d", "2-D convolution: dense, grouped, depthwise",
                          COLUMNS(conv_columns), conv2d_work},
    [JC_KERNEL_CONV_TRANSPOSE2D] = {"conv_transpose2d", "transposed 2-D convolution",
                                    COLUMNS(conv_columns), conv_transpose2d_work},
    [JC_KERNEL_LINEAR] = {"linear", "matrix product with learned weights", COLUMNS(linear_columns),
                          linear_work},
    [JC_KERNEL_MATMUL] = {"matmul", "batched product of two activations", COLUMNS(matmul_columns),
                          matmul_work},
    [JC_KERNEL_ATTENTION] = {"scaled_dot_product_attention", "softmax(Q K^T) V, all heads",
                             COLUMNS(attention_columns), attention_work},
    [JC_KERNEL_MAX_POOL2D] = {"max_pool2d", "largest value of each window", COLUMNS(pool_columns),
                              pool_work},
    [JC_KERNEL_AVG_POOL2D] = {"avg_pool2d", "mean of each window", COLUMNS(pool_columns),
                              pool_work},
    [JC_KERNEL_BATCH_NORM] = {"batch_norm", "scale and shift a channel", COLUMNS(image_columns),
                              batch_norm_work},
    [JC_KERNEL_LAYER_NORM] = {"layer_norm", "normalise along the last axes", COLUMNS(axis_columns),
                              layer_norm_work},
    [JC_KERNEL_LRN] = {"lrn", "local response normalisation across channels", COLUMNS(lrn_columns),
                       lrn_work},
    [JC_KERNEL_SOFTMAX] = {"softmax", "softmax along one axis", COLUMNS(axis_columns),
                           elementwise_work},
    [JC_KERNEL_RELU] = ELEMENTWISE("relu", "max(0, x)"),
    [JC_KERNEL_RELU6] = ELEMENTWISE("relu6", "min(max(0, x), 6)"),
    [JC_KERNEL_LEAKY_RELU] = ELEMENTWISE("leaky_relu", "x, or a fixed slope times x below 0"),
    [JC_KERNEL_PRELU] = ELEMENTWISE("prelu", "x, or a learned slope times x below 0"),
    [JC_KERNEL_SIGMOID] = ELEMENTWISE("sigmoid", "1 / (1 + exp(-x))"),
    [JC_KERNEL_TANH] = ELEMENTWISE("tanh", "hyperbolic tangent"),
    [JC_KERNEL_GELU] = ELEMENTWISE("gelu", "x times the normal distribution function of x"),
    [JC_KERNEL_SILU] = ELEMENTWISE("silu", "x times sigmoid(x)"),
    [JC_KERNEL_HARDSWISH] = ELEMENTWISE("hardswish", "x relu6(x + 3) / 6"),
    [JC_KERNEL_HARDSIGMOID] = ELEMENTWISE("hardsigmoid", "relu6(x + 3) / 6"),
    [JC_KERNEL_ADD] = {"add", "elementwise sum, broadcasting", COLUMNS(combine_columns),
                       combine_work},
    [JC_KERNEL_MUL] = {"mul", "elementwise product, broadcasting", COLUMNS(combine_columns),
                       combine_work},
    [JC_KERNEL_CONCAT] = {"concat", "operands copied one after the other", COLUMNS(concat_columns),
                          elementwise_work},
    [JC_KERNEL_COPY] = {"copy", "values moved to another order", COLUMNS(copy_columns),
                        elementwise_work},
    [JC_KERNEL_UPSAMPLE] = {"upsample", "plane enlarged", COLUMNS(upsample_columns), upsample_work},
    [JC_KERNEL_EMBEDDING] = {"embedding", "rows of a table looked up", COLUMNS(embedding_columns),
                             embedding_work},
    [JC_KERNEL_POINTWISE] = ELEMENTWISE("pointwise", "any other function of one value"),
    [JC_KERNEL_REDUCE] = {"reduce", "mean, sum, largest … along axes", COLUMNS(axis_columns),
                          reduce_work},
    [JC_KERNEL_GROUP_NORM] = {"group_norm", "normalise groups of channels of each image",
                              COLUMNS(group_norm_columns), batch_norm_work},
    [JC_KERNEL_RECURRENT] = {"recurrent", "LSTM, GRU or plain recurrence over a sequence",
                             COLUMNS(recurrent_columns), recurrent_work},
    [JC_KERNEL_OTHER] = {"other", "unknown work, known by the bytes it moves",
                         COLUMNS(combine_columns), combine_work},
};

const char *jc_kernel_name(jc_kernel_kind kind) {
    return kind == JC_KERNEL_NONE ? "none" : kernels[kind].name;
}

jc_kernel_kind jc_kernel_find(const char *name) {
    int kind = 0;
    while (kind < JC_KERNEL_COUNT && strcmp(kernels[kind].name, name) != 0) {
        ++kind;
    }
    return (jc_kernel_kind)kind;
}

const char *jc_kernel_summary(jc_kernel_kind kind) {
    return kernels[kind].summary;
}

const char *const *jc_kernel_columns(jc_kernel_kind kind, int *out_n) {
    *out_n = kernels[kind].n_columns;
    return kernels[kind].columns;
}

jc_work jc_kernel_work(const jc_kernel *kernel) {
    return kernels[kernel->kind].work(kernel->size);
}

// --- Completing a foreign row ---------------------------------------------------------------

static bool is_windowed(jc_kernel_kind kind) {
    return kernels[kind].columns == conv_columns || kernels[kind].columns == pool_columns;
}

static void default_to_one(int64_t *size) {
    if (*size == 0) {
        *size = 1;
    }
}

// Output size of a window along one axis; ≤ 0 where the window does not fit.
static int64_t window_output(const int64_t *s, int axis, bool transposed) {
    const int64_t in = s[JC_WINDOW_IN_HEIGHT + axis];
    const int64_t span = jc_add_saturating(
        jc_mul_saturating(s[JC_WINDOW_DILATION_H + axis], s[JC_WINDOW_KERNEL_H + axis] - 1), 1);
    const int64_t stride = s[JC_WINDOW_STRIDE_H + axis];
    const int64_t padding = s[JC_WINDOW_PADDING_H + axis];
    if (transposed) {
        return jc_add_saturating(jc_mul_saturating(in - 1, stride), span) - 2 * padding;
    }
    const int64_t room = in + 2 * padding - span;
    return room < 0 ? 0 : room / stride + 1;
}

static jc_status complete_window(jc_kernel *kernel, jc_error *err) {
    int64_t *s = kernel->size;
    for (int c = JC_WINDOW_STRIDE_H; c <= JC_WINDOW_STRIDE_W; ++c) {
        default_to_one(&s[c]);
    }
    for (int c = JC_WINDOW_DILATION_H; c <= JC_WINDOW_DILATION_W; ++c) {
        default_to_one(&s[c]);
    }
    if (kernels[kernel->kind].columns == conv_columns) {
        default_to_one(&s[JC_WINDOW_GROUPS]);
        if (s[JC_WINDOW_IN_CHANNELS] % s[JC_WINDOW_GROUPS] != 0 ||
            s[JC_WINDOW_OUT_CHANNELS] % s[JC_WINDOW_GROUPS] != 0) {
            return jc_error_set(
                err, JC_ESHAPE, NULL, 0,
                "groups %" PRId64 " must divide in_channels %" PRId64 " and out_channels %" PRId64,
                s[JC_WINDOW_GROUPS], s[JC_WINDOW_IN_CHANNELS], s[JC_WINDOW_OUT_CHANNELS]);
        }
    }
    for (int axis = 0; axis < 2; ++axis) {
        int64_t *out = &s[JC_WINDOW_OUT_HEIGHT + axis];
        if (*out == 0) {
            *out = window_output(s, axis, kernel->kind == JC_KERNEL_CONV_TRANSPOSE2D);
        }
        if (*out <= 0) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "%s %" PRId64 " exceeds the padded input: %s %" PRId64
                                " with padding %" PRId64,
                                kernels[kernel->kind].columns[JC_WINDOW_KERNEL_H + axis],
                                s[JC_WINDOW_KERNEL_H + axis],
                                kernels[kernel->kind].columns[JC_WINDOW_IN_HEIGHT + axis],
                                s[JC_WINDOW_IN_HEIGHT + axis], s[JC_WINDOW_PADDING_H + axis]);
        }
    }
    return JC_OK;
}

// Two operands that are one piece each, of a sample's elements.
static jc_status complete_concat(jc_kernel *kernel, jc_error *err) {
    int64_t *s = kernel->size;
    s[2] = s[2] == 0 ? s[1] : s[2];
    s[3] = s[3] == 0 ? (s[2] > 1 ? 2 : 1) : s[3];
    if (s[1] > 0 && (s[1] % s[2] != 0 || s[3] > s[2])) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "axis_size %" PRId64 " must divide elements %" PRId64
                            " and hold %" PRId64 " operands",
                            s[2], s[1], s[3]);
    }
    return JC_OK;
}

// Units of up to 64 values (a head of attention, a part of a plane), in as few rows as divide them,
// with an end to the search.
static void lay_out_copy(int64_t *s) {
    enum { MOST_ROWS = 4096 };
    int64_t unit = 1;
    while (unit < 64 && s[1] % (2 * unit) == 0) {
        unit *= 2;
    }
    const int64_t units = s[1] / unit;
    int64_t rows = 2;
    while (rows < MOST_ROWS && rows * rows <= units && units % rows != 0) {
        ++rows;
    }
    s[2] = rows * rows <= units && units % rows == 0 ? rows : 1;
    s[3] = unit;
}

static jc_status complete_copy(jc_kernel *kernel, jc_error *err) {
    int64_t *s = kernel->size;
    if (s[1] > 0 && s[2] == 0 && s[3] == 0 && s[4] == 0) {
        lay_out_copy(s);
    }
    for (int c = 2; c <= 4; ++c) {
        default_to_one(&s[c]);
    }
    if (s[1] % jc_mul_saturating(s[2], jc_mul_saturating(s[3], s[4])) != 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "rows %" PRId64 " of units of %" PRId64 " at %" PRId64
                            " positions must divide elements %" PRId64,
                            s[2], s[3], s[4], s[1]);
    }
    return JC_OK;
}

// As large as tensors may be (JC_MAX_ELEMENTS): a kernel of a graph is one that a row can have.
static jc_status check_sizes(const jc_kernel *kernel, const char *const *columns, int n_columns,
                             jc_error *err) {
    for (int c = 0; c < n_columns; ++c) {
        if (kernel->size[c] < 0 || kernel->size[c] > JC_MAX_ELEMENTS) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "%s is %" PRId64 ", which is not between 0 and 2^42", columns[c],
                                kernel->size[c]);
        }
    }
    return JC_OK;
}

jc_status jc_kernel_complete(jc_kernel *kernel, jc_error *err) {
    int n_columns = 0;
    const char *const *columns = jc_kernel_columns(kernel->kind, &n_columns);
    const bool windowed = is_windowed(kernel->kind);
    jc_status status = check_sizes(kernel, columns, n_columns, err);
    if (status == JC_OK && windowed) {
        // The window rule divides by what the loop below requires of the other kinds.
        for (int c = JC_WINDOW_BATCH_SIZE; c <= JC_WINDOW_KERNEL_W; ++c) {
            if (c != JC_WINDOW_OUT_HEIGHT && c != JC_WINDOW_OUT_WIDTH && kernel->size[c] == 0) {
                return jc_error_set(err, JC_ESHAPE, NULL, 0, "%s is missing or 0", columns[c]);
            }
        }
        status = complete_window(kernel, err);
        if (status == JC_OK) { // what was left out has been computed
            status = check_sizes(kernel, columns, n_columns, err);
        }
    }
    if (status == JC_OK && kernel->kind == JC_KERNEL_CONCAT) {
        status = complete_concat(kernel, err);
    }
    if (status == JC_OK && kernel->kind == JC_KERNEL_COPY) {
        status = complete_copy(kernel, err);
    }
    if (status != JC_OK) {
        return status;
    }
    for (int c = 0; c < n_columns; ++c) {
        const bool may_be_zero = windowed && (c == JC_WINDOW_PADDING_H || c == JC_WINDOW_PADDING_W);
        if (kernel->size[c] == 0 && !may_be_zero) {
            return jc_error_set(err, JC_ESHAPE, NULL, 0, "%s is missing or 0", columns[c]);
        }
    }
    return JC_OK;
}

// --- Identity -------------------------------------------------------------------------------

bool jc_kernel_equal(const jc_kernel *a, const jc_kernel *b) {
    return a->kind == b->kind && a->precision == b->precision && a->reuse_bytes == b->reuse_bytes &&
           memcmp(a->size, b->size, sizeof a->size) == 0;
}

uint64_t jc_kernel_hash(const jc_kernel *kernel) {
    // Multiply-xor over words (the mixing step of FNV-1a, 64 bits at a time, then a final avalanche
    // as in MurmurHash3): tables index by the low bits.
    uint64_t h = (uint64_t)kernel->kind * JC_PRECISION_COUNT + (uint64_t)kernel->precision;
    for (int c = 0; c < kernels[kernel->kind].n_columns; ++c) {
        h = (h ^ (uint64_t)kernel->size[c]) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    if (kernel->reuse_bytes != 0) {
        h = (h ^ (uint64_t)kernel->reuse_bytes) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    h *= UINT64_C(0xFF51AFD7ED558CCD);
    return h ^ (h >> 33);
}
