// SPDX-License-Identifier: Apache-2.0
// cuDNN: what describes tensors and operations, and convolutions by their definition.
#include "dnn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORK_BYTES = 1000 };

// Creation and destruction of a kind of descriptor.
#define DESCRIPTOR(kind)                                                                           \
    cudnnStatus_t cudnnCreate##kind##Descriptor(cudnn##kind##Descriptor_t *out) {                  \
        if (fake_is_to_fail()) {                                                                   \
            return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;                             \
        }                                                                                          \
        *out = calloc(1, sizeof **out);                                                            \
        (*out)->alive = ALIVE;                                                                     \
        fake.n_live++;                                                                             \
        return CUDNN_STATUS_SUCCESS;                                                               \
    }                                                                                              \
    cudnnStatus_t cudnnDestroy##kind##Descriptor(cudnn##kind##Descriptor_t descriptor) {           \
        if (descriptor->alive != ALIVE) {                                                          \
            (void)fake_fault("a descriptor is destroyed twice");                                   \
            return CUDNN_STATUS_BAD_PARAM;                                                         \
        }                                                                                          \
        descriptor->alive = 0;                                                                     \
        free(descriptor);                                                                          \
        fake.n_live--;                                                                             \
        return CUDNN_STATUS_SUCCESS;                                                               \
    }
DESCRIPTOR(Tensor)
DESCRIPTOR(Filter)
DESCRIPTOR(Convolution)
DESCRIPTOR(Activation)
DESCRIPTOR(Pooling)
DESCRIPTOR(LRN)

cudnnStatus_t fake_dnn_bad(const char *what) {
    (void)fake_fault("cuDNN: %s", what);
    return CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *out) {
    if (fake_is_to_fail()) {
        return CUDNN_STATUS_NOT_INITIALIZED;
    }
    *out = calloc(1, sizeof **out);
    (*out)->alive = ALIVE;
    fake.n_live++;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    free(handle);
    fake.n_live--;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    return handle != NULL && stream != NULL ? CUDNN_STATUS_SUCCESS : fake_dnn_bad("no stream");
}

size_t cudnnGetVersion(void) {
    return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_SUCCESS         ? "CUDNN_STATUS_SUCCESS"
           : status == CUDNN_STATUS_BAD_PARAM     ? "CUDNN_STATUS_BAD_PARAM"
           : status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
                                                  : "CUDNN_STATUS_OTHER";
}

// --- Describing ------------------------------------------------------------------------------

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t d, cudnnDataType_t type, int n,
                                           int c, int h, int w, int n_stride, int c_stride,
                                           int h_stride, int w_stride) {
    const int dims[] = {n, c, h, w};
    const int strides[] = {n_stride, c_stride, h_stride, w_stride};
    for (int i = 0; i < 4; ++i) {
        if (dims[i] < 1 || strides[i] < 1) {
            return fake_dnn_bad("a tensor with a size or stride below 1");
        }
    }
    memcpy(d->dim, dims, sizeof dims);
    memcpy(d->stride, strides, sizeof strides);
    d->type = type;
    d->is_set = true;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    const int dims[] = {k, c, h, w};
    memcpy(d->dim, dims, sizeof dims);
    d->type = type;
    d->format = format;
    return k > 0 && c > 0 && h > 0 && w > 0 ? CUDNN_STATUS_SUCCESS : fake_dnn_bad("weights");
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute) {
    if (pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h < 1 ||
        dilation_w < 1 || mode != CUDNN_CROSS_CORRELATION) {
        return fake_dnn_bad("a convolution");
    }
    *d = (struct cudnnConvolutionStruct){.alive = ALIVE,
                                         .padding = {pad_h, pad_w},
                                         .stride = {stride_h, stride_w},
                                         .dilation = {dilation_h, dilation_w},
                                         .groups = 1,
                                         .compute = compute};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t math) {
    d->math = math;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t *math) {
    *math = d->math;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups) {
    d->groups = groups;
    return groups > 0 ? CUDNN_STATUS_SUCCESS : fake_dnn_bad("groups");
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t d,
                                           cudnnActivationMode_t mode, cudnnNanPropagation_t nan,
                                           double limit) {
    (void)nan, (void)limit;
    d->mode = mode;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t d, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t nan, int h, int w, int pad_h,
                                          int pad_w, int stride_h, int stride_w) {
    (void)nan;
    if (pad_h >= h || pad_w >= w || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1) {
        return fake_dnn_bad("a pooling");
    }
    *d = (struct cudnnPoolingStruct){ALIVE, mode, {h, w}, {pad_h, pad_w}, {stride_h, stride_w}};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetLRNDescriptor(cudnnLRNDescriptor_t d, unsigned n, double alpha, double beta,
                                    double k) {
    *d = (struct cudnnLRNStruct){ALIVE, n, alpha, beta, k};
    return n >= CUDNN_LRN_MIN_N && n <= CUDNN_LRN_MAX_N && k >= CUDNN_LRN_MIN_K &&
                   beta >= CUDNN_LRN_MIN_BETA
               ? CUDNN_STATUS_SUCCESS
               : fake_dnn_bad("a normalisation");
}

// --- Tensors ---------------------------------------------------------------------------------

cu_type fake_dnn_type(cudnnDataType_t type) {
    return type == CUDNN_DATA_HALF       ? CU_F16
           : type == CUDNN_DATA_BFLOAT16 ? CU_BF16
           : type == CUDNN_DATA_INT8     ? CU_S8
           : type == CUDNN_DATA_INT32    ? CU_S32
                                         : CU_F32;
}

size_t fake_dnn_at(const struct cudnnTensorStruct *d, int n, int c, int h, int w) {
    return (size_t)n * (size_t)d->stride[0] + (size_t)c * (size_t)d->stride[1] +
           (size_t)h * (size_t)d->stride[2] + (size_t)w * (size_t)d->stride[3];
}

bool fake_dnn_is_tensor(const struct cudnnTensorStruct *d, const void *values, const char *what) {
    if (d == NULL || d->alive != ALIVE || !d->is_set) {
        return fake_fault("%s has no descriptor", what);
    }
    const size_t last = fake_dnn_at(d, d->dim[0] - 1, d->dim[1] - 1, d->dim[2] - 1, d->dim[3] - 1);
    return fake_is_memory(values, (last + 1) * cu_type_bytes(fake_dnn_type(d->type)), 16, what);
}

static bool is_channels_last(const struct cudnnTensorStruct *d) {
    return d->stride[1] == 1 && d->stride[3] == d->dim[1];
}

static bool is_row_major(const struct cudnnTensorStruct *d) {
    return d->stride[3] == 1 && d->stride[2] == d->dim[3] && d->stride[1] == d->dim[2] * d->dim[3];
}

// --- Convolutions ----------------------------------------------------------------------------

typedef struct convolution {
    struct cudnnTensorStruct x, y, bias;
    struct cudnnFilterStruct w;
    struct cudnnConvolutionStruct conv;
    const void *x_at, *w_at, *z_at, *bias_at;
    void *y_at;
    double scale, z_scale;
    bool is_fused, has_relu;
} convolution;

static size_t at_weight(const struct cudnnFilterStruct *w, int k, int c, int i, int j) {
    const int *d = w->dim;
    return w->format == CUDNN_TENSOR_NHWC ? (size_t)(((k * d[2] + i) * d[3] + j) * d[1] + c)
                                          : (size_t)(((k * d[1] + c) * d[2] + i) * d[3] + j);
}

static double window_sum(const convolution *v, int n, int k, int oh, int ow) {
    const struct cudnnConvolutionStruct *c = &v->conv;
    const int group = k / (v->w.dim[0] / c->groups);
    double sum = 0;
    for (int i = 0; i < v->w.dim[2]; ++i) {
        const int h = oh * c->stride[0] - c->padding[0] + i * c->dilation[0];
        for (int j = 0; j < v->w.dim[3]; ++j) {
            const int w = ow * c->stride[1] - c->padding[1] + j * c->dilation[1];
            for (int ch = 0;
                 ch < v->w.dim[1] && h >= 0 && h < v->x.dim[2] && w >= 0 && w < v->x.dim[3]; ++ch) {
                sum += fake_load(fake_dnn_type(v->x.type), v->x_at,
                                 fake_dnn_at(&v->x, n, group * v->w.dim[1] + ch, h, w)) *
                       fake_load(fake_dnn_type(v->w.type), v->w_at, at_weight(&v->w, k, ch, i, j));
            }
        }
    }
    return sum;
}

static void run_convolution(const void *state) {
    const convolution *v = state;
    fake.n_convolutions++;
    fake.n_fused += v->is_fused;
    for (int n = 0; n < v->y.dim[0]; ++n) {
        for (int k = 0; k < v->y.dim[1]; ++k) {
            for (int p = 0; p < v->y.dim[2] * v->y.dim[3]; ++p) {
                const size_t to = fake_dnn_at(&v->y, n, k, p / v->y.dim[3], p % v->y.dim[3]);
                double value = v->scale * window_sum(v, n, k, p / v->y.dim[3], p % v->y.dim[3]);
                if (v->is_fused) {
                    value += v->z_scale == 0
                                 ? 0
                                 : v->z_scale * fake_load(fake_dnn_type(v->y.type), v->z_at, to);
                    value += fake_load(fake_dnn_type(v->bias.type), v->bias_at, (size_t)k);
                    value = v->has_relu ? fmax(value, 0) : value;
                }
                fake_store(fake_dnn_type(v->y.type), v->y_at, to, value);
            }
        }
    }
}

// The window rule, from the wide to the narrow tensor.
static bool planes_fit(const struct cudnnTensorStruct *wide, const struct cudnnTensorStruct *narrow,
                       const struct cudnnFilterStruct *w, const struct cudnnConvolutionStruct *c) {
    for (int axis = 0; axis < 2; ++axis) {
        const int span = c->dilation[axis] * (w->dim[2 + axis] - 1) + 1;
        const int room = wide->dim[2 + axis] + 2 * c->padding[axis] - span;
        if (room < 0 || room / c->stride[axis] + 1 != narrow->dim[2 + axis]) {
            return fake_fault("cuDNN: the window leads from %d to another size than %d",
                              wide->dim[2 + axis], narrow->dim[2 + axis]);
        }
    }
    return wide->dim[0] == narrow->dim[0];
}

// Whether all fit together: a convolution from `wide` to `narrow`, or the transpose back.
static bool fits(const struct cudnnTensorStruct *wide, const struct cudnnTensorStruct *narrow,
                 const struct cudnnFilterStruct *w, const struct cudnnConvolutionStruct *c) {
    if (wide->dim[1] != w->dim[1] * c->groups || narrow->dim[1] != w->dim[0] ||
        narrow->dim[1] % c->groups != 0) {
        return fake_fault("cuDNN: channels of a convolution do not fit");
    }
    if (wide->type != w->type || narrow->type != w->type) {
        return fake_fault("cuDNN: types of a convolution differ");
    }
    const bool last = w->format == CUDNN_TENSOR_NHWC;
    if (last ? !is_channels_last(wide) || !is_channels_last(narrow)
             : !is_row_major(wide) || !is_row_major(narrow)) {
        return fake_fault("cuDNN: layouts of a convolution differ from that of its weights");
    }
    const bool integers = w->type == CUDNN_DATA_INT8;
    if (integers && (!last || wide->dim[1] % 4 != 0 || narrow->dim[1] % 4 != 0 ||
                     c->compute != CUDNN_DATA_INT32)) {
        return fake_fault("cuDNN: no such convolution of int8");
    }
    if (!integers && c->compute != CUDNN_DATA_FLOAT) {
        return fake_fault("cuDNN: sums of real numbers are real");
    }
    return planes_fit(wide, narrow, w, c);
}

static size_t work_bytes(int algorithm) {
    return algorithm == (int)CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM
               ? 0
               : WORK_BYTES * (size_t)(algorithm + 1);
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t y, int asked,
    int *returned, cudnnConvolutionFwdAlgoPerf_t *out) {
    static const cudnnConvolutionFwdAlgo_t known[] = {
        CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
        CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_FFT};
    int n = 0;
    if (handle->alive != ALIVE || !fits(x, y, w, conv)) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    if (x->type == CUDNN_DATA_INT8) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    for (; n < asked && n < 4; ++n) {
        out[n] = (cudnnConvolutionFwdAlgoPerf_t){.algo = known[n],
                                                 .status = n == 3 ? CUDNN_STATUS_NOT_SUPPORTED
                                                                  : CUDNN_STATUS_SUCCESS,
                                                 .memory = work_bytes((int)known[n]),
                                                 .mathType = CUDNN_DEFAULT_MATH};
    }
    *returned = n;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t y,
    cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
    *bytes = work_bytes((int)algorithm);
    return handle->alive == ALIVE && fits(x, y, w, conv) ? CUDNN_STATUS_SUCCESS
                                                         : CUDNN_STATUS_BAD_PARAM;
}

static bool is_work_space(const void *space, size_t bytes, int algorithm) {
    if (bytes < work_bytes(algorithm)) {
        return fake_fault("cuDNN: %zu bytes of work space are too few", bytes);
    }
    return bytes == 0 || fake_is_memory(space, bytes, 16, "work space");
}

static bool is_refused(int algorithm, bool is_fused) {
    return algorithm == fake.refused_algorithm || (is_fused && fake.refuses_fusion);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      const cudnnTensorDescriptor_t x, const void *x_at,
                                      const cudnnFilterDescriptor_t w, const void *w_at,
                                      const cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *space,
                                      size_t bytes, const void *beta,
                                      const cudnnTensorDescriptor_t y, void *y_at) {
    if (handle->alive != ALIVE || *(const float *)beta != 0 || !fake_dnn_is_tensor(x, x_at, "x") ||
        !fake_dnn_is_tensor(y, y_at, "y") || !fits(x, y, w, conv) ||
        !is_work_space(space, bytes, (int)algorithm)) {
        return fake_dnn_bad("a convolution");
    }
    if (is_refused((int)algorithm, false)) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    if (fake_is_to_fail()) {
        return CUDNN_STATUS_EXECUTION_FAILED;
    }
    fake.last_format = w->format;
    fake.last_math = conv->math;
    const convolution v = {.x = *x,
                           .y = *y,
                           .w = *w,
                           .conv = *conv,
                           .x_at = x_at,
                           .w_at = w_at,
                           .y_at = y_at,
                           .scale = (double)*(const float *)alpha};
    fake_put(run_convolution, &v, sizeof v);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t x, const void *x_at,
    const cudnnFilterDescriptor_t w, const void *w_at, const cudnnConvolutionDescriptor_t conv,
    cudnnConvolutionFwdAlgo_t algorithm, void *space, size_t bytes, const void *alpha_z,
    const cudnnTensorDescriptor_t z, const void *z_at, const cudnnTensorDescriptor_t bias,
    const void *bias_at, const cudnnActivationDescriptor_t activation,
    const cudnnTensorDescriptor_t y, void *y_at) {
    if (handle->alive != ALIVE || !fake_dnn_is_tensor(x, x_at, "x") ||
        !fake_dnn_is_tensor(y, y_at, "y") || !fake_dnn_is_tensor(z, z_at, "z") ||
        !fake_dnn_is_tensor(bias, bias_at, "bias") || !fits(x, y, w, conv) ||
        !is_work_space(space, bytes, (int)algorithm)) {
        return fake_dnn_bad("a fused convolution");
    }
    const cudnnDataType_t wanted = x->type == CUDNN_DATA_INT8 ? CUDNN_DATA_FLOAT : x->type;
    if (bias->type != wanted || bias->dim[1] != y->dim[1] || bias->dim[0] != 1) {
        return fake_dnn_bad("the bias of a fused convolution");
    }
    if (activation->mode == CUDNN_ACTIVATION_IDENTITY
            ? algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM
            : activation->mode != CUDNN_ACTIVATION_RELU) {
        return fake_dnn_bad("a fused convolution's activation");
    }
    if (is_refused((int)algorithm, true)) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    if (fake_is_to_fail()) {
        return CUDNN_STATUS_EXECUTION_FAILED;
    }
    fake.last_format = w->format;
    fake.last_math = conv->math;
    const convolution v = {.x = *x,
                           .y = *y,
                           .w = *w,
                           .conv = *conv,
                           .bias = *bias,
                           .x_at = x_at,
                           .w_at = w_at,
                           .y_at = y_at,
                           .z_at = z_at,
                           .bias_at = bias_at,
                           .scale = (double)*(const float *)alpha,
                           .z_scale = (double)*(const float *)alpha_z,
                           .is_fused = true,
                           .has_relu = activation->mode == CUDNN_ACTIVATION_RELU};
    fake_put(run_convolution, &v, sizeof v);
    return CUDNN_STATUS_SUCCESS;
}

// --- The transpose: x is what the forward convolution would give
// -----------------------------------

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t x,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t y, int asked,
    int *returned, cudnnConvolutionBwdDataAlgoPerf_t *out) {
    if (handle->alive != ALIVE || asked < 1 || !fits(y, x, w, conv)) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    out[0] = (cudnnConvolutionBwdDataAlgoPerf_t){.algo = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
                                                 .status = CUDNN_STATUS_SUCCESS,
                                                 .memory = work_bytes(1),
                                                 .mathType = CUDNN_DEFAULT_MATH};
    *returned = 1;
    return CUDNN_STATUS_SUCCESS;
}

// Each value is spread over a window of the result.
static void spread(const convolution *v, double *sums, int n, int k, int h, int w) {
    const struct cudnnConvolutionStruct *c = &v->conv;
    const int group = k / (v->w.dim[0] / c->groups);
    const double value =
        v->scale * fake_load(fake_dnn_type(v->x.type), v->x_at, fake_dnn_at(&v->x, n, k, h, w));
    for (int i = 0; i < v->w.dim[2]; ++i) {
        const int oh = h * c->stride[0] - c->padding[0] + i * c->dilation[0];
        for (int j = 0; j < v->w.dim[3]; ++j) {
            const int ow = w * c->stride[1] - c->padding[1] + j * c->dilation[1];
            for (int ch = 0;
                 ch < v->w.dim[1] && oh >= 0 && oh < v->y.dim[2] && ow >= 0 && ow < v->y.dim[3];
                 ++ch) {
                const int channel = group * v->w.dim[1] + ch;
                sums[fake_dnn_at(&v->y, n, channel, oh, ow)] +=
                    value *
                    fake_load(fake_dnn_type(v->w.type), v->w_at, at_weight(&v->w, k, ch, i, j));
            }
        }
    }
}

static void run_transpose(const void *state) {
    const convolution *v = state;
    const size_t n =
        fake_dnn_at(&v->y, v->y.dim[0] - 1, v->y.dim[1] - 1, v->y.dim[2] - 1, v->y.dim[3] - 1);
    double *sums = calloc(n + 1, sizeof *sums);
    fake.n_convolutions++;
    for (int s = 0; s < v->x.dim[0]; ++s) {
        for (int k = 0; k < v->x.dim[1]; ++k) {
            for (int p = 0; p < v->x.dim[2] * v->x.dim[3]; ++p) {
                spread(v, sums, s, k, p / v->x.dim[3], p % v->x.dim[3]);
            }
        }
    }
    for (size_t i = 0; i <= n; ++i) {
        fake_store(fake_dnn_type(v->y.type), v->y_at, i, sums[i]);
    }
    free(sums);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           const cudnnFilterDescriptor_t w, const void *w_at,
                                           const cudnnTensorDescriptor_t x, const void *x_at,
                                           const cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void *space,
                                           size_t bytes, const void *beta,
                                           const cudnnTensorDescriptor_t y, void *y_at) {
    if (handle->alive != ALIVE || *(const float *)beta != 0 || !fake_dnn_is_tensor(x, x_at, "x") ||
        !fake_dnn_is_tensor(y, y_at, "y") || !fits(y, x, w, conv) ||
        !is_work_space(space, bytes, (int)algorithm)) {
        return fake_dnn_bad("a transposed convolution");
    }
    if (fake_is_to_fail()) {
        return CUDNN_STATUS_EXECUTION_FAILED;
    }
    const convolution v = {.x = *x,
                           .y = *y,
                           .w = *w,
                           .conv = *conv,
                           .x_at = x_at,
                           .w_at = w_at,
                           .y_at = y_at,
                           .scale = (double)*(const float *)alpha};
    fake_put(run_transpose, &v, sizeof v);
    return CUDNN_STATUS_SUCCESS;
}
