// SPDX-License-Identifier: Apache-2.0
// Running programs. Passes are captured once and replayed as CUDA graphs, as deployments do: what
// is between two kernels is then the GPU's own gap and not this processor's.
#include "program.h"

jc_status cu_pass(cu_program *p, size_t set, jc_error *err) {
    jc_status status = JC_OK;
    for (size_t i = 0; i < p->n_instructions && status == JC_OK; ++i) {
        const cu_instruction *row = &p->instructions[i];
        if (row->is_needless == NULL || !*row->is_needless) {
            status = row->run(p, row->state, row->data + set * row->n_args, err);
        }
    }
    return status;
}

// A graph of `passes` passes, the first with copy `set` of the weights.
static jc_status capture(cu_program *p, size_t set, size_t passes, cudaGraphExec_t *out_graph,
                         jc_error *err) {
    cudaStream_t stream = p->gpu->stream;
    cudaGraph_t graph = NULL;
    jc_status status =
        gpu_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture", err);
    if (status != JC_OK) {
        return status;
    }
    for (size_t i = 0; i < passes && status == JC_OK; ++i) {
        status = cu_pass(p, (set + i) % p->n_sets, err);
    }
    jc_error late = {.status = JC_OK};
    const jc_status ended = gpu_check(cudaStreamEndCapture(stream, &graph), "capture", &late);
    if (status == JC_OK && ended != JC_OK) {
        status = ended;
        if (err != NULL) {
            *err = late;
        }
    }
    if (status == JC_OK) {
        status = gpu_check(cudaGraphInstantiate(out_graph, graph, 0), "a graph", err);
    }
    if (graph != NULL) {
        (void)cudaGraphDestroy(graph); // what was instantiated stays
    }
    return status;
}

// As many passes as copies of the weights, and enough that launching costs nothing beside them.
static int count_graphs(const cu_program *p) {
    enum { LEAST_PASSES = 16, MOST_NODES = 4096 };
    int n = 1;
    while (!p->is_network && n < MOST_GRAPHS &&
           ((size_t)1 << n) * p->n_instructions <= MOST_NODES &&
           ((size_t)1 << (n - 1)) < (p->n_sets > LEAST_PASSES ? p->n_sets : LEAST_PASSES)) {
        ++n;
    }
    return n;
}

jc_status cu_capture(cu_program *p, jc_error *err) {
    jc_status status = cu_pass(p, 0, err);
    if (status == JC_OK) {
        status = gpu_check(cudaStreamSynchronize(p->gpu->stream), "the first pass", err);
    }
    p->is_settled = true;
    const int n = count_graphs(p);
    // Graphs that follow each other use different copies.
    for (int i = 0; i < n && status == JC_OK; ++i) {
        const size_t passes = (size_t)1 << i;
        status = capture(p, passes % p->n_sets, passes, &p->graphs[i], err);
        p->n_graphs += status == JC_OK;
    }
    return status;
}

jc_status cu_run(cu_program *p, uint64_t n, double *out_seconds, jc_error *err) {
    gpu *g = p->gpu;
    float milliseconds = 0;
    jc_status status = gpu_check(cudaEventRecord(g->begin, g->stream), "an event", err);
    for (int i = p->n_graphs - 1; i >= 0 && status == JC_OK; --i) {
        const uint64_t passes = UINT64_C(1) << i;
        for (; n >= passes && status == JC_OK; n -= passes) {
            status = gpu_check(cudaGraphLaunch(p->graphs[i], g->stream), "a graph", err);
        }
    }
    if (status == JC_OK) {
        status = gpu_check(cudaEventRecord(g->end, g->stream), "an event", err);
    }
    if (status == JC_OK) {
        status = gpu_check(cudaEventSynchronize(g->end), "a pass", err);
    }
    if (status == JC_OK) {
        status = gpu_check(cudaEventElapsedTime(&milliseconds, g->begin, g->end), "times", err);
    }
    if (status == JC_OK) {
        *out_seconds = 1e-3 * (double)milliseconds;
    }
    return status;
}
