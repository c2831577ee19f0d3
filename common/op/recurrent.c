// SPDX-License-Identifier: Apache-2.0
// Recurrent layers over a sequence [N, length, features]: torch.nn.LSTM, GRU and RNN, batch first.
#include "op_list.h"

#include "common/number.h"

enum { RECURRENT_HIDDEN, RECURRENT_BIDIRECTIONAL, RECURRENT_BIAS, RECURRENT_GATES };

static const jc_param recurrent_params[] = {
    {"hidden_size", JC_PARAM_SIZE, RECURRENT_HIDDEN, true, 0, NULL},
    {"bidirectional", JC_PARAM_FLAG, RECURRENT_BIDIRECTIONAL, false, 0, NULL},
    {"bias", JC_PARAM_FLAG, RECURRENT_BIAS, false, 1, NULL},
    {0}};

static int64_t directions(const jc_op_call *call) {
    return call->value[RECURRENT_BIDIRECTIONAL].i == 0 ? 1 : 2;
}

static jc_status infer_recurrent(jc_op_call *call, int64_t gates, jc_shape *out_shape,
                                 jc_error *err) {
    const jc_shape *input = call->inputs[0];
    if (input->rank != 3) {
        char text[JC_SHAPE_TEXT_SIZE];
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "the input must be [N, length, features], but is %s",
                            jc_shape_format(input, text));
    }
    call->value[RECURRENT_GATES].i = gates;
    *out_shape = *input;
    out_shape->dim[2] = jc_mul_saturating(directions(call), call->value[RECURRENT_HIDDEN].i);
    return JC_OK;
}

static jc_status infer_lstm(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    return infer_recurrent(call, 4, out_shape, err);
}

static jc_status infer_gru(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    return infer_recurrent(call, 3, out_shape, err);
}

static jc_status infer_rnn(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    return infer_recurrent(call, 1, out_shape, err);
}

// Weights for input and state, and as PyTorch has them a bias for each of the two.
static int64_t recurrent_count_params(const jc_op_call *call) {
    const jc_value *v = call->value;
    const int64_t columns =
        jc_add_saturating(jc_add_saturating(call->inputs[0]->dim[2], v[RECURRENT_HIDDEN].i),
                          v[RECURRENT_BIAS].i == 0 ? 0 : 2);
    const int64_t rows = jc_mul_saturating(v[RECURRENT_GATES].i, v[RECURRENT_HIDDEN].i);
    return jc_mul_saturating(directions(call), jc_mul_saturating(rows, columns));
}

static void recurrent_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    (void)output;
    const jc_shape *input = call->inputs[0];
    out_size[0] = input->dim[0];
    out_size[1] = input->dim[1];
    out_size[2] = input->dim[2];
    out_size[3] = call->value[RECURRENT_HIDDEN].i;
    out_size[4] = call->value[RECURRENT_GATES].i;
    out_size[5] = directions(call);
}

#define RECURRENT_OP(op, text)                                                                     \
    const jc_op op_##op = {                                                                        \
        .name = #op,                                                                               \
        .summary = text,                                                                           \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .params = recurrent_params,                                                                \
        .infer = infer_##op,                                                                       \
        .count_params = recurrent_count_params,                                                    \
        .kernel = JC_KERNEL_RECURRENT,                                                             \
        .kernel_sizes = recurrent_sizes,                                                           \
    };

RECURRENT_OP(lstm, "long short-term memory over a sequence, one layer")
RECURRENT_OP(gru, "gated recurrent units over a sequence, one layer")
RECURRENT_OP(rnn, "plain recurrence over a sequence, one layer")
