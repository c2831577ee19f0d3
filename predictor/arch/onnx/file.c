// SPDX-License-Identifier: Apache-2.0
// ONNX files: mapped, read, lowered. Pages with weights are never touched.
#define _DEFAULT_SOURCE // madvise

#include "lower.h"
#include "onnx.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool onnx_is_name(const char *path) {
    const size_t n = strlen(path);
    return n >= 5 && strcmp(path + n - 5, ".onnx") == 0;
}

jc_status onnx_parse(const void *bytes, size_t length, const char *name, jc_graph *graph,
                     jc_error *err) {
    jc_arena arena = {0}; // what is needed until the graph is built
    onnx_model model;
    jc_status status = onnx_read(bytes, length, name, &arena, &model, err);
    if (status == JC_OK) {
        status = onnx_lower(&model, name, &arena, graph, err);
    }
    jc_arena_clear(&arena);
    return status;
}

static jc_status fail_system(const char *path, int error, jc_error *err) {
    return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s", strerror(error));
}

jc_status onnx_load(const char *path, jc_graph *graph, jc_error *err) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not block
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        const int error = errno;
        if (fd >= 0) {
            (void)close(fd); // read only: nothing can be lost
        }
        return fail_system(path, error, err);
    }
    jc_status status = JC_OK;
    void *bytes = MAP_FAILED;
    if (!S_ISREG(info.st_mode)) {
        status = jc_error_set(err, JC_EIO, path, 0, "it is not a regular file");
    } else if (info.st_size == 0) {
        status = jc_error_set(err, JC_EPARSE, path, 0, "it is empty, not an ONNX file");
    } else {
        bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        status = bytes == MAP_FAILED ? fail_system(path, errno, err) : JC_OK;
    }
    (void)close(fd);
    if (status == JC_OK) {
        // Structure and weights alternate: what is read ahead would mostly be weights.
        (void)madvise(bytes, (size_t)info.st_size, MADV_RANDOM);
        status = onnx_parse(bytes, (size_t)info.st_size, path, graph, err);
        (void)munmap(bytes, (size_t)info.st_size);
    }
    return status;
}
