// SPDX-License-Identifier: Apache-2.0
// Early exits: where they stand, and the classifier of each.
#include "variant.h"

#include "predictor/arch/graph_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The layer whose output a name stands for: that layer, or the one layer of a block that others
// outside of it take.
static jc_status find_layer(const variant *v, const statement *s, bool *matches,
                            uint32_t *out_layer, jc_error *err) {
    jc_status status = variant_match(v, s, matches, err);
    if (status != JC_OK) {
        return status;
    }
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(v->graph, &n);
    bool *taken = calloc(n + 1, sizeof *taken);
    if (taken == NULL) {
        return variant_out_of_memory(err);
    }
    for (size_t i = 0; i < n; ++i) {
        for (size_t k = 0; k < layers[i].n_inputs; ++k) {
            const uint32_t input = layers[i].inputs[k];
            taken[input] = taken[input] || !matches[i];
        }
    }
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(v->graph, &n_outputs);
    for (size_t i = 0; i < n_outputs; ++i) {
        taken[outputs[i]] = true;
    }
    size_t n_found = 0;
    bool is_exact = false;
    for (size_t i = 0; i < n && !is_exact; ++i) {
        is_exact = strcmp(v->names[i], s->patterns[0]) == 0 && matches[i];
        if (matches[i] && (taken[i] || is_exact)) {
            *out_layer = (uint32_t)i;
            n_found = is_exact ? 1 : n_found + 1;
        }
    }
    free(taken);
    return n_found == 1 ? JC_OK
                        : statement_fail(s, JC_EPARSE, err,
                                         "an exit stands after one layer or block, but '%.80s' "
                                         "names %zu",
                                         s->patterns[0], n_found);
}

// Where none is written: the mean of each channel, and one linear layer with the network's outputs.
static jc_status parse_default(variant *v, const statement *s, const jc_shape *input,
                               jc_yaml **out_layers, jc_error *err) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(v->graph, &n);
    const jc_shape *output = &layers[jc_graph_outputs(v->graph, &n)[0]].output;
    char text[160];
    const int length = snprintf(text, sizeof text, "[%sflatten, linear: {out_features: %lld}]",
                                input->rank == 4 ? "global_avg_pool2d, " : "",
                                (long long)output->dim[output->rank - 1]);
    return jc_yaml_parse(text, (size_t)length, s->file, &v->arena, out_layers, err);
}

static jc_status build_classifier(variant *v, variant_exit *e, jc_error *err) {
    size_t n = 0;
    const jc_shape *input = &jc_graph_layers(v->graph, &n)[e->layer].output;
    jc_yaml *by_default = NULL;
    jc_status status = JC_OK;
    if (e->statement->classifier == NULL) {
        status = parse_default(v, e->statement, input, &by_default, err);
    }
    if (status == JC_OK) {
        status = graph_from_layers(by_default != NULL ? by_default : e->statement->classifier,
                                   e->statement->file, input, &e->classifier, err);
    }
    if (status != JC_OK) {
        return by_default == NULL || err == NULL
                   ? status
                   : statement_fail(e->statement, status, err, "the default classifier: %s",
                                    err->message);
    }
    (void)jc_graph_layers(e->classifier, &n);
    e->settings = jc_arena_alloc(&v->arena, n + 1, sizeof *e->settings);
    for (size_t i = 0; e->settings != NULL && i < n; ++i) {
        e->settings[i] = jc_setting_default(v->graph);
        e->settings[i].weights = v->settings[e->layer].weights;
        e->settings[i].activations = v->settings[e->layer].activations;
    }
    return e->settings == NULL ? variant_out_of_memory(err) : JC_OK;
}

static jc_status add_exit(variant *v, const statement *s, bool *matches, jc_error *err) {
    variant_exit *e = &v->exits[v->n_exits];
    *e = (variant_exit){.statement = s, .rate = s->number};
    jc_status status = find_layer(v, s, matches, &e->layer, err);
    for (size_t i = 0; status == JC_OK && i < v->n_exits; ++i) {
        if (v->exits[i].layer == e->layer) {
            status = statement_fail(
                s, JC_EPARSE, err, "line %d of %.120s has an exit after '%.80s'",
                v->exits[i].statement->line, v->exits[i].statement->file, v->names[e->layer]);
        }
    }
    if (status == JC_OK) {
        status = build_classifier(v, e, err);
    }
    if (status == JC_OK) {
        v->n_exits++;
    }
    return status;
}

static int compare_exits(const void *a, const void *b) {
    const uint32_t left = ((const variant_exit *)a)->layer;
    const uint32_t right = ((const variant_exit *)b)->layer;
    return (left > right) - (left < right);
}

jc_status variant_add_exits(variant *v, const technique_network *network, jc_error *err) {
    v->exits = jc_arena_alloc(&v->arena, network->n_statements + 1, sizeof *v->exits);
    bool *matches = calloc(v->n_layers + 1, sizeof *matches);
    jc_status status = v->exits == NULL || matches == NULL ? variant_out_of_memory(err) : JC_OK;
    double sum = 0;
    for (size_t i = 0; status == JC_OK && i < network->n_statements; ++i) {
        const statement *s = &network->statements[i];
        if (s->kind != STATEMENT_EXIT) {
            continue;
        }
        sum += s->number;
        status = sum > 1 + 1e-9 ? statement_fail(s, JC_ERANGE, err,
                                                 "the exits' rates sum to %.6g, over 1", sum)
                                : add_exit(v, s, matches, err);
    }
    free(matches);
    if (status == JC_OK && v->n_exits > 1) {
        qsort(v->exits, v->n_exits, sizeof *v->exits, compare_exits);
    }
    double left = 1;
    for (size_t x = 0; status == JC_OK && x < v->n_exits; ++x) {
        v->exits[x].leaving = left > 0 ? fmin(v->exits[x].rate / left, 1) : 0;
        left -= v->exits[x].rate;
    }
    return status;
}
