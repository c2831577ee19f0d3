// SPDX-License-Identifier: Apache-2.0
// Writing results, atomically where they go to a file.
#include "output.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static jc_status report(jc_error *err, const char *name, int error) {
    return jc_error_set(err, jc_status_from_errno(error), name, 0, "%s", strerror(error));
}

// A device or pipe cannot be replaced by a rename: it is written directly.
static jc_status open_directly(const char *path, output *o, jc_error *err) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return report(err, path, errno);
    }
    *o = (output){.fd = fd, .name = path};
    return JC_OK;
}

// Through a symbolic link the file behind it is replaced, not the link.
static jc_status open_beside(const char *path, output *o, jc_error *err) {
    char *target = realpath(path, NULL);
    jc_atomic_file file;
    const jc_status status = jc_atomic_file_open(target == NULL ? path : target, &file, err);
    free(target);
    if (status == JC_OK) {
        *o = (output){.fd = fileno(file.file), .name = path, .file = file};
    }
    return status;
}

jc_status output_open(const char *path, output *out_output, jc_error *err) {
    if (path == NULL || strcmp(path, "-") == 0) {
        *out_output = (output){.fd = STDOUT_FILENO, .name = "standard output"};
        return JC_OK;
    }
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        if (S_ISDIR(info.st_mode)) {
            return report(err, path, EISDIR);
        }
        return open_directly(path, out_output, err);
    }
    return open_beside(path, out_output, err);
}

bool output_write(output *o, const char *data, size_t length) {
    while (o->error == 0 && length > 0) {
        const ssize_t written = write(o->fd, data, length);
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        } else if (written < 0 && errno != EINTR) {
            o->error = errno;
        }
    }
    return o->error == 0;
}

static jc_status close_file(output *o, bool keep, jc_error *err) {
    if (!keep || o->error != 0) {
        jc_atomic_file_abandon(&o->file);
        return o->error == 0 ? JC_OK : report(err, o->name, o->error);
    }
    const jc_status status = jc_atomic_file_finish(&o->file, err);
    if (status != JC_OK) {
        jc_atomic_file_abandon(&o->file);
        return status;
    }
    return jc_atomic_file_commit(&o->file, err);
}

jc_status output_close(output *o, bool keep, jc_error *err) {
    if (o->file.file != NULL) {
        return close_file(o, keep, err);
    }
    if (close(o->fd) != 0 && o->error == 0) {
        o->error = errno;
    }
    return o->error == 0 ? JC_OK : report(err, o->name, o->error);
}
