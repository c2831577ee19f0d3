// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

#include "fuse.h"

#include <stdlib.h>

typedef struct network_walk {
    const network_walker *walker;
    const jc_network *network;
    step_use *uses;
    tensor_id *values; ///< [n_steps] results; of fused steps the last one's only
    bool *done;        ///< [n_steps] emitted together with an earlier step
    tensor_id *inputs; ///< of the step at hand
} network_walk;

static void emit_step(network_walk *w, uint32_t index) {
    const jc_network_step *step = &w->network->steps[index];
    void *context = w->walker->context;
    if (step->op == NULL) {
        w->values[index] = w->walker->input(context, &step->output);
        return;
    }
    for (size_t k = 0; k < step->n_inputs; ++k) {
        w->inputs[k] = w->values[step->inputs[k]];
    }
    node n = {.kernel = &step->kernel,
              .op = step->op,
              .call = &step->call,
              .n_inputs = step->n_inputs,
              .inputs = w->inputs,
              .output = &step->output};
    if (step->kernel.kind == JC_KERNEL_NONE) {
        w->values[index] = w->walker->view(context, &n);
        return;
    }
    const uint32_t last = fuse_from(w->network, w->uses, index, &n);
    for (size_t i = 0; i < n.n_post_ops; ++i) {
        if (n.post_ops[i].is_sum) {
            n.post_ops[i].addend = w->values[n.post_ops[i].addend];
        }
    }
    w->values[last] = w->walker->emit(context, &n, w->inputs);
    // Those between are fused: each reads the one before it, and nothing else reads them.
    for (uint32_t at = index; at != last;) {
        at = w->uses[at].last_user;
        w->done[at] = true;
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

jc_status walk_network(const jc_network *network, const network_walker *walker, jc_error *err) {
    if (!is_ordered(network)) {
        return jc_error_set(err, JC_EINVAL, NULL, 0, "steps of '%.80s' read what later steps write",
                            network->name);
    }
    network_walk w = {
        .walker = walker,
        .network = network,
        .uses = fuse_count_uses(network),
        .values = calloc(network->n_steps, sizeof *w.values),
        .done = calloc(network->n_steps, sizeof *w.done),
        .inputs = calloc(most_inputs(network), sizeof *w.inputs),
    };
    const bool has_memory =
        w.uses != NULL && w.values != NULL && w.done != NULL && w.inputs != NULL;
    for (size_t i = 0; has_memory && i < network->n_steps && walker->is_well(walker->context);
         ++i) {
        if (!w.done[i]) {
            emit_step(&w, (uint32_t)i);
        }
    }
    for (size_t i = 0; has_memory && i < network->n_outputs && walker->is_well(walker->context);
         ++i) {
        walker->output(walker->context, w.values[network->outputs[i]]);
    }
    free(w.uses);
    free(w.values);
    free(w.done);
    free(w.inputs);
    return has_memory ? JC_OK : jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
}
