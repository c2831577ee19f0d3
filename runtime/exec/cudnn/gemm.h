// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/cudnn: matrix products by cuBLASLt. */
#ifndef JC_EXEC_CUDNN_GEMM_H
#define JC_EXEC_CUDNN_GEMM_H

#include "program.h"

/** A matrix as cuBLAS sees it: column after column. */
typedef struct gemm_matrix {
    int64_t rows, columns;
    int64_t leading; ///< elements from one column to the next
    int64_t batch;   ///< elements from one matrix to the next
    bool is_transposed;
} gemm_matrix;

/** result = scale · left · right, row-major, `n` such products; a bias a column, an activation. */
typedef struct gemm {
    int64_t n, rows, inner, columns;
    bool right_is_transposed; ///< right is [columns x inner], as weights and keys are
    float scale;
    tensor_id left, right, result;
    tensor_id bias; ///< NO_TENSOR = none
    bool has_relu;
} gemm;

/** The three matrices of a product in column-major terms: cuBLAS computes the transpose of the
 *  result from right and left. Pure. @param out  first factor (right), second (left), result */
void gemm_describe(const gemm *g, gemm_matrix out[3]);

/** Append the product. */
void gemm_add(cu_program *p, const gemm *g);

#endif
