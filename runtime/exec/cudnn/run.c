// SPDX-License-Identifier: Apache-2.0
// Running programs. Passes are captured once and replayed as CUDA graphs, as deployments do: what
// is between two kernels is then the GPU's own gap and not this processor's.
#include "program.h"

#include <stdlib.h>

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

enum { LEAST_PASSES = 16 }; // of a graph, so that launching costs nothing beside them

// How many graphs a ring has, and how many passes it has in all: a multiple of the copies of the
// weights, so that each copy waits for all others whenever it comes again.
static size_t count_ring(const cu_program *p, size_t *out_passes) {
    const size_t rounds = p->n_sets < LEAST_PASSES ? (LEAST_PASSES - 1) / p->n_sets + 1 : 1;
    *out_passes = p->is_network ? p->n_sets : rounds * p->n_sets;
    return p->is_network || *out_passes < 2 * LEAST_PASSES ? 1 : *out_passes / LEAST_PASSES;
}

static jc_status add_graph(cu_program *p, size_t set, size_t passes, jc_error *err) {
    cu_graph *graph = &p->graphs[p->n_graphs];
    graph->passes = passes;
    const jc_status status = capture(p, set % p->n_sets, passes, &graph->exec, err);
    p->n_graphs += status == JC_OK;
    return status;
}

static jc_status capture_all(cu_program *p, jc_error *err) {
    enum { MOST_REMAINDERS = 8 };
    size_t passes = 0;
    const size_t n = count_ring(p, &passes);
    const size_t longest = passes / n + (passes % n > 0);
    p->graphs = calloc(n + MOST_REMAINDERS, sizeof *p->graphs);
    if (p->graphs == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = JC_OK;
    size_t set = 0;
    for (size_t i = 0; i < n && status == JC_OK; ++i) {
        const size_t length = passes / n + (i < passes % n);
        status = add_graph(p, set, length, err);
        set += length;
    }
    p->n_ring = p->n_graphs;
    for (size_t length = 1; length < longest && status == JC_OK; length *= 2) {
        status = add_graph(p, length, length, err); // each with other copies
    }
    return status;
}

jc_status cu_capture(cu_program *p, jc_error *err) {
    jc_status status = cu_pass(p, 0, err);
    if (status == JC_OK) {
        status = gpu_check(cudaStreamSynchronize(p->gpu->stream), "the first pass", err);
    }
    p->is_settled = true;
    p->n_apart = p->n_sets;
    return status == JC_OK ? capture_all(p, err) : status;
}

static jc_status launch(const cu_program *p, const cu_graph *graph, jc_error *err) {
    return gpu_check(cudaGraphLaunch(graph->exec, p->gpu->stream), "a graph", err);
}

jc_status cu_run(cu_program *p, uint64_t n, double *out_seconds, jc_error *err) {
    gpu *g = p->gpu;
    float milliseconds = 0;
    // Runs that are shorter than a graph of the ring take the same few copies each time.
    const bool is_short = n < p->graphs[p->turn].passes && n < p->n_sets;
    p->n_apart = is_short ? (size_t)n : p->n_sets;
    jc_status status = gpu_check(cudaEventRecord(g->begin, g->stream), "an event", err);
    while (status == JC_OK && n >= p->graphs[p->turn].passes) {
        status = launch(p, &p->graphs[p->turn], err);
        n -= p->graphs[p->turn].passes;
        p->turn = (p->turn + 1) % p->n_ring;
    }
    for (size_t i = p->n_graphs; i > p->n_ring && status == JC_OK; --i) {
        if (n >= p->graphs[i - 1].passes) {
            status = launch(p, &p->graphs[i - 1], err);
            n -= p->graphs[i - 1].passes;
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
