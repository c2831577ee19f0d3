// SPDX-License-Identifier: Apache-2.0
// Architecture files from arguments, folders and standard input.
#define _DEFAULT_SOURCE // d_type of struct dirent

#include "paths.h"

#include "common/arena.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

enum { LINE_BYTES = 64 * 1024 };

// A folder on the way down to the current file.
typedef struct folder {
    struct folder *parent;
    jc_arena arena;
    const char *path;
    const char **names; // [n] sorted
    size_t n;
    size_t next;
} folder;

struct paths {
    char *const *operands;
    int n_operands;
    int next_operand;
    folder *folder;  // innermost; NULL = none
    bool reads_list; // standard input is being read
    bool list_ended;
    bool skips_line;   // the rest of an overlong line
    size_t line_start; // in `list`
    size_t list_length;
    char list[LINE_BYTES];
    char path[2 * PATH_MAX];
};

paths *paths_open(char *const *operands, int n_operands) {
    paths *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->operands = operands;
        p->n_operands = n_operands;
    }
    return p;
}

static bool ends_with(const char *text, const char *end) {
    const size_t n_text = strlen(text);
    const size_t n_end = strlen(end);
    return n_text > n_end && strcmp(text + n_text - n_end, end) == 0;
}

static bool is_architecture(const char *name) {
    return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".onnx");
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Links to folders are not followed, so that a walk always ends.
static bool is_folder_entry(int dir_fd, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
    struct stat info;
    return fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

// Architectures and folders, the latter with a slash behind the name.
static jc_status list_names(folder *f, DIR *dir) {
    size_t capacity = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        const bool is_folder = name[0] != '.' && is_folder_entry(dirfd(dir), entry);
        if (name[0] == '.' || (!is_folder && !is_architecture(name))) {
            continue;
        }
        const char **names = (const char **)jc_arena_grow(&f->arena, (void *)f->names, f->n,
                                                          &capacity, sizeof *names);
        const size_t length = strlen(name);
        char *copy = jc_arena_alloc(&f->arena, length + 2, 1);
        if (names == NULL || copy == NULL) {
            return JC_ENOMEM;
        }
        memcpy(copy, name, length);
        copy[length] = is_folder ? '/' : '\0';
        f->names = names;
        f->names[f->n++] = copy;
    }
    if (f->n > 1) {
        qsort((void *)f->names, f->n, sizeof *f->names, compare_texts);
    }
    return JC_OK;
}

static void free_folder(folder *f) {
    jc_arena_clear(&f->arena);
    free(f);
}

static jc_status enter_folder(paths *p, const char *path, jc_error *err) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        const int error = errno;
        return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s", strerror(error));
    }
    folder *f = calloc(1, sizeof *f);
    jc_status status = f == NULL ? JC_ENOMEM : list_names(f, dir);
    (void)closedir(dir);
    if (status == JC_OK && (f->path = jc_arena_copy_text(&f->arena, path, strlen(path))) == NULL) {
        status = JC_ENOMEM;
    }
    if (status != JC_OK) {
        if (f != NULL) {
            free_folder(f);
        }
        return jc_error_set(err, status, path, 0, "out of memory");
    }
    f->parent = p->folder;
    p->folder = f;
    return JC_OK;
}

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

// The next file of the folder, or nothing where it was a folder or the end of one.
static jc_status next_in_folder(paths *p, const char **out_path, jc_error *err) {
    folder *f = p->folder;
    if (f->next == f->n) {
        p->folder = f->parent;
        free_folder(f);
        return JC_OK;
    }
    const char *name = f->names[f->next++];
    const int length = snprintf(p->path, sizeof p->path, "%s%s%s", f->path,
                                ends_with(f->path, "/") ? "" : "/", name);
    if (length < 0 || (size_t)length >= sizeof p->path) {
        return jc_error_set(err, JC_EIO, f->path, 0, "the path of '%.60s' in it is too long", name);
    }
    if (ends_with(name, "/")) {
        return enter_folder(p, p->path, err);
    }
    *out_path = p->path;
    return JC_OK;
}

static char *find_line_end(const paths *p) {
    return memchr(p->list + p->line_start, '\n', p->list_length - p->line_start);
}

static jc_status read_more(paths *p, jc_error *err) {
    memmove(p->list, p->list + p->line_start, p->list_length - p->line_start);
    p->list_length -= p->line_start;
    p->line_start = 0;
    ssize_t got = 0;
    do {
        // One byte is kept for the end of a last line that has no newline.
        got = read(STDIN_FILENO, p->list + p->list_length, sizeof p->list - 1 - p->list_length);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        const int error = errno;
        p->reads_list = false;
        return jc_error_set(err, jc_status_from_errno(error), "standard input", 0, "%s",
                            strerror(error));
    }
    p->list_length += (size_t)got;
    if (got == 0) {
        p->list_ended = true;
        if (p->list_length > 0 && p->list[p->list_length - 1] != '\n') {
            p->list[p->list_length++] = '\n';
        }
    }
    return JC_OK;
}

// Takes a line from the list; nothing where it is empty.
static void take_line(paths *p, char *line_end, const char **out_path) {
    char *line = p->list + p->line_start;
    *line_end = '\0';
    p->line_start = (size_t)(line_end - p->list) + 1;
    if (line_end > line && line_end[-1] == '\r') {
        line_end[-1] = '\0';
    }
    if (!p->skips_line && line[0] != '\0') {
        *out_path = line;
    }
    p->skips_line = false;
}

static jc_status next_in_list(paths *p, const char **out_path, jc_error *err) {
    char *line_end = find_line_end(p);
    if (line_end != NULL) {
        take_line(p, line_end, out_path);
        return JC_OK;
    }
    if (p->list_ended) {
        p->reads_list = false;
        return JC_OK;
    }
    if (p->list_length - p->line_start >= sizeof p->list - 1) {
        const bool is_reported = p->skips_line;
        p->line_start = p->list_length = 0;
        p->skips_line = true;
        return is_reported ? JC_OK
                           : jc_error_set(err, JC_EPARSE, "standard input", 0,
                                          "a line is longer than any path");
    }
    return read_more(p, err);
}

static jc_status next_operand(paths *p, const char **out_path, jc_error *err) {
    const char *operand = p->operands[p->next_operand++];
    if (strcmp(operand, "-") == 0) {
        p->reads_list = true;
    } else if (is_folder(operand)) {
        return enter_folder(p, operand, err);
    } else {
        *out_path = operand;
    }
    return JC_OK;
}

jc_status paths_next(paths *p, const char **out_path, jc_error *err) {
    *out_path = NULL;
    for (;;) {
        jc_status status = JC_OK;
        if (p->folder != NULL) {
            status = next_in_folder(p, out_path, err);
        } else if (p->reads_list) {
            status = next_in_list(p, out_path, err);
        } else if (p->next_operand < p->n_operands) {
            status = next_operand(p, out_path, err);
        } else {
            return JC_OK;
        }
        if (status != JC_OK || *out_path != NULL) {
            return status;
        }
    }
}

bool paths_would_wait(const paths *p) {
    return p->folder == NULL && p->reads_list && !p->list_ended && find_line_end(p) == NULL;
}

double paths_share(const paths *p) {
    if (p->reads_list || p->next_operand == 0) {
        return 0;
    }
    double within = p->folder == NULL; // of the part at hand, one level up in each round
    for (const folder *f = p->folder; f != NULL; f = f->parent) {
        const bool is_innermost = f == p->folder;
        const double behind = (double)f->next - (is_innermost ? 0 : 1) + within;
        within = f->n == 0 ? 0 : behind / (double)f->n;
    }
    return (p->next_operand - 1 + within) / p->n_operands;
}

void paths_close(paths *p) {
    while (p->folder != NULL) {
        folder *parent = p->folder->parent;
        free_folder(p->folder);
        p->folder = parent;
    }
    free(p);
}
