// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/cudnn: cuDNN's convolutions as instructions. */
#ifndef JC_EXEC_CUDNN_CONV_H
#define JC_EXEC_CUDNN_CONV_H

#include "program.h"

enum { MOST_CANDIDATES = 16 };

/** A way to compute a convolution. The first that cuDNN does not refuse is taken. */
typedef struct conv_candidate {
    int algorithm; ///< of cuDNN, forwards or, of the transpose, backwards
    cudnnMathType_t math;
    size_t bytes;  ///< work space
    bool is_fused; ///< bias, sum and ReLU are done by cuDNN as well
} conv_candidate;

/** State of an instruction. */
typedef struct conv_state {
    cudnnTensorDescriptor_t x, y, bias;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    cudnnActivationDescriptor_t activation;
    bool is_transposed;
    float scale; ///< of products: int8
    size_t n;
    conv_candidate candidates[MOST_CANDIDATES];
    size_t chosen;
    bool is_complete; ///< nothing is left to do to the result
} conv_state;

/** Arguments of the instruction, in this order. Bias, addend and work space may be NO_TENSOR. */
enum { CONV_X, CONV_W, CONV_BIAS, CONV_ADDEND, CONV_Y, CONV_WORK, CONV_ARGS };

/** How what follows the products may be left to cuDNN. */
typedef enum conv_fusion {
    CONV_FUSE_NOTHING,
    CONV_FUSE_SUMS, ///< bias and addend: with one algorithm only
    CONV_FUSE_RELU, ///< as well
} conv_fusion;

/**
 * Ask cuDNN which algorithms it would take, the best first, as frameworks do, and put them in the
 * order in which they are tried. A program's failure is kept.
 *
 * @param most_bytes  of work space
 */
void conv_choose(cu_program *p, conv_state *s, conv_fusion fusion, bool must_fuse,
                 size_t most_bytes);

/** Largest work space of the candidates. */
size_t conv_work_bytes(const conv_state *s);

/** The order of trying algorithms that are known: pure, for tests. @return how many were put down
 */
size_t conv_order(const conv_candidate *known, size_t n, conv_fusion fusion, bool must_fuse,
                  conv_candidate *out_candidates);

jc_status conv_run(cu_program *p, void *state, void *const *data, jc_error *err);
void conv_release(void *state);

#endif
