// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Named quantities of a kernel: what the terms of a model are made of.
 *
 * A quantity is a column of the kernel ("in_channels") or follows from its columns by a rule that
 * holds for any device: work, bytes moved, sizes seen as a matrix product, sizes rounded up to a
 * vector width, and flags of the cases that libraries treat apart (depthwise, 1x1).
 */
#ifndef JC_PROFILE_QUANTITY_H
#define JC_PROFILE_QUANTITY_H

#include <joulecast/kernel.h>

// One list: enum suffix, name in files, meaning. A kernel is seen as `groups` matrix products
// [rows x depth] · [depth x width]; kernels without MACs have depth 1 (or their window).
#define JC_QUANTITY_MAP(X)                                                                         \
    X(CALLS, "calls", "1: what a call costs whatever its size")                                    \
    X(MACS, "macs", "multiply-accumulates; 1 for kernels without")                                 \
    X(INPUT_BYTES, "input_bytes", "activations read once")                                         \
    X(WEIGHT_BYTES, "weight_bytes", "learned values read once; 1 for kernels without")             \
    X(OUTPUT_BYTES, "output_bytes", "activations written")                                         \
    X(MOVED_BYTES, "moved_bytes", "input, weights and output")                                     \
    X(ROWS, "rows", "output positions of the whole batch")                                         \
    X(IN_ROWS, "input_rows", "input positions of the whole batch")                                 \
    X(LINES, "lines", "output lines of the whole batch: batch_size · out_height")                  \
    X(DEPTH, "depth", "products summed for one output value, in one group")                        \
    X(WIDTH, "width", "output channels or features of one group")                                  \
    X(SAMPLE_ROWS, "sample_rows", "output positions of one sample")                                \
    X(WINDOW, "window", "kernel_h · kernel_w; 1 without a window")                                 \
    X(GROUP_CHANNELS, "group_channels", "input channels or features of one group")                 \
    X(PATCH_BYTES, "patch_bytes", "input once for each use: rows · depth · groups")                \
    X(WINDOW_READS, "window_reads", "elements read: output elements · window")                     \
    X(STRIDE, "stride", "stride_h · stride_w; 1 without a window")                                 \
    X(SAMPLE_BYTES, "sample_bytes", "input and output bytes of one sample")                        \
    X(GROUP_CHANNELS_8, "group_channels_8", "group_channels rounded up to a multiple of 8")        \
    X(GROUP_CHANNELS_16, "group_channels_16", "group_channels rounded up to a multiple of 16")     \
    X(WIDTH_8, "width_8", "width rounded up to a multiple of 8")                                   \
    X(WIDTH_16, "width_16", "width rounded up to a multiple of 16")                                \
    X(ROWS_8, "rows_8", "rows rounded up to a multiple of 8")                                      \
    X(ROWS_16, "rows_16", "rows rounded up to a multiple of 16")                                   \
    X(FILL_IN_8, "fill_in_8", "group_channels rounded up to 8, over group_channels")               \
    X(FILL_IN_16, "fill_in_16", "the same for 16")                                                 \
    X(FILL_OUT_8, "fill_out_8", "width rounded up to 8, over width")                               \
    X(FILL_OUT_16, "fill_out_16", "the same for 16")                                               \
    X(OUTPUT_ELEMENTS, "output_elements", "values written")                                        \
    X(PADDED_INPUT, "padded_input_bytes", "input bytes, padding included")                         \
    X(SPATIAL, "plane", "in_height · in_width; 1 without a plane")                                 \
    X(OVERLAP, "overlap", "window / stride: uses of each input value")                             \
    X(GROUPS, "group_count", "groups; 1 for kernels without")                                      \
    X(CHANNELS, "channels", "input channels or features")                                          \
    X(NARROW, "narrow", "the smaller of group_channels and width")                                 \
    X(WIDE, "wide", "the larger of group_channels and width")                                      \
    X(ALIGNMENT, "alignment", "largest power of two, 32 at most, that divides channels")           \
    X(REUSE, "reuse_bytes", "weights used between two uses of one; 1 where it is not said")

typedef enum jc_quantity {
    JC_QUANTITY_FIRST_DERIVED = JC_KERNEL_MAX_COLUMNS, ///< below: columns of the kernel
    JC_QUANTITY_BEFORE_DERIVED = JC_QUANTITY_FIRST_DERIVED - 1,
#define JC_QUANTITY_ENUM(id, name, meaning) JC_QUANTITY_##id,
    JC_QUANTITY_MAP(JC_QUANTITY_ENUM)
#undef JC_QUANTITY_ENUM
        JC_QUANTITY_COUNT,
} jc_quantity;

/** Name of a quantity of a kind; static storage. */
const char *jc_quantity_name(jc_kernel_kind kind, int quantity);

/** Find a quantity of a kind by name; −1 if the kind has none of that name. JC_KERNEL_NONE has the
 *  derived quantities alone: what all kinds share. */
int jc_quantity_find(jc_kernel_kind kind, const char *name);

/** All quantities of a kernel; every derived one is at least 1.
 *  @param out_q [JC_QUANTITY_COUNT] */
void jc_quantity_compute(const jc_kernel *kernel, double *out_q);

#endif
