// SPDX-License-Identifier: Apache-2.0
/** @file Digests: they find damage, not malice. */
#ifndef JC_COMMON_DIGEST_H
#define JC_COMMON_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/** FNV-1a, 64 bits (Fowler, Noll, Vo); begin with DIGEST_BEGIN. */
uint64_t digest_add(uint64_t digest, const void *bytes, size_t n);

#define DIGEST_BEGIN UINT64_C(0xcbf29ce484222325)

/** "fnv1a64-0123456789abcdef" into buffer[size ≥ 25]; returns buffer. */
const char *digest_format(uint64_t digest, char *buffer, size_t size);

#endif
