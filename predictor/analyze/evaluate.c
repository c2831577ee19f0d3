// SPDX-License-Identifier: Apache-2.0
// A technique priced: its networks as variants, the variants as steps, the steps followed.
#include "route.h"
#include "source.h"
#include "variant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What hangs from an evaluation. */
typedef struct storage {
    jc_arena arena;
    variant *variants; ///< [n_networks]
    size_t n_variants;
} storage;

typedef struct evaluator {
    const jc_technique *technique; ///< NULL = one network as it is
    const jc_source *source;
    storage *store;
    size_t n_networks;
    route_step *steps;
    size_t n_steps;
    size_t *first_step; ///< [n_networks]
    size_t *exit_step;  ///< [n_exits]: the step of its classifier
    size_t n_exits;
    jc_exit_value *exits;
    bool by_runtime; ///< exits were judged so
} evaluator;

static const technique_network *network_of(const evaluator *e, size_t i) {
    return e->technique == NULL ? NULL : &e->technique->networks[i];
}

// --- Steps of one network ---------------------------------------------------------------------

// What has to have run for a layer's output, and has not yet.
static void need(const variant *v, uint32_t layer, const bool *done, bool *included) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(v->graph, &n);
    memset(included, 0, n * sizeof *included);
    included[layer] = true;
    for (size_t i = (size_t)layer + 1; i-- > 0;) {
        included[i] = included[i] && !done[i];
        for (size_t k = 0; included[i] && k < layers[i].n_inputs; ++k) {
            included[layers[i].inputs[k]] = true;
        }
    }
}

static route_step *add_step(evaluator *e, size_t n_ways) {
    route_step *s = &e->steps[e->n_steps++];
    s->ways = jc_arena_alloc(&e->store->arena, n_ways + 1, sizeof *s->ways);
    return s->ways == NULL ? NULL : s;
}

// The way to the step that is added next.
static void go_on(evaluator *e, route_step *s, double probability) {
    s->ways[s->n_ways++] = (route_way){.to = e->n_steps, .probability = probability};
}

static void price_part(evaluator *e, const variant *v, const bool *included, route_step *s) {
    const jc_analysis what = {.graph = v->graph, .settings = v->settings, .included = included};
    jc_analyze_part(e->source, &what, &s->cost, NULL);
}

static bool add_exit(evaluator *e, const variant *v, const variant_exit *exit) {
    route_step *s = add_step(e, 1);
    if (s == NULL) {
        return false;
    }
    const jc_analysis what = {.graph = exit->classifier, .settings = exit->settings};
    jc_analyze_part(e->source, &what, &s->cost, NULL);
    s->may_drop = true;
    go_on(e, s, 1 - exit->leaving);
    e->exit_step[e->n_exits] = e->n_steps - 1;
    const char *after = v->names[exit->layer];
    e->exits[e->n_exits++] = (jc_exit_value){
        .after = jc_arena_copy_text(&e->store->arena, after, strlen(after)), .rate = exit->rate};
    return true;
}

// Each exit is two steps, what leads to it and its classifier; then comes all that is left.
static jc_status add_network(evaluator *e, size_t index, jc_error *err) {
    const variant *v = &e->store->variants[index];
    bool *done = calloc(v->n_layers + 1, sizeof *done);
    bool *included = calloc(v->n_layers + 1, sizeof *included);
    bool ok = done != NULL && included != NULL;
    e->first_step[index] = e->n_steps;
    for (size_t x = 0; ok && x < v->n_exits; ++x) {
        route_step *s = add_step(e, 1);
        need(v, v->exits[x].layer, done, included);
        ok = s != NULL;
        if (ok) {
            price_part(e, v, included, s);
            go_on(e, s, 1);
            ok = add_exit(e, v, &v->exits[x]);
        }
        for (size_t i = 0; ok && i < v->n_layers; ++i) {
            done[i] = done[i] || included[i];
        }
    }
    const size_t n_routes = e->technique == NULL ? 0 : network_of(e, index)->n_routes;
    route_step *s = ok ? add_step(e, n_routes) : NULL;
    ok = s != NULL;
    for (size_t i = 0; ok && i < v->n_layers; ++i) {
        included[i] = !done[i];
    }
    if (ok) {
        price_part(e, v, included, s);
    }
    free(done);
    free(included);
    return ok ? JC_OK : variant_out_of_memory(err);
}

// Ways between networks, once all first steps are known.
static void connect(evaluator *e) {
    for (size_t i = 0; e->technique != NULL && i < e->n_networks; ++i) {
        const technique_network *network = network_of(e, i);
        const size_t last = (i + 1 < e->n_networks ? e->first_step[i + 1] : e->n_steps) - 1;
        for (size_t k = 0; k < network->n_routes; ++k) {
            e->steps[last].ways[k] = (route_way){.to = e->first_step[network->routes[k].to],
                                                 .probability = network->routes[k].probability};
        }
        e->steps[last].n_ways = network->n_routes;
    }
}

// --- All --------------------------------------------------------------------------------------

static const char *find_refusal(const evaluator *e, char *buffer) {
    for (size_t i = 0; i < e->store->n_variants; ++i) {
        const variant *v = &e->store->variants[i];
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(v->graph, &n);
        for (size_t k = 0; k < n; ++k) {
            const char *why = layers[k].kernel.kind == JC_KERNEL_NONE
                                  ? NULL
                                  : jc_source_refuses(e->source, &v->settings[k], buffer);
            if (why != NULL) {
                return why;
            }
        }
    }
    return NULL;
}

// Says of operands with zeros, or outputs that are not active, whether the price knows of it.
static void remark_zeros(const evaluator *e, variant *collected) {
    static const char *const names[] = {"zero weights", "zero inputs", "inactive outputs"};
    const source_skips skips = source_skips_of(e->source);
    const double spared[] = {skips.weights, skips.inputs, skips.outputs};
    bool has_zeros[3] = {false, false, false};
    for (size_t i = 0; i < e->store->n_variants; ++i) {
        const variant *v = &e->store->variants[i];
        for (size_t k = 0; k < v->n_layers; ++k) {
            has_zeros[0] = has_zeros[0] || v->settings[k].weight_density < 1;
            has_zeros[1] = has_zeros[1] || v->settings[k].activation_density < 1;
            has_zeros[2] = has_zeros[2] || v->settings[k].active < 1;
        }
    }
    char dense[64] = "";
    for (int o = 0; o < 3; ++o) {
        if (has_zeros[o] && spared[o] <= 0) {
            (void)snprintf(dense + strlen(dense), sizeof dense - strlen(dense), "%s%s",
                           dense[0] == '\0' ? "" : ", ", names[o]);
        } else if (has_zeros[o] && e->source->accelerator == NULL) {
            variant_remark(collected,
                           "Declared, not measured: that %s spare up to %.3g %% of a layer.",
                           names[o], 100 * spared[o]);
        }
    }
    if (dense[0] != '\0') {
        variant_remark(collected, "Priced as dense, for the source does not skip them: %s.", dense);
    }
}

static const char *join_reasons(evaluator *e) {
    char refusal[JC_REFUSAL_SIZE];
    variant *collected = &e->store->variants[0];
    for (size_t i = 1; i < e->store->n_variants; ++i) {
        if (e->store->variants[i].note != NULL) {
            variant_remark(collected, "%s", e->store->variants[i].note);
        }
    }
    remark_zeros(e, collected);
    const char *why = find_refusal(e, refusal);
    if (why != NULL) {
        variant_remark(collected, "No price: the source has %s.", why);
    }
    return collected->note == NULL
               ? NULL
               : jc_arena_copy_text(&e->store->arena, collected->note, strlen(collected->note));
}

static jc_status allocate(evaluator *e, jc_error *err) {
    size_t n_exits = 0;
    for (size_t i = 0; i < e->n_networks; ++i) {
        n_exits += e->store->variants[i].n_exits;
    }
    jc_arena *arena = &e->store->arena;
    e->steps = jc_arena_alloc(arena, 2 * n_exits + e->n_networks + 1, sizeof *e->steps);
    e->first_step = jc_arena_alloc(arena, e->n_networks + 1, sizeof *e->first_step);
    e->exit_step = jc_arena_alloc(arena, n_exits + 1, sizeof *e->exit_step);
    e->exits = jc_arena_alloc(arena, n_exits + 1, sizeof *e->exits);
    return e->steps == NULL || e->first_step == NULL || e->exit_step == NULL || e->exits == NULL
               ? variant_out_of_memory(err)
               : JC_OK;
}

static jc_status make_variants(evaluator *e, const jc_graph *const *graphs, jc_error *err) {
    storage *store = e->store;
    store->variants = jc_arena_alloc(&store->arena, e->n_networks, sizeof *store->variants);
    jc_status status = store->variants == NULL ? variant_out_of_memory(err) : JC_OK;
    for (size_t i = 0; status == JC_OK && i < e->n_networks; ++i) {
        status = variant_init(network_of(e, i), graphs[i], e->source, &store->variants[i], err);
        store->n_variants += status == JC_OK ? 1 : 0;
    }
    return status;
}

static jc_status build_steps(evaluator *e, jc_error *err) {
    e->n_steps = 0;
    e->n_exits = 0;
    jc_status status = allocate(e, err);
    for (size_t i = 0; status == JC_OK && i < e->n_networks; ++i) {
        status = add_network(e, i, err);
    }
    if (status == JC_OK) {
        connect(e);
    }
    return status;
}

static jc_status follow(evaluator *e, bool drop, jc_totals *out_totals, route_distribution *out_d,
                        jc_error *err) {
    for (size_t i = 0; i < e->n_exits; ++i) {
        e->exits[i].classifier_j = e->steps[e->exit_step[i]].cost.energy_j;
    }
    e->by_runtime = e->n_exits > 0 && route_is_by_runtime(e->steps, e->n_steps);
    const jc_status status = route_follow(e->steps, e->n_steps, drop, out_totals, out_d);
    if (status != JC_OK) {
        return jc_error_set(err, status, NULL, 0,
                            status == JC_ENOMEM ? "out of memory"
                                                : "inputs can take more than 65536 paths");
    }
    for (size_t i = 0; i < e->n_exits; ++i) {
        const route_step *s = &e->steps[e->exit_step[i]];
        e->exits[i].break_even = s->break_even * s->reach;
        e->exits[i].is_dropped = s->is_dropped;
    }
    if (e->n_steps == 1) { // exact, intervals of one network included
        *out_totals = e->steps[0].cost;
    }
    return JC_OK;
}

// Takes exits that do not pay out of the variants. @return true if there are any
static bool leave_out_dropped(evaluator *e) {
    size_t at = 0;
    bool any = false;
    for (size_t i = 0; i < e->store->n_variants; ++i) {
        variant *v = &e->store->variants[i];
        size_t n_left = 0;
        for (size_t x = 0; x < v->n_exits; ++x) {
            if (e->exits[at++].is_dropped) {
                jc_graph_free(v->exits[x].classifier);
                any = true;
            } else {
                v->exits[n_left++] = v->exits[x];
            }
        }
        v->n_exits = n_left;
    }
    return any;
}

// What a stage costs against what its inputs would cost behind it.
static const jc_stage_value *judge_stages(const evaluator *e, size_t *out_n) {
    jc_stage_value *stages = jc_arena_alloc(&e->store->arena, e->n_networks + 1, sizeof *stages);
    const bool by_runtime = route_is_by_runtime(e->steps, e->n_steps);
    *out_n = stages == NULL || e->n_networks == 1 ? 0 : e->n_networks;
    for (size_t i = 0; i < *out_n; ++i) {
        const size_t first = e->first_step[i];
        const size_t end = i + 1 < e->n_networks ? e->first_step[i + 1] : e->n_steps;
        const route_step *s = &e->steps[first];
        const bool is_judged = end == first + 1 && s->n_ways == 1;
        const double own = by_runtime ? s->cost.runtime_s : s->cost.energy_j;
        const char *name = network_of(e, i)->about.name;
        stages[i] = (jc_stage_value){
            .name = name == NULL ? "" : jc_arena_copy_text(&e->store->arena, name, strlen(name)),
            .reach = s->reach,
            .break_even = is_judged ? own / e->steps[s->ways[0].to].onward : (double)NAN,
        };
        if (stages[i].name == NULL) {
            *out_n = 0; // out of memory: said of the evaluation's other parts
        }
    }
    return stages;
}

// The number format of all that works; "mixed" where there are several.
static const char *precision_of(const evaluator *e) {
    jc_format first = JC_FORMAT_COUNT;
    for (size_t i = 0; i < e->store->n_variants; ++i) {
        const variant *v = &e->store->variants[i];
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(v->graph, &n);
        for (size_t k = 0; k < n; ++k) {
            const jc_setting *s = &v->settings[k];
            if (layers[k].kernel.kind == JC_KERNEL_NONE) {
                continue;
            }
            first = first == JC_FORMAT_COUNT ? s->activations : first;
            if (s->activations != first ||
                (layers[k].work.weight_elements > 0 && s->weights != first)) {
                return "mixed";
            }
        }
    }
    return first == JC_FORMAT_COUNT ? "mixed" : jc_format_name(first);
}

static jc_status evaluate(evaluator *e, bool drop, jc_evaluation *out, jc_error *err) {
    jc_totals totals;
    route_distribution d;
    jc_status status = build_steps(e, err);
    if (status == JC_OK) {
        status = follow(e, drop, &totals, &d, err);
    }
    const jc_exit_value *exits = e->exits; // as they were judged
    const size_t n_exits = e->n_exits;
    const bool by_runtime = e->by_runtime;
    if (status == JC_OK && leave_out_dropped(e)) {
        status = build_steps(e, err);
        if (status == JC_OK) {
            status = follow(e, false, &totals, &d, err);
        }
    }
    if (status == JC_OK) {
        if (by_runtime && !isnan(totals.runtime_s)) {
            variant_remark(&e->store->variants[0],
                           "Exits are judged by runtime, for there are no joules.");
        }
        size_t n_stages = 0;
        const jc_stage_value *stages = judge_stages(e, &n_stages);
        *out = (jc_evaluation){
            .totals = totals,
            .energy_p50_j = d.energy_p50_j,
            .energy_p95_j = d.energy_p95_j,
            .energy_worst_j = d.energy_worst_j,
            .runtime_p50_s = d.runtime_p50_s,
            .runtime_p95_s = d.runtime_p95_s,
            .runtime_worst_s = d.runtime_worst_s,
            .n_exits = n_exits,
            .exits = exits,
            .n_stages = n_stages,
            .stages = stages,
            .precision = precision_of(e),
            .reason = join_reasons(e),
            .storage = e->store,
        };
    }
    return status;
}

jc_status jc_evaluate_technique(const jc_technique *technique, const jc_graph *const *graphs,
                                const jc_source *source, const jc_technique_options *options,
                                jc_evaluation *out_evaluation, jc_error *err) {
    evaluator e = {.technique = technique,
                   .source = source,
                   .store = calloc(1, sizeof *e.store),
                   .n_networks = technique == NULL ? 1 : technique->n_networks};
    if (e.store == NULL) {
        return variant_out_of_memory(err);
    }
    jc_status status = make_variants(&e, graphs, err);
    if (status == JC_OK) {
        status = evaluate(&e, options != NULL && options->drop_exits, out_evaluation, err);
    }
    if (status != JC_OK) {
        jc_evaluation failed = {.storage = e.store};
        jc_evaluation_clear(&failed);
    }
    return status;
}

void jc_evaluation_clear(jc_evaluation *evaluation) {
    storage *store = evaluation->storage;
    if (store != NULL) {
        for (size_t i = 0; i < store->n_variants; ++i) {
            variant_clear(&store->variants[i]);
        }
        jc_arena_clear(&store->arena);
        free(store);
    }
    *evaluation = (jc_evaluation){0};
}
