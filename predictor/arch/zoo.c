// SPDX-License-Identifier: Apache-2.0
// Where the networks of the zoo are.
#include <joulecast/graph.h>

#include "common/search_path.h"

static const char *const suffixes[] = {".yaml", NULL};
static const jc_search_path zoo = {.noun = "zoo network",
                                   .environment = "JOULECAST_ZOO_PATH",
                                   .source_folder = "architectures",
                                   .installed_folder = "architectures",
                                   .suffixes = suffixes};

jc_status jc_zoo_find(const char *name, char *buffer, size_t size, jc_error *err) {
    return jc_search_find(&zoo, name, buffer, size, err);
}
