// SPDX-License-Identifier: Apache-2.0
#include "gemm.h"

#include "emit.h"
#include "kernels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST,
    SECOND,
    RESULT,
    MATRICES,
    MOST_ALGORITHMS = 8,
    WORK_BYTES = 32 << 20, // as PyTorch on Hopper
};

enum { ARG_LEFT, ARG_RIGHT, ARG_BIAS, ARG_RESULT, ARG_WORK, ARGS };

/** State of an instruction. */
typedef struct gemm_state {
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t matrix[MATRICES];
    float scale;
    bool has_bias;
    bool has_relu;
    int n;
    int n_fused; ///< of them, the first ones: they add the bias, if there is one
    int chosen;
    bool is_complete; ///< the chosen one adds the bias
    cublasLtMatmulHeuristicResult_t found[2 * MOST_ALGORITHMS];
    size_t work_bytes;
} gemm_state;

void gemm_describe(const gemm *g, gemm_matrix out[3]) {
    // A row-major matrix is its transpose, column after column.
    out[FIRST] =
        g->right_is_transposed
            ? (gemm_matrix){g->inner, g->columns, g->inner, g->inner * g->columns, true}
            : (gemm_matrix){g->columns, g->inner, g->columns, g->inner * g->columns, false};
    out[SECOND] = (gemm_matrix){g->inner, g->rows, g->inner, g->inner * g->rows, false};
    out[RESULT] = (gemm_matrix){g->columns, g->rows, g->columns, g->columns * g->rows, false};
}

static void release(void *state) {
    gemm_state *s = state;
    for (int i = 0; i < MATRICES; ++i) {
        if (s->matrix[i] != NULL) {
            (void)cublasLtMatrixLayoutDestroy(s->matrix[i]);
        }
    }
    if (s->desc != NULL) {
        (void)cublasLtMatmulDescDestroy(s->desc);
    }
    free(s);
}

static cublasStatus_t set_epilogue(const gemm_state *s, bool is_fused) {
    const bool has_bias = s->has_bias && is_fused;
    const cublasLtEpilogue_t epilogue = has_bias && s->has_relu ? CUBLASLT_EPILOGUE_RELU_BIAS
                                        : has_bias              ? CUBLASLT_EPILOGUE_BIAS
                                        : s->has_relu           ? CUBLASLT_EPILOGUE_RELU
                                                                : CUBLASLT_EPILOGUE_DEFAULT;
    return cublasLtMatmulDescSetAttribute(s->desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                          sizeof epilogue);
}

static cublasStatus_t multiply(const cu_program *p, const gemm_state *s, void *const *data) {
    const float zero = 0;
    const bool is_fused = s->chosen < s->n_fused;
    cublasStatus_t set = set_epilogue(s, is_fused);
    if (set == CUBLAS_STATUS_SUCCESS && s->has_bias && is_fused) {
        const void *bias = data[ARG_BIAS];
        set = cublasLtMatmulDescSetAttribute(s->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                             sizeof bias);
    }
    if (set != CUBLAS_STATUS_SUCCESS) {
        return set;
    }
    return cublasLtMatmul(p->gpu->lt, s->desc, &s->scale, data[ARG_RIGHT], s->matrix[FIRST],
                          data[ARG_LEFT], s->matrix[SECOND], &zero, data[ARG_RESULT],
                          s->matrix[RESULT], data[ARG_RESULT], s->matrix[RESULT],
                          &s->found[s->chosen].algo, data[ARG_WORK], s->work_bytes, p->gpu->stream);
}

static jc_status run(cu_program *p, void *state, void *const *data, jc_error *err) {
    gemm_state *s = state;
    cublasStatus_t answer = multiply(p, s, data);
    while (answer != CUBLAS_STATUS_SUCCESS && !p->is_settled && s->chosen + 1 < s->n) {
        ++s->chosen;
        answer = multiply(p, s, data);
    }
    s->is_complete = s->chosen < s->n_fused;
    if (answer == CUBLAS_STATUS_SUCCESS && s->has_bias && !s->is_complete) {
        cu_note(p, "bias apart");
    }
    return gpu_check_lt(answer, "this matrix product", err);
}

// --- Building --------------------------------------------------------------------------------

static cudaDataType_t data_type(cu_type type) {
    static const cudaDataType_t types[] = {[CU_F32] = CUDA_R_32F,
                                           [CU_F16] = CUDA_R_16F,
                                           [CU_BF16] = CUDA_R_16BF,
                                           [CU_S8] = CUDA_R_8I,
                                           [CU_S32] = CUDA_R_32I};
    return types[type];
}

static cublasComputeType_t compute_type(const cu_program *p) {
    return p->precision == JC_PRECISION_INT8   ? CUBLAS_COMPUTE_32I
           : p->precision == JC_PRECISION_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                               : CUBLAS_COMPUTE_32F;
}

static bool ok(cu_program *p, cublasStatus_t answer) {
    jc_error err;
    return p->status == JC_OK && cu_ok(p, gpu_check_lt(answer, "this matrix product", &err), &err);
}

static void describe_matrix(cu_program *p, const gemm *g, const gemm_matrix *m, cu_type type,
                            cublasLtMatrixLayout_t *out) {
    if (p->status != JC_OK ||
        !ok(p, cublasLtMatrixLayoutCreate(out, data_type(type), (uint64_t)m->rows,
                                          (uint64_t)m->columns, m->leading))) {
        return;
    }
    const int32_t batch = (int32_t)g->n;
    if (g->n > 1 && ok(p, cublasLtMatrixLayoutSetAttribute(*out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                           &batch, sizeof batch))) {
        (void)ok(p,
                 cublasLtMatrixLayoutSetAttribute(*out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                                  &m->batch, sizeof m->batch));
    }
}

static void describe_product(cu_program *p, const gemm_matrix *first, gemm_state *s) {
    const cublasOperation_t operation = first->is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    if (p->status != JC_OK ||
        !ok(p, cublasLtMatmulDescCreate(&s->desc, compute_type(p), CUDA_R_32F)) ||
        !ok(p, cublasLtMatmulDescSetAttribute(s->desc, CUBLASLT_MATMUL_DESC_TRANSA, &operation,
                                              sizeof operation))) {
        return;
    }
    const cudaDataType_t bias = data_type(cu_bias_type(p));
    if (s->has_bias) {
        (void)ok(p, cublasLtMatmulDescSetAttribute(s->desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
                                                   &bias, sizeof bias));
    }
}

static bool may_lack_bias(const cu_program *p, const gemm *g) {
    return p->precision == JC_PRECISION_INT8 && g->bias != NO_TENSOR;
}

// Bytes that the address of a tensor is a multiple of, as far as cuBLAS asks.
static uint32_t alignment_of(const cu_program *p, tensor_id t) {
    enum { MOST = 256 };
    const layout *md = cu_md(p, t);
    const size_t offset = (size_t)md->offset * cu_type_bytes(md->type);
    uint32_t alignment = MOST;
    while (offset % alignment != 0) {
        alignment /= 2;
    }
    return alignment;
}

// Append the algorithms that can, which may be none.
static void ask(cu_program *p, cublasLtMatmulPreference_t preference, bool is_fused,
                gemm_state *s) {
    cublasLtMatmulHeuristicResult_t found[MOST_ALGORITHMS];
    int n = 0;
    if (p->status != JC_OK || !ok(p, set_epilogue(s, is_fused))) {
        return;
    }
    const cublasStatus_t answer = cublasLtMatmulAlgoGetHeuristic(
        p->gpu->lt, s->desc, s->matrix[FIRST], s->matrix[SECOND], s->matrix[RESULT],
        s->matrix[RESULT], preference, MOST_ALGORITHMS, found, &n);
    if (answer == CUBLAS_STATUS_NOT_SUPPORTED || !ok(p, answer)) {
        return;
    }
    for (int i = 0; i < n; ++i) {
        if (found[i].state == CUBLAS_STATUS_SUCCESS) {
            const size_t bytes = found[i].workspaceSize;
            s->work_bytes = bytes > s->work_bytes ? bytes : s->work_bytes;
            s->found[s->n++] = found[i];
        }
    }
}

// A bias of integers is what the header allows and not every version and layout has: products
// without it follow, to which a kernel of ours adds it.
static void choose(cu_program *p, const gemm *g, gemm_state *s) {
    cublasLtMatmulPreference_t preference = NULL;
    const uint64_t half = p->memory_limit_bytes / 2;
    const size_t most = half < WORK_BYTES ? (size_t)half : WORK_BYTES;
    const uint32_t first = alignment_of(p, g->right);
    const uint32_t second = alignment_of(p, g->left);
    if (p->status == JC_OK && ok(p, cublasLtMatmulPreferenceCreate(&preference)) &&
        ok(p, cublasLtMatmulPreferenceSetAttribute(
                  preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most)) &&
        ok(p, cublasLtMatmulPreferenceSetAttribute(
                  preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &first, sizeof first)) &&
        ok(p, cublasLtMatmulPreferenceSetAttribute(preference,
                                                   CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                   &second, sizeof second))) {
        ask(p, preference, true, s);
        s->n_fused = s->n;
        if (may_lack_bias(p, g)) {
            ask(p, preference, false, s);
        }
    }
    if (preference != NULL) {
        (void)cublasLtMatmulPreferenceDestroy(preference);
    }
    if (p->status == JC_OK && s->n == 0) {
        cu_fail(p, JC_EUNSUPPORTED, "cuBLAS has no algorithm for this matrix product in %s",
                jc_precision_name(p->precision));
    }
}

// The bias, where cuBLAS has not added it: in place.
static void add_bias(cu_program *p, const gemm *g, const bool *is_needless) {
    const float none[2] = {0, 0};
    const size_t before = p->n_instructions;
    kernel_add_elementwise(p, "x0 + x1", 2, (tensor_id[]){g->result, g->bias}, g->result, none);
    if (p->status == JC_OK && p->n_instructions > before) {
        p->instructions[before].is_needless = is_needless;
    }
}

// Integers: what the documentation of cublasLtMatmul promises of matrices in the usual order. The
// first is transposed and all that lies one after the other is a multiple of four.
static bool refuses_integers(cu_program *p, const gemm *g) {
    enum { INT8_MULTIPLE = 4 };
    if (p->precision != JC_PRECISION_INT8 || p->status != JC_OK) {
        return p->status != JC_OK;
    }
    if (g->inner % INT8_MULTIPLE != 0 || g->columns % INT8_MULTIPLE != 0) {
        cu_fail(p, JC_EUNSUPPORTED,
                "cuBLAS multiplies int8 matrices of multiples of 4 columns, and these have %" PRId64
                " and %" PRId64,
                g->inner, g->columns);
    } else if (!g->right_is_transposed) {
        cu_fail(p, JC_EUNSUPPORTED,
                "cuBLAS multiplies int8 matrices where the right one lies column after column");
    } else if (g->has_relu) {
        cu_fail(p, JC_EUNSUPPORTED, "cuBLAS has no int8 product with an activation");
    }
    return p->status != JC_OK;
}

void gemm_add(cu_program *p, const gemm *g) {
    gemm_matrix matrices[MATRICES];
    gemm_state *s = refuses_integers(p, g) ? NULL : calloc(1, sizeof *s);
    if (s == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    const cu_type type = cu_md(p, g->left)->type;
    gemm_describe(g, matrices);
    s->scale = g->scale;
    s->has_bias = g->bias != NO_TENSOR;
    s->has_relu = g->has_relu;
    for (int i = 0; i < MATRICES; ++i) {
        describe_matrix(p, g, &matrices[i], type, &s->matrix[i]);
    }
    describe_product(p, &matrices[FIRST], s);
    choose(p, g, s);
    const tensor_id args[ARGS] = {[ARG_LEFT] = g->left,
                                  [ARG_RIGHT] = g->right,
                                  [ARG_BIAS] = g->bias,
                                  [ARG_RESULT] = g->result,
                                  [ARG_WORK] = cu_scratch(p, s->work_bytes)};
    if (p->status != JC_OK) {
        release(s);
        return;
    }
    cu_add(p, &(cu_instruction){.run = run, .state = s, .release = release}, ARGS, args);
    if (p->status == JC_OK && may_lack_bias(p, g)) {
        add_bias(p, g, &s->is_complete);
    }
}
