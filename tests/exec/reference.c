// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- Convolutions ----------------------------------------------------------------------------

static int64_t at4(const int64_t *dims, int64_t n, int64_t c, int64_t h, int64_t w) {
    return ((n * dims[1] + c) * dims[2] + h) * dims[3] + w;
}

typedef struct conv_dims {
    int64_t x[4], y[4], w[4]; // w: out channels, in channels of a group, kernel
    int64_t per_group_in, per_group_out;
} conv_dims;

static conv_dims dims_of(const int64_t *s) {
    const int64_t groups = s[JC_WINDOW_GROUPS];
    conv_dims d = {.x = {s[0], s[1], s[2], s[3]},
                   .y = {s[0], s[JC_WINDOW_OUT_CHANNELS], s[4], s[5]},
                   .per_group_in = s[1] / groups,
                   .per_group_out = s[JC_WINDOW_OUT_CHANNELS] / groups};
    d.w[0] = s[JC_WINDOW_OUT_CHANNELS];
    d.w[1] = d.per_group_in;
    d.w[2] = s[JC_WINDOW_KERNEL_H];
    d.w[3] = s[JC_WINDOW_KERNEL_W];
    return d;
}

// Where the window at output position o has its cell k, in the input; may be outside.
static int64_t position(const int64_t *s, int axis, int64_t o, int64_t k) {
    return o * s[JC_WINDOW_STRIDE_H + axis] - s[JC_WINDOW_PADDING_H + axis] +
           k * s[JC_WINDOW_DILATION_H + axis];
}

static double window_sum(const int64_t *s, const conv_dims *d, const float *x, const float *weights,
                         const int64_t at[4]) {
    const int64_t group = at[1] / d->per_group_out;
    double sum = 0;
    for (int64_t c = 0; c < d->per_group_in; ++c) {
        for (int64_t i = 0; i < d->w[2]; ++i) {
            for (int64_t j = 0; j < d->w[3]; ++j) {
                const int64_t h = position(s, 0, at[2], i);
                const int64_t w = position(s, 1, at[3], j);
                if (h >= 0 && h < d->x[2] && w >= 0 && w < d->x[3]) {
                    sum += (double)x[at4(d->x, at[0], group * d->per_group_in + c, h, w)] *
                           (double)weights[at4(d->w, at[1], c, i, j)];
                }
            }
        }
    }
    return sum;
}

void reference_conv(const int64_t *size, const float *x, const float *weights, const float *bias,
                    double *y) {
    const conv_dims d = dims_of(size);
    int64_t at[4];
    for (at[0] = 0; at[0] < d.y[0]; ++at[0]) {
        for (at[1] = 0; at[1] < d.y[1]; ++at[1]) {
            for (at[2] = 0; at[2] < d.y[2]; ++at[2]) {
                for (at[3] = 0; at[3] < d.y[3]; ++at[3]) {
                    y[at4(d.y, at[0], at[1], at[2], at[3])] =
                        window_sum(size, &d, x, weights, at) +
                        (bias == NULL ? 0 : (double)bias[at[1]]);
                }
            }
        }
    }
}

// Each input value is spread over a window of the output.
static void spread(const int64_t *s, const conv_dims *d, double value, const float *weights,
                   const int64_t at[4], double *y) {
    const int64_t group = at[1] / d->per_group_in;
    for (int64_t o = 0; o < d->per_group_out; ++o) {
        for (int64_t i = 0; i < d->w[2]; ++i) {
            for (int64_t j = 0; j < d->w[3]; ++j) {
                const int64_t h = position(s, 0, at[2], i);
                const int64_t w = position(s, 1, at[3], j);
                const int64_t channel = group * d->per_group_out + o;
                if (h >= 0 && h < d->y[2] && w >= 0 && w < d->y[3]) {
                    y[at4(d->y, at[0], channel, h, w)] +=
                        value * (double)weights[at4(d->w, channel, at[1] % d->per_group_in, i, j)];
                }
            }
        }
    }
}

void reference_conv_transpose(const int64_t *size, const float *x, const float *weights,
                              const float *bias, double *y) {
    const conv_dims d = dims_of(size);
    const int64_t plane = d.y[2] * d.y[3];
    for (int64_t i = 0; i < d.y[0] * d.y[1] * plane; ++i) {
        y[i] = (double)bias[i / plane % d.y[1]];
    }
    int64_t at[4];
    for (at[0] = 0; at[0] < d.x[0]; ++at[0]) {
        for (at[1] = 0; at[1] < d.x[1]; ++at[1]) {
            for (at[2] = 0; at[2] < d.x[2]; ++at[2]) {
                for (at[3] = 0; at[3] < d.x[3]; ++at[3]) {
                    spread(size, &d, (double)x[at4(d.x, at[0], at[1], at[2], at[3])], weights, at,
                           y);
                }
            }
        }
    }
}

// --- Products --------------------------------------------------------------------------------

void reference_linear(const int64_t *size, const float *x, const float *weights, const float *bias,
                      double *y) {
    for (int64_t row = 0; row < size[0]; ++row) {
        for (int64_t o = 0; o < size[2]; ++o) {
            double sum = (double)bias[o];
            for (int64_t i = 0; i < size[1]; ++i) {
                sum += (double)x[row * size[1] + i] * (double)weights[o * size[1] + i];
            }
            y[row * size[2] + o] = sum;
        }
    }
}

void reference_matmul(const int64_t *size, const float *a, const float *b, double *y) {
    const int64_t m = size[1];
    const int64_t k = size[2];
    const int64_t n = size[3];
    for (int64_t at = 0; at < size[0] * m * n; ++at) {
        const int64_t row = at / n; // of all the matrices on top of each other
        const int64_t stack = row / m;
        double sum = 0;
        for (int64_t i = 0; i < k; ++i) {
            sum += (double)a[row * k + i] * (double)b[(stack * k + i) * n + at % n];
        }
        y[at] = sum;
    }
}

void reference_attention(const int64_t *size, const float *q, const float *k, const float *v,
                         bool causal, double *y) {
    const int64_t queries = size[2];
    const int64_t keys = size[3];
    double *weight = calloc((size_t)keys, sizeof *weight);
    for (int64_t row = 0; row < size[0] * size[1] * queries; ++row) {
        const int64_t head = row / queries;
        const int64_t seen = causal ? row % queries + 1 : keys;
        double total = 0;
        for (int64_t j = 0; j < seen && j < keys; ++j) {
            double score = 0;
            for (int64_t e = 0; e < size[4]; ++e) {
                score += (double)q[row * size[4] + e] * (double)k[(head * keys + j) * size[4] + e];
            }
            weight[j] = exp(score / sqrt((double)size[4]));
            total += weight[j];
        }
        for (int64_t e = 0; e < size[5]; ++e) {
            double sum = 0;
            for (int64_t j = 0; j < seen && j < keys; ++j) {
                sum += weight[j] / total * (double)v[(head * keys + j) * size[5] + e];
            }
            y[row * size[5] + e] = sum;
        }
    }
    free(weight);
}

// --- Pooling ---------------------------------------------------------------------------------

static double pool_window(const jc_kernel *kernel, bool count_padding, const float *plane,
                          int64_t oh, int64_t ow) {
    const int64_t *s = kernel->size;
    const bool is_max = kernel->kind == JC_KERNEL_MAX_POOL2D;
    double result = is_max ? -(double)INFINITY : 0;
    int64_t n = 0;
    for (int64_t i = 0; i < s[JC_WINDOW_KERNEL_H]; ++i) {
        for (int64_t j = 0; j < s[JC_WINDOW_KERNEL_W]; ++j) {
            const int64_t h = position(s, 0, oh, i);
            const int64_t w = position(s, 1, ow, j);
            if (h >= 0 && h < s[2] && w >= 0 && w < s[3]) {
                const double value = (double)plane[h * s[3] + w];
                result = is_max ? fmax(result, value) : result + value;
                ++n;
            }
        }
    }
    n = count_padding ? s[JC_WINDOW_KERNEL_H] * s[JC_WINDOW_KERNEL_W] : n;
    return is_max ? result : result / (double)n;
}

void reference_pool(const jc_kernel *kernel, bool count_padding, const float *x, double *y) {
    const int64_t *s = kernel->size;
    for (int64_t plane = 0; plane < s[0] * s[1]; ++plane) {
        for (int64_t at = 0; at < s[4] * s[5]; ++at) {
            y[plane * s[4] * s[5] + at] =
                pool_window(kernel, count_padding, x + plane * s[2] * s[3], at / s[5], at % s[5]);
        }
    }
}

// --- Normalisations --------------------------------------------------------------------------

void reference_batch_norm(const int64_t *size, const float *x, const float *const norm[4],
                          double *y) {
    const int64_t plane = size[2] * size[3];
    for (int64_t i = 0; i < size[0] * size[1] * plane; ++i) {
        const int64_t c = i / plane % size[1];
        y[i] = ((double)x[i] - (double)norm[0][c]) / sqrt((double)norm[1][c] + 1e-5) *
                   (double)norm[2][c] +
               (double)norm[3][c];
    }
}

void reference_layer_norm(const int64_t *size, const float *x, const float *scale,
                          const float *shift, double *y) {
    const int64_t axis = size[2];
    for (int64_t row = 0; row < size[0] * size[1] / axis; ++row) {
        double mean = 0;
        double variance = 0;
        for (int64_t i = 0; i < axis; ++i) {
            mean += (double)x[row * axis + i] / (double)axis;
        }
        for (int64_t i = 0; i < axis; ++i) {
            variance += pow((double)x[row * axis + i] - mean, 2) / (double)axis;
        }
        for (int64_t i = 0; i < axis; ++i) {
            y[row * axis + i] =
                ((double)x[row * axis + i] - mean) / sqrt(variance + 1e-5) * (double)scale[i] +
                (double)shift[i];
        }
    }
}

void reference_group_norm(const int64_t *size, const float *x, const float *scale,
                          const float *shift, double *y) {
    const int64_t plane = size[2] * size[3];
    const int64_t n = size[1] / size[4] * plane; // values of a group
    for (int64_t group = 0; group < size[0] * size[4]; ++group) {
        double mean = 0;
        double squares = 0;
        for (int64_t i = group * n; i < (group + 1) * n; ++i) {
            mean += (double)x[i] / (double)n;
        }
        for (int64_t i = group * n; i < (group + 1) * n; ++i) {
            squares += pow((double)x[i] - mean, 2);
        }
        for (int64_t i = group * n; i < (group + 1) * n; ++i) {
            const int64_t c = i / plane % size[1];
            y[i] = ((double)x[i] - mean) / sqrt(squares / (double)n + 1e-5) * (double)scale[c] +
                   (double)shift[c];
        }
    }
}

// --- Recurrent layers ------------------------------------------------------------------------

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

// What a gate of a unit makes of a vector: w [n, gates, hidden] of one direction.
static double gate_sum(const double *v, int64_t n, const float *w, int64_t gates, int64_t hidden,
                       int64_t gate, int64_t unit) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        sum += v[i] * (double)w[(i * gates + gate) * hidden + unit];
    }
    return sum;
}

// A step of one direction: state h and cell c, [hidden] each, are renewed.
static void recurrent_step(const int64_t *size, const double *x, const float *wx, const float *wh,
                           const float *bias, double *h, double *c) {
    enum { MOST_UNITS = 64 };
    const int64_t gates = size[4];
    const int64_t hidden = size[3];
    double next[MOST_UNITS];
    for (int64_t u = 0; u < hidden; ++u) {
        double from_x[4] = {0};
        double from_h[4] = {0};
        for (int64_t g = 0; g < gates; ++g) {
            from_x[g] =
                gate_sum(x, size[2], wx, gates, hidden, g, u) + (double)bias[g * hidden + u];
            from_h[g] = gate_sum(h, hidden, wh, gates, hidden, g, u);
        }
        if (gates == 1) {
            next[u] = tanh(from_x[0] + from_h[0]);
        } else if (gates == 3) {
            const double update = logistic(from_x[0] + from_h[0]);
            const double reset = logistic(from_x[1] + from_h[1]);
            const double fresh =
                tanh(from_x[2] + reset * (from_h[2] + (double)bias[3 * hidden + u]));
            next[u] = update * h[u] + (1 - update) * fresh;
        } else {
            c[u] = logistic(from_x[1] + from_h[1]) * c[u] +
                   logistic(from_x[0] + from_h[0]) * tanh(from_x[2] + from_h[2]);
            next[u] = logistic(from_x[3] + from_h[3]) * tanh(c[u]);
        }
    }
    memcpy(h, next, (size_t)hidden * sizeof *h);
}

void reference_recurrent(const int64_t *size, const float *x, const float *weights_input,
                         const float *weights_state, const float *bias, double *y) {
    enum { MOST_UNITS = 64 };
    const int64_t length = size[1];
    const int64_t inputs = size[2];
    const int64_t hidden = size[3];
    const int64_t gates = size[4];
    const int64_t directions = size[5];
    for (int64_t sample = 0; sample < size[0]; ++sample) {
        for (int64_t d = 0; d < directions; ++d) {
            double h[MOST_UNITS] = {0};
            double c[MOST_UNITS] = {0};
            for (int64_t step = 0; step < length; ++step) {
                const int64_t t = d == 0 ? step : length - 1 - step;
                double v[MOST_UNITS];
                for (int64_t i = 0; i < inputs; ++i) {
                    v[i] = (double)x[(sample * length + t) * inputs + i];
                }
                recurrent_step(size, v, weights_input + d * inputs * gates * hidden,
                               weights_state + d * hidden * gates * hidden,
                               bias + d * (gates == 3 ? 4 : gates) * hidden, h, c);
                memcpy(y + ((sample * length + t) * directions + d) * hidden, h,
                       (size_t)hidden * sizeof *h);
            }
        }
    }
}

// x / (k + alpha/size · sum of squares of the channels around)^beta, torch.nn.LocalResponseNorm.
void reference_lrn(const int64_t *size, const float *x, double *y) {
    const int64_t plane = size[2] * size[3];
    for (int64_t i = 0; i < size[0] * size[1] * plane; ++i) {
        const int64_t c = i / plane % size[1];
        double squares = 0;
        for (int64_t near = c - size[4] / 2; near <= c + (size[4] - 1) / 2; ++near) {
            if (near >= 0 && near < size[1]) {
                squares += pow((double)x[i + (near - c) * plane], 2);
            }
        }
        y[i] = (double)x[i] / pow(1 + 1e-4 / (double)size[4] * squares, 0.75);
    }
}

void reference_softmax(const int64_t *size, const float *x, double *y) {
    const int64_t axis = size[2];
    for (int64_t row = 0; row < size[0] * size[1] / axis; ++row) {
        double total = 0;
        for (int64_t i = 0; i < axis; ++i) {
            total += exp((double)x[row * axis + i]);
        }
        for (int64_t i = 0; i < axis; ++i) {
            y[row * axis + i] = exp((double)x[row * axis + i]) / total;
        }
    }
}

// --- Elementwise, upsampling -----------------------------------------------------------------

static double clip(double x, double low, double high) {
    return fmin(fmax(x, low), high);
}

double reference_activation(jc_kernel_kind kind, double x) {
    switch ((int)kind) {
    case JC_KERNEL_RELU:
        return fmax(x, 0);
    case JC_KERNEL_RELU6:
        return clip(x, 0, 6);
    case JC_KERNEL_LEAKY_RELU:
        return x < 0 ? 0.01 * x : x;
    case JC_KERNEL_SIGMOID:
        return 1 / (1 + exp(-x));
    case JC_KERNEL_TANH:
        return tanh(x);
    case JC_KERNEL_GELU:
        return x * 0.5 * (1 + erf(x / sqrt(2)));
    case JC_KERNEL_SILU:
        return x / (1 + exp(-x));
    case JC_KERNEL_HARDSWISH:
        return x * clip(x + 3, 0, 6) / 6;
    case JC_KERNEL_HARDSIGMOID:
        return clip(x + 3, 0, 6) / 6;
    default:
        return (double)NAN;
    }
}

void reference_upsample(const int64_t *size, const float *x, double *y) {
    const int64_t out = size[4] * size[5];
    for (int64_t i = 0; i < size[0] * size[1] * out; ++i) {
        const int64_t h = i % out / size[5] * size[2] / size[4];
        const int64_t w = i % size[5] * size[3] / size[5];
        y[i] = (double)x[(i / out * size[2] + h) * size[3] + w];
    }
}
