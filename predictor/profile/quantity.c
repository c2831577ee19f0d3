// SPDX-License-Identifier: Apache-2.0
// Named quantities of a kernel.
#include "quantity.h"

#include <math.h>
#include <string.h>

static const char *const derived_names[] = {
#define JC_QUANTITY_NAME(id, name, meaning) name,
    JC_QUANTITY_MAP(JC_QUANTITY_NAME)
#undef JC_QUANTITY_NAME
};

const char *jc_quantity_name(jc_kernel_kind kind, int quantity) {
    if (quantity >= JC_QUANTITY_FIRST_DERIVED) {
        return derived_names[quantity - JC_QUANTITY_FIRST_DERIVED];
    }
    int n_columns = 0;
    return jc_kernel_columns(kind, &n_columns)[quantity];
}

int jc_quantity_find(jc_kernel_kind kind, const char *name) {
    for (int q = JC_QUANTITY_FIRST_DERIVED; q < JC_QUANTITY_COUNT; ++q) {
        if (strcmp(derived_names[q - JC_QUANTITY_FIRST_DERIVED], name) == 0) {
            return q;
        }
    }
    int n_columns = 0;
    const char *const *columns =
        kind == JC_KERNEL_NONE ? NULL : jc_kernel_columns(kind, &n_columns);
    for (int c = 0; c < n_columns; ++c) {
        if (strcmp(columns[c], name) == 0) {
            return c;
        }
    }
    return -1;
}

// The kernel as matrix products, and its window.
typedef struct view {
    double rows;
    double sample_rows;
    double lines;
    double group_channels;
    double width;
    double window;
    double stride;
    double groups;
    double plane;
    double padded_plane;
} view;

static view view_window(const jc_kernel *kernel) {
    const int64_t *s = kernel->size;
    const bool pooling =
        kernel->kind == JC_KERNEL_MAX_POOL2D || kernel->kind == JC_KERNEL_AVG_POOL2D;
    const double out_plane = (double)s[JC_WINDOW_OUT_HEIGHT] * (double)s[JC_WINDOW_OUT_WIDTH];
    const double groups = pooling ? 1 : (double)s[JC_WINDOW_GROUPS];
    const double channels = (double)s[JC_WINDOW_IN_CHANNELS];
    return (view){
        .rows = (double)s[JC_WINDOW_BATCH_SIZE] * out_plane,
        .sample_rows = out_plane,
        .lines = (double)s[JC_WINDOW_BATCH_SIZE] * (double)s[JC_WINDOW_OUT_HEIGHT],
        .group_channels = channels / groups,
        .width = pooling ? channels : (double)s[JC_WINDOW_OUT_CHANNELS] / groups,
        .window = (double)s[JC_WINDOW_KERNEL_H] * (double)s[JC_WINDOW_KERNEL_W],
        .stride = (double)s[JC_WINDOW_STRIDE_H] * (double)s[JC_WINDOW_STRIDE_W],
        .groups = groups,
        .plane = (double)s[JC_WINDOW_IN_HEIGHT] * (double)s[JC_WINDOW_IN_WIDTH],
        .padded_plane = (double)(s[JC_WINDOW_IN_HEIGHT] + 2 * s[JC_WINDOW_PADDING_H]) *
                        (double)(s[JC_WINDOW_IN_WIDTH] + 2 * s[JC_WINDOW_PADDING_W]),
    };
}

// Elementwise and axis kernels: one row a sample, as wide as its elements.
static view view_elements(const jc_kernel *kernel, const jc_work *work) {
    const double batch = (double)kernel->size[0];
    const double elements = (double)work->output_elements / fmax(batch, 1);
    return (view){.rows = batch,
                  .sample_rows = 1,
                  .lines = batch,
                  .group_channels = elements,
                  .width = elements,
                  .window = 1,
                  .stride = 1,
                  .groups = 1,
                  .plane = 1,
                  .padded_plane = 1};
}

// add, mul: operand_elements beyond whole operands are one value for each row of a sample.
static view view_combination(const jc_kernel *kernel, const jc_work *work) {
    const int64_t *s = kernel->size; // batch_size, elements, operand_elements
    view v = view_elements(kernel, work);
    const double rows = s[1] > 0 && s[2] > s[1] ? (double)(s[2] % s[1]) : 0;
    if (rows > 0) {
        v.rows = (double)s[0] * rows;
        v.sample_rows = rows;
        v.group_channels = v.width = (double)s[1] / rows;
    }
    return v;
}

static view view_kernel(const jc_kernel *kernel, const jc_work *work) {
    const int64_t *s = kernel->size;
    view v = view_elements(kernel, work);
    switch (kernel->kind) {
    case JC_KERNEL_CONV2D:
    case JC_KERNEL_CONV_TRANSPOSE2D:
    case JC_KERNEL_MAX_POOL2D:
    case JC_KERNEL_AVG_POOL2D:
        return view_window(kernel);
    case JC_KERNEL_LINEAR:
        v.group_channels = (double)s[1];
        v.width = (double)s[2];
        return v;
    case JC_KERNEL_MATMUL: // batch_size, m, k, n
        v.rows = (double)s[0] * (double)s[1];
        v.sample_rows = (double)s[1];
        v.group_channels = (double)s[2];
        v.width = (double)s[3];
        return v;
    case JC_KERNEL_ATTENTION: // batch_size, heads, query_length, key_length, head_dim, value_dim
        v.rows = (double)s[0] * (double)s[1] * (double)s[2];
        v.sample_rows = (double)s[1] * (double)s[2];
        v.group_channels = (double)s[4];
        v.width = (double)s[3];
        return v;
    case JC_KERNEL_BATCH_NORM: // batch_size, in_channels, in_height, in_width, as the next two
    case JC_KERNEL_LRN:
    case JC_KERNEL_UPSAMPLE:
    case JC_KERNEL_GROUP_NORM:
        v.plane = (double)s[2] * (double)s[3];
        v.padded_plane = v.plane;
        v.group_channels = (double)s[1];
        v.width = (double)s[1];
        v.sample_rows = v.plane;
        v.rows = (double)s[0] * v.plane;
        return v;
    case JC_KERNEL_RECURRENT: // batch_size, length, input_size, hidden_size, gates, directions
        v.rows = (double)s[0] * (double)s[1];
        v.sample_rows = (double)s[1];
        v.group_channels = (double)s[2] + (double)s[3];
        v.width = (double)s[3] * (double)s[4] * (double)s[5];
        return v;
    case JC_KERNEL_ADD:
    case JC_KERNEL_MUL:
        return view_combination(kernel, work);
    case JC_KERNEL_CONCAT: // batch_size, elements, axis_size, operands
        v.plane = (double)s[1] / (double)s[2];
        v.padded_plane = v.plane;
        v.sample_rows = v.plane;
        v.rows = (double)s[0] * v.plane;
        v.width = (double)s[2];
        v.group_channels = (double)s[2] / (double)s[3];
        return v;
    case JC_KERNEL_COPY: // batch_size, elements, rows, unit, plane
        v.plane = (double)s[4];
        v.padded_plane = v.plane;
        v.sample_rows = (double)s[1] / (double)s[3];
        v.rows = (double)s[0] * v.sample_rows;
        v.width = (double)s[3];
        v.group_channels = v.width;
        return v;
    case JC_KERNEL_LAYER_NORM:
    case JC_KERNEL_SOFTMAX:
    case JC_KERNEL_RELU:
    case JC_KERNEL_RELU6:
    case JC_KERNEL_LEAKY_RELU:
    case JC_KERNEL_PRELU:
    case JC_KERNEL_SIGMOID:
    case JC_KERNEL_TANH:
    case JC_KERNEL_GELU:
    case JC_KERNEL_SILU:
    case JC_KERNEL_HARDSWISH:
    case JC_KERNEL_HARDSIGMOID:
    case JC_KERNEL_EMBEDDING:
    case JC_KERNEL_POINTWISE:
    case JC_KERNEL_REDUCE:
    case JC_KERNEL_OTHER:
    case JC_KERNEL_NONE:
        return v;
    }
    return v;
}

static double rounded_up(double value, double width) {
    return ceil(value / width) * width;
}

// Vectors are loaded whole where the innermost length is a multiple of them.
static double alignment(double length) {
    double power = 1;
    while (power < 32 && fmod(length, 2 * power) == 0) {
        power *= 2;
    }
    return power;
}

void jc_quantity_compute(const jc_kernel *kernel, double *out_q) {
    for (int c = 0; c < JC_KERNEL_MAX_COLUMNS; ++c) {
        out_q[c] = (double)kernel->size[c];
    }
    const jc_work work = jc_kernel_work(kernel);
    const view v = view_kernel(kernel, &work);
    const double bytes = (double)jc_precision_bytes(kernel->precision);
    const double macs = (double)work.macs;
    const double batch = fmax((double)kernel->size[0], 1);
    const double in_8 = rounded_up(v.group_channels, 8) / v.group_channels;
    const double in_16 = rounded_up(v.group_channels, 16) / v.group_channels;
    const double out_8 = rounded_up(v.width, 8) / v.width;
    const double out_16 = rounded_up(v.width, 16) / v.width;
    out_q[JC_QUANTITY_CALLS] = 1;
    out_q[JC_QUANTITY_MACS] = macs;
    out_q[JC_QUANTITY_INPUT_BYTES] = bytes * (double)work.input_elements;
    out_q[JC_QUANTITY_WEIGHT_BYTES] = bytes * (double)work.weight_elements;
    out_q[JC_QUANTITY_OUTPUT_BYTES] = bytes * (double)work.output_elements;
    out_q[JC_QUANTITY_MOVED_BYTES] =
        bytes *
        ((double)work.input_elements + (double)work.weight_elements + (double)work.output_elements);
    out_q[JC_QUANTITY_ROWS] = v.rows;
    out_q[JC_QUANTITY_LINES] = v.lines;
    out_q[JC_QUANTITY_IN_ROWS] = batch * v.plane;
    out_q[JC_QUANTITY_DEPTH] = v.group_channels * v.window;
    out_q[JC_QUANTITY_WIDTH] = v.width;
    out_q[JC_QUANTITY_SAMPLE_ROWS] = v.sample_rows;
    out_q[JC_QUANTITY_WINDOW] = v.window;
    out_q[JC_QUANTITY_GROUP_CHANNELS] = v.group_channels;
    out_q[JC_QUANTITY_PATCH_BYTES] = bytes * v.rows * v.group_channels * v.window * v.groups;
    out_q[JC_QUANTITY_WINDOW_READS] = (double)work.output_elements * v.window;
    out_q[JC_QUANTITY_STRIDE] = v.stride;
    out_q[JC_QUANTITY_SAMPLE_BYTES] =
        bytes * ((double)work.input_elements + (double)work.output_elements) / batch;
    out_q[JC_QUANTITY_GROUP_CHANNELS_8] = v.group_channels * in_8;
    out_q[JC_QUANTITY_GROUP_CHANNELS_16] = v.group_channels * in_16;
    out_q[JC_QUANTITY_WIDTH_8] = v.width * out_8;
    out_q[JC_QUANTITY_WIDTH_16] = v.width * out_16;
    out_q[JC_QUANTITY_ROWS_8] = rounded_up(v.rows, 8);
    out_q[JC_QUANTITY_ROWS_16] = rounded_up(v.rows, 16);
    out_q[JC_QUANTITY_FILL_IN_8] = in_8;
    out_q[JC_QUANTITY_FILL_IN_16] = in_16;
    out_q[JC_QUANTITY_FILL_OUT_8] = out_8;
    out_q[JC_QUANTITY_FILL_OUT_16] = out_16;
    out_q[JC_QUANTITY_OUTPUT_ELEMENTS] = (double)work.output_elements;
    out_q[JC_QUANTITY_PADDED_INPUT] =
        bytes * (double)work.input_elements * (v.padded_plane / v.plane);
    out_q[JC_QUANTITY_SPATIAL] = v.plane;
    out_q[JC_QUANTITY_OVERLAP] = v.window / v.stride;
    out_q[JC_QUANTITY_GROUPS] = v.groups;
    out_q[JC_QUANTITY_CHANNELS] = v.group_channels * v.groups;
    out_q[JC_QUANTITY_NARROW] = fmin(v.group_channels, v.width);
    out_q[JC_QUANTITY_WIDE] = fmax(v.group_channels, v.width);
    out_q[JC_QUANTITY_ALIGNMENT] = alignment(v.group_channels * v.groups);
    out_q[JC_QUANTITY_REUSE] = fmax((double)kernel->reuse_bytes, 1);
}
