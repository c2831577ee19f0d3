// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/onednn: how many threads oneDNN uses. */
#ifndef JC_EXEC_ONEDNN_THREADS_H
#define JC_EXEC_ONEDNN_THREADS_H

/** Cores this process may use. */
int threads_available(void);

/** Let the calling thread's primitives, created or run from now on, use so many. */
void threads_use(int n);

#endif
