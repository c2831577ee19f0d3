// SPDX-License-Identifier: Apache-2.0
// What emitters share: types, scales, and the operations fused into a convolution or linear layer.
#include "emit.h"

#include <math.h>

bool refuses_precision(jc_precision precision) {
    return precision == JC_PRECISION_F16 || precision == JC_PRECISION_TF32;
}

dnnl_data_type_t activation_type(const program *p) {
    switch (p->precision) {
    case JC_PRECISION_BF16:
        return dnnl_bf16;
    case JC_PRECISION_F16:
        return dnnl_f16;
    case JC_PRECISION_INT8:
        return dnnl_s8;
    case JC_PRECISION_F32:
    case JC_PRECISION_TF32:
    case JC_PRECISION_COUNT:
    default:
        return dnnl_f32;
    }
}

dnnl_data_type_t weight_type(const program *p) {
    return activation_type(p);
}

// --- int8 ------------------------------------------------------------------------------------

// Weights leave the top bit free: before VNNI, processors add two products of an unsigned and a
// signed byte in 16 bits, and 2·255·64 is the most that fits.
enum { LARGEST_WEIGHT = 64 };

// Root mean square that results are scaled to: three of it are what int8 holds.
static const double TARGET_RMS = 40;

double weight_range(const program *p, int64_t fan_in) {
    return p->precision == JC_PRECISION_INT8 ? LARGEST_WEIGHT : sqrt(6.0 / (double)fan_in);
}

double integer_unit(const program *p) {
    return p->precision == JC_PRECISION_INT8 ? TARGET_RMS : 1;
}

double sum_scale(const program *p, tensor_id input, int64_t fan_in) {
    if (p->precision != JC_PRECISION_INT8 || p->status != JC_OK) {
        return 1;
    }
    const double weights_rms = LARGEST_WEIGHT / sqrt(3);
    const double sum_rms = sqrt((double)fan_in) * weights_rms * p->tensors[input].rms;
    return TARGET_RMS / sum_rms;
}

// Activations are functions of what integers stand for: what comes before them is in those units.
static bool has_activation(const node *n) {
    return n->n_post_ops > 0 && !n->post_ops[n->n_post_ops - 1].is_sum;
}

double node_scale(const program *p, const node *n, tensor_id input, int64_t fan_in) {
    return sum_scale(p, input, fan_in) / (has_activation(n) ? integer_unit(p) : 1);
}

// Root mean square of an activation of values that are normally distributed around 0 with
// deviation 1: by integration, to two digits.
static double activated_rms(jc_kernel_kind kind) {
    switch ((int)kind) {
    case JC_KERNEL_RELU:
    case JC_KERNEL_RELU6:
    case JC_KERNEL_LEAKY_RELU:
        return 0.71;
    case JC_KERNEL_SIGMOID:
        return 0.54;
    case JC_KERNEL_HARDSIGMOID:
        return 0.53;
    case JC_KERNEL_TANH:
        return 0.63;
    case JC_KERNEL_GELU:
        return 0.65;
    case JC_KERNEL_SILU:
        return 0.60;
    case JC_KERNEL_HARDSWISH:
        return 0.58;
    default:
        return 1;
    }
}

double scaled_rms(double addend_rms, jc_kernel_kind activation) {
    return hypot(TARGET_RMS, addend_rms) * activated_rms(activation);
}

// --- Post-ops --------------------------------------------------------------------------------

static bool never_negative(jc_kernel_kind kind) {
    return kind == JC_KERNEL_RELU || kind == JC_KERNEL_RELU6 || kind == JC_KERNEL_SIGMOID ||
           kind == JC_KERNEL_HARDSIGMOID;
}

dnnl_data_type_t node_result_type(const program *p, const node *n) {
    const bool unsigned_result = n->n_post_ops > 0 && !n->post_ops[n->n_post_ops - 1].is_sum &&
                                 never_negative(n->post_ops[n->n_post_ops - 1].activation);
    return p->precision == JC_PRECISION_INT8 && unsigned_result ? dnnl_u8 : activation_type(p);
}

dnnl_post_ops_t node_post_ops(program *p, const node *n) {
    dnnl_post_ops_t post_ops = NULL;
    if (n->n_post_ops == 0 || p->status != JC_OK ||
        !program_check(p, dnnl_post_ops_create(&post_ops), "post-ops")) {
        return NULL;
    }
    for (size_t i = 0; i < n->n_post_ops; ++i) {
        const post_op *op = &n->post_ops[i];
        if (op->is_sum) {
            const dnnl_data_type_t type = program_md(p, op->addend)->data_type;
            const float scale = has_activation(n) ? (float)(1 / integer_unit(p)) : 1;
            (void)program_check(p, dnnl_post_ops_append_sum_v2(post_ops, scale, type), "post-ops");
        } else if (!append_activation(p, post_ops, op->activation, op->slope)) {
            program_fail(p, JC_EUNSUPPORTED, "oneDNN has no fused %s",
                         jc_kernel_name(op->activation));
        }
    }
    return post_ops;
}

tensor_id node_result(program *p, const node *n, const dnnl_memory_desc_t *md) {
    tensor_id result = 0;
    double addend_rms = 0;
    if (n->n_post_ops > 0 && n->post_ops[0].is_sum) {
        addend_rms = p->status == JC_OK ? p->tensors[n->post_ops[0].addend].rms : 0;
        // The sum is made in place, so what is added must lie as the result will.
        dnnl_memory_desc_t addend_md = *md;
        addend_md.data_type = program_md(p, n->post_ops[0].addend)->data_type;
        result = program_alias(p, program_as(p, n->post_ops[0].addend, &addend_md), md);
    } else {
        result = program_result(p, md);
    }
    if (p->status == JC_OK) {
        p->tensors[result].rms =
            scaled_rms(addend_rms, has_activation(n) ? n->post_ops[n->n_post_ops - 1].activation
                                                     : JC_KERNEL_NONE);
    }
    return result;
}
