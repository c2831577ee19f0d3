// SPDX-License-Identifier: Apache-2.0
// Bump allocation in blocks of growing size.
#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 16 * 1024, LARGEST_BLOCK_BYTES = 1024 * 1024 };

struct jc_arena_block {
    struct jc_arena_block *older;
    size_t size_bytes;
    alignas(max_align_t) unsigned char data[];
};

static struct jc_arena_block *add_block(jc_arena *arena, size_t at_least_bytes) {
    size_t size = FIRST_BLOCK_BYTES;
    if (arena->blocks != NULL && arena->blocks->size_bytes < LARGEST_BLOCK_BYTES) {
        size = 2 * arena->blocks->size_bytes;
    } else if (arena->blocks != NULL) {
        size = LARGEST_BLOCK_BYTES;
    }
    if (size < at_least_bytes) {
        size = at_least_bytes;
    }
    if (size > SIZE_MAX - sizeof(struct jc_arena_block)) {
        return NULL;
    }
    struct jc_arena_block *block = malloc(sizeof *block + size);
    if (block == NULL) {
        return NULL;
    }
    block->older = arena->blocks;
    block->size_bytes = size;
    arena->blocks = block;
    arena->used_bytes = 0;
    return block;
}

// Bytes from the newest block, not zeroed.
static void *take(jc_arena *arena, size_t bytes) {
    const size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX - align) {
        return NULL;
    }
    bytes = (bytes + align - 1) / align * align;
    struct jc_arena_block *block = arena->blocks;
    if (block == NULL || block->size_bytes - arena->used_bytes < bytes) {
        block = add_block(arena, bytes);
        if (block == NULL) {
            return NULL;
        }
    }
    void *p = block->data + arena->used_bytes;
    arena->used_bytes += bytes;
    return p;
}

void *jc_arena_take(jc_arena *arena, size_t count, size_t size) {
    return size != 0 && count > SIZE_MAX / size ? NULL : take(arena, count * size);
}

void *jc_arena_alloc(jc_arena *arena, size_t count, size_t size) {
    void *p = jc_arena_take(arena, count, size);
    if (p != NULL) {
        memset(p, 0, count * size);
    }
    return p;
}

char *jc_arena_copy_text(jc_arena *arena, const char *text, size_t length) {
    if (length == SIZE_MAX) {
        return NULL;
    }
    char *copy = take(arena, length + 1);
    if (copy != NULL) {
        if (length > 0) { // else text may be NULL
            memcpy(copy, text, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

void *jc_arena_grow(jc_arena *arena, void *array, size_t n, size_t *capacity, size_t size) {
    enum { USUAL_FIRST_CAPACITY = 16 };
    if (array != NULL && n < *capacity) {
        return array;
    }
    size_t grown = array == NULL ? *capacity : 2 * *capacity;
    grown = grown == 0 ? USUAL_FIRST_CAPACITY : grown;
    if (grown < *capacity || grown > SIZE_MAX / size) {
        return NULL;
    }
    void *moved = take(arena, grown * size);
    if (moved == NULL) {
        return NULL;
    }
    if (n > 0) {
        memcpy(moved, array, n * size);
    }
    *capacity = grown;
    return moved;
}

static void free_blocks(struct jc_arena_block *block) {
    while (block != NULL) {
        struct jc_arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void jc_arena_reset(jc_arena *arena) {
    if (arena->blocks != NULL) {
        free_blocks(arena->blocks->older);
        arena->blocks->older = NULL;
    }
    arena->used_bytes = 0;
}

void jc_arena_clear(jc_arena *arena) {
    free_blocks(arena->blocks);
    *arena = (jc_arena){0};
}
