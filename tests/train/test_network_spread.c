// SPDX-License-Identifier: Apache-2.0
// How far networks are from the sums of their layers.
#include "made_up.h"

#include <joulecast/analyze.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 400 };

static jc_outcome sure(double measured) {
    return (jc_outcome){measured, 1, 1, 1};
}

static bool is_held(const jc_outcome *o) {
    return o->low <= o->measured && o->measured <= o->high;
}

// Of 19 scores 0.01, 0.02, ... the 18th is the quantile: 20 · 0.9.
Test(network_spread, the_spread_is_an_order_statistic) {
    jc_outcome pairs[19];
    size_t group[19];
    for (size_t i = 0; i < 19; ++i) {
        const double score = 0.01 * (double)(i + 1);
        pairs[i] = sure(exp(i % 2 == 0 ? score : -score));
        group[i] = i;
    }
    double spread = 0;
    cr_assert_eq(jc_network_spread_find(pairs, group, 19, &spread), JC_OK);
    cr_expect_float_eq(spread, 0.18, 1e-12);
    for (size_t i = 0; i < 18; ++i) { // of the 18 others the largest
        cr_expect(is_held(&pairs[i]));
        cr_expect_float_eq(pairs[i].high, exp(0.19), 1e-12);
        cr_expect_float_eq(pairs[i].low, exp(-0.19), 1e-12);
    }
    cr_expect_not(is_held(&pairs[18]));
    cr_expect_float_eq(pairs[18].high, exp(0.18), 1e-12);
}

// Networks of one architecture are off alike: they say nothing of each other.
Test(network_spread, a_group_is_left_out_whole) {
    jc_outcome pairs[3] = {sure(1.5), sure(1.5), sure(1.1)};
    const size_t group[3] = {0, 0, 2};
    double spread = 0;
    cr_assert_eq(jc_network_spread_find(pairs, group, 3, &spread), JC_OK);
    cr_expect_float_eq(spread, log(1.5), 1e-12);
    cr_expect_float_eq(pairs[0].high, 1.1, 1e-12);
    cr_expect_float_eq(pairs[1].high, 1.1, 1e-12);
    cr_expect_float_eq(pairs[2].high, 1.5, 1e-12);
}

// 0.3² + 0.4² = 0.5²
Test(network_spread, what_the_layers_cover_is_not_covered_again) {
    const double expected[4] = {log(1.4), -log(0.6), 0, 0};
    const jc_outcome each[4] = {
        {1.5, 1, 0.9, 1.3}, {0.5, 1, 0.7, 1.1}, {1.3, 1, 0.9, 1.3}, {0.8, 1, 0.7, 1.1}};
    for (int i = 0; i < 4; ++i) {
        jc_outcome pair = each[i];
        const size_t group = 0;
        double spread = -1;
        cr_assert_eq(jc_network_spread_find(&pair, &group, 1, &spread), JC_OK);
        cr_expect_float_eq(spread, expected[i], 1e-12, "%d: %g", i, spread);
        cr_expect_eq(pair.low, each[i].low, "no others, nothing known");
        cr_expect_eq(pair.high, each[i].high);
    }
}

Test(network_spread, nine_in_ten_are_held) {
    static jc_outcome pairs[MANY];
    static size_t group[MANY];
    for (size_t i = 0; i < MANY; ++i) {
        double sum = 0;
        for (int k = 0; k < 12; ++k) {
            sum += made_up_uniform();
        }
        pairs[i] = sure(exp(0.1 * (sum - 6)));
        group[i] = i;
    }
    double spread = 0;
    double held = 0;
    cr_assert_eq(jc_network_spread_find(pairs, group, MANY, &spread), JC_OK);
    for (size_t i = 0; i < MANY; ++i) {
        held += is_held(&pairs[i]) ? 1.0 / MANY : 0;
    }
    cr_expect_float_eq(held, 0.9, 0.01, "%g", held);
    cr_expect_float_eq(spread, 0.1645, 0.02, "of a normal distribution: %g", spread);
}

// --- In a profile --------------------------------------------------------------------------------

static jc_profile *train(void) {
    static jc_row rows[60];
    for (int i = 0; i < 60; ++i) {
        jc_row *row = &rows[i];
        row->kernel =
            (jc_kernel){.kind = JC_KERNEL_LINEAR, .size = {1 + i % 3, 100 + 10 * i, 900 - 10 * i}};
        row->measured = made_up_runtime((double)jc_kernel_work(&row->kernel).macs * 1e-10 *
                                        (0.95 + 0.1 * made_up_uniform()));
    }
    return made_up_train(rows, 60);
}

static jc_totals analyze(const jc_profile *profile) {
    static const char text[] = "name: two\ninputs: {x: [500]}\nlayers:\n"
                               "  - linear: {out_features: 400}\n"
                               "  - linear: {out_features: 300}\n";
    jc_graph *graph = NULL;
    jc_memo *memo = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_graph_parse(text, strlen(text), "two.yaml", NULL, &graph, &err), JC_OK, "%s",
                 err.message);
    cr_assert_eq(jc_memo_create(profile, &memo), JC_OK);
    jc_totals totals;
    jc_analyze(memo, graph, &totals, NULL);
    jc_memo_free(memo);
    jc_graph_free(graph);
    return totals;
}

Test(network_spread, a_profile_widens_networks_by_it_and_keeps_it) {
    jc_profile *profile = train();
    const jc_totals before = analyze(profile);
    const jc_network_spread spread = {.rows = 27, .runtime = 0.125, .energy = 0.25};
    jc_profile_set_network_spread(profile, JC_PRECISION_F32, &spread);
    const jc_totals after = analyze(profile);
    const double t = before.runtime_s;
    cr_expect_eq(after.runtime_s, t, "no prediction changes");
    cr_expect_float_eq(after.runtime_high_s - t, hypot(before.runtime_high_s - t, t * expm1(0.125)),
                       1e-9 * t);
    cr_expect_float_eq(t - after.runtime_low_s, hypot(t - before.runtime_low_s, -t * expm1(-0.125)),
                       1e-9 * t);
    const jc_network_spread wide = {.rows = 27, .runtime = 50, .energy = 50};
    jc_profile_set_network_spread(profile, JC_PRECISION_F32, &wide);
    cr_expect_geq(analyze(profile).runtime_low_s, 0);
    cr_expect(isnan(analyze(profile).energy_low_j), "no meter");
    jc_profile_set_network_spread(profile, JC_PRECISION_F32, &spread);
    char path[] = "/tmp/joulecast-networks-XXXXXX";
    const int file = mkstemp(path);
    cr_assert_geq(file, 0);
    jc_error err = {0};
    jc_profile *again = NULL;
    cr_assert_eq(jc_profile_save(profile, path, &err), JC_OK, "%s", err.message);
    cr_assert_eq(jc_profile_load(path, &again, &err), JC_OK, "%s", err.message);
    const jc_network_spread read = jc_profile_network_spread(again, JC_PRECISION_F32);
    cr_expect_eq(read.rows, 27);
    cr_expect_eq(read.runtime, 0.125);
    cr_expect_eq(read.energy, 0.25);
    cr_expect_eq(jc_profile_network_spread(again, JC_PRECISION_INT8).rows, 0);
    cr_expect_eq(analyze(again).runtime_high_s, after.runtime_high_s);
    (void)close(file);
    (void)unlink(path);
    jc_profile_free(again);
    jc_profile_free(profile);
}
