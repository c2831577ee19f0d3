// SPDX-License-Identifier: Apache-2.0
// In place of the ONNX reader, where the build has none.
#include "onnx.h"

#include <string.h>

bool onnx_is_name(const char *path) {
    const size_t n = strlen(path);
    return n >= 5 && strcmp(path + n - 5, ".onnx") == 0;
}

static jc_status refuse(const char *name, jc_error *err) {
    return jc_error_set(err, JC_EUNSUPPORTED, name, 0,
                        "this build does not read ONNX: it was made without nanopb and onnx.proto "
                        "(Debian: nanopb, libnanopb-dev, libonnx-dev)");
}

jc_status onnx_load(const char *path, jc_graph *graph, jc_error *err) {
    (void)graph;
    return refuse(path, err);
}

jc_status onnx_parse(const void *bytes, size_t length, const char *name, jc_graph *graph,
                     jc_error *err) {
    (void)bytes;
    (void)length;
    (void)graph;
    return refuse(name, err);
}
