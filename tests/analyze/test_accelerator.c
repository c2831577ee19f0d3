// SPDX-License-Identifier: Apache-2.0
// Accesses counted by hand for one convolution under each dataflow, and what zeros and widths save.
#include <joulecast/accelerator.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const jc_setting dense = {JC_FORMAT_F16, JC_FORMAT_F16, 1, 1, 1};

static jc_accelerator make(jc_dataflow dataflow, int64_t rows, int64_t columns) {
    return (jc_accelerator){.name = "by hand",
                            .clock_hz = 1e6,
                            .rows = rows,
                            .columns = columns,
                            .word_bits = 16,
                            .dataflow = dataflow,
                            .buffer_bytes = 1e6,
                            .register_inputs = 12,
                            .register_weights = 224,
                            .register_sums = 24,
                            .dram_bytes_per_s = 1e12,
                            .mac_j = 1,
                            .register_j = 1,
                            .array_j = 2,
                            .buffer_j = 6,
                            .dram_j = 200};
}

// 4 -> 8 channels, 3x3 on 6x6: 4608 MACs, 288 weights, 144 inputs, 128 outputs.
static jc_kernel make_kernel(void) {
    jc_kernel k = {.kind = JC_KERNEL_CONV2D, .precision = JC_PRECISION_F16};
    k.size[JC_WINDOW_BATCH_SIZE] = 1;
    k.size[JC_WINDOW_IN_CHANNELS] = 4;
    k.size[JC_WINDOW_OUT_CHANNELS] = 8;
    k.size[JC_WINDOW_IN_HEIGHT] = k.size[JC_WINDOW_IN_WIDTH] = 6;
    k.size[JC_WINDOW_KERNEL_H] = k.size[JC_WINDOW_KERNEL_W] = 3;
    cr_assert_eq(jc_kernel_complete(&k, NULL), JC_OK);
    return k;
}

static void expect(const jc_accelerator *a, double array, double buffer, double cycles) {
    const jc_kernel kernel = make_kernel();
    const jc_accesses n = jc_accelerator_count(a, &kernel, &dense);
    cr_expect_float_eq(n.macs, 4608, 1e-9);
    cr_expect_float_eq(n.registers, 4 * 4608, 1e-9);
    cr_expect_float_eq(n.array, array, 1e-9, "array %g", n.array);
    cr_expect_float_eq(n.buffer, buffer, 1e-9, "buffer %g", n.buffer);
    cr_expect_float_eq(n.dram_bytes, 2 * (288 + 144 + 128), 1e-9);
    cr_expect_float_eq(n.cycles, cycles, 1e-9, "cycles %g", n.cycles);
}

Test(accelerator, weights_stay) {
    // w = 16 positions; i' = 8 columns; s' = 36 rows, the whole depth.
    const jc_accelerator a = make(JC_DATAFLOW_WEIGHT_STATIONARY, 36, 8);
    expect(&a, 288 + 4608 + 4608, 288 + 576 + 128, 16);
}

Test(accelerator, rows_stay) {
    // q = 4 channels, p = 8 filters: w = 4, w' = 4; i = 24, i' = 3; s = 12, s' = 3.
    const jc_accelerator a = make(JC_DATAFLOW_ROW_STATIONARY, 3, 4);
    expect(&a, 1152 + 192 + 384, 288 + 144 + 128, 384);
}

Test(accelerator, outputs_stay) {
    // 16 positions in 16 elements: w' = 16; i' = 9; s = 36.
    const jc_accelerator a = make(JC_DATAFLOW_OUTPUT_STATIONARY, 4, 4);
    expect(&a, 4608 + 4608 + 128, 288 + 512 + 128, 288);
}

Test(accelerator, unfinished_sums_return) {
    // 18 rows hold half of the depth of 36: 256 sums leave for 128 outputs.
    const jc_accelerator a = make(JC_DATAFLOW_WEIGHT_STATIONARY, 18, 8);
    expect(&a, 288 + 4608 + 4608, 288 + 576 + 128 + 2 * 128, 32);
}

Test(accelerator, a_small_buffer_streams_in_the_cheaper_order) {
    jc_accelerator a = make(JC_DATAFLOW_WEIGHT_STATIONARY, 36, 8);
    a.buffer_bytes = 200; // half holds 100 of 576 bytes of weights, of 288 of inputs
    const jc_kernel kernel = make_kernel();
    const jc_accesses n = jc_accelerator_count(&a, &kernel, &dense);
    cr_expect_float_eq(n.dram_bytes, 288 + 3 * 576 + 256, 1e-9);
}

Test(accelerator, zeros) {
    jc_accelerator a = make(JC_DATAFLOW_WEIGHT_STATIONARY, 36, 8);
    const jc_kernel kernel = make_kernel();
    const jc_setting sparse = {JC_FORMAT_F16, JC_FORMAT_F16, 0.25, 0.5, 0.5};
    const jc_accesses whole = jc_accelerator_count(&a, &kernel, &dense);
    jc_accesses n = jc_accelerator_count(&a, &kernel, &sparse);
    cr_expect_eq(memcmp(&n, &whole, sizeof n), 0, "what is not skipped costs as much");
    a.skips_inputs = true; // gated: energy of MACs and registers
    n = jc_accelerator_count(&a, &kernel, &sparse);
    cr_expect_float_eq(n.macs, 2304, 1e-9);
    cr_expect_float_eq(n.registers, 4 * 2304, 1e-9);
    cr_expect_float_eq(n.buffer, whole.buffer, 1e-9);
    cr_expect_float_eq(n.cycles, whole.cycles, 1e-9);
    a.skips_weights = a.skips_outputs = a.saves_time = true;
    n = jc_accelerator_count(&a, &kernel, &sparse);
    cr_expect_float_eq(n.macs, 4608.0 / 16, 1e-9);
    cr_expect_float_eq(n.buffer, whole.buffer / 16, 1e-9);
    cr_expect_float_eq(n.cycles, 1, 1e-9);
    a.compresses_inputs = a.compresses_weights = true; // 21 bits for each value that is not 0
    n = jc_accelerator_count(&a, &kernel, &sparse);
    cr_expect_float_eq(n.dram_bytes, 21.0 / 8 * (288 * 0.25 + (144 + 128) * 0.5), 1e-9);
    n = jc_accelerator_count(&a, &kernel, &dense);
    cr_expect_float_eq(n.dram_bytes, whole.dram_bytes, 1e-9, "never more than uncompressed");
}

static jc_totals price(const jc_accelerator *a, jc_setting setting) {
    static const char text[] = "inputs: {image: [4, 6, 6]}\n"
                               "layers:\n"
                               "  - conv2d: {out_channels: 8, kernel_size: 3, bias: false}\n"
                               "  - relu\n";
    jc_graph *graph = NULL;
    cr_assert_eq(jc_graph_parse(text, strlen(text), "small", NULL, &graph, NULL), JC_OK);
    const jc_source source = {.accelerator = a};
    const jc_setting settings[3] = {setting, setting, setting};
    const jc_analysis what = {.graph = graph, .settings = settings};
    jc_totals totals;
    jc_analyze_part(&source, &what, &totals, NULL);
    jc_graph_free(graph);
    return totals;
}

Test(accelerator, energy_is_counts_times_energies) {
    const jc_accelerator a = make(JC_DATAFLOW_WEIGHT_STATIONARY, 36, 8);
    const double on_chip_j = 4 * 4608 + 2 * 9504 + 6 * 992 + 6 * 256;
    const double dram_j = 200 * (288 + 144 + 128);
    cr_expect_float_eq(price(&a, dense).energy_j, 4608 + on_chip_j + dram_j, 1e-6);
    // Half the width: a quarter of the multiplier, half of the rest.
    jc_setting narrow = dense;
    narrow.weights = narrow.activations = JC_FORMAT_INT8;
    cr_expect_float_eq(price(&a, narrow).energy_j, 4608.0 / 4 + (on_chip_j + dram_j) / 2, 1e-6);
    // Wider than a word is a word.
    jc_setting wide = dense;
    wide.weights = wide.activations = JC_FORMAT_F32;
    cr_expect_float_eq(price(&a, wide).energy_j, 4608 + on_chip_j + dram_j, 1e-6);
    cr_expect_float_eq(price(&a, dense).runtime_s, (16 + 256.0 / 288) / 1e6, 1e-12);
    cr_expect(isnan(price(&a, dense).energy_low_j));
}

// Chen et al. (JSSC 2017, Table V) measured 278 mW at 34.7 frames a second for the convolutions of
// AlexNet, without DRAM: 8.0 mJ. A count without control and clocks is to be within a factor of 2.
Test(accelerator, eyeriss_is_near_its_measurement) {
    jc_accelerator *a = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_accelerator_load(JC_TEST_SOURCE_ROOT "/accelerators/eyeriss.yaml", &a, &err),
                 JC_OK, "%s", err.message);
    jc_graph *graph = NULL;
    cr_assert_eq(
        jc_graph_load(JC_TEST_SOURCE_ROOT "/architectures/alexnet.yaml", NULL, &graph, &err),
        JC_OK);
    a->dram_j = 0;
    bool included[64] = {false};
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    for (size_t i = 0; i < n; ++i) {
        included[i] = layers[i].kernel.kind == JC_KERNEL_CONV2D;
    }
    const jc_source source = {.accelerator = a};
    const jc_analysis what = {.graph = graph, .included = included};
    jc_totals totals;
    jc_analyze_part(&source, &what, &totals, NULL);
    cr_expect(totals.energy_j > 4e-3 && totals.energy_j < 16e-3, "%g J", totals.energy_j);
    jc_graph_free(graph);
    jc_accelerator_free(a);
}
