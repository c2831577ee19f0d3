// SPDX-License-Identifier: Apache-2.0
// FNV-1a.
#include "common/digest.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t digest_add(uint64_t digest, const void *bytes, size_t n) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; ++i) {
        digest = (digest ^ b[i]) * UINT64_C(0x100000001b3);
    }
    return digest;
}

const char *digest_format(uint64_t digest, char *buffer, size_t size) {
    (void)snprintf(buffer, size, "fnv1a64-%016" PRIx64, digest);
    return buffer;
}
