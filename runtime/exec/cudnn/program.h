// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/cudnn: programs, what a task of this executor is.
 *
 * A program is a list of instructions over tensors. It is built first (descriptors made, algorithms
 * and work spaces chosen, nothing allocated on the GPU), so that its need of memory is known before
 * any is taken; then it is finished (memory placed, constants filled, one pass run, passes captured
 * as CUDA graphs) and run any number of times.
 *
 * While it is built, the first failure is kept in the program and everything after it does nothing;
 * builders need not check each step, and cu_finish reports it.
 */
#ifndef JC_EXEC_CUDNN_PROGRAM_H
#define JC_EXEC_CUDNN_PROGRAM_H

#include "gpu.h"
#include "layout.h"

#include "runtime/exec/shared/memory.h"
#include "runtime/exec/shared/norm.h"

#include <joulecast/executor.h>

typedef struct cu_tensor {
    tensor_role role;
    bool is_view;  ///< of another tensor, which is the one that is filled
    bool laid_out; ///< false: md tells sizes and type alone, the first user chooses the layout
    layout md;
    uint32_t buffer;
    double low, high; ///< a constant's random values lie between these
    tensor_fold fold;
    norm_values norm; ///< of `fold`
} cu_tensor;

typedef struct cu_program cu_program;

/**
 * What an instruction does, put on the program's stream.
 *
 * @param data  [n_args] where its tensors' first elements are; NULL for NO_TENSOR
 */
typedef jc_status (*cu_function)(cu_program *p, void *state, void *const *data, jc_error *err);

typedef struct cu_instruction {
    cu_function run;
    void *state; ///< of its own
    void (*release)(void *state);
    size_t n_args;
    tensor_id *args;         ///< [n_args]
    void **data;             ///< [n_sets x n_args], once finished
    const bool *is_needless; ///< NULL, or true where an earlier instruction has done it as well
} cu_instruction;

/** Passes that were captured: they follow each other without a word of this processor. */
typedef struct cu_graph {
    cudaGraphExec_t exec;
    size_t passes;
} cu_graph;

struct cu_program {
    gpu *gpu; ///< borrowed
    jc_precision precision;
    bool channels_last;   ///< the layout of images
    uint64_t reuse_bytes; ///< of weights that are used between two uses of one
    bool is_network;      ///< one graph, of one pass
    uint64_t seed;
    uint64_t memory_limit_bytes;

    cu_tensor *tensors;
    size_t n_tensors, tensor_capacity;
    buffer *buffers;
    size_t n_buffers, buffer_capacity;
    cu_instruction *instructions;
    size_t n_instructions, instruction_capacity;
    tensor_id *outputs; ///< what the program computes
    size_t n_outputs, output_capacity;

    size_t n_sets; ///< copies of the weights
    size_t set_bytes;
    size_t work_bytes;
    char *work;      ///< on the GPU: inputs, activations, scratch
    char *weights;   ///< on the GPU: [n_sets x set_bytes]
    bool is_settled; ///< the first pass has run: what it chose stays
    /// [n_graphs] first a ring, which uses all copies of the weights in turn, and goes on where the
    /// last run has left it; then graphs of 1, 2, 4, … passes, of which the rest of any number is a
    /// sum.
    cu_graph *graphs;
    size_t n_graphs, n_ring;
    size_t turn;    ///< of the ring, the next one
    size_t n_apart; ///< copies that are used between two uses of one, as in the last run

    char algorithm[64]; ///< those that a library was asked to choose, each once; "" = none

    jc_status status; ///< the first failure while building
    jc_error error;
};

struct jc_task {
    cu_program program;
};

// --- Building (program.c) --------------------------------------------------------------------

/** Keep a failure, unless there is one already. */
void cu_fail(cu_program *p, jc_status status, const char *format, ...) JC_PRINTF(3, 4);

/** Keep the failure of a call that filled err; true if there is none, now or before. */
bool cu_ok(cu_program *p, jc_status status, const jc_error *err);

/** Note an algorithm, unless it is noted already; after as many as there is room for, "...". */
void cu_note(cu_program *p, const char *algorithm);

/** A constant of the given sizes, uniform between low and high, its layout left to its first user.
 *  @param role  TENSOR_INPUT or TENSOR_WEIGHT */
tensor_id cu_constant(cu_program *p, tensor_role role, cu_type type, int rank, const int64_t *dims,
                      double low, double high);

/** A new tensor that an instruction will write. */
tensor_id cu_result(cu_program *p, const layout *md);

/** Memory used inside one instruction; NO_TENSOR if none is needed. */
tensor_id cu_scratch(cu_program *p, size_t bytes);

/** A tensor in the memory of another one. */
tensor_id cu_alias(cu_program *p, tensor_id t, const layout *md);

/** Give a constant whose layout is open a layout; others keep theirs. */
void cu_lay_out(cu_program *p, tensor_id t, const layout *md);

/** Sizes, type and layout of a tensor. The pointer holds until the next tensor is made. */
const layout *cu_md(const cu_program *p, tensor_id t);

/** Mark a tensor as one of the program's results: it keeps its memory to the end. */
void cu_output(cu_program *p, tensor_id t);

/** Append an instruction; the program owns its state from now on, and frees it after a failure. */
void cu_add(cu_program *p, const cu_instruction *row, size_t n_args, const tensor_id *args);

// --- Finishing, running (memory.c, run.c) ------------------------------------------------------

/** Place and allocate memory, fill the constants, run once, capture.
 *  @retval as jc_executor.prepare_kernel */
jc_status cu_finish(cu_program *p, jc_error *err);

jc_status cu_run(cu_program *p, uint64_t n, double *out_seconds, jc_error *err);

/** One pass with a copy of the weights, put on the stream. */
jc_status cu_pass(cu_program *p, size_t set, jc_error *err);

/** Run the first pass, and capture passes as graphs. */
jc_status cu_capture(cu_program *p, jc_error *err);

/** Where a tensor's first element is. */
void *cu_place(const cu_program *p, const cu_tensor *t, size_t set);

/** Release what a program holds; a program zeroed or half built is allowed. */
void cu_clear(cu_program *p);

#endif
