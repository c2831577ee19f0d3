// SPDX-License-Identifier: Apache-2.0
// Regimes from small regression trees.
#include "rules.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TREES = 16,
    NODES = 30, ///< of a tree of depth 4, without its root
    MOST_CUTS = 63,
    MOST_RULES = 60,
    FEWEST_ROWS = 12 ///< of a node
};
// Share of the rows that a node must have.
static const double SMALLEST_SHARE = 0.012;
// Part of a tree's answer that is taken off before the next one grows.
static const double LEARNING_RATE = 0.25;
// y/predicted is held within [1/10, 4], and weights below 9: one row must not make a rule.
static const double LOWEST_RATIO = 0.1;
static const double HIGHEST_RATIO = 4;
static const double LARGEST_WEIGHT = 9;

// A quantity that varies, and where it may be cut.
typedef struct axis {
    short quantity;
    size_t n_cuts;
    double cuts[MOST_CUTS]; ///< rising
} axis;

typedef struct node_rule {
    rule rule;
    uint64_t rows; ///< digest of the set of rows
} node_rule;

typedef struct forest {
    size_t n;
    axis *axes;
    size_t n_axes;
    unsigned char *bins; ///< [n_axes x n]: number of cuts at or below the row's value
    double *residual;    ///< [n]
    double *weight;      ///< [n]
    size_t *index;       ///< [n]: the rows, those of a node together
    size_t *scratch;     ///< [n]
    size_t fewest;
    node_rule *nodes; ///< [TREES x NODES]
    size_t n_nodes;
} forest;

// --- Cuts --------------------------------------------------------------------------------------

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

// A short number in (low, high], so that a person can read the file.
static double round_cut(double low, double high) {
    char text[JC_NUMBER_TEXT_SIZE];
    double rounded = high;
    (void)snprintf(text, sizeof text, "%.3g", low + (high - low) / 2);
    return jc_parse_double(text, &rounded) && rounded > low && rounded <= high ? rounded : high;
}

// Cuts between distinct values, evenly by rank where there are more than fit. Sorts the values.
static void find_cuts(double *values, size_t n, axis *out_axis) {
    qsort(values, n, sizeof *values, compare_doubles);
    size_t distinct = 1;
    for (size_t i = 1; i < n; ++i) {
        distinct += values[i] > values[i - 1] ? 1 : 0;
    }
    const double step = distinct - 1 <= MOST_CUTS ? 0 : (double)n / (MOST_CUTS + 1);
    double next = step;
    out_axis->n_cuts = 0;
    for (size_t i = 1; i < n && out_axis->n_cuts < MOST_CUTS; ++i) {
        if (values[i] > values[i - 1] && (double)i >= next) {
            out_axis->cuts[out_axis->n_cuts++] = round_cut(values[i - 1], values[i]);
            next = (floor(step > 0 ? (double)i / step : 0) + 1) * step;
        }
    }
}

static unsigned char find_bin(const axis *a, double value) {
    unsigned char bin = 0;
    while (bin < a->n_cuts && value >= a->cuts[bin]) {
        ++bin;
    }
    return bin;
}

// Sizes that the designer of a network chooses one by one. All others are amounts, which grow with
// several sizes.
static bool is_shape(int quantity) {
    switch (quantity) {
    case JC_QUANTITY_GROUP_CHANNELS:
    case JC_QUANTITY_WIDTH:
    case JC_QUANTITY_NARROW:
    case JC_QUANTITY_WIDE:
    case JC_QUANTITY_OVERLAP:
    case JC_QUANTITY_GROUPS:
    case JC_QUANTITY_CHANNELS:
        return true;
    case JC_WINDOW_OUT_HEIGHT:
    case JC_WINDOW_OUT_WIDTH:
        return false; // they follow from others
    default:
        return quantity < JC_QUANTITY_FIRST_DERIVED;
    }
}

static void find_axes(forest *f, const backbone_rows *rows, rules_axes axes, double *values) {
    for (short q = 0; q < JC_QUANTITY_COUNT; ++q) {
        // What is a multiple of a vector is told by rule (regimes_candidates.c).
        if ((axes == RULES_SHAPES && !is_shape(q)) || q == JC_QUANTITY_ALIGNMENT) {
            continue;
        }
        axis *a = &f->axes[f->n_axes];
        for (size_t i = 0; i < f->n; ++i) {
            values[i] = rows->q[i * JC_QUANTITY_COUNT + (size_t)q];
        }
        a->quantity = q;
        find_cuts(values, f->n, a);
        if (a->n_cuts == 0) {
            continue;
        }
        unsigned char *bins = f->bins + f->n_axes++ * f->n;
        for (size_t i = 0; i < f->n; ++i) {
            bins[i] = find_bin(a, rows->q[i * JC_QUANTITY_COUNT + (size_t)q]);
        }
    }
}

// --- Trees -------------------------------------------------------------------------------------

typedef struct split {
    double gain;
    size_t axis;
    size_t cut; ///< right: bins above it
} split;

typedef struct bin_sum {
    size_t n;
    double weight;
    double sum;
} bin_sum;

// Best cut of one axis: Σ(sum²/weight) of both sides, less that of the node.
static void try_axis(const forest *f, size_t on, size_t begin, size_t end, split *best) {
    const size_t n_cuts = f->axes[on].n_cuts;
    const unsigned char *bins = f->bins + on * f->n;
    bin_sum of[MOST_CUTS + 1] = {{0}};
    bin_sum all = {0};
    for (size_t k = begin; k < end; ++k) {
        const size_t i = f->index[k];
        bin_sum *b = &of[bins[i]];
        b->n++;
        b->weight += f->weight[i];
        b->sum += f->weight[i] * f->residual[i];
    }
    for (size_t c = 0; c <= n_cuts; ++c) {
        all.n += of[c].n;
        all.weight += of[c].weight;
        all.sum += of[c].sum;
    }
    bin_sum left = {0};
    for (size_t c = 0; c < n_cuts; ++c) {
        left.n += of[c].n;
        left.weight += of[c].weight;
        left.sum += of[c].sum;
        if (left.n < f->fewest || all.n - left.n < f->fewest) {
            continue;
        }
        const double right_sum = all.sum - left.sum;
        const double gain = left.sum * left.sum / left.weight +
                            right_sum * right_sum / (all.weight - left.weight) -
                            all.sum * all.sum / all.weight;
        if (gain > best->gain) {
            *best = (split){gain, on, c};
        }
    }
}

// Rows left of the cut to the front; the number of them. Order within a side is kept.
static size_t partition(forest *f, const split *s, size_t begin, size_t end) {
    const unsigned char *bins = f->bins + s->axis * f->n;
    size_t n_left = 0;
    size_t n_right = 0;
    for (size_t k = begin; k < end; ++k) {
        const size_t i = f->index[k];
        if (bins[i] > s->cut) {
            f->scratch[n_right++] = i;
        } else {
            f->index[begin + n_left++] = i;
        }
    }
    memcpy(f->index + begin + n_left, f->scratch, n_right * sizeof *f->index);
    return n_left;
}

// A deeper threshold on the same side of the same quantity is the tighter one.
static rule narrow(const rule *from, short quantity, model_side side, double at) {
    rule r = *from;
    int g = 0;
    while (g < r.n_gates && (r.gates[g].quantity != quantity || r.gates[g].side != side)) {
        ++g;
    }
    r.n_gates = g == r.n_gates ? g + 1 : r.n_gates;
    r.gates[g] = (model_gate){quantity, side, at};
    return r;
}

// Digest of a set of rows, whatever their order (the finaliser of SplitMix64; Steele et al. 2014).
static uint64_t digest_rows(const forest *f, size_t begin, size_t end) {
    uint64_t sum = 0;
    for (size_t k = begin; k < end; ++k) {
        uint64_t z = ((uint64_t)f->index[k] + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        sum += z ^ (z >> 31);
    }
    return sum;
}

// One node: noted unless it is the root, then split, or taken off the residuals.
static void grow(forest *f, const rule *r, int depth, size_t begin, size_t end) {
    double weight = 0;
    double sum = 0;
    for (size_t k = begin; k < end; ++k) {
        weight += f->weight[f->index[k]];
        sum += f->weight[f->index[k]] * f->residual[f->index[k]];
    }
    if (depth > 0) {
        node_rule *node = &f->nodes[f->n_nodes++];
        *node = (node_rule){*r, digest_rows(f, begin, end)};
        node->rule.score = sum * sum / weight;
    }
    split best = {.gain = 0};
    for (size_t a = 0; a < f->n_axes && depth < MODEL_MAX_GATES; ++a) {
        try_axis(f, a, begin, end, &best);
    }
    if (best.gain > 0) {
        const axis *a = &f->axes[best.axis];
        const rule below = narrow(r, a->quantity, MODEL_BELOW, a->cuts[best.cut]);
        const rule from = narrow(r, a->quantity, MODEL_FROM, a->cuts[best.cut]);
        const size_t middle = begin + partition(f, &best, begin, end);
        grow(f, &below, depth + 1, begin, middle);
        grow(f, &from, depth + 1, middle, end);
        return;
    }
    for (size_t k = begin; k < end; ++k) {
        f->residual[f->index[k]] -= LEARNING_RATE * sum / weight;
    }
}

// --- Rules -------------------------------------------------------------------------------------

// By score; between equals, the rows decide, so that the order never depends on the sort.
static int compare_nodes(const void *a, const void *b) {
    const node_rule *x = a;
    const node_rule *y = b;
    if (x->rule.score != y->rule.score) {
        return x->rule.score > y->rule.score ? -1 : 1;
    }
    return (x->rows > y->rows) - (x->rows < y->rows);
}

static jc_status keep_best(forest *f, jc_arena *arena, rule **out_rules, size_t *out_n) {
    rule *kept = jc_arena_alloc(arena, MOST_RULES, sizeof *kept);
    uint64_t seen[MOST_RULES];
    size_t n = 0;
    if (kept == NULL) {
        return JC_ENOMEM;
    }
    qsort(f->nodes, f->n_nodes, sizeof *f->nodes, compare_nodes);
    for (size_t i = 0; i < f->n_nodes && n < MOST_RULES; ++i) {
        size_t k = 0;
        while (k < n && seen[k] != f->nodes[i].rows) {
            ++k;
        }
        if (k == n) {
            seen[n] = f->nodes[i].rows;
            kept[n++] = f->nodes[i].rule;
        }
    }
    *out_rules = kept;
    *out_n = n;
    return JC_OK;
}

static void forest_clear(forest *f) {
    free(f->axes);
    free(f->bins);
    free(f->residual);
    free(f->weight);
    free(f->index);
    free(f->scratch);
    free(f->nodes);
}

static jc_status forest_alloc(forest *f) {
    f->axes = calloc(JC_QUANTITY_COUNT, sizeof *f->axes);
    f->bins = calloc((f->n + 1) * JC_QUANTITY_COUNT, sizeof *f->bins);
    f->residual = calloc(f->n + 1, sizeof *f->residual);
    f->weight = calloc(f->n + 1, sizeof *f->weight);
    f->index = calloc(f->n + 1, sizeof *f->index);
    f->scratch = calloc(f->n + 1, sizeof *f->scratch);
    f->nodes = calloc((size_t)TREES * NODES, sizeof *f->nodes);
    return f->axes != NULL && f->bins != NULL && f->residual != NULL && f->weight != NULL &&
                   f->index != NULL && f->scratch != NULL && f->nodes != NULL
               ? JC_OK
               : JC_ENOMEM;
}

jc_status rules_find(const backbone_rows *rows, const double *predicted, rules_axes axes,
                     jc_arena *arena, rule **out_rules, size_t *out_n) {
    forest f = {.n = rows->n};
    f.fewest = (size_t)fmax(FEWEST_ROWS, ceil(SMALLEST_SHARE * (double)rows->n));
    double *values = malloc((rows->n + 1) * sizeof *values);
    jc_status status = forest_alloc(&f);
    status = values == NULL ? JC_ENOMEM : status;
    if (status == JC_OK) {
        find_axes(&f, rows, axes, values);
        for (size_t i = 0; i < f.n; ++i) {
            const double ratio = fmin(fmax(rows->y[i] / predicted[i], LOWEST_RATIO), HIGHEST_RATIO);
            f.residual[i] = ratio - 1;
            f.weight[i] = rows->weights[i] * fmin(1 / (ratio * ratio), LARGEST_WEIGHT);
            f.index[i] = i;
        }
        for (int t = 0; t < TREES; ++t) {
            grow(&f, &(rule){0}, 0, 0, f.n);
        }
        status = keep_best(&f, arena, out_rules, out_n);
    }
    free(values);
    forest_clear(&f);
    return status;
}
