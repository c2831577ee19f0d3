// SPDX-License-Identifier: Apache-2.0
// Networks priced: totals are sums, memory changes nothing, the interval of a sum is neither the
// sum of intervals nor their independence.
#include <joulecast/analyze.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jc_profile *load_profile(void) {
    jc_profile *profile = NULL;
    jc_error err = {0};
    const jc_status status = jc_profile_load(
        JC_TEST_SOURCE_ROOT "/datasets/jetson-pytorch/profile.yaml", &profile, &err);
    cr_assert_eq(status, JC_OK, "%s", err.message);
    return profile;
}

static jc_graph *load_graph(const char *name, int64_t batch_size) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/architectures/%s.yaml", JC_TEST_SOURCE_ROOT, name);
    jc_graph *graph = NULL;
    jc_error err = {0};
    const jc_graph_options options = {.batch_size = batch_size};
    cr_assert_eq(jc_graph_load(path, &options, &graph, &err), JC_OK, "%s", err.message);
    return graph;
}

typedef struct analysis {
    jc_profile *profile;
    jc_memo *memo;
    jc_graph *graph;
    jc_totals totals;
    jc_layer_cost *layers; ///< [totals.layers]
} analysis;

static analysis analyze(const char *name, int64_t batch_size) {
    analysis a = {.profile = load_profile(), .graph = load_graph(name, batch_size)};
    cr_assert_eq(jc_memo_create(a.profile, &a.memo), JC_OK);
    size_t n = 0;
    (void)jc_graph_layers(a.graph, &n);
    a.layers = calloc(n, sizeof *a.layers);
    jc_analyze(a.memo, a.graph, &a.totals, a.layers);
    return a;
}

static void clear(analysis *a) {
    free(a->layers);
    jc_memo_free(a->memo);
    jc_graph_free(a->graph);
    jc_profile_free(a->profile);
}

Test(network, totals_are_the_sums_of_the_layers) {
    analysis a = analyze("mobilenet_v2", 4);
    double runtime_s = 0;
    double energy_j = 0;
    double low_j = 0;
    double high_j = 0;
    int64_t params = 0;
    int64_t macs = 0;
    size_t fallback = 0;
    for (size_t i = 0; i < a.totals.layers; ++i) {
        const jc_prediction *p = &a.layers[i].prediction;
        params += a.layers[i].params;
        macs += a.layers[i].macs;
        runtime_s += p->runtime_s;
        energy_j += p->energy_j;
        low_j += p->energy_low_j;
        high_j += p->energy_high_j;
        fallback += p->confidence == JC_CONFIDENCE_FALLBACK;
        cr_expect(p->energy_low_j <= p->energy_j && p->energy_j <= p->energy_high_j);
        cr_expect(p->runtime_s >= 0 && p->energy_low_j >= 0, "nothing is negative");
    }
    const jc_totals *t = &a.totals;
    cr_expect_eq(t->params, 3504872);
    cr_expect_eq(t->params, params);
    cr_expect_eq(t->macs, macs);
    cr_expect_eq(t->macs, 4 * INT64_C(300774272));
    cr_expect_eq(t->layers_unmodelled, fallback);
    cr_expect_float_eq(t->runtime_s, runtime_s, 1e-12 * runtime_s);
    cr_expect_float_eq(t->energy_j, energy_j, 1e-12 * energy_j);
    cr_expect_float_eq(t->power_w, energy_j / runtime_s, 1e-9 * t->power_w);
    cr_expect_float_eq(t->energy_per_sample_j, energy_j / 4, 1e-12 * energy_j);
    cr_expect_float_eq(t->macs_modelled + t->macs_extrapolated + t->macs_fallback, 1, 1e-12);
    cr_expect_float_eq(t->runtime_modelled + t->runtime_extrapolated + t->runtime_fallback, 1,
                       1e-12);
    // Between full cancellation and none: inside the sum of the ends, outside a single layer's.
    cr_expect(t->energy_low_j >= low_j && t->energy_high_j <= high_j);
    cr_expect(t->energy_low_j <= t->energy_j && t->energy_j <= t->energy_high_j);
    clear(&a);
}

// One kernel is asked for twice, and after so many others that the table has been emptied.
Test(network, memory_changes_no_prediction) {
    jc_profile *profile = load_profile();
    jc_memo *memo = NULL;
    cr_assert_eq(jc_memo_create(profile, &memo), JC_OK);
    for (int64_t round = 0; round < 2; ++round) {
        for (int64_t n = 1; n < 70000; n += 1) {
            const jc_kernel kernel = {.kind = JC_KERNEL_RELU, .size = {1 + n % 7, n}};
            jc_prediction remembered;
            jc_memo_predict(memo, &kernel, &remembered);
            if (n % 997 == 0) {
                jc_prediction direct;
                jc_profile_predict(profile, &kernel, &direct);
                cr_expect_eq(remembered.runtime_s, direct.runtime_s);
                cr_expect_eq(remembered.energy_high_j, direct.energy_high_j);
                cr_expect_eq(remembered.confidence, direct.confidence);
            }
        }
    }
    jc_memo_free(memo);
    jc_profile_free(profile);
}

Test(network, layers_without_work_are_free) {
    analysis a = analyze("vgg11", 1);
    size_t n_free = 0;
    for (size_t i = 0; i < a.totals.layers; ++i) {
        const jc_layer_cost *cost = &a.layers[i];
        size_t n = 0;
        const jc_layer *layer = &jc_graph_layers(a.graph, &n)[cost->layer];
        const bool is_free = layer->kernel.kind == JC_KERNEL_NONE;
        cr_expect_eq(cost->prediction.confidence == JC_CONFIDENCE_FREE, is_free);
        cr_expect_eq(cost->prediction.runtime_s == 0, is_free);
        n_free += is_free;
    }
    cr_expect_eq(n_free, 3, "flatten and two dropouts");
    clear(&a);
}
