// SPDX-License-Identifier: Apache-2.0
// Regimes by rule: powers of two of bytes and channels, strides, windows, padding, groups.
#include "regimes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Share of the rows that must lie on either side.
static const double SMALLEST_SIDE = 0.05;

enum { MOST_GATES = 128, MOST_TERMS = 1280, MOST_CORES = 48, NONE = -1, BATCH = 0, LENGTHS = 6 };

// --- Cores -------------------------------------------------------------------------------------

// Products of loop lengths; ends with NONE.
typedef struct core {
    int length[LENGTHS];
    bool padded;  ///< also with channels rounded up
    bool leading; ///< what an algorithm is chosen for: enters regimes that trees find
} core;

#define CALL JC_QUANTITY_CALLS
#define ROWS JC_QUANTITY_ROWS
#define C    JC_QUANTITY_GROUP_CHANNELS
#define N    JC_QUANTITY_WIDTH
#define K    JC_QUANTITY_WINDOW
#define SIDE JC_WINDOW_KERNEL_H
#define IN   JC_QUANTITY_IN_ROWS
#define LINE JC_QUANTITY_LINES

// Multiply-accumulates and their parts; packing of inputs (IN·C, ROWS·K·C) and weights (K·C·N);
// writing of outputs (ROWS·N).
static const core convolution[] = {{{CALL, NONE}, false, true},
                                   {{BATCH, NONE}, false, false},
                                   {{ROWS, NONE}, false, false},
                                   {{IN, C, NONE}, true, true},
                                   {{ROWS, C, NONE}, true, false},
                                   {{ROWS, N, NONE}, true, true},
                                   {{ROWS, K, NONE}, false, false},
                                   {{ROWS, K, C, NONE}, false, false},
                                   {{ROWS, K, N, NONE}, true, false},
                                   {{ROWS, C, N, NONE}, true, false},
                                   {{ROWS, K, C, N, NONE}, true, true},
                                   {{K, C, N, NONE}, false, true},
                                   {{K, C, NONE}, false, false},
                                   {{K, N, NONE}, false, false},
                                   {{NONE}, false, false}};
// A window is reduced by lines and then across (LINE·SIDE·C), or at once (ROWS·K·C).
static const core pooling[] = {
    {{CALL, NONE}, false, true},        {{BATCH, NONE}, false, false},
    {{ROWS, NONE}, false, false},       {{IN, C, NONE}, true, true},
    {{ROWS, C, NONE}, true, true},      {{ROWS, SIDE, C, NONE}, false, false},
    {{ROWS, K, C, NONE}, true, true},   {{ROWS, K, NONE}, false, false},
    {{LINE, C, NONE}, false, false},    {{LINE, SIDE, C, NONE}, false, false},
    {{LINE, K, C, NONE}, false, false}, {{NONE}, false, false}};
static const core product[] = {
    {{CALL, NONE}, false, true}, {{ROWS, NONE}, true, false},      {{C, NONE}, true, false},
    {{N, NONE}, true, false},    {{ROWS, C, NONE}, true, true},    {{ROWS, N, NONE}, true, true},
    {{C, N, NONE}, true, true},  {{ROWS, C, N, NONE}, true, true}, {{NONE}, false, false}};
static const core elements[] = {{{CALL, NONE}, false, true},    {{BATCH, NONE}, false, false},
                                {{ROWS, NONE}, false, false},   {{N, NONE}, false, false},
                                {{ROWS, N, NONE}, false, true}, {{NONE}, false, false}};

static const core *find_cores(jc_kernel_kind kind) {
    if (kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D) {
        return convolution;
    }
    if (kind == JC_KERNEL_MAX_POOL2D || kind == JC_KERNEL_AVG_POOL2D) {
        return pooling;
    }
    if (kind == JC_KERNEL_LINEAR || kind == JC_KERNEL_MATMUL || kind == JC_KERNEL_ATTENTION) {
        return product;
    }
    return elements;
}

// The length rounded up to 8 (step 1) or 16 (step 2); rows only where they are a vector's lanes.
static int round_length(int length, int step, bool is_product) {
    switch (length) {
    case C:
        return step == 1 ? JC_QUANTITY_GROUP_CHANNELS_8 : JC_QUANTITY_GROUP_CHANNELS_16;
    case N:
        return step == 1 ? JC_QUANTITY_WIDTH_8 : JC_QUANTITY_WIDTH_16;
    case ROWS:
        return !is_product ? ROWS : step == 1 ? JC_QUANTITY_ROWS_8 : JC_QUANTITY_ROWS_16;
    default:
        return length;
    }
}

static model_term make_core(const core *c, const core *table, int step) {
    model_term term = {.coefficient = 1};
    bool has_channels = false;
    for (int l = 0; c->length[l] != NONE; ++l) {
        const int length =
            step == 0 ? c->length[l] : round_length(c->length[l], step, table == product);
        term.factor[term.n_factors] = (short)length;
        term.exponent[term.n_factors++] = 1;
        has_channels = has_channels || c->length[l] == C || c->length[l] == N;
    }
    if (table == convolution && has_channels) { // channels are those of one group: all groups run
        term.factor[term.n_factors] = JC_QUANTITY_GROUPS;
        term.exponent[term.n_factors++] = 1;
    }
    return term;
}

// Work that grows with the window or with both channels runs at the speed of arithmetic, whatever
// the size of the tensors: no cache bends it.
static bool is_arithmetic(const core *c) {
    bool in = false;
    bool out = false;
    bool window = false;
    for (int l = 0; c->length[l] != NONE; ++l) {
        in = in || c->length[l] == C;
        out = out || c->length[l] == N;
        window = window || c->length[l] == K || c->length[l] == SIDE;
    }
    return window || (in && out);
}

// What is done once for a kernel, whatever the batch and the plane: its weights are read.
static bool is_of_weights(const core *c) {
    for (int l = 0; c->length[l] != NONE; ++l) {
        if (c->length[l] == ROWS || c->length[l] == IN || c->length[l] == LINE ||
            c->length[l] == BATCH) {
            return false;
        }
    }
    return true;
}

typedef struct core_list {
    model_term terms[MOST_CORES];
    bool is_arithmetic[MOST_CORES];
    bool is_of_weights[MOST_CORES];
    size_t n;
} core_list;

static void list_cores(jc_kernel_kind kind, core_list *out_list) {
    const core *table = find_cores(kind);
    out_list->n = 0;
    for (const core *c = table; c->length[0] != NONE; ++c) {
        for (int step = 0; step <= (c->padded ? 2 : 0); ++step) {
            out_list->is_arithmetic[out_list->n] = table == convolution && is_arithmetic(c);
            out_list->is_of_weights[out_list->n] = is_of_weights(c);
            out_list->terms[out_list->n++] = make_core(c, table, step);
        }
    }
}

// --- Gates -------------------------------------------------------------------------------------

typedef struct gate_list {
    const backbone_rows *rows;
    model_gate gates[MOST_GATES];
    size_t n;
    bool *patterns; ///< [MOST_GATES x rows]: where each gate from the list lets through
} gate_list;

static bool is_bytes(int quantity) {
    return quantity == JC_QUANTITY_INPUT_BYTES || quantity == JC_QUANTITY_OUTPUT_BYTES ||
           quantity == JC_QUANTITY_WEIGHT_BYTES || quantity == JC_QUANTITY_MOVED_BYTES;
}

// Add a gate unless it lets through too few or too many rows, or just those of another gate.
static void offer(gate_list *l, int quantity, double at, model_side side) {
    const model_gate g = {(short)quantity, side, at};
    if (l->n == MOST_GATES) {
        return;
    }
    bool *pattern = l->patterns + l->n * l->rows->n;
    size_t open = 0;
    for (size_t i = 0; i < l->rows->n; ++i) {
        pattern[i] = model_gate_opens(&g, l->rows->q + i * JC_QUANTITY_COUNT);
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
    offer(l, quantity, at, MODEL_FROM);
    offer(l, quantity, at, MODEL_BELOW);
}

// Bytes outgrow caches: upward only, so that a larger layer never costs less for it.
static void offer_bytes(gate_list *l) {
    static const int bytes[] = {JC_QUANTITY_INPUT_BYTES, JC_QUANTITY_OUTPUT_BYTES,
                                JC_QUANTITY_WEIGHT_BYTES, JC_QUANTITY_MOVED_BYTES};
    for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; ++b) {
        for (int p = 12; p <= 32; ++p) {
            offer(l, bytes[b], ldexp(1, p), MODEL_FROM);
        }
    }
}

// And so do the weights of a whole network.
static void offer_reuse(gate_list *l) {
    for (int p = 16; p <= 30; ++p) {
        offer(l, JC_QUANTITY_REUSE, ldexp(1, p), MODEL_FROM);
    }
}

static void offer_shapes(gate_list *l, jc_kernel_kind kind) {
    const int channels[] = {
        JC_QUANTITY_GROUP_CHANNELS, JC_QUANTITY_WIDTH,
        // Rows are a choice of the network's designer only where they are the batch.
        find_cores(kind) == product ? JC_QUANTITY_ROWS : JC_QUANTITY_CALLS};
    for (size_t c = 0; c < sizeof channels / sizeof channels[0]; ++c) {
        for (int p = 0; p <= 5; ++p) {
            offer_both(l, channels[c], ldexp(1, p) + 1);
        }
    }
    // Libraries have a slow way for what is no multiple of a vector; products are packed, and pad.
    const bool is_packed = find_cores(kind) == convolution || find_cores(kind) == product;
    for (double power = 8; power <= 32 && !is_packed; power *= 2) {
        offer_both(l, JC_QUANTITY_ALIGNMENT, power);
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

jc_status regimes_candidates(const backbone_rows *rows, jc_kernel_kind kind, jc_arena *arena,
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
    offer_reuse(l);
    offer_bytes(l);
    core_list cores;
    list_cores(kind, &cores);
    size_t n = 0;
    memcpy(terms, cores.terms, cores.n * sizeof *terms);
    n = cores.n;
    for (size_t g = 0; g < l->n; ++g) {
        for (size_t c = 0; c < cores.n && n < MOST_TERMS; ++c) {
            const int quantity = l->gates[g].quantity;
            if ((cores.is_arithmetic[c] && is_bytes(quantity)) ||
                (!cores.is_of_weights[c] && quantity == JC_QUANTITY_REUSE)) {
                continue;
            }
            terms[n] = cores.terms[c];
            terms[n].gates[0] = l->gates[g];
            terms[n++].n_gates = 1;
        }
    }
    free(patterns);
    free(l);
    *out_terms = terms;
    *out_n = n;
    return JC_OK;
}

jc_status regimes_of_rules(jc_kernel_kind kind, const rule *rules, size_t n_rules, jc_arena *arena,
                           model_term **out_terms, size_t *out_n) {
    const core *table = find_cores(kind);
    model_term *terms = jc_arena_alloc(arena, n_rules * MOST_CORES + 1, sizeof *terms);
    if (terms == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t r = 0; r < n_rules; ++r) {
        for (const core *c = table; c->length[0] != NONE; ++c) {
            if (!c->leading) {
                continue;
            }
            terms[n] = make_core(c, table, 0);
            terms[n].n_gates = rules[r].n_gates;
            memcpy(terms[n++].gates, rules[r].gates, sizeof rules[r].gates);
        }
    }
    *out_terms = terms;
    *out_n = n;
    return JC_OK;
}
