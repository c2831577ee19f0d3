// SPDX-License-Identifier: Apache-2.0
// What the parts of the library that stands for cuDNN know of each other's descriptors.
#ifndef FAKE_DNN_H
#define FAKE_DNN_H

#include "fake.h"

enum { ALIVE = 0x600d };

struct cudnnContext {
    int alive;
};

struct cudnnTensorStruct {
    int alive;
    bool is_set;
    cudnnDataType_t type;
    int dim[4], stride[4];
};

struct cudnnFilterStruct {
    int alive;
    cudnnDataType_t type;
    cudnnTensorFormat_t format;
    int dim[4]; // outputs of all groups, inputs of one, window
};

struct cudnnConvolutionStruct {
    int alive;
    int padding[2], stride[2], dilation[2], groups;
    cudnnDataType_t compute;
    cudnnMathType_t math;
};

struct cudnnActivationStruct {
    int alive;
    cudnnActivationMode_t mode;
};

struct cudnnPoolingStruct {
    int alive;
    cudnnPoolingMode_t mode;
    int window[2], padding[2], stride[2];
};

struct cudnnLRNStruct {
    int alive;
    unsigned n;
    double alpha, beta, k;
};

/** Note a fault of the caller. @return CUDNN_STATUS_BAD_PARAM */
cudnnStatus_t fake_dnn_bad(const char *what);

cu_type fake_dnn_type(cudnnDataType_t type);

/** Index of an element. */
size_t fake_dnn_at(const struct cudnnTensorStruct *d, int n, int c, int h, int w);

/** Whether all of the tensor is memory, at an address that the library can use. */
bool fake_dnn_is_tensor(const struct cudnnTensorStruct *d, const void *values, const char *what);

#endif
