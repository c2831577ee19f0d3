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

static const char *const file_keys[] = {"name",         "source",    "error_rate",
                                        "architecture", "steps",     "networks",
                                        "confidences",  "threshold", NULL};

jc_status statement_fail(const statement *s, jc_status status, jc_error *err, const char *format,
                         ...) {
    char message[JC_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return jc_error_set(err, status, s->file, s->line, "%s", message);
}

jc_status technique_read_text(technique_reader *r, const jc_yaml *node, const char *what,
                              const char **out_text) {
    const char *text = jc_yaml_text(node);
    if (text == NULL || text[0] == '\0') {
        return technique_fail_value(r, node, what, "a name");
    }
    *out_text = text;
    return JC_OK;
}

jc_status technique_read_network(technique_reader *r, const jc_yaml *node) {
    const jc_yaml *architecture = jc_yaml_get(node, "architecture");
    const jc_yaml *steps = jc_yaml_get(node, "steps");
    jc_technique_network *about = &r->network->about;
    about->file = r->file;
    about->line = node->line;
    jc_status status = JC_OK;
    if (architecture != NULL) {
        about->line = architecture->line;
        status = technique_read_text(r, architecture, "architecture", &about->architecture);
    }
    if (status == JC_OK && steps != NULL) {
        status = technique_read_steps(r, steps);
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
            status = technique_read_text(r, name, "name", &t->name);
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
        const jc_yaml *run = jc_yaml_get(root, "confidences");
        run = run == NULL ? jc_yaml_get(root, "threshold") : run;
        if (status == JC_OK && networks == NULL && run != NULL) {
            status = technique_fail(r, run->key_line, "'%s' belongs to `networks`, or into `exits`",
                                    run->key);
        }
        if (status == JC_OK && networks == NULL && jc_yaml_get(root, "steps") == NULL) {
            status = technique_fail(r, root->line, "a technique needs `steps` or `networks`");
        }
    }
    if (status != JC_OK) {
        return status;
    }
    if (networks != NULL) {
        return technique_read_cascade(r, root);
    }
    t->networks = jc_arena_alloc(&t->arena, 1, sizeof *t->networks);
    if (t->networks == NULL) {
        return technique_out_of_memory(r);
    }
    t->n_networks = 1;
    r->network = t->networks;
    if (is_file_form(root)) {
        return technique_read_network(r, root);
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
                           ? technique_out_of_memory(r)
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
    t->name = is_file ? name_of_file(name, &t->arena) : jc_arena_copy_text(&t->arena, text, length);
    t->error_rate = (double)NAN;
    t->reach_end = (double)NAN;
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
    technique->reach_end = 1;
    for (size_t i = 0; i < technique->run.n_exits; ++i) {
        const double left = technique->reach_end;
        if (technique->run_network == NULL) { // networks, each of which hands on to the next
            technique->networks[i].routes[0].probability =
                left > 0 ? fmax(0, 1 - rates[i] / left) : 0;
        } else {
            technique->run_network->statements[technique->run_first + i].number = rates[i];
        }
        technique->reach_end = fmax(0, left - rates[i]);
    }
    if (technique->run_network == NULL || technique->n_networks == 1) { // else it is of a part
        technique->error_rate = error_rate;
    }
}

size_t jc_technique_thresholds(const jc_technique *technique, size_t n, double *out_thresholds) {
    return technique->measured_by == NULL
               ? 0
               : confidence_thresholds(&technique->run, n, out_thresholds);
}

double jc_technique_reach_end(const jc_technique *technique) {
    return technique->reach_end;
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
