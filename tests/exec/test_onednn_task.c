// SPDX-License-Identifier: Apache-2.0
// The executor `onednn`: precisions, memory, refusals, turns of weights.
#include "harness.h"
#include "reference.h"

#include "runtime/exec/onednn/program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const int64_t conv_sizes[] = {1, 32, 10, 10, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 48, 1};
static const size_t n_conv_sizes = sizeof conv_sizes / sizeof conv_sizes[0];

static double *expected_conv(harness *h, size_t n, bool *out_varied) {
    jc_kernel kernel = {.kind = JC_KERNEL_CONV2D};
    memcpy(kernel.size, conv_sizes, sizeof conv_sizes);
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    float *x = harness_constant(h, 0);
    float *weights = harness_constant(h, 1);
    float *bias = harness_constant(h, 2);
    double *expected = calloc(n, sizeof *expected);
    *out_varied = x[0] != x[1] && weights[0] != weights[1] && bias[0] != bias[1];
    reference_conv(kernel.size, x, weights, bias, expected);
    free(x);
    free(weights);
    free(bias);
    return expected;
}

// 16 · 4951 values: the units can change no places, and are written all the same.
Test(onednn_task, copies_of_a_prime_number_of_units_copy) {
    harness h = harness_open();
    const int64_t sizes[] = {1, 16 * 4951};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_COPY, JC_PRECISION_F32, sizes, 2), JC_OK, "%s",
                 h.err.message);
    cr_expect_eq(h.task->program.n_instructions, 1);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *x = harness_constant(&h, 0);
    cr_assert_eq(n, 16 * 4951);
    cr_expect_arr_eq(x, y, n * sizeof *x);
    free(x);
    free(y);
    harness_close(&h);
}

// Sums of 32·9 products of uniform values up to 255 and 64 are brought to a deviation of 40.
Test(onednn_task, int8_convolutions) {
    harness h = harness_open();
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_CONV2D, JC_PRECISION_INT8, conv_sizes, n_conv_sizes),
                 JC_OK, "%s", h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    bool varied = false;
    double *expected = expected_conv(&h, n, &varied);
    cr_assert(varied);
    const double scale = 40 / (sqrt(32 * 9) * 64 / sqrt(3) * 255 / sqrt(3));
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
        const double exact = fmin(fmax(expected[i] * scale, -128), 127);
        squares += exact * exact;
        cr_assert(fabs((double)y[i] - exact) <= 0.51, "value %zu is %g, and should be %g", i,
                  (double)y[i], exact);
    }
    const double rms = sqrt(squares / (double)n);
    cr_assert(rms > 15 && rms < 60, "the results use the range of int8: rms %g", rms);
    free(y);
    free(expected);
    harness_close(&h);
}

Test(onednn_task, int8_linear_layers) {
    harness h = harness_open();
    const int64_t sizes[] = {5, 200, 30};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_INT8, sizes, 3), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *x = harness_constant(&h, 0);
    float *weights = harness_constant(&h, 1);
    float *bias = harness_constant(&h, 2);
    double *expected = calloc(n, sizeof *expected);
    reference_linear(sizes, x, weights, bias, expected);
    const double scale = 40 / (sqrt(200) * 64 / sqrt(3) * 255 / sqrt(3));
    for (size_t i = 0; i < n; ++i) {
        const double exact = fmin(fmax(expected[i] * scale, -128), 127);
        cr_assert(fabs((double)y[i] - exact) <= 0.51, "value %zu is %g, and should be %g", i,
                  (double)y[i], exact);
    }
    free(x);
    free(weights);
    free(bias);
    free(y);
    free(expected);
    harness_close(&h);
}

// Not every processor has bf16: then it is refused, which is an answer too.
Test(onednn_task, bf16_convolutions) {
    harness h = harness_open();
    const jc_status status =
        harness_prepare(&h, JC_KERNEL_CONV2D, JC_PRECISION_BF16, conv_sizes, n_conv_sizes);
    if (status == JC_EUNSUPPORTED) {
        harness_close(&h);
        cr_skip_test("no bf16 on this processor");
    }
    cr_assert_eq(status, JC_OK, "%s", h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    bool varied = false;
    double *expected = expected_conv(&h, n, &varied);
    cr_assert(varied);
    harness_compare("bf16", y, expected, n, 0.02); // 8 bits of mantissa, 288 products
    free(y);
    free(expected);
    harness_close(&h);
}

Test(onednn_task, refusals) {
    harness h = harness_open();
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_CONV2D, JC_PRECISION_F16, conv_sizes, n_conv_sizes),
                 JC_EUNSUPPORTED);
    cr_assert_not_null(strstr(h.err.message, "f16"), "%s", h.err.message);
    // Nothing adds up to 7 elements from operands of a result of 5.
    const int64_t sizes[] = {1, 5, 7};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_ADD, JC_PRECISION_F32, sizes, 3), JC_EUNSUPPORTED);
    cr_assert_null(h.task);
    harness_close(&h);
}

Test(onednn_task, memory_is_counted_before_it_is_taken) {
    harness h = harness_open();
    // 10^12 weights, and more elements than any tensor may have.
    const int64_t large[] = {1, 1000000, 1000000};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, large, 3), JC_ENOMEM);
    cr_assert_not_null(strstr(h.err.message, "MB"), "%s", h.err.message);
    const int64_t larger[] = {INT64_C(1) << 30, INT64_C(1) << 30};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_RELU, JC_PRECISION_F32, larger, 2), JC_ENOMEM);
    harness_close(&h);

    // 4 MB of weights and the plain copy that they are laid out from, under a limit of 5 MB.
    const jc_executor_options options = {.threads = 1, .memory_limit_bytes = 5000000};
    cr_assert_eq(h.executor->open(&options, &h.handle, &h.err), JC_OK);
    h.task = NULL;
    const int64_t megabytes[] = {1, 1000, 1000};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, megabytes, 3), JC_ENOMEM);
    const int64_t small[] = {1, 100, 100};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, small, 3), JC_OK);
    cr_assert_gt(h.task->program.n_sets, 1);
    cr_assert_leq(h.task->program.n_sets * h.task->program.set_bytes, 5000000);
    harness_close(&h);
}

Test(onednn_task, cold_weights_take_turns) {
    harness h = harness_open();
    harness_close(&h);
    const jc_executor_options options = {.threads = 1, .seed = 1};
    cr_assert_eq(h.executor->open(&options, &h.handle, &h.err), JC_OK);
    h.task = NULL;
    const int64_t sizes[] = {2, 512, 256};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, sizes, 3), JC_OK, "%s",
                 h.err.message);
    program *p = &h.task->program;
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    cr_assert(cache <= 0 || p->n_sets * p->set_bytes > (size_t)cache);
    // Which set is next goes on from run to run, and each set gives the same result.
    harness_run(&h, 3);
    cr_assert_eq(p->next_set, 3 % p->n_sets);
    size_t n = 0;
    float *third = harness_output(&h, 0, &n);
    harness_run(&h, 1);
    cr_assert_eq(p->next_set, 4 % p->n_sets);
    float *fourth = harness_output(&h, 0, &n);
    cr_assert_arr_eq(third, fourth, n * sizeof *third);
    cr_assert_neq(p->instructions[0].exec_args[1].memory,
                  p->instructions[0].exec_args[p->instructions[0].n_args + 1].memory);
    free(third);
    free(fourth);
    harness_close(&h);
}

Test(onednn_task, describes_itself) {
    harness h = harness_open();
    jc_executor_info info;
    h.executor->describe(h.handle, &info);
    cr_assert_eq(strncmp(info.software, "oneDNN ", 7), 0);
    cr_assert_eq(info.threads, 2);
    harness_close(&h);
}
