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

static jc_status open_temporary(const char *path, output *o, jc_error *err) {
    static const char pattern[] = ".XXXXXX";
    // Through a symbolic link the file behind it is replaced, not the link.
    char *target = realpath(path, NULL);
    if (target == NULL && errno == ENOENT) {
        target = strdup(path);
    }
    char *temporary = target == NULL ? NULL : malloc(strlen(target) + sizeof pattern);
    if (temporary == NULL) {
        const int error = target == NULL ? errno : ENOMEM;
        free(target);
        return report(err, path, error);
    }
    (void)strcpy(temporary, target);
    (void)strcat(temporary, pattern);
    const int fd = mkstemp(temporary);
    const int error = errno;
    if (fd < 0) {
        free(temporary);
        free(target);
        return report(err, path, error);
    }
    const mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask); // mkstemp's 0600 is stricter than what a redirection gives
    *o = (output){.fd = fd, .name = path, .target = target, .temporary = temporary};
    return JC_OK;
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
    return open_temporary(path, out_output, err);
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

jc_status output_close(output *o, bool keep, jc_error *err) {
    if (close(o->fd) != 0 && o->error == 0) {
        o->error = errno;
    }
    if (o->temporary != NULL && (o->error != 0 || !keep)) {
        (void)unlink(o->temporary); // nothing better can be done about a file that stays
    } else if (o->temporary != NULL && rename(o->temporary, o->target) != 0) {
        o->error = errno;
        (void)unlink(o->temporary);
    }
    free(o->temporary);
    free(o->target);
    return o->error == 0 ? JC_OK : report(err, o->name, o->error);
}
