// SPDX-License-Identifier: Apache-2.0
// Profiles from files: the digest and the version first, then the parts (load_model.c).
#include "load.h"
#include "format.h"

#include "common/digest.h"
#include "common/file.h"
#include "common/kernel/fusion.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- What all parts of the reader use --------------------------------------------------------

jc_status load_fail(loader *l, const jc_yaml *node, const char *what) {
    return jc_error_set(l->err, JC_EFORMAT, l->path, node->line, "%s", what);
}

void *load_alloc(loader *l, size_t count, size_t size) {
    void *p = jc_arena_alloc(&l->profile->arena, count == 0 ? 1 : count, size);
    if (p == NULL) {
        (void)jc_error_set(l->err, JC_ENOMEM, l->path, 0, "out of memory"); // caller returns it
    }
    return p;
}

char *load_copy_text(loader *l, const char *text) {
    const size_t size = strlen(text) + 1;
    char *copy = load_alloc(l, size, 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static bool is_one_of(const char *key, const char *const *keys) {
    while (*keys != NULL && strcmp(*keys, key) != 0) {
        ++keys;
    }
    return *keys != NULL;
}

jc_status load_check_keys(loader *l, const jc_yaml *node, const char *const *required,
                          const char *const *optional) {
    char buffer[96];
    if (node->kind != JC_YAML_MAPPING) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, node->line,
                            "expected a mapping with '%s', found %s", required[0],
                            jc_yaml_describe(node, buffer, sizeof buffer));
    }
    for (const jc_yaml *c = node->child; c != NULL; c = c->next) {
        if (!is_one_of(c->key, required) && (optional == NULL || !is_one_of(c->key, optional))) {
            return jc_error_set(l->err, JC_EFORMAT, l->path, c->key_line,
                                "unknown key '%.60s' beside '%s'", c->key, required[0]);
        }
    }
    for (const char *const *key = required; *key != NULL; ++key) {
        if (jc_yaml_get(node, *key) == NULL) {
            return jc_error_set(l->err, JC_EFORMAT, l->path, node->line, "key '%s' is missing",
                                *key);
        }
    }
    return JC_OK;
}

jc_status load_double(loader *l, const jc_yaml *node, const char *key, double *out_value) {
    char buffer[96];
    const jc_yaml *value = key == NULL ? node : jc_yaml_get(node, key);
    if (!jc_yaml_double(value, out_value)) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, value->line,
                            "%s%s%smust be a finite number, found %s", key == NULL ? "" : "'",
                            key == NULL ? "" : key, key == NULL ? "" : "' ",
                            jc_yaml_describe(value, buffer, sizeof buffer));
    }
    return JC_OK;
}

jc_status load_double_or_null(loader *l, const jc_yaml *node, const char *key, double *out_value) {
    if (jc_yaml_is_null(jc_yaml_get(node, key))) {
        *out_value = (double)NAN;
        return JC_OK;
    }
    return load_double(l, node, key, out_value);
}

jc_status load_int64(loader *l, const jc_yaml *node, const char *key, int64_t limit,
                     int64_t *out_value) {
    char buffer[96];
    const jc_yaml *value = key == NULL ? node : jc_yaml_get(node, key);
    int64_t number = 0;
    if (!jc_yaml_int64(value, &number) || number < 0 || number > limit) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, value->line,
                            "'%s' must be an integer from 0 to %" PRId64 ", found %s",
                            key == NULL ? "item" : key, limit,
                            jc_yaml_describe(value, buffer, sizeof buffer));
    }
    *out_value = number;
    return JC_OK;
}

jc_status load_list(loader *l, const jc_yaml *node, const char *key, int limit) {
    const jc_yaml *list = jc_yaml_get(node, key);
    if (list->kind != JC_YAML_SEQUENCE || list->n > limit) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, list->line,
                            "'%s' must be a list of at most %d items", key, limit);
    }
    return JC_OK;
}

// --- Device and provenance -------------------------------------------------------------------

typedef struct text_field {
    const char *key;
    char *out;
    size_t size;
} text_field;

static jc_status load_texts(loader *l, const jc_yaml *node, const text_field *fields, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        const jc_yaml *value = jc_yaml_get(node, fields[i].key);
        const char *text = jc_yaml_text(value);
        if (text == NULL || strlen(text) >= fields[i].size) {
            return jc_error_set(l->err, JC_EFORMAT, l->path, value->line,
                                "'%s' must be a text of less than %zu bytes", fields[i].key,
                                fields[i].size);
        }
        strcpy(fields[i].out, text);
    }
    return JC_OK;
}

static jc_status load_skips(loader *l, const jc_yaml *node, jc_device *d) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < PROFILE_SKIPS; ++i) {
        const jc_yaml *given = jc_yaml_get(node, profile_skips[i].name);
        double share = 0;
        if (given == NULL) {
            continue;
        }
        status = load_double(l, node, profile_skips[i].name, &share);
        if (status == JC_OK && !(share >= 0 && share <= 1)) {
            status = load_fail(l, given, "what is skipped must be a share from 0 to 1");
        }
        memcpy((char *)d + profile_skips[i].offset, &share, sizeof share);
    }
    return status;
}

static jc_status load_device(loader *l, const jc_yaml *node) {
    static const char *const keys[] = {"name", "machine", "executor", "meter", "meter_step_s",
                                       "date", "source",  "license",  NULL};
    static const char *const optional[] = {"skips_weights", "skips_inputs", "skips_outputs",
                                           "fuses", NULL};
    jc_device *d = &l->profile->device;
    const text_field texts[] = {
        {"name", d->name, sizeof d->name},
        {"machine", d->machine, sizeof d->machine},
        {"executor", d->executor, sizeof d->executor},
        {"meter", d->meter, sizeof d->meter},
        {"date", d->date, sizeof d->date},
        {"source", d->source, sizeof d->source},
        {"license", d->license, sizeof d->license},
    };
    jc_status status = load_check_keys(l, node, keys, optional);
    if (status == JC_OK) {
        status = load_texts(l, node, texts, sizeof texts / sizeof texts[0]);
    }
    if (status == JC_OK) {
        status = load_double_or_null(l, node, "meter_step_s", &d->meter_step_s);
    }
    if (status == JC_OK) {
        status = load_skips(l, node, d);
    }
    const jc_yaml *fuses = jc_yaml_get(node, "fuses");
    return status == JC_OK && fuses != NULL ? fusion_parse(fuses, l->path, &d->fuses, l->err)
                                            : status;
}

static jc_status load_provenance(loader *l, const jc_yaml *node) {
    static const char *const keys[] = {"dataset_digest", "trainer", "seed", "folds", NULL};
    jc_provenance *p = &l->profile->provenance;
    const text_field texts[] = {
        {"dataset_digest", p->dataset_digest, sizeof p->dataset_digest},
        {"trainer", p->trainer, sizeof p->trainer},
    };
    int64_t seed = 0;
    int64_t folds = 0;
    jc_status status = load_check_keys(l, node, keys, NULL);
    if (status == JC_OK) {
        status = load_texts(l, node, texts, sizeof texts / sizeof texts[0]);
    }
    if (status == JC_OK) {
        status = load_int64(l, node, "seed", INT64_MAX, &seed);
    }
    if (status == JC_OK) {
        status = load_int64(l, node, "folds", 1000, &folds);
    }
    p->seed = (uint64_t)seed;
    p->n_folds = (int)folds;
    return status;
}

// --- The file ----------------------------------------------------------------------------------

static jc_status load_kernels(loader *l, const jc_yaml *root) {
    jc_profile *profile = l->profile;
    const int limit = (int)JC_KERNEL_COUNT * (int)JC_PRECISION_COUNT;
    jc_status status = load_list(l, root, "kernels", limit);
    if (status != JC_OK) {
        return status;
    }
    const jc_yaml *list = jc_yaml_get(root, "kernels");
    profile->kernels = load_alloc(l, (size_t)list->n, sizeof *profile->kernels);
    if (profile->kernels == NULL) {
        return JC_ENOMEM;
    }
    for (const jc_yaml *item = list->child; item != NULL; item = item->next) {
        kernel_model *k = &profile->kernels[profile->n_kernels];
        status = load_kernel_model(l, item, false, k);
        if (status != JC_OK) {
            return status;
        }
        if (profile->find[k->kind][k->precision] != NULL) {
            return load_fail(l, item, "a second model of the same kernel and precision");
        }
        profile->find[k->kind][k->precision] = k;
        profile->n_kernels++;
    }
    return JC_OK;
}

static jc_status load_network_spread(loader *l, const jc_yaml *item) {
    static const char *const keys[] = {"precision", "rows", "runtime", "energy", NULL};
    jc_network_spread spread = {.rows = 0};
    jc_status status = load_check_keys(l, item, keys, NULL);
    if (status == JC_OK) {
        status = load_int64(l, item, "rows", INT64_MAX, &spread.rows);
    }
    if (status == JC_OK) {
        status = load_double(l, item, "runtime", &spread.runtime);
    }
    if (status == JC_OK) {
        status = load_double(l, item, "energy", &spread.energy);
    }
    if (status != JC_OK) {
        return status;
    }
    const char *name = jc_yaml_text(jc_yaml_get(item, "precision"));
    const jc_precision precision = name == NULL ? JC_PRECISION_COUNT : jc_precision_find(name);
    if (precision == JC_PRECISION_COUNT) {
        return load_fail(l, item, "'precision' must be f32, tf32, f16, bf16 or int8");
    }
    if (spread.rows < 1 || !(spread.runtime >= 0) || !(spread.energy >= 0)) {
        return load_fail(l, item, "'rows' must be 1 or more, 'runtime' and 'energy' 0 or more");
    }
    l->profile->networks[precision] = spread;
    return JC_OK;
}

static jc_status load_networks(loader *l, const jc_yaml *root) {
    jc_status status = load_list(l, root, "networks", JC_PRECISION_COUNT);
    const jc_yaml *list = jc_yaml_get(root, "networks");
    for (const jc_yaml *item = list->child; status == JC_OK && item != NULL; item = item->next) {
        status = load_network_spread(l, item);
    }
    return status;
}

static jc_status load_root(loader *l, const jc_yaml *root) {
    static const char *const keys[] = {"format",  "version",  "device", "provenance",
                                       "kernels", "fallback", "digest", NULL};
    static const char *const optional[] = {"networks", NULL};
    jc_status status = load_check_keys(l, root, keys, optional);
    if (status == JC_OK) {
        status = load_device(l, jc_yaml_get(root, "device"));
    }
    if (status == JC_OK) {
        status = load_provenance(l, jc_yaml_get(root, "provenance"));
    }
    if (status == JC_OK) {
        status = load_kernels(l, root);
    }
    if (status == JC_OK) {
        status = load_kernel_model(l, jc_yaml_get(root, "fallback"), true, &l->profile->fallback);
    }
    if (status == JC_OK && jc_yaml_get(root, "networks") != NULL) {
        status = load_networks(l, root);
    }
    return status;
}

// Format and version come before the digest: another version may have another digest.
static jc_status check_version(loader *l, const jc_yaml *root) {
    char buffer[96];
    const jc_yaml *format = jc_yaml_get(root, "format");
    const jc_yaml *version = jc_yaml_get(root, "version");
    const char *text = jc_yaml_text(format);
    if (text == NULL || strcmp(text, PROFILE_FORMAT) != 0 || version == NULL) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, root->line,
                            "not a profile: it must have 'format: " PROFILE_FORMAT
                            "' and a 'version'");
    }
    int64_t number = 0;
    if (!jc_yaml_int64(version, &number) || number != PROFILE_VERSION) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, version->line,
                            "version %s is not known; this program reads version %d",
                            jc_yaml_describe(version, buffer, sizeof buffer), PROFILE_VERSION);
    }
    return JC_OK;
}

// The last line that begins as a digest does; NULL if there is none.
static const char *find_digest_line(const char *text) {
    const char *found = NULL;
    for (const char *line = text; line != NULL;) {
        if (strncmp(line, PROFILE_DIGEST_KEY, strlen(PROFILE_DIGEST_KEY)) == 0) {
            found = line;
        }
        const char *end = strchr(line, '\n');
        line = end == NULL ? NULL : end + 1;
    }
    return found;
}

static jc_status check_digest(loader *l, const char *text, size_t length) {
    const char *line = find_digest_line(text);
    if (line == NULL || text[length - 1] != '\n') {
        return jc_error_set(l->err, JC_EFORMAT, l->path, 0,
                            "no digest at its end: the file was cut short");
    }
    char digest[JC_DIGEST_SIZE];
    digest_format(digest_add(DIGEST_BEGIN, text, (size_t)(line - text)), digest, sizeof digest);
    const char *stated = line + strlen(PROFILE_DIGEST_KEY);
    const size_t n = strlen(digest);
    if (strncmp(stated, digest, n) != 0 || strcmp(stated + n, "\n") != 0) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, 0,
                            "the digest does not match the text before it (%s): the file was "
                            "damaged or edited; train it anew",
                            digest);
    }
    return JC_OK;
}

static jc_status load_text(loader *l, const char *text, size_t length, jc_arena *scratch) {
    jc_yaml *root = NULL;
    jc_status status = jc_yaml_parse(text, length, l->path, scratch, &root, l->err);
    if (status == JC_OK) {
        status = check_version(l, root);
    }
    if (status == JC_OK) {
        status = check_digest(l, text, length);
    }
    return status == JC_OK ? load_root(l, root) : status;
}

jc_status profile_parse(const char *text, size_t length, const char *name, jc_profile **out_profile,
                        jc_error *err) {
    jc_profile *profile = calloc(1, sizeof *profile);
    if (profile == NULL) {
        return jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    }
    loader l = {.path = name, .profile = profile, .err = err};
    jc_arena scratch = {0};
    const jc_status status = load_text(&l, text, length, &scratch);
    jc_arena_clear(&scratch);
    if (status != JC_OK) {
        jc_profile_free(profile);
        return status;
    }
    *out_profile = profile;
    return JC_OK;
}

jc_status jc_profile_load(const char *path, jc_profile **out_profile, jc_error *err) {
    jc_arena arena = {0};
    char *text = NULL;
    size_t length = 0;
    jc_status status = jc_file_read(path, JC_YAML_MAX_BYTES, &arena, &text, &length, err);
    if (status == JC_OK) {
        status = profile_parse(text, length, path, out_profile, err);
    }
    jc_arena_clear(&arena);
    return status;
}
