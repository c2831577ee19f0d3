// SPDX-License-Identifier: Apache-2.0
/** @file Running kernels by an executor and looking into what they read and wrote. The executor is
 *  that of the library a test is linked with: harness_onednn.c or harness_cudnn.c. */
#ifndef JC_TEST_EXEC_HARNESS_H
#define JC_TEST_EXEC_HARNESS_H

#include "runtime/exec/shared/node.h"

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

/** Open with options of the test's own. */
harness harness_open_with(const jc_executor_options *options);
void harness_close(harness *h);

/** Prepare a kernel. Sizes left 0 are completed as in a dataset. */
jc_status harness_prepare(harness *h, jc_kernel_kind kind, jc_precision precision,
                          const int64_t *sizes, size_t n_sizes);

/** Run the task's forward pass n times. */
void harness_run(harness *h, uint64_t n);

/** Fails unless each value is within `tolerance` (absolute, and relative to the largest). */
void harness_compare(const char *what, const float *values, const double *expected, size_t n,
                     double tolerance);

// --- Of each executor ------------------------------------------------------------------------

/** The executor, and what it is opened with by harness_open. */
const jc_executor *harness_executor(void);
const char *harness_layout(void);

/** Values of tensor t, which is a constant; the caller frees. */
float *harness_constant(const harness *h, tensor_id t);

/** Values of the next constant from *next on, as they are before a batch normalisation is folded
 *  into them, and the number after it; the caller frees. */
float *harness_next_constant(const harness *h, tensor_id *next);

/** Values of a result; the caller frees. */
float *harness_output(harness *h, size_t output, size_t *out_n);

size_t harness_n_instructions(const harness *h);

#endif
