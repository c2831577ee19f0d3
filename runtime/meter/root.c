// SPDX-License-Identifier: Apache-2.0
// Files of the machine, below the folder that stands for "/".
#include "root.h"

#include "common/file.h"
#include "common/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static jc_status report_errno(jc_error *err, int error, const char *path) {
    char absolute[ROOT_PATH_SIZE + 1];
    (void)snprintf(absolute, sizeof absolute, "/%s", path);
    // ENODEV: what a sysfs file answers whose device was removed or whose module unloaded.
    const jc_status status = error == ENODEV ? JC_ENOMETER : jc_status_from_errno(error);
    return jc_error_set(err, status, absolute, 0, "%s", strerror(error));
}

jc_status root_open(int root_fd, const char *path, int *out_fd, jc_error *err) {
    const int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return report_errno(err, errno, path);
    }
    *out_fd = fd;
    return JC_OK;
}

jc_status root_reread(int fd, const char *path, char *buffer, jc_error *err) {
    ssize_t length = 0;
    do {
        length = pread(fd, buffer, ROOT_TEXT_SIZE - 1, 0);
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        return report_errno(err, errno, path);
    }
    if (length > 0 && buffer[length - 1] == '\n') {
        --length;
    }
    buffer[length] = '\0';
    return JC_OK;
}

static jc_status parse_integer(const char *path, int64_t least, const char *text,
                               int64_t *out_value, jc_error *err) {
    int64_t value = 0;
    if (!jc_parse_int64(text, &value) || value < least) {
        char absolute[ROOT_PATH_SIZE + 1];
        (void)snprintf(absolute, sizeof absolute, "/%s", path);
        return jc_error_set(err, JC_EIO, absolute, 0, "'%.40s' is not a whole number%s", text,
                            least == 0 ? " of 0 or more" : "");
    }
    *out_value = value;
    return JC_OK;
}

jc_status root_reread_integer(int fd, const char *path, int64_t *out_value, jc_error *err) {
    char text[ROOT_TEXT_SIZE];
    const jc_status status = root_reread(fd, path, text, err);
    return status == JC_OK ? parse_integer(path, INT64_MIN, text, out_value, err) : status;
}

jc_status root_reread_count(int fd, const char *path, uint64_t *out_value, jc_error *err) {
    char text[ROOT_TEXT_SIZE];
    int64_t value = 0;
    jc_status status = root_reread(fd, path, text, err);
    if (status == JC_OK) {
        status = parse_integer(path, 0, text, &value, err);
    }
    if (status == JC_OK) {
        *out_value = (uint64_t)value;
    }
    return status;
}

jc_status root_read(int root_fd, const char *path, char *buffer, jc_error *err) {
    int fd = -1;
    jc_status status = root_open(root_fd, path, &fd, err);
    if (status == JC_OK) {
        status = root_reread(fd, path, buffer, err);
        (void)close(fd); // read only: nothing can be lost
    }
    return status;
}

jc_status root_read_count(int root_fd, const char *path, uint64_t *out_value, jc_error *err) {
    int fd = -1;
    jc_status status = root_open(root_fd, path, &fd, err);
    if (status == JC_OK) {
        status = root_reread_count(fd, path, out_value, err);
        (void)close(fd); // read only: nothing can be lost
    }
    return status;
}

bool root_has(int root_fd, const char *path) {
    struct stat info;
    return fstatat(root_fd, path, &info, 0) == 0;
}

// Digits compare as numbers, all else as bytes.
static int compare_names(const void *a, const void *b) {
    const char *x = *(const char *const *)a;
    const char *y = *(const char *const *)b;
    const char *const digits = "0123456789";
    while (*x != '\0' && *y != '\0') {
        const size_t m = strspn(x, digits);
        const size_t n = strspn(y, digits);
        if (m > 0 && n > 0 && m != n) {
            return m < n ? -1 : 1;
        }
        if (*x != *y) {
            break;
        }
        ++x;
        ++y;
    }
    return (unsigned char)*x - (unsigned char)*y;
}

static jc_status collect_names(DIR *dir, jc_arena *arena, const char ***out_names, size_t *out_n) {
    const char **names = NULL;
    size_t n = 0;
    size_t capacity = 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.') {
            continue;
        }
        names = jc_arena_grow(arena, names, n, &capacity, sizeof *names);
        if (names == NULL ||
            (names[n] = jc_arena_copy_text(arena, e->d_name, strlen(e->d_name))) == NULL) {
            return JC_ENOMEM;
        }
        ++n;
    }
    if (n > 0) {
        qsort(names, n, sizeof *names, compare_names);
    }
    *out_names = names;
    *out_n = n;
    return JC_OK;
}

jc_status root_list(int root_fd, const char *folder, jc_arena *arena, const char ***out_names,
                    size_t *out_n, jc_error *err) {
    const int fd = openat(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        const int error = errno;
        if (fd >= 0) {
            (void)close(fd); // nothing was written
        }
        return report_errno(err, error, folder);
    }
    const jc_status status = collect_names(dir, arena, out_names, out_n);
    (void)closedir(dir); // read only: nothing can be lost
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}

bool root_cpu_has(int root_fd, const char *field, const char *word) {
    const int fd = openat(root_fd, "proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL) {
        if (fd >= 0) {
            (void)close(fd); // nothing was written
        }
        return false;
    }
    bool found = false;
    char line[8192]; // the flags are the longest ones, of some 2 KB
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, field, strlen(field)) == 0 && strstr(line, word) != NULL;
    }
    (void)fclose(file); // read only: nothing can be lost
    return found;
}

// x86 processors have a flag for it; elsewhere the hypervisor leaves a trace in sysfs.
bool root_is_virtual(int root_fd) {
    return root_cpu_has(root_fd, "flags", " hypervisor") ||
           root_has(root_fd, "sys/hypervisor/type");
}

bool root_is_this_machine(int root_fd) {
    struct stat here;
    struct stat there;
    return stat("/", &here) == 0 && fstat(root_fd, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}
