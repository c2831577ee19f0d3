// SPDX-License-Identifier: Apache-2.0
// Plans know names; the runtime knows kernels and networks. The zoo lies between them.
#include "collect.h"
#include "locate.h"
#include "network.h"

#include "predictor/arch/zoo.h"

#include <stdlib.h>

/** A network, and the graph it borrows from. */
typedef struct owned_network {
    jc_graph *graph;
    jc_network *network;
} owned_network;

struct collection_memory {
    jc_arena arena;
    owned_network *owned;    ///< [n]
    const jc_graph **graphs; ///< [n]
    size_t n;
};

static jc_status no_memory(jc_error *err) {
    return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
}

// The plan's names, or all of the zoo's where it has none.
static jc_status list_names(const jc_plan_names *given, jc_arena *arena, jc_plan_names *out_names,
                            jc_error *err) {
    if (given->name != NULL) {
        *out_names = *given;
        return JC_OK;
    }
    jc_search_entry *entries = NULL;
    size_t n = 0;
    const char **names = NULL;
    if (jc_search_list(&zoo_search_path, arena, &entries, &n) != JC_OK ||
        (names = jc_arena_alloc(arena, n + 1, sizeof *names)) == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < n; ++i) {
        names[i] = entries[i].name;
    }
    *out_names = (jc_plan_names){names, n};
    return JC_OK;
}

// Append a graph's kernels to a list.
static jc_status add_kernels(const jc_graph *graph, jc_kernel **list, size_t *n, jc_error *err) {
    size_t n_layers = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n_layers);
    jc_kernel *longer = realloc(*list, (*n + n_layers + 1) * sizeof *longer);
    if (longer == NULL) {
        return no_memory(err);
    }
    *list = longer;
    for (size_t i = 0; i < n_layers; ++i) {
        if (layers[i].op != NULL && layers[i].kernel.kind != JC_KERNEL_NONE) {
            longer[(*n)++] = layers[i].kernel;
        }
    }
    return JC_OK;
}

static jc_status read_kernels(const jc_plan *plan, jc_arena *arena, collection *c, jc_error *err) {
    jc_plan_names names = {NULL, 0};
    jc_kernel *seen = NULL;
    size_t n_seen = 0;
    jc_status status = list_names(&plan->architectures, arena, &names, err);
    for (size_t i = 0; i < names.n && status == JC_OK; ++i) {
        jc_graph *graph = NULL;
        status = locate_graph(names.name[i], NULL, &graph, err);
        if (status == JC_OK) {
            status = add_kernels(graph, &seen, &n_seen, err);
            jc_graph_free(graph);
        }
    }
    if (status == JC_OK) {
        status = jc_plan_kernels(plan, seen, n_seen, &c->kernels, &c->n_kernels, err);
    }
    free(seen);
    return status;
}

static jc_status add_network(const char *name, int64_t batch_size, jc_precision precision,
                             collection *c, jc_error *err) {
    owned_network *owned = &c->memory->owned[c->memory->n];
    const jc_graph_options options = {.batch_size = batch_size, .precision = precision};
    jc_status status = locate_graph(name, &options, &owned->graph, err);
    if (status != JC_OK) {
        return status;
    }
    ++c->memory->n;
    status = cli_network_create(owned->graph, &owned->network, err);
    if (status == JC_OK) {
        c->memory->graphs[c->n_networks] = owned->graph;
        c->networks[c->n_networks++] = *owned->network;
    }
    return status;
}

static jc_status add_precisions(const jc_plan *plan, const char *name, int64_t batch_size,
                                collection *c, jc_error *err) {
    jc_status status = JC_OK;
    for (int p = 0; p < JC_PRECISION_COUNT && status == JC_OK; ++p) {
        if (plan->network_precision[p] > 0) {
            status = add_network(name, batch_size, (jc_precision)p, c, err);
        }
    }
    return status;
}

static jc_status read_networks(const jc_plan *plan, jc_arena *arena, collection *c, jc_error *err) {
    jc_plan_names names = {NULL, 0};
    jc_status status = list_names(&plan->networks, arena, &names, err);
    if (status != JC_OK) {
        return status;
    }
    const size_t n = names.n * plan->network_batch_sizes.n * JC_PRECISION_COUNT;
    c->networks = calloc(n + 1, sizeof *c->networks);
    c->memory->owned = calloc(n + 1, sizeof *c->memory->owned);
    c->graphs = c->memory->graphs = calloc(n + 1, sizeof *c->memory->graphs);
    if (c->networks == NULL || c->memory->owned == NULL || c->graphs == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < names.n && status == JC_OK; ++i) {
        for (size_t b = 0; b < plan->network_batch_sizes.n && status == JC_OK; ++b) {
            status = add_precisions(plan, names.name[i], plan->network_batch_sizes.size[b], c, err);
        }
    }
    return status;
}

jc_status collection_read(const jc_plan *plan, collection *out_collection, jc_error *err) {
    collection c = {.memory = calloc(1, sizeof *c.memory)};
    if (c.memory == NULL) {
        return no_memory(err);
    }
    jc_status status = read_kernels(plan, &c.memory->arena, &c, err);
    if (status == JC_OK) {
        status = read_networks(plan, &c.memory->arena, &c, err);
    }
    if (status != JC_OK) {
        collection_clear(&c);
        return status;
    }
    *out_collection = c;
    return JC_OK;
}

void collection_clear(collection *c) {
    free(c->kernels);
    free(c->networks);
    if (c->memory != NULL) {
        for (size_t i = 0; i < c->memory->n; ++i) {
            cli_network_free(c->memory->owned[i].network);
            jc_graph_free(c->memory->owned[i].graph);
        }
        free(c->memory->owned);
        free((void *)c->memory->graphs);
        jc_arena_clear(&c->memory->arena);
        free(c->memory);
    }
}
