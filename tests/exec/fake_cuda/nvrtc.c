// SPDX-License-Identifier: Apache-2.0
// NVRTC: the compiler of this processor, after the real one, which needs no GPU, has taken the same
// source. What is made is kept beside the tests, under a name that follows from the source and the
// options, so that it is made once.
#include "fake.h"

#include "common/digest.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct _nvrtcProgram {
    char *source;
    char path[512]; ///< of what was compiled
};

nvrtcResult nvrtcCreateProgram(nvrtcProgram *out, const char *source, const char *name, int n,
                               const char *const *headers, const char *const *names) {
    (void)name, (void)n, (void)headers, (void)names;
    if (fake_is_to_fail()) {
        return NVRTC_ERROR_OUT_OF_MEMORY;
    }
    *out = calloc(1, sizeof **out);
    (*out)->source = strdup(source);
    fake.n_live++;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program) {
    free((*program)->source);
    free(*program);
    *program = NULL;
    fake.n_live--;
    return NVRTC_SUCCESS;
}

// "-DNAME=VALUE" as a line; other options are the GPU's.
static void write_define(FILE *file, const char *option) {
    const char *value = strchr(option, '=');
    if (strncmp(option, "-D", 2) == 0) {
        (void)fprintf(file, "#define %.*s %s\n",
                      value == NULL ? (int)strlen(option + 2) : (int)(value - option - 2),
                      option + 2, value == NULL ? "1" : value + 1);
    }
}

// The real compiler takes the same source and options, GPU or not.
static bool compile_for_gpu(const char *source, int n, const char *const *options) {
    static nvrtcResult (*create)(nvrtcProgram *, const char *, const char *, int,
                                 const char *const *, const char *const *);
    static nvrtcResult (*build)(nvrtcProgram, int, const char *const *);
    static nvrtcResult (*get_log)(nvrtcProgram, char *);
    static nvrtcResult (*destroy)(nvrtcProgram *);
    if (create == NULL) {
        void *object = dlopen(FAKE_REAL_NVRTC, RTLD_NOW | RTLD_LOCAL);
        if (object == NULL) {
            return false;
        }
        *(void **)(void *)&create = dlsym(object, "nvrtcCreateProgram");
        *(void **)(void *)&build = dlsym(object, "nvrtcCompileProgram");
        *(void **)(void *)&get_log = dlsym(object, "nvrtcGetProgramLog");
        *(void **)(void *)&destroy = dlsym(object, "nvrtcDestroyProgram");
    }
    nvrtcProgram program = NULL;
    bool ok = create(&program, source, "kernels.cu", 0, NULL, NULL) == NVRTC_SUCCESS;
    ok = ok && build(program, n, options) == NVRTC_SUCCESS;
    if (!ok && program != NULL) {
        static char log[65536];
        (void)get_log(program, log);
        (void)fake_fault("NVRTC: %s", log);
    }
    (void)destroy(&program);
    return ok;
}

static bool compile(const char *source, const char *library) {
    const pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c",
                    FAKE_COMPILER " -shared -fPIC -O1 -w -x c -ffp-contract=off -I" FAKE_INCLUDE
                                  " -o \"$0\" \"$1\" -lm",
                    library, source, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int n, const char *const *options) {
    uint64_t digest = digest_add(DIGEST_BEGIN, program->source, strlen(program->source));
    for (int i = 0; i < n; ++i) {
        digest = digest_add(digest, options[i], strlen(options[i]) + 1);
    }
    (void)mkdir(FAKE_KERNELS, 0777); // it may be there
    (void)snprintf(program->path, sizeof program->path, "%s/%016llx.so", FAKE_KERNELS,
                   (unsigned long long)digest);
    if (fake_is_to_fail()) {
        return NVRTC_ERROR_COMPILATION;
    }
    if (access(program->path, R_OK) == 0) {
        return NVRTC_SUCCESS;
    }
    char source[600];
    char library[600];
    (void)snprintf(source, sizeof source, "%s.%ld.c", program->path, (long)getpid());
    (void)snprintf(library, sizeof library, "%s.%ld", program->path, (long)getpid());
    FILE *file = fopen(source, "w");
    if (file == NULL) {
        return NVRTC_ERROR_PROGRAM_CREATION_FAILURE;
    }
    (void)fputs("#include \"device.h\"\n", file);
    for (int i = 0; i < n; ++i) {
        write_define(file, options[i]);
    }
    (void)fputs(program->source, file);
    const bool ok = fclose(file) == 0 && compile(source, library) &&
                    compile_for_gpu(program->source, n, options) &&
                    rename(library, program->path) == 0; // all of it, or nothing
    if (ok) {
        (void)unlink(source);
    }
    return ok ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *size) {
    *size = strlen(program->path) + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *code) {
    strcpy(code, program->path);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *size) {
    *size = strlen(program->path) + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log) {
    strcpy(log, program->path);
    return NVRTC_SUCCESS;
}

const char *nvrtcGetErrorString(nvrtcResult result) {
    return result == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "some error";
}
