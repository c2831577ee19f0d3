// SPDX-License-Identifier: Apache-2.0
/** @file Running kernels by the executor `onednn` and looking into what they read and wrote. */
#ifndef JC_TEST_EXEC_HARNESS_H
#define JC_TEST_EXEC_HARNESS_H

#include "runtime/exec/onednn/program.h"

#include <joulecast/executor.h>

#include <stdlib.h>

/** An open executor and one task of it. */
typedef struct harness {
    const jc_executor *executor;
    jc_executor_handle *handle;
    jc_task *task;
    jc_error err;
} harness;

/** Open with warm weights and 2 threads; fails the test if it cannot be opened. */
harness harness_open(void);
void harness_close(harness *h);

/** Prepare a kernel. Sizes left 0 are completed as in a dataset. */
jc_status harness_prepare(harness *h, jc_kernel_kind kind, jc_precision precision,
                          const int64_t *sizes, size_t n_sizes);

/** Run the task's forward pass n times. */
void harness_run(harness *h, uint64_t n);

/** Values of tensor t, which is a constant, or the first result; the caller frees. */
float *harness_constant(const harness *h, tensor_id t);
float *harness_result(harness *h, size_t *out_n);

/** Fails unless each value is within `tolerance` (absolute, and relative to the largest). */
void harness_compare(const char *what, const float *values, const double *expected, size_t n,
                     double tolerance);

#endif
