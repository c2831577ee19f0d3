// SPDX-License-Identifier: Apache-2.0
// Files or names: an existing file wins, a text that looks like a path is nothing else.
#include "locate.h"

#include "report/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

static bool ends_with(const char *text, const char *end) {
    const size_t n_text = strlen(text);
    const size_t n_end = strlen(end);
    return n_text >= n_end && strcmp(text + n_text - n_end, end) == 0;
}

bool locate_is_yaml(const char *text) {
    return ends_with(text, ".yaml") || ends_with(text, ".yml");
}

bool locate_is_architecture(const char *text) {
    return locate_is_yaml(text) || ends_with(text, ".onnx");
}

// A folder of the same name (a dataset of a profile) does not hide the known name.
static bool is_file(const char *text) {
    struct stat info;
    return (stat(text, &info) == 0 && !S_ISDIR(info.st_mode)) || strchr(text, '/') != NULL ||
           locate_is_architecture(text);
}

static jc_status find_profile(const char *file_or_name, jc_profile **out_profile, jc_error *err) {
    char path[PATH_MAX];
    if (file_or_name != NULL && is_file(file_or_name)) {
        return jc_profile_load(file_or_name, out_profile, err);
    }
    const jc_status status = jc_profile_find(file_or_name, path, sizeof path, err);
    return status == JC_OK ? jc_profile_load(path, out_profile, err) : status;
}

jc_status locate_profile(const char *file_or_name, const cli_power *power, jc_profile **out_profile,
                         jc_error *err) {
    jc_profile *profile = NULL;
    jc_status status = find_profile(file_or_name, &profile, err);
    if (status == JC_OK && power != NULL && power->is_declared) {
        status = jc_profile_declare_power(profile, power->full_w, err);
    }
    if (status != JC_OK) {
        jc_profile_free(profile);
        return status;
    }
    *out_profile = profile;
    return JC_OK;
}

// Names on stderr what is costed by its bytes alone: one line a file.
static void warn_unknown(const char *file, const jc_graph *graph) {
    size_t n = 0;
    size_t n_layers = 0;
    const jc_graph_unknown *unknown = jc_graph_unknowns(graph, &n);
    text_buffer list = {0};
    for (size_t i = 0; i < n; ++i) {
        n_layers += unknown[i].n_layers;
        text_append(&list, i == 0 ? "" : ", ");
        text_append_clean(&list, unknown[i].op);
        text_append(&list, " (");
        text_append_integer(&list, (int64_t)unknown[i].n_layers);
        text_append_char(&list, ')');
    }
    if (n > 0 && !list.failed) {
        (void)fprintf(stderr,
                      "joulecast: %s: %zu layer%s of operators that are not known, costed by the "
                      "bytes they move: %.*s\n",
                      file, n_layers, n_layers == 1 ? "" : "s", (int)list.length, list.data);
    }
    text_clear(&list);
}

// Says on stderr which layers nothing depends on: in a file written by hand, mostly a mistake.
static void warn_dead(const char *file, const jc_graph *graph) {
    const jc_graph_dead dead = jc_graph_dead_layers(graph);
    if (dead.n_layers > 0 && dead.line > 0) {
        (void)fprintf(stderr,
                      "joulecast: %s:%d: %zu layer%s, the first here, lead%s to no output and "
                      "%s left out\n",
                      file, dead.line, dead.n_layers, dead.n_layers == 1 ? "" : "s",
                      dead.n_layers == 1 ? "s" : "", dead.n_layers == 1 ? "is" : "are");
    }
}

// Says on stderr where sizes were given, but of none of the inputs that a network has.
static void warn_other_inputs(const char *file, const jc_graph *graph,
                              const jc_graph_options *options) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    text_buffer list = {0};
    bool is_any = options == NULL || options->n_inputs == 0;
    for (size_t i = 0; i < n && layers[i].op == NULL && !is_any; ++i) {
        char name[JC_LAYER_NAME_SIZE];
        (void)jc_layer_name(graph, i, name);
        text_append(&list, i == 0 ? "" : ", ");
        text_append_clean(&list, name);
        for (size_t k = 0; k < options->n_inputs; ++k) {
            is_any = is_any || strcmp(name, options->inputs[k].name) == 0;
        }
    }
    if (!is_any && !list.failed) {
        (void)fprintf(stderr, "joulecast: %s: it has no input that --input names; it has %.*s\n",
                      file, (int)list.length, list.data);
    }
    text_clear(&list);
}

jc_status locate_graph(const char *file_or_name, const jc_graph_options *options,
                       jc_graph **out_graph, jc_error *err) {
    char path[PATH_MAX];
    const char *file = file_or_name;
    jc_status status = JC_OK;
    if (!is_file(file_or_name)) {
        status = jc_zoo_find(file_or_name, path, sizeof path, err);
        file = path;
    }
    if (status == JC_OK) {
        status = jc_graph_load(file, options, out_graph, err);
    }
    if (status == JC_OK) {
        warn_unknown(file_or_name, *out_graph);
        warn_dead(file_or_name, *out_graph);
        warn_other_inputs(file_or_name, *out_graph, options);
    }
    return status;
}

jc_status locate_accelerator(const char *file_or_name, jc_accelerator **out_accelerator,
                             jc_error *err) {
    char path[PATH_MAX];
    if (is_file(file_or_name)) {
        return jc_accelerator_load(file_or_name, out_accelerator, err);
    }
    const jc_status status = jc_accelerator_find(file_or_name, path, sizeof path, err);
    return status == JC_OK ? jc_accelerator_load(path, out_accelerator, err) : status;
}
