// SPDX-License-Identifier: Apache-2.0
// Convolutions, dense, grouped, depthwise, dilated and transposed, with what is fused into them.
#include "emit.h"

#include "runtime/exec/shared/window.h"

typedef struct conv_shape {
    int64_t src[4], dst[4];
    int64_t weights[5]; ///< groups in front if there are several
    int weights_rank;
    int64_t fan_in;
    dnnl_dims_t strides, dilates, near, far;
} conv_shape;

static conv_shape shape_of(const jc_kernel *kernel, bool transposed) {
    const int64_t *s = kernel->size;
    const int64_t groups = s[JC_WINDOW_GROUPS];
    const int64_t in = s[JC_WINDOW_IN_CHANNELS];
    const int64_t out = s[JC_WINDOW_OUT_CHANNELS];
    conv_shape c = {
        .src = {s[JC_WINDOW_BATCH_SIZE], in, s[JC_WINDOW_IN_HEIGHT], s[JC_WINDOW_IN_WIDTH]},
        .dst = {s[JC_WINDOW_BATCH_SIZE], out, s[JC_WINDOW_OUT_HEIGHT], s[JC_WINDOW_OUT_WIDTH]},
        .fan_in = in / groups * s[JC_WINDOW_KERNEL_H] * s[JC_WINDOW_KERNEL_W],
    };
    int64_t *w = c.weights;
    if (groups > 1) {
        *w++ = groups;
    }
    *w++ = out / groups;
    *w++ = in / groups;
    *w++ = s[JC_WINDOW_KERNEL_H];
    *w++ = s[JC_WINDOW_KERNEL_W];
    c.weights_rank = (int)(w - c.weights);
    for (int axis = 0; axis < 2; ++axis) {
        c.strides[axis] = s[JC_WINDOW_STRIDE_H + axis];
        c.dilates[axis] = s[JC_WINDOW_DILATION_H + axis] - 1; // oneDNN counts the gaps
        c.near[axis] = s[JC_WINDOW_PADDING_H + axis];
        c.far[axis] = window_far_padding(s, axis, transposed);
    }
    return c;
}

// Constants of the batch normalisation that is folded in. They are drawn, but never in memory.
static norm_values make_norm(program *p, const node *n, int64_t channels) {
    const int64_t dims[] = {channels};
    return (norm_values){
        .mean = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, dims, -0.1, 0.1),
        .variance = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, dims, 0.5, 1.5),
        .scale = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, dims, 0.5, 1.5),
        .shift = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, dims, -0.1, 0.1),
        .eps = n->norm_eps,
    };
}

static void set_fold(program *p, tensor_id t, tensor_fold fold, const norm_values *norm) {
    if (p->status == JC_OK && t != NO_TENSOR) {
        p->tensors[t].fold = fold;
        p->tensors[t].norm = *norm;
    }
}

typedef struct conv_constants {
    tensor_id weights, bias;
} conv_constants;

static conv_constants make_constants(program *p, const node *n, const conv_shape *c) {
    const double range = weight_range(p, c->fan_in);
    conv_constants made = {.bias = NO_TENSOR};
    made.weights = program_constant(p, TENSOR_WEIGHT, weight_type(p), c->weights_rank, c->weights,
                                    -range, range);
    if (node_integer(n, "bias", 1) != 0 || n->has_norm) {
        made.bias = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 1, &c->dst[1], -0.1, 0.1);
    }
    // Integers stand for scaled values already: the normalisation is in that scale.
    if (n->has_norm && p->precision != JC_PRECISION_INT8) {
        const norm_values norm = make_norm(p, n, c->dst[1]);
        set_fold(p, made.weights, FOLD_WEIGHTS, &norm);
        set_fold(p, made.bias, FOLD_BIAS, &norm);
    }
    return made;
}

static tensor_id emit_any_conv(program *p, const node *n, bool transposed) {
    const char *what = transposed ? "this transposed convolution" : "this convolution";
    const conv_shape c = shape_of(n->kernel, transposed);
    const conv_constants constants = make_constants(p, n, &c);
    const tensor_id input = n->inputs[0];
    if (p->status != JC_OK) {
        return 0;
    }
    const dnnl_memory_desc_t src = md_any(4, c.src, program_md(p, input)->data_type);
    const dnnl_memory_desc_t weights = *program_md(p, constants.weights);
    const dnnl_memory_desc_t dst = md_any(4, c.dst, node_result_type(p, n));
    dnnl_memory_desc_t bias = {0};
    if (constants.bias != NO_TENSOR) {
        bias = md_plain(1, &c.dst[1], dnnl_f32);
        program_lay_out(p, constants.bias, &bias);
    }
    dnnl_post_ops_t post_ops = node_post_ops(p, n);
    const double scale = node_scale(p, n, input, c.fan_in);
    dnnl_primitive_desc_t pd = NULL;
    if (transposed) {
        dnnl_deconvolution_desc_t desc;
        if (program_check(p,
                          dnnl_dilated_deconvolution_forward_desc_init(
                              &desc, dnnl_forward_inference, dnnl_deconvolution_direct, &src,
                              &weights, constants.bias == NO_TENSOR ? NULL : &bias, &dst, c.strides,
                              c.dilates, c.near, c.far),
                          what)) {
            pd = program_describe(p, &desc, post_ops, scale, what);
        }
    } else {
        dnnl_convolution_desc_t desc;
        if (program_check(p,
                          dnnl_dilated_convolution_forward_desc_init(
                              &desc, dnnl_forward_inference, dnnl_convolution_auto, &src, &weights,
                              constants.bias == NO_TENSOR ? NULL : &bias, &dst, c.strides,
                              c.dilates, c.near, c.far),
                          what)) {
            pd = program_describe(p, &desc, post_ops, scale, what);
        }
    }
    (void)dnnl_post_ops_destroy(post_ops);
    const dnnl_memory_desc_t src_md = program_query(p, pd, dnnl_query_src_md);
    const dnnl_memory_desc_t weights_md = program_query(p, pd, dnnl_query_weights_md);
    const dnnl_memory_desc_t dst_md = program_query(p, pd, dnnl_query_dst_md);
    const tensor_id placed = program_as(p, input, &src_md);
    program_lay_out(p, constants.weights, &weights_md);
    const tensor_id result = node_result(p, n, &dst_md);
    program_add(p, pd, 4,
                (instruction_arg[]){{DNNL_ARG_SRC, placed},
                                    {DNNL_ARG_WEIGHTS, constants.weights},
                                    {DNNL_ARG_BIAS, constants.bias},
                                    {DNNL_ARG_DST, result}});
    return result;
}

tensor_id emit_conv(program *p, const node *n) {
    return emit_any_conv(p, n, false);
}

tensor_id emit_conv_transpose(program *p, const node *n) {
    return emit_any_conv(p, n, true);
}

dnnl_memory_desc_t image_layout(program *p, const int64_t dims[4], dnnl_data_type_t type) {
    enum { MOST_CHANNELS = 1 << 20 }; // their square must not overflow the library's sizes
    const int64_t weights_dims[] = {dims[1], dims[1], 1, 1};
    const dnnl_memory_desc_t image = md_any(4, dims, type);
    const dnnl_memory_desc_t weights = md_any(4, weights_dims, weight_type(p));
    const dnnl_dims_t ones = {1, 1};
    const dnnl_dims_t zeros = {0, 0};
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_t md = md_plain(4, dims, type);
    if (dims[1] <= MOST_CHANNELS &&
        dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_auto,
                                           &image, &weights, NULL, &image, ones, zeros,
                                           zeros) == dnnl_success &&
        dnnl_primitive_desc_create(&pd, &desc, NULL, p->engine, NULL) == dnnl_success) {
        md = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    }
    (void)dnnl_primitive_desc_destroy(pd);
    return md;
}

void lay_out_as_usual(program *p, tensor_id t) {
    if (p->status != JC_OK || p->tensors[t].laid_out) {
        return;
    }
    const dnnl_memory_desc_t md = *program_md(p, t);
    const dnnl_memory_desc_t usual = md.ndims == 4 ? image_layout(p, md.dims, md.data_type)
                                                   : md_plain(md.ndims, md.dims, md.data_type);
    program_lay_out(p, t, &usual);
}
