// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <stdlib.h>

// Copies of tiny weights: so many of them are in no first-level cache any more.
enum { MOST_SETS = 4096 };

buffer buffer_unused(tensor_role role) {
    return (buffer){.role = role, .first = UINT32_MAX};
}

bool buffer_is_used(const buffer *b) {
    return b->first <= b->last;
}

void buffer_use(buffer *b, uint32_t instruction, size_t bytes) {
    b->first = instruction < b->first ? instruction : b->first;
    b->last = instruction > b->last ? instruction : b->last;
    b->bytes = bytes > b->bytes ? bytes : b->bytes;
}

void buffer_keep(buffer *b) {
    b->last = UINT32_MAX - 1;
}

static size_t round_up(size_t bytes, size_t alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
}

typedef struct placement {
    const buffer *b;
    size_t index;
} placement;

// Larger ones first; then as they were made, so that the order does not depend on qsort.
static int compare_sizes(const void *left, const void *right) {
    const placement *a = left;
    const placement *b = right;
    if (a->b->bytes != b->b->bytes) {
        return a->b->bytes > b->b->bytes ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

// Lowest place where a buffer meets none of those placed already that live at the same time.
static size_t lowest_offset(const placement *placed, size_t n, const buffer *b, size_t alignment) {
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n; ++i) {
            const buffer *other = placed[i].b;
            const size_t end = other->offset + round_up(other->bytes, alignment);
            const bool together = other->first <= b->last && b->first <= other->last;
            if (together && offset < end && other->offset < offset + b->bytes) {
                offset = end;
                moved = true;
            }
        }
    }
    return offset;
}

// Greedy by size; source: Pisarchyk and Lee, "Efficient memory management for deep neural net
// inference", 2020. Returns the bytes of it all.
static size_t place_work(buffer *buffers, size_t n_buffers, size_t alignment, placement *order) {
    size_t n = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < n_buffers; ++i) {
        if (buffer_is_used(&buffers[i]) && buffers[i].role != TENSOR_WEIGHT) {
            order[n++] = (placement){&buffers[i], i};
        }
    }
    qsort(order, n, sizeof *order, compare_sizes);
    for (size_t i = 0; i < n; ++i) {
        buffer *b = &buffers[order[i].index];
        b->offset = lowest_offset(order, i, b, alignment);
        const size_t end = b->offset + round_up(b->bytes, alignment);
        bytes = end > bytes ? end : bytes;
    }
    return bytes;
}

bool memory_place(buffer *buffers, size_t n, size_t alignment, size_t *out_work_bytes,
                  size_t *out_set_bytes) {
    placement *order = calloc(n + 1, sizeof *order);
    if (order == NULL) {
        return false;
    }
    size_t set_bytes = 0;
    for (size_t i = 0; i < n; ++i) {
        buffer *b = &buffers[i];
        if (b->role == TENSOR_INPUT && b->first != UINT32_MAX) {
            b->first = 0;
            buffer_keep(b);
        } else if (b->role == TENSOR_WEIGHT && buffer_is_used(b)) {
            b->offset = set_bytes;
            set_bytes += round_up(b->bytes, alignment);
        }
    }
    *out_work_bytes = place_work(buffers, n, alignment, order);
    *out_set_bytes = set_bytes;
    free(order);
    return true;
}

uint64_t memory_reuse(const jc_kernel *kernel, jc_weight_state weights, uint64_t cache_bytes) {
    if (kernel->reuse_bytes > 0) {
        return (uint64_t)kernel->reuse_bytes;
    }
    return weights == JC_WEIGHTS_WARM ? 0 : cache_bytes + cache_bytes / 4;
}

size_t memory_count_sets(uint64_t reuse_bytes, size_t set_bytes, uint64_t room_bytes) {
    if (set_bytes == 0 || reuse_bytes == 0) {
        return 1;
    }
    uint64_t sets = 1 + (reuse_bytes - 1) / set_bytes;
    sets = sets < MOST_SETS ? sets : MOST_SETS;
    const uint64_t fit = room_bytes / set_bytes;
    sets = sets < fit ? sets : fit;
    return sets > 1 ? (size_t)sets : 1;
}
