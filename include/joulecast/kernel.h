// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Kernels: the pieces of work that an executor runs, a dataset has rows of, and a profile prices.
 *
 * A kernel is a kind plus its sizes. The sizes are the columns of `<kernel>.csv`; the amount of
 * work (multiply-accumulates, bytes) follows from them alone, so a measured row and a layer of a
 * network are described by the same thing. Several operators may become one kind of kernel: every
 * pooling operator that averages becomes `avg_pool2d`.
 */
#ifndef JC_KERNEL_H
#define JC_KERNEL_H

#include <joulecast/shape.h>
#include <joulecast/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of kernel, in the order of the table in common/kernel/kernel.c. */
typedef enum jc_kernel_kind {
    JC_KERNEL_CONV2D, ///< dense, grouped and depthwise
    JC_KERNEL_CONV_TRANSPOSE2D,
    JC_KERNEL_LINEAR,
    JC_KERNEL_MATMUL,
    JC_KERNEL_ATTENTION,
    JC_KERNEL_MAX_POOL2D,
    JC_KERNEL_AVG_POOL2D,
    JC_KERNEL_BATCH_NORM,
    JC_KERNEL_LAYER_NORM,
    JC_KERNEL_LRN,
    JC_KERNEL_SOFTMAX,
    JC_KERNEL_RELU,
    JC_KERNEL_RELU6,
    JC_KERNEL_LEAKY_RELU,
    JC_KERNEL_PRELU,
    JC_KERNEL_SIGMOID,
    JC_KERNEL_TANH,
    JC_KERNEL_GELU,
    JC_KERNEL_SILU,
    JC_KERNEL_HARDSWISH,
    JC_KERNEL_HARDSIGMOID,
    JC_KERNEL_ADD,
    JC_KERNEL_MUL,
    JC_KERNEL_CONCAT,
    JC_KERNEL_COPY, ///< data movement: transpose, channel shuffle
    JC_KERNEL_UPSAMPLE,
    JC_KERNEL_EMBEDDING,
    JC_KERNEL_POINTWISE, ///< one value in, one out: exp, sqrt, clamp, …
    JC_KERNEL_REDUCE,    ///< mean, sum, largest … of an axis
    JC_KERNEL_GROUP_NORM,
    JC_KERNEL_RECURRENT, ///< LSTM, GRU: a product with each step's state
    JC_KERNEL_OTHER,     ///< known by the bytes it moves alone
    JC_KERNEL_COUNT,
    JC_KERNEL_NONE = JC_KERNEL_COUNT, ///< no work at inference
} jc_kernel_kind;

/** Columns of the windowed kernels (convolution, pooling), in this order.
 *  Padding at the far edge is not stored: it follows from the output size, which expresses `same`,
 *  ceil_mode and adaptive windows alike. Pooling leaves out_channels = in_channels, groups and
 *  dilation out. */
enum {
    JC_WINDOW_BATCH_SIZE,
    JC_WINDOW_IN_CHANNELS,
    JC_WINDOW_IN_HEIGHT,
    JC_WINDOW_IN_WIDTH,
    JC_WINDOW_OUT_HEIGHT,
    JC_WINDOW_OUT_WIDTH,
    JC_WINDOW_KERNEL_H,
    JC_WINDOW_KERNEL_W,
    JC_WINDOW_STRIDE_H,
    JC_WINDOW_STRIDE_W,
    JC_WINDOW_PADDING_H,
    JC_WINDOW_PADDING_W,
    JC_WINDOW_DILATION_H,
    JC_WINDOW_DILATION_W,
    JC_WINDOW_OUT_CHANNELS, ///< convolutions only, as the next
    JC_WINDOW_GROUPS,
};

enum { JC_KERNEL_MAX_COLUMNS = 16 };

/** One kernel: a kind and its sizes, in the order of jc_kernel_columns. */
typedef struct jc_kernel {
    jc_kernel_kind kind;
    jc_precision precision;
    int64_t size[JC_KERNEL_MAX_COLUMNS]; ///< entries past the kind's columns are 0
    /** Bytes of weights that are used between two uses of one of the kernel's, its own among them:
     *  all weights of the network that it is a part of. 0 = not said. What lies in caches between
     *  two uses follows (the reuse distance of Mattson et al., IBM Systems Journal 9, 1970). */
    int64_t reuse_bytes;
} jc_kernel;

/** What a kernel computes and moves. Elements, not bytes: see jc_kernel_quantities. */
typedef struct jc_work {
    int64_t macs;            ///< multiply-accumulates (1 MAC = 2 FLOP); 0 for kernels without
    int64_t input_elements;  ///< activations read once each
    int64_t weight_elements; ///< learned values read once each
    int64_t output_elements; ///< activations written
} jc_work;                   ///< entries saturate at INT64_MAX

/** Name of a kind, as in file names ("conv2d"); "none" for JC_KERNEL_NONE. */
const char *jc_kernel_name(jc_kernel_kind kind);

/** Find a kind by name; JC_KERNEL_NONE if there is none of that name. */
jc_kernel_kind jc_kernel_find(const char *name);

/** One line on what the kind computes. */
const char *jc_kernel_summary(jc_kernel_kind kind);

/**
 * Column names of a kind ("batch_size", "in_channels", …), in the order of jc_kernel.size.
 *
 * @param out_n  number of columns, ≤ JC_KERNEL_MAX_COLUMNS.
 * @return static storage.
 */
const char *const *jc_kernel_columns(jc_kernel_kind kind, int *out_n);

/**
 * Fill in the sizes a foreign row may leave out, and check all of them.
 *
 * A size of 0 means unknown. Strides, dilations and groups default to 1; output planes follow from
 * the window rule floor((in + 2·padding − dilation·(kernel − 1) − 1)/stride) + 1 with the same
 * padding at both edges. Padding 0 is a value, not unknown. A concat is of two operands that are
 * one piece each, unless it says more; a copy is of units of up to 64 values in as few rows as
 * divide them, unless it says any of rows, unit and plane.
 *
 * @retval JC_OK      every size is positive (padding ≥ 0) and they fit together
 * @retval JC_ESHAPE  (err->message names the column)
 */
JC_MUST_USE jc_status jc_kernel_complete(jc_kernel *kernel, jc_error *err);

/** Work of a kernel whose sizes are complete. */
jc_work jc_kernel_work(const jc_kernel *kernel);

/** True if both have the same kind, precision, sizes and reuse. */
bool jc_kernel_equal(const jc_kernel *a, const jc_kernel *b);

/** Hash of kind, precision, sizes and reuse, for tables of kernels seen before. */
uint64_t jc_kernel_hash(const jc_kernel *kernel);

/**
 * What an executor does within another kernel, as profiles and device.yaml tell it.
 *
 * A convolution or product may take in, in this order and each once, a batch normalisation, a sum
 * and an activation. Whether it does in a network is for jc_graph_kernel_of to find.
 */
typedef struct jc_fusion {
    uint64_t takes_in[JC_KERNEL_COUNT]; ///< by kind: the kinds that it takes in, as bits 1 << kind
} jc_fusion;                            ///< safe at {0}: each kernel by itself

/** Place of a kind among those that are taken in: 1 batch normalisation, 2 sum, 3 activation;
 *  0 for a kind that is a kernel by itself always. */
int jc_fusion_stage(jc_kernel_kind kind);

/** True if a kernel of kind `head` takes in one of kind `kind`. */
bool jc_fusion_takes(const jc_fusion *fusion, jc_kernel_kind head, jc_kernel_kind kind);

/** True if nothing is taken in by anything. */
bool jc_fusion_is_empty(const jc_fusion *fusion);

#ifdef __cplusplus
}
#endif

#endif
