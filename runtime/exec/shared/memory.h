// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to runtime/exec: where the tensors of a program lie. Sizes are planned before anything is
 * allocated, so that too much is refused instead of tried.
 */
#ifndef JC_EXEC_SHARED_MEMORY_H
#define JC_EXEC_SHARED_MEMORY_H

#include <joulecast/executor.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tensor_role {
    TENSOR_INPUT,      ///< written once before the first pass, then only read
    TENSOR_WEIGHT,     ///< the same, but of each there are several copies that take turns
    TENSOR_ACTIVATION, ///< written by an instruction
    TENSOR_SCRATCH,    ///< used inside one instruction
} tensor_role;

/** A piece of memory that one or more tensors (views of each other) lie in. */
typedef struct buffer {
    tensor_role role;
    size_t bytes;
    uint32_t first, last; ///< instructions between which it is in use; first > last = never
    size_t offset;        ///< in the memory of its role: weights, or all else
} buffer;

/** A buffer that is not used yet. */
buffer buffer_unused(tensor_role role);

bool buffer_is_used(const buffer *b);

/** Extend a buffer's life to an instruction, and its size to so many bytes. */
void buffer_use(buffer *b, uint32_t instruction, size_t bytes);

/** Let a buffer live to the end: what is in it is read afterwards. */
void buffer_keep(buffer *b);

/**
 * Place all buffers that are used: weights one after the other, the rest such that those that live
 * at the same time do not meet. Inputs live from the beginning to the end.
 *
 * @param out_work_bytes  of all but weights
 * @param out_set_bytes   of one copy of the weights
 * @return                false if out of memory
 */
bool memory_place(buffer *buffers, size_t n, size_t alignment, size_t *out_work_bytes,
                  size_t *out_set_bytes);

/** Bytes of weights that shall be used between two uses of one: what the kernel says, else more
 * than the last cache holds where weights are to be cold, and 0 where they are to be warm. */
uint64_t memory_reuse(const jc_kernel *kernel, jc_weight_state weights, uint64_t cache_bytes);

/** Copies of the weights that are so many bytes together; at least 1, at most what there is room
 *  for. */
size_t memory_count_sets(uint64_t reuse_bytes, size_t set_bytes, uint64_t room_bytes);

#endif
