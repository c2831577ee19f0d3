// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

#include "runtime/exec/shared/random.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 256, BLOCKS_OF_A_MULTIPROCESSOR = 32, WIDEST_ACCESS = 16 };

/** State of an instruction. */
typedef struct launch {
    cudaKernel_t function;
    kernel_args args;
    unsigned blocks;
    size_t n_inputs;
} launch;

// --- Launching -------------------------------------------------------------------------------

static jc_status start(const gpu *g, const launch *l, kernel_args *args, jc_error *err) {
    void *all[] = {args};
    const dim3 grid = {l->blocks, 1, 1};
    const dim3 block = {THREADS, 1, 1};
    const void *function = (const void *)l->function; // CUDA takes either through this pointer
    return gpu_check(cudaLaunchKernel(function, grid, block, all, 0, g->stream), "a kernel", err);
}

static jc_status run(cu_program *p, void *state, void *const *data, jc_error *err) {
    const launch *l = state;
    kernel_args args = l->args;
    for (size_t i = 0; i < l->n_inputs; ++i) {
        args.p[i] = data[i];
    }
    args.p[KERNEL_RESULT] = data[l->n_inputs];
    return start(p->gpu, l, &args, err);
}

// Every thread goes on with what is left, so that no grid is too large.
static unsigned count_blocks(const gpu *g, int64_t work, bool by_block) {
    const int64_t most = (int64_t)g->n_multiprocessors * BLOCKS_OF_A_MULTIPROCESSOR;
    const int64_t blocks = by_block ? work : (work + THREADS - 1) / THREADS;
    return (unsigned)(blocks < most ? blocks : most);
}

// --- Putting together ------------------------------------------------------------------------

void kernel_define(kernel_plan *k, const char *format, ...) {
    if (k->n_options < MOST_KERNEL_OPTIONS) {
        char *text = k->options[k->n_options++];
        va_list args;
        memcpy(text, "-D", 2);
        va_start(args, format);
        (void)vsnprintf(text + 2, KERNEL_OPTION_SIZE - 2, format, args);
        va_end(args);
    }
}

// Whether all offsets of a tensor are below 2^31.
static bool is_short(const layout *l) {
    return layout_bytes(l) / cu_type_bytes(l->type) < INT_MAX;
}

kernel_plan kernel_begin(const cu_program *p, const char *name, size_t n_inputs,
                         const tensor_id *inputs, tensor_id result) {
    kernel_plan k = {.name = name, .n_inputs = n_inputs, .result = result};
    bool all_short = is_short(cu_md(p, result));
    for (size_t i = 0; i < n_inputs; ++i) {
        const layout *md = cu_md(p, inputs[i]);
        k.inputs[i] = inputs[i];
        all_short = all_short && is_short(md);
        kernel_define(&k, "X%zu=%s", i, cu_type_name(md->type));
    }
    kernel_define(&k, "Y=%s", cu_type_name(cu_md(p, result)->type));
    kernel_define(&k, "INDEX=%s", all_short ? "unsigned" : "long long");
    kernel_define(&k, "BLOCK=%d", THREADS);
    return k;
}

kernel_plan kernel_begin_image(const cu_program *p, const char *name, tensor_id input,
                               tensor_id result) {
    kernel_plan k = kernel_begin(p, name, 1, &input, result);
    const layout *x = cu_md(p, input);
    const layout *y = cu_md(p, result);
    k.work = layout_elements(y);
    k.args.n[0] = k.work;
    for (int axis = 0; axis < 4; ++axis) {
        k.args.n[1 + axis] = y->dim[axis];
        k.args.n[5 + axis] = y->stride[axis];
        k.args.n[9 + axis] = x->stride[axis];
    }
    k.args.n[13] = x->dim[2];
    k.args.n[14] = x->dim[3];
    return k;
}

static jc_status find(gpu *g, const kernel_plan *k, cudaKernel_t *out_function, jc_error *err) {
    const char *options[MOST_KERNEL_OPTIONS + 1] = {NULL};
    for (size_t i = 0; i < k->n_options; ++i) {
        options[i] = k->options[i];
    }
    return gpu_find_kernel(g, k->name, options, out_function, err);
}

void kernel_add(cu_program *p, kernel_plan *k) {
    jc_error err;
    launch l = {.args = k->args,
                .blocks = count_blocks(p->gpu, k->work, k->by_block),
                .n_inputs = k->n_inputs};
    if (p->status != JC_OK || !cu_ok(p, find(p->gpu, k, &l.function, &err), &err)) {
        return;
    }
    launch *state = malloc(sizeof *state);
    if (state == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return;
    }
    *state = l;
    tensor_id args[MOST_OPERANDS + 1];
    memcpy(args, k->inputs, k->n_inputs * sizeof *args);
    args[k->n_inputs] = k->result;
    cu_add(p, &(cu_instruction){.run = run, .state = state, .release = free}, k->n_inputs + 1,
           args);
}

// --- Elementwise -----------------------------------------------------------------------------

// An operand with axes of size 1 in front, where it has fewer than the result.
static layout widened(const layout *l, int rank) {
    layout w = *l;
    const int added = rank - l->rank;
    for (int i = rank - 1; i >= 0; --i) {
        w.dim[i] = i < added ? 1 : l->dim[i - added];
        w.stride[i] = i < added ? 0 : l->stride[i - added];
    }
    w.rank = rank;
    return w;
}

static bool is_aligned(const layout *l, int64_t pack) {
    return l->offset % pack == 0;
}

// Elements that are moved at once: as many as one access holds and as divide all.
static int choose_pack(const cu_program *p, const kernel_plan *k, const bool *is_full) {
    const layout *result = cu_md(p, k->result);
    int pack = WIDEST_ACCESS / (int)cu_type_bytes(result->type);
    for (;; pack /= 2) {
        bool fits = pack == 1 || (layout_elements(result) % pack == 0 && is_aligned(result, pack));
        for (size_t i = 0; i < k->n_inputs && pack > 1; ++i) {
            fits = fits && (!is_full[i] || is_aligned(cu_md(p, k->inputs[i]), pack));
        }
        if (fits) {
            return pack;
        }
    }
}

// How the map's indices lie within a pack; see kernels.cu.
static int classify_map(const layout_map *map, int pack) {
    return map->inner % pack == 0 ? 1 : map->inner == 1 && map->period % pack == 0 ? 2 : 0;
}

static bool same_map(const layout_map *a, const layout_map *b) {
    return a->outer_div == b->outer_div && a->outer_mul == b->outer_mul && a->inner == b->inner &&
           a->period == b->period;
}

// True if all operands are either as wide as the result or follow one map.
static bool plan_operands(const cu_program *p, const kernel_plan *k, bool *out_is_full,
                          layout_map *out_map) {
    const layout *result = cu_md(p, k->result);
    bool has_map = false;
    *out_map = (layout_map){1, 1, 1, 1};
    if (!layout_is_dense(result)) {
        return false;
    }
    for (size_t i = 0; i < k->n_inputs; ++i) {
        const layout operand = widened(cu_md(p, k->inputs[i]), result->rank);
        layout_map map;
        out_is_full[i] = layout_lies_like(result, &operand);
        if (out_is_full[i]) {
            continue;
        }
        if (!layout_broadcast_map(result, &operand, &map) ||
            (has_map && !same_map(&map, out_map))) {
            return false;
        }
        has_map = true;
        *out_map = map;
    }
    return true;
}

static void add_dense(cu_program *p, kernel_plan *k, const char *body, const bool *is_full,
                      const layout_map *map) {
    const int pack = choose_pack(p, k, is_full);
    const int64_t elements = layout_elements(cu_md(p, k->result));
    kernel_define(k, "N=%zu", k->n_inputs);
    kernel_define(k, "PACK=%d", pack);
    kernel_define(k, "MAP=%d", classify_map(map, pack));
    kernel_define(k, "BODY=%s", body);
    for (size_t i = 0; i < k->n_inputs; ++i) {
        kernel_define(k, "FULL%zu=%d", i, is_full[i] ? 1 : 0);
    }
    k->args.n[0] = elements;
    k->args.n[1] = map->outer_div;
    k->args.n[2] = map->outer_mul;
    k->args.n[3] = map->inner;
    k->args.n[4] = map->period;
    k->work = elements / pack;
    kernel_add(p, k);
}

// Sizes or strides of six axes, the last ones at the end.
static void put_axes(long long *out, const int64_t *values, int rank, int64_t otherwise) {
    for (int i = 0; i < JC_MAX_RANK; ++i) {
        const int axis = i - (JC_MAX_RANK - rank);
        out[i] = axis < 0 ? otherwise : values[axis];
    }
}

static void add_strided(cu_program *p, kernel_plan *k, const char *body) {
    const layout *result = cu_md(p, k->result);
    k->name = "strided";
    k->args.n[0] = layout_elements(result);
    put_axes(&k->args.n[1], result->dim, result->rank, 1);
    put_axes(&k->args.n[7], result->stride, result->rank, 0);
    for (size_t i = 0; i < 2; ++i) {
        layout operand = widened(cu_md(p, k->inputs[i < k->n_inputs ? i : 0]), result->rank);
        for (int axis = 0; axis < operand.rank; ++axis) {
            operand.stride[axis] = operand.dim[axis] == 1 ? 0 : operand.stride[axis];
        }
        put_axes(&k->args.n[13 + 6 * i], operand.stride, operand.rank, 0);
    }
    if (k->n_inputs == 1) { // the kernel reads two in any case
        kernel_define(k, "X1=%s", cu_type_name(cu_md(p, k->inputs[0])->type));
        k->inputs[k->n_inputs++] = k->inputs[0];
    }
    kernel_define(k, "BODY=%s", body);
    k->work = k->args.n[0];
    kernel_add(p, k);
}

void kernel_add_elementwise(cu_program *p, const char *body, size_t n, const tensor_id *operands,
                            tensor_id result, const float reals[2]) {
    bool is_full[MOST_OPERANDS] = {false};
    layout_map map;
    if (p->status != JC_OK) {
        return;
    }
    kernel_plan k = kernel_begin(p, "elementwise", n, operands, result);
    k.args.f[0] = reals[0];
    k.args.f[1] = reals[1];
    if (plan_operands(p, &k, is_full, &map)) {
        add_dense(p, &k, body, is_full, &map);
    } else if (n <= 2) {
        add_strided(p, &k, body);
    } else {
        cu_fail(p, JC_EUNSUPPORTED, "executor cudnn combines no %zu tensors that lie like these",
                n);
    }
}

// --- Random data -----------------------------------------------------------------------------

// A whole number as kernels take it.
static long long as_number(uint64_t value) {
    long long number;
    memcpy(&number, &value, sizeof number);
    return number;
}

static void put_range(const cu_tensor *t, float *out) {
    out[0] = (float)t->low;
    out[1] = random_step(t->low, t->high);
}

jc_status kernel_fill(cu_program *p, tensor_id t, size_t set, jc_error *err) {
    const cu_tensor *row = &p->tensors[t];
    kernel_plan k = kernel_begin(p, "fill", 0, NULL, t);
    kernel_define(&k, "FOLD=%d", (int)row->fold);
    k.args.n[0] = layout_elements(&row->md);
    put_axes(&k.args.n[1], row->md.dim, row->md.rank, 1);
    put_axes(&k.args.n[7], row->md.stride, row->md.rank, 0);
    k.args.n[13] = as_number(random_state(p->seed, t));
    put_range(row, &k.args.f[0]);
    if (row->fold != FOLD_NOTHING) {
        const tensor_id norm[NORM_VALUES] = {row->norm.mean, row->norm.variance, row->norm.scale,
                                             row->norm.shift};
        k.args.f[2] = (float)row->norm.eps;
        for (int i = 0; i < NORM_VALUES; ++i) {
            k.args.n[14 + i] = as_number(random_state(p->seed, norm[i]));
            put_range(&p->tensors[norm[i]], &k.args.f[3 + 2 * i]);
        }
        k.args.n[18] = k.args.n[0] / layout_elements(&p->tensors[norm[0]].md);
    }
    launch l = {.blocks = count_blocks(p->gpu, k.args.n[0], false)};
    const jc_status status = find(p->gpu, &k, &l.function, err);
    if (status != JC_OK) {
        return status;
    }
    k.args.p[KERNEL_RESULT] = cu_place(p, row, set);
    return start(p->gpu, &l, &k.args, err);
}
