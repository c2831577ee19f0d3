// SPDX-License-Identifier: Apache-2.0
// Names of tensors within one list of layers.
#include "compile_names.h"

#include "common/suggest.h"

#include <joulecast/op.h>

#include <stdlib.h>
#include <string.h>

typedef struct collector {
    const char *file;
    jc_arena *arena;
    jc_error *err;
    name_table *table;
    size_t capacity;
} collector;

static bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool name_is_word(const char *name) {
    size_t n = 0;
    while (is_word_character(name[n])) {
        ++n;
    }
    return n > 0 && name[n] == '\0' && (name[0] < '0' || name[0] > '9');
}

// Whether a name could be taken for one that an unnamed layer is given ("conv2d_3").
static bool looks_automatic(const char *name) {
    char stem[64];
    const size_t length = strlen(name);
    size_t n = length;
    while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9') {
        --n;
    }
    if (n < length && n > 0 && name[n - 1] == '_') {
        --n;
    } else {
        n = length;
    }
    if (n >= sizeof stem) {
        return false;
    }
    memcpy(stem, name, n);
    stem[n] = '\0';
    return jc_op_find(stem) != NULL;
}

static jc_status add(collector *c, const char *name, int line, bool is_input) {
    if (!name_is_word(name) || looks_automatic(name)) {
        return jc_error_set(c->err, JC_EPARSE, c->file, line,
                            "'%.60s' cannot be a name: letters, digits and _ make one, and "
                            "`operator` and `operator_number` are what unnamed layers are called",
                            name);
    }
    name_entry *entries =
        jc_arena_grow(c->arena, c->table->entries, c->table->n, &c->capacity, sizeof *entries);
    if (entries == NULL) {
        return jc_error_set(c->err, JC_ENOMEM, c->file, 0, "out of memory");
    }
    c->table->entries = entries;
    entries[c->table->n] =
        (name_entry){.name = name, .line = line, .slot = (int)c->table->n, .defined = is_input};
    c->table->n++;
    return JC_OK;
}

static jc_status collect_list(collector *c, const jc_yaml *layers) {
    for (const jc_yaml *item = layers->child; item != NULL; item = item->next) {
        const jc_yaml *params = item->kind == JC_YAML_MAPPING ? item->child : NULL;
        const jc_yaml *name = jc_yaml_get(params, "name");
        const jc_yaml *branches = jc_yaml_get(params, "branches");
        jc_status status = JC_OK;
        if (name != NULL && jc_yaml_text(name) == NULL) {
            return jc_error_set(c->err, JC_EPARSE, c->file, name->line, "name must be a word");
        }
        for (const jc_yaml *branch = branches == NULL ? NULL : branches->child;
             branch != NULL && status == JC_OK; branch = branch->next) {
            status = collect_list(c, branch);
        }
        if (status == JC_OK && name != NULL) {
            status = add(c, name->text, name->line, false);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

static int compare_entries(const void *a, const void *b) {
    const name_entry *left = a;
    const name_entry *right = b;
    const int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->slot > right->slot) - (left->slot < right->slot);
}

jc_status name_table_collect(name_table *table, const jc_yaml *layers,
                             const char *const *input_names, size_t n_inputs, const char *file,
                             jc_arena *arena, jc_error *err) {
    *table = (name_table){0};
    collector c = {.file = file, .arena = arena, .err = err, .table = table};
    for (size_t i = 0; i < n_inputs; ++i) {
        const jc_status status = add(&c, input_names[i], layers->line, true);
        if (status != JC_OK) {
            return status;
        }
    }
    const jc_status status = collect_list(&c, layers);
    if (status != JC_OK) {
        return status;
    }
    if (table->n > 1) {
        qsort(table->entries, table->n, sizeof *table->entries, compare_entries);
    }
    for (size_t i = 1; i < table->n; ++i) {
        const name_entry *first = &table->entries[i - 1];
        const name_entry *second = &table->entries[i];
        if (strcmp(first->name, second->name) == 0) {
            return jc_error_set(err, JC_EPARSE, file, second->line,
                                "the name '%.60s' is taken already, in line %d", second->name,
                                first->line);
        }
    }
    return JC_OK;
}

static name_entry *find(const name_table *table, const char *name) {
    const name_entry key = {.name = name, .slot = -1};
    size_t low = 0;
    size_t high = table->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_entries(&table->entries[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool found = low < table->n && strcmp(table->entries[low].name, name) == 0;
    return found ? &table->entries[low] : NULL;
}

int name_table_define(name_table *table, const char *name) {
    name_entry *entry = find(table, name);
    entry->defined = true;
    return entry->slot;
}

jc_status name_table_use(const name_table *table, const char *name, const char *file, int line,
                         int *out_slot, jc_error *err) {
    const name_entry *entry = find(table, name);
    if (entry != NULL && entry->defined) {
        *out_slot = entry->slot;
        return JC_OK;
    }
    if (entry != NULL) {
        return jc_error_set(err, JC_EPARSE, file, line,
                            "'%.60s' stands later, in line %d: a layer takes earlier ones only, so "
                            "that there is no cycle",
                            name, entry->line);
    }
    jc_suggestion suggestion = {.wanted = name};
    for (size_t i = 0; i < table->n; ++i) {
        jc_suggestion_offer(&suggestion, table->entries[i].name);
    }
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(err, JC_EPARSE, file, line, "no layer or input is called '%.60s' here%s",
                        name, jc_suggestion_format(&suggestion, hint));
}

jc_status name_list_read(const jc_yaml *node, const char *file, jc_arena *arena,
                         const char *const **out_names, size_t *out_n, jc_error *err) {
    const bool is_list = node->kind == JC_YAML_SEQUENCE && node->n > 0;
    const jc_yaml *item = is_list ? node->child : node;
    const size_t n = is_list ? (size_t)node->n : 1;
    const char **names = jc_arena_alloc(arena, n, sizeof *names);
    if (names == NULL) {
        return jc_error_set(err, JC_ENOMEM, file, 0, "out of memory");
    }
    for (size_t i = 0; i < n; ++i, item = item->next) {
        names[i] = jc_yaml_text(item);
        if (names[i] == NULL || names[i][0] == '\0') {
            return jc_error_set(err, JC_EPARSE, file, item->line,
                                "inputs must be a name or a list of names");
        }
    }
    *out_names = names;
    *out_n = n;
    return JC_OK;
}
