// SPDX-License-Identifier: Apache-2.0
// Reductions along axes.
#include "emit.h"

#include <string.h>

// In the order of the operator's modes, as far as oneDNN has them.
static const dnnl_alg_kind_t algorithms[] = {
    dnnl_reduction_mean, dnnl_reduction_sum, dnnl_reduction_max,
    dnnl_reduction_min,  dnnl_reduction_mul,
};

static dnnl_alg_kind_t algorithm_of(const node *n) {
    const int64_t mode = node_integer(n, "mode", 0);
    return mode < (int64_t)(sizeof algorithms / sizeof algorithms[0]) ? algorithms[mode]
                                                                      : dnnl_alg_kind_undef;
}

// The input's sizes with 1 where an axis is reduced: the last one of a kernel by itself.
static void reduced_dims(const node *n, const dnnl_memory_desc_t *src, int64_t *out_dims) {
    memcpy(out_dims, src->dims, (size_t)src->ndims * sizeof *out_dims);
    if (n->op == NULL) {
        out_dims[src->ndims - 1] = 1;
        return;
    }
    const jc_value *dims = &n->call->value[jc_op_param(n->op, "dims")->slot];
    for (int64_t i = 1; i <= dims[0].i; ++i) {
        out_dims[dims[i].i] = 1;
    }
}

tensor_id emit_reduce(program *p, const node *n) {
    const char *what = "this reduction";
    const tensor_id input = program_plain(p, n->inputs[0]);
    const dnnl_memory_desc_t src = *program_md(p, input);
    int64_t dims[DNNL_MAX_NDIMS];
    reduced_dims(n, &src, dims);
    const dnnl_memory_desc_t dst = md_plain(src.ndims, dims, src.data_type);
    dnnl_reduction_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(p, dnnl_reduction_desc_init(&desc, algorithm_of(n), &src, &dst, 0, 0),
                      what)) {
        pd = program_describe(p, &desc, NULL, 1, what);
    }
    const tensor_id result = program_result(p, &dst);
    if (p->status == JC_OK) {
        p->tensors[result].rms = p->tensors[input].rms;
    }
    program_add(p, pd, 2, (instruction_arg[]){{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, result}});
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}
