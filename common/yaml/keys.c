// SPDX-License-Identifier: Apache-2.0
// What readers of files say of keys and values that they do not know.
#include "yaml.h"

#include "common/suggest.h"
#include "common/text.h"

jc_status jc_yaml_check_keys(const jc_yaml *node, const char *what, const char *const *keys,
                             const char *file, jc_error *err) {
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        jc_suggestion suggestion = {.wanted = child->key};
        const char *const *key = keys;
        while (*key != NULL && !jc_text_equal(*key, child->key)) {
            jc_suggestion_offer(&suggestion, *key++);
        }
        if (*key == NULL) {
            char hint[JC_SUGGESTION_TEXT_SIZE];
            return jc_error_set(err, JC_EPARSE, file, child->key_line, "%s has no key '%.60s'%s",
                                what, child->key, jc_suggestion_format(&suggestion, hint));
        }
    }
    return JC_OK;
}

jc_status jc_yaml_fail_value(const jc_yaml *node, const char *what, const char *wanted,
                             const char *file, jc_error *err) {
    char given[64];
    return jc_error_set(err, JC_EPARSE, file, node->line, "%.60s must be %s, not %s", what, wanted,
                        jc_yaml_describe(node, given, sizeof given));
}
