// SPDX-License-Identifier: Apache-2.0
// Layouts, leading dimensions, the order of algorithms: what executor `cudnn` works out by itself.
#include "runtime/exec/cudnn/conv.h"
#include "runtime/exec/cudnn/gemm.h"
#include "runtime/exec/cudnn/layout.h"

#include "runtime/exec/shared/memory.h"
#include "runtime/exec/shared/window.h"

#include <criterion/criterion.h>

static const int64_t image[] = {2, 3, 4, 5};

Test(cudnn_layout, orders) {
    const layout plain = layout_plain(CU_F16, 4, image);
    const layout last = layout_channels_last(CU_F16, image);
    cr_expect_eq(plain.stride[0], 60);
    cr_expect_eq(plain.stride[1], 20);
    cr_expect_eq(last.stride[1], 1);
    cr_expect_eq(last.stride[2], 15);
    cr_expect_eq(layout_bytes(&last), 240);
    cr_expect(layout_is_plain(&plain) && !layout_is_plain(&last));
    cr_expect(layout_is_channels_last(&last) && !layout_is_channels_last(&plain));
    cr_expect(layout_is_dense(&plain) && layout_is_dense(&last));
    // One pixel: both orders are one.
    const layout pixel = layout_plain(CU_F16, 4, (int64_t[]){2, 3, 1, 1});
    cr_expect(layout_is_plain(&pixel) && layout_is_channels_last(&pixel));
}

Test(cudnn_layout, parts_and_permutations) {
    const layout plain = layout_plain(CU_F32, 4, image);
    const layout part = layout_narrow(&plain, 1, 1, 2, 1);
    cr_expect_eq(part.offset, 20);
    cr_expect_eq(part.dim[1], 2);
    cr_expect_eq(layout_bytes(&part), 480, "to the end of the second sample");
    cr_expect(!layout_is_dense(&part));
    const layout one = layout_drop(&part, 0);
    cr_expect_eq(one.rank, 3);
    cr_expect_eq(one.stride[0], 20);
    const layout turned = layout_permute(&plain, (int[]){0, 2, 3, 1});
    cr_expect_eq(turned.dim[3], 3);
    cr_expect_eq(turned.stride[3], 20);
    cr_expect(layout_is_dense(&turned) && !layout_is_plain(&turned));
}

// The flat index of each element leads to the element of the operand that broadcasting means.
static void check_map(const layout *wide, const layout *small, bool expected) {
    layout_map map;
    cr_assert_eq(layout_broadcast_map(wide, small, &map), expected);
    for (int64_t i = 0; expected && i < layout_elements(wide); ++i) {
        int64_t rest = i;
        int64_t at = 0;
        int64_t from = 0;
        for (int axis = wide->rank - 1; axis >= 0; --axis) {
            const int64_t index = rest % wide->dim[axis];
            rest /= wide->dim[axis];
            at += index * wide->stride[axis];
            from += small->dim[axis] == 1 ? 0 : index * small->stride[axis];
        }
        cr_assert_eq(at / map.outer_div * map.outer_mul + at / map.inner % map.period, from);
    }
}

Test(cudnn_layout, broadcasting) {
    const layout plain = layout_plain(CU_F32, 4, image);
    const layout last = layout_channels_last(CU_F32, image);
    const int64_t smalls[][4] = {{1, 3, 1, 1}, {2, 3, 1, 1}, {1, 1, 1, 1}, {2, 1, 1, 1},
                                 {1, 1, 4, 5}, {1, 3, 4, 5}, {2, 1, 4, 5}, {1, 1, 1, 5}};
    for (size_t i = 0; i < sizeof smalls / sizeof smalls[0]; ++i) {
        const layout s = layout_plain(CU_F32, 4, smalls[i]);
        check_map(&plain, &s, true);
        const layout t = layout_channels_last(CU_F32, smalls[i]);
        check_map(&last, &t, true);
    }
    // Every second axis: three runs that one map cannot tell.
    const layout odd = layout_plain(CU_F32, 6, (int64_t[]){2, 1, 2, 1, 2, 1});
    const layout all = layout_plain(CU_F32, 6, (int64_t[]){2, 2, 2, 2, 2, 2});
    check_map(&all, &odd, false);
}

// y [rows x columns] = x [rows x inner] times w [columns x inner] transposed, as cuBLAS sees it:
// columns first.
Test(cudnn_layout, leading_dimensions) {
    const gemm linear = {.n = 1, .rows = 7, .inner = 5, .columns = 3, .right_is_transposed = true};
    gemm_matrix m[3];
    gemm_describe(&linear, m);
    cr_expect(m[0].rows == 5 && m[0].columns == 3 && m[0].leading == 5 && m[0].is_transposed);
    cr_expect(m[1].rows == 5 && m[1].columns == 7 && m[1].leading == 5 && !m[1].is_transposed);
    cr_expect(m[2].rows == 3 && m[2].columns == 7 && m[2].leading == 3);
    const gemm product = {.n = 4, .rows = 7, .inner = 5, .columns = 3};
    gemm_describe(&product, m);
    cr_expect(m[0].rows == 3 && m[0].columns == 5 && m[0].leading == 3 && !m[0].is_transposed);
    cr_expect(m[0].batch == 15 && m[1].batch == 35 && m[2].batch == 21);
}

Test(cudnn_layout, order_of_algorithms) {
    const int precomp = (int)CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    const conv_candidate known[] = {{.algorithm = 6}, {.algorithm = precomp}};
    conv_candidate out[MOST_CANDIDATES];
    cr_expect_eq(conv_order(known, 2, CONV_FUSE_NOTHING, false, out), 2);
    cr_expect(!out[0].is_fused && out[0].algorithm == 6);
    cr_expect_eq(conv_order(known, 2, CONV_FUSE_SUMS, false, out), 3);
    cr_expect(!out[0].is_fused && out[1].is_fused && out[1].algorithm == precomp);
    cr_expect_eq(conv_order(known, 2, CONV_FUSE_RELU, false, out), 4);
    cr_expect(out[0].is_fused && out[0].algorithm == 6 && !out[1].is_fused);
    cr_expect_eq(conv_order(known, 2, CONV_FUSE_SUMS, true, out), 1);
    cr_expect(out[0].is_fused);
}

Test(cudnn_layout, padding_that_libraries_can_tell) {
    jc_kernel k = {.kind = JC_KERNEL_MAX_POOL2D, .size = {1, 8, 8, 8, 0, 0, 3, 3, 2, 2, 1, 1}};
    cr_assert_eq(jc_kernel_complete(&k, NULL), JC_OK);
    cr_expect(window_is_symmetric(k.size, false));
    cr_expect_eq(window_far_padding(k.size, 0, false), 0, "a rest is left over");
    k.size[JC_WINDOW_OUT_HEIGHT] = 5; // ceil mode
    cr_expect(!window_is_symmetric(k.size, false));
    cr_expect_eq(window_far_padding(k.size, 0, false), 2);
}

// Buffers that live at the same time do not meet; those that do not share memory.
Test(cudnn_layout, memory) {
    buffer b[4];
    const uint32_t lives[][2] = {{0, 1}, {1, 2}, {2, 3}, {0, 3}};
    for (int i = 0; i < 4; ++i) {
        b[i] = buffer_unused(i == 3 ? TENSOR_WEIGHT : TENSOR_ACTIVATION);
        buffer_use(&b[i], lives[i][0], 1000);
        buffer_use(&b[i], lives[i][1], 900);
    }
    size_t work = 0;
    size_t set = 0;
    cr_assert(memory_place(b, 4, 256, &work, &set));
    cr_expect_eq(work, 2048, "two at a time");
    cr_expect_eq(set, 1024);
    cr_expect_eq(b[0].offset, b[2].offset);
    cr_expect_neq(b[0].offset, b[1].offset);
    cr_expect_eq(memory_count_sets(1 << 20, 1 << 18, UINT64_C(1) << 30), 4);
    cr_expect_eq(memory_count_sets((1 << 20) + 1, 1 << 18, UINT64_C(1) << 30), 5, "rounded up");
    cr_expect_eq(memory_count_sets(1 << 20, 1 << 18, 1 << 19), 2, "what there is room for");
    cr_expect_eq(memory_count_sets(1 << 20, 0, 1 << 19), 1);
    cr_expect_eq(memory_count_sets(0, 1 << 18, 1 << 19), 1, "warm");
    cr_expect_eq(memory_count_sets(1 << 17, 1 << 18, 1 << 20), 1, "less than one");
    jc_kernel kernel = {.kind = JC_KERNEL_LINEAR, .size = {1, 256, 256}};
    cr_expect_eq(memory_reuse(&kernel, JC_WEIGHTS_COLD, 1 << 20), 5 << 18, "a quarter more");
    cr_expect_eq(memory_reuse(&kernel, JC_WEIGHTS_WARM, 1 << 20), 0);
    kernel.reuse_bytes = 4711;
    cr_expect_eq(memory_reuse(&kernel, JC_WEIGHTS_COLD, 1 << 20), 4711, "what the kernel says");
    cr_expect_eq(memory_reuse(&kernel, JC_WEIGHTS_WARM, 1 << 20), 4711, "what the kernel says");
}
