// SPDX-License-Identifier: Apache-2.0
#include "fuse.h"

#include <stdlib.h>
#include <string.h>

step_use *fuse_count_uses(const jc_network *network) {
    step_use *uses = calloc(network->n_steps + 1, sizeof *uses);
    if (uses == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < network->n_steps; ++i) {
        const jc_network_step *step = &network->steps[i];
        for (size_t k = 0; k < step->n_inputs; ++k) {
            step_use *use = &uses[step->inputs[k]];
            use->n_users++;
            use->last_user = (uint32_t)i;
            use->has_view = use->has_view || step->kernel.kind == JC_KERNEL_NONE;
        }
    }
    for (size_t i = 0; i < network->n_outputs; ++i) {
        uses[network->outputs[i]].n_users++;
        uses[network->outputs[i]].is_output = true;
    }
    return uses;
}

// The step that alone reads `step`; NULL if there are several, or the result is the network's.
static const jc_network_step *only_user(const jc_network *network, const step_use *uses,
                                        uint32_t step) {
    const step_use *use = &uses[step];
    return use->n_users == 1 && !use->is_output ? &network->steps[use->last_user] : NULL;
}

static bool is_fusable_activation(jc_kernel_kind kind) {
    return jc_fusion_stage(kind) == 3;
}

jc_fusion fuse_rules(void) {
    const uint64_t norm = UINT64_C(1) << JC_KERNEL_BATCH_NORM;
    uint64_t activations = 0;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        activations |= is_fusable_activation((jc_kernel_kind)kind) ? UINT64_C(1) << kind : 0;
    }
    return (jc_fusion){
        .takes_in = {[JC_KERNEL_CONV2D] = norm | UINT64_C(1) << JC_KERNEL_ADD | activations,
                     [JC_KERNEL_CONV_TRANSPOSE2D] = norm,
                     [JC_KERNEL_LINEAR] = activations,
                     [JC_KERNEL_BATCH_NORM] = UINT64_C(1) << JC_KERNEL_RELU}};
}

static bool same_shape(const jc_shape *a, const jc_shape *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

// The other operand of a sum of two, if the sum can be made in its place by step `head`: it stands
// there before, and nothing reads it afterwards, directly or through a view. NULL otherwise.
static const uint32_t *find_addend(const jc_network *network, const step_use *uses, uint32_t head,
                                   const jc_network_step *sum, uint32_t operand) {
    if (sum->kernel.kind != JC_KERNEL_ADD || strcmp(sum->op->name, "add") != 0 ||
        sum->n_inputs != 2) {
        return NULL;
    }
    const uint32_t *other = &sum->inputs[sum->inputs[0] == operand ? 1 : 0];
    const jc_network_step *step = &network->steps[*other];
    const step_use *use = &uses[*other];
    const uint32_t sum_index = (uint32_t)(sum - network->steps);
    if (*other >= head || use->is_output || use->has_view || use->last_user != sum_index ||
        step->kernel.kind == JC_KERNEL_NONE || !same_shape(&step->output, &sum->output)) {
        return NULL;
    }
    for (uint32_t i = head; i < sum_index; ++i) {
        for (size_t k = 0; k < network->steps[i].n_inputs; ++k) {
            if (network->steps[i].inputs[k] == *other) {
                return NULL; // head itself, or a step that is done after it
            }
        }
    }
    return other;
}

static void append_activation_step(const jc_network_step *step, node *out_node) {
    const node at = {.op = step->op, .call = &step->call};
    out_node->post_ops[out_node->n_post_ops++] =
        (post_op){.activation = step->kernel.kind, .slope = node_real(&at, "negative_slope", 0)};
}

// Sum, then activation, each if it is there.
static uint32_t fuse_post_ops(const jc_network *network, const step_use *uses, uint32_t head,
                              uint32_t last, node *out_node) {
    const jc_network_step *next = only_user(network, uses, last);
    const uint32_t *addend = next == NULL || network->steps[head].kernel.kind != JC_KERNEL_CONV2D
                                 ? NULL
                                 : find_addend(network, uses, head, next, last);
    if (addend != NULL) {
        out_node->post_ops[out_node->n_post_ops++] = (post_op){.is_sum = true, .addend = *addend};
        last = (uint32_t)(next - network->steps);
        next = only_user(network, uses, last);
    }
    if (next != NULL && is_fusable_activation(next->kernel.kind)) {
        append_activation_step(next, out_node);
        last = (uint32_t)(next - network->steps);
    }
    return last;
}

uint32_t fuse_from(const jc_network *network, const step_use *uses, uint32_t head, node *out_node) {
    const jc_kernel_kind kind = network->steps[head].kernel.kind;
    const jc_network_step *next = only_user(network, uses, head);
    uint32_t last = head;
    if (next == NULL) {
        return head;
    }
    if (kind == JC_KERNEL_BATCH_NORM && next->kernel.kind == JC_KERNEL_RELU) {
        append_activation_step(next, out_node);
        return (uint32_t)(next - network->steps);
    }
    const bool is_conv = kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D;
    if (is_conv && next->kernel.kind == JC_KERNEL_BATCH_NORM) {
        const node at = {.op = next->op, .call = &next->call};
        out_node->has_norm = true;
        out_node->norm_eps = node_real(&at, "eps", 1e-5);
        last = (uint32_t)(next - network->steps);
    }
    if (kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_LINEAR) {
        return fuse_post_ops(network, uses, head, last, out_node);
    }
    return last;
}
