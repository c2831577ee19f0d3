// SPDX-License-Identifier: Apache-2.0
// Pooling, softmax and local response normalisation: cuDNN from one tensor to another.
#include "emit.h"

#include "dnn.h"
#include "kernels.h"

#include "runtime/exec/shared/window.h"

#include <stdlib.h>

typedef enum unary_kind { UNARY_POOL, UNARY_SOFTMAX, UNARY_LRN } unary_kind;

/** State of an instruction. */
typedef struct unary {
    unary_kind kind;
    cudnnTensorDescriptor_t x, y;
    cudnnPoolingDescriptor_t pooling;
    cudnnLRNDescriptor_t lrn;
} unary;

static void release(void *state) {
    unary *u = state;
    if (u->x != NULL) {
        (void)cudnnDestroyTensorDescriptor(u->x);
    }
    if (u->y != NULL) {
        (void)cudnnDestroyTensorDescriptor(u->y);
    }
    if (u->pooling != NULL) {
        (void)cudnnDestroyPoolingDescriptor(u->pooling);
    }
    if (u->lrn != NULL) {
        (void)cudnnDestroyLRNDescriptor(u->lrn);
    }
    free(u);
}

static jc_status run(cu_program *p, void *state, void *const *data, jc_error *err) {
    const unary *u = state;
    const cudnnHandle_t dnn = p->gpu->dnn;
    const float one = 1;
    const float zero = 0;
    switch (u->kind) {
    case UNARY_POOL:
        return gpu_check_dnn(
            cudnnPoolingForward(dnn, u->pooling, &one, u->x, data[0], &zero, u->y, data[1]),
            "this pooling", err);
    case UNARY_SOFTMAX:
        return gpu_check_dnn(cudnnSoftmaxForward(dnn, CUDNN_SOFTMAX_ACCURATE,
                                                 CUDNN_SOFTMAX_MODE_CHANNEL, &one, u->x, data[0],
                                                 &zero, u->y, data[1]),
                             "this softmax", err);
    case UNARY_LRN:
        return gpu_check_dnn(cudnnLRNCrossChannelForward(dnn, u->lrn, CUDNN_LRN_CROSS_CHANNEL_DIM1,
                                                         &one, u->x, data[0], &zero, u->y, data[1]),
                             "this local response normalisation", err);
    }
    return JC_OK;
}

// A state with both tensors described; NULL after a failure.
static unary *create(cu_program *p, unary_kind kind, const layout *x, const layout *y) {
    unary *u = calloc(1, sizeof *u);
    if (u == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return NULL;
    }
    u->kind = kind;
    dnn_describe_tensor(p, x, &u->x);
    dnn_describe_tensor(p, y, &u->y);
    return u;
}

// Append it, unless something has failed.
static void add(cu_program *p, unary *u, tensor_id input, tensor_id result) {
    if (u != NULL && p->status == JC_OK) {
        cu_add(p, &(cu_instruction){.run = run, .state = u, .release = release}, 2,
               (tensor_id[]){input, result});
    } else if (u != NULL) {
        release(u);
    }
}

// --- Pooling -----------------------------------------------------------------------------------

static bool counts_padding(const node *n) {
    return node_integer(n, "count_include_pad", 1) != 0;
}

static void describe_pooling(cu_program *p, const node *n, unary *u) {
    const int64_t *s = n->kernel->size;
    const cudnnPoolingMode_t mode = n->kernel->kind == JC_KERNEL_MAX_POOL2D ? CUDNN_POOLING_MAX
                                    : counts_padding(n)
                                        ? CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING
                                        : CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING;
    if (p->status == JC_OK &&
        dnn_ok(p, cudnnCreatePoolingDescriptor(&u->pooling), "this pooling")) {
        (void)dnn_ok(p,
                     cudnnSetPooling2dDescriptor(
                         u->pooling, mode, CUDNN_NOT_PROPAGATE_NAN,
                         dnn_size(p, s[JC_WINDOW_KERNEL_H]), dnn_size(p, s[JC_WINDOW_KERNEL_W]),
                         dnn_size(p, s[JC_WINDOW_PADDING_H]), dnn_size(p, s[JC_WINDOW_PADDING_W]),
                         dnn_size(p, s[JC_WINDOW_STRIDE_H]), dnn_size(p, s[JC_WINDOW_STRIDE_W])),
                     "this pooling");
    }
}

// What cuDNN cannot tell: planes that end within a window, dilation.
static void add_own_pooling(cu_program *p, const node *n, tensor_id input, tensor_id result) {
    enum { WINDOW_COLUMNS = JC_WINDOW_DILATION_W - JC_WINDOW_KERNEL_H + 1 };
    kernel_plan k = kernel_begin_image(p, "pool", input, result);
    kernel_define(&k, "MAX=%d", n->kernel->kind == JC_KERNEL_MAX_POOL2D ? 1 : 0);
    kernel_define(&k, "COUNT_PADDING=%d", counts_padding(n) ? 1 : 0);
    for (int i = 0; i < WINDOW_COLUMNS; ++i) { // window, stride, padding, dilation
        k.args.n[IMAGE_NUMBERS + i] = n->kernel->size[JC_WINDOW_KERNEL_H + i];
    }
    kernel_add(p, &k);
}

tensor_id cu_emit_pool(cu_program *p, const node *n) {
    const int64_t *s = n->kernel->size;
    const int64_t dims[] = {s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_IN_CHANNELS],
                            s[JC_WINDOW_OUT_HEIGHT], s[JC_WINDOW_OUT_WIDTH]};
    const tensor_id input = cu_image(p, n->inputs[0]);
    const layout x = *cu_md(p, input);
    const layout y = cu_image_layout(p, x.type, dims);
    const bool same_order = (layout_is_channels_last(&x) && layout_is_channels_last(&y)) ||
                            (layout_is_plain(&x) && layout_is_plain(&y));
    const bool is_known = window_is_symmetric(s, false) && s[JC_WINDOW_DILATION_H] == 1 &&
                          s[JC_WINDOW_DILATION_W] == 1 && same_order;
    const tensor_id result = cu_result(p, &y);
    if (p->status != JC_OK) {
        return 0;
    }
    if (!is_known) {
        add_own_pooling(p, n, input, result);
        return result;
    }
    unary *u = create(p, UNARY_POOL, &x, &y);
    if (u != NULL) {
        describe_pooling(p, n, u);
    }
    add(p, u, input, result);
    return result;
}

// --- Softmax, local response normalisation -------------------------------------------------------

// Sizes before an axis, along it and after it.
static layout around_axis(const layout *md, int axis) {
    int64_t dims[] = {1, md->dim[axis], 1, 1};
    for (int i = 0; i < axis; ++i) {
        dims[0] *= md->dim[i];
    }
    for (int i = axis + 1; i < md->rank; ++i) {
        dims[2] *= md->dim[i];
    }
    return layout_plain(md->type, 4, dims);
}

tensor_id cu_emit_softmax(cu_program *p, const node *n) {
    const tensor_id input = cu_plain(p, n->inputs[0]);
    if (p->status != JC_OK) {
        return 0;
    }
    layout y = *cu_md(p, input);
    y.offset = 0;
    const int axis = (int)node_integer(n, "dim", y.rank - 1);
    const layout seen = around_axis(&y, axis < 0 ? axis + y.rank : axis);
    const tensor_id result = cu_result(p, &y);
    add(p, p->status == JC_OK ? create(p, UNARY_SOFTMAX, &seen, &seen) : NULL, input, result);
    return result;
}

tensor_id cu_emit_lrn(cu_program *p, const node *n) {
    const tensor_id input = cu_plain(p, n->inputs[0]);
    layout y = *cu_md(p, input);
    y.offset = 0;
    const tensor_id result = cu_result(p, &y);
    if (p->status != JC_OK) {
        return 0;
    }
    unary *u = create(p, UNARY_LRN, &y, &y);
    if (u != NULL && p->status == JC_OK &&
        dnn_ok(p, cudnnCreateLRNDescriptor(&u->lrn), "this local response normalisation")) {
        (void)dnn_ok(p,
                     cudnnSetLRNDescriptor(u->lrn, (unsigned)dnn_size(p, n->kernel->size[4]),
                                           node_real(n, "alpha", 1e-4), node_real(n, "beta", 0.75),
                                           node_real(n, "k", 1)),
                     "this local response normalisation");
    }
    add(p, u, input, result);
    return result;
}
