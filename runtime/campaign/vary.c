// SPDX-License-Identifier: Apache-2.0
// Each kind's sizes hang together in a way of their own: they are taken apart, varied, and put
// together again.
#include "vary.h"

#include <math.h>
#include <string.h>

// A size times a factor between low and high, evenly by ratio.
static int64_t scale(int64_t size, double u, double low, double high) {
    const double scaled = (double)size * exp(log(low) + u * (log(high) - log(low)));
    return scaled < 1.5 ? 1 : (int64_t)llround(scaled);
}

// Channels and features, half of them as round as designers make them.
static int64_t scale_channels(int64_t size, double u, const double *point) {
    const int64_t scaled = scale(size, u, 0.4, 1.6);
    return scaled >= 16 && point[POINT_ROUNDING] < 0.5 ? (scaled + 4) / 8 * 8 : scaled;
}

// Of the pictures that networks look at, enough are grey to tell what the colours cost, and some as
// small as MNIST's digits.
static const double GREY_SHARE = 0.25;
enum { DIGIT_SIDE = 28 };

static bool is_pool(jc_kernel_kind kind) {
    return kind == JC_KERNEL_MAX_POOL2D || kind == JC_KERNEL_AVG_POOL2D;
}

static bool is_window(jc_kernel_kind kind) {
    return kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D || is_pool(kind);
}

static bool is_depthwise(const jc_kernel *k) {
    return !is_pool(k->kind) && k->size[JC_WINDOW_GROUPS] > 1 &&
           k->size[JC_WINDOW_GROUPS] == k->size[JC_WINDOW_IN_CHANNELS];
}

// Sizes of outputs are derived anew.
static bool complete(jc_kernel *k) {
    if (is_window(k->kind)) {
        k->size[JC_WINDOW_OUT_HEIGHT] = 0;
        k->size[JC_WINDOW_OUT_WIDTH] = 0;
        for (int axis = 0; axis < 2; ++axis) { // as PyTorch's pools demand
            if (is_pool(k->kind) &&
                2 * k->size[JC_WINDOW_PADDING_H + axis] > k->size[JC_WINDOW_KERNEL_H + axis]) {
                return false;
            }
        }
    }
    return jc_kernel_complete(k, NULL) == JC_OK;
}

static void set_window(jc_kernel *k, int64_t window, int64_t dilation) {
    for (int axis = 0; axis < 2; ++axis) {
        k->size[JC_WINDOW_KERNEL_H + axis] = window;
        k->size[JC_WINDOW_DILATION_H + axis] = dilation;
        k->size[JC_WINDOW_PADDING_H + axis] = dilation * (window / 2);
        if (k->kind == JC_KERNEL_CONV_TRANSPOSE2D && window % 2 == 0) {
            k->size[JC_WINDOW_PADDING_H + axis] = window / 2 - 1;
        }
        if (is_pool(k->kind)) {
            k->size[JC_WINDOW_PADDING_H + axis] = window == 2 ? 0 : window / 2;
        }
    }
}

static void set_channels(jc_kernel *k, int64_t in, int64_t out) {
    k->size[JC_WINDOW_IN_CHANNELS] = in;
    if (is_pool(k->kind)) {
        return;
    }
    if (is_depthwise(k)) {
        k->size[JC_WINDOW_GROUPS] = in;
        out = in;
    }
    // What is shared by groups is a multiple of them.
    const int64_t groups = k->size[JC_WINDOW_GROUPS];
    k->size[JC_WINDOW_IN_CHANNELS] = in < groups ? groups : in / groups * groups;
    k->size[JC_WINDOW_OUT_CHANNELS] = out < groups ? groups : out / groups * groups;
}

// A picture of three colours that is to be a grey one.
static bool becomes_grey(const jc_kernel *k, const double *point) {
    return k->kind == JC_KERNEL_CONV2D && k->size[JC_WINDOW_IN_CHANNELS] == 3 &&
           k->size[JC_WINDOW_IN_HEIGHT] >= DIGIT_SIDE && point[POINT_PICTURE] < GREY_SHARE;
}

// Depthwise must be asked before the channels change; a base of that sort keeps it.
static void vary_channels(jc_kernel *k, const double *point) {
    const bool depthwise = is_depthwise(k);
    const int64_t in = scale_channels(k->size[JC_WINDOW_IN_CHANNELS], point[POINT_FACTOR], point);
    // So few channels are colours, which no designer varies.
    const int64_t colours = becomes_grey(k, point) ? 1 : k->size[JC_WINDOW_IN_CHANNELS];
    const int64_t kept = colours <= 4 ? colours : in;
    const int64_t out = is_pool(k->kind) ? 0
                                         : scale_channels(k->size[JC_WINDOW_OUT_CHANNELS],
                                                          point[POINT_FACTOR + 1], point);
    if (depthwise) {
        k->size[JC_WINDOW_IN_CHANNELS] = kept;
        k->size[JC_WINDOW_OUT_CHANNELS] = kept;
        k->size[JC_WINDOW_GROUPS] = kept;
    } else {
        set_channels(k, kept, out);
    }
}

static bool vary_window(jc_kernel *k, const double *point) {
    static const int64_t windows[] = {1, 3, 5, 7}, pool_windows[] = {2, 3, 5, 3};
    static const int64_t transposed[] = {2, 3, 4, 4};
    int64_t *s = k->size;
    const bool whole_plane = is_pool(k->kind) && s[JC_WINDOW_KERNEL_H] == s[JC_WINDOW_IN_HEIGHT] &&
                             s[JC_WINDOW_KERNEL_W] == s[JC_WINDOW_IN_WIDTH];
    const bool is_grey = becomes_grey(k, point);
    vary_channels(k, point);
    for (int axis = 0; axis < 2; ++axis) {
        int64_t *side = &s[JC_WINDOW_IN_HEIGHT + axis];
        const double digit = DIGIT_SIDE / (double)*side;
        *side = scale(*side, point[POINT_FACTOR + 2], is_grey ? fmin(0.5, digit) : 0.5, 1.6);
        if (whole_plane) {
            s[JC_WINDOW_KERNEL_H + axis] = *side;
            s[JC_WINDOW_STRIDE_H + axis] = *side;
        }
    }
    const double variant = point[POINT_VARIANT];
    if (!whole_plane && variant > 0.75) {
        const int i = (int)((variant - 0.75) * 16);
        set_window(k,
                   is_pool(k->kind)                        ? pool_windows[i]
                   : k->kind == JC_KERNEL_CONV_TRANSPOSE2D ? transposed[i]
                                                           : windows[i],
                   1);
    } else if (k->kind == JC_KERNEL_CONV2D && variant > 0.71 && s[JC_WINDOW_KERNEL_H] > 1) {
        set_window(k, 3, 2);
    }
    return complete(k);
}

// add, mul: operands of the result's size, or one of them repeated over the plane.
static void scale_combined(int64_t *s, const double *point) {
    if (s[2] % s[1] == 0) {
        const int64_t operands = s[2] / s[1];
        s[1] = scale(s[1], point[POINT_FACTOR], 0.25, 4);
        s[2] = operands * s[1];
        return;
    }
    const int64_t part = s[2] > s[1] ? s[2] - s[1] : s[1];
    const int64_t plane = s[1] / part < 1 ? 1 : s[1] / part;
    const int64_t channels = scale_channels(part, point[POINT_FACTOR], point);
    s[1] = channels * scale(plane, point[POINT_FACTOR + 1], 0.25, 2.5);
    s[2] = s[1] + channels;
}

// Sizes at `first` and the two after it, the last ones left out where n is smaller.
static void scale_features(int64_t *s, int first, int n, const double *point) {
    for (int i = 0; i < n; ++i) {
        s[first + i] = scale_channels(s[first + i], point[POINT_FACTOR + i], point);
    }
}

static void scale_plane(int64_t *s, double u) {
    s[2] = scale(s[2], u, 0.5, 1.6);
    s[3] = scale(s[3], u, 0.5, 1.6);
}

static void scale_attention(int64_t *s, const double *point) {
    const bool own = s[2] == s[3];
    s[1] = scale(s[1], point[POINT_FACTOR], 0.3, 1.6);
    s[2] = scale(s[2], point[POINT_FACTOR + 1], 0.25, 2);
    s[3] = own ? s[2] : scale(s[3], point[POINT_FACTOR + 1], 0.25, 2);
    if (point[POINT_VARIANT] > 0.6) {
        s[4] = s[5] = INT64_C(16) << (int)((point[POINT_VARIANT] - 0.6) * 10); // 16 to 128
    }
}

// Channels of an image, or one piece an operand.
static void scale_concat(int64_t *s, const double *point) {
    const int64_t plane = s[1] / s[2];
    const int64_t axis_size = scale_channels(s[2], point[POINT_FACTOR], point);
    s[2] = axis_size < s[3] ? s[3] : axis_size;
    s[1] = s[2] * (plane == 1 ? 1 : scale(plane, point[POINT_FACTOR + 1], 0.25, 2.5));
}

// Rows, such as groups of channels, stay; columns, units and planes vary.
static void scale_copy(int64_t *s, const double *point) {
    const int64_t columns = s[1] / (s[2] * s[3] * s[4]);
    s[3] = s[3] == 1 ? 1 : scale_channels(s[3], point[POINT_FACTOR], point);
    s[4] = s[4] == 1 ? 1 : scale(s[4], point[POINT_FACTOR + 1], 0.25, 2.5);
    s[1] = s[2] * s[3] * s[4];
    s[1] *= columns == 1 ? 1 : scale(columns, point[POINT_FACTOR + 2], 0.4, 1.6);
}

bool vary_sizes(jc_kernel *k, const double point[SOBOL_DIMENSIONS]) {
    int64_t *s = k->size;
    if (is_window(k->kind)) {
        return vary_window(k, point);
    }
    switch ((int)k->kind) {
    case JC_KERNEL_LINEAR:
        scale_features(s, 1, 2, point);
        break;
    case JC_KERNEL_MATMUL:
        scale_features(s, 1, 3, point);
        break;
    case JC_KERNEL_ATTENTION:
        scale_attention(s, point);
        break;
    case JC_KERNEL_BATCH_NORM:
    case JC_KERNEL_LRN:
        scale_features(s, 1, 1, point);
        scale_plane(s, point[POINT_FACTOR + 1]);
        break;
    case JC_KERNEL_UPSAMPLE: {
        const int64_t ratio = s[4] / s[2] < 1 ? 1 : s[4] / s[2];
        scale_features(s, 1, 1, point);
        scale_plane(s, point[POINT_FACTOR + 1]);
        s[4] = ratio * s[2];
        s[5] = ratio * s[3];
        break;
    }
    case JC_KERNEL_GROUP_NORM: {
        const int64_t groups = s[4];
        scale_features(s, 1, 1, point);
        scale_plane(s, point[POINT_FACTOR + 1]);
        s[1] = (s[1] + groups - 1) / groups * groups;
        break;
    }
    case JC_KERNEL_RECURRENT:
        scale_features(s, 1, 3, point);
        break;
    case JC_KERNEL_LAYER_NORM:
    case JC_KERNEL_REDUCE:
    case JC_KERNEL_SOFTMAX: {
        const int64_t count = scale(s[1] / s[2], point[POINT_FACTOR + 1], 0.25, 2);
        s[2] = scale_channels(s[2], point[POINT_FACTOR], point);
        s[1] = s[2] * count;
        break;
    }
    case JC_KERNEL_ADD:
    case JC_KERNEL_MUL:
        scale_combined(s, point);
        break;
    case JC_KERNEL_CONCAT:
    case JC_KERNEL_COPY:
        if (!complete(k)) { // a pattern beyond all limits
            return false;
        }
        (k->kind == JC_KERNEL_COPY ? scale_copy : scale_concat)(s, point);
        break;
    case JC_KERNEL_EMBEDDING:
        s[0] = scale(s[0], point[POINT_FACTOR + 2], 0.1, 4);
        scale_features(s, 1, 2, point);
        break;
    default:
        s[1] = scale(s[1], point[POINT_FACTOR], 0.25, 4);
        break;
    }
    return complete(k);
}

// --- Boundaries -----------------------------------------------------------------------------

// One of n choices.
static int choose(double u, int n) {
    return (int)(u * n);
}

bool vary_to_boundary(jc_kernel *k, const double point[SOBOL_DIMENSIONS]) {
    static const int64_t widths[] = {8, 16, 32, 64}, planes[] = {7, 14, 56, 112};
    int64_t *s = k->size;
    const int64_t beside = choose(point[POINT_VARIANT], 3) - 1;
    const int which = choose(point[POINT_FACTOR + 1], 4);
    if (!is_window(k->kind)) {
        int n = 0;
        (void)jc_kernel_columns(k->kind, &n);
        if (k->kind == JC_KERNEL_LINEAR || k->kind == JC_KERNEL_MATMUL || n == 2) {
            const int column = 1 + choose(point[POINT_FACTOR], n - 1);
            const double power = round(log2((double)s[column]));
            s[column] = (int64_t)ldexp(1, (int)fmax(3, power)) + beside;
            return complete(k);
        }
        return vary_sizes(k, point);
    }
    const bool transposed = k->kind == JC_KERNEL_CONV_TRANSPOSE2D;
    switch (choose(point[POINT_FACTOR], is_pool(k->kind) ? 2 : 5)) {
    case 0:
        set_channels(k, widths[which] + beside, is_pool(k->kind) ? 0 : s[JC_WINDOW_OUT_CHANNELS]);
        break;
    case 1:
        s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = planes[which];
        break;
    case 2:
        set_channels(k, s[JC_WINDOW_IN_CHANNELS], widths[which] + beside);
        break;
    case 3: {
        const int64_t channels = (s[JC_WINDOW_IN_CHANNELS] + 7) / 8 * 8;
        const int64_t groups[] = {1, 2, 8, channels};
        s[JC_WINDOW_IN_CHANNELS] = s[JC_WINDOW_OUT_CHANNELS] = channels;
        s[JC_WINDOW_GROUPS] = groups[which];
        break;
    }
    default:
        set_window(k, transposed ? 2 + which % 3 : s[JC_WINDOW_KERNEL_H] == 1 ? 3 : 1, 1);
        break;
    }
    return complete(k);
}

// --- Patterns -------------------------------------------------------------------------------

// Kinds that have nothing in common with a convolution.
static const int64_t usual_sizes[JC_KERNEL_COUNT][6] = {
    [JC_KERNEL_MATMUL] = {8, 196, 64, 196},
    [JC_KERNEL_ATTENTION] = {1, 8, 197, 197, 64, 64},
    [JC_KERNEL_RECURRENT] = {1, 32, 256, 256, 4, 1},
    [JC_KERNEL_EMBEDDING] = {128, 512, 20000},
};

jc_kernel vary_pattern(jc_kernel_kind kind, const jc_kernel *conv) {
    const int64_t *c = conv->size;
    const int64_t channels = c[JC_WINDOW_OUT_CHANNELS];
    const int64_t h = c[JC_WINDOW_OUT_HEIGHT];
    const int64_t w = c[JC_WINDOW_OUT_WIDTH];
    const int64_t elements = channels * h * w;
    jc_kernel k = {.kind = kind, .size = {1, elements}};
    if (usual_sizes[kind][0] > 0) {
        memcpy(k.size, usual_sizes[kind], sizeof usual_sizes[kind]);
    }
    switch ((int)kind) {
    case JC_KERNEL_CONV2D:
        return *conv;
    case JC_KERNEL_CONV_TRANSPOSE2D:
        k = *conv;
        k.kind = kind;
        k.size[JC_WINDOW_GROUPS] = 1;
        k.size[JC_WINDOW_STRIDE_H] = k.size[JC_WINDOW_STRIDE_W] = 2;
        set_window(&k, 4, 1);
        break;
    case JC_KERNEL_MAX_POOL2D:
    case JC_KERNEL_AVG_POOL2D:
        memcpy(k.size, (const int64_t[]){1, channels, h, w, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1},
               14 * sizeof k.size[0]);
        break;
    case JC_KERNEL_LINEAR:
        memcpy(k.size, (const int64_t[]){1, channels, 1000}, 3 * sizeof k.size[0]);
        break;
    case JC_KERNEL_BATCH_NORM:
    case JC_KERNEL_LRN:
        memcpy(k.size, (const int64_t[]){1, channels, h, w, kind == JC_KERNEL_LRN ? 5 : 0},
               5 * sizeof k.size[0]);
        break;
    case JC_KERNEL_UPSAMPLE:
        memcpy(k.size, (const int64_t[]){1, channels, h, w, 2 * h, 2 * w}, 6 * sizeof k.size[0]);
        break;
    case JC_KERNEL_GROUP_NORM:
        memcpy(k.size, (const int64_t[]){1, (channels + 7) / 8 * 8, h, w, 8}, 5 * sizeof k.size[0]);
        break;
    case JC_KERNEL_LAYER_NORM:
    case JC_KERNEL_REDUCE:
    case JC_KERNEL_SOFTMAX:
        k.size[2] = channels;
        break;
    case JC_KERNEL_ADD:
    case JC_KERNEL_MUL:
        k.size[2] = 2 * elements;
        break;
    case JC_KERNEL_CONCAT:
        k.size[2] = channels;
        break;
    default:
        break;
    }
    (void)complete(&k); // a pattern that does not fit is left out where it is varied
    return k;
}
