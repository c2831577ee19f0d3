// SPDX-License-Identifier: Apache-2.0
/** @file The error tables that train and evaluate print. */
#ifndef JC_CLI_ERRORS_H
#define JC_CLI_ERRORS_H

#include "command.h"

#include <joulecast/train.h>

/** Print errors, one record a kernel (JC_KERNEL_NONE: whole networks) and target (and, of a
 * learning curve, number of training rows), as -f and -o say. */
cli_exit cli_print_errors(const cli_options *options, const char *title,
                          const jc_error_table *errors);

/**
 * Records of kernels, then of whole networks, in one table.
 *
 * @param kernels    NULL = none
 * @param out_table  its records are the caller's to free
 */
JC_MUST_USE jc_status cli_join_errors(const jc_error_table *kernels,
                                      const jc_error_record *networks, size_t n_networks,
                                      jc_error_table *out_table, jc_error *err);

#endif
