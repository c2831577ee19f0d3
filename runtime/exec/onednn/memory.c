// SPDX-License-Identifier: Apache-2.0
// Finishing programs: memory placed, counted against the limit, allocated and filled.
#include "program.h"

#include "runtime/exec/shared/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 64, // a cache line, the widest vector
};

// Results are read after the end, inputs written before the beginning.
static void extend_lives(program *p) {
    for (size_t i = 0; i < p->n_outputs; ++i) {
        buffer_keep(&p->buffers[p->tensors[p->outputs[i]].buffer]);
    }
}

// --- How much --------------------------------------------------------------------------------

// Largest constant, as it stands in plain form while it is laid out.
static uint64_t plain_bytes(const program *p) {
    int64_t most = 0;
    for (size_t i = 0; i < p->n_tensors; ++i) {
        const tensor *t = &p->tensors[i];
        if (t->role == TENSOR_INPUT || t->role == TENSOR_WEIGHT) {
            const int64_t n = md_elements(&t->md);
            most = n > most ? n : most;
        }
    }
    return (uint64_t)most * sizeof(float);
}

// --- Filling ---------------------------------------------------------------------------------

static bool is_integer(dnnl_data_type_t type) {
    return type == dnnl_s8 || type == dnnl_u8 || type == dnnl_s32;
}

static void draw(const program *p, tensor_id t, float *out_values) {
    const tensor *row = &p->tensors[t];
    random_uniform(p->seed, t, row->low, row->high, (size_t)md_elements(&row->md), out_values);
}

static jc_status fold(const program *p, const tensor *row, float *values) {
    const norm_values *norm = &row->norm;
    const tensor_id ids[NORM_VALUES] = {norm->mean, norm->variance, norm->scale, norm->shift};
    const size_t channels = (size_t)md_elements(&p->tensors[norm->mean].md);
    const size_t n = (size_t)md_elements(&row->md);
    float *learned = calloc(channels, NORM_VALUES * sizeof *learned);
    if (learned == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < NORM_VALUES; ++i) {
        draw(p, ids[i], learned + i * channels);
    }
    norm_fold(row->fold, learned, channels, norm->eps, n, values);
    free(learned);
    return JC_OK;
}

jc_status program_constant_values(const program *p, tensor_id t, float *out_values) {
    const tensor *row = &p->tensors[t];
    draw(p, t, out_values);
    const size_t n = is_integer(row->md.data_type) ? (size_t)md_elements(&row->md) : 0;
    for (size_t i = 0; i < n; ++i) {
        out_values[i] = rintf(out_values[i]);
    }
    return row->fold == FOLD_NOTHING ? JC_OK : fold(p, row, out_values);
}

static void *place_of(const program *p, const tensor *t, size_t set) {
    const buffer *b = &p->buffers[t->buffer];
    return b->role == TENSOR_WEIGHT ? p->weights + set * p->set_bytes + b->offset
                                    : p->work + b->offset;
}

// One reorder outside of any pass: constants into their layout, results out of it.
static bool reorder_now(program *p, dnnl_memory_t from, dnnl_memory_t to) {
    const dnnl_memory_desc_t *from_md = NULL;
    const dnnl_memory_desc_t *to_md = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    const char *what = "a reorder of data";
    if (program_check(p, dnnl_memory_get_memory_desc(from, &from_md), what) &&
        program_check(p, dnnl_memory_get_memory_desc(to, &to_md), what) &&
        program_check(
            p, dnnl_reorder_primitive_desc_create(&pd, from_md, p->engine, to_md, p->engine, NULL),
            what) &&
        program_check(p, dnnl_primitive_create(&primitive, pd), what)) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        if (program_check(p, dnnl_primitive_execute(primitive, p->stream, 2, args), what)) {
            (void)program_check(p, dnnl_stream_wait(p->stream), what);
        }
    }
    (void)dnnl_primitive_destroy(primitive);
    (void)dnnl_primitive_desc_destroy(pd);
    return p->status == JC_OK;
}

static void fill_constant(program *p, tensor_id t, float *plain) {
    const tensor *row = &p->tensors[t];
    dnnl_memory_t from = NULL;
    if (program_constant_values(p, t, plain) != JC_OK) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    const dnnl_memory_desc_t md = md_plain(row->md.ndims, row->md.dims, dnnl_f32);
    if (row->md.data_type == dnnl_s32) { // look-ups: oneDNN has no part in them
        int32_t *values = place_of(p, row, 0);
        for (int64_t i = 0; i < md_elements(&row->md); ++i) {
            values[i] = (int32_t)plain[i];
        }
    } else if (program_check(p, dnnl_memory_create(&from, &md, p->engine, plain), "memory")) {
        (void)reorder_now(p, from, row->memories[0]);
    }
    (void)dnnl_memory_destroy(from);
    // The other sets hold the same values elsewhere.
    const size_t bytes = dnnl_memory_desc_get_size(&row->md);
    for (size_t set = 1; set < p->n_sets && row->role == TENSOR_WEIGHT; ++set) {
        memcpy(place_of(p, row, set), place_of(p, row, 0), bytes);
    }
}

// --- Tying memory to tensors and instructions ------------------------------------------------

static void create_memories(program *p, tensor *t) {
    const size_t n = t->role == TENSOR_WEIGHT ? p->n_sets : 1;
    t->memories = calloc(n, sizeof *t->memories);
    if (t->memories == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    for (size_t set = 0; set < n && p->status == JC_OK; ++set) {
        (void)program_check(
            p, dnnl_memory_create(&t->memories[set], &t->md, p->engine, place_of(p, t, set)),
            "memory");
    }
}

static void tie_instruction(program *p, instruction *row) {
    const size_t n = p->n_sets * row->n_args;
    row->exec_args = calloc(n, sizeof *row->exec_args);
    row->data = calloc(n, sizeof *row->data);
    if (row->exec_args == NULL || row->data == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    for (size_t set = 0; set < p->n_sets; ++set) {
        for (size_t i = 0; i < row->n_args; ++i) {
            const tensor *t = &p->tensors[row->args[i].tensor];
            const size_t slot = set * row->n_args + i;
            row->exec_args[slot] = (dnnl_exec_arg_t){
                row->args[i].arg, t->memories[t->role == TENSOR_WEIGHT ? set : 0]};
            row->data[slot] = place_of(p, t, set);
        }
    }
}

static void *allocate(program *p, size_t bytes) {
    void *memory = NULL;
    enum { PAGE = 4096 };
    if (posix_memalign(&memory, PAGE, bytes == 0 ? PAGE : bytes) != 0) {
        program_fail(p, JC_ENOMEM, "out of memory for %.1f MB", (double)bytes / 1e6);
        return NULL;
    }
    return memory;
}

static void place(program *p, uint64_t *out_plain_bytes) {
    size_t work_bytes = 0;
    extend_lives(p);
    if (!memory_place(p->buffers, p->n_buffers, ALIGNMENT, &work_bytes, &p->set_bytes)) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    *out_plain_bytes = plain_bytes(p);
    const uint64_t fixed = (uint64_t)work_bytes + *out_plain_bytes;
    const uint64_t need = fixed + p->set_bytes;
    if (need > p->memory_limit_bytes) {
        program_fail(p, JC_ENOMEM, "needs %.1f MB of memory, and %.1f MB may be used",
                     (double)need / 1e6, (double)p->memory_limit_bytes / 1e6);
        return;
    }
    p->n_sets = memory_count_sets(p->reuse_bytes, p->set_bytes, p->memory_limit_bytes - fixed);
    p->work = allocate(p, work_bytes);
    p->weights = allocate(p, p->n_sets * p->set_bytes);
}

jc_status program_finish(program *p, jc_error *err) {
    uint64_t bytes = 0;
    if (p->status == JC_OK) {
        place(p, &bytes);
    }
    float *plain = p->status == JC_OK ? allocate(p, (size_t)bytes) : NULL;
    for (size_t t = 0; t < p->n_tensors && p->status == JC_OK; ++t) {
        if (buffer_is_used(&p->buffers[p->tensors[t].buffer])) {
            create_memories(p, &p->tensors[t]);
        }
    }
    for (size_t t = 0; t < p->n_tensors && p->status == JC_OK; ++t) {
        const tensor *row = &p->tensors[t];
        if (row->memories != NULL && !row->is_view &&
            (row->role == TENSOR_INPUT || row->role == TENSOR_WEIGHT)) {
            fill_constant(p, (tensor_id)t, plain);
        }
    }
    for (size_t i = 0; i < p->n_instructions && p->status == JC_OK; ++i) {
        tie_instruction(p, &p->instructions[i]);
    }
    free(plain);
    return p->status == JC_OK ? JC_OK
                              : jc_error_set(err, p->status, NULL, 0, "%s", p->error.message);
}

jc_status program_read(program *p, tensor_id t, float *out_values, jc_error *err) {
    const tensor *row = &p->tensors[t];
    const dnnl_memory_desc_t md = md_plain(row->md.ndims, row->md.dims, dnnl_f32);
    dnnl_memory_t to = NULL;
    if (program_check(p, dnnl_memory_create(&to, &md, p->engine, out_values), "memory")) {
        (void)reorder_now(p, row->memories[0], to);
    }
    (void)dnnl_memory_destroy(to);
    return p->status == JC_OK ? JC_OK
                              : jc_error_set(err, p->status, NULL, 0, "%s", p->error.message);
}

// --- Release ---------------------------------------------------------------------------------

void program_clear(program *p) {
    for (size_t i = 0; i < p->n_instructions; ++i) {
        (void)dnnl_primitive_destroy(p->instructions[i].primitive);
        free(p->instructions[i].args);
        free(p->instructions[i].exec_args);
        free(p->instructions[i].data);
    }
    for (size_t i = 0; i < p->n_tensors; ++i) {
        const size_t n = p->tensors[i].role == TENSOR_WEIGHT ? p->n_sets : 1;
        for (size_t set = 0; set < n && p->tensors[i].memories != NULL; ++set) {
            (void)dnnl_memory_destroy(p->tensors[i].memories[set]);
        }
        free(p->tensors[i].memories);
    }
    free(p->instructions);
    free(p->tensors);
    free(p->buffers);
    free(p->outputs);
    free(p->work);
    free(p->weights);
    *p = (program){0};
}
