// SPDX-License-Identifier: Apache-2.0
// Reductions along axes: mean, sum, largest, smallest and the like.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>

enum { REDUCE_DIMS, REDUCE_KEEPDIM = REDUCE_DIMS + 1 + JC_MAX_RANK, REDUCE_MODE };

static const char *const modes[] = {"mean",  "sum",    "max",    "min",       "prod", "norm1",
                                    "norm2", "argmax", "argmin", "logsumexp", NULL};
static const jc_param reduce_params[] = {{"dims", JC_PARAM_SIZES, REDUCE_DIMS, true, 0, NULL},
                                         {"mode", JC_PARAM_CHOICE, REDUCE_MODE, false, 0, modes},
                                         {"keepdim", JC_PARAM_FLAG, REDUCE_KEEPDIM, false, 0, NULL},
                                         {0}};

// A bit for each axis that goes; 0 where dims are not axes after the batch, each once.
static unsigned reduced_axes(const jc_op_call *call) {
    unsigned axes = 0;
    for (int64_t i = 0; i < call->value[REDUCE_DIMS].i; ++i) {
        const int64_t axis = call->value[REDUCE_DIMS + 1 + i].i;
        if (axis < 1 || axis >= call->inputs[0]->rank || (axes & 1U << axis) != 0) {
            return 0;
        }
        axes |= 1U << axis;
    }
    return axes;
}

static jc_status infer_reduce(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    const unsigned axes = reduced_axes(call);
    if (axes == 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "dims must be some of the axes 1 to %d, each once (the batch stays)",
                            input->rank - 1);
    }
    jc_shape out = {0};
    for (int i = 0; i < input->rank; ++i) {
        if ((axes & 1U << i) == 0) {
            out.dim[out.rank++] = input->dim[i];
        } else if (call->value[REDUCE_KEEPDIM].i != 0) {
            out.dim[out.rank++] = 1;
        }
    }
    *out_shape = out;
    return JC_OK;
}

static void reduce_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    (void)output;
    const jc_shape *input = call->inputs[0];
    const unsigned axes = reduced_axes(call);
    out_size[0] = input->dim[0];
    out_size[1] = op_sample_elements(input);
    out_size[2] = 1;
    for (int i = 1; i < input->rank; ++i) {
        out_size[2] = jc_mul_saturating(out_size[2], (axes & 1U << i) == 0 ? 1 : input->dim[i]);
    }
}

const jc_op op_reduce = {
    .name = "reduce",
    .summary = "mean, sum, largest … along axes",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = reduce_params,
    .infer = infer_reduce,
    .kernel = JC_KERNEL_REDUCE,
    .kernel_sizes = reduce_sizes,
};
