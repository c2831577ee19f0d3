// SPDX-License-Identifier: Apache-2.0
// Whole networks of integers by the executor `onednn`.
#include "harness.h"
#include "loaded.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

// In int8 weights are drawn anew, and results rounded: what is checked is that networks run, in the
// range that int8 has, and that no layer loses the signal.
static void check_int8(const char *text) {
    harness h = harness_open();
    loaded l = loaded_network(text, 2, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s: %s",
                 l.network->name, h.err.message);
    harness_run(&h, 2);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    size_t edge = 0;
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
        edge += fabsf(y[i]) >= 127;
        squares += (double)(y[i] * y[i]);
        cr_assert_eq(y[i], rintf(y[i]));
    }
    const double rms = sqrt(squares / (double)n);
    cr_assert_lt(edge, n / 4 + 1, "%s: %zu of %zu at the edge", l.network->name, edge, n);
    cr_assert(rms > 2, "%s: rms %g", l.network->name, rms);
    free(y);
    loaded_free(&l);
    harness_close(&h);
}

Test(onednn_int8, int8_networks_keep_their_signal) {
    check_int8(loaded_residual);
    check_int8(loaded_mixed);
    check_int8(loaded_transformer);
}

// relu6 is a function of what the integers stand for: 40 of them for 1.
Test(onednn_int8, activations_of_integers_are_in_their_units) {
    harness h = harness_open();
    loaded l = loaded_network("name: activated\n"
                              "inputs: {image: [16, 6, 6]}\n"
                              "layers:\n"
                              "  - conv2d: {out_channels: 16, kernel_size: 1}\n"
                              "  - hardswish\n",
                              1, JC_PRECISION_INT8);
    cr_assert_eq(h.executor->prepare_network(h.handle, l.network, &h.task, &h.err), JC_OK, "%s",
                 h.err.message);
    harness_run(&h, 1);
    size_t n = 0;
    float *y = harness_output(&h, 0, &n);
    float *x = harness_constant(&h, 0);
    float *weights = harness_constant(&h, 1);
    const double scale = 1 / (sqrt(16) * 64 / sqrt(3) * 255 / sqrt(3));
    for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (size_t c = 0; c < 16; ++c) {
            sum += (double)x[c * 36 + i % 36] * (double)weights[i / 36 * 16 + c];
        }
        const double value = sum * scale;
        const double exact = 40 * value * fmin(fmax(value + 3, 0), 6) / 6;
        cr_assert(fabs((double)y[i] - fmin(exact, 127)) <= 0.6, "value %zu is %g, not %g", i,
                  (double)y[i], exact);
    }
    free(x);
    free(y);
    free(weights);
    loaded_free(&l);
    harness_close(&h);
}
