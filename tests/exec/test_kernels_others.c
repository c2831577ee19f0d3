// SPDX-License-Identifier: Apache-2.0
// Executors: kernels other than convolutions against their definitions.
#include "harness.h"
#include "reference.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const double F32_TOLERANCE = 2e-5;
static const double BF16_TOLERANCE = 0.02; // 8 bits of mantissa

enum { MOST_CONSTANTS = 5 };

/** A kernel that has run: what it read and wrote. */
typedef struct ran {
    float *constant[MOST_CONSTANTS];
    float *result;
    double *expected; ///< for the test to fill
    size_t n;
} ran;

// A kernel that is prepared.
static ran run_prepared(harness *h, size_t n_constants) {
    ran r = {0};
    harness_run(h, 2);
    for (size_t i = 0; i < n_constants; ++i) {
        r.constant[i] = harness_constant(h, (tensor_id)i);
    }
    r.result = harness_output(h, 0, &r.n);
    r.expected = calloc(r.n, sizeof *r.expected);
    return r;
}

static ran run_kernel(harness *h, jc_kernel_kind kind, const int64_t *sizes, size_t n_sizes,
                      size_t n_constants) {
    cr_assert_eq(harness_prepare(h, kind, JC_PRECISION_F32, sizes, n_sizes), JC_OK, "%s: %s",
                 jc_kernel_name(kind), h->err.message);
    return run_prepared(h, n_constants);
}

static void compare_within(const char *what, ran *r, double tolerance) {
    harness_compare(what, r->result, r->expected, r->n, tolerance);
    for (size_t i = 0; i < MOST_CONSTANTS; ++i) {
        free(r->constant[i]);
    }
    free(r->result);
    free(r->expected);
}

static void compare(const char *what, ran *r) {
    compare_within(what, r, F32_TOLERANCE);
}

Test(kernels_others, attention) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 3, 10, 7, 16, 24};
    ran r = run_kernel(&h, JC_KERNEL_ATTENTION, sizes, 6, 3);
    reference_attention(sizes, r.constant[0], r.constant[1], r.constant[2], false, r.expected);
    compare("attention", &r);
    harness_close(&h);
}

Test(kernels_others, layer_norm) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 5 * 48, 48};
    ran r = run_kernel(&h, JC_KERNEL_LAYER_NORM, sizes, 3, 3);
    reference_layer_norm(sizes, r.constant[0], r.constant[1], r.constant[2], r.expected);
    compare("layer_norm", &r);
    harness_close(&h);
}

Test(kernels_others, group_norm) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 12, 5, 3, 4};
    ran r = run_kernel(&h, JC_KERNEL_GROUP_NORM, sizes, 5, 3);
    reference_group_norm(sizes, r.constant[0], r.constant[1], r.constant[2], r.expected);
    compare("group_norm", &r);
    harness_close(&h);
}

Test(kernels_others, recurrent_layers) {
    harness h = harness_open();
    static const int64_t gates[] = {1, 3, 4};
    const int64_t smallest[] = {1, 1, 1, 1, 1, 1};
    if (harness_prepare(&h, JC_KERNEL_RECURRENT, JC_PRECISION_F32, smallest, 6) ==
        JC_EUNSUPPORTED) {
        harness_close(&h);
        cr_skip_test("this executor has no recurrent layers");
    }
    for (int i = 0; i < 6; ++i) { // plain, gated, long short-term memory, one way and both ways
        const int64_t sizes[] = {3, 5, 24, 16, gates[i % 3], 1 + i / 3};
        ran r = run_kernel(&h, JC_KERNEL_RECURRENT, sizes, 6, 4);
        cr_assert_eq(r.n, (size_t)(3 * 5 * 16 * sizes[5]));
        reference_recurrent(sizes, r.constant[0], r.constant[1], r.constant[2], r.constant[3],
                            r.expected);
        compare("recurrent", &r);
    }
    harness_close(&h);
}

Test(kernels_others, local_response_normalisation) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 16, 4, 4, 5};
    ran r = run_kernel(&h, JC_KERNEL_LRN, sizes, 5, 1);
    reference_lrn(sizes, r.constant[0], r.expected);
    compare("lrn", &r);
    harness_close(&h);
}

Test(kernels_others, activations) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 1001};
    for (int kind = JC_KERNEL_RELU; kind <= JC_KERNEL_HARDSIGMOID; ++kind) {
        if (kind == JC_KERNEL_PRELU) {
            continue;
        }
        ran r = run_kernel(&h, (jc_kernel_kind)kind, sizes, 2, 1);
        bool negative = false;
        for (size_t i = 0; i < r.n; ++i) {
            negative = negative || r.constant[0][i] < 0;
            r.expected[i] = reference_activation((jc_kernel_kind)kind, (double)r.constant[0][i]);
        }
        cr_assert(negative, "the data must reach both sides of 0");
        compare(jc_kernel_name((jc_kernel_kind)kind), &r);
    }
    harness_close(&h);
}

Test(kernels_others, prelu) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 101};
    ran r = run_kernel(&h, JC_KERNEL_PRELU, sizes, 2, 2);
    const double slope = (double)r.constant[1][0];
    for (size_t i = 0; i < r.n; ++i) {
        const double x = (double)r.constant[0][i];
        r.expected[i] = x < 0 ? slope * x : x;
    }
    compare("prelu", &r);
    harness_close(&h);
}

Test(kernels_others, sums_and_products) {
    harness h = harness_open();
    // Two operands, three, and one value a channel (8 channels of 25).
    const int64_t rows[][3] = {{2, 200, 400}, {2, 200, 600}, {2, 200, 208}};
    for (int kind = JC_KERNEL_ADD; kind <= JC_KERNEL_MUL; ++kind) {
        for (size_t row = 0; row < 3; ++row) {
            const size_t operands = row == 1 ? 3 : 2;
            ran r = run_kernel(&h, (jc_kernel_kind)kind, rows[row], 3, operands);
            cr_assert_eq(r.n, 400);
            for (size_t i = 0; i < r.n; ++i) {
                double value = (double)r.constant[0][i];
                for (size_t o = 1; o < operands; ++o) {
                    const double other = (double)r.constant[o][row == 2 ? i / 25 : i];
                    value = kind == JC_KERNEL_ADD ? value + other : value * other;
                }
                r.expected[i] = value;
            }
            compare(jc_kernel_name((jc_kernel_kind)kind), &r);
        }
    }
    harness_close(&h);
}

Test(kernels_others, concatenation) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 33};
    ran r = run_kernel(&h, JC_KERNEL_CONCAT, sizes, 2, 2);
    for (size_t i = 0; i < r.n; ++i) {
        const size_t sample = i / 33;
        const size_t at = i % 33;
        r.expected[i] = (double)(at < 16 ? r.constant[0][sample * 16 + at]
                                         : r.constant[1][sample * 17 + at - 16]);
    }
    compare("concat", &r);
    harness_close(&h);
}

// Channels of three operands, 16, 16 and 21 of 53, at 6 positions.
Test(kernels_others, concatenation_of_channels) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 53 * 6, 53, 3};
    ran r = run_kernel(&h, JC_KERNEL_CONCAT, sizes, 4, 3);
    cr_assert_eq(r.n, 2 * 53 * 6);
    for (size_t i = 0; i < r.n; ++i) {
        const size_t sample = i / (53 * 6);
        const size_t channel = i / 6 % 53;
        const size_t o = channel < 16 ? 0 : channel < 32 ? 1 : 2;
        const size_t channels = o == 2 ? 21 : 16;
        r.expected[i] = (double)r.constant[o][(sample * channels + channel - 16 * o) * 6 + i % 6];
    }
    compare("concat of channels", &r);
    harness_close(&h);
}

// 3 groups of 8 channels at 10 positions.
Test(kernels_others, copies_shuffle_channels) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 24 * 10, 3, 1, 10};
    ran r = run_kernel(&h, JC_KERNEL_COPY, sizes, 5, 1);
    for (size_t i = 0; i < r.n; ++i) {
        const size_t sample = i / 240;
        const size_t channel = i / 10 % 24;
        const size_t from = channel % 3 * 8 + channel / 3;
        r.expected[i] = (double)r.constant[0][(sample * 24 + from) * 10 + i % 10];
    }
    compare("copy of channels", &r);
    harness_close(&h);
}

// One row of units, and one unit: what is written is what is read, and it is written.
Test(kernels_others, copies_of_one_piece) {
    harness h = harness_open();
    const int64_t pieces[][5] = {{2, 120, 1, 120, 1}, {2, 120, 1, 8, 1}, {2, 120, 1, 1, 10}};
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; ++p) {
        ran r = run_kernel(&h, JC_KERNEL_COPY, pieces[p], 5, 1);
        cr_expect_gt(harness_n_instructions(&h), 0, "piece %zu", p);
        for (size_t i = 0; i < r.n; ++i) {
            r.expected[i] = (double)r.constant[0][i];
        }
        compare("copy of one piece", &r);
    }
    harness_close(&h);
}

// 2 samples of [3 x 5] units of 8 values to [5 x 3].
Test(kernels_others, copies_exchange_axes) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 3 * 5 * 8};
    ran r = run_kernel(&h, JC_KERNEL_COPY, sizes, 2, 1);
    for (size_t i = 0; i < r.n; ++i) {
        const size_t sample = i / 120;
        const size_t b = i % 120 / 24;
        const size_t a = i % 24 / 8;
        r.expected[i] = (double)r.constant[0][sample * 120 + (a * 5 + b) * 8 + i % 8];
    }
    compare("copy", &r);
    harness_close(&h);
}

Test(kernels_others, upsampling) {
    harness h = harness_open();
    const int64_t sizes[] = {2, 16, 5, 4, 10, 8};
    ran r = run_kernel(&h, JC_KERNEL_UPSAMPLE, sizes, 6, 1);
    reference_upsample(sizes, r.constant[0], r.expected);
    compare("upsample", &r);
    harness_close(&h);
}

Test(kernels_others, look_ups) {
    harness h = harness_open();
    const int64_t sizes[] = {40, 12, 9};
    ran r = run_kernel(&h, JC_KERNEL_EMBEDDING, sizes, 3, 2);
    cr_assert_eq(r.n, 40 * 12);
    bool first = false;
    bool last = false;
    for (size_t i = 0; i < r.n; ++i) {
        const float row = r.constant[0][i / 12];
        cr_assert(row >= 0 && row <= 8);
        first = first || row == 0;
        last = last || row == 8;
        r.expected[i] = (double)r.constant[1][(size_t)row * 12 + i % 12];
    }
    cr_assert(first && last, "all rows are looked up");
    compare("embedding", &r);
    harness_close(&h);
}

// By itself the kernel is an exponential.
static void expect_pointwise(const int64_t *sizes, ran *r) {
    cr_assert_eq(r->n, (size_t)(sizes[0] * sizes[1]));
    for (size_t i = 0; i < r->n; ++i) {
        r->expected[i] = exp((double)r->constant[0][i]);
    }
}

// And this one a mean along the last axis.
static void expect_reduce(const int64_t *sizes, ran *r) {
    const size_t axis = (size_t)sizes[2];
    cr_assert_eq(r->n, (size_t)(sizes[0] * sizes[1]) / axis);
    for (size_t i = 0; i < r->n; ++i) {
        for (size_t k = 0; k < axis; ++k) {
            r->expected[i] += (double)r->constant[0][i * axis + k] / (double)axis;
        }
    }
}

static void expect_relu(const int64_t *sizes, ran *r) {
    (void)sizes;
    for (size_t i = 0; i < r->n; ++i) {
        r->expected[i] = fmax(0, (double)r->constant[0][i]);
    }
}

static void expect_sum(const int64_t *sizes, ran *r) {
    (void)sizes;
    for (size_t i = 0; i < r->n; ++i) {
        r->expected[i] = (double)r->constant[0][i] + (double)r->constant[1][i];
    }
}

static void expect_matmul(const int64_t *sizes, ran *r) {
    reference_matmul(sizes, r->constant[0], r->constant[1], r->expected);
}

static void expect_linear(const int64_t *sizes, ran *r) {
    reference_linear(sizes, r->constant[0], r->constant[1], r->constant[2], r->expected);
}

static void expect_softmax(const int64_t *sizes, ran *r) {
    reference_softmax(sizes, r->constant[0], r->expected);
}

static void expect_batch_norm(const int64_t *sizes, ran *r) {
    reference_batch_norm(sizes, r->constant[0], (const float *const *)(r->constant + 1),
                         r->expected);
}

static void expect_max_pool(const int64_t *sizes, ran *r) {
    jc_kernel kernel = {.kind = JC_KERNEL_MAX_POOL2D};
    memcpy(kernel.size, sizes, sizeof kernel.size);
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    reference_pool(&kernel, true, r->constant[0], r->expected);
}

// Kernels that are checked alike in f32 and bf16.
static const struct {
    jc_kernel_kind kind;
    int64_t sizes[JC_KERNEL_MAX_COLUMNS];
    size_t n_sizes;
    size_t n_constants;
    void (*expect)(const int64_t *sizes, ran *r);
} in_both[] = {
    {JC_KERNEL_LINEAR, {5, 48, 20}, 3, 3, expect_linear},
    {JC_KERNEL_MATMUL, {3, 17, 20, 9}, 4, 2, expect_matmul},
    {JC_KERNEL_MAX_POOL2D, {2, 20, 9, 9, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1}, 14, 1, expect_max_pool},
    {JC_KERNEL_BATCH_NORM, {2, 20, 5, 3}, 4, 5, expect_batch_norm},
    {JC_KERNEL_SOFTMAX, {2, 3 * 33, 33}, 3, 1, expect_softmax},
    {JC_KERNEL_RELU, {2, 1001}, 2, 1, expect_relu},
    {JC_KERNEL_ADD, {2, 200, 400}, 3, 2, expect_sum},
    {JC_KERNEL_POINTWISE, {2, 1001}, 2, 1, expect_pointwise},
    {JC_KERNEL_REDUCE, {2, 3 * 33, 33}, 3, 1, expect_reduce},
};

enum { N_IN_BOTH = sizeof in_both / sizeof in_both[0] };

// How many of them the executor has in this precision.
static int check_in(harness *h, jc_precision precision, double tolerance) {
    int n_run = 0;
    for (size_t i = 0; i < N_IN_BOTH; ++i) {
        const char *name = jc_kernel_name(in_both[i].kind);
        const jc_status status =
            harness_prepare(h, in_both[i].kind, precision, in_both[i].sizes, in_both[i].n_sizes);
        if (status == JC_EUNSUPPORTED) {
            continue;
        }
        cr_assert_eq(status, JC_OK, "%s: %s", name, h->err.message);
        ran r = run_prepared(h, in_both[i].n_constants);
        in_both[i].expect(in_both[i].sizes, &r);
        compare_within(name, &r, tolerance);
        ++n_run;
    }
    return n_run;
}

Test(kernels_others, f32) {
    harness h = harness_open();
    cr_expect_eq(check_in(&h, JC_PRECISION_F32, F32_TOLERANCE), N_IN_BOTH);
    harness_close(&h);
}

// Not every processor has bf16: then it is refused, which is an answer too.
Test(kernels_others, bf16) {
    harness h = harness_open();
    const int n_run = check_in(&h, JC_PRECISION_BF16, BF16_TOLERANCE);
    harness_close(&h);
    if (n_run == 0) {
        cr_skip_test("no bf16 on this processor");
    }
    cr_expect_eq(n_run, N_IN_BOTH);
}
