// SPDX-License-Identifier: Apache-2.0
// Machines for the tests of meters.
#include "machine.h"

#include "tests/common/folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MOVING = 16, PATH_BYTES = 512 };

static const char *root;

// 8 of 16 digits are one aligned word, so that a reader never sees half a number where a test
// changes one of both.
static _Atomic uint64_t *moving[MAX_MOVING];
static int n_moving;
static atomic_bool stopped;
static pthread_t mover;

static void path_in_root(const char *path, char *buffer) {
    (void)snprintf(buffer, PATH_BYTES, "%s/%s", root, path);
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755); // it may be there
        *slash = '/';
    }
}

void machine_write(const char *path, const char *text) {
    char full[PATH_BYTES];
    path_in_root(path, full);
    make_folders(full);
    const int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    cr_assert_geq(fd, 0, "%s", full);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(close(fd), 0);
}

// A file of 16 digits, mapped; NULL if it has fewer.
static _Atomic uint64_t *map_words(const char *path) {
    char full[PATH_BYTES];
    path_in_root(path, full);
    const int fd = open(full, O_RDWR | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size < 16) {
        cr_assert(fd < 0 || close(fd) == 0);
        return NULL;
    }
    void *text = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(text, MAP_FAILED);
    cr_assert_eq(close(fd), 0);
    return text;
}

void machine_set(const char *path, uint64_t value) {
    char text[32];
    (void)snprintf(text, sizeof text, "%016" PRIu64 "\n", value);
    _Atomic uint64_t *words = map_words(path);
    if (words == NULL) {
        machine_write(path, text);
        return;
    }
    uint64_t word = 0;
    for (int i = 0; i < 2; ++i) {
        memcpy(&word, text + 8 * i, 8);
        atomic_store(&words[i], word);
    }
    cr_assert_eq(munmap((void *)(uintptr_t)words, 16), 0);
}

void machine_remove(const char *path) {
    char full[PATH_BYTES];
    path_in_root(path, full);
    cr_assert_eq(unlink(full), 0);
}

// "\n" and "\t" of a description are a newline and a tab.
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; ++from) {
        if (from[0] == '\\' && (from[1] == 'n' || from[1] == 't')) {
            *to++ = from[1] == 'n' ? '\n' : '\t';
            ++from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

jc_meter_options machine_make(const char *name) {
    root = folder_make();
    cr_assert_eq(chmod(root, 0755), 0);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/tests/sysfs/%s", JC_TEST_SOURCE_ROOT, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        char *space = strchr(line, ' ');
        if (line[0] == '#' || space == NULL) {
            continue;
        }
        *space = '\0';
        unescape(space + 1);
        machine_write(line, space + 1);
    }
    (void)fclose(file);
    const int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return (jc_meter_options){.root_fd = fd};
}

static uint64_t next_word(uint64_t word) {
    char digits[9] = {0};
    memcpy(digits, &word, 8);
    unsigned value = 0;
    cr_assert_eq(sscanf(digits, "%8u", &value), 1);
    (void)snprintf(digits, sizeof digits, "%08u", (value + 1000) % 100000000);
    memcpy(&word, digits, 8);
    return word;
}

static void *move_all(void *unused) {
    (void)unused;
    while (!atomic_load(&stopped)) {
        for (int i = 0; i < n_moving; ++i) {
            atomic_store(moving[i], next_word(atomic_load(moving[i])));
        }
        machine_wait_s(0.001);
    }
    return NULL;
}

void machine_move(const char *path) {
    _Atomic uint64_t *words = map_words(path);
    cr_assert(words != NULL && n_moving < MAX_MOVING, "%s holds 16 digits", path);
    moving[n_moving++] = words + 1;
}

static void start(void) {
    atomic_store(&stopped, false);
    cr_assert_eq(pthread_create(&mover, NULL, move_all, NULL), 0);
}

void machine_stop(void) {
    atomic_store(&stopped, true);
    cr_assert_eq(pthread_join(mover, NULL), 0);
    n_moving = 0;
}

void machine_wait_s(double seconds) {
    const struct timespec pause = {.tv_sec = (time_t)seconds,
                                   .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    cr_assert_eq(nanosleep(&pause, NULL), 0);
}

void machine_lose_privileges(void) {
    if (geteuid() == 0 && seteuid(65534) != 0) {
        cr_skip_test("the superuser reads every file, and cannot be another user here");
    }
}

jc_meter_handle *machine_open(const jc_meter *meter, const jc_meter_options *options) {
    start();
    jc_meter_handle *handle = NULL;
    jc_error err = {0};
    const jc_status status = meter->open(options, &handle, &err);
    machine_stop();
    cr_assert_eq(status, JC_OK, "%s: %s", err.file, err.message);
    return handle;
}
