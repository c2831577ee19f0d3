// SPDX-License-Identifier: Apache-2.0
// Techniques as files: their networks, and the routes between them.
#include "technique_read.h"

#include "common/file.h"
#include "common/suggest.h"
#include "common/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const file_keys[] = {"name",  "source",   "error_rate", "architecture",
                                        "steps", "networks", NULL};

jc_status statement_fail(const statement *s, jc_status status, jc_error *err, const char *format,
                         ...) {
    char message[JC_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return jc_error_set(err, status, s->file, s->line, "%s", message);
}

static jc_status out_of_memory(technique_reader *r) {
    return jc_error_set(r->err, JC_ENOMEM, r->file, 0, "out of memory");
}

static jc_status read_text(technique_reader *r, const jc_yaml *node, const char *what,
                           const char **out_text) {
    const char *text = jc_yaml_text(node);
    if (text == NULL || text[0] == '\0') {
        return technique_fail_value(r, node, what, "a name");
    }
    *out_text = text;
    return JC_OK;
}

// What a list of steps is about, where it is written.
static jc_status read_network(technique_reader *r, const jc_yaml *node) {
    const jc_yaml *architecture = jc_yaml_get(node, "architecture");
    const jc_yaml *steps = jc_yaml_get(node, "steps");
    jc_technique_network *about = &r->network->about;
    about->file = r->file;
    about->line = node->line;
    jc_status status = JC_OK;
    if (architecture != NULL) {
        about->line = architecture->line;
        status = read_text(r, architecture, "architecture", &about->architecture);
    }
    if (status == JC_OK && steps != NULL) {
        status = technique_read_steps(r, steps);
    }
    return status;
}

// --- Cascades -------------------------------------------------------------------------------

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
        return out_of_memory(r);
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

static jc_status read_cascade(technique_reader *r, const jc_yaml *node) {
    static const char *const keys[] = {"name", "architecture", "steps", "next", NULL};
    jc_technique *t = r->technique;
    if (node->kind != JC_YAML_SEQUENCE || node->n == 0 || node->n > TECHNIQUE_MAX_NETWORKS) {
        return technique_fail_value(r, node, "networks", "a list of 1 to 16 networks");
    }
    t->networks = jc_arena_alloc(&t->arena, (size_t)node->n, sizeof *t->networks);
    if (t->networks == NULL) {
        return out_of_memory(r);
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
            status = read_text(r, name, "name", &r->network->about.name);
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
            status = read_network(r, item);
        }
        t->n_networks++;
    }
    size_t i = 0;
    for (const jc_yaml *item = node->child; status == JC_OK && item != NULL; item = item->next) {
        status = read_routes(r, jc_yaml_get(item, "next"), i++);
    }
    return status;
}

// --- Files ----------------------------------------------------------------------------------

static bool is_file_form(const jc_yaml *root) {
    for (size_t i = 0; file_keys[i] != NULL; ++i) {
        if (jc_yaml_get(root, file_keys[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static jc_status read_root(technique_reader *r, const jc_yaml *root) {
    jc_technique *t = r->technique;
    const jc_yaml *networks = jc_yaml_get(root, "networks");
    jc_status status = JC_OK;
    if (is_file_form(root)) {
        status = technique_check_keys(r, root, "a technique", file_keys);
        const jc_yaml *name = jc_yaml_get(root, "name");
        if (status == JC_OK && name != NULL) {
            status = read_text(r, name, "name", &t->name);
        }
        const jc_yaml *error_rate = jc_yaml_get(root, "error_rate");
        if (status == JC_OK && error_rate != NULL) {
            status = technique_read_share(r, error_rate, "error_rate", &t->error_rate);
        }
        if (status == JC_OK && networks != NULL &&
            (jc_yaml_get(root, "steps") != NULL || jc_yaml_get(root, "architecture") != NULL)) {
            status = technique_fail(r, networks->line,
                                    "steps and architecture belong to each of the networks");
        }
        if (status == JC_OK && networks == NULL && jc_yaml_get(root, "steps") == NULL) {
            status = technique_fail(r, root->line, "a technique needs `steps` or `networks`");
        }
    }
    if (status != JC_OK) {
        return status;
    }
    if (networks != NULL) {
        return read_cascade(r, networks);
    }
    t->networks = jc_arena_alloc(&t->arena, 1, sizeof *t->networks);
    if (t->networks == NULL) {
        return out_of_memory(r);
    }
    t->n_networks = 1;
    r->network = t->networks;
    if (is_file_form(root)) {
        return read_network(r, root);
    }
    r->network->about = (jc_technique_network){.file = r->file, .line = root->line};
    return technique_read_steps(r, root);
}

// A file's name without folder and extension.
static const char *name_of_file(const char *path, jc_arena *arena) {
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    const bool is_yaml = dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    return jc_arena_copy_text(arena, base, is_yaml ? (size_t)(dot - base) : strlen(base));
}

static jc_status read_text_of(technique_reader *r, const char *text, size_t length) {
    jc_technique *t = r->technique;
    jc_yaml *root = NULL;
    jc_status status = r->file == NULL || r->folder == NULL || t->name == NULL
                           ? out_of_memory(r)
                           : jc_yaml_parse(text, length, r->file, &t->arena, &root, r->err);
    if (status == JC_OK) {
        status = read_root(r, root);
    }
    if (status == JC_OK && t->measured_by != NULL && !isnan(t->error_rate)) {
        status = statement_fail(t->measured_by, JC_EPARSE, r->err,
                                "the validation run says what the error_rate is; leave one out");
    }
    if (status == JC_OK && t->measured_by != NULL) {
        jc_technique_set_threshold(t, t->measured_by->threshold);
    }
    return status;
}

static jc_status parse(const char *text, size_t length, const char *name, bool is_file,
                       jc_technique **out_technique, jc_error *err) {
    jc_technique *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    }
    technique_reader r = {.technique = t, .err = err};
    r.file = jc_arena_copy_text(&t->arena, name, strlen(name));
    r.folder = is_file ? technique_folder(&t->arena, name) : "";
    t->name = is_file ? name_of_file(name, &t->arena) : r.file;
    t->error_rate = (double)NAN;
    const jc_status status = read_text_of(&r, text, length);
    if (status != JC_OK) {
        jc_technique_free(t);
        return status;
    }
    *out_technique = t;
    return JC_OK;
}

jc_status jc_technique_parse(const char *text, size_t length, const char *name,
                             jc_technique **out_technique, jc_error *err) {
    return parse(text, length, name, false, out_technique, err);
}

jc_status jc_technique_load(const char *path, jc_technique **out_technique, jc_error *err) {
    jc_arena arena = {0};
    char *text = NULL;
    size_t length = 0;
    jc_status status = jc_file_read(path, JC_YAML_MAX_BYTES, &arena, &text, &length, err);
    if (status == JC_OK) {
        status = parse(text, length, path, true, out_technique, err);
    }
    jc_arena_clear(&arena);
    return status;
}

bool jc_technique_is_file(const char *path) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    const bool is = jc_yaml_load(path, &arena, &root, NULL) == JC_OK &&
                    (jc_yaml_get(root, "steps") != NULL || jc_yaml_get(root, "networks") != NULL);
    jc_arena_clear(&arena);
    return is;
}

void jc_technique_free(jc_technique *technique) {
    if (technique != NULL) {
        jc_arena_clear(&technique->arena);
        free(technique);
    }
}

const char *jc_technique_name(const jc_technique *technique) {
    return technique->name;
}

void jc_technique_set_threshold(jc_technique *technique, double threshold) {
    if (technique->measured_by == NULL) {
        return;
    }
    double rates[TECHNIQUE_MAX_EXITS];
    const double error_rate = confidence_follow(&technique->run, threshold, rates);
    statement *exits = technique->run_network->statements + technique->run_first;
    for (size_t i = 0; i < technique->run.n_exits; ++i) {
        exits[i].number = rates[i];
    }
    if (technique->n_networks <= 1) { // of a cascade it is only a part
        technique->error_rate = error_rate;
    }
}

size_t jc_technique_thresholds(const jc_technique *technique, size_t n, double *out_thresholds) {
    return technique->measured_by == NULL
               ? 0
               : confidence_thresholds(&technique->run, n, out_thresholds);
}

double jc_technique_error_rate(const jc_technique *technique) {
    return technique->error_rate;
}

size_t jc_technique_n_networks(const jc_technique *technique) {
    return technique->n_networks;
}

jc_technique_network jc_technique_get_network(const jc_technique *technique, size_t i) {
    return technique->networks[i].about;
}
