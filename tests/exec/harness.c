// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

harness harness_open_with(const jc_executor_options *options) {
    harness h = {.executor = harness_executor()};
    cr_assert_not_null(h.executor);
    cr_assert_eq(h.executor->open(options, &h.handle, &h.err), JC_OK, "%s", h.err.message);
    return h;
}

harness harness_open(void) {
    const jc_executor_options options = {
        .threads = 2, .weights = JC_WEIGHTS_WARM, .seed = 7, .command = harness_layout()};
    return harness_open_with(&options);
}

void harness_close(harness *h) {
    h->executor->release(h->task);
    h->executor->close(h->handle);
}

jc_status harness_prepare(harness *h, jc_kernel_kind kind, jc_precision precision,
                          const int64_t *sizes, size_t n_sizes) {
    jc_kernel kernel = {.kind = kind, .precision = precision};
    memcpy(kernel.size, sizes, n_sizes * sizeof *sizes);
    cr_assert_eq(jc_kernel_complete(&kernel, &h->err), JC_OK, "%s", h->err.message);
    h->executor->release(h->task);
    h->task = NULL;
    return h->executor->prepare_kernel(h->handle, &kernel, &h->task, &h->err);
}

void harness_run(harness *h, uint64_t n) {
    double seconds = -1;
    cr_assert_eq(h->executor->run(h->task, n, &seconds, &h->err), JC_OK, "%s", h->err.message);
    cr_assert(seconds > 0);
}

void harness_compare(const char *what, const float *values, const double *expected, size_t n,
                     double tolerance) {
    double largest = 1;
    for (size_t i = 0; i < n; ++i) {
        largest = fmax(largest, fabs(expected[i]));
    }
    for (size_t i = 0; i < n; ++i) {
        cr_assert(fabs((double)values[i] - expected[i]) <= tolerance * largest,
                  "%s: value %zu of %zu is %g, and should be %g", what, i, n, (double)values[i],
                  expected[i]);
    }
}
