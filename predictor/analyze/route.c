// SPDX-License-Identifier: Apache-2.0
// Expected costs of a graph of steps, their distribution over its paths, and which exits pay.
#include "route.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_PATHS = 65536 };

/** What one path costs. */
typedef struct path {
    double probability;
    double energy_j;
    double runtime_s;
} path;

typedef struct path_list {
    const route_step *steps;
    path *paths; ///< [MAX_PATHS]
    size_t n;
    size_t capacity;
} path_list;

// --- Exits ------------------------------------------------------------------------------------

bool route_is_by_runtime(const route_step *steps, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        if (isnan(steps[i].cost.energy_j)) {
            return true;
        }
    }
    return false;
}

static double price(const jc_totals *cost, bool by_runtime) {
    return by_runtime ? cost->runtime_s : cost->energy_j;
}

static double onward(const route_step *steps, const route_step *s) {
    double sum = 0;
    for (size_t w = 0; w < s->n_ways; ++w) {
        if (s->ways[w].probability > 0) { // what nobody takes may be unknown
            sum += s->ways[w].probability * steps[s->ways[w].to].onward;
        }
    }
    return sum;
}

// c + (1 − r)·V < V, where c is the classifier, V what comes after: r > c/V.
static void judge(route_step *steps, route_step *s, bool by_runtime, bool drop) {
    const double after = steps[s->ways[0].to].onward;
    s->break_even = price(&s->cost, by_runtime) / after;
    const double leaving = 1 - s->ways[0].probability;
    if (drop && leaving < s->break_even) {
        s->is_dropped = true;
        s->cost = (jc_totals){0};
        s->ways[0].probability = 1;
    }
}

static void judge_all(route_step *steps, size_t n, bool drop) {
    const bool by_runtime = route_is_by_runtime(steps, n);
    for (size_t i = n; i-- > 0;) {
        route_step *s = &steps[i];
        s->break_even = (double)NAN;
        if (s->may_drop) {
            judge(steps, s, by_runtime, drop);
        }
        s->onward = price(&s->cost, by_runtime) + onward(steps, s);
    }
}

// --- Expectation ------------------------------------------------------------------------------

static void find_reach(route_step *steps, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        steps[i].reach = i == 0 ? 1 : 0;
    }
    for (size_t i = 0; i < n; ++i) {
        for (size_t w = 0; w < steps[i].n_ways; ++w) {
            steps[steps[i].ways[w].to].reach += steps[i].reach * steps[i].ways[w].probability;
        }
    }
}

// What is stored counts whole, what happens by how often it does. Ends of intervals are summed as
// distances, as if all errors were one: cautious.
static void add(jc_totals *t, const jc_totals *cost, double p, double *macs) {
    t->params += cost->params;
    t->weight_bytes += cost->weight_bytes;
    t->layers += cost->layers;
    t->layers_unmodelled += cost->layers_unmodelled;
    t->layers_extrapolated += cost->layers_extrapolated;
    t->is_declared = t->is_declared || cost->is_declared;
    if (!(p > 0)) {
        return;
    }
    *macs += p * (double)cost->macs;
    t->activation_bytes += p * cost->activation_bytes;
    t->runtime_s += p * cost->runtime_s;
    t->runtime_low_s += p * cost->runtime_low_s;
    t->runtime_high_s += p * cost->runtime_high_s;
    t->energy_j += p * cost->energy_j;
    t->energy_low_j += p * cost->energy_low_j;
    t->energy_high_j += p * cost->energy_high_j;
    t->energy_per_sample_j += p * cost->energy_per_sample_j;
    const double work = p * (double)cost->macs;
    t->macs_modelled += work * cost->macs_modelled;
    t->macs_extrapolated += work * cost->macs_extrapolated;
    t->macs_fallback += work * cost->macs_fallback;
    t->runtime_modelled += p * cost->runtime_s * cost->runtime_modelled;
    t->runtime_extrapolated += p * cost->runtime_s * cost->runtime_extrapolated;
    t->runtime_fallback += p * cost->runtime_s * cost->runtime_fallback;
}

static jc_totals expect(const route_step *steps, size_t n) {
    jc_totals t = {0};
    double macs = 0;
    for (size_t i = 0; i < n; ++i) {
        add(&t, &steps[i].cost, steps[i].reach, &macs);
    }
    t.macs = (int64_t)llround(macs);
    t.power_w = t.runtime_s > 0 ? t.energy_j / t.runtime_s : (double)NAN;
    const double whole_macs = macs > 0 ? macs : 1;
    const double whole_s = t.runtime_s > 0 ? t.runtime_s : 1;
    t.macs_modelled /= whole_macs;
    t.macs_extrapolated /= whole_macs;
    t.macs_fallback /= whole_macs;
    t.runtime_modelled /= whole_s;
    t.runtime_extrapolated /= whole_s;
    t.runtime_fallback /= whole_s;
    return t;
}

// --- Paths --------------------------------------------------------------------------------------

static jc_status end_path(path_list *list, path p) {
    if (!(p.probability > 0)) {
        return JC_OK;
    }
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        path *paths = capacity > MAX_PATHS ? NULL : realloc(list->paths, capacity * sizeof *paths);
        if (paths == NULL) {
            return capacity > MAX_PATHS ? JC_EUNSUPPORTED : JC_ENOMEM;
        }
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->n++] = p;
    return JC_OK;
}

// As deep as there are steps, of which a technique has some hundred at most.
static jc_status walk(path_list *list, size_t at, path p) {
    const route_step *s = &list->steps[at];
    p.energy_j += s->cost.energy_j;
    p.runtime_s += s->cost.runtime_s;
    double left = 1;
    jc_status status = JC_OK;
    for (size_t w = 0; status == JC_OK && w < s->n_ways; ++w) {
        const double share = s->ways[w].probability;
        left -= share;
        if (share > 0) {
            path next = p;
            next.probability *= share;
            status = walk(list, s->ways[w].to, next);
        }
    }
    p.probability *= left > 1e-12 ? left : 0;
    return status == JC_OK ? end_path(list, p) : status;
}

static int compare_energy(const void *a, const void *b) {
    const double x = ((const path *)a)->energy_j;
    const double y = ((const path *)b)->energy_j;
    return (x > y) - (x < y);
}

static int compare_runtime(const void *a, const void *b) {
    const double x = ((const path *)a)->runtime_s;
    const double y = ((const path *)b)->runtime_s;
    return (x > y) - (x < y);
}

// Index of the first path at which a share of all inputs is reached, of paths in order.
static size_t quantile(const path_list *list, double share) {
    double sum = 0;
    size_t i = 0;
    for (; i < list->n; ++i) {
        sum += list->paths[i].probability;
        if (sum >= share - 1e-12) {
            return i;
        }
    }
    return list->n - 1;
}

static void distribute(path_list *list, route_distribution *d) {
    qsort(list->paths, list->n, sizeof *list->paths, compare_energy);
    d->energy_p50_j = list->paths[quantile(list, 0.5)].energy_j;
    d->energy_p95_j = list->paths[quantile(list, 0.95)].energy_j;
    d->energy_worst_j = list->paths[list->n - 1].energy_j;
    qsort(list->paths, list->n, sizeof *list->paths, compare_runtime);
    d->runtime_p50_s = list->paths[quantile(list, 0.5)].runtime_s;
    d->runtime_p95_s = list->paths[quantile(list, 0.95)].runtime_s;
    d->runtime_worst_s = list->paths[list->n - 1].runtime_s;
}

jc_status route_follow(route_step *steps, size_t n, bool drop, jc_totals *out_expected,
                       route_distribution *out_distribution) {
    judge_all(steps, n, drop);
    find_reach(steps, n);
    path_list list = {.steps = steps};
    const jc_status status = walk(&list, 0, (path){.probability = 1});
    if (status == JC_OK) {
        *out_expected = expect(steps, n);
        distribute(&list, out_distribution);
    }
    free(list.paths);
    return status;
}
