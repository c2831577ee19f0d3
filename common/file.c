// SPDX-License-Identifier: Apache-2.0
// Reading whole files.
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

jc_status jc_status_from_errno(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return JC_ENOENT;
    case EACCES:
    case EPERM:
        return JC_EPERM;
    case ENOMEM:
        return JC_ENOMEM;
    default:
        return JC_EIO;
    }
}

static jc_status report_errno(jc_error *err, const char *path) {
    const int error = errno;
    return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s", strerror(error));
}

static jc_status read_all(int fd, const char *path, char *text, size_t size, size_t *out_length,
                          jc_error *err) {
    size_t length = 0;
    while (length < size) {
        const ssize_t got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return report_errno(err, path);
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    text[length] = '\0';
    *out_length = length;
    return JC_OK;
}

jc_status jc_file_read(const char *path, size_t max_bytes, jc_arena *arena, char **out_text,
                       size_t *out_length, jc_error *err) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return report_errno(err, path);
    }
    jc_status status = JC_OK;
    struct stat info;
    char *text = NULL;
    if (fstat(fd, &info) != 0) {
        status = report_errno(err, path);
    } else if (!S_ISREG(info.st_mode)) {
        status = jc_error_set(err, JC_EIO, path, 0, "not a regular file");
    } else if ((size_t)info.st_size > max_bytes) {
        status = jc_error_set(err, JC_EPARSE, path, 0,
                              "larger than %zu bytes, the most that is read", max_bytes);
    } else if ((text = jc_arena_alloc(arena, 1, (size_t)info.st_size + 1)) == NULL) {
        status = jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    } else {
        status = read_all(fd, path, text, (size_t)info.st_size, out_length, err);
    }
    (void)close(fd); // read only: nothing can be lost
    if (status == JC_OK) {
        *out_text = text;
    }
    return status;
}
