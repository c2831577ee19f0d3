// SPDX-License-Identifier: Apache-2.0
/** @file Private to runtime/exec/cudnn: instructions of the kernels in kernels.cu. */
#ifndef JC_EXEC_CUDNN_KERNELS_H
#define JC_EXEC_CUDNN_KERNELS_H

#include "program.h"

enum { MOST_OPERANDS = 5, MOST_KERNEL_OPTIONS = 32, KERNEL_OPTION_SIZE = 160 };

/** A kernel as it is put together. */
typedef struct kernel_plan {
    const char *name;
    char options[MOST_KERNEL_OPTIONS][KERNEL_OPTION_SIZE]; ///< "-D…"
    size_t n_options;
    kernel_args args;
    int64_t work;  ///< threads, or blocks where by_block
    bool by_block; ///< each block does one piece of the work
    size_t n_inputs;
    tensor_id inputs[MOST_OPERANDS];
    tensor_id result;
} kernel_plan;

/** A kernel from inputs to a result, whose types are told. `work` is to be set. */
kernel_plan kernel_begin(const cu_program *p, const char *name, size_t n_inputs,
                         const tensor_id *inputs, tensor_id result);

/** A kernel over the pixels of an image; its work is set, and numbers from IMAGE_NUMBERS on are
 *  free. */
enum { IMAGE_NUMBERS = 15 };
kernel_plan kernel_begin_image(const cu_program *p, const char *name, tensor_id input,
                               tensor_id result);

/** Define a macro of it. */
void kernel_define(kernel_plan *k, const char *format, ...) JC_PRINTF(2, 3);

/** Append it as an instruction. */
void kernel_add(cu_program *p, kernel_plan *k);

/** result[i] = body of x0, x1, … and a.f[0], a.f[1]; operands narrower than the result repeat. */
void kernel_add_elementwise(cu_program *p, const char *body, size_t n, const tensor_id *operands,
                            tensor_id result, const float reals[2]);

/** Fill a constant with its random values, now. */
jc_status kernel_fill(cu_program *p, tensor_id t, size_t set, jc_error *err);

#endif
