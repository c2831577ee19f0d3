// SPDX-License-Identifier: Apache-2.0
// What the predictor takes for one kernel is what executors of libraries run as one: both find it
// by themselves, for neither sees the other.
#include "cli/network.h"
#include "runtime/exec/shared/fuse.h"
#include "runtime/exec/shared/walk.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Steps that an executor was asked to run, by their kernels' addresses. */
typedef struct heads {
    const jc_network *network;
    bool *is_head; ///< [n_steps]
} heads;

static tensor_id take_input(void *context, const jc_shape *shape) {
    (void)context;
    (void)shape;
    return 0;
}

static tensor_id take_view(void *context, const node *n) {
    (void)context;
    (void)n;
    return 0;
}

static tensor_id take_kernel(void *context, const node *n, tensor_id *inputs) {
    heads *h = context;
    (void)inputs;
    for (size_t i = 0; i < h->network->n_steps; ++i) {
        if (&h->network->steps[i].kernel == n->kernel) {
            h->is_head[i] = true;
        }
    }
    return 0;
}

static void take_output(void *context, tensor_id t) {
    (void)context;
    (void)t;
}

static bool is_well(void *context) {
    (void)context;
    return true;
}

static size_t check(const char *path) {
    jc_graph *graph = NULL;
    jc_network *network = NULL;
    jc_error err = {.status = JC_OK};
    cr_assert_eq(jc_graph_load(path, NULL, &graph, &err), JC_OK, "%s", err.message);
    cr_assert_eq(cli_network_create(graph, &network, &err), JC_OK);
    heads h = {.network = network, .is_head = calloc(network->n_steps, sizeof *h.is_head)};
    const network_walker walker = {&h, take_input, take_view, take_kernel, take_output, is_well};
    cr_assert_eq(walk_network(network, &walker, &err), JC_OK);
    const jc_fusion fusion = fuse_rules();
    size_t n_fused = 0;
    for (uint32_t i = 0; i < network->n_steps; ++i) {
        const bool has_kernel = network->steps[i].kernel.kind != JC_KERNEL_NONE;
        const bool is_fused = jc_graph_kernel_of(graph, &fusion, i) != i;
        char name[JC_LAYER_NAME_SIZE];
        cr_expect_eq(h.is_head[i], has_kernel && !is_fused, "%s: %s", path,
                     jc_layer_name(graph, i, name));
        n_fused += is_fused;
    }
    free(h.is_head);
    cli_network_free(network);
    jc_graph_free(graph);
    return n_fused;
}

Test(fusion, of_the_zoo_is_the_same_on_both_sides) {
    DIR *folder = opendir(JC_TEST_SOURCE_ROOT "/architectures");
    cr_assert_not_null(folder);
    size_t n_networks = 0;
    size_t n_fused = 0;
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        const char *end = strrchr(e->d_name, '.');
        char path[1024];
        if (end != NULL && strcmp(end, ".yaml") == 0) {
            (void)snprintf(path, sizeof path, "%s/architectures/%s", JC_TEST_SOURCE_ROOT,
                           e->d_name);
            n_fused += check(path);
            ++n_networks;
        }
    }
    (void)closedir(folder);
    cr_expect_gt(n_networks, 20);
    cr_expect_gt(n_fused, 100 * n_networks / 4);
}
