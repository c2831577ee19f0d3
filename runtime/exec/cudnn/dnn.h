// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/cudnn: cuDNN's descriptors of our layouts. */
#ifndef JC_EXEC_CUDNN_DNN_H
#define JC_EXEC_CUDNN_DNN_H

#include "program.h"

cudnnDataType_t dnn_type(cu_type type);

/** A size as cuDNN takes it. Sizes that do not fit are refused by cu_fail. */
int dnn_size(cu_program *p, int64_t size);

/**
 * Describe a tensor of up to 4 axes.
 *
 * @param out_descriptor  to free with cudnnDestroyTensorDescriptor; NULL after a failure
 */
void dnn_describe_tensor(cu_program *p, const layout *md, cudnnTensorDescriptor_t *out_descriptor);

/** Keep a failure of cuDNN; true if there is none, now or before. */
bool dnn_ok(cu_program *p, cudnnStatus_t answer, const char *what);

#endif
