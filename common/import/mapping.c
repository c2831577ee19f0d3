// SPDX-License-Identifier: Apache-2.0
// Compiling a mapping.
#include "mapping.h"

#include "common/dataset/device.h"

#include <stdarg.h>
#include <string.h>

jc_status mapping_fail(const mapping_compiler *c, int line, const char *format, ...) {
    char message[JC_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return jc_error_set(c->err, JC_EPARSE, c->path, line, "%s", message);
}

jc_status mapping_fail_memory(const mapping_compiler *c) {
    return jc_error_set(c->err, JC_ENOMEM, c->path, 0, "out of memory");
}

jc_status mapping_check_keys(const mapping_compiler *c, const jc_yaml *node, const char *noun,
                             const char *const *keys) {
    if (node->kind != JC_YAML_MAPPING) {
        char what[80];
        return mapping_fail(c, node->line, "%s is %s; must be a mapping with keys such as '%s'",
                            noun, jc_yaml_describe(node, what, sizeof what), keys[0]);
    }
    return jc_yaml_check_keys(node, noun, keys, c->path, c->err);
}

// --- Sections -------------------------------------------------------------------------------

static jc_status compile_separator(const mapping_compiler *c, const jc_yaml *node) {
    if (node == NULL) {
        return JC_OK;
    }
    const char *text = jc_yaml_text(node);
    if (text == NULL || strlen(text) != 1 || strchr(",;|\t", text[0]) == NULL) {
        return mapping_fail(c, node->line, "'separator' must be \",\", \";\", \"|\" or \"\\t\"");
    }
    c->file->separator = text[0];
    return JC_OK;
}

static void note_kinds(mapping_file *file) {
    const mapping_text *kernel = &file->kernel;
    if (kernel->variable < 0) {
        file->kinds[kernel->fixed.number] = true;
    }
    for (size_t v = 0; v < kernel->n_values; ++v) {
        file->kinds[kernel->values[v].number] = true;
    }
}

// A text of the section, or else the one that stands at the top for all.
static jc_status compile_shared_text(mapping_compiler *c, const jc_yaml *section,
                                     const jc_yaml *root, mapping_text_kind kind) {
    const bool is_precision = kind == MAPPING_PRECISION;
    const char *key = is_precision ? "precision" : "meter";
    mapping_text *text = is_precision ? &c->file->precision : &c->file->meter;
    const jc_yaml *own = jc_yaml_get(section, key);
    const jc_yaml *node = own == NULL ? jc_yaml_get(root, key) : own;
    if (node == NULL) {
        *text = (mapping_text){.variable = -1, .fixed.meaning = ""};
        return JC_OK;
    }
    return mapping_compile_text(c, node, kind, text);
}

static jc_status compile_texts(mapping_compiler *c, const jc_yaml *section, const jc_yaml *root) {
    mapping_file *file = c->file;
    const char *key = file->is_network ? "architecture" : "kernel";
    const jc_yaml *node = jc_yaml_get(section, key);
    if (node == NULL) {
        return mapping_fail(c, section->key_line, "%.60s: '%s:' is missing", file->name, key);
    }
    jc_status status =
        file->is_network ? mapping_compile_text(c, node, MAPPING_ARCHITECTURE, &file->architecture)
                         : mapping_compile_text(c, node, MAPPING_KERNEL, &file->kernel);
    if (status == JC_OK) {
        status = compile_shared_text(c, section, root, MAPPING_PRECISION);
    }
    if (status == JC_OK) {
        status = compile_shared_text(c, section, root, MAPPING_METER);
    }
    if (status == JC_OK && !file->is_network) {
        note_kinds(file);
    }
    return status;
}

static jc_status compile_file(mapping_compiler *c, const jc_yaml *section, const jc_yaml *root) {
    static const char *const kernel_keys[] = {"kernel",    "columns", "drop",  "unknown",
                                              "precision", "meter",   "names", "define",
                                              "separator", NULL};
    static const char *const network_keys[] = {"architecture", "columns",   "input", "drop",
                                               "unknown",      "precision", "meter", "names",
                                               "define",       "separator", NULL};
    jc_status status =
        mapping_check_keys(c, section, "a file", c->file->is_network ? network_keys : kernel_keys);
    if (status == JC_OK) {
        status = mapping_compile_names(c, jc_yaml_get(section, "names"));
    }
    if (status == JC_OK) {
        status = compile_separator(c, jc_yaml_get(section, "separator"));
    }
    if (status == JC_OK) {
        status = compile_texts(c, section, root);
    }
    if (status == JC_OK) {
        status = mapping_compile_definitions(c, jc_yaml_get(section, "define"));
    }
    if (status == JC_OK) {
        status = mapping_compile_columns(c, section);
    }
    if (status == JC_OK) {
        status = mapping_compile_input(c, jc_yaml_get(section, "input"));
    }
    if (status == JC_OK) {
        status =
            mapping_compile_rules(c, jc_yaml_get(section, "drop"), jc_yaml_get(section, "unknown"));
    }
    return status == JC_OK ? mapping_check_complete(c, section) : status;
}

static jc_status compile_group(const mapping_compiler *shared, const jc_yaml *root, const char *key,
                               mapping *m) {
    const jc_yaml *group = jc_yaml_get(root, key);
    if (group == NULL) {
        return JC_OK;
    }
    if (group->kind != JC_YAML_MAPPING) {
        return mapping_fail(shared, group->line, "'%s' must be a mapping of file names", key);
    }
    for (const jc_yaml *section = group->child; section != NULL; section = section->next) {
        const mapping_file *earlier = mapping_find(m, section->key);
        if (earlier != NULL) {
            return mapping_fail(shared, section->key_line,
                                "%.60s stands here twice, first in line %d", section->key,
                                earlier->line);
        }
        mapping_compiler c = *shared;
        c.file = &m->files[m->n_files];
        *c.file = (mapping_file){.name = section->key,
                                 .line = section->key_line,
                                 .is_network = strcmp(key, "networks") == 0,
                                 .separator = ','};
        const jc_status status = compile_file(&c, section, root);
        if (status != JC_OK) {
            return status;
        }
        ++m->n_files;
    }
    return JC_OK;
}

// `device:` is a file beside the mapping, or the device itself.
static jc_status compile_device(const mapping_compiler *c, const jc_yaml *node, mapping *m) {
    if (node == NULL) {
        return mapping_fail(c, 1,
                            "'device:' is missing; must name a device.yaml or describe the "
                            "machine as one does");
    }
    const char *name = jc_yaml_text(node);
    if (name == NULL) {
        return device_parse(node, c->path, &m->device, c->err);
    }
    const char *slash = strrchr(c->path, '/');
    const int folder_length = slash == NULL || name[0] == '/' ? 0 : (int)(slash - c->path) + 1;
    const size_t size = (size_t)folder_length + strlen(name) + 1;
    char *path = jc_arena_alloc(c->arena, size, 1);
    if (path == NULL) {
        return mapping_fail_memory(c);
    }
    (void)snprintf(path, size, "%.*s%s", folder_length, c->path, name);
    return device_load(path, &m->device, c->err);
}

jc_status mapping_compile(const jc_yaml *root, const char *path, jc_arena *arena,
                          mapping *out_mapping, jc_error *err) {
    static const char *const keys[] = {"kernels", "networks", "device", "meter", "precision", NULL};
    const mapping_compiler c = {.path = path, .arena = arena, .err = err};
    mapping m = {.path = path};
    jc_status status = mapping_check_keys(&c, root, "a mapping", keys);
    if (status == JC_OK) {
        status = compile_device(&c, jc_yaml_get(root, "device"), &m);
    }
    if (status != JC_OK) {
        return status;
    }
    const jc_yaml *kernels = jc_yaml_get(root, "kernels");
    const jc_yaml *networks = jc_yaml_get(root, "networks");
    const size_t n =
        (kernels == NULL ? 0 : (size_t)kernels->n) + (networks == NULL ? 0 : (size_t)networks->n);
    m.files = jc_arena_alloc(arena, n + 1, sizeof *m.files);
    if (m.files == NULL) {
        return mapping_fail_memory(&c);
    }
    status = compile_group(&c, root, "kernels", &m);
    if (status == JC_OK) {
        status = compile_group(&c, root, "networks", &m);
    }
    if (status == JC_OK && m.n_files == 0) {
        status = mapping_fail(&c, root->line,
                              "no file is mapped; must have 'kernels:' or "
                              "'networks:' with file names");
    }
    if (status == JC_OK) {
        *out_mapping = m;
    }
    return status;
}

const mapping_file *mapping_find(const mapping *m, const char *name) {
    for (size_t f = 0; f < m->n_files; ++f) {
        if (strcmp(m->files[f].name, name) == 0) {
            return &m->files[f];
        }
    }
    return NULL;
}
