// SPDX-License-Identifier: Apache-2.0
// Kernels priced before: a hash table with linear probing, emptied when it is full.
#include "source.h"

#include <stdlib.h>
#include <string.h>

// The table begins small, for one network, and doubles up to a size that holds the distinct kernels
// of some thousand networks (12 MiB); a search that goes on for ever then begins anew.
enum { FIRST_SLOTS = 256, MOST_SLOTS = 1 << 16 };

typedef struct memo_slot {
    bool used;
    jc_kernel kernel;
    jc_prediction prediction;
} memo_slot;

struct jc_memo {
    const jc_profile *profile;
    bool prices_reuse;
    memo_slot *slots; ///< [n_slots], a power of two
    size_t n_slots;
    size_t n_used; ///< at most half of the slots
};

jc_status jc_memo_create(const jc_profile *profile, jc_memo **out_memo) {
    jc_memo *memo = calloc(1, sizeof *memo);
    memo_slot *slots = calloc(FIRST_SLOTS, sizeof *slots);
    if (memo == NULL || slots == NULL) {
        free(memo);
        free(slots);
        return JC_ENOMEM;
    }
    *memo = (jc_memo){.profile = profile,
                      .prices_reuse = jc_profile_prices_reuse(profile),
                      .slots = slots,
                      .n_slots = FIRST_SLOTS};
    *out_memo = memo;
    return JC_OK;
}

void jc_memo_free(jc_memo *memo) {
    if (memo != NULL) {
        free(memo->slots);
        free(memo);
    }
}

const jc_profile *jc_memo_profile(const jc_memo *memo) {
    return memo->profile;
}

bool memo_prices_reuse(const jc_memo *memo) {
    return memo->prices_reuse;
}

// The slot of a kernel, or the free slot where it belongs.
static memo_slot *find_slot(memo_slot *slots, size_t n_slots, const jc_kernel *kernel) {
    size_t i = (size_t)jc_kernel_hash(kernel) & (n_slots - 1);
    while (slots[i].used && !jc_kernel_equal(&slots[i].kernel, kernel)) {
        i = (i + 1) & (n_slots - 1);
    }
    return &slots[i];
}

// Make room: a table twice as large, or, at the largest (or out of memory), an empty one.
static void make_room(jc_memo *memo) {
    const size_t n_slots = 2 * memo->n_slots;
    memo_slot *slots = n_slots > MOST_SLOTS ? NULL : calloc(n_slots, sizeof *slots);
    if (slots == NULL) {
        memset(memo->slots, 0, memo->n_slots * sizeof *memo->slots);
        memo->n_used = 0;
        return;
    }
    for (size_t i = 0; i < memo->n_slots; ++i) {
        if (memo->slots[i].used) {
            *find_slot(slots, n_slots, &memo->slots[i].kernel) = memo->slots[i];
        }
    }
    free(memo->slots);
    memo->slots = slots;
    memo->n_slots = n_slots;
}

void jc_memo_predict(jc_memo *memo, const jc_kernel *kernel, jc_prediction *out_prediction) {
    memo_slot *slot = find_slot(memo->slots, memo->n_slots, kernel);
    if (!slot->used) {
        if (2 * (memo->n_used + 1) > memo->n_slots) {
            make_room(memo);
            slot = find_slot(memo->slots, memo->n_slots, kernel);
        }
        slot->used = true;
        slot->kernel = *kernel;
        jc_profile_predict(memo->profile, kernel, &slot->prediction);
        memo->n_used++;
    }
    *out_prediction = slot->prediction;
}
