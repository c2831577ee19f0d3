// SPDX-License-Identifier: Apache-2.0
// Finding shipped files by name.
#include "common/search_path.h"

#include "common/suggest.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

// Calls `visit` with each folder that is to be searched, until it returns true.
typedef bool (*visit_folder)(const char *folder, void *context);

static bool visit_environment(const char *variable, visit_folder visit, void *context) {
    const char *rest = variable == NULL ? NULL : getenv(variable);
    while (rest != NULL && rest[0] != '\0') {
        const size_t length = strcspn(rest, ":");
        char folder[PATH_MAX];
        if (length > 0 && length < sizeof folder) {
            memcpy(folder, rest, length);
            folder[length] = '\0';
            if (visit(folder, context)) {
                return true;
            }
        }
        rest += length + (rest[length] == ':');
    }
    return false;
}

static bool visit_joined(const char *parent, const char *child, visit_folder visit, void *context) {
    char folder[PATH_MAX];
    const int length = snprintf(folder, sizeof folder, "%s/%s", parent, child);
    return length > 0 && (size_t)length < sizeof folder && visit(folder, context);
}

static bool lies_in(const char *path, const char *folder) {
    const size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static bool visit_folders(const jc_search_path *path, visit_folder visit, void *context) {
    if (visit_environment(path->environment, visit, context)) {
        return true;
    }
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    if (lies_in(program, JC_BUILD_ROOT)) {
        return visit_joined(JC_SOURCE_ROOT, path->source_folder, visit, context);
    }
    char *slash = strrchr(program, '/');
    if (slash != NULL) {
        *slash = '\0';
        char share[PATH_MAX + 32];
        (void)snprintf(share, sizeof share, "%s/../share/joulecast", program);
        if (visit_joined(share, path->installed_folder, visit, context)) {
            return true;
        }
    }
    return visit_joined(JC_DATA_FOLDER, path->installed_folder, visit, context);
}

typedef struct find_context {
    const jc_search_path *path;
    const char *name;
    char *buffer;
    size_t size;
    bool too_long;
} find_context;

static bool find_in_folder(const char *folder, void *context) {
    find_context *find = context;
    for (const char *const *suffix = find->path->suffixes; *suffix != NULL; ++suffix) {
        char file[PATH_MAX];
        const int length = snprintf(file, sizeof file, "%s/%s%s", folder, find->name, *suffix);
        if (length < 0 || (size_t)length >= sizeof file || access(file, F_OK) != 0) {
            continue;
        }
        find->too_long = (size_t)length >= find->size;
        if (!find->too_long) {
            memcpy(find->buffer, file, (size_t)length + 1);
        }
        return true;
    }
    return false;
}

static jc_status report_unknown(const jc_search_path *path, const char *name, jc_error *err) {
    jc_arena arena = {0};
    jc_search_entry *entries = NULL;
    size_t n = 0;
    jc_suggestion suggestion = {.wanted = name};
    if (jc_search_list(path, &arena, &entries, &n) == JC_OK) {
        for (size_t i = 0; i < n; ++i) {
            jc_suggestion_offer(&suggestion, entries[i].name);
        }
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    const jc_status status =
        jc_error_set(err, JC_ENOENT, NULL, 0, "there is no %s '%s'%s", path->noun, name,
                     jc_suggestion_format(&suggestion, close));
    jc_arena_clear(&arena);
    return status;
}

jc_status jc_search_find(const jc_search_path *path, const char *name, char *buffer, size_t size,
                         jc_error *err) {
    find_context find = {.path = path, .name = name, .buffer = buffer, .size = size};
    // A name is no path: what has a slash is never looked up, so "../x" reaches nowhere.
    if (name[0] == '\0' || strchr(name, '/') != NULL ||
        !visit_folders(path, find_in_folder, &find)) {
        return report_unknown(path, name, err);
    }
    if (find.too_long) {
        return jc_error_set(err, JC_ERANGE, NULL, 0, "the path of %s '%s' is too long", path->noun,
                            name);
    }
    return JC_OK;
}

typedef struct list_context {
    const jc_search_path *path;
    jc_arena *arena;
    jc_search_entry *entries;
    size_t n;
    size_t capacity;
    jc_status status;
} list_context;

static bool is_listed(const list_context *list, const char *name, size_t length) {
    for (size_t i = 0; i < list->n; ++i) {
        if (strncmp(list->entries[i].name, name, length) == 0 &&
            list->entries[i].name[length] == '\0') {
            return true;
        }
    }
    return false;
}

static void add_entry(list_context *list, const char *folder, const char *name, size_t length,
                      const char *suffix) {
    char path[PATH_MAX];
    const int written = snprintf(path, sizeof path, "%s/%.*s%s", folder, (int)length, name, suffix);
    if (written < 0 || (size_t)written >= sizeof path || access(path, F_OK) != 0 ||
        is_listed(list, name, length)) {
        return;
    }
    jc_search_entry *entries =
        jc_arena_grow(list->arena, list->entries, list->n, &list->capacity, sizeof *list->entries);
    char *name_copy = jc_arena_copy_text(list->arena, name, length);
    char *path_copy = jc_arena_copy_text(list->arena, path, (size_t)written);
    if (entries == NULL || name_copy == NULL || path_copy == NULL) {
        list->status = JC_ENOMEM;
        return;
    }
    list->entries = entries;
    list->entries[list->n++] = (jc_search_entry){name_copy, path_copy};
}

// Adds a file or folder of `folder` if it is one of those sought.
static void consider_entry(list_context *list, const char *folder, const char *name) {
    const size_t length = strlen(name);
    for (const char *const *suffix = list->path->suffixes; *suffix != NULL; ++suffix) {
        const size_t n_suffix = strlen(*suffix);
        if (name[0] == '.') {
            continue;
        }
        if ((*suffix)[0] == '/') {
            add_entry(list, folder, name, length, *suffix);
        } else if (length > n_suffix && strcmp(name + length - n_suffix, *suffix) == 0) {
            add_entry(list, folder, name, length - n_suffix, *suffix);
        }
    }
}

static bool list_folder(const char *folder, void *context) {
    list_context *list = context;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return false; // a folder of the path that is not there holds nothing
    }
    const struct dirent *entry = NULL;
    while (list->status == JC_OK && (entry = readdir(dir)) != NULL) {
        consider_entry(list, folder, entry->d_name);
    }
    (void)closedir(dir);
    return list->status != JC_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const jc_search_entry *)a)->name, ((const jc_search_entry *)b)->name);
}

jc_status jc_search_list(const jc_search_path *path, jc_arena *arena, jc_search_entry **out_entries,
                         size_t *out_n) {
    list_context list = {.path = path, .arena = arena};
    (void)visit_folders(path, list_folder, &list);
    if (list.status != JC_OK) {
        return list.status;
    }
    if (list.n > 1) {
        qsort(list.entries, list.n, sizeof *list.entries, compare_names);
    }
    *out_entries = list.entries;
    *out_n = list.n;
    return JC_OK;
}
