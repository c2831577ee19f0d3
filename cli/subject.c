// SPDX-License-Identifier: Apache-2.0
// Operands of a comparison, and techniques on the command line.
#include "subject.h"

#include "locate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

// A network that a technique names: a file beside the technique's, or a name of the zoo.
static jc_status load_network(const jc_technique_network *network, const jc_graph_options *options,
                              jc_graph **out_graph, jc_error *err) {
    char path[PATH_MAX];
    const char *name = network->architecture;
    const char *slash = strrchr(network->file, '/');
    const bool is_beside = slash != NULL && name[0] != '/' &&
                           (locate_is_architecture(name) || strchr(name, '/') != NULL);
    const int folder = is_beside ? (int)(slash - network->file) + 1 : 0;
    (void)snprintf(path, sizeof path, "%.*s%s", folder, network->file, name);
    jc_error why = {0};
    const jc_status status = locate_graph(path, options, out_graph, &why);
    if (status == JC_ENOENT) { // said where it is named
        return jc_error_set(err, status, network->file, network->line, "%.200s: %s", name,
                            why.message);
    }
    if (status != JC_OK) {
        *err = why;
    }
    return status;
}

static jc_status load_own(subject *s, const jc_graph_options *options, jc_error *err) {
    const size_t n = jc_technique_n_networks(s->own);
    s->graphs = calloc(n, sizeof(jc_graph *));
    if (s->graphs == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        const jc_technique_network network = jc_technique_get_network(s->own, i);
        if (network.architecture == NULL) {
            return jc_error_set(err, JC_EPARSE, network.file, network.line,
                                "this technique names no `architecture`; give it by -t, beside a "
                                "network");
        }
        status = load_network(&network, options, &s->graphs[i], err);
        s->n_graphs += status == JC_OK ? 1 : 0;
    }
    if (status == JC_OK) {
        s->technique = s->own;
        s->architecture = n == 1 ? jc_graph_name(s->graphs[0]) : NULL;
    }
    return status;
}

jc_status subject_load(const char *operand, const jc_graph_options *options, subject *out_subject,
                       jc_error *err) {
    subject s = {.n_graphs = 0};
    jc_status status = JC_OK;
    if (locate_is_yaml(operand) && jc_technique_is_file(operand)) {
        status = jc_technique_load(operand, &s.own, err);
        if (status == JC_OK) {
            status = load_own(&s, options, err);
        }
    } else {
        s.graphs = calloc(1, sizeof(jc_graph *));
        status = s.graphs == NULL ? jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory")
                                  : locate_graph(operand, options, &s.graphs[0], err);
        if (status == JC_OK) {
            s.n_graphs = 1;
            s.architecture = jc_graph_name(s.graphs[0]);
        }
    }
    if (status != JC_OK) {
        subject_clear(&s);
        return status;
    }
    *out_subject = s;
    return JC_OK;
}

void subject_clear(subject *s) {
    for (size_t i = 0; i < s->n_graphs; ++i) {
        jc_graph_free(s->graphs[i]);
    }
    free((void *)s->graphs);
    jc_technique_free(s->own);
    *s = (subject){.n_graphs = 0};
}

// "half.yaml", not "technique: half.yaml".
static bool is_technique_file(const char *text) {
    return locate_is_yaml(text) && strstr(text, ": ") == NULL;
}

jc_status subject_load_technique(const char *text, jc_technique **out_technique, jc_error *err) {
    char name[256];
    (void)snprintf(name, sizeof name, "-t '%.240s'", text);
    const jc_status status = is_technique_file(text)
                                 ? jc_technique_load(text, out_technique, err)
                                 : jc_technique_parse(text, strlen(text), name, out_technique, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_technique_network first = jc_technique_get_network(*out_technique, 0);
    if (first.architecture == NULL) {
        return JC_OK;
    }
    const jc_status refused = jc_error_set(err, JC_EPARSE, first.file, first.line,
                                           "a technique that names its networks is an operand, not "
                                           "a value of -t");
    jc_technique_free(*out_technique);
    *out_technique = NULL;
    return refused;
}
