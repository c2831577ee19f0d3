// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include "runtime/exec/onednn/program.h"

#include <criterion/criterion.h>

const jc_executor *harness_executor(void) {
    return jc_executor_find("onednn");
}

const char *harness_layout(void) {
    return NULL; // the library's own
}

float *harness_constant(const harness *h, tensor_id t) {
    const program *p = &h->task->program;
    float *values = calloc((size_t)md_elements(&p->tensors[t].md), sizeof *values);
    cr_assert_eq(program_constant_values(p, t, values), JC_OK);
    return values;
}

float *harness_next_constant(const harness *h, tensor_id *next) {
    const program *p = &h->task->program;
    while (p->tensors[*next].is_view || p->tensors[*next].role > TENSOR_WEIGHT) {
        ++*next;
        cr_assert_lt(*next, p->n_tensors);
    }
    const tensor_fold fold = p->tensors[*next].fold;
    p->tensors[*next].fold = FOLD_NOTHING;
    float *values = harness_constant(h, *next);
    p->tensors[*next].fold = fold;
    ++*next;
    return values;
}

float *harness_output(harness *h, size_t output, size_t *out_n) {
    program *p = &h->task->program;
    *out_n = (size_t)md_elements(program_md(p, p->outputs[output]));
    float *values = calloc(*out_n, sizeof *values);
    cr_assert_eq(program_read(p, p->outputs[output], values, &h->err), JC_OK, "%s", h->err.message);
    return values;
}

size_t harness_n_instructions(const harness *h) {
    return h->task->program.n_instructions;
}
