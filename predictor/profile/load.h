// SPDX-License-Identifier: Apache-2.0
/** @file Reading profile files: what load.c and load_model.c share. */
#ifndef JC_PROFILE_LOAD_H
#define JC_PROFILE_LOAD_H

#include "model.h"

#include "common/yaml/yaml.h"

typedef struct loader {
    const char *path;
    jc_profile *profile; ///< being filled; its arena holds the result
    jc_error *err;
} loader;

/** Report what is wrong at a node; returns JC_EFORMAT. */
jc_status load_fail(loader *l, const jc_yaml *node, const char *what);

/** Zeroed array in the profile's arena; NULL (reported) if out of memory. */
void *load_alloc(loader *l, size_t count, size_t size);

/** Copy of a text in the profile's arena; NULL (reported) if out of memory. */
char *load_copy_text(loader *l, const char *text);

/** The node must be a mapping with all required keys and no others but the optional ones. Lists end
 *  with NULL; `optional` may be NULL. */
jc_status load_check_keys(loader *l, const jc_yaml *node, const char *const *required,
                          const char *const *optional);

/** Finite number under a key, or of the node itself (key NULL). */
jc_status load_double(loader *l, const jc_yaml *node, const char *key, double *out_value);

/** The same, NaN for null. */
jc_status load_double_or_null(loader *l, const jc_yaml *node, const char *key, double *out_value);

/** Integer from 0 to limit under a key, or of the node itself (key NULL). */
jc_status load_int64(loader *l, const jc_yaml *node, const char *key, int64_t limit,
                     int64_t *out_value);

/** What stands under a key must be a list of at most `limit` items. */
jc_status load_list(loader *l, const jc_yaml *node, const char *key, int limit);

/** One item of `kernels`, or the fallback. */
jc_status load_kernel_model(loader *l, const jc_yaml *node, bool is_fallback, kernel_model *out_k);

/** As jc_profile_load, from text in memory, which a NUL must follow. @param name  what errors call
 *  it. */
JC_MUST_USE jc_status profile_parse(const char *text, size_t length, const char *name,
                                    jc_profile **out_profile, jc_error *err);

#endif
