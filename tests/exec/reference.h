// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Plain implementations of the kernels, written from their definitions and for reading, not for
 * speed. Tensors are row-major; sums are made in double.
 */
#ifndef JC_TEST_EXEC_REFERENCE_H
#define JC_TEST_EXEC_REFERENCE_H

#include <joulecast/kernel.h>

/** weights [groups, out/groups, in/groups, kernel_h, kernel_w]; bias may be NULL. */
void reference_conv(const int64_t *size, const float *x, const float *weights, const float *bias,
                    double *y);

/** weights [groups, out/groups, in/groups, kernel_h, kernel_w]: output channels first. */
void reference_conv_transpose(const int64_t *size, const float *x, const float *weights,
                              const float *bias, double *y);

/** y [rows, out] = x [rows, in] times weights [out, in] transposed, plus bias [out]. */
void reference_linear(const int64_t *size, const float *x, const float *weights, const float *bias,
                      double *y);

void reference_matmul(const int64_t *size, const float *a, const float *b, double *y);
void reference_attention(const int64_t *size, const float *q, const float *k, const float *v,
                         bool causal, double *y);
void reference_pool(const jc_kernel *kernel, bool count_padding, const float *x, double *y);

/** norm: mean, variance, scale, shift, each [channels]. */
void reference_batch_norm(const int64_t *size, const float *x, const float *const norm[4],
                          double *y);
void reference_layer_norm(const int64_t *size, const float *x, const float *scale,
                          const float *shift, double *y);
/** scale and shift [channels]. */
void reference_group_norm(const int64_t *size, const float *x, const float *scale,
                          const float *shift, double *y);

/**
 * x [batch, length, input]; weights [directions, input, gates, hidden] and [directions, hidden,
 * gates, hidden]; bias [directions, gates, hidden], of GRU with a fourth gate, the bias within the
 * reset product. Gates: LSTM input, forget, cell, output; GRU update, reset, new. y [batch, length,
 * directions x hidden].
 */
void reference_recurrent(const int64_t *size, const float *x, const float *weights_input,
                         const float *weights_state, const float *bias, double *y);

void reference_lrn(const int64_t *size, const float *x, double *y);

/** Over the last axis. */
void reference_softmax(const int64_t *size, const float *x, double *y);

/** One value through an activation. */
double reference_activation(jc_kernel_kind kind, double x);

/** Nearest neighbour. */
void reference_upsample(const int64_t *size, const float *x, double *y);

#endif
