// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Fuzz targets: each feeds bytes to one reader and checks what must hold whatever the bytes are.
 *
 * A target is built with main.c, which replays a corpus and mutations of it, or without it by
 * `clang -fsanitize=fuzzer,address`, whose own main searches for more.
 */
#ifndef JC_TEST_FUZZ_H
#define JC_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** The name is libFuzzer's. @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Stop as a crash does if a condition does not hold. */
#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(#condition, __FILE__, __LINE__);                                             \
        }                                                                                          \
    } while (0)

static inline _Noreturn void fuzz_fail(const char *condition, const char *file, int line);

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void fuzz_fail(const char *condition, const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

#endif
