// SPDX-License-Identifier: Apache-2.0
// Techniques of several networks: where inputs go after each, as shares or as a validation run
// says.
#include "technique_read.h"

#include "common/suggest.h"
#include "common/text.h"

static jc_status read_route(technique_reader *r, const jc_yaml *node, size_t from,
                            technique_network *network, double *sum) {
    const jc_technique *t = r->technique;
    technique_route *route = &network->routes[network->n_routes];
    jc_status status = technique_read_share(r, node, node->key, &route->probability);
    *sum += status == JC_OK ? route->probability : 0;
    if (status != JC_OK || jc_text_equal(node->key, "done")) {
        return status;
    }
    jc_suggestion suggestion = {.wanted = node->key};
    for (size_t i = 0; i < t->n_networks; ++i) {
        jc_suggestion_offer(&suggestion, t->networks[i].about.name);
        if (jc_text_equal(t->networks[i].about.name, node->key)) {
            if (i <= from) {
                return technique_fail(r, node->key_line,
                                      "'%.60s' does not come after it; inputs go on to later "
                                      "networks only",
                                      node->key);
            }
            route->to = i;
            network->n_routes++;
            return JC_OK;
        }
    }
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return technique_fail(r, node->key_line, "there is no network '%.60s'%s", node->key,
                          jc_suggestion_format(&suggestion, hint));
}

// `next: {done: 0.7, big: 0.3}`; without it all inputs are done.
static jc_status read_routes(technique_reader *r, const jc_yaml *node, size_t from) {
    technique_network *network = &r->technique->networks[from];
    if (node == NULL) {
        return JC_OK;
    }
    if (node->kind != JC_YAML_MAPPING || node->n == 0) {
        return technique_fail_value(r, node, "next", "networks, each with its share of the inputs");
    }
    network->routes =
        jc_arena_alloc(&r->technique->arena, (size_t)node->n, sizeof *network->routes);
    if (network->routes == NULL) {
        return technique_out_of_memory(r);
    }
    double sum = 0;
    jc_status status = JC_OK;
    for (const jc_yaml *child = node->child; status == JC_OK && child != NULL;
         child = child->next) {
        status = read_route(r, child, from, network, &sum);
    }
    const bool names_done = jc_yaml_get(node, "done") != NULL;
    if (status == JC_OK && (sum > 1 + 1e-9 || (names_done && sum < 1 - 1e-9))) {
        status = technique_fail(r, node->line, "the shares sum to %.6g, not to %s", sum,
                                names_done ? "1" : "at most 1 (the rest is done)");
    }
    return status;
}

static jc_status read_networks(technique_reader *r, const jc_yaml *node) {
    static const char *const keys[] = {"name", "architecture", "steps", "next", NULL};
    jc_technique *t = r->technique;
    if (node->kind != JC_YAML_SEQUENCE || node->n == 0 || node->n > TECHNIQUE_MAX_NETWORKS) {
        return technique_fail_value(r, node, "networks", "a list of 1 to 16 networks");
    }
    t->networks = jc_arena_alloc(&t->arena, (size_t)node->n, sizeof *t->networks);
    if (t->networks == NULL) {
        return technique_out_of_memory(r);
    }
    jc_status status = JC_OK;
    for (const jc_yaml *item = node->child; status == JC_OK && item != NULL; item = item->next) {
        const jc_yaml *name = jc_yaml_get(item, "name");
        if (name == NULL || jc_yaml_get(item, "architecture") == NULL) {
            return technique_fail(r, item->line, "a network needs `name` and `architecture`");
        }
        r->network = &t->networks[t->n_networks];
        status = technique_check_keys(r, item, "a network", keys);
        if (status == JC_OK) {
            status = technique_read_text(r, name, "name", &r->network->about.name);
        }
        for (size_t i = 0; status == JC_OK && i < t->n_networks; ++i) {
            if (jc_text_equal(t->networks[i].about.name, r->network->about.name)) {
                status = technique_fail(r, name->line, "there are two networks '%.60s'",
                                        r->network->about.name);
            }
        }
        if (status == JC_OK && jc_text_equal(r->network->about.name, "done")) {
            status = technique_fail(r, name->line, "'done' is where inputs end, no network's name");
        }
        if (status == JC_OK) {
            status = technique_read_network(r, item);
        }
        t->n_networks++;
    }
    size_t i = 0;
    for (const jc_yaml *item = node->child; status == JC_OK && item != NULL; item = item->next) {
        status = read_routes(r, jc_yaml_get(item, "next"), i++);
    }
    return status;
}

// A validation run whose exits are the networks but the last: what one is not sure of the next
// gets.
static jc_status read_run(technique_reader *r, const jc_yaml *root) {
    jc_technique *t = r->technique;
    const jc_yaml *file = jc_yaml_get(root, "confidences");
    const jc_yaml *given = jc_yaml_get(root, "threshold");
    const char *names[TECHNIQUE_MAX_NETWORKS];
    double threshold = 0;
    if (file == NULL || given == NULL) {
        return technique_fail(r, (file == NULL ? given : file)->key_line,
                              "`confidences` and `threshold` belong together");
    }
    if (t->n_networks < 2) {
        return technique_fail(r, file->key_line, "a validation run of networks needs two of them");
    }
    const jc_yaml *item = jc_yaml_get(root, "networks")->child;
    for (size_t i = 0; i + 1 < t->n_networks; ++i, item = item->next) {
        technique_network *network = &t->networks[i];
        const jc_yaml *next = jc_yaml_get(item, "next");
        if (next != NULL) {
            return technique_fail(r, next->key_line,
                                  "the validation run says how many go on from '%.60s'; leave "
                                  "`next` out",
                                  network->about.name);
        }
        network->routes = jc_arena_alloc(&t->arena, 1, sizeof *network->routes);
        if (network->routes == NULL) {
            return technique_out_of_memory(r);
        }
        network->routes[0].to = i + 1;
        network->n_routes = 1;
        names[i] = network->about.name;
    }
    const jc_status status = technique_read_share(r, given, "threshold", &threshold);
    return status == JC_OK ? technique_load_run(r, file, threshold, names, t->n_networks - 1)
                           : status;
}

jc_status technique_read_cascade(technique_reader *r, const jc_yaml *root) {
    const jc_status status = read_networks(r, jc_yaml_get(root, "networks"));
    const bool has_run =
        jc_yaml_get(root, "confidences") != NULL || jc_yaml_get(root, "threshold") != NULL;
    return status == JC_OK && has_run ? read_run(r, root) : status;
}
