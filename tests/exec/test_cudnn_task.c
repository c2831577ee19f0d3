// SPDX-License-Identifier: Apache-2.0
// The executor `cudnn` on libraries of the tests' own: precisions, memory, what is left to the
// library and what is not, turns of weights, graphs, and every call that fails.
#include "fake_cuda/fake.h"
#include "harness.h"
#include "loaded.h"
#include "reference.h"

#include "runtime/exec/cudnn/cudnn_module.h"
#include "runtime/exec/cudnn/program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t conv_sizes[] = {1, 16, 8, 8, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 24, 1};
static const size_t n_conv_sizes = sizeof conv_sizes / sizeof conv_sizes[0];

static void prepare_conv(harness *h, jc_precision precision) {
    cr_assert_eq(harness_prepare(h, JC_KERNEL_CONV2D, precision, conv_sizes, n_conv_sizes), JC_OK,
                 "%s; %s", h->err.message, fake.fault);
    harness_run(h, 3);
}

// Everything is given back, and nothing was asked wrongly.
static void close_clean(harness *h) {
    harness_close(h);
    cr_assert_eq(fake.n_live, 0, "%d things are left", fake.n_live);
    cr_assert_str_eq(fake.fault, "");
}

static double *expected_conv(harness *h, size_t n) {
    jc_kernel kernel = {.kind = JC_KERNEL_CONV2D};
    memcpy(kernel.size, conv_sizes, sizeof conv_sizes);
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    float *x = harness_constant(h, 0);
    float *weights = harness_constant(h, 1);
    float *bias = harness_constant(h, 2);
    double *expected = calloc(n, sizeof *expected);
    reference_conv(kernel.size, x, weights, bias, expected);
    free(x);
    free(weights);
    free(bias);
    return expected;
}

static void check_conv(jc_precision precision, double tolerance) {
    harness h = harness_open();
    prepare_conv(&h, precision);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    double *expected = expected_conv(&h, n);
    harness_compare(jc_precision_name(precision), y, expected, n, tolerance);
    free(y);
    free(expected);
    close_clean(&h);
}

// Constants are rounded to the precision before they are compared: what is left is the result's.
Test(cudnn_task, precisions) {
    check_conv(JC_PRECISION_F32, 1e-6);
    cr_expect_eq(fake.last_math, CUDNN_FMA_MATH, "f32 is exact");
    cr_expect_eq(fake.last_format, CUDNN_TENSOR_NCHW);
    check_conv(JC_PRECISION_TF32, 1e-6);
    cr_expect_eq(fake.last_math, CUDNN_DEFAULT_MATH);
    check_conv(JC_PRECISION_F16, 1.0 / 1024);
    cr_expect_eq(fake.last_format, CUDNN_TENSOR_NHWC);
    check_conv(JC_PRECISION_BF16, 1.0 / 128);
}

// Sums of 16·9 products of uniform values up to 127 are brought to a deviation of 40.
Test(cudnn_task, integers) {
    harness h = harness_open();
    prepare_conv(&h, JC_PRECISION_INT8);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *bias = harness_constant(&h, 2);
    double *expected = expected_conv(&h, n);
    const double scale = 40 / (sqrt(16 * 9) * 127 * 127 / 3);
    for (size_t i = 0; i < n; ++i) {
        const double b = (double)bias[i / 64];
        const double exact = fmin(fmax((expected[i] - b) * scale + b, -128), 127);
        cr_assert(fabs((double)y[i] - exact) <= 0.51, "value %zu is %g, not %g", i, (double)y[i],
                  exact);
    }
    free(y);
    free(bias);
    free(expected);
    close_clean(&h);
}

// What int8 holds of a number.
static double saturated(double x) {
    return rint(fmin(fmax(x, -128), 127));
}

// A linear layer: sums of 64 products scaled as above, and a bias of f32. Whoever adds it, its
// reading and its time are in the row.
static void check_integer_linear(size_t n_instructions) {
    harness h = harness_open();
    const int64_t sizes[] = {5, 64, 12};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_INT8, sizes, 3), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 3);
    cr_expect_eq(harness_n_instructions(&h), n_instructions);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *x = harness_constant(&h, 0);
    float *weights = harness_constant(&h, 1);
    float *bias = harness_constant(&h, 2);
    const float none[12] = {0};
    double products[60];
    reference_linear(sizes, x, weights, none, products);
    double most = 0;
    for (size_t i = 0; i < n; ++i) {
        const double scaled = products[i] * 40 / (sqrt(64) * 127 * 127 / 3);
        const double b = (double)bias[i % 12];
        // Two kernels round twice.
        const double exact = saturated(n_instructions == 1 ? scaled + b : saturated(scaled) + b);
        cr_assert(fabs((double)y[i] - exact) <= 1.01, "value %zu is %g, not %g", i, (double)y[i],
                  exact);
        most = fmax(most, fabs(b));
    }
    cr_expect_gt(most, 2, "a bias that shows");
    free(x);
    free(y);
    free(weights);
    free(bias);
    close_clean(&h);
}

Test(cudnn_task, integer_products) {
    check_integer_linear(1);
    fake.refuses_integer_bias = true;
    check_integer_linear(2);
    fake.refuses_integer_bias = false;
    fake.breaks_integer_bias = true;
    check_integer_linear(2);
}

// [2 x 3 x 8] · [2 x 8 x 4], the right one column after column, as the fake insists.
Test(cudnn_task, integer_matmul_lies_as_cublas_asks) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 3, 8, 4};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_MATMUL, JC_PRECISION_INT8, sizes, 4), JC_OK,
                 "%s; %s", h.err.message, fake.fault);
    harness_run(&h, 1);
    cr_expect_eq(harness_n_instructions(&h), 1, "no copy is measured");
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *a = harness_constant(&h, 0);
    float *b = harness_constant(&h, 1);
    cr_assert_eq(n, 2 * 3 * 4);
    for (size_t i = 0; i < n; ++i) {
        const size_t stack = i / 12;
        const size_t row = i / 4 % 3;
        double sum = 0;
        for (size_t k = 0; k < 8; ++k) {
            sum += (double)a[(stack * 3 + row) * 8 + k] * (double)b[(stack * 8 + k) * 4 + i % 4];
        }
        const double exact = saturated(sum * 40 / (sqrt(8) * 127 * 127 / 3));
        cr_assert(fabs((double)y[i] - exact) <= 1.01, "value %zu is %g, not %g", i, (double)y[i],
                  exact);
    }
    free(y);
    free(a);
    free(b);
    const int64_t odd[][4] = {{2, 3, 8, 5}, {2, 3, 7, 4}};
    for (size_t i = 0; i < 2; ++i) {
        cr_expect_eq(harness_prepare(&h, JC_KERNEL_MATMUL, JC_PRECISION_INT8, odd[i], 4),
                     JC_EUNSUPPORTED);
        cr_expect_not_null(strstr(h.err.message, "multiples of 4"), "%s", h.err.message);
    }
    close_clean(&h);
}

Test(cudnn_task, refusals) {
    harness h = harness_open();
    const int64_t odd[] = {1, 3, 8, 8, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 8, 1};
    cr_expect_eq(harness_prepare(&h, JC_KERNEL_CONV2D, JC_PRECISION_INT8, odd, 16),
                 JC_EUNSUPPORTED);
    cr_expect_not_null(strstr(h.err.message, "multiples of 4"), "%s", h.err.message);
    const int64_t rows[] = {2, 33, 33};
    cr_expect_eq(harness_prepare(&h, JC_KERNEL_SOFTMAX, JC_PRECISION_INT8, rows, 3),
                 JC_EUNSUPPORTED);
    const int64_t sums[] = {1, 5, 7};
    cr_expect_eq(harness_prepare(&h, JC_KERNEL_ADD, JC_PRECISION_F32, sums, 3), JC_EUNSUPPORTED);
    const int64_t steps[] = {1, 2, 3, 4, 4, 1};
    cr_expect_eq(harness_prepare(&h, JC_KERNEL_RECURRENT, JC_PRECISION_F32, steps, 6),
                 JC_EUNSUPPORTED);
    cr_expect_null(h.task);
    close_clean(&h);
}

// Bias and no activation: cuDNN's with one algorithm alone, which is not the one put first here.
Test(cudnn_task, what_is_fused) {
    harness h = harness_open();
    prepare_conv(&h, JC_PRECISION_F32);
    cr_expect_eq(harness_n_instructions(&h), 2, "the convolution, and its bias");
    cr_expect_str_eq(h.task->program.algorithm, "winograd");
    const int before = fake.n_fused;
    fake.refused_algorithm = CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD;
    prepare_conv(&h, JC_PRECISION_F32);
    cr_expect_str_eq(h.task->program.algorithm, "implicit_precomp_gemm, fused");
    cr_expect_eq(harness_n_instructions(&h), 1);
    cr_expect_gt(fake.n_fused, before);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    double *expected = expected_conv(&h, n);
    harness_compare("fused", y, expected, n, 1e-6);
    free(y);
    free(expected);
    close_clean(&h);
}

static const char residual[] =
    "name: residual\n"
    "inputs: {image: [8, 9, 9]}\n"
    "layers:\n"
    "  - conv2d: {out_channels: 8, kernel_size: 1}\n"
    "  - relu: {name: x}\n"
    "  - conv2d: {out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - batch_norm\n"
    "  - relu\n"
    "  - conv2d: {name: y, out_channels: 8, kernel_size: 3, padding: 1}\n"
    "  - add: {inputs: [x, y]}\n"
    "  - relu\n";

static float *run_network(harness *h, const char *text, size_t *out_n) {
    loaded l = loaded_network(text, 2, JC_PRECISION_F32);
    h->executor->release(h->task);
    h->task = NULL;
    cr_assert_eq(h->executor->prepare_network(h->handle, l.network, &h->task, &h->err), JC_OK, "%s",
                 h->err.message);
    harness_run(h, 2);
    loaded_free(&l);
    return harness_output(h, 0, out_n);
}

// Whether cuDNN does what follows a convolution or refuses it makes no difference to the result.
Test(cudnn_task, fusion_that_is_refused_is_made_up_for) {
    harness h = harness_open();
    size_t n = 0;
    float *fused = run_network(&h, residual, &n);
    cr_expect_eq(harness_n_instructions(&h), 3);
    cr_expect_gt(fake.n_fused, 0);
    fake.refuses_fusion = true;
    fake.n_fused = 0;
    float *apart = run_network(&h, residual, &n);
    cr_expect_eq(harness_n_instructions(&h), 6);
    cr_expect_eq(fake.n_fused, 0);
    for (size_t i = 0; i < n; ++i) {
        cr_assert_float_eq(fused[i], apart[i], 1e-5);
    }
    free(fused);
    free(apart);
    close_clean(&h);
}

Test(cudnn_task, a_network_is_one_graph) {
    harness h = harness_open();
    size_t n = 0;
    float *y = run_network(&h, residual, &n);
    cr_expect_eq(h.task->program.n_graphs, 1);
    cr_expect_eq(h.task->program.graphs[0].passes, 1);
    const int before = fake.n_graph_launches;
    harness_run(&h, 5);
    cr_expect_eq(fake.n_graph_launches - before, 5);
    free(y);
    close_clean(&h);
}

// Any number of passes is a sum of graphs of 1, 2, 4, ... passes.
Test(cudnn_task, passes_are_counted) {
    harness h = harness_open();
    const int64_t sizes[] = {1, 1000};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_RELU, JC_PRECISION_F32, sizes, 2), JC_OK);
    static const uint64_t counts[] = {1, 2, 7, 16, 37, 100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        const int before = fake.n_kernels;
        harness_run(&h, counts[i]);
        cr_expect_eq(fake.n_kernels - before, (int)counts[i]);
    }
    close_clean(&h);
}

Test(cudnn_task, cold_weights_take_turns) {
    harness h = harness_open_with(&(jc_executor_options){.seed = 1});
    const int64_t sizes[] = {2, 64, 64}; // 16 kB, against a cache of 64 kB
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, sizes, 3), JC_OK, "%s",
                 h.err.message);
    const cu_program *p = &h.task->program;
    cr_expect_eq(p->n_sets, 5, "%zu", p->n_sets);
    cr_expect_gt(p->n_sets * p->set_bytes, 64 * 1024);
    for (size_t set = 1; set < p->n_sets; ++set) {
        cr_expect_eq(memcmp(p->weights, p->weights + set * p->set_bytes, 64 * 64 * 4), 0,
                     "all copies are alike");
        cr_expect_neq(p->instructions[0].data[1], p->instructions[0].data[5 * set + 1]);
    }
    close_clean(&h);
    h = harness_open();
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, sizes, 3), JC_OK);
    cr_expect_eq(h.task->program.n_sets, 1, "warm ones do not");
    close_clean(&h);
}

// [1 x 8] · [8 x 8], a set of 512 bytes with its bias, as many copies as asked for: each comes
// again after all others, however the passes are cut into runs of whole graphs.
static void check_turns(size_t n_sets) {
    enum { SET_BYTES = 512, ROUNDS = 3 };
    harness h = harness_open();
    const jc_kernel kernel = {
        .kind = JC_KERNEL_LINEAR, .size = {1, 8, 8}, .reuse_bytes = (int64_t)n_sets * SET_BYTES};
    cr_assert_eq(h.executor->prepare_kernel(h.handle, &kernel, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    const cu_program *p = &h.task->program;
    cr_assert_eq(p->n_sets, n_sets, "%zu, not %zu", p->n_sets, n_sets);
    cr_assert_eq(p->set_bytes, SET_BYTES);
    size_t ring = 0;
    for (size_t i = 0; i < p->n_ring; ++i) {
        cr_assert(p->graphs[i].passes >= 16 && p->graphs[i].passes <= 32, "%zu",
                  p->graphs[i].passes);
        ring += p->graphs[i].passes;
    }
    cr_assert_eq(ring % n_sets, 0);
    fake.trace_size = ROUNDS * ring;
    fake.trace = calloc(fake.trace_size, sizeof *fake.trace);
    fake.n_trace = 0;
    for (size_t i = 0; i < ROUNDS * p->n_ring; ++i) {
        harness_run(&h, p->graphs[i % p->n_ring].passes);
    }
    cr_assert_eq(fake.n_trace, ROUNDS * ring);
    for (size_t i = 0; i < fake.n_trace; ++i) {
        const size_t set = (size_t)((const char *)fake.trace[i] - p->weights) / SET_BYTES;
        cr_assert_eq(set, i % n_sets, "pass %zu of %zu sets is with set %zu", i, n_sets, set);
    }
    char text[96];
    h.executor->explain(h.task, text, sizeof text);
    cr_expect_str_eq(text, "", "they are as far apart as was asked for");
    free(fake.trace);
    fake.trace = NULL;
    close_clean(&h);
}

Test(cudnn_task, each_copy_of_the_weights_waits_for_all_others) {
    static const size_t counts[] = {1, 2, 5, 15, 16, 17, 31, 32, 33, 100, 4096};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        check_turns(counts[i]);
    }
}

// 4096 copies at most, of 512 bytes; and none but the first where there is no room.
Test(cudnn_task, weights_that_are_warmer_than_asked_say_so) {
    harness h = harness_open();
    jc_kernel kernel = {.kind = JC_KERNEL_LINEAR, .size = {1, 8, 8}, .reuse_bytes = 10000000};
    char text[96];
    cr_assert_eq(h.executor->prepare_kernel(h.handle, &kernel, &h.task, &h.err), JC_OK);
    h.executor->explain(h.task, text, sizeof text);
    cr_expect_str_eq(text, "weights anew after 2.1 MB");
    harness_run(&h, 10); // the same ten again and again
    h.executor->explain(h.task, text, sizeof text);
    cr_expect_str_eq(text, "weights anew after 0.00512 MB");
    close_clean(&h);
    h = harness_open_with(&(jc_executor_options){.memory_limit_bytes = 4500000});
    kernel = (jc_kernel){.kind = JC_KERNEL_LINEAR, .size = {1, 1000, 1000}, .reuse_bytes = 8000000};
    cr_assert_eq(h.executor->prepare_kernel(h.handle, &kernel, &h.task, &h.err), JC_OK);
    h.executor->explain(h.task, text, sizeof text);
    cr_expect_str_eq(text, "weights anew after 4 MB");
    close_clean(&h);
}

// All algorithms of a network, each once, and a word where there are more than fit.
Test(cudnn_task, algorithms_of_a_network) {
    harness h = harness_open();
    size_t n = 0;
    fake.refused_algorithm = -1;
    float *y = run_network(&h, residual, &n);
    cr_expect_not_null(strstr(h.task->program.algorithm, "fused"), "%s", h.task->program.algorithm);
    free(y);
    close_clean(&h);
    cu_program p = {.gpu = NULL};
    cu_note(&p, "winograd");
    cu_note(&p, "winograd, fused");
    cu_note(&p, "winograd");
    cr_expect_str_eq(p.algorithm, "winograd; winograd, fused");
    cu_note(&p, "implicit_precomp_gemm");
    cr_expect_str_eq(p.algorithm, "winograd; winograd, fused; implicit_precomp_gemm");
    cu_note(&p, "implicit_precomp_gemm, fused");
    cr_expect_str_eq(p.algorithm, "winograd; winograd, fused; implicit_precomp_gemm; ...");
    cu_note(&p, "fft");
    cr_expect_str_eq(p.algorithm, "winograd; winograd, fused; implicit_precomp_gemm; ...");
}

Test(cudnn_task, memory_is_counted_before_it_is_taken) {
    harness h = harness_open();
    const int64_t large[] = {1, 1000000, 1000000};
    fake.most_allocated = 0;
    cr_expect_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, large, 3), JC_ENOMEM);
    cr_expect_not_null(strstr(h.err.message, "MB"), "%s", h.err.message);
    cr_expect_eq(fake.most_allocated, 0, "nothing was tried");
    close_clean(&h);
    // 4 MB of weights under a limit of 4.5 MB: one copy, although they are to be cold.
    h = harness_open_with(&(jc_executor_options){.memory_limit_bytes = 4500000});
    const int64_t sizes[] = {1, 1000, 1000};
    cr_assert_eq(harness_prepare(&h, JC_KERNEL_LINEAR, JC_PRECISION_F32, sizes, 3), JC_OK, "%s",
                 h.err.message);
    cr_expect_eq(h.task->program.n_sets, 1);
    cr_expect_leq(fake.allocated, 4500000);
    close_clean(&h);
}

// Whichever call fails, what was made is given back, and the next task is none the worse.
static void fail_each_call(const char *network) {
    bool failed = true;
    for (int i = 0; failed; ++i) {
        cr_assert_lt(i, 400);
        fake_reset();
        harness h = harness_open();
        loaded l = {0};
        double seconds = 0;
        fake.fails_after = i;
        jc_status status = JC_OK;
        if (network != NULL) {
            l = loaded_network(network, 1, JC_PRECISION_F32);
            status = h.executor->prepare_network(h.handle, l.network, &h.task, &h.err);
        } else {
            status =
                harness_prepare(&h, JC_KERNEL_CONV2D, JC_PRECISION_F16, conv_sizes, n_conv_sizes);
        }
        if (status == JC_OK) {
            status = h.executor->run(h.task, 3, &seconds, &h.err);
        }
        failed = fake.n_failed > 0;
        cr_assert_eq(status != JC_OK, failed, "call %d: %s", i, h.err.message);
        cr_assert(!failed || h.err.message[0] != '\0');
        fake.fails_after = -1;
        if (network != NULL) {
            loaded_free(&l);
        }
        close_clean(&h);
    }
}

Test(cudnn_task, every_call_may_fail) {
    fail_each_call(NULL);
    fail_each_call("name: small\n"
                   "inputs: {image: [4, 5, 5]}\n"
                   "layers:\n"
                   "  - conv2d: {out_channels: 4, kernel_size: 3}\n"
                   "  - max_pool2d: {kernel_size: 2}\n"
                   "  - flatten\n"
                   "  - linear: {out_features: 6}\n"
                   "  - softmax\n");
}

Test(cudnn_task, opening_may_fail) {
    const jc_executor *executor = harness_executor();
    const jc_executor_options options = {0};
    jc_executor_handle *handle = NULL;
    jc_error err = {0};
    fake.n_devices = 0;
    cr_expect_eq(executor->open(&options, &handle, &err), JC_EUNSUPPORTED);
    cr_expect_not_null(strstr(err.message, "driver"), "%s", err.message);
    fake.n_devices = 1;
    for (int i = 0; i < 2; ++i) { // cuDNN, cuBLAS
        fake.fails_after = i;
        cr_expect_eq(executor->open(&options, &handle, &err), JC_EUNSUPPORTED);
        cr_expect_eq(fake.n_live, 0);
    }
    cr_expect_null(handle);
    fake.fails_after = -1;
    const jc_executor_options misspelt = {.command = "nwhc"};
    cr_expect_eq(executor->open(&misspelt, &handle, &err), JC_EUNSUPPORTED);
}

Test(cudnn_task, describes_itself) {
    harness h = harness_open_with(&(jc_executor_options){.command = "nhwc"});
    jc_executor_info info;
    h.executor->describe(h.handle, &info);
    cr_expect_str_eq(info.software, "cuDNN 9.19.0, CUDA 13.0");
    cr_expect_str_eq(info.implementation, "sm_90, NHWC");
    cr_expect_str_eq(info.machine, "NVIDIA Fake 100");
    cr_expect_str_eq(info.gpu, "0000:01:00.0");
    cr_expect(h.executor->is_gpu);
    close_clean(&h);
}
