// SPDX-License-Identifier: Apache-2.0
// Where the networks of the zoo are.
#include "zoo.h"

#include <joulecast/graph.h>

static const char *const suffixes[] = {".yaml", NULL};
const jc_search_path zoo_search_path = {.noun = "zoo network",
                                        .environment = "JOULECAST_ZOO_PATH",
                                        .source_folder = "architectures",
                                        .installed_folder = "architectures",
                                        .suffixes = suffixes};

jc_status jc_zoo_find(const char *name, char *buffer, size_t size, jc_error *err) {
    return jc_search_find(&zoo_search_path, name, buffer, size, err);
}
