// SPDX-License-Identifier: Apache-2.0
// cuBLASLt: products of matrices, column after column.
#include "fake.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIVE = 0x600d, WORK_BYTES = 512 };

// What the opaque descriptors hold.
typedef struct product {
    int alive;
    cublasComputeType_t compute;
    cublasOperation_t transpose;
    cublasLtEpilogue_t epilogue;
    const void *bias;
    cudaDataType_t bias_type;
} product;

typedef struct matrix {
    int alive;
    cudaDataType_t type;
    uint64_t rows, columns;
    int64_t leading, batch_stride;
    int32_t batch;
} matrix;

typedef struct preference {
    int alive;
    size_t work_bytes;
} preference;

_Static_assert(sizeof(product) <= sizeof(cublasLtMatmulDescOpaque_t), "a product is larger");
_Static_assert(sizeof(matrix) <= sizeof(cublasLtMatrixLayoutOpaque_t), "a matrix is larger");

static cublasStatus_t bad(const char *what) {
    (void)fake_fault("cuBLAS: %s", what);
    return CUBLAS_STATUS_INVALID_VALUE;
}

const char *cublasLtGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "some status";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *out) {
    if (fake_is_to_fail()) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    *out = malloc(1);
    fake.n_live++;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    free(handle);
    fake.n_live--;
    return CUBLAS_STATUS_SUCCESS;
}

static void *create(size_t size) {
    if (fake_is_to_fail()) {
        return NULL;
    }
    fake.n_live++;
    return calloc(1, size);
}

static cublasStatus_t destroy(void *descriptor) {
    free(descriptor);
    fake.n_live--;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
    *out = create(sizeof **out);
    if (*out == NULL) {
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    *(product *)(void *)*out = (product){.alive = ALIVE,
                                         .compute = compute,
                                         .transpose = CUBLAS_OP_N,
                                         .epilogue = CUBLASLT_EPILOGUE_DEFAULT};
    return scale == CUDA_R_32F ? CUBLAS_STATUS_SUCCESS : bad("a scale that is no f32");
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
    return destroy(desc);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size) {
    product *p = (product *)(void *)desc;
    if (attribute == CUBLASLT_MATMUL_DESC_TRANSA && size == sizeof p->transpose) {
        memcpy(&p->transpose, value, size);
    } else if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE && size == sizeof p->epilogue) {
        memcpy(&p->epilogue, value, size);
    } else if (attribute == CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE && size == sizeof p->bias_type) {
        memcpy(&p->bias_type, value, size);
    } else if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER && size == sizeof p->bias) {
        memcpy(&p->bias, value, size);
    } else {
        return bad("an attribute of a product");
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType_t type,
                                          uint64_t rows, uint64_t columns, int64_t leading) {
    *out = create(sizeof **out);
    if (*out == NULL) {
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    *(matrix *)(void *)*out = (matrix){ALIVE, type, rows, columns, leading, 0, 1};
    return leading >= (int64_t)rows ? CUBLAS_STATUS_SUCCESS : bad("a leading dimension");
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t of) {
    return destroy(of);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t of,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void *value, size_t size) {
    matrix *m = (matrix *)(void *)of;
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && size == sizeof m->batch) {
        memcpy(&m->batch, value, size);
    } else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET &&
               size == sizeof m->batch_stride) {
        memcpy(&m->batch_stride, value, size);
    } else {
        return bad("an attribute of a matrix");
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out) {
    *out = create(sizeof **out);
    if (*out == NULL) {
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    ((preference *)(void *)*out)->alive = ALIVE;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) {
    return destroy(p);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size) {
    preference *known = (preference *)(void *)p;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && size == sizeof known->work_bytes) {
        memcpy(&known->work_bytes, value, size);
    }
    return CUBLAS_STATUS_SUCCESS;
}

static bool has_bias(const product *p) {
    return p->epilogue == CUBLASLT_EPILOGUE_BIAS || p->epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
}

// cublasLtMatmul, "To use IMMA kernels", matrices in the usual order: the first transposed, the
// second not, leading dimensions and two of the sizes multiples of four.
static bool fits_integers(const product *p, const matrix *a, const matrix *b, const matrix *d) {
    if (p->transpose != CUBLAS_OP_T || a->columns % 4 != 0 || a->rows % 4 != 0 ||
        a->leading % 4 != 0 || b->leading % 4 != 0 || d->leading % 4 != 0) {
        return fake_fault("cuBLAS: integers that lie otherwise than TN, in fours");
    }
    if (p->epilogue != CUBLASLT_EPILOGUE_DEFAULT && p->epilogue != CUBLASLT_EPILOGUE_BIAS) {
        return fake_fault("cuBLAS: no such epilogue of integers");
    }
    return true;
}

static bool fits(const product *p, const matrix *a, const matrix *b, const matrix *d) {
    const uint64_t rows = p->transpose == CUBLAS_OP_N ? a->rows : a->columns;
    const uint64_t inner = p->transpose == CUBLAS_OP_N ? a->columns : a->rows;
    if (p->alive != ALIVE || a->alive != ALIVE || b->alive != ALIVE || d->alive != ALIVE) {
        return fake_fault("cuBLAS: a descriptor that is none");
    }
    if (rows != d->rows || inner != b->rows || b->columns != d->columns || a->batch != b->batch ||
        a->batch != d->batch) {
        return fake_fault("cuBLAS: sizes of a product do not fit");
    }
    const bool integers = a->type == CUDA_R_8I;
    if (integers != (p->compute == CUBLAS_COMPUTE_32I) || a->type != b->type ||
        a->type != d->type) {
        return fake_fault("cuBLAS: no such product of these types");
    }
    if (has_bias(p) && p->bias_type != (integers ? CUDA_R_32F : d->type)) {
        return fake_fault("cuBLAS: a bias of another type");
    }
    return !integers || fits_integers(p, a, b, d);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t p, int asked,
                                              cublasLtMatmulHeuristicResult_t *out, int *returned) {
    (void)handle, (void)c;
    const preference *known = (const preference *)(void *)p;
    const product *wanted = (product *)(void *)desc;
    if (fake.refuses_integer_bias && wanted->compute == CUBLAS_COMPUTE_32I && has_bias(wanted)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (asked < 1 || known->work_bytes < WORK_BYTES ||
        !fits((product *)(void *)desc, (matrix *)(void *)a, (matrix *)(void *)b,
              (matrix *)(void *)d)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    memset(out, 0, sizeof *out);
    out->workspaceSize = WORK_BYTES;
    out->state = CUBLAS_STATUS_SUCCESS;
    *returned = 1;
    return CUBLAS_STATUS_SUCCESS;
}

typedef struct multiplication {
    product p;
    matrix a, b, d;
    const void *a_at, *b_at;
    void *d_at;
    double scale;
} multiplication;

static cu_type type_of(cudaDataType_t type) {
    return type == CUDA_R_16F    ? CU_F16
           : type == CUDA_R_16BF ? CU_BF16
           : type == CUDA_R_8I   ? CU_S8
                                 : CU_F32;
}

static size_t at(const matrix *m, int32_t batch, uint64_t row, uint64_t column) {
    return (size_t)(batch * m->batch_stride) + (size_t)column * (size_t)m->leading + (size_t)row;
}

static bool is_matrix(const matrix *m, const void *values, const char *what) {
    const size_t last = at(m, m->batch - 1, m->rows - 1, m->columns - 1);
    return fake_is_memory(values, (last + 1) * cu_type_bytes(type_of(m->type)),
                          cu_type_bytes(type_of(m->type)), what);
}

static void run(const void *state) {
    const multiplication *v = state;
    const bool adds = has_bias(&v->p);
    const bool has_relu =
        v->p.epilogue == CUBLASLT_EPILOGUE_RELU || v->p.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    const bool is_transposed = v->p.transpose != CUBLAS_OP_N;
    fake.n_products++;
    if (fake.trace != NULL && fake.n_trace < fake.trace_size) {
        fake.trace[fake.n_trace++] = v->a_at;
    }
    for (int32_t n = 0; n < v->d.batch; ++n) {
        for (uint64_t i = 0; i < v->d.rows; ++i) {
            for (uint64_t j = 0; j < v->d.columns; ++j) {
                double sum = 0;
                for (uint64_t k = 0; k < v->b.rows; ++k) {
                    sum += fake_load(type_of(v->a.type), v->a_at,
                                     is_transposed ? at(&v->a, n, k, i) : at(&v->a, n, i, k)) *
                           fake_load(type_of(v->b.type), v->b_at, at(&v->b, n, k, j));
                }
                sum =
                    sum * v->scale + (adds ? fake_load(type_of(v->p.bias_type), v->p.bias, i) : 0);
                fake_store(type_of(v->d.type), v->d_at, at(&v->d, n, i, j),
                           has_relu ? fmax(sum, 0) : sum);
            }
        }
    }
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha,
                              const void *a_at, cublasLtMatrixLayout_t a, const void *b_at,
                              cublasLtMatrixLayout_t b, const void *beta, const void *c_at,
                              cublasLtMatrixLayout_t c, void *d_at, cublasLtMatrixLayout_t d,
                              const cublasLtMatmulAlgo_t *algo, void *space, size_t bytes,
                              cudaStream_t stream) {
    const multiplication v = {.p = *(product *)(void *)desc,
                              .a = *(matrix *)(void *)a,
                              .b = *(matrix *)(void *)b,
                              .d = *(matrix *)(void *)d,
                              .a_at = a_at,
                              .b_at = b_at,
                              .d_at = d_at,
                              .scale = (double)*(const float *)alpha};
    const size_t alignment = v.a.type == CUDA_R_8I ? 4 : 1;
    if (handle == NULL || stream == NULL || algo == NULL || *(const float *)beta != 0 ||
        c_at != d_at || c != d || bytes < WORK_BYTES || !fits(&v.p, &v.a, &v.b, &v.d) ||
        !is_matrix(&v.a, a_at, "the first matrix") || !is_matrix(&v.b, b_at, "the second matrix") ||
        !is_matrix(&v.d, d_at, "the result") ||
        ((uintptr_t)a_at | (uintptr_t)b_at | (uintptr_t)d_at) % alignment != 0 ||
        !fake_is_memory(space, bytes, 16, "work space") ||
        (has_bias(&v.p) &&
         !fake_is_memory(v.p.bias, v.d.rows * cu_type_bytes(type_of(v.p.bias_type)), 2,
                         "the bias"))) {
        return bad("a product");
    }
    if (fake.breaks_integer_bias && v.p.compute == CUBLAS_COMPUTE_32I && has_bias(&v.p)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (fake_is_to_fail()) {
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    fake_put(run, &v, sizeof v);
    return CUBLAS_STATUS_SUCCESS;
}
