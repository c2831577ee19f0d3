// SPDX-License-Identifier: Apache-2.0
// Recurrent layers: a whole sequence is one primitive. Gates are those of PyTorch's layers; of
// gated recurrent units it is the form that resets after the product.
#include "emit.h"

enum { GATES_OF_RNN = 1, GATES_OF_GRU = 3, GATES_OF_LSTM = 4 };

/** A layer's tensors: sequences by step, sample, feature; weights by layer, direction, feature,
 * gate, unit. */
typedef struct recurrent {
    dnnl_memory_desc_t src, dst;
    tensor_id weights_input, weights_state, bias;
    dnnl_rnn_direction_t direction;
} recurrent;

// Steps in front, although a sample's steps lie together in memory.
static dnnl_memory_desc_t md_sequence(int64_t samples, int64_t steps, int64_t features) {
    const int64_t dims[] = {samples, steps, features};
    dnnl_memory_desc_t md = md_plain(3, dims, dnnl_f32);
    md.dims[0] = md.padded_dims[0] = steps;
    md.dims[1] = md.padded_dims[1] = samples;
    md.format_desc.blocking.strides[0] = features;
    md.format_desc.blocking.strides[1] = steps * features;
    return md;
}

static tensor_id weights_of(program *p, int64_t directions, int64_t rows, int64_t gates,
                            int64_t units) {
    const int64_t dims[] = {1, directions, rows, gates, units};
    const double range = weight_range(p, rows + units);
    return program_constant(p, TENSOR_WEIGHT, dnnl_f32, 5, dims, -range, range);
}

static bool describe(program *p, int64_t gates, const recurrent *r, dnnl_rnn_desc_t *out_desc,
                     const char *what) {
    const dnnl_memory_desc_t weights_input = *program_md(p, r->weights_input);
    const dnnl_memory_desc_t weights_state = *program_md(p, r->weights_state);
    const dnnl_memory_desc_t bias = *program_md(p, r->bias);
    dnnl_status_t status = dnnl_unimplemented;
    if (p->status != JC_OK) {
        return false;
    }
    if (gates == GATES_OF_LSTM) {
        status = dnnl_lstm_forward_desc_init(out_desc, dnnl_forward_inference, r->direction,
                                             &r->src, NULL, NULL, &weights_input, &weights_state,
                                             &bias, &r->dst, NULL, NULL, 0);
    } else if (gates == GATES_OF_GRU) {
        status = dnnl_lbr_gru_forward_desc_init(out_desc, dnnl_forward_inference, r->direction,
                                                &r->src, NULL, &weights_input, &weights_state,
                                                &bias, &r->dst, NULL, 0);
    } else if (gates == GATES_OF_RNN) {
        status = dnnl_vanilla_rnn_forward_desc_init(
            out_desc, dnnl_forward_inference, dnnl_eltwise_tanh, r->direction, &r->src, NULL,
            &weights_input, &weights_state, &bias, &r->dst, NULL, 0, 0, 0);
    }
    return program_check(p, status, what);
}

tensor_id emit_recurrent(program *p, const node *n) {
    const char *what = "this recurrent layer";
    const int64_t *s = n->kernel->size; // batch_size, length, input_size, hidden_size, gates, dirs
    const int64_t units = s[3];
    const int64_t gates = s[4];
    const int64_t directions = s[5];
    if (p->precision != JC_PRECISION_F32) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn runs recurrent layers in f32 only");
        return 0;
    }
    const int64_t n_bias = gates == GATES_OF_GRU ? 4 : gates; // the reset product has its own
    const int64_t bias_dims[] = {1, directions, n_bias, units};
    const int64_t result_dims[] = {s[0], s[1], directions * units};
    recurrent r = {.src = md_sequence(s[0], s[1], s[2]),
                   .dst = md_sequence(s[0], s[1], directions * units),
                   .direction = directions == 2 ? dnnl_bidirectional_concat
                                                : dnnl_unidirectional_left2right};
    r.weights_input = weights_of(p, directions, s[2], gates, units);
    r.weights_state = weights_of(p, directions, units, gates, units);
    r.bias = program_constant(p, TENSOR_WEIGHT, dnnl_f32, 4, bias_dims, -0.1, 0.1);
    const dnnl_memory_desc_t bias_md = md_plain(4, bias_dims, dnnl_f32);
    program_lay_out(p, r.bias, &bias_md);
    const tensor_id input = program_alias(p, program_plain(p, n->inputs[0]), &r.src);
    dnnl_rnn_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (describe(p, gates, &r, &desc, what)) {
        pd = program_describe(p, &desc, NULL, 1, what);
    }
    const dnnl_memory_desc_t wanted_input = program_query(p, pd, dnnl_query_weights_md);
    program_lay_out(p, r.weights_input, &wanted_input);
    const dnnl_memory_desc_t wanted_state = program_query_at(p, pd, dnnl_query_weights_md, 1);
    program_lay_out(p, r.weights_state, &wanted_state);
    const tensor_id result = program_result(p, &r.dst);
    program_add(p, pd, 5,
                (instruction_arg[]){{DNNL_ARG_SRC_LAYER, input},
                                    {DNNL_ARG_WEIGHTS_LAYER, r.weights_input},
                                    {DNNL_ARG_WEIGHTS_ITER, r.weights_state},
                                    {DNNL_ARG_BIAS, r.bias},
                                    {DNNL_ARG_DST_LAYER, result}});
    const dnnl_memory_desc_t plain = md_plain(3, result_dims, dnnl_f32);
    return program_alias(p, result, &plain);
}
