// SPDX-License-Identifier: Apache-2.0
// Plans: their text, and the kernels they lead to.
#include <joulecast/campaign.h>

#include "runtime/campaign/sobol.h"
#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jc_status load(const char *text, jc_plan **out_plan, jc_error *err) {
    char path[600];
    const char *folder = folder_make();
    folder_put(folder, "plan.yaml", text);
    (void)snprintf(path, sizeof path, "%s/plan.yaml", folder);
    return jc_plan_load(path, out_plan, err);
}

static jc_plan *plan_of(const char *text) {
    jc_plan *plan = NULL;
    jc_error err = {.message = ""};
    cr_assert_eq(load(text, &plan, &err), JC_OK, "%s", err.message);
    return plan;
}

static void refuses(const char *text, jc_status expected, int line, const char *message) {
    jc_plan *plan = NULL;
    jc_error err = {.message = ""};
    cr_expect_eq(load(text, &plan, &err), expected, "%s: %s", text, err.message);
    cr_expect_eq(err.line, line, "%s: %d", text, err.line);
    cr_expect_not_null(strstr(err.message, message), "%s: %s", text, err.message);
    cr_expect_null(plan);
}

// --- Text -----------------------------------------------------------------------------------

Test(plan, says_what_is_measured) {
    jc_plan *plan = plan_of("rows: 12\nseed: 7\nrepetitions: 3\nwindow_s: 0.5\nrel_error: 0.01\n"
                            "weights: warm\nexact: 0.5\nboundaries: 0.25\nmax_macs: 1e6\n"
                            "max_bytes: 2e6\nprecisions: {bf16: 2, f32: 1}\nkernels: {linear: 1}\n"
                            "batch_sizes: [1, 16]\nnetworks: [a, b.yaml]\narchitectures: []\n"
                            "network_batch_sizes: [4]\nmeter_steps: 5\n"
                            "network_precisions: {f16: 1}\n");
    cr_expect_eq(plan->rows, 12);
    cr_expect_eq(plan->seed, 7);
    cr_expect_eq(plan->repetitions, 3);
    cr_expect_eq(plan->window_s, 0.5);
    cr_expect_eq(plan->rel_error, 0.01);
    cr_expect_eq(plan->weights, JC_WEIGHTS_WARM);
    cr_expect_eq(plan->exact, 0.5);
    cr_expect_eq(plan->boundaries, 0.25);
    cr_expect_eq(plan->max_macs, 1000000);
    cr_expect_eq(plan->max_bytes, 2000000);
    cr_expect_eq(plan->precision[JC_PRECISION_BF16], 2);
    cr_expect_eq(plan->precision[JC_PRECISION_INT8], 0);
    cr_expect_eq(plan->kernel[JC_KERNEL_LINEAR], 1);
    cr_expect_eq(plan->kernel[JC_KERNEL_CONV2D], 0);
    cr_expect_eq(plan->batch_sizes.n, 2);
    cr_expect_eq(plan->batch_sizes.size[1], 16);
    cr_expect_eq(plan->networks.n, 2);
    cr_expect_str_eq(plan->networks.name[1], "b.yaml");
    cr_expect_not_null(plan->architectures.name, "an empty list is a list");
    cr_expect_eq(plan->architectures.n, 0);
    cr_expect_eq(plan->network_batch_sizes.size[0], 4);
    cr_expect_eq(plan->meter_steps, 5);
    cr_expect_eq(plan->network_precision[JC_PRECISION_F16], 1);
    cr_expect_eq(plan->network_precision[JC_PRECISION_F32], 0);
    jc_plan_free(plan);
}

Test(plan, an_empty_one_is_the_default) {
    jc_plan *empty = plan_of("");
    jc_plan *none = NULL;
    cr_assert_eq(jc_plan_load(NULL, &none, NULL), JC_OK);
    cr_expect_eq(empty->rows, none->rows);
    cr_expect_null(empty->networks.name);
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        cr_expect_eq(none->kernel[kind] > 0, kind != JC_KERNEL_OTHER, "every kind that can be run");
    }
    jc_plan_free(empty);
    jc_plan_free(none);
}

Test(plan, what_is_wrong_is_told_with_its_line) {
    refuses("rows: 5\nrow: 3\n", JC_EPARSE, 2, "did you mean 'rows'");
    refuses("rows: many\n", JC_EPARSE, 1, "must be a whole number");
    refuses("rows: 0\n", JC_EPARSE, 1, "must be a whole number");
    refuses("rows: 1.5\n", JC_EPARSE, 1, "must be a whole number");
    refuses("\nseed: -1\n", JC_EPARSE, 2, "must be a whole number, 0 or more");
    refuses("meter_steps: 0\n", JC_EPARSE, 1, "from 1 to 10000");
    refuses("repetitions: 0\n", JC_EPARSE, 1, "from 1 to 100");
    refuses("window_s: 0\n", JC_EPARSE, 1, "seconds");
    refuses("rel_error: 2\n", JC_EPARSE, 1, "from 0 to 1");
    refuses("weights: lukewarm\n", JC_EPARSE, 1, "'cold', 'warm' or 'varied'");
    refuses("kernels: {conv: 1}\n", JC_EPARSE, 1, "no 'conv'");
    refuses("kernels: {conv2d: 0}\n", JC_EPARSE, 1, "above 0");
    refuses("kernels: [conv2d]\n", JC_EPARSE, 1, "shares by name");
    refuses("precisions: {f64: 1}\n", JC_EPARSE, 1, "no 'f64'");
    refuses("batch_sizes: []\n", JC_EPARSE, 1, "list of batch sizes");
    refuses("batch_sizes: [0]\n", JC_EPARSE, 1, "batch size from 1");
    refuses("networks: resnet18\n", JC_EPARSE, 1, "list of networks");
    refuses("networks: [[a]]\n", JC_EPARSE, 1, "name or file");
    refuses("exact: 0.8\nboundaries: 0.3\n", JC_EPARSE, 0, "more than 1 together");
    refuses("- rows\n", JC_EPARSE, 1, "must be a mapping");
}

Test(plan, a_thousand_million_rows_are_refused_with_what_they_would_take) {
    // 10^9 rows, 3 repetitions, 0.5 s to warm up and 0.5 s to measure: 34,722 days.
    refuses("rows: 1000000000\nrepetitions: 3\nwindow_s: 0.5\n", JC_ERANGE, 1, "3.47e+04 days");
    refuses("rows: 1e300\n", JC_ERANGE, 1, "days");
}

// --- Points ---------------------------------------------------------------------------------

// Each coordinate of the first 2^k points falls once into each of 2^k equal parts: the defining
// property of a (0, 1)-sequence, which every coordinate of Sobol's is. The shift is undone first.
Test(plan, points_fill_every_part_of_every_axis) {
    enum { N = 256 };
    double first[SOBOL_DIMENSIONS];
    sobol_point(3, 0, first);
    int seen[SOBOL_DIMENSIONS][N] = {{0}};
    for (uint32_t i = 0; i < N; ++i) {
        double point[SOBOL_DIMENSIONS];
        sobol_point(3, i, point);
        for (int d = 0; d < SOBOL_DIMENSIONS; ++d) {
            cr_assert(point[d] >= 0 && point[d] < 1);
            const double x = point[d] - first[d];
            ++seen[d][(int)(N * (x < 0 ? x + 1 : x))];
        }
    }
    for (int d = 0; d < SOBOL_DIMENSIONS; ++d) {
        for (int i = 0; i < N; ++i) {
            cr_assert_eq(seen[d][i], 1, "axis %d, part %d", d, i);
        }
    }
}

// The third point of the sequence in its natural order is (1/4, 3/4, 3/4): Sobol' 1967, and Joe and
// Kuo's tables.
Test(plan, points_are_those_of_the_tables) {
    double zero[SOBOL_DIMENSIONS], two[SOBOL_DIMENSIONS];
    const double expected[3] = {0.25, 0.75, 0.75};
    sobol_point(1, 0, zero);
    sobol_point(1, 2, two);
    for (int d = 0; d < 3; ++d) {
        const double x = two[d] - zero[d];
        cr_expect_float_eq(x < 0 ? x + 1 : x, expected[d], 1e-9);
    }
}

// --- Kernels --------------------------------------------------------------------------------

static const jc_kernel seen[] = {
    {.kind = JC_KERNEL_CONV2D, .size = {1, 3, 224, 224, 112, 112, 7, 7, 2, 2, 3, 3, 1, 1, 64, 1}},
    {.kind = JC_KERNEL_CONV2D, .size = {1, 64, 56, 56, 56, 56, 3, 3, 1, 1, 1, 1, 1, 1, 64, 1}},
    {.kind = JC_KERNEL_CONV2D, .size = {1, 96, 28, 28, 28, 28, 3, 3, 1, 1, 1, 1, 1, 1, 96, 96}},
    {.kind = JC_KERNEL_LINEAR, .size = {1, 512, 1000}},
    {.kind = JC_KERNEL_MAX_POOL2D, .size = {1, 64, 112, 112, 56, 56, 3, 3, 2, 2, 1, 1, 1, 1}},
    {.kind = JC_KERNEL_ADD, .size = {1, 200704, 401408}},
    {.kind = JC_KERNEL_LINEAR, .size = {1, 512, 1000}},
    {.kind = JC_KERNEL_CONCAT, .size = {1, 256 * 784, 256, 4}},
    {.kind = JC_KERNEL_CONCAT, .size = {1, 197 * 768, 197 * 768, 2}},
    {.kind = JC_KERNEL_COPY, .size = {1, 116 * 784, 2, 1, 784}},
    {.kind = JC_KERNEL_COPY, .size = {1, 197 * 768, 197, 64, 1}},
    {.kind = JC_KERNEL_MUL, .size = {1, 96 * 784, 96 * 785}},
};
enum { N_SEEN = sizeof seen / sizeof seen[0] };

static jc_kernel *kernels_of(const char *text, size_t *out_n) {
    jc_plan *plan = plan_of(text);
    plan->adaptive = 0;
    jc_kernel *kernels = NULL;
    cr_assert_eq(jc_plan_kernels(plan, seen, N_SEEN, &kernels, out_n, NULL), JC_OK);
    jc_plan_free(plan);
    return kernels;
}

Test(plan, kernels_differ_fit_together_and_keep_to_the_limits) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 2000\nmax_macs: 1e9\nmax_bytes: 5e7\n", &n);
    cr_expect_eq(n, 2000);
    for (size_t i = 0; i < n; ++i) {
        jc_kernel copy = kernels[i];
        cr_assert_eq(jc_kernel_complete(&copy, NULL), JC_OK);
        cr_assert(jc_kernel_equal(&copy, &kernels[i]));
        const jc_work work = jc_kernel_work(&kernels[i]);
        cr_assert_leq(work.macs, 1000000000);
        cr_assert_leq(4 * (work.input_elements + work.output_elements + work.weight_elements),
                      50000000);
        for (size_t j = 0; j < i; ++j) {
            cr_assert_not(jc_kernel_equal(&kernels[i], &kernels[j]), "%zu is %zu", i, j);
        }
    }
    free(kernels);
}

// The picture of the first pattern has three colours or none, and then may be as small as a digit.
Test(plan, some_pictures_are_grey_and_small) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 600\nkernels: {conv2d: 1}\n", &n);
    size_t n_coloured = 0;
    size_t n_grey = 0;
    bool has_digit = false;
    for (size_t i = 0; i < n; ++i) {
        const int64_t *s = kernels[i].size;
        if (s[JC_WINDOW_IN_CHANNELS] <= 4) {
            cr_assert(s[JC_WINDOW_IN_CHANNELS] == 3 || s[JC_WINDOW_IN_CHANNELS] == 1);
            n_coloured += s[JC_WINDOW_IN_CHANNELS] == 3;
            n_grey += s[JC_WINDOW_IN_CHANNELS] == 1;
            has_digit = has_digit || s[JC_WINDOW_IN_HEIGHT] < 48;
        }
    }
    cr_expect_gt(n_grey, 10);
    cr_expect_gt(n_coloured, n_grey);
    cr_expect(has_digit);
    free(kernels);
}

Test(plan, varied_weights_are_reused_at_all_distances) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 600\nweights: varied\n", &n);
    size_t with_weights = 0;
    size_t in_octave[64] = {0};
    for (size_t i = 0; i < n; ++i) {
        const int64_t own = jc_kernel_work(&kernels[i]).weight_elements * 4;
        if (own == 0) {
            cr_assert_eq(kernels[i].reuse_bytes, 0);
            continue;
        }
        cr_assert_geq(kernels[i].reuse_bytes, own, "no less than the kernel's own");
        cr_assert_leq(kernels[i].reuse_bytes, 1 << 29);
        if (own <= 1 << 18) {
            ++in_octave[(int)log2((double)kernels[i].reuse_bytes)];
            ++with_weights;
        }
    }
    for (int octave = 18; octave < 29; ++octave) { // each would have an eleventh
        cr_expect_geq(in_octave[octave] * 33, with_weights, "2^%d", octave);
    }
    free(kernels);
}

Test(plan, every_first_part_has_each_kind_in_proportion) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 600\nkernels: {conv2d: 3, linear: 2, relu: 1}\n", &n);
    double count[JC_KERNEL_COUNT] = {0};
    for (size_t i = 0; i < n; ++i) {
        ++count[kernels[i].kind];
        const double rows = (double)i + 1;
        cr_assert_leq(fabs(count[JC_KERNEL_CONV2D] - rows * 3 / 6), 1);
        cr_assert_leq(fabs(count[JC_KERNEL_LINEAR] - rows * 2 / 6), 1);
        cr_assert_leq(fabs(count[JC_KERNEL_RELU] - rows * 1 / 6), 1);
    }
    cr_expect_eq(n, 600);
    free(kernels);
}

Test(plan, kernels_of_networks_are_among_them_as_they_are) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 500\n", &n);
    for (int s = 0; s < N_SEEN; ++s) {
        bool found = false;
        for (size_t i = 0; i < n && !found; ++i) {
            jc_kernel one = kernels[i];
            one.size[0] = seen[s].size[0];
            found = jc_kernel_equal(&one, &seen[s]);
        }
        cr_expect(found, "kernel %d", s);
    }
    free(kernels);
}

Test(plan, thresholds_have_rows_on_both_sides) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 1000\nkernels: {conv2d: 1}\nboundaries: 0.4\n", &n);
    static const int64_t edges[] = {8, 16, 32, 64};
    bool has_group = false, has_depthwise = false, has_dense = false, has_pointwise = false;
    for (int e = 0; e < 4; ++e) {
        int below = 0, at = 0, above = 0;
        for (size_t i = 0; i < n; ++i) {
            const int64_t c = kernels[i].size[JC_WINDOW_IN_CHANNELS];
            const int64_t groups = kernels[i].size[JC_WINDOW_GROUPS];
            below += c == edges[e] - 1;
            at += c == edges[e];
            above += c == edges[e] + 1;
            has_dense = has_dense || groups == 1;
            has_depthwise = has_depthwise || (groups > 1 && groups == c);
            has_group = has_group || (groups > 1 && groups < c);
            has_pointwise = has_pointwise || kernels[i].size[JC_WINDOW_KERNEL_H] == 1;
        }
        cr_expect(below > 0 && at > 0 && above > 0, "%d: %d %d %d", (int)edges[e], below, at,
                  above);
    }
    cr_expect(has_group && has_depthwise && has_dense && has_pointwise);
    free(kernels);
}

Test(plan, precisions_and_batches_come_in_their_shares) {
    size_t n = 0;
    jc_kernel *kernels =
        kernels_of("rows: 1000\nprecisions: {f32: 3, int8: 1}\nbatch_sizes: [1, 8]\n", &n);
    size_t n_int8 = 0, n_one = 0;
    for (size_t i = 0; i < n; ++i) {
        n_int8 += kernels[i].precision == JC_PRECISION_INT8;
        n_one += kernels[i].kind == JC_KERNEL_CONV2D && kernels[i].size[0] == 1;
        cr_assert(kernels[i].precision == JC_PRECISION_F32 ||
                  kernels[i].precision == JC_PRECISION_INT8);
    }
    cr_expect(n_int8 > 200 && n_int8 < 300, "%zu", n_int8);
    cr_expect_gt(n_one, 0);
    free(kernels);
}

Test(plan, only_products_are_made_in_tf32) {
    size_t n = 0;
    jc_kernel *kernels = kernels_of("rows: 500\nprecisions: {tf32: 1}\n", &n);
    size_t products = 0;
    for (size_t i = 0; i < n; ++i) {
        const bool multiplies = jc_kernel_work(&kernels[i]).macs > 0;
        products += multiplies;
        cr_assert_eq(kernels[i].precision, multiplies ? JC_PRECISION_TF32 : JC_PRECISION_F32);
    }
    cr_expect(products > 100 && products < n);
    free(kernels);
}

Test(plan, the_seed_decides_and_nothing_else_does) {
    size_t n = 0, m = 0, k = 0;
    jc_kernel *a = kernels_of("rows: 300\nseed: 5\n", &n);
    jc_kernel *b = kernels_of("rows: 300\nseed: 5\n", &m);
    jc_kernel *c = kernels_of("rows: 300\nseed: 6\n", &k);
    cr_assert(n == m && n == k);
    cr_expect_eq(memcmp(a, b, n * sizeof *a), 0);
    cr_expect_neq(memcmp(a, c, n * sizeof *a), 0);
    free(a);
    free(b);
    free(c);
}

Test(plan, adaptive_rows_have_three_more_to_choose_from) {
    jc_plan *plan = plan_of("rows: 200\nadaptive: 0.25\n");
    jc_kernel *kernels = NULL;
    size_t n = 0;
    cr_assert_eq(jc_plan_kernels(plan, seen, N_SEEN, &kernels, &n, NULL), JC_OK);
    cr_expect_eq(jc_plan_adaptive_rows(plan), 50);
    cr_expect_eq(n, 200 + 3 * 50);
    size_t n_plain = 0;
    jc_kernel *plain = kernels_of("rows: 200\n", &n_plain);
    cr_assert_eq(n_plain, 200);
    cr_expect_arr_eq(plain, kernels, 200 * sizeof *kernels, "they begin as the plan without them");
    free(plain);
    free(kernels);
    jc_plan_free(plan);
}

Test(plan, without_networks_patterns_are_made_up) {
    jc_plan *plan = plan_of("rows: 200\n");
    jc_kernel *kernels = NULL;
    size_t n = 0;
    cr_assert_eq(jc_plan_kernels(plan, NULL, 0, &kernels, &n, NULL), JC_OK);
    bool has[JC_KERNEL_COUNT] = {false};
    for (size_t i = 0; i < n; ++i) {
        has[kernels[i].kind] = true;
    }
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        cr_expect_eq(has[kind], kind != JC_KERNEL_OTHER, "%s",
                     jc_kernel_name((jc_kernel_kind)kind));
    }
    free(kernels);
    jc_plan_free(plan);
}

Test(plan, kinds_without_more_different_kernels_end_the_list) {
    size_t n = 0;
    jc_kernel *kernels =
        kernels_of("rows: 1000\nkernels: {linear: 1}\nmax_macs: 20\nbatch_sizes: [1]\n", &n);
    cr_expect_lt(n, 1000);
    free(kernels);
}
