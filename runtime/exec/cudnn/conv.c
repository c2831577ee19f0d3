// SPDX-License-Identifier: Apache-2.0
// Convolutions, dense, grouped, depthwise, dilated and transposed, with what is fused into them.
#include "conv.h"

#include "dnn.h"
#include "emit.h"
#include "kernels.h"

#include "runtime/exec/shared/window.h"

#include <stdio.h>
#include <stdlib.h>

/** A convolution at its place. */
typedef struct conv_site {
    const node *n;
    bool is_transposed;
    int64_t in, out, groups;
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    int64_t y_dims[4];
    int64_t fan_in;
    tensor_id x, weights, bias, addend, y;
    bool has_relu, has_other_activation;
} conv_site;

static conv_site site_of(const node *n, bool is_transposed) {
    const int64_t *s = n->kernel->size;
    conv_site c = {.n = n,
                   .is_transposed = is_transposed,
                   .in = s[JC_WINDOW_IN_CHANNELS],
                   .out = s[JC_WINDOW_OUT_CHANNELS],
                   .groups = s[JC_WINDOW_GROUPS],
                   .y_dims = {s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_OUT_CHANNELS],
                              s[JC_WINDOW_OUT_HEIGHT], s[JC_WINDOW_OUT_WIDTH]},
                   .bias = NO_TENSOR,
                   .addend = NO_TENSOR};
    for (int axis = 0; axis < 2; ++axis) {
        c.kernel[axis] = s[JC_WINDOW_KERNEL_H + axis];
        c.stride[axis] = s[JC_WINDOW_STRIDE_H + axis];
        c.padding[axis] = s[JC_WINDOW_PADDING_H + axis];
        c.dilation[axis] = s[JC_WINDOW_DILATION_H + axis];
    }
    c.fan_in = c.in / c.groups * c.kernel[0] * c.kernel[1];
    for (size_t i = 0; i < n->n_post_ops; ++i) {
        const post_op *op = &n->post_ops[i];
        c.addend = op->is_sum ? op->addend : c.addend;
        c.has_relu = !op->is_sum && op->activation == JC_KERNEL_RELU;
        c.has_other_activation = !op->is_sum && op->activation != JC_KERNEL_RELU;
    }
    return c;
}

// --- Constants -------------------------------------------------------------------------------

// Constants of the batch normalisation that is folded in. They are drawn, but never in memory.
static norm_values make_norm(cu_program *p, const conv_site *c) {
    return (norm_values){
        .mean = cu_constant(p, TENSOR_WEIGHT, CU_F32, 1, &c->out, -0.1, 0.1),
        .variance = cu_constant(p, TENSOR_WEIGHT, CU_F32, 1, &c->out, 0.5, 1.5),
        .scale = cu_constant(p, TENSOR_WEIGHT, CU_F32, 1, &c->out, 0.5, 1.5),
        .shift = cu_constant(p, TENSOR_WEIGHT, CU_F32, 1, &c->out, -0.1, 0.1),
        .eps = c->n->norm_eps,
    };
}

// Axes of the weights: groups, outputs and inputs of a group, window. cuDNN wants them in the order
// [outputs of all groups, inputs of one], of the transpose [inputs of all groups, outputs of one].
static layout weights_layout(const cu_program *p, const conv_site *c) {
    enum { GROUP, OUTPUT, INPUT, HEIGHT, WIDTH, AXES };
    const int64_t dims[AXES] = {c->groups, c->out / c->groups, c->in / c->groups, c->kernel[0],
                                c->kernel[1]};
    const int outer = c->is_transposed ? INPUT : OUTPUT;
    const int inner = c->is_transposed ? OUTPUT : INPUT;
    const int last[AXES] = {GROUP, outer, HEIGHT, WIDTH, inner};
    const int first[AXES] = {GROUP, outer, inner, HEIGHT, WIDTH};
    layout md = layout_plain(cu_activation_type(p), AXES, dims);
    int64_t stride = 1;
    for (int i = AXES - 1; i >= 0; --i) {
        const int axis = p->channels_last ? last[i] : first[i];
        md.stride[axis] = stride;
        stride *= dims[axis];
    }
    return md;
}

static void make_constants(cu_program *p, conv_site *c) {
    const node *n = c->n;
    const double range = cu_weight_range(p, c->fan_in);
    const layout weights = weights_layout(p, c);
    c->weights =
        cu_constant(p, TENSOR_WEIGHT, weights.type, weights.rank, weights.dim, -range, range);
    cu_lay_out(p, c->weights, &weights);
    if (node_integer(n, "bias", 1) != 0 || n->has_norm) {
        c->bias =
            cu_plain(p, cu_constant(p, TENSOR_WEIGHT, cu_bias_type(p), 1, &c->out, -0.1, 0.1));
    }
    // Integers stand for scaled values already: the normalisation is in that scale.
    if (n->has_norm && p->precision != JC_PRECISION_INT8) {
        const norm_values norm = make_norm(p, c);
        if (p->status == JC_OK) {
            p->tensors[c->weights].fold = FOLD_WEIGHTS;
            p->tensors[c->weights].norm = norm;
            p->tensors[c->bias].fold = FOLD_BIAS;
            p->tensors[c->bias].norm = norm;
        }
    }
}

// --- Descriptors -----------------------------------------------------------------------------

static cudnnMathType_t math_type(const cu_program *p) {
    // As PyTorch: tensor cores for what is narrow, and for tf32.
    switch ((int)p->precision) {
    case JC_PRECISION_F32:
        return CUDNN_FMA_MATH;
    case JC_PRECISION_F16:
    case JC_PRECISION_BF16:
        return CUDNN_TENSOR_OP_MATH;
    default:
        return CUDNN_DEFAULT_MATH;
    }
}

static void describe_weights(cu_program *p, const conv_site *c, conv_state *s) {
    const int outer = dnn_size(p, c->is_transposed ? c->in : c->out);
    const int inner = dnn_size(p, (c->is_transposed ? c->out : c->in) / c->groups);
    if (dnn_ok(p, cudnnCreateFilterDescriptor(&s->w), "weights")) {
        (void)dnn_ok(p,
                     cudnnSetFilter4dDescriptor(
                         s->w, dnn_type(cu_activation_type(p)),
                         p->channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW, outer, inner,
                         dnn_size(p, c->kernel[0]), dnn_size(p, c->kernel[1])),
                     "weights");
    }
}

static void describe_convolution(cu_program *p, const conv_site *c, conv_state *s) {
    const cudnnDataType_t compute =
        p->precision == JC_PRECISION_INT8 ? CUDNN_DATA_INT32 : CUDNN_DATA_FLOAT;
    if (dnn_ok(p, cudnnCreateConvolutionDescriptor(&s->conv), "this convolution") &&
        dnn_ok(p,
               cudnnSetConvolution2dDescriptor(
                   s->conv, dnn_size(p, c->padding[0]), dnn_size(p, c->padding[1]),
                   dnn_size(p, c->stride[0]), dnn_size(p, c->stride[1]),
                   dnn_size(p, c->dilation[0]), dnn_size(p, c->dilation[1]),
                   CUDNN_CROSS_CORRELATION, compute),
               "this convolution") &&
        dnn_ok(p, cudnnSetConvolutionMathType(s->conv, math_type(p)), "this convolution")) {
        (void)dnn_ok(p, cudnnSetConvolutionGroupCount(s->conv, dnn_size(p, c->groups)),
                     "these groups");
    }
}

static void describe_activation(cu_program *p, const conv_site *c, conv_state *s) {
    const cudnnActivationMode_t mode =
        c->has_relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
    if (dnn_ok(p, cudnnCreateActivationDescriptor(&s->activation), "an activation")) {
        (void)dnn_ok(p,
                     cudnnSetActivationDescriptor(s->activation, mode, CUDNN_NOT_PROPAGATE_NAN, 0),
                     "an activation");
    }
}

static void describe(cu_program *p, const conv_site *c, conv_state *s) {
    s->is_transposed = c->is_transposed;
    s->scale = cu_sum_scale(p, c->fan_in);
    dnn_describe_tensor(p, cu_md(p, c->x), &s->x);
    dnn_describe_tensor(p, cu_md(p, c->y), &s->y);
    if (c->bias != NO_TENSOR) {
        const layout bias = layout_plain(cu_bias_type(p), 4, (int64_t[]){1, c->out, 1, 1});
        dnn_describe_tensor(p, &bias, &s->bias);
    }
    if (p->status == JC_OK) {
        describe_weights(p, c, s);
    }
    if (p->status == JC_OK) {
        describe_convolution(p, c, s);
    }
    if (p->status == JC_OK) {
        describe_activation(p, c, s);
    }
}

// --- Instructions ----------------------------------------------------------------------------

// The input as cuDNN takes it: dense, with the same padding at both edges.
static tensor_id place_input(cu_program *p, conv_site *c) {
    const int64_t *s = c->n->kernel->size;
    const tensor_id input = c->n->inputs[0];
    const layout *md = cu_md(p, input);
    layout wanted = cu_image_layout(p, md->type, md->dim);
    if (window_is_symmetric(s, c->is_transposed)) {
        const tensor_id placed = cu_as(p, input, &wanted);
        // Strides along axes of size 1 may differ, and cuDNN looks at them.
        wanted.offset = cu_md(p, placed)->offset;
        return cu_alias(p, placed, &wanted);
    }
    if (c->is_transposed) {
        cu_fail(p, JC_EUNSUPPORTED, "cuDNN has no such padding of transposed convolutions");
        return 0;
    }
    const tensor_id source = cu_image(p, input);
    int64_t dims[] = {wanted.dim[0], wanted.dim[1], 0, 0};
    for (int axis = 0; axis < 2; ++axis) {
        dims[2 + axis] =
            wanted.dim[2 + axis] + c->padding[axis] + window_far_padding(s, axis, false);
    }
    wanted = cu_image_layout(p, wanted.type, dims);
    const tensor_id padded = cu_result(p, &wanted);
    kernel_plan k = kernel_begin_image(p, "pad", source, padded);
    k.args.n[IMAGE_NUMBERS] = c->padding[0];
    k.args.n[IMAGE_NUMBERS + 1] = c->padding[1];
    kernel_add(p, &k);
    c->padding[0] = c->padding[1] = 0;
    return padded;
}

// Bias, sum and activation, where cuDNN has not done them: in place.
static void add_rest(cu_program *p, const conv_site *c, const bool *is_needless) {
    char body[128];
    char sum[48];
    tensor_id operands[3] = {c->y};
    size_t n = 1;
    const post_op *last = c->n->n_post_ops > 0 ? &c->n->post_ops[c->n->n_post_ops - 1] : NULL;
    const bool has_activation = c->has_relu || c->has_other_activation;
    if (c->bias != NO_TENSOR) {
        const layout bias = layout_plain(cu_bias_type(p), 4, (int64_t[]){1, c->out, 1, 1});
        operands[n++] = cu_alias(p, c->bias, &bias);
    }
    if (c->addend != NO_TENSOR) {
        operands[n++] = c->addend;
    }
    (void)snprintf(sum, sizeof sum, "%s", n == 3 ? "x0 + x1 + x2" : n == 2 ? "x0 + x1" : "x0");
    if (has_activation) {
        (void)snprintf(body, sizeof body, "F_%s((%s), a.f[0], a.f[1])",
                       cu_activation_function(last->activation), sum);
    } else {
        (void)snprintf(body, sizeof body, "%s", sum);
    }
    const float reals[2] = {last != NULL ? (float)last->slope : 0, 0};
    const size_t before = p->n_instructions;
    kernel_add_elementwise(p, body, n, operands, c->y, reals);
    if (p->status == JC_OK && p->n_instructions > before) {
        p->instructions[before].is_needless = is_needless;
    }
}

static conv_fusion fusion_of(const conv_site *c) {
    if (c->is_transposed || c->has_other_activation || c->bias == NO_TENSOR) {
        return CONV_FUSE_NOTHING;
    }
    return c->has_relu ? CONV_FUSE_RELU : CONV_FUSE_SUMS;
}

// The convolution itself; its state is the program's.
static const conv_state *add_products(cu_program *p, const conv_site *c) {
    conv_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return NULL;
    }
    describe(p, c, s);
    const conv_fusion fusion = fusion_of(c);
    const bool must_fuse = p->precision == JC_PRECISION_INT8 && fusion != CONV_FUSE_NOTHING;
    conv_choose(p, s, fusion, must_fuse, (size_t)(p->memory_limit_bytes / 2));
    if (p->status != JC_OK) {
        conv_release(s);
        return NULL;
    }
    const tensor_id args[CONV_ARGS] = {
        [CONV_X] = c->x,       [CONV_W] = c->weights,
        [CONV_BIAS] = c->bias, [CONV_ADDEND] = c->addend,
        [CONV_Y] = c->y,       [CONV_WORK] = cu_scratch(p, conv_work_bytes(s))};
    if (p->status != JC_OK) {
        conv_release(s);
        return NULL;
    }
    cu_add(p, &(cu_instruction){.run = conv_run, .state = s, .release = conv_release}, CONV_ARGS,
           args);
    return s;
}

static tensor_id emit(cu_program *p, const node *n, bool is_transposed) {
    conv_site c = site_of(n, is_transposed);
    enum { INT8_CHANNELS = 4 };
    if (p->precision == JC_PRECISION_INT8 && (is_transposed || c.in % INT8_CHANNELS != 0 ||
                                              c.out % INT8_CHANNELS != 0 || c.groups != 1)) {
        cu_fail(p, JC_EUNSUPPORTED,
                "cuDNN's convolutions of int8 take multiples of 4 channels and no groups");
        return 0;
    }
    make_constants(p, &c);
    c.x = place_input(p, &c);
    if (p->status != JC_OK) {
        return 0;
    }
    const layout y = cu_image_layout(p, cu_md(p, c.x)->type, c.y_dims);
    if (c.addend != NO_TENSOR) {
        c.addend = cu_as(p, c.addend, &y);
    }
    c.y = cu_result(p, &y);
    const conv_state *s = add_products(p, &c);
    const bool has_rest = c.bias != NO_TENSOR || n->n_post_ops > 0;
    if (s != NULL && p->status == JC_OK && has_rest && p->precision != JC_PRECISION_INT8) {
        add_rest(p, &c, &s->is_complete);
    }
    return c.y;
}

tensor_id cu_emit_conv(cu_program *p, const node *n) {
    return emit(p, n, false);
}

tensor_id cu_emit_conv_transpose(cu_program *p, const node *n) {
    return emit(p, n, true);
}
