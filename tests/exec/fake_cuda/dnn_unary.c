// SPDX-License-Identifier: Apache-2.0
// cuDNN from one tensor to another: pooling, softmax and local response normalisation by their
// definitions.
#include "dnn.h"

#include <math.h>

typedef struct unary {
    struct cudnnTensorStruct x, y;
    struct cudnnPoolingStruct pooling;
    struct cudnnLRNStruct lrn;
    const void *x_at;
    void *y_at;
} unary;

static double load_x(const unary *u, int n, int c, int h, int w) {
    return fake_load(fake_dnn_type(u->x.type), u->x_at, fake_dnn_at(&u->x, n, c, h, w));
}

static void store_y(const unary *u, int n, int c, int h, int w, double value) {
    fake_store(fake_dnn_type(u->y.type), u->y_at, fake_dnn_at(&u->y, n, c, h, w), value);
}

static double pool_window(const unary *u, int n, int c, int oh, int ow) {
    const struct cudnnPoolingStruct *p = &u->pooling;
    const bool is_max = p->mode == CUDNN_POOLING_MAX;
    double result = is_max ? -(double)INFINITY : 0;
    int count = 0;
    for (int i = 0; i < p->window[0] * p->window[1]; ++i) {
        const int h = oh * p->stride[0] - p->padding[0] + i / p->window[1];
        const int w = ow * p->stride[1] - p->padding[1] + i % p->window[1];
        if (h >= 0 && h < u->x.dim[2] && w >= 0 && w < u->x.dim[3]) {
            const double value = load_x(u, n, c, h, w);
            result = is_max ? fmax(result, value) : result + value;
            ++count;
        }
    }
    count = p->mode == CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING ? p->window[0] * p->window[1]
                                                                   : count;
    return is_max ? result : result / count;
}

static void run_pooling(const void *state) {
    const unary *u = state;
    for (int n = 0; n < u->y.dim[0]; ++n) {
        for (int c = 0; c < u->y.dim[1]; ++c) {
            for (int p = 0; p < u->y.dim[2] * u->y.dim[3]; ++p) {
                const int h = p / u->y.dim[3];
                const int w = p % u->y.dim[3];
                store_y(u, n, c, h, w, pool_window(u, n, c, h, w));
            }
        }
    }
}

// Both tensors are memory, and nothing else than one run over all of x.
static cudnnStatus_t put_unary(cudnnHandle_t handle, const void *beta, void (*run)(const void *),
                               const unary *u) {
    if (handle->alive != ALIVE || *(const float *)beta != 0 ||
        !fake_dnn_is_tensor(&u->x, u->x_at, "x") || !fake_dnn_is_tensor(&u->y, u->y_at, "y") ||
        u->x.type != u->y.type || u->x.dim[0] != u->y.dim[0] || u->x.dim[1] != u->y.dim[1]) {
        return fake_dnn_bad("a pooling, softmax or normalisation");
    }
    if (fake_is_to_fail()) {
        return CUDNN_STATUS_EXECUTION_FAILED;
    }
    fake_put(run, u, sizeof *u);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle, const cudnnPoolingDescriptor_t pooling,
                                  const void *alpha, const cudnnTensorDescriptor_t x,
                                  const void *x_at, const void *beta,
                                  const cudnnTensorDescriptor_t y, void *y_at) {
    (void)alpha;
    for (int axis = 0; axis < 2; ++axis) {
        const int room = x->dim[2 + axis] + 2 * pooling->padding[axis] - pooling->window[axis];
        if (room < 0 || room / pooling->stride[axis] + 1 != y->dim[2 + axis]) {
            return fake_dnn_bad("a pooling's planes");
        }
    }
    const unary u = {.x = *x, .y = *y, .pooling = *pooling, .x_at = x_at, .y_at = y_at};
    return put_unary(handle, beta, run_pooling, &u);
}

static void run_softmax(const void *state) {
    const unary *u = state;
    for (int n = 0; n < u->x.dim[0]; ++n) {
        for (int p = 0; p < u->x.dim[2] * u->x.dim[3]; ++p) {
            const int h = p / u->x.dim[3];
            const int w = p % u->x.dim[3];
            double most = -(double)INFINITY;
            double total = 0;
            for (int c = 0; c < u->x.dim[1]; ++c) {
                most = fmax(most, load_x(u, n, c, h, w));
            }
            for (int c = 0; c < u->x.dim[1]; ++c) {
                total += exp(load_x(u, n, c, h, w) - most);
            }
            for (int c = 0; c < u->x.dim[1]; ++c) {
                store_y(u, n, c, h, w, exp(load_x(u, n, c, h, w) - most) / total);
            }
        }
    }
}

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                                  cudnnSoftmaxMode_t mode, const void *alpha,
                                  const cudnnTensorDescriptor_t x, const void *x_at,
                                  const void *beta, const cudnnTensorDescriptor_t y, void *y_at) {
    (void)alpha;
    if (algorithm != CUDNN_SOFTMAX_ACCURATE || mode != CUDNN_SOFTMAX_MODE_CHANNEL) {
        return fake_dnn_bad("a softmax");
    }
    const unary u = {.x = *x, .y = *y, .x_at = x_at, .y_at = y_at};
    return put_unary(handle, beta, run_softmax, &u);
}

static void run_lrn(const void *state) {
    const unary *u = state;
    const int behind = ((int)u->lrn.n - 1) / 2;
    for (int n = 0; n < u->x.dim[0]; ++n) {
        for (int c = 0; c < u->x.dim[1]; ++c) {
            for (int p = 0; p < u->x.dim[2] * u->x.dim[3]; ++p) {
                const int h = p / u->x.dim[3];
                const int w = p % u->x.dim[3];
                double squares = 0;
                for (int i = 0; i < (int)u->lrn.n; ++i) {
                    const int near = c - behind + i;
                    squares +=
                        near >= 0 && near < u->x.dim[1] ? pow(load_x(u, n, near, h, w), 2) : 0;
                }
                store_y(u, n, c, h, w,
                        load_x(u, n, c, h, w) /
                            pow(u->lrn.k + u->lrn.alpha / u->lrn.n * squares, u->lrn.beta));
            }
        }
    }
}

cudnnStatus_t cudnnLRNCrossChannelForward(cudnnHandle_t handle, cudnnLRNDescriptor_t lrn,
                                          cudnnLRNMode_t mode, const void *alpha,
                                          const cudnnTensorDescriptor_t x, const void *x_at,
                                          const void *beta, const cudnnTensorDescriptor_t y,
                                          void *y_at) {
    (void)alpha;
    if (mode != CUDNN_LRN_CROSS_CHANNEL_DIM1) {
        return fake_dnn_bad("a normalisation");
    }
    const unary u = {.x = *x, .y = *y, .lrn = *lrn, .x_at = x_at, .y_at = y_at};
    return put_unary(handle, beta, run_lrn, &u);
}
