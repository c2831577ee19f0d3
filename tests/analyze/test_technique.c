// SPDX-License-Identifier: Apache-2.0
// Properties of techniques, over sets of statements drawn at random that fit together.
#include <joulecast/accelerator.h>
#include <joulecast/technique.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 150, MOST_STEPS = 12, STEP_SIZE = 160 };

static const char network[] =
    "inputs: {image: [3, 16, 16]}\n"
    "blocks:\n"
    "  unit:\n"
    "    layers:\n"
    "      - add:\n"
    "          branches:\n"
    "            - []\n"
    "            - - conv2d: {out_channels: 24, kernel_size: 1}\n"
    "              - relu\n"
    "              - conv2d: {out_channels: 16, kernel_size: 1}\n"
    "layers:\n"
    "  - conv2d: {name: stem, out_channels: 16, kernel_size: 3}\n"
    "  - unit: {name: trunk, repeat: 4}\n"
    "  - conv2d: {name: wide, out_channels: 32, kernel_size: 1}\n"
    "  - conv2d: {name: each, out_channels: 32, kernel_size: 3, groups: 32}\n"
    "  - flatten\n"
    "  - linear: {name: last, out_features: 10}\n";

// It skips and compresses all that it can, so that every statement has an effect on energy.
static const jc_accelerator hardware = {
    .name = "test",
    .clock_hz = 1e9,
    .rows = 4,
    .columns = 4,
    .word_bits = 32,
    .dataflow = JC_DATAFLOW_ROW_STATIONARY,
    .buffer_bytes = 4096,
    .register_inputs = 12,
    .register_weights = 24,
    .register_sums = 4,
    .dram_bytes_per_s = 1e9,
    .mac_j = 1e-12,
    .register_j = 1e-12,
    .array_j = 2e-12,
    .buffer_j = 6e-12,
    .dram_j = 200e-12,
    .skips_inputs = true,
    .skips_weights = true,
    .skips_outputs = true,
    .saves_time = true,
    .compresses_inputs = true,
    .compresses_weights = true,
};

typedef struct step_list {
    char text[MOST_STEPS][STEP_SIZE];
    int n;
} step_list;

static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

static double draw_share(void) {
    return (double)draw(101) / 100;
}

#define ADD(list, ...) (void)snprintf((list)->text[(list)->n++], STEP_SIZE, __VA_ARGS__)

// Exits after two layers that no other statement takes out; rates are times `scale`.
static void add_exits(step_list *steps, double first, double second, double scale) {
    ADD(steps, "exits: [{after: stem, rate: %.6f}, {after: wide, rate: %.6f}]", scale * first,
        scale * second);
}

// Of each kind at most one statement without layers and one with: nothing contradicts anything, but
// which goes before which matters.
static step_list draw_steps(void) {
    static const char *const formats[] = {"f32", "bf16", "int8", "ternary", "binary"};
    static const char *const layers[] = {"stem", "trunk", "wide", "each", "last"};
    step_list steps = {.n = 0};
    ADD(&steps, "prune: %.2f", 0.8 * draw_share());
    ADD(&steps, "prune: {ratio: %.2f, layers: [stem, trunk]}", 0.8 * draw_share());
    ADD(&steps, "depth: %.2f", 0.25 * (double)draw(3));
    ADD(&steps, "depth: {ratio: %.2f, layers: trunk}", 0.25 * (double)draw(3));
    ADD(&steps, "sparsity: {density: %.2f, layers: %s}", draw_share(), layers[draw(5)]);
    ADD(&steps, "sparsity: {density: %.2f, activations: %.2f}", draw_share(), draw_share());
    ADD(&steps, "active: {fraction: %.2f, layers: %s}", draw_share(), layers[draw(5)]);
    ADD(&steps, "active: %.2f", draw_share());
    ADD(&steps, "precision: {weights: %s, layers: %s}", formats[draw(5)], layers[draw(5)]);
    ADD(&steps, "precision: {weights: %s, activations: %s}", formats[draw(5)], formats[draw(5)]);
    return steps;
}

static void shuffle(step_list *steps) {
    for (int i = steps->n - 1; i > 0; --i) {
        const int k = (int)draw((uint64_t)i + 1);
        char swap[STEP_SIZE];
        memcpy(swap, steps->text[i], STEP_SIZE);
        memcpy(steps->text[i], steps->text[k], STEP_SIZE);
        memcpy(steps->text[k], swap, STEP_SIZE);
    }
}

// Costs without what hangs from an evaluation.
static jc_evaluation evaluate(const step_list *steps) {
    char text[MOST_STEPS * (STEP_SIZE + 4)] = "[]";
    for (int i = 0, at = 0; i < steps->n; ++i) {
        at += snprintf(text + at, sizeof text - (size_t)at, "- %s\n", steps->text[i]);
    }
    jc_error err = {.status = JC_OK};
    jc_technique *technique = NULL;
    jc_graph *graph = NULL;
    jc_evaluation e;
    cr_assert_eq(jc_technique_parse(text, strlen(text), "test", &technique, &err), JC_OK, "%s\n%s",
                 err.message, text);
    cr_assert_eq(jc_graph_parse(network, sizeof network - 1, "net", NULL, &graph, &err), JC_OK);
    const jc_graph *const graphs[] = {graph};
    const jc_source source = {.accelerator = &hardware};
    cr_assert_eq(jc_evaluate_technique(technique, graphs, &source, NULL, &e, &err), JC_OK, "%s\n%s",
                 err.message, text);
    const jc_evaluation costs = e;
    jc_evaluation_clear(&e);
    jc_technique_free(technique);
    jc_graph_free(graph);
    return (jc_evaluation){.totals = costs.totals,
                           .energy_p50_j = costs.energy_p50_j,
                           .energy_p95_j = costs.energy_p95_j,
                           .energy_worst_j = costs.energy_worst_j,
                           .runtime_worst_s = costs.runtime_worst_s};
}

static void expect_same(const jc_evaluation *a, const jc_evaluation *b) {
    cr_expect_eq(a->totals.params, b->totals.params);
    cr_expect_eq(a->totals.macs, b->totals.macs);
    cr_expect_eq(a->totals.weight_bytes, b->totals.weight_bytes);
    cr_expect_eq(a->totals.activation_bytes, b->totals.activation_bytes);
    cr_expect_eq(a->totals.runtime_s, b->totals.runtime_s);
    cr_expect_eq(a->totals.energy_j, b->totals.energy_j);
    cr_expect_eq(a->energy_p50_j, b->energy_p50_j);
    cr_expect_eq(a->energy_p95_j, b->energy_p95_j);
    cr_expect_eq(a->energy_worst_j, b->energy_worst_j);
    cr_expect_eq(a->runtime_worst_s, b->runtime_worst_s);
}

Test(technique, order_of_statements_does_not_matter) {
    for (state = 1; state <= SEEDS; ++state) {
        const uint64_t seed = state;
        step_list steps = draw_steps();
        add_exits(&steps, draw_share() / 2, draw_share() / 2, 1);
        const jc_evaluation before = evaluate(&steps);
        shuffle(&steps);
        const jc_evaluation after = evaluate(&steps);
        expect_same(&before, &after);
        state = seed;
    }
}

Test(technique, nothing_said_is_the_network_as_it_is) {
    const jc_evaluation base = evaluate(&(step_list){.n = 0});
    const step_list nothing = {.text = {"prune: 0", "depth: 0", "sparsity: 1", "active: 1",
                                        "precision: f32", "sparsity: {activations: 1}"},
                               .n = 6};
    const jc_evaluation same = evaluate(&nothing);
    expect_same(&base, &same);
}

Test(technique, costs_are_positive_and_no_more_than_the_whole) {
    const jc_evaluation base = evaluate(&(step_list){.n = 0});
    for (state = 1; state <= SEEDS; ++state) {
        const uint64_t seed = state;
        const step_list steps = draw_steps();
        const jc_evaluation e = evaluate(&steps);
        cr_expect(e.totals.params > 0 && e.totals.params <= base.totals.params);
        cr_expect(e.totals.macs >= 0 && e.totals.macs <= base.totals.macs);
        cr_expect(e.totals.energy_j > 0 && e.totals.energy_j <= base.totals.energy_j);
        cr_expect(e.totals.runtime_s > 0 && e.totals.runtime_s <= base.totals.runtime_s);
        cr_expect_eq(e.energy_worst_j, e.totals.energy_j); // one path
        state = seed;
    }
}

Test(technique, expected_energy_lies_between_the_paths_and_is_their_mean) {
    for (state = 1; state <= SEEDS; ++state) {
        const uint64_t seed = state;
        const step_list steps = draw_steps();
        const double first = draw_share() / 2;
        const double second = draw_share() / 2;
        step_list whole = steps;
        step_list half = steps;
        step_list none = steps;
        step_list cheapest = steps;
        step_list middle = steps;
        add_exits(&whole, first, second, 1);
        add_exits(&half, first, second, 0.5);
        add_exits(&none, first, second, 0);
        add_exits(&cheapest, 1, 0, 1);
        add_exits(&middle, 0, 1, 1);
        const jc_evaluation e = evaluate(&whole);
        const double low_j = evaluate(&cheapest).totals.energy_j;
        const double mid_j = evaluate(&middle).totals.energy_j;
        const double high_j = evaluate(&none).totals.energy_j;
        const double mean_j = first * low_j + second * mid_j + (1 - first - second) * high_j;
        const double tolerance = 1e-5 * high_j; // rates are written with six digits
        cr_expect(fabs(e.totals.energy_j - mean_j) <= tolerance);
        cr_expect(fabs(evaluate(&half).totals.energy_j - 0.5 * (mean_j + high_j)) <= tolerance);
        cr_expect(e.totals.energy_j >= low_j * (1 - 1e-12));
        cr_expect(e.totals.energy_j <= e.energy_worst_j * (1 + 1e-12));
        cr_expect(e.energy_p50_j <= e.energy_p95_j && e.energy_p95_j <= e.energy_worst_j);
        state = seed;
    }
}
