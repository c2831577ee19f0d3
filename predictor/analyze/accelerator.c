// SPDX-License-Identifier: Apache-2.0
// Accelerator descriptions as files.
#include <joulecast/accelerator.h>

#include "common/arena.h"
#include "common/search_path.h"
#include "common/text.h"
#include "common/yaml/yaml.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A description with the texts that it points to. */
typedef struct loaded {
    jc_accelerator accelerator; ///< first: what the caller holds
    jc_arena arena;
} loaded;

static const char *const dataflows[JC_DATAFLOW_COUNT] = {"row_stationary", "weight_stationary",
                                                         "output_stationary"};

typedef struct reader {
    const char *file;
    jc_error *err;
} reader;

static jc_status fail_value(const reader *r, const jc_yaml *node, const char *what,
                            const char *wanted) {
    return jc_yaml_fail_value(node, what, wanted, r->file, r->err);
}

static jc_status fail_missing(const reader *r, const jc_yaml *node, const char *what) {
    return jc_error_set(r->err, JC_EPARSE, r->file, node->line, "%s is missing", what);
}

// --- Numbers --------------------------------------------------------------------------------

/** A number of the description; whole ones are stored in an int64_t. */
typedef struct number_field {
    const char *name;
    size_t offset;
    bool is_whole;
    double most;
} number_field;

#define FIELD(name) #name, offsetof(jc_accelerator, name)

static const number_field numbers[] = {
    {FIELD(technology_nm), false, 1e6},
    {FIELD(clock_hz), false, 1e12},
    {FIELD(rows), true, 65536},
    {FIELD(columns), true, 65536},
    {FIELD(buffer_bytes), false, 1e12},
    {FIELD(register_inputs), true, 1e6},
    {FIELD(register_weights), true, 1e6},
    {FIELD(register_sums), true, 1e6},
    {FIELD(dram_bytes_per_s), false, 1e15},
};

static jc_status read_numbers(const reader *r, const jc_yaml *root, jc_accelerator *a) {
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
        const number_field *f = &numbers[i];
        const jc_yaml *node = jc_yaml_get(root, f->name);
        double value = 0;
        if (node == NULL) {
            return fail_missing(r, root, f->name);
        }
        if (!jc_yaml_double(node, &value) || !(value > 0 && value <= f->most) ||
            (f->is_whole && value != floor(value))) {
            return fail_value(r, node, f->name,
                              f->is_whole ? "a whole number, 1 or more" : "a number above 0");
        }
        if (f->is_whole) {
            const int64_t whole = (int64_t)value;
            memcpy((char *)a + f->offset, &whole, sizeof whole);
        } else {
            memcpy((char *)a + f->offset, &value, sizeof value);
        }
    }
    const jc_yaml *bits = jc_yaml_get(root, "word_bits");
    int64_t value = 0;
    if (bits == NULL) {
        return fail_missing(r, root, "word_bits");
    }
    if (!jc_yaml_int64(bits, &value) || value < 1 || value > 64) {
        return fail_value(r, bits, "word_bits", "a whole number from 1 to 64");
    }
    a->word_bits = (int)value;
    return JC_OK;
}

// `buffer: 6` is relative to the MAC, `buffer_j: 9e-12` is in joules.
static jc_status read_energy(const reader *r, const jc_yaml *node, const char *level, double mac_j,
                             double *out_j) {
    char in_joules[32];
    (void)snprintf(in_joules, sizeof in_joules, "%s_j", level);
    const jc_yaml *relative = jc_yaml_get(node, level);
    const jc_yaml *absolute = jc_yaml_get(node, in_joules);
    if ((relative == NULL) == (absolute == NULL)) {
        return jc_error_set(r->err, JC_EPARSE, r->file, node->line,
                            "energy needs either %s (times that of a MAC) or %s", level, in_joules);
    }
    const jc_yaml *given = relative != NULL ? relative : absolute;
    double value = 0;
    if (!jc_yaml_double(given, &value) || !(value >= 0 && value <= 1e9)) {
        return fail_value(r, given, given->key, "a number, 0 or more");
    }
    *out_j = relative != NULL ? value * mac_j : value;
    return JC_OK;
}

static jc_status read_energies(const reader *r, const jc_yaml *root, jc_accelerator *a) {
    static const char *const keys[] = {"mac_j",  "register", "register_j", "array",  "array_j",
                                       "buffer", "buffer_j", "dram",       "dram_j", NULL};
    const jc_yaml *node = jc_yaml_get(root, "energy");
    if (node == NULL) {
        return fail_missing(r, root, "energy");
    }
    if (node->kind != JC_YAML_MAPPING) {
        return fail_value(r, node, "energy", "a mapping");
    }
    jc_status status = jc_yaml_check_keys(node, "energy", keys, r->file, r->err);
    const jc_yaml *mac = jc_yaml_get(node, "mac_j");
    if (status == JC_OK && mac == NULL) {
        status = fail_missing(r, node, "mac_j");
    }
    if (status == JC_OK && (!jc_yaml_double(mac, &a->mac_j) || !(a->mac_j > 0 && a->mac_j < 1))) {
        status = fail_value(r, mac, "mac_j", "a number of joules above 0");
    }
    double *const levels[] = {&a->register_j, &a->array_j, &a->buffer_j, &a->dram_j};
    static const char *const names[] = {"register", "array", "buffer", "dram"};
    for (int i = 0; status == JC_OK && i < 4; ++i) {
        status = read_energy(r, node, names[i], a->mac_j, levels[i]);
    }
    return status;
}

// --- Flags and texts ------------------------------------------------------------------------

typedef struct flag_name {
    const char *name;
    bool *flag; ///< NULL ends a list
} flag_name;

// `skips: [inputs, weights]`
static jc_status read_flags(const reader *r, const jc_yaml *root, const char *key,
                            const flag_name *flags, const char *wanted) {
    const jc_yaml *node = jc_yaml_get(root, key);
    if (node == NULL) {
        return JC_OK;
    }
    if (node->kind != JC_YAML_SEQUENCE) {
        return fail_value(r, node, key, wanted);
    }
    for (const jc_yaml *item = node->child; item != NULL; item = item->next) {
        const char *text = jc_yaml_text(item);
        const flag_name *f = flags;
        while (f->flag != NULL && (text == NULL || !jc_text_equal(f->name, text))) {
            ++f;
        }
        if (f->flag == NULL) {
            return fail_value(r, item, key, wanted);
        }
        *f->flag = true;
    }
    return JC_OK;
}

static jc_status read_zeros(const reader *r, const jc_yaml *root, jc_accelerator *a) {
    const flag_name skips[] = {{"inputs", &a->skips_inputs},
                               {"weights", &a->skips_weights},
                               {"outputs", &a->skips_outputs},
                               {NULL, NULL}};
    const flag_name compresses[] = {
        {"inputs", &a->compresses_inputs}, {"weights", &a->compresses_weights}, {NULL, NULL}};
    const jc_yaml *time = jc_yaml_get(root, "skipping_saves_time");
    if (time != NULL && !jc_yaml_flag(time, &a->saves_time)) {
        return fail_value(r, time, "skipping_saves_time", "true or false");
    }
    const jc_status status =
        read_flags(r, root, "skips", skips, "a list of inputs, weights, outputs");
    return status == JC_OK
               ? read_flags(r, root, "compresses", compresses, "a list of inputs, weights")
               : status;
}

static jc_status read_texts(const reader *r, const jc_yaml *root, jc_accelerator *a) {
    const jc_yaml *name = jc_yaml_get(root, "name");
    const jc_yaml *dataflow = jc_yaml_get(root, "dataflow");
    a->name = jc_yaml_text(name);
    a->machine = jc_yaml_text(jc_yaml_get(root, "machine"));
    if (a->name == NULL || a->name[0] == '\0') {
        return fail_missing(r, root, "name");
    }
    const char *text = jc_yaml_text(dataflow);
    int d = 0;
    while (d < JC_DATAFLOW_COUNT && (text == NULL || !jc_text_equal(text, dataflows[d]))) {
        ++d;
    }
    a->dataflow = (jc_dataflow)d;
    if (dataflow == NULL) {
        return fail_missing(r, root, "dataflow");
    }
    return d < JC_DATAFLOW_COUNT
               ? JC_OK
               : fail_value(r, dataflow, "dataflow",
                            "row_stationary, weight_stationary or output_stationary");
}

static jc_status read_root(const reader *r, const jc_yaml *root, jc_accelerator *a) {
    static const char *const keys[] = {"name",
                                       "machine",
                                       "source",
                                       "technology_nm",
                                       "clock_hz",
                                       "rows",
                                       "columns",
                                       "word_bits",
                                       "dataflow",
                                       "buffer_bytes",
                                       "register_inputs",
                                       "register_weights",
                                       "register_sums",
                                       "dram_bytes_per_s",
                                       "energy",
                                       "skips",
                                       "compresses",
                                       "skipping_saves_time",
                                       NULL};
    if (root->kind != JC_YAML_MAPPING) {
        return fail_value(r, root, "an accelerator's description", "a mapping");
    }
    jc_status status = jc_yaml_check_keys(root, "an accelerator", keys, r->file, r->err);
    if (status == JC_OK) {
        status = read_texts(r, root, a);
    }
    if (status == JC_OK) {
        status = read_numbers(r, root, a);
    }
    if (status == JC_OK) {
        status = read_energies(r, root, a);
    }
    return status == JC_OK ? read_zeros(r, root, a) : status;
}

jc_status jc_accelerator_load(const char *path, jc_accelerator **out_accelerator, jc_error *err) {
    loaded *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    const reader r = {.file = path, .err = err};
    jc_yaml *root = NULL;
    jc_status status = jc_yaml_load(path, &l->arena, &root, err);
    if (status == JC_OK) {
        status = read_root(&r, root, &l->accelerator);
    }
    if (status != JC_OK) {
        jc_accelerator_free(&l->accelerator);
        return status;
    }
    *out_accelerator = &l->accelerator;
    return JC_OK;
}

void jc_accelerator_free(jc_accelerator *accelerator) {
    if (accelerator != NULL) {
        loaded *l = (loaded *)(void *)accelerator;
        jc_arena_clear(&l->arena);
        free(l);
    }
}

jc_status jc_accelerator_find(const char *name, char *buffer, size_t size, jc_error *err) {
    static const char *const suffixes[] = {".yaml", NULL};
    static const jc_search_path path = {.noun = "accelerator",
                                        .environment = "JOULECAST_ACCELERATOR_PATH",
                                        .source_folder = "accelerators",
                                        .installed_folder = "accelerators",
                                        .suffixes = suffixes};
    return jc_search_find(&path, name == NULL ? "eyeriss" : name, buffer, size, err);
}
