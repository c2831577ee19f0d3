// SPDX-License-Identifier: Apache-2.0
// Replays a corpus through a fuzz target: each file of a folder as it is, and then mutated. The
// mutations are the same in every run.
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>

enum { MUTATIONS = 2000, MAX_BYTES = 64 * 1024, MAX_EDITS = 4 };

// xorshift64 (Marsaglia 2003): any non-zero state.
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Bytes that mean something to the readers.
static const char telling[] = "\n\r\"',:;{}[]()#&*!-+.0123456789eE \t\\\xEF\xBB\xBF\xFF%<>=";

static size_t edit(uint8_t *bytes, size_t size, uint64_t *state) {
    const uint64_t choice = next_random(state) % 5;
    const size_t at = size == 0 ? 0 : next_random(state) % size;
    const size_t n = size == 0 ? 0 : 1 + next_random(state) % (size - at);
    switch (choice) {
    case 0: // change
        if (size > 0) {
            bytes[at] = (uint8_t)next_random(state);
        }
        return size;
    case 1: // change to a byte that means something
        if (size > 0) {
            bytes[at] = (uint8_t)telling[next_random(state) % sizeof telling];
        }
        return size;
    case 2: // remove
        memmove(bytes + at, bytes + at + n, size - at - n);
        return size - n;
    case 3: // cut off
        return at;
    default: // repeat
        if (size + n > MAX_BYTES) {
            return size;
        }
        memmove(bytes + at + n, bytes + at, size - at);
        return size + n;
    }
}

// In storage of exactly that size, so that a sanitizer sees a read past the end.
static void run(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size + (size == 0));
    FUZZ_REQUIRE(copy != NULL);
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay(const uint8_t *bytes, size_t size) {
    static uint8_t mutant[MAX_BYTES];
    uint64_t state = 0x9E3779B97F4A7C15 ^ size;
    run(bytes, size);
    for (int m = 0; m < MUTATIONS; ++m) {
        memcpy(mutant, bytes, size);
        size_t mutant_size = size;
        const uint64_t n_edits = 1 + next_random(&state) % MAX_EDITS;
        for (uint64_t e = 0; e < n_edits; ++e) {
            mutant_size = edit(mutant, mutant_size, &state);
        }
        run(mutant, mutant_size);
    }
}

static bool replay_file(const char *folder, const char *name) {
    static uint8_t bytes[MAX_BYTES];
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file); // read only: nothing can be lost
    replay(bytes, size);
    return true;
}

int main(int argc, char **argv) {
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS, a folder of files\n", argv[0]);
        return 1;
    }
    int n_files = 0;
    bool good = true;
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] != '.') {
            good = replay_file(argv[1], e->d_name) && good;
            ++n_files;
        }
    }
    (void)closedir(folder);
    (void)printf("%d files, each with %d mutations\n", n_files, MUTATIONS);
    return good && n_files > 0 ? 0 : 1;
}
