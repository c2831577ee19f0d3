// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include "fake_cuda/fake.h"
#include "runtime/exec/cudnn/cudnn_module.h"
#include "runtime/exec/cudnn/program.h"
#include "runtime/exec/shared/random.h"

#include <criterion/criterion.h>
#include <math.h>

const jc_executor *harness_executor(void) {
    return &joulecast_executor_cudnn;
}

const char *harness_layout(void) {
#ifdef HARNESS_LAYOUT
    return HARNESS_LAYOUT;
#else
    return NULL;
#endif
}

// Element i in row-major order, from the memory of a GPU that is none.
static double value_of(const cu_program *p, const cu_tensor *t, size_t i) {
    int64_t place = 0;
    for (int axis = t->md.rank - 1; axis >= 0; --axis) {
        place += (int64_t)(i % (size_t)t->md.dim[axis]) * t->md.stride[axis];
        i /= (size_t)t->md.dim[axis];
    }
    return fake_load(t->md.type, cu_place(p, t, 0), (size_t)place);
}

// As it is drawn, in the precision it has.
static float *drawn(const cu_program *p, tensor_id id) {
    const cu_tensor *t = &p->tensors[id];
    const size_t n = (size_t)layout_elements(&t->md);
    float *values = calloc(n, sizeof *values);
    random_uniform(p->seed, id, t->low, t->high, n, values);
    for (size_t i = 0; i < n; ++i) {
        unsigned char place[4];
        fake_store(t->md.type, place, 0, (double)values[i]);
        values[i] = (float)fake_load(t->md.type, place, 0);
    }
    return values;
}

float *harness_constant(const harness *h, tensor_id id) {
    const cu_program *p = &h->task->program;
    const cu_tensor *t = &p->tensors[id];
    float *values = drawn(p, id);
    // What is on the GPU is what was drawn, in every copy.
    for (size_t i = 0; i < (size_t)layout_elements(&t->md); ++i) {
        cr_assert_float_eq(value_of(p, t, i), (double)values[i], 1e-6, "constant %u, value %zu", id,
                           i);
    }
    return values;
}

float *harness_next_constant(const harness *h, tensor_id *next) {
    const cu_program *p = &h->task->program;
    while (p->tensors[*next].is_view || p->tensors[*next].role > TENSOR_WEIGHT) {
        ++*next;
        cr_assert_lt(*next, p->n_tensors);
    }
    return drawn(p, (*next)++);
}

float *harness_output(harness *h, size_t output, size_t *out_n) {
    const cu_program *p = &h->task->program;
    const cu_tensor *t = &p->tensors[p->outputs[output]];
    *out_n = (size_t)layout_elements(&t->md);
    float *values = calloc(*out_n, sizeof *values);
    cr_assert_str_eq(fake.fault, "");
    for (size_t i = 0; i < *out_n; ++i) {
        values[i] = (float)value_of(p, t, i);
    }
    return values;
}

size_t harness_n_instructions(const harness *h) {
    const cu_program *p = &h->task->program;
    size_t n = 0;
    for (size_t i = 0; i < p->n_instructions; ++i) {
        const bool *is_needless = p->instructions[i].is_needless;
        n += is_needless == NULL || !*is_needless;
    }
    return n;
}
