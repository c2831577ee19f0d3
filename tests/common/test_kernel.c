// SPDX-License-Identifier: Apache-2.0
// Kernels: work by hand for known layers, completion of foreign rows, identity.
#include <joulecast/kernel.h>

#include <criterion/criterion.h>
#include <string.h>

// First convolution of ResNet-50: 7x7, 3 to 64 channels, stride 2, 224 to 112.
static jc_kernel resnet_stem(void) {
    return (jc_kernel){.kind = JC_KERNEL_CONV2D,
                       .size = {[JC_WINDOW_BATCH_SIZE] = 2,
                                [JC_WINDOW_IN_CHANNELS] = 3,
                                [JC_WINDOW_IN_HEIGHT] = 224,
                                [JC_WINDOW_IN_WIDTH] = 224,
                                [JC_WINDOW_KERNEL_H] = 7,
                                [JC_WINDOW_KERNEL_W] = 7,
                                [JC_WINDOW_STRIDE_H] = 2,
                                [JC_WINDOW_STRIDE_W] = 2,
                                [JC_WINDOW_PADDING_H] = 3,
                                [JC_WINDOW_PADDING_W] = 3,
                                [JC_WINDOW_OUT_CHANNELS] = 64}};
}

Test(kernel, completes_a_convolution_by_the_window_rule) {
    jc_kernel k = resnet_stem();
    cr_assert_eq(jc_kernel_complete(&k, NULL), JC_OK);
    cr_expect_eq(k.size[JC_WINDOW_OUT_HEIGHT], 112);
    cr_expect_eq(k.size[JC_WINDOW_DILATION_W], 1);
    cr_expect_eq(k.size[JC_WINDOW_GROUPS], 1);
    const jc_work w = jc_kernel_work(&k);
    cr_expect_eq(w.macs, INT64_C(2) * 64 * 112 * 112 * 3 * 7 * 7);
    cr_expect_eq(w.input_elements, 2 * 3 * 224 * 224);
    cr_expect_eq(w.weight_elements, 64 * 3 * 49);
    cr_expect_eq(w.output_elements, 2 * 64 * 112 * 112);
}

// As tensors: 2^42 values and no more.
Test(kernel, sizes_end_where_tensors_do) {
    jc_error err;
    jc_kernel relu = {.kind = JC_KERNEL_RELU, .size = {1, JC_MAX_ELEMENTS}};
    cr_expect_eq(jc_kernel_complete(&relu, NULL), JC_OK);
    relu.size[1] = JC_MAX_ELEMENTS + 1;
    cr_expect_eq(jc_kernel_complete(&relu, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "elements") != NULL, "%s", err.message);
}

Test(kernel, no_window_overflows) {
    jc_error err;
    jc_kernel k = resnet_stem();
    k.size[JC_WINDOW_KERNEL_H] = JC_MAX_ELEMENTS;
    k.size[JC_WINDOW_DILATION_H] = JC_MAX_ELEMENTS;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    k.kind = JC_KERNEL_CONV_TRANSPOSE2D;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "out_height") != NULL, "%s", err.message);
}

Test(kernel, a_depthwise_convolution_has_one_filter_a_channel) {
    jc_kernel k = resnet_stem();
    k.size[JC_WINDOW_IN_CHANNELS] = 64;
    k.size[JC_WINDOW_GROUPS] = 64;
    cr_assert_eq(jc_kernel_complete(&k, NULL), JC_OK);
    cr_expect_eq(jc_kernel_work(&k).macs, INT64_C(2) * 64 * 112 * 112 * 49);
}

Test(kernel, a_transposed_convolution_inverts_the_sizes) {
    jc_kernel k = resnet_stem();
    cr_assert_eq(jc_kernel_complete(&k, NULL), JC_OK);
    jc_kernel t = k;
    t.kind = JC_KERNEL_CONV_TRANSPOSE2D;
    for (int axis = 0; axis < 2; ++axis) {
        t.size[JC_WINDOW_IN_HEIGHT + axis] = 112;
        t.size[JC_WINDOW_OUT_HEIGHT + axis] = 0;
    }
    t.size[JC_WINDOW_IN_CHANNELS] = 64;
    t.size[JC_WINDOW_OUT_CHANNELS] = 3;
    cr_assert_eq(jc_kernel_complete(&t, NULL), JC_OK);
    cr_expect_eq(t.size[JC_WINDOW_OUT_HEIGHT], 223, "(112 - 1) 2 - 6 + 7");
    cr_expect_eq(jc_kernel_work(&t).macs, jc_kernel_work(&k).macs);
}

Test(kernel, says_which_size_is_wrong) {
    jc_error err = {0};
    jc_kernel k = resnet_stem();
    k.size[JC_WINDOW_OUT_CHANNELS] = 0;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "out_channels") != NULL, "%s", err.message);
    k = resnet_stem();
    k.size[JC_WINDOW_IN_HEIGHT] = -1;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "in_height") != NULL, "%s", err.message);
    k = resnet_stem();
    k.size[JC_WINDOW_KERNEL_W] = 231;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "kernel_w 231 exceeds") != NULL, "%s", err.message);
    k = resnet_stem();
    k.size[JC_WINDOW_GROUPS] = 2;
    cr_expect_eq(jc_kernel_complete(&k, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "groups 2") != NULL, "%s", err.message);
    jc_kernel linear = {.kind = JC_KERNEL_LINEAR, .size = {1, 0, 10}};
    cr_expect_eq(jc_kernel_complete(&linear, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "in_features") != NULL, "%s", err.message);
}

Test(kernel, moves_that_do_not_say_how_are_completed) {
    jc_kernel copy = {.kind = JC_KERNEL_COPY, .size = {2, 120}};
    cr_assert_eq(jc_kernel_complete(&copy, NULL), JC_OK);
    const int64_t copied[] = {2, 120, 3, 8, 1}; // 15 units of 8
    cr_expect(memcmp(copy.size, copied, sizeof copied) == 0);
    jc_kernel concat = {.kind = JC_KERNEL_CONCAT, .size = {2, 120}};
    cr_assert_eq(jc_kernel_complete(&concat, NULL), JC_OK);
    const int64_t joined[] = {2, 120, 120, 2};
    cr_expect(memcmp(concat.size, joined, sizeof joined) == 0);
    jc_kernel one = {.kind = JC_KERNEL_CONCAT, .size = {2, 1}};
    cr_assert_eq(jc_kernel_complete(&one, NULL), JC_OK);
    cr_expect_eq(one.size[3], 1, "one element holds one operand");
    jc_kernel prime = {.kind = JC_KERNEL_COPY, .size = {1, (INT64_C(1) << 42) - 11}};
    cr_assert_eq(jc_kernel_complete(&prime, NULL), JC_OK);
    cr_expect_eq(prime.size[2], 1);
    jc_error err = {0};
    jc_kernel odd = {.kind = JC_KERNEL_COPY, .size = {2, 120, 7}};
    cr_expect_eq(jc_kernel_complete(&odd, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "rows 7") != NULL, "%s", err.message);
    odd = (jc_kernel){.kind = JC_KERNEL_CONCAT, .size = {2, 120, 50}};
    cr_expect_eq(jc_kernel_complete(&odd, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "axis_size 50") != NULL, "%s", err.message);
    odd = (jc_kernel){.kind = JC_KERNEL_CONCAT, .size = {2, 120, 4, 5}};
    cr_expect_eq(jc_kernel_complete(&odd, &err), JC_ESHAPE, "no room for 5 operands");
    odd = (jc_kernel){.kind = JC_KERNEL_CONCAT, .size = {2}};
    cr_expect_eq(jc_kernel_complete(&odd, &err), JC_ESHAPE);
    cr_expect(strstr(err.message, "elements is missing") != NULL, "%s", err.message);
}

Test(kernel, huge_sizes_saturate) {
    jc_kernel k = {.kind = JC_KERNEL_LINEAR,
                   .size = {INT64_C(1) << 31, INT64_C(1) << 31, INT64_C(1) << 31}};
    cr_expect_eq(jc_kernel_work(&k).macs, INT64_MAX);
}

Test(kernel, every_kind_has_a_name_columns_and_work) {
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        const char *name = jc_kernel_name((jc_kernel_kind)kind);
        cr_expect_eq((int)jc_kernel_find(name), kind, "%s", name);
        int n = 0;
        const char *const *columns = jc_kernel_columns((jc_kernel_kind)kind, &n);
        cr_expect(n >= 2 && n <= JC_KERNEL_MAX_COLUMNS);
        cr_expect_str_eq(columns[0], "batch_size");
        jc_kernel k = {.kind = (jc_kernel_kind)kind};
        for (int c = 0; c < n; ++c) {
            k.size[c] = 1;
        }
        const jc_work w = jc_kernel_work(&k);
        cr_expect(w.input_elements >= 1 && w.output_elements >= 1, "%s", name);
    }
    cr_expect_eq(jc_kernel_find("conv3d"), JC_KERNEL_NONE);
}

Test(kernel, identity_covers_kind_precision_and_every_size) {
    const jc_kernel k = resnet_stem();
    jc_kernel other = k;
    cr_expect(jc_kernel_equal(&k, &other));
    cr_expect_eq(jc_kernel_hash(&k), jc_kernel_hash(&other));
    for (int c = 0; c < JC_KERNEL_MAX_COLUMNS; ++c) {
        other = k;
        other.size[c]++;
        cr_expect(!jc_kernel_equal(&k, &other));
        cr_expect_neq(jc_kernel_hash(&k), jc_kernel_hash(&other));
    }
    other = k;
    other.reuse_bytes = 1;
    cr_expect(!jc_kernel_equal(&k, &other));
    cr_expect_neq(jc_kernel_hash(&k), jc_kernel_hash(&other));
    other = k;
    other.precision = JC_PRECISION_INT8;
    cr_expect(!jc_kernel_equal(&k, &other));
    cr_expect_neq(jc_kernel_hash(&k), jc_kernel_hash(&other));
}
