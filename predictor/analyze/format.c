// SPDX-License-Identifier: Apache-2.0
// Number formats and how a layer runs by default.
#include <joulecast/analyze.h>

#include <string.h>

static const struct {
    const char *name;
    int bits;
} formats[JC_FORMAT_COUNT] = {
    [JC_FORMAT_F32] = {"f32", 32},        [JC_FORMAT_TF32] = {"tf32", 32},
    [JC_FORMAT_F16] = {"f16", 16},        [JC_FORMAT_BF16] = {"bf16", 16},
    [JC_FORMAT_INT8] = {"int8", 8},       [JC_FORMAT_INT4] = {"int4", 4},
    [JC_FORMAT_TERNARY] = {"ternary", 2}, [JC_FORMAT_BINARY] = {"binary", 1},
};

const char *jc_format_name(jc_format format) {
    return formats[format].name;
}

jc_format jc_format_find(const char *name) {
    int f = 0;
    while (f < JC_FORMAT_COUNT && strcmp(formats[f].name, name) != 0) {
        ++f;
    }
    return (jc_format)f;
}

int jc_format_bits(jc_format format) {
    return formats[format].bits;
}

jc_setting jc_setting_default(const jc_graph *graph) {
    const jc_format format = jc_format_find(jc_precision_name(jc_graph_precision(graph)));
    return (jc_setting){.weights = format,
                        .activations = format,
                        .weight_density = 1,
                        .activation_density = 1,
                        .active = 1};
}
