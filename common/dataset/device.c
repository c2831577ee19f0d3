// SPDX-License-Identifier: Apache-2.0
// device.yaml in and out, by a table of its keys.
#include "device.h"

#include "common/kernel/fusion.h"
#include "common/suggest.h"

#include <math.h>
#include <string.h>

typedef struct device_key {
    const char *name;
    size_t offset;
    size_t size;        ///< of the text with its terminator; 0 = a number
    double unknown;     ///< of a number: what it is where nothing is said, and is not written
    double most;        ///< of a number: from 0 to this
    const char *wanted; ///< of a number, in words
} device_key;

#define TEXT(field)                                                                                \
    { .name = #field, .offset = offsetof(jc_device, field), .size = sizeof((jc_device *)0)->field }
#define SHARE(field)                                                                               \
    {                                                                                              \
        .name = #field, .offset = offsetof(jc_device, field), .most = 1,                           \
        .wanted = "a share from 0 to 1"                                                            \
    }

static const device_key keys[] = {
    TEXT(name),
    TEXT(machine),
    TEXT(executor),
    TEXT(clocks),
    TEXT(governor),
    TEXT(memory),
    TEXT(meter),
    {.name = "meter_step_s",
     .offset = offsetof(jc_device, meter_step_s),
     .unknown = (double)NAN,
     .most = (double)INFINITY,
     .wanted = "a number of seconds"},
    {.name = "meter_lag_s",
     .offset = offsetof(jc_device, meter_lag_s),
     .most = (double)INFINITY,
     .wanted = "a number of seconds"},
    TEXT(date),
    TEXT(protocol),
    TEXT(conditions),
    TEXT(source),
    TEXT(license),
    SHARE(skips_weights),
    SHARE(skips_inputs),
    SHARE(skips_outputs),
};

// The one key whose value is no text: kernel/fusion.h.
static const char fusion_key[] = "fuses";

enum { N_KEYS = sizeof keys / sizeof keys[0] };

jc_device device_unknown(void) {
    return (jc_device){.meter_step_s = (double)NAN};
}

static const device_key *find_key(const char *name) {
    for (int k = 0; k < N_KEYS; ++k) {
        if (strcmp(keys[k].name, name) == 0) {
            return &keys[k];
        }
    }
    return NULL;
}

static jc_status report_unknown_key(const jc_yaml *value, const char *file, jc_error *err) {
    jc_suggestion suggestion = {.wanted = value->key};
    for (int k = 0; k < N_KEYS; ++k) {
        jc_suggestion_offer(&suggestion, keys[k].name);
    }
    jc_suggestion_offer(&suggestion, fusion_key);
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(err, JC_EPARSE, file, value->key_line, "a device has no key '%.60s'%s",
                        value->key, jc_suggestion_format(&suggestion, close));
}

static jc_status parse_value(const device_key *key, const jc_yaml *value, const char *file,
                             jc_device *device, jc_error *err) {
    char what[80];
    if (key->size == 0) {
        double number = 0;
        if (!jc_yaml_double(value, &number) || !(number >= 0 && number <= key->most)) {
            return jc_error_set(err, JC_EPARSE, file, value->line, "%s is %s; must be %s",
                                key->name, jc_yaml_describe(value, what, sizeof what), key->wanted);
        }
        memcpy((char *)device + key->offset, &number, sizeof number);
        return JC_OK;
    }
    const char *text = jc_yaml_text(value);
    if (text == NULL || strlen(text) >= key->size) {
        return jc_error_set(err, JC_EPARSE, file, value->line,
                            "%s is %s; must be a text of up to %zu bytes", key->name,
                            jc_yaml_describe(value, what, sizeof what), key->size - 1);
    }
    strcpy((char *)device + key->offset, text);
    return JC_OK;
}

jc_status device_parse(const jc_yaml *node, const char *file, jc_device *out_device,
                       jc_error *err) {
    jc_device device = device_unknown();
    if (node->kind != JC_YAML_MAPPING) {
        char what[80];
        return jc_error_set(err, JC_EPARSE, file, node->line,
                            "a device is %s; must be a mapping with name, machine, executor, …",
                            jc_yaml_describe(node, what, sizeof what));
    }
    for (const jc_yaml *value = node->child; value != NULL; value = value->next) {
        const device_key *key = find_key(value->key);
        const bool is_fusion = strcmp(value->key, fusion_key) == 0;
        if (key == NULL && !is_fusion) {
            return report_unknown_key(value, file, err);
        }
        if (jc_yaml_is_null(value)) {
            continue;
        }
        const jc_status status = is_fusion ? fusion_parse(value, file, &device.fuses, err)
                                           : parse_value(key, value, file, &device, err);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_device = device;
    return JC_OK;
}

jc_status device_load(const char *path, jc_device *out_device, jc_error *err) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    jc_status status = jc_yaml_load(path, &arena, &root, err);
    if (status == JC_OK) {
        status = device_parse(root, path, out_device, err);
    }
    jc_arena_clear(&arena);
    return status;
}

// Nothing where it is unknown.
static void write_value(jc_yaml_writer *w, const device_key *key, const char *value) {
    if (key->size == 0) {
        double number = 0;
        memcpy(&number, value, sizeof number);
        if (number != key->unknown && !isnan(number)) {
            jc_yaml_write_text(w, key->name);
            jc_yaml_write_double(w, number);
        }
    } else if (value[0] != '\0') {
        jc_yaml_write_text(w, key->name);
        jc_yaml_write_text(w, value);
    }
}

jc_status device_write(FILE *file, const char *path, const jc_device *device, jc_error *err) {
    jc_yaml_writer *w = jc_yaml_writer_open(file);
    if (w == NULL) {
        return jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    jc_yaml_open_mapping(w, false);
    for (int k = 0; k < N_KEYS; ++k) {
        write_value(w, &keys[k], (const char *)device + keys[k].offset);
    }
    fusion_write(w, &device->fuses);
    jc_yaml_close_mapping(w);
    const jc_status status = jc_yaml_writer_close(w, err);
    if (status != JC_OK && err != NULL) {
        return jc_error_set(err, status, path, 0, "%.500s", jc_status_message(status));
    }
    return status;
}
