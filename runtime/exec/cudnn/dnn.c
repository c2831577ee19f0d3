// SPDX-License-Identifier: Apache-2.0
#include "dnn.h"

#include <limits.h>

cudnnDataType_t dnn_type(cu_type type) {
    static const cudnnDataType_t types[] = {[CU_F32] = CUDNN_DATA_FLOAT,
                                            [CU_F16] = CUDNN_DATA_HALF,
                                            [CU_BF16] = CUDNN_DATA_BFLOAT16,
                                            [CU_S8] = CUDNN_DATA_INT8,
                                            [CU_S32] = CUDNN_DATA_INT32};
    return types[type];
}

int dnn_size(cu_program *p, int64_t size) {
    if (size > INT_MAX) {
        cu_fail(p, JC_EUNSUPPORTED, "cuDNN takes no sizes of %lld", (long long)size);
        return 1;
    }
    return (int)size;
}

bool dnn_ok(cu_program *p, cudnnStatus_t answer, const char *what) {
    jc_error err;
    return p->status == JC_OK && cu_ok(p, gpu_check_dnn(answer, what, &err), &err);
}

void dnn_describe_tensor(cu_program *p, const layout *md, cudnnTensorDescriptor_t *out_descriptor) {
    int dim[4];
    int stride[4];
    for (int i = 0; i < 4; ++i) {
        dim[i] = i < md->rank ? dnn_size(p, md->dim[i]) : 1;
        stride[i] = i < md->rank ? dnn_size(p, md->stride[i]) : 1;
    }
    if (layout_elements(md) > INT_MAX) {
        cu_fail(p, JC_EUNSUPPORTED, "cuDNN takes no tensors of %lld elements",
                (long long)layout_elements(md));
    }
    if (p->status == JC_OK && dnn_ok(p, cudnnCreateTensorDescriptor(out_descriptor), "a tensor")) {
        (void)dnn_ok(p,
                     cudnnSetTensor4dDescriptorEx(*out_descriptor, dnn_type(md->type), dim[0],
                                                  dim[1], dim[2], dim[3], stride[0], stride[1],
                                                  stride[2], stride[3]),
                     "a tensor");
    }
}
