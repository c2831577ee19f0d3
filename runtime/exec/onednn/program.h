// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec/onednn: programs, what a task of this executor is.
 *
 * A program is a list of instructions over tensors. It is built first (primitives created, layouts
 * chosen, nothing allocated), so that its need of memory is known before any is taken; then it is
 * finished (memory placed, constants filled and brought into their layouts) and run any number of
 * times.
 *
 * While it is built, the first failure is kept in the program and everything after it does nothing;
 * builders need not check each step, and program_finish reports it.
 *
 * Written against version 2 of oneDNN's interface (operation descriptors, transparent memory
 * descriptors). Version 3 has neither; what differs is confined to this folder.
 */
#ifndef JC_EXEC_ONEDNN_PROGRAM_H
#define JC_EXEC_ONEDNN_PROGRAM_H

#include "runtime/exec/shared/memory.h"
#include "runtime/exec/shared/norm.h"

#include <joulecast/executor.h>

#include <oneapi/dnnl/dnnl.h>

typedef struct tensor {
    tensor_role role;
    bool is_view;  ///< of another tensor, which is the one that is filled
    bool laid_out; ///< false: md tells sizes and type alone, the first user chooses the layout
    dnnl_memory_desc_t md;
    uint32_t buffer;
    double low, high; ///< a constant's random values lie between these
    tensor_fold fold;
    norm_values norm;        ///< of `fold`
    double rms;              ///< int8 only: about the root mean square of the values, for scaling
    dnnl_memory_t *memories; ///< [n_sets of its role], once finished; NULL where nothing uses it
} tensor;

enum { INSTRUCTION_MAX_SIZES = 4 };

/** Plain code of an instruction. @param data [n_args] in the order of the arguments. */
typedef void (*plain_function)(const int64_t *sizes, void *const *data);

typedef struct instruction_arg {
    int arg; ///< DNNL_ARG_…
    tensor_id tensor;
} instruction_arg;

typedef struct instruction {
    dnnl_primitive_t primitive; ///< NULL: plain code
    plain_function plain;
    int64_t sizes[INSTRUCTION_MAX_SIZES]; ///< of plain code
    size_t n_args;
    instruction_arg *args;      ///< [n_args]
    dnnl_exec_arg_t *exec_args; ///< [n_sets x n_args], primitives; once finished
    void **data;                ///< [n_sets x n_args], plain code; once finished
} instruction;

typedef struct program {
    dnnl_engine_t engine; ///< borrowed
    dnnl_stream_t stream; ///< borrowed
    int threads;
    uint64_t seed;
    uint64_t memory_limit_bytes;
    jc_precision precision;
    uint64_t reuse_bytes; ///< of weights that are used between two uses of one

    tensor *tensors;
    size_t n_tensors, tensor_capacity;
    buffer *buffers;
    size_t n_buffers, buffer_capacity;
    instruction *instructions;
    size_t n_instructions, instruction_capacity;
    tensor_id *outputs; ///< what the program computes
    size_t n_outputs, output_capacity;

    size_t n_sets; ///< copies of the weights
    size_t set_bytes;
    unsigned char *work;    ///< inputs, activations, scratch
    unsigned char *weights; ///< [n_sets x set_bytes]
    size_t next_set;

    jc_status status; ///< the first failure while building
    jc_error error;
} program;

struct jc_task {
    program program;
};

// --- Building (program.c) --------------------------------------------------------------------

/** Keep a failure, unless there is one already. */
void program_fail(program *p, jc_status status, const char *format, ...) JC_PRINTF(3, 4);

/** Keep a failure of oneDNN; true if there is none, now or before. @param what is called "what". */
bool program_check(program *p, dnnl_status_t status, const char *what);

/** A constant of the given sizes, uniform between low and high, its layout left to its first user.
 *  @param role  TENSOR_INPUT or TENSOR_WEIGHT */
tensor_id program_constant(program *p, tensor_role role, dnnl_data_type_t type, int rank,
                           const int64_t *dims, double low, double high);

/** A new tensor that an instruction will write. */
tensor_id program_result(program *p, const dnnl_memory_desc_t *md);

/** A tensor in the memory of another one. */
tensor_id program_alias(program *p, tensor_id t, const dnnl_memory_desc_t *md);

/** The tensor in this layout: itself, a constant laid out so, or reordered by an instruction. */
tensor_id program_as(program *p, tensor_id t, const dnnl_memory_desc_t *md);

/** The tensor times a factor in another type, its layout kept. */
tensor_id program_convert(program *p, tensor_id t, dnnl_data_type_t type, double scale);

/** The tensor written anew, as it is. */
tensor_id program_copy(program *p, tensor_id t);

/** The tensor in plain (row-major) layout. */
tensor_id program_plain(program *p, tensor_id t);

/** The tensor, copied to plain layout if it is a part of another one. */
tensor_id program_dense(program *p, tensor_id t);

/** The tensor's values seen in another shape of the same number of elements; plain. */
tensor_id program_reshape(program *p, tensor_id t, int rank, const int64_t *dims);

/** The tensor with the usual strides along axes of size 1, if it lies in row-major order. */
tensor_id program_settle(program *p, tensor_id t);

/** Give a constant whose layout is open a layout; others keep theirs. */
void program_lay_out(program *p, tensor_id t, const dnnl_memory_desc_t *md);

/** Sizes, type and layout of a tensor; layout "any" where it is still open. The pointer holds until
 *  the next tensor is made. */
const dnnl_memory_desc_t *program_md(const program *p, tensor_id t);

/**
 * Describe a primitive.
 *
 * @param post_ops  NULL for none; borrowed.
 * @param scale     factor of the result before post-ops (int8); 1 = none.
 * @return          NULL after a failure; else the caller passes it to program_add, which frees it.
 */
dnnl_primitive_desc_t program_describe(program *p, const_dnnl_op_desc_t op_desc,
                                       const_dnnl_post_ops_t post_ops, double scale,
                                       const char *what);

/** A memory descriptor that a primitive asks for; a zero one after a failure. */
dnnl_memory_desc_t program_query(program *p, const_dnnl_primitive_desc_t pd, dnnl_query_t what);

/** As program_query, for the one of several that has this index. */
dnnl_memory_desc_t program_query_at(program *p, const_dnnl_primitive_desc_t pd, dnnl_query_t what,
                                    int index);

/** Append a primitive; frees pd (NULL is allowed after a failure). Args with NO_TENSOR are left
 *  out. */
void program_add(program *p, dnnl_primitive_desc_t pd, size_t n_args, const instruction_arg *args);

/** Append plain code. */
void program_add_plain(program *p, plain_function plain, const int64_t *sizes, size_t n_args,
                       const instruction_arg *args);

/** Mark a tensor as one of the program's results: it keeps its memory to the end. */
void program_output(program *p, tensor_id t);

/** Dense row-major layout. */
dnnl_memory_desc_t md_plain(int rank, const int64_t *dims, dnnl_data_type_t type);

/** Layout left to the library. */
dnnl_memory_desc_t md_any(int rank, const int64_t *dims, dnnl_data_type_t type);

int64_t md_elements(const dnnl_memory_desc_t *md);

// --- Finishing, running (memory.c, run.c) ------------------------------------------------------

/** Place and allocate memory, fill the constants. @retval as jc_executor.prepare_kernel */
jc_status program_finish(program *p, jc_error *err);

jc_status program_run(program *p, uint64_t n, double *out_seconds, jc_error *err);

/** Release what a program holds; a program zeroed or half built is allowed. */
void program_clear(program *p);

/** Values of a constant in row-major order, before they were laid out. @retval JC_ENOMEM */
jc_status program_constant_values(const program *p, tensor_id t, float *out_values);

/** Read a tensor back, row-major, after a run. Values of another precision are converted. */
jc_status program_read(program *p, tensor_id t, float *out_values, jc_error *err);

#endif
