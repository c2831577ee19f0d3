// SPDX-License-Identifier: Apache-2.0
// Data that moves: copies to another order, planes enlarged, rows looked up.
#include "emit.h"

#include "runtime/exec/shared/inputs.h"

#include <string.h>

// --- copy: transpose, channel shuffle ----------------------------------------------------------

// The tensor with axis i where order[i] says, written out in that order.
static tensor_id reorder_axes(program *p, tensor_id t, const int *order) {
    t = program_plain(p, t);
    const dnnl_memory_desc_t md = *program_md(p, t);
    dnnl_memory_desc_t seen = md;
    if (p->status == JC_OK) {
        (void)program_check(p, dnnl_memory_desc_permute_axes(&seen, &md, order), "this copy");
    }
    return program_plain(p, program_alias(p, t, &seen));
}

// The tensor with two axes exchanged.
static tensor_id exchange(program *p, tensor_id t, int first, int second) {
    int order[DNNL_MAX_NDIMS];
    for (int i = 0; i < DNNL_MAX_NDIMS; ++i) {
        order[i] = i == first ? second : i == second ? first : i;
    }
    return reorder_axes(p, t, order);
}

// Axis i of the result is axis dims[i] of the input; the batch stays in front.
static tensor_id emit_permute(program *p, const node *n) {
    const jc_value *dims = &n->call->value[jc_op_param(n->op, "dims")->slot];
    int order[DNNL_MAX_NDIMS] = {0};
    for (int64_t i = 1; i <= dims[0].i; ++i) {
        order[dims[i].i] = (int)i;
    }
    return reorder_axes(p, n->inputs[0], order);
}

static tensor_id emit_usual_copy(program *p, const node *n) {
    int64_t dims[4];
    kernel_copy_dims(n->kernel, dims);
    lay_out_as_usual(p, n->inputs[0]);
    if (dims[1] == 1 || dims[2] == 1) { // nothing changes places
        return program_copy(p, n->inputs[0]);
    }
    const dnnl_memory_desc_t md = *program_md(p, n->inputs[0]);
    const tensor_id t = program_reshape(p, n->inputs[0], 4, dims);
    // Of an image, the next convolution wants it as this one found it.
    const tensor_id moved = program_reshape(p, exchange(p, t, 1, 2), md.ndims, md.dims);
    return program_as(p, moved, &md);
}

static tensor_id emit_shuffle(program *p, const node *n) {
    const int64_t *d = n->output->dim;
    const int64_t groups = node_integer(n, "groups", 1);
    const int64_t dims[] = {d[0], groups, d[1] / groups, d[2] * d[3]};
    const tensor_id shuffled = exchange(p, program_reshape(p, n->inputs[0], 4, dims), 1, 2);
    return program_reshape(p, shuffled, n->output->rank, d);
}

tensor_id emit_copy(program *p, const node *n) {
    if (n->op == NULL) {
        return emit_usual_copy(p, n);
    }
    if (node_is(n, "channel_shuffle")) {
        return emit_shuffle(p, n);
    }
    if (node_is(n, "permute")) {
        return emit_permute(p, n);
    }
    if (!node_is(n, "transpose")) {
        program_fail(p, JC_EUNSUPPORTED, "executor onednn does not know what '%s' moves",
                     n->op->name);
        return 0;
    }
    int64_t dim0 = node_integer(n, "dim0", 1);
    int64_t dim1 = node_integer(n, "dim1", 1);
    dim0 += dim0 < 0 ? n->output->rank : 0;
    dim1 += dim1 < 0 ? n->output->rank : 0;
    return exchange(p, n->inputs[0], (int)dim0, (int)dim1);
}

// --- upsample ----------------------------------------------------------------------------------

enum { MODE_NEAREST, MODE_BILINEAR };

tensor_id emit_upsample(program *p, const node *n) {
    const char *what = "this upsampling";
    const int64_t *s = n->kernel->size;
    const tensor_id input = n->inputs[0];
    lay_out_as_usual(p, input);
    const int64_t mode = node_integer(n, "mode", MODE_NEAREST);
    if (mode > MODE_BILINEAR || node_integer(n, "align_corners", 0) != 0) {
        program_fail(p, JC_EUNSUPPORTED,
                     "oneDNN has no bicubic upsampling and none with "
                     "align_corners");
    }
    const int64_t dims[] = {s[0], s[1], s[4], s[5]};
    const dnnl_memory_desc_t src = *program_md(p, input);
    const dnnl_memory_desc_t dst = md_any(4, dims, src.data_type);
    dnnl_resampling_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(p,
                      dnnl_resampling_forward_desc_init(
                          &desc, dnnl_forward_inference,
                          mode == MODE_BILINEAR ? dnnl_resampling_linear : dnnl_resampling_nearest,
                          NULL, &src, &dst),
                      what)) {
        pd = program_describe(p, &desc, NULL, 1, what);
    }
    const dnnl_memory_desc_t md = program_query(p, pd, dnnl_query_dst_md);
    const tensor_id result = program_result(p, &md);
    if (p->status == JC_OK) {
        p->tensors[result].rms = p->tensors[input].rms;
    }
    program_add(p, pd, 2, (instruction_arg[]){{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, result}});
    return result;
}

// --- embedding: plain code ---------------------------------------------------------------------

// sizes: look-ups, bytes of a row. data: indices, table, result.
static void look_up(const int64_t *sizes, void *const *data) {
    const int32_t *indices = data[0];
    const unsigned char *table = data[1];
    unsigned char *rows = data[2];
    const size_t bytes = (size_t)sizes[1];
    for (int64_t i = 0; i < sizes[0]; ++i) {
        memcpy(rows + (size_t)i * bytes, table + (size_t)indices[i] * bytes, bytes);
    }
}

tensor_id emit_embedding(program *p, const node *n) {
    const int64_t *s = n->kernel->size; // look-ups, embedding_dim, num_embeddings
    const int64_t table_dims[] = {s[2], s[1]};
    const int64_t dims[] = {s[0], s[1]};
    // An input of a network is no index: look-ups are drawn, as many as it has elements.
    const tensor_id indices =
        n->op == NULL ? n->inputs[0]
                      : program_constant(p, TENSOR_INPUT, dnnl_s32, 1, &s[0], 0, (double)s[2] - 1);
    const dnnl_memory_desc_t indices_md = md_plain(1, &s[0], dnnl_s32);
    program_lay_out(p, indices, &indices_md);
    const double range = p->precision == JC_PRECISION_INT8 ? 127 : 1;
    const tensor_id table =
        program_constant(p, TENSOR_WEIGHT, weight_type(p), 2, table_dims, -range, range);
    const dnnl_memory_desc_t table_md = md_plain(2, table_dims, weight_type(p));
    program_lay_out(p, table, &table_md);
    const dnnl_memory_desc_t md = md_plain(2, dims, activation_type(p));
    const tensor_id result = program_result(p, &md);
    if (p->status == JC_OK) {
        p->tensors[result].rms = 127 / 1.7;
    }
    const int64_t row_bytes = s[1] * jc_precision_bytes(p->precision);
    program_add_plain(p, look_up, (int64_t[INSTRUCTION_MAX_SIZES]){s[0], row_bytes}, 3,
                      (instruction_arg[]){{DNNL_ARG_SRC, indices},
                                          {DNNL_ARG_WEIGHTS, table},
                                          {DNNL_ARG_DST, result}});
    return n->output == NULL ? result : program_reshape(p, result, n->output->rank, n->output->dim);
}
