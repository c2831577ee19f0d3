// SPDX-License-Identifier: Apache-2.0
// Backbones by non-negative least squares on relative errors.
#include "backbone.h"

#include "linalg.h"
#include "nnls.h"

#include <math.h>
#include <stdlib.h>

// Lengths that a loop of a nest may have. ABSENT: the product does without the loop; NONE ends.
enum { NONE = -1, ABSENT = JC_QUANTITY_CALLS, BATCH = 0, MOST_LENGTHS = 6, LOOPS = 4 };

typedef struct loop_nest {
    int length[LOOPS][MOST_LENGTHS];
    bool is_grouped; ///< channels are those of one group: all groups run
} loop_nest;

#define CHANNELS_IN                                                                                \
    {                                                                                              \
        ABSENT, JC_QUANTITY_GROUP_CHANNELS, JC_QUANTITY_GROUP_CHANNELS_8,                          \
            JC_QUANTITY_GROUP_CHANNELS_16, NONE                                                    \
    }
#define CHANNELS_OUT                                                                               \
    { ABSENT, JC_QUANTITY_WIDTH, JC_QUANTITY_WIDTH_8, JC_QUANTITY_WIDTH_16, NONE }
#define POSITIONS                                                                                  \
    { ABSENT, BATCH, JC_QUANTITY_ROWS, JC_QUANTITY_IN_ROWS, JC_QUANTITY_SAMPLE_ROWS, NONE }
#define NO_LOOP                                                                                    \
    { ABSENT, NONE }

static const loop_nest convolution = {
    {POSITIONS, {ABSENT, JC_QUANTITY_WINDOW, NONE}, CHANNELS_IN, CHANNELS_OUT}, true};
static const loop_nest pooling = {
    {POSITIONS, {ABSENT, JC_WINDOW_KERNEL_H, JC_QUANTITY_WINDOW, NONE}, CHANNELS_IN, NO_LOOP},
    false};
static const loop_nest product = {
    {{ABSENT, JC_QUANTITY_ROWS, JC_QUANTITY_ROWS_8, JC_QUANTITY_ROWS_16, NONE},
     NO_LOOP,
     CHANNELS_IN,
     CHANNELS_OUT},
    false};
static const loop_nest elements = {
    {{ABSENT, BATCH, JC_QUANTITY_ROWS, NONE}, NO_LOOP, NO_LOOP, {ABSENT, JC_QUANTITY_WIDTH, NONE}},
    false};

static const loop_nest *find_nest(jc_kernel_kind kind) {
    if (kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D) {
        return &convolution;
    }
    if (kind == JC_KERNEL_MAX_POOL2D || kind == JC_KERNEL_AVG_POOL2D) {
        return &pooling;
    }
    if (kind == JC_KERNEL_LINEAR || kind == JC_KERNEL_MATMUL || kind == JC_KERNEL_ATTENTION) {
        return &product;
    }
    return &elements;
}

static void add_factor(model_term *term, int quantity) {
    if (quantity != ABSENT) {
        term->factor[term->n_factors] = (short)quantity;
        term->exponent[term->n_factors++] = 1;
    }
}

static model_term make_term(const loop_nest *nest, const int *chosen) {
    model_term term = {.coefficient = 1};
    for (int l = 0; l < LOOPS; ++l) {
        add_factor(&term, chosen[l]);
    }
    if (nest->is_grouped && (chosen[2] != ABSENT || chosen[3] != ABSENT)) {
        add_factor(&term, JC_QUANTITY_GROUPS);
    }
    if (term.n_factors == 0) {
        term.factor[0] = JC_QUANTITY_CALLS;
        term.exponent[0] = 1;
        term.n_factors = 1;
    }
    return term;
}

// Input positions are walked to read or pack inputs: by no window and for no output channel.
static bool is_sensible(const int *chosen) {
    return chosen[0] != JC_QUANTITY_IN_ROWS || (chosen[1] == ABSENT && chosen[3] == ABSENT);
}

jc_status backbone_candidates(jc_kernel_kind kind, jc_arena *arena, model_term **out_terms,
                              size_t *out_n) {
    const loop_nest *nest = find_nest(kind);
    const size_t most = MOST_LENGTHS * MOST_LENGTHS * MOST_LENGTHS * MOST_LENGTHS;
    model_term *terms = jc_arena_alloc(arena, most, sizeof *terms);
    if (terms == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t code = 0; code < most; ++code) {
        int chosen[LOOPS];
        size_t rest = code;
        bool exists = true;
        for (int l = 0; l < LOOPS; ++l) {
            const int *length = nest->length[l];
            size_t at = 0;
            while (at < rest % MOST_LENGTHS && length[at] != NONE) {
                ++at;
            }
            exists = exists && at == rest % MOST_LENGTHS && length[at] != NONE;
            chosen[l] = length[at];
            rest /= MOST_LENGTHS;
        }
        if (exists && is_sensible(chosen)) {
            terms[n++] = make_term(nest, chosen);
        }
    }
    *out_terms = terms;
    *out_n = n;
    return JC_OK;
}

static jc_status solve(const backbone_rows *rows, const model_term *terms, size_t k, double *X,
                       double *A, double *x) {
    // Rows √w·(t/y, 1): the last column of the Gram matrix is the right-hand side.
    const size_t order = k + 1;
    for (size_t i = 0; i < rows->n; ++i) {
        const double root = sqrt(rows->weights[i]);
        const double *q = rows->q + i * JC_QUANTITY_COUNT;
        for (size_t j = 0; j < k; ++j) {
            X[i * order + j] = root * model_backbone_value(&terms[j], q, q) / rows->y[i];
        }
        X[i * order + k] = root;
    }
    jc_status status = linalg_gram(rows->n, order, X, A);
    if (status != JC_OK) {
        return status;
    }
    double *b = X; // the rows are not needed any more, and have room for k numbers
    for (size_t j = 0; j < k; ++j) {
        b[j] = A[j * order + k];
    }
    for (size_t i = 0; i < k; ++i) {
        for (size_t j = 0; j < k; ++j) {
            A[i * k + j] = A[i * order + j];
        }
    }
    return nnls_solve(k, A, b, x);
}

jc_status backbone_fit(const backbone_rows *rows, const model_term *terms, size_t n_terms,
                       jc_arena *arena, model *out_model) {
    const size_t order = n_terms + 1;
    double *X = calloc((rows->n + 1) * order, sizeof *X);
    double *A = calloc(order * order, sizeof *A);
    double *x = calloc(order, sizeof *x);
    model_term *kept = jc_arena_alloc(arena, order, sizeof *kept);
    jc_status status = JC_ENOMEM;
    if (X != NULL && A != NULL && x != NULL && kept != NULL) {
        status = solve(rows, terms, n_terms, X, A, x);
    }
    if (status == JC_OK) {
        size_t n = 0;
        for (size_t j = 0; j < n_terms; ++j) {
            if (x[j] > 0) {
                kept[n] = terms[j];
                kept[n++].coefficient = x[j];
            }
        }
        out_model->backbone = kept;
        out_model->n_backbone = n;
    }
    free(X);
    free(A);
    free(x);
    return status;
}
