// SPDX-License-Identifier: Apache-2.0
// Regimes by rule: powers of two of bytes and channels, strides, windows, padding, groups.
#include "regimes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Share of the rows that must lie on either side.
static const double SMALLEST_SIDE = 0.05;

enum { MOST_GATES = 256, MOST_TERMS = MODEL_MAX_TERMS };

typedef struct gate {
    int quantity;
    double at;
    model_gate gate;
} gate;

typedef struct gate_list {
    const backbone_rows *rows;
    gate gates[MOST_GATES];
    size_t n;
    bool *patterns; ///< [MOST_GATES x rows]: where each gate from the list lets through
} gate_list;

static bool opens(const backbone_rows *rows, size_t i, const gate *g) {
    const double q = rows->q[i * JC_QUANTITY_COUNT + (size_t)g->quantity];
    return (q >= g->at) == (g->gate == MODEL_GATE_FROM);
}

// Add a gate unless it lets through too few or too many rows, or just those of another gate.
static void offer(gate_list *l, int quantity, double at, model_gate kind) {
    const gate g = {quantity, at, kind};
    if (l->n == MOST_GATES) {
        return;
    }
    bool *pattern = l->patterns + l->n * l->rows->n;
    size_t open = 0;
    for (size_t i = 0; i < l->rows->n; ++i) {
        pattern[i] = opens(l->rows, i, &g);
        open += pattern[i] ? 1 : 0;
    }
    const double share = (double)open / (double)l->rows->n;
    if (share < SMALLEST_SIDE || share > 1 - SMALLEST_SIDE) {
        return;
    }
    for (size_t k = 0; k < l->n; ++k) {
        if (memcmp(l->patterns + k * l->rows->n, pattern, l->rows->n) == 0) {
            return;
        }
    }
    l->gates[l->n++] = g;
}

static void offer_both(gate_list *l, int quantity, double at) {
    offer(l, quantity, at, MODEL_GATE_FROM);
    offer(l, quantity, at, MODEL_GATE_BELOW);
}

// Bytes outgrow caches: upward only, so that a larger layer never costs less for it.
static void offer_bytes(gate_list *l) {
    static const int bytes[] = {JC_QUANTITY_INPUT_BYTES, JC_QUANTITY_OUTPUT_BYTES,
                                JC_QUANTITY_WEIGHT_BYTES, JC_QUANTITY_MOVED_BYTES};
    for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; ++b) {
        for (int p = 12; p <= 36; ++p) {
            offer(l, bytes[b], ldexp(1, p), MODEL_GATE_FROM);
        }
    }
}

static void offer_shapes(gate_list *l, jc_kernel_kind kind) {
    static const int channels[] = {JC_QUANTITY_GROUP_CHANNELS, JC_QUANTITY_WIDTH, JC_QUANTITY_ROWS};
    for (size_t c = 0; c < sizeof channels / sizeof channels[0]; ++c) {
        for (int p = 0; p <= 10; ++p) {
            offer_both(l, channels[c], ldexp(1, p) + 1);
        }
    }
    offer_both(l, JC_QUANTITY_STRIDE, 2);
    offer_both(l, JC_QUANTITY_GROUPS, 2);
    offer_both(l, JC_QUANTITY_OVERLAP, 1.0001); // windows that do not overlap, and those that do
    static const int edges[] = {2, 3, 4, 5, 6, 8};
    const int columns[] = {jc_quantity_find(kind, "kernel_h"), jc_quantity_find(kind, "padding_h"),
                           jc_quantity_find(kind, "dilation_h")};
    for (size_t e = 0; e < sizeof edges / sizeof edges[0] && columns[0] >= 0; ++e) {
        offer_both(l, columns[0], edges[e]);
    }
    if (columns[1] >= 0) {
        offer_both(l, columns[1], 1);
    }
    if (columns[2] >= 0) {
        offer_both(l, columns[2], 2);
    }
}

jc_status regimes_candidates(const backbone_rows *rows, jc_kernel_kind kind,
                             const model_term *cores, size_t n_cores, jc_arena *arena,
                             model_term **out_terms, size_t *out_n) {
    gate_list *l = calloc(1, sizeof *l);
    model_term *terms = jc_arena_alloc(arena, MOST_TERMS, sizeof *terms);
    bool *patterns = calloc(MOST_GATES * (rows->n + 1), sizeof *patterns);
    if (l == NULL || terms == NULL || patterns == NULL) {
        free(l);
        free(patterns);
        return JC_ENOMEM;
    }
    l->rows = rows;
    l->patterns = patterns;
    offer_shapes(l, kind);
    offer_bytes(l);
    size_t n = 0;
    for (size_t c = 0; c < n_cores && n < MOST_TERMS; ++c) {
        terms[n++] = cores[c];
    }
    for (size_t g = 0; g < l->n; ++g) {
        for (size_t c = 0; c < n_cores && n < MOST_TERMS; ++c) {
            terms[n] = cores[c];
            terms[n].gate = l->gates[g].gate;
            terms[n].gate_quantity = (short)l->gates[g].quantity;
            terms[n++].gate_at = l->gates[g].at;
        }
    }
    free(patterns);
    free(l);
    *out_terms = terms;
    *out_n = n;
    return JC_OK;
}
