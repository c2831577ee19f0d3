// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Arena: many small allocations that live and die together (a parsed document, a graph).
 *
 * Ownership: whatever is allocated from an arena lives until jc_arena_clear of that arena.
 * An arena is used by one thread at a time.
 */
#ifndef JC_COMMON_ARENA_H
#define JC_COMMON_ARENA_H

#include <stddef.h>

typedef struct jc_arena {
    struct jc_arena_block *blocks; ///< newest first
    size_t used_bytes;             ///< in the newest block
} jc_arena;                        ///< safe at {0}

/** `count` objects of `size` bytes, zeroed, aligned for any type; NULL if out of memory or
 * overflow. */
void *jc_arena_alloc(jc_arena *arena, size_t count, size_t size);

/** As jc_arena_alloc, but not zeroed: for what is written at once. */
void *jc_arena_take(jc_arena *arena, size_t count, size_t size);

/** Terminated copy of `length` bytes; NULL if out of memory. */
char *jc_arena_copy_text(jc_arena *arena, const char *text, size_t length);

/**
 * Room for one more element in a growing array that lives in the arena.
 *
 * An array that is NULL is given `*capacity` elements (16 if that is 0). Later the capacity doubles
 * whenever `n == *capacity`; the old storage stays in the arena until it is
 * cleared (so growth costs at most twice the final size).
 *
 * @return the array, moved or not; NULL if out of memory (the old array stays valid).
 */
void *jc_arena_grow(jc_arena *arena, void *array, size_t n, size_t *capacity, size_t size);

/** Forget all allocations but keep the newest block for reuse (a loop over many files). */
void jc_arena_reset(jc_arena *arena);

/** Free everything; the arena may be used again. */
void jc_arena_clear(jc_arena *arena);

#endif
