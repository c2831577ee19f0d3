// SPDX-License-Identifier: Apache-2.0
/** @file Kernels and networks as lines of JSON, for programs in any language. */
#ifndef JC_EXEC_REQUEST_H
#define JC_EXEC_REQUEST_H

#include <joulecast/executor.h>

/** A kernel as one line. @return text to free; NULL if out of memory */
char *request_of_kernel(const jc_executor_options *options, const jc_kernel *kernel);

/** A network as one line. @return text to free; NULL if out of memory */
char *request_of_network(const jc_executor_options *options, const jc_network *network);

#endif
