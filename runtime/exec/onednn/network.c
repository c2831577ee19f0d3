// SPDX-License-Identifier: Apache-2.0
// Whole networks: one step after the other, each handing its tensor on.
#include "network.h"

#include "fuse.h"
#include "view.h"

#include <stdlib.h>

typedef struct network_builder {
    program *p;
    const jc_network *network;
    step_use *uses;
    tensor_id *values; ///< [n_steps] results; of fused steps the last one's only
    bool *done;        ///< [n_steps] emitted together with an earlier step
    tensor_id *inputs; ///< of the step at hand
} network_builder;

// Images arrive as they are: plain, NCHW.
static tensor_id emit_input(program *p, const jc_shape *shape) {
    const bool integers = p->precision == JC_PRECISION_INT8;
    const dnnl_data_type_t type = integers ? dnnl_u8 : activation_type(p);
    const tensor_id t = program_constant(p, TENSOR_INPUT, type, shape->rank, shape->dim,
                                         integers ? 0 : -1, integers ? 255 : 1);
    if (p->status == JC_OK) {
        p->tensors[t].rms = 255 / 1.7320508; // uniform; int8 only
    }
    return program_plain(p, t);
}

// Most primitives give their result the layout of their input, gaps and all, or are slow with one
// that is a part of another tensor. Views, copies, concatenations and convolutions take it as it
// is.
static bool wants_dense(jc_kernel_kind kind) {
    return kind != JC_KERNEL_NONE && kind != JC_KERNEL_COPY && kind != JC_KERNEL_CONCAT &&
           kind != JC_KERNEL_CONV2D && kind != JC_KERNEL_CONV_TRANSPOSE2D;
}

// What is computed on integers as they are; the rest, as frameworks do, in f32 in between.
static bool runs_in_int8(jc_kernel_kind kind) {
    switch ((int)kind) {
    case JC_KERNEL_CONV2D:
    case JC_KERNEL_CONV_TRANSPOSE2D:
    case JC_KERNEL_LINEAR:
    case JC_KERNEL_MATMUL:
    case JC_KERNEL_MAX_POOL2D:
    case JC_KERNEL_AVG_POOL2D:
    case JC_KERNEL_RELU:
    case JC_KERNEL_ADD:
    case JC_KERNEL_MUL:
    case JC_KERNEL_CONCAT:
    case JC_KERNEL_COPY:
    case JC_KERNEL_UPSAMPLE:
    case JC_KERNEL_EMBEDDING:
        return true;
    default:
        return false;
    }
}

static tensor_id emit_in_f32(program *p, const node *n, tensor_id *inputs) {
    const double unit = integer_unit(p);
    for (size_t k = 0; k < n->n_inputs; ++k) {
        inputs[k] = program_convert(p, inputs[k], dnnl_f32, 1 / unit);
    }
    p->precision = JC_PRECISION_F32;
    const tensor_id result = emit_node(p, n);
    p->precision = JC_PRECISION_INT8;
    const tensor_id integers = program_convert(p, result, dnnl_s8, unit);
    if (p->status == JC_OK) {
        p->tensors[integers].rms = scaled_rms(0, n->kernel->kind);
    }
    return integers;
}

static void emit_step(network_builder *b, uint32_t index) {
    const jc_network_step *step = &b->network->steps[index];
    if (step->op == NULL) {
        b->values[index] = emit_input(b->p, &step->output);
        return;
    }
    for (size_t k = 0; k < step->n_inputs; ++k) {
        const tensor_id t = b->values[step->inputs[k]];
        b->inputs[k] = wants_dense(step->kernel.kind) ? program_dense(b->p, t) : t;
    }
    node n = {.kernel = &step->kernel,
              .op = step->op,
              .call = &step->call,
              .n_inputs = step->n_inputs,
              .inputs = b->inputs,
              .output = &step->output};
    if (step->kernel.kind == JC_KERNEL_NONE) {
        b->values[index] = emit_view(b->p, &n);
        return;
    }
    const uint32_t last = fuse_from(b->network, b->uses, index, &n);
    for (size_t i = 0; i < n.n_post_ops; ++i) {
        if (n.post_ops[i].is_sum) {
            n.post_ops[i].addend = b->values[n.post_ops[i].addend];
        }
    }
    const bool in_f32 = b->p->precision == JC_PRECISION_INT8 && !runs_in_int8(step->kernel.kind);
    b->values[last] = in_f32 ? emit_in_f32(b->p, &n, b->inputs) : emit_node(b->p, &n);
    // Those between are fused: each reads the one before it, and nothing else reads them.
    for (uint32_t at = index; at != last;) {
        at = b->uses[at].last_user;
        b->done[at] = true;
    }
}

// Steps whose tensors do not exist, or exist too late, are a caller's mistake: refused here once.
static bool is_ordered(const jc_network *network) {
    for (size_t i = 0; i < network->n_steps; ++i) {
        for (size_t k = 0; k < network->steps[i].n_inputs; ++k) {
            if (network->steps[i].inputs[k] >= i) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < network->n_outputs; ++i) {
        if (network->outputs[i] >= network->n_steps) {
            return false;
        }
    }
    return network->n_steps > 0 && network->n_steps < UINT32_MAX;
}

static size_t most_inputs(const jc_network *network) {
    size_t most = 1;
    for (size_t i = 0; i < network->n_steps; ++i) {
        most = network->steps[i].n_inputs > most ? network->steps[i].n_inputs : most;
    }
    return most;
}

void build_network(program *p, const jc_network *network) {
    if (!is_ordered(network)) {
        program_fail(p, JC_EINVAL, "steps of '%.80s' read what later steps write", network->name);
        return;
    }
    if (p->precision == JC_PRECISION_F16) {
        program_fail(p, JC_EUNSUPPORTED, "oneDNN computes no f16 on processors");
        return;
    }
    network_builder b = {
        .p = p,
        .network = network,
        .uses = fuse_count_uses(network),
        .values = calloc(network->n_steps, sizeof *b.values),
        .done = calloc(network->n_steps, sizeof *b.done),
        .inputs = calloc(most_inputs(network), sizeof *b.inputs),
    };
    if (b.uses == NULL || b.values == NULL || b.done == NULL || b.inputs == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < network->n_steps && p->status == JC_OK; ++i) {
        if (!b.done[i]) {
            emit_step(&b, (uint32_t)i);
        }
    }
    for (size_t i = 0; i < network->n_outputs && p->status == JC_OK; ++i) {
        program_output(p, b.values[network->outputs[i]]);
    }
    free(b.uses);
    free(b.values);
    free(b.done);
    free(b.inputs);
}
