// SPDX-License-Identifier: Apache-2.0
// Threads. oneDNN takes its number from OpenMP, by the calling thread; it has no setting of its
// own.
#include "threads.h"

// Of the OpenMP library that oneDNN itself is linked with. Declared here because clang has no omp.h
// for it; OpenMP 5.0, sections 3.2.1 and 3.2.5.
extern void omp_set_num_threads(int n);
extern int omp_get_num_procs(void);

int threads_available(void) {
    return omp_get_num_procs();
}

void threads_use(int n) {
    omp_set_num_threads(n);
}
