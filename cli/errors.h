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

#endif
