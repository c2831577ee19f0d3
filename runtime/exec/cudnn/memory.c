// SPDX-License-Identifier: Apache-2.0
// Finishing programs: memory placed, counted against the limit, allocated and filled.
#include "program.h"

#include "kernels.h"

#include <stdlib.h>

enum { ALIGNMENT = 256 }; // what cudaMalloc gives, and cuBLAS takes for granted

void *cu_place(const cu_program *p, const cu_tensor *t, size_t set) {
    const buffer *b = &p->buffers[t->buffer];
    char *begin = b->role == TENSOR_WEIGHT ? p->weights + set * p->set_bytes : p->work;
    return begin + b->offset + (size_t)t->md.offset * cu_type_bytes(t->md.type);
}

static void place(cu_program *p) {
    for (size_t i = 0; i < p->n_outputs; ++i) {
        buffer_keep(&p->buffers[p->tensors[p->outputs[i]].buffer]);
    }
    if (!memory_place(p->buffers, p->n_buffers, ALIGNMENT, &p->work_bytes, &p->set_bytes)) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    const uint64_t need = (uint64_t)p->work_bytes + p->set_bytes;
    if (need > p->memory_limit_bytes) {
        cu_fail(p, JC_ENOMEM, "needs %.1f MB of the GPU's memory, and %.1f MB may be used",
                (double)need / 1e6, (double)p->memory_limit_bytes / 1e6);
        return;
    }
    p->n_sets =
        memory_count_sets(p->reuse_bytes, p->set_bytes, p->memory_limit_bytes - p->work_bytes);
}

static void allocate(cu_program *p) {
    jc_error err;
    void *memory = NULL;
    if (p->work_bytes > 0 &&
        cu_ok(p, gpu_check(cudaMalloc(&memory, p->work_bytes), "memory", &err), &err)) {
        p->work = memory;
    }
    if (p->status == JC_OK && p->set_bytes > 0 &&
        cu_ok(p, gpu_check(cudaMalloc(&memory, p->n_sets * p->set_bytes), "memory", &err), &err)) {
        p->weights = memory;
    }
}

static void tie(cu_program *p, cu_instruction *row) {
    row->data = calloc(p->n_sets * row->n_args, sizeof *row->data);
    if (row->data == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    for (size_t set = 0; set < p->n_sets; ++set) {
        for (size_t i = 0; i < row->n_args; ++i) {
            if (row->args[i] != NO_TENSOR) {
                row->data[set * row->n_args + i] = cu_place(p, &p->tensors[row->args[i]], set);
            }
        }
    }
}

static void fill(cu_program *p) {
    jc_error err;
    for (size_t t = 0; t < p->n_tensors && p->status == JC_OK; ++t) {
        const cu_tensor *row = &p->tensors[t];
        const bool is_constant = row->role == TENSOR_INPUT || row->role == TENSOR_WEIGHT;
        const size_t sets = row->role == TENSOR_WEIGHT ? p->n_sets : 1;
        if (!is_constant || row->is_view || !buffer_is_used(&p->buffers[row->buffer])) {
            continue;
        }
        for (size_t set = 0; set < sets && p->status == JC_OK; ++set) {
            (void)cu_ok(p, kernel_fill(p, (tensor_id)t, set, &err), &err);
        }
    }
}

jc_status cu_finish(cu_program *p, jc_error *err) {
    jc_error late = {.status = JC_OK};
    if (p->status == JC_OK) {
        place(p);
    }
    if (p->status == JC_OK) {
        allocate(p);
    }
    for (size_t i = 0; i < p->n_instructions && p->status == JC_OK; ++i) {
        tie(p, &p->instructions[i]);
    }
    if (p->status == JC_OK) {
        fill(p);
    }
    if (p->status == JC_OK) {
        (void)cu_ok(p, cu_capture(p, &late), &late);
    }
    return p->status == JC_OK ? JC_OK
                              : jc_error_set(err, p->status, NULL, 0, "%s", p->error.message);
}

void cu_clear(cu_program *p) {
    // What fails while things are freed changes nothing any more.
    for (size_t i = 0; i < p->n_graphs; ++i) {
        (void)cudaGraphExecDestroy(p->graphs[i].exec);
    }
    free(p->graphs);
    for (size_t i = 0; i < p->n_instructions; ++i) {
        p->instructions[i].release(p->instructions[i].state);
        free(p->instructions[i].args);
        free(p->instructions[i].data);
    }
    if (p->work != NULL) {
        (void)cudaFree(p->work);
    }
    if (p->weights != NULL) {
        (void)cudaFree(p->weights);
    }
    free(p->instructions);
    free(p->tensors);
    free(p->buffers);
    free(p->outputs);
    *p = (cu_program){.gpu = NULL};
}
