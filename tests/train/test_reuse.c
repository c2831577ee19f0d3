// SPDX-License-Identifier: Apache-2.0
// Weights that come from a cache or from memory, by what is used between two uses of them.
#include "made_up.h"

#include <joulecast/analyze.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { ROWS = 400, NEW = 200 };

static const double CACHE_BYTES = 0x1p25; ///< from so many on, weights come from memory

// 2e10 MAC/s; weights at 2e10 B/s from the cache and 5e9 B/s from memory.
static double true_runtime(const jc_kernel *kernel) {
    const jc_work work = jc_kernel_work(kernel);
    const double speed = (double)kernel->reuse_bytes < CACHE_BYTES ? 2e10 : 5e9;
    return 2e-6 + (double)work.macs / 2e10 + 4.0 * (double)work.weight_elements / speed;
}

static jc_row make_row(void) {
    jc_row row = {.kernel = {.kind = JC_KERNEL_LINEAR, .precision = JC_PRECISION_F32}};
    int64_t *s = row.kernel.size;
    s[0] = 1 + (int64_t)(8 * made_up_uniform());
    s[1] = (int64_t)exp2(5 + 5 * made_up_uniform());
    s[2] = (int64_t)exp2(5 + 5 * made_up_uniform());
    row.kernel.reuse_bytes = (int64_t)exp2(22 + 6 * made_up_uniform());
    row.measured = made_up_runtime(true_runtime(&row.kernel));
    return row;
}

// A chain of n layers of 500 to 500 features: 1.002 MB of weights and biases each.
static jc_totals analyze_chain(jc_memo *memo, int n) {
    char text[256];
    (void)snprintf(text, sizeof text,
                   "name: chain\ninputs: {x: [500]}\nlayers:\n"
                   "  - linear: {out_features: 500, repeat: %d}\n",
                   n);
    jc_graph *graph = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "chain.yaml", NULL, &graph, &err), JC_OK, "%s",
                 err.message);
    jc_totals totals;
    jc_analyze(memo, graph, &totals, NULL);
    jc_graph_free(graph);
    return totals;
}

Test(reuse, weights_of_large_networks_come_from_memory) {
    static jc_row rows[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        rows[i] = make_row();
    }
    jc_profile *profile = made_up_train(rows, ROWS);
    cr_assert(jc_profile_prices_reuse(profile));
    double sum = 0;
    for (int i = 0; i < NEW; ++i) {
        const jc_row row = make_row();
        jc_prediction p;
        jc_profile_predict(profile, &row.kernel, &p);
        sum += fabs(p.runtime_s / row.measured.runtime_s - 1) / NEW;
    }
    cr_expect_lt(sum, 0.05, "mean error %g", sum);
    // The same layers: 8 fit the cache of 33.6 MB, 80 do not.
    jc_memo *memo = NULL;
    cr_assert_eq(jc_memo_create(profile, &memo), JC_OK);
    const double compute_s = 2e-6 + 25e4 / 2e10;
    const jc_totals few = analyze_chain(memo, 8);
    const jc_totals many = analyze_chain(memo, 80);
    cr_expect_float_eq(few.runtime_s / 8 / (compute_s + 1e6 / 2e10), 1, 0.1, "%g", few.runtime_s);
    cr_expect_float_eq(many.runtime_s / 80 / (compute_s + 1e6 / 5e9), 1, 0.1, "%g", many.runtime_s);
    cr_expect_eq(few.layers_extrapolated + many.layers_extrapolated, 0);
    jc_memo_free(memo);
    jc_profile_free(profile);
}

// Larger and smaller networks than any row's are no other machine: caches are what they are.
Test(reuse, beyond_the_rows_it_is_as_at_their_ends) {
    static jc_row rows[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        rows[i] = make_row();
    }
    jc_profile *profile = made_up_train(rows, ROWS);
    jc_kernel kernel = {.kind = JC_KERNEL_LINEAR, .size = {1, 500, 500}};
    const int64_t ends[2][2] = {{INT64_C(1) << 22, 1 << 20}, {INT64_C(1) << 28, INT64_C(1) << 34}};
    for (int e = 0; e < 2; ++e) {
        jc_prediction at;
        jc_prediction beyond;
        kernel.reuse_bytes = ends[e][0];
        jc_profile_predict(profile, &kernel, &at);
        kernel.reuse_bytes = ends[e][1];
        jc_profile_predict(profile, &kernel, &beyond);
        cr_expect_float_eq(beyond.runtime_s, at.runtime_s, 0.02 * at.runtime_s);
        cr_expect_eq(beyond.confidence, JC_CONFIDENCE_MODELLED);
    }
    jc_profile_free(profile);
}

Test(reuse, rows_that_do_not_say_it_know_nothing_of_it) {
    static jc_row rows[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        rows[i] = make_row();
        rows[i].kernel.reuse_bytes = 0;
        rows[i].measured.runtime_s = true_runtime(&rows[i].kernel);
    }
    jc_profile *profile = made_up_train(rows, ROWS);
    cr_expect_not(jc_profile_prices_reuse(profile));
    jc_profile_free(profile);
}
