// SPDX-License-Identifier: Apache-2.0
// Folders for tests.
#include "folder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FOLDERS = 64, PATH_BYTES = 512 };

static char folders[MAX_FOLDERS][PATH_BYTES];
static int n_folders;

static void remove_files(const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[2 * PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path) != 0) {
            remove_files(path);
        }
    }
    (void)closedir(dir);
    (void)rmdir(folder);
}

static void remove_folders(void) {
    for (int i = 0; i < n_folders; ++i) {
        remove_files(folders[i]);
    }
}

const char *folder_make(void) {
    cr_assert(n_folders < MAX_FOLDERS);
    if (n_folders == 0) {
        (void)atexit(remove_folders);
    }
    const char *base = getenv("TMPDIR");
    char *folder = folders[n_folders++];
    (void)snprintf(folder, PATH_BYTES, "%s/joulecast-test-XXXXXX", base == NULL ? "/tmp" : base);
    cr_assert_not_null(mkdtemp(folder));
    return folder;
}

static FILE *open_in(const char *folder, const char *name, const char *mode) {
    char path[2 * PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    cr_assert_not_null(file, "%s", path);
    return file;
}

void folder_put(const char *folder, const char *name, const char *text) {
    FILE *file = open_in(folder, name, "wb");
    (void)fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

const char *folder_get(const char *folder, const char *name) {
    static char text[64 * 1024];
    FILE *file = open_in(folder, name, "rb");
    const size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    (void)fclose(file);
    return text;
}

int folder_count(const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return -1;
    }
    int n = 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    (void)closedir(dir);
    return n;
}
