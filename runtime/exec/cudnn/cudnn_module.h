// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec: what the program and the module of executor `cudnn` agree on. */
#ifndef JC_EXEC_CUDNN_MODULE_H
#define JC_EXEC_CUDNN_MODULE_H

#include <joulecast/executor.h>

#define CUDNN_SUMMARY "cuDNN and cuBLAS, what frameworks run on NVIDIA GPUs; cudnn:nhwc, cudnn:nchw"

/** File of the module, and the name of the executor in it. Another version has another file. */
#define CUDNN_MODULE_FILE   "joulecast-cudnn.so"
#define CUDNN_MODULE_SYMBOL "joulecast_executor_cudnn"

extern const jc_executor joulecast_executor_cudnn;

#endif
