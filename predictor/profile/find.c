// SPDX-License-Identifier: Apache-2.0
// Shipped profiles by name, and the default one.
#include "find.h"

#include <joulecast/profile.h>

#include <string.h>

static const char *const suffixes[] = {".yaml", "/profile.yaml", NULL};

const jc_search_path profile_search_path = {
    .noun = "profile",
    .environment = "JOULECAST_PROFILE_PATH",
    .source_folder = "datasets",
    .installed_folder = "profiles",
    .suffixes = suffixes,
};

// The first profile there is, or PROFILE_DEFAULT.
static jc_status choose_default(jc_arena *arena, const char **out_name, jc_error *err) {
    jc_search_entry *entries = NULL;
    size_t n = 0;
    if (jc_search_list(&profile_search_path, arena, &entries, &n) != JC_OK) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    if (n == 0) {
        return jc_error_set(err, JC_ENOENT, NULL, 0,
                            "no profile is installed; name a file, or a folder of profiles in %s",
                            profile_search_path.environment);
    }
    *out_name = entries[0].name;
    for (size_t i = 0; i < n; ++i) {
        if (strcmp(entries[i].name, PROFILE_DEFAULT) == 0) {
            *out_name = entries[i].name;
        }
    }
    return JC_OK;
}

jc_status jc_profile_find(const char *name, char *buffer, size_t size, jc_error *err) {
    jc_arena arena = {0};
    jc_status status = JC_OK;
    if (name == NULL) {
        status = choose_default(&arena, &name, err);
    }
    if (status == JC_OK) {
        status = jc_search_find(&profile_search_path, name, buffer, size, err);
    }
    jc_arena_clear(&arena);
    return status;
}
