// SPDX-License-Identifier: Apache-2.0
// Candidate terms by rule.
#include "candidates.h"

#include "statistics.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BASE = 9,     ///< base variables that enter products
    MOST_CUBIC = 8,    ///< with more than these, no products of three
    FEWEST_BESIDE = 12 ///< rows on either side of a knot or step
};

// Logarithms that correlate more than this are one variable.
static const double SAME_VARIABLE = 0.9995;

// Quantiles at which hinges are put.
static const double knot_quantiles[] = {0.2, 0.4, 0.6, 0.8};
enum { KNOTS = sizeof knot_quantiles / sizeof knot_quantiles[0] };

// Physical quantities whose logarithm may bend: a cache or a queue runs full.
static const int bending[] = {
    JC_QUANTITY_MACS,         JC_QUANTITY_INPUT_BYTES, JC_QUANTITY_WEIGHT_BYTES,
    JC_QUANTITY_OUTPUT_BYTES, JC_QUANTITY_ROWS,        JC_QUANTITY_DEPTH,
    JC_QUANTITY_SAMPLE_BYTES, JC_QUANTITY_PATCH_BYTES, JC_QUANTITY_WINDOW_READS,
};

static const int filling[] = {JC_QUANTITY_FILL_IN_8, JC_QUANTITY_FILL_IN_16, JC_QUANTITY_FILL_OUT_8,
                              JC_QUANTITY_FILL_OUT_16};

// Sizes for which libraries choose another implementation from some power of two on.
static const int stepping[] = {JC_QUANTITY_GROUP_CHANNELS, JC_QUANTITY_WIDTH, JC_QUANTITY_WINDOW,
                               JC_QUANTITY_STRIDE, JC_QUANTITY_GROUPS};

static const int caching[] = {JC_QUANTITY_INPUT_BYTES, JC_QUANTITY_OUTPUT_BYTES,
                              JC_QUANTITY_WEIGHT_BYTES, JC_QUANTITY_MOVED_BYTES, JC_QUANTITY_REUSE};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

jc_status candidates_ranges(const train_rows *set, const size_t *index, size_t n, jc_arena *arena,
                            kernel_model *out_k) {
    int n_columns = 0;
    (void)jc_kernel_columns(set->kind, &n_columns);
    model_range *ranges = jc_arena_alloc(arena, JC_QUANTITY_COUNT, sizeof *ranges);
    if (ranges == NULL) {
        return JC_ENOMEM;
    }
    size_t n_ranges = 0;
    for (int q = 0; q < JC_QUANTITY_COUNT; ++q) {
        if ((q >= n_columns && q < JC_QUANTITY_FIRST_DERIVED) || q == JC_QUANTITY_CALLS) {
            continue;
        }
        ranges[n_ranges++] =
            (model_range){.quantity = q, .low = (double)INFINITY, .high = -(double)INFINITY};
    }
    double values[JC_QUANTITY_COUNT];
    for (size_t i = 0; i < n; ++i) {
        jc_quantity_compute(set->rows[index[i]].kernel, values);
        for (size_t r = 0; r < n_ranges; ++r) {
            ranges[r].low = fmin(ranges[r].low, values[ranges[r].quantity]);
            ranges[r].high = fmax(ranges[r].high, values[ranges[r].quantity]);
        }
    }
    if (ranges[n_ranges - 1].quantity == JC_QUANTITY_REUSE && ranges[n_ranges - 1].high <= 1) {
        --n_ranges; // rows do not say it
    }
    out_k->ranges = ranges;
    out_k->n_ranges = n_ranges;
    return JC_OK;
}

void candidates_points(const kernel_model *k, const train_rows *set, const size_t *index, size_t n,
                       model_point *out_points) {
    for (size_t i = 0; i < n; ++i) {
        model_point_init(k, set->rows[index[i]].kernel, &out_points[i]);
    }
}

// --- Building the lists ----------------------------------------------------------------------

typedef struct builder {
    const kernel_model *k;
    const model_point *points;
    size_t n;
    jc_arena *arena;
    candidates c;
    size_t variable_capacity;
    size_t term_capacity;
    bool failed; ///< out of memory
} builder;

static int find_range(const kernel_model *k, int quantity) {
    for (size_t r = 0; r < k->n_ranges; ++r) {
        if (k->ranges[r].quantity == quantity) {
            return (int)r;
        }
    }
    return -1;
}

static bool varies(const builder *b, int range, bool logarithm) {
    if (range < 0) {
        return false; // rows do not say it
    }
    const model_range *r = &b->k->ranges[range];
    return r->high > r->low && (!logarithm || r->low > 0);
}

// A round number near `at`, so that the file shows "macs>4.2e+06", not 17 digits.
static double round_knot(double at, char *text) {
    (void)snprintf(text, JC_NUMBER_TEXT_SIZE, "%.3g", at);
    double rounded = at;
    return jc_parse_double(text, &rounded) ? rounded : at;
}

// Index of a new variable; −1 where there is no room for it.
static int add_variable(builder *b, model_transform transform, int range, double at) {
    static const char *const marks[] = {"", ">", ">=", "<"};
    if (b->failed || b->c.n_variables == MODEL_MAX_VARIABLES) {
        return -1;
    }
    model_variable *grown = jc_arena_grow(b->arena, b->c.variables, b->c.n_variables,
                                          &b->variable_capacity, sizeof *grown);
    if (grown == NULL) {
        b->failed = true;
        return -1;
    }
    b->c.variables = grown;
    char knot[JC_NUMBER_TEXT_SIZE];
    char name[96];
    const double rounded = round_knot(at, knot);
    (void)snprintf(name, sizeof name, "%s%s%s",
                   jc_quantity_name(b->k->kind, b->k->ranges[range].quantity), marks[transform],
                   transform == MODEL_LOG ? "" : knot);
    model_variable *v = &grown[b->c.n_variables];
    *v = (model_variable){.name = jc_arena_copy_text(b->arena, name, strlen(name)),
                          .transform = transform,
                          .range = range,
                          .at = rounded,
                          .log_at = log(rounded)};
    if (v->name == NULL) {
        b->failed = true;
        return -1;
    }
    return (int)b->c.n_variables++;
}

// A product of up to three variables; −1 = none.
static void add_term(builder *b, int first, int second, int third) {
    if (b->failed || first < 0 || b->c.n_terms == MODEL_MAX_TERMS) {
        return;
    }
    model_term *grown =
        jc_arena_grow(b->arena, b->c.terms, b->c.n_terms, &b->term_capacity, sizeof *grown);
    if (grown == NULL) {
        b->failed = true;
        return;
    }
    b->c.terms = grown;
    model_term *term = &grown[b->c.n_terms++];
    *term = (model_term){0};
    const int factors[] = {first, second, third};
    for (int f = 0; f < 3 && factors[f] >= 0; ++f) {
        term->factor[term->n_factors++] = (short)factors[f];
    }
}

// A logarithm, centred on the geometric mean of the rows.
static int add_log(builder *b, int range) {
    double mean = 0;
    for (size_t i = 0; i < b->n; ++i) {
        mean += b->points[i].log_held[range] / (double)b->n;
    }
    return add_variable(b, MODEL_LOG, range, exp(mean));
}

static double correlation(const builder *b, int range_a, int range_b) {
    double a = 0;
    double c = 0;
    double aa = 0;
    double cc = 0;
    double ac = 0;
    const double n = (double)b->n;
    for (size_t i = 0; i < b->n; ++i) {
        a += b->points[i].log_held[range_a] / n;
        c += b->points[i].log_held[range_b] / n;
    }
    for (size_t i = 0; i < b->n; ++i) {
        const double da = b->points[i].log_held[range_a] - a;
        const double dc = b->points[i].log_held[range_b] - c;
        aa += da * da;
        cc += dc * dc;
        ac += da * dc;
    }
    return aa > 0 && cc > 0 ? ac / sqrt(aa * cc) : 1;
}

static bool repeats(const builder *b, int range, const int *others, size_t n_others) {
    for (size_t i = 0; i < n_others; ++i) {
        if (fabs(correlation(b, range, others[i])) > SAME_VARIABLE) {
            return true;
        }
    }
    return false;
}

// Ranges of the base variables: columns that vary, each once.
static size_t find_base(const builder *b, int *out_ranges) {
    size_t n = 0;
    for (size_t r = 0; r < b->k->n_ranges && n < MOST_BASE; ++r) {
        const bool is_column = b->k->ranges[r].quantity < JC_QUANTITY_FIRST_DERIVED;
        if (is_column && varies(b, (int)r, true) && !repeats(b, (int)r, out_ranges, n)) {
            out_ranges[n++] = (int)r;
        }
    }
    return n;
}

static void add_products(builder *b, const int *base, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        add_term(b, base[i], -1, -1);
        for (size_t j = i; j < n; ++j) {
            add_term(b, base[i], base[j], -1);
            for (size_t l = j; l < n && n <= MOST_CUBIC; ++l) {
                add_term(b, base[i], base[j], base[l]);
            }
        }
    }
}

static size_t count_from(const builder *b, int range, double at) {
    size_t n = 0;
    for (size_t i = 0; i < b->n; ++i) {
        n += b->points[i].held[range] >= at;
    }
    return n;
}

static bool divides(const builder *b, int range, double at) {
    const size_t above = count_from(b, range, at);
    return above >= FEWEST_BESIDE && b->n - above >= FEWEST_BESIDE;
}

static void add_hinges(builder *b, int range) {
    double *values = jc_arena_alloc(b->arena, b->n + 1, sizeof *values);
    if (values == NULL) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < b->n; ++i) {
        values[i] = b->points[i].held[range];
    }
    char text[JC_NUMBER_TEXT_SIZE];
    double before = 0;
    for (size_t k = 0; k < KNOTS; ++k) {
        const double at = round_knot(statistics_quantile(values, b->n, knot_quantiles[k]), text);
        if (at > before && at > b->k->ranges[range].low && divides(b, range, at)) {
            add_term(b, add_variable(b, MODEL_HINGE, range, at), -1, -1);
            before = at;
        }
    }
}

// Beyond a power of two: q ≥ 2^k + 1. The steps' products with base variables let the slope differ.
static void add_steps(builder *b, int range, const int *base, size_t n_base) {
    for (double power = 1; power <= 256; power *= 2) {
        const double at = power + 1;
        if (at > b->k->ranges[range].low && at <= b->k->ranges[range].high &&
            divides(b, range, at)) {
            const int step = add_variable(b, MODEL_STEP, range, at);
            add_term(b, step, -1, -1);
            for (size_t i = 0; i < n_base && power <= 16; ++i) {
                add_term(b, step, base[i], -1);
            }
        }
    }
}

// A cache of some power of two runs over.
static void add_cache_steps(builder *b, int range) {
    for (int p = 12; p <= 32; ++p) {
        const double at = ldexp(1, p);
        if (divides(b, range, at)) {
            add_term(b, add_variable(b, MODEL_STEP, range, at), -1, -1);
        }
    }
}

static void add_all(builder *b) {
    int ranges[MOST_BASE];
    int base[MOST_BASE];
    const size_t n = find_base(b, ranges);
    for (size_t i = 0; i < n; ++i) {
        base[i] = add_log(b, ranges[i]);
    }
    add_products(b, base, n);
    for (size_t i = 0; i < n; ++i) {
        add_hinges(b, ranges[i]);
    }
    for (size_t i = 0; i < COUNT(bending); ++i) {
        const int range = find_range(b->k, bending[i]);
        if (varies(b, range, true)) {
            add_hinges(b, range);
        }
    }
    for (size_t i = 0; i < COUNT(filling); ++i) {
        const int range = find_range(b->k, filling[i]);
        if (varies(b, range, true)) {
            const int fill = add_log(b, range);
            add_term(b, fill, -1, -1);
            for (size_t j = 0; j < n; ++j) {
                add_term(b, fill, base[j], -1);
            }
        }
    }
    for (size_t i = 0; i < COUNT(caching); ++i) {
        const int range = find_range(b->k, caching[i]);
        if (varies(b, range, true)) {
            add_cache_steps(b, range);
        }
    }
    for (size_t i = 0; i < COUNT(stepping); ++i) {
        const int range = find_range(b->k, stepping[i]);
        if (varies(b, range, false)) {
            add_steps(b, range, base, n);
        }
    }
}

jc_status candidates_create(const kernel_model *k, const model_point *points, size_t n,
                            jc_arena *arena, candidates *out_candidates) {
    builder b = {.k = k, .points = points, .n = n, .arena = arena};
    add_all(&b);
    if (b.failed) {
        return JC_ENOMEM;
    }
    *out_candidates = b.c;
    return JC_OK;
}

void candidates_evaluate(const candidates *c, const model_point *point, double *out_x) {
    double value[MODEL_MAX_VARIABLES];
    for (size_t v = 0; v < c->n_variables; ++v) {
        value[v] = model_variable_value(&c->variables[v], point);
    }
    for (size_t t = 0; t < c->n_terms; ++t) {
        out_x[t] = 1;
        for (int f = 0; f < c->terms[t].n_factors; ++f) {
            out_x[t] *= value[c->terms[t].factor[f]];
        }
    }
}

jc_status candidates_keep(const candidates *c, const double *coefficients, jc_arena *arena,
                          model *out_model) {
    short place[MODEL_MAX_VARIABLES]; // new index + 1; 0 = not used so far
    memset(place, 0, sizeof place);
    out_model->variables = jc_arena_alloc(arena, c->n_variables + 1, sizeof *out_model->variables);
    out_model->terms = jc_arena_alloc(arena, c->n_terms + 1, sizeof *out_model->terms);
    if (out_model->variables == NULL || out_model->terms == NULL) {
        return JC_ENOMEM;
    }
    for (size_t t = 0; t < c->n_terms; ++t) {
        if (coefficients[t] == 0) {
            continue;
        }
        model_term *term = &out_model->terms[out_model->n_terms++];
        *term = c->terms[t];
        term->coefficient = coefficients[t];
        for (int f = 0; f < term->n_factors; ++f) {
            const short v = term->factor[f];
            if (place[v] == 0) {
                out_model->variables[out_model->n_variables++] = c->variables[v];
                place[v] = (short)out_model->n_variables;
            }
            term->factor[f] = (short)(place[v] - 1);
        }
    }
    return JC_OK;
}
