// SPDX-License-Identifier: Apache-2.0
// The operator table, and what the shape rules share.
#include "op_list.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static const jc_op *const ops[] = {
#define JC_OP_ENTRY(name) &op_##name,
    JC_OP_LIST(JC_OP_ENTRY)
#undef JC_OP_ENTRY
};

const jc_param op_no_params[] = {{0}};

const jc_op *const *jc_ops(size_t *out_n) {
    *out_n = sizeof ops / sizeof ops[0];
    return ops;
}

const jc_op *jc_op_find(const char *name) {
    size_t low = 0;
    size_t high = sizeof ops / sizeof ops[0];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, ops[middle]->name);
        if (order == 0) {
            return ops[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const jc_param *jc_op_param(const jc_op *op, const char *name) {
    for (const jc_param *p = op->params; p->name != NULL; ++p) {
        if (jc_text_equal(p->name, name)) {
            return p;
        }
    }
    return NULL;
}

int jc_param_slots(jc_param_type type) {
    switch (type) {
    case JC_PARAM_PAIR:
    case JC_PARAM_OFFSETS:
        return 2;
    case JC_PARAM_PADDING:
        return 4;
    case JC_PARAM_SIZES:
        return 1 + JC_MAX_RANK;
    case JC_PARAM_SIZE:
    case JC_PARAM_INTEGER:
    case JC_PARAM_FLAG:
    case JC_PARAM_REAL:
    case JC_PARAM_CHOICE:
        break;
    }
    return 1;
}

void jc_op_set_defaults(const jc_op *op, jc_op_call *call) {
    for (const jc_param *p = op->params; p->name != NULL; ++p) {
        const int end = p->slot + jc_param_slots(p->type);
        for (int s = p->slot; s < end; ++s) {
            if (p->type == JC_PARAM_REAL) {
                call->value[s].real = p->default_value;
            } else {
                call->value[s].i = (int64_t)p->default_value;
            }
        }
    }
}

int64_t op_sample_elements(const jc_shape *shape) {
    return jc_shape_elements(shape) / shape->dim[0];
}

jc_status op_infer_same(jc_op_call *call, jc_shape *out_shape, jc_error *err) {
    (void)err; // every shape will do
    *out_shape = *call->inputs[0];
    return JC_OK;
}

void op_elementwise_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    (void)call;
    out_size[0] = output->dim[0];
    out_size[1] = op_sample_elements(output);
}

void op_image_sizes(const jc_op_call *call, const jc_shape *output, int64_t *out_size) {
    (void)output;
    const jc_shape *input = call->inputs[0];
    const int width_axis = input->rank - 1;
    out_size[0] = input->dim[0];
    out_size[1] = input->dim[1];
    out_size[3] = width_axis > 1 ? input->dim[width_axis] : 1;
    out_size[2] = op_sample_elements(input) / (out_size[1] * out_size[3]);
}

jc_status op_require_image(const jc_op_call *call, jc_error *err) {
    if (call->inputs[0]->rank == 4) {
        return JC_OK;
    }
    char text[JC_SHAPE_TEXT_SIZE];
    return jc_error_set(err, JC_ESHAPE, NULL, 0, "the input must be images [N, C, H, W], but is %s",
                        jc_shape_format(call->inputs[0], text));
}

jc_status op_resolve_dim(int64_t dim, int rank, const char *name, int *out_dim, jc_error *err) {
    if (dim < -rank || dim >= rank) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "%s %" PRId64 " is not an axis of a tensor of rank %d (%d to %d)", name,
                            dim, rank, -rank, rank - 1);
    }
    *out_dim = (int)(dim < 0 ? dim + rank : dim);
    return JC_OK;
}

jc_status op_derive_size(jc_value *value, int64_t derived, const char *name, const char *what,
                         jc_error *err) {
    if (value->i == JC_SIZE_DERIVED) {
        value->i = derived;
    } else if (value->i != derived) {
        return jc_error_set(err, JC_ESHAPE, NULL, 0,
                            "%s is %" PRId64 ", but the input has %" PRId64 " %s", name, value->i,
                            derived, what);
    }
    return JC_OK;
}
