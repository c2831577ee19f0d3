// SPDX-License-Identifier: Apache-2.0
// Normalisations and softmax.
#include "op_list.h"

#include "common/number.h"

#include <inttypes.h>

// --- batch_norm: at inference one scale and one shift a channel --------------------------------

enum { BN_FEATURES, BN_EPS, BN_MOMENTUM, BN_AFFINE };

static const jc_param batch_norm_params[] = {
    {"num_features", JC_PARAM_SIZE, BN_FEATURES, false, JC_SIZE_DERIVED, NULL},
    {"eps", JC_PARAM_REAL, BN_EPS, false, 1e-5, NULL},
    {"momentum", JC_PARAM_REAL, BN_MOMENTUM, false, 0.1, NULL},
    {"affine", JC_PARAM_FLAG, BN_AFFINE, false, 1, NULL},
    {0}};

static jc_status infer_batch_norm(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (input->rank < 2) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0, "the input has no channels: its rank is %d",
                            input->rank);
    }
    const jc_status status =
        op_derive_size(&call->value[BN_FEATURES], input->dim[1], "num_features", "channels", err);
    return status == JC_OK ? op_infer_same(call, out_shape, err) : status;
}

static int64_t batch_norm_count_params(const jc_op_call *call) {
    return call->value[BN_AFFINE].i == 0 ? 0 : 2 * call->value[BN_FEATURES].i;
}

const jc_op op_batch_norm = {
    .name = "batch_norm",
    .summary = "batch normalisation, at inference a scale and a shift a channel",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = batch_norm_params,
    .infer = infer_batch_norm,
    .count_params = batch_norm_count_params,
    .kernel = JC_KERNEL_BATCH_NORM,
    .kernel_sizes = op_image_sizes,
};

// --- layer_norm ----------------------------------------------------------------------------

enum { LN_SHAPE, LN_EPS = LN_SHAPE + 1 + JC_MAX_RANK, LN_AFFINE, LN_BIAS };

static const jc_param layer_norm_params[] = {
    {"normalized_shape", JC_PARAM_SIZES, LN_SHAPE, false, 0, NULL},
    {"eps", JC_PARAM_REAL, LN_EPS, false, 1e-5, NULL},
    {"elementwise_affine", JC_PARAM_FLAG, LN_AFFINE, false, 1, NULL},
    {"bias", JC_PARAM_FLAG, LN_BIAS, false, 1, NULL},
    {0}};

static jc_status infer_layer_norm(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    jc_value *v = call->value;
    if (v[LN_SHAPE].i == 0) {
        v[LN_SHAPE].i = 1;
        v[LN_SHAPE + 1].i = input->dim[input->rank - 1];
    }
    const int n = (int)v[LN_SHAPE].i;
    bool fits = n < input->rank;
    for (int i = 0; i < n && fits; ++i) {
        fits = v[LN_SHAPE + 1 + i].i == input->dim[input->rank - n + i];
    }
    if (!fits) {
        jc_shape wanted = {.rank = n};
        for (int i = 0; i < n; ++i) {
            wanted.dim[i] = v[LN_SHAPE + 1 + i].i;
        }
        char left[JC_SHAPE_TEXT_SIZE];
        char right[JC_SHAPE_TEXT_SIZE];
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "normalized_shape %s is not the end of the input's shape %s",
                            jc_shape_format(&wanted, left), jc_shape_format(input, right));
    }
    return op_infer_same(call, out_shape, err);
}

static int64_t layer_norm_axis_size(const jc_op_call *call) {
    int64_t size = 1;
    for (int64_t i = 0; i < call->value[LN_SHAPE].i; ++i) {
        size = jc_mul_saturating(size, call->value[LN_SHAPE + 1 + i].i);
    }
    return size;
}

static int64_t layer_norm_count_params(const jc_op_call *call) {
    if (call->value[LN_AFFINE].i == 0) {
        return 0;
    }
    return jc_mul_saturating(layer_norm_axis_size(call), call->value[LN_BIAS].i == 0 ? 1 : 2);
}

static void layer_norm_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    out_size[2] = layer_norm_axis_size(call);
}

const jc_op op_layer_norm = {
    .name = "layer_norm",
    .summary = "normalisation over the last axes",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = layer_norm_params,
    .infer = infer_layer_norm,
    .count_params = layer_norm_count_params,
    .kernel = JC_KERNEL_LAYER_NORM,
    .kernel_sizes = layer_norm_sizes,
};

// --- group_norm, instance_norm -----------------------------------------------------------------

enum { GN_GROUPS, GN_EPS, GN_AFFINE };

static const jc_param group_norm_params[] = {
    {"num_groups", JC_PARAM_SIZE, GN_GROUPS, true, 0, NULL},
    {"eps", JC_PARAM_REAL, GN_EPS, false, 1e-5, NULL},
    {"affine", JC_PARAM_FLAG, GN_AFFINE, false, 1, NULL},
    {0}};
static const jc_param instance_norm_params[] = {
    {"eps", JC_PARAM_REAL, GN_EPS, false, 1e-5, NULL},
    {"affine", JC_PARAM_FLAG, GN_AFFINE, false, 0, NULL},
    {0}};

static jc_status infer_group_norm(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (input->rank < 2 || input->dim[1] % call->value[GN_GROUPS].i != 0) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "num_groups %" PRId64 " must divide the input's %" PRId64 " channels",
                            call->value[GN_GROUPS].i, input->rank < 2 ? 0 : input->dim[1]);
    }
    return op_infer_same(call, out_shape, err);
}

// Each channel is a group of its own.
static jc_status infer_instance_norm(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    call->value[GN_GROUPS].i = call->inputs[0]->rank < 2 ? 1 : call->inputs[0]->dim[1];
    return infer_group_norm(call, out_shape, err);
}

static int64_t group_norm_count_params(const jc_op_call *call) {
    return call->value[GN_AFFINE].i == 0 ? 0 : 2 * call->inputs[0]->dim[1];
}

static void group_norm_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_image_sizes(call, output, out_size);
    out_size[4] = call->value[GN_GROUPS].i;
}

#define GROUP_NORM_OP(op, text, parameters, rule)                                                  \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .params = parameters,                                                                      \
        .infer = rule,                                                                             \
        .count_params = group_norm_count_params,                                                   \
        .kernel = JC_KERNEL_GROUP_NORM,                                                            \
        .kernel_sizes = group_norm_sizes,                                                          \
    };

GROUP_NORM_OP(group_norm, "normalisation over groups of channels", group_norm_params,
              infer_group_norm)
GROUP_NORM_OP(instance_norm, "normalisation over each channel of each image", instance_norm_params,
              infer_instance_norm)

// --- lrn: torch.nn.LocalResponseNorm -----------------------------------------------------------

enum { LRN_SIZE, LRN_ALPHA, LRN_BETA, LRN_K };

static const jc_param lrn_params[] = {{"size", JC_PARAM_SIZE, LRN_SIZE, true, 0, NULL},
                                      {"alpha", JC_PARAM_REAL, LRN_ALPHA, false, 1e-4, NULL},
                                      {"beta", JC_PARAM_REAL, LRN_BETA, false, 0.75, NULL},
                                      {"k", JC_PARAM_REAL, LRN_K, false, 1, NULL},
                                      {0}};

static jc_status infer_lrn(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    const jc_status status = op_require_image(call, err);
    return status == JC_OK ? op_infer_same(call, out_shape, err) : status;
}

static void lrn_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_image_sizes(call, output, out_size);
    out_size[4] = call->value[LRN_SIZE].i;
}

const jc_op op_lrn = {
    .name = "lrn",
    .summary = "local response normalisation across channels",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = lrn_params,
    .infer = infer_lrn,
    .kernel = JC_KERNEL_LRN,
    .kernel_sizes = lrn_sizes,
};

// --- softmax -------------------------------------------------------------------------------

enum { SOFTMAX_DIM };

static const jc_param softmax_params[] = {{"dim", JC_PARAM_INTEGER, SOFTMAX_DIM, false, -1, NULL},
                                          {0}};

static jc_status infer_softmax(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    int dim = 0;
    const jc_status status =
        op_resolve_dim(call->value[SOFTMAX_DIM].i, call->inputs[0]->rank, "dim", &dim, err);
    if (status != JC_OK) {
        return status;
    }
    call->value[SOFTMAX_DIM].i = dim;
    return op_infer_same(call, out_shape, err);
}

static void softmax_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    op_elementwise_sizes(call, output, out_size);
    out_size[2] = output->dim[call->value[SOFTMAX_DIM].i];
}

const jc_op op_softmax = {
    .name = "softmax",
    .summary = "softmax along one axis",
    .min_inputs = 1,
    .max_inputs = 1,
    .params = softmax_params,
    .infer = infer_softmax,
    .kernel = JC_KERNEL_SOFTMAX,
    .kernel_sizes = softmax_sizes,
};
