// SPDX-License-Identifier: Apache-2.0
// Files that appear whole or not at all.
#include "common/atomic_file.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUFFIX_SIZE = 32 };

static jc_status report(jc_error *err, const char *path, int error) {
    return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s", strerror(error));
}

static void forget(jc_atomic_file *file) {
    free(file->path);
    free(file->temporary);
    *file = (jc_atomic_file){.file = NULL};
}

jc_status jc_atomic_file_open(const char *path, jc_atomic_file *out_file, jc_error *err) {
    const size_t size = strlen(path) + SUFFIX_SIZE;
    jc_atomic_file file = {.path = strdup(path), .temporary = malloc(size)};
    if (file.path == NULL || file.temporary == NULL) {
        forget(&file);
        return report(err, path, ENOMEM);
    }
    // The process in the name keeps two programs apart; what a dead one left is overwritten.
    (void)snprintf(file.temporary, size, "%s.%ld.part", path, (long)getpid());
    const int fd =
        open(file.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    file.file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (file.file == NULL) {
        const int error = errno;
        if (fd >= 0) {
            (void)close(fd); // nothing was written
            (void)unlink(file.temporary);
        }
        forget(&file);
        return report(err, path, error);
    }
    *out_file = file;
    return JC_OK;
}

jc_status jc_atomic_file_finish(jc_atomic_file *file, jc_error *err) {
    int error = 0;
    if (ferror(file->file) != 0) {
        error = EIO;
    } else if (fflush(file->file) != 0 || fsync(fileno(file->file)) != 0) {
        error = errno;
    }
    if (fclose(file->file) != 0 && error == 0) {
        error = errno;
    }
    file->file = NULL;
    return error == 0 ? JC_OK : report(err, file->path, error);
}

jc_status jc_atomic_file_commit(jc_atomic_file *file, jc_error *err) {
    jc_status status = JC_OK;
    if (rename(file->temporary, file->path) != 0) {
        const int error = errno;
        status = report(err, file->path, error);
        (void)unlink(file->temporary); // the failure that matters is reported
    }
    forget(file);
    return status;
}

void jc_atomic_file_abandon(jc_atomic_file *file) {
    if (file->file != NULL) {
        (void)fclose(file->file); // thrown away
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    forget(file);
}
