// SPDX-License-Identifier: Apache-2.0
// Running programs: the only code between two readings of a meter.
#include "program.h"

#include "threads.h"

#include <time.h>

static double seconds_between(const struct timespec *begin, const struct timespec *end) {
    return (double)(end->tv_sec - begin->tv_sec) + 1e-9 * (double)(end->tv_nsec - begin->tv_nsec);
}

static dnnl_status_t run_once(program *p) {
    const size_t set = p->next_set;
    dnnl_status_t status = dnnl_success;
    for (size_t i = 0; i < p->n_instructions && status == dnnl_success; ++i) {
        const instruction *row = &p->instructions[i];
        const size_t first = set * row->n_args;
        if (row->primitive != NULL) {
            status = dnnl_primitive_execute(row->primitive, p->stream, (int)row->n_args,
                                            row->exec_args + first);
        } else {
            row->plain(row->sizes, row->data + first);
        }
    }
    p->next_set = set + 1 < p->n_sets ? set + 1 : 0;
    return status;
}

jc_status program_run(program *p, uint64_t n, double *out_seconds, jc_error *err) {
    struct timespec begin;
    struct timespec end;
    dnnl_status_t status = dnnl_success;
    threads_use(p->threads);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint64_t i = 0; i < n && status == dnnl_success; ++i) {
        status = run_once(p);
    }
    const dnnl_status_t waited = dnnl_stream_wait(p->stream);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    if (status != dnnl_success || waited != dnnl_success) {
        return jc_error_set(err, JC_EIO, NULL, 0, "oneDNN failed while it ran (its status %d)",
                            (int)(status != dnnl_success ? status : waited));
    }
    *out_seconds = seconds_between(&begin, &end);
    return JC_OK;
}
