// SPDX-License-Identifier: Apache-2.0
// Pooling.
#include "emit.h"

#include "runtime/exec/shared/window.h"

static dnnl_alg_kind_t algorithm(const node *n) {
    if (n->kernel->kind == JC_KERNEL_MAX_POOL2D) {
        return dnnl_pooling_max;
    }
    return node_integer(n, "count_include_pad", 1) != 0 ? dnnl_pooling_avg_include_padding
                                                        : dnnl_pooling_avg_exclude_padding;
}

tensor_id emit_pool(program *p, const node *n) {
    const char *what = "this pooling";
    const int64_t *s = n->kernel->size;
    const int64_t src_dims[] = {s[JC_WINDOW_BATCH_SIZE], s[JC_WINDOW_IN_CHANNELS],
                                s[JC_WINDOW_IN_HEIGHT], s[JC_WINDOW_IN_WIDTH]};
    const int64_t dst_dims[] = {src_dims[0], src_dims[1], s[JC_WINDOW_OUT_HEIGHT],
                                s[JC_WINDOW_OUT_WIDTH]};
    // A convolution that ran as one matrix product leaves rows, which pools read many times slower.
    const dnnl_memory_desc_t usual =
        image_layout(p, src_dims, program_md(p, n->inputs[0])->data_type);
    const tensor_id input = program_as(p, n->inputs[0], &usual);
    dnnl_dims_t strides = {0};
    dnnl_dims_t window = {0};
    dnnl_dims_t dilation = {0};
    dnnl_dims_t near = {0};
    dnnl_dims_t far = {0};
    for (int axis = 0; axis < 2; ++axis) {
        strides[axis] = s[JC_WINDOW_STRIDE_H + axis];
        window[axis] = s[JC_WINDOW_KERNEL_H + axis];
        dilation[axis] = s[JC_WINDOW_DILATION_H + axis] - 1; // oneDNN counts the gaps
        near[axis] = s[JC_WINDOW_PADDING_H + axis];
        far[axis] = window_far_padding(s, axis, false);
    }
    const dnnl_memory_desc_t src_md = *program_md(p, input);
    const dnnl_memory_desc_t any = md_any(4, dst_dims, src_md.data_type);
    dnnl_pooling_v2_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    if (p->status == JC_OK &&
        program_check(p,
                      dnnl_pooling_v2_forward_desc_init(&desc, dnnl_forward_inference, algorithm(n),
                                                        &src_md, &any, strides, window, dilation,
                                                        near, far),
                      what)) {
        pd = program_describe(p, &desc, NULL, 1, what);
    }
    const dnnl_memory_desc_t dst_md = program_query(p, pd, dnnl_query_dst_md);
    const tensor_id result = program_result(p, &dst_md);
    if (p->status == JC_OK) {
        // Of many values the mean alone is left: about half of what an activation gave.
        const bool averages = n->kernel->kind == JC_KERNEL_AVG_POOL2D && window[0] * window[1] > 9;
        p->tensors[result].rms = p->tensors[input].rms / (averages ? 2 : 1);
    }
    program_add(p, pd, 2, (instruction_arg[]){{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, result}});
    return result;
}
