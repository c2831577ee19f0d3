// SPDX-License-Identifier: Apache-2.0
#include "fusion.h"

#include "common/suggest.h"

#include <string.h>

#define BIT(kind) (UINT64_C(1) << (kind))

_Static_assert(JC_KERNEL_COUNT <= 64, "a set of kinds is one number");

static const char every_activation[] = "activation";

// PReLU has learned values of its own for each channel.
static bool is_activation(jc_kernel_kind kind) {
    return kind >= JC_KERNEL_RELU && kind <= JC_KERNEL_HARDSIGMOID && kind != JC_KERNEL_PRELU;
}

static uint64_t activations(void) {
    uint64_t set = 0;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        set |= is_activation((jc_kernel_kind)kind) ? BIT(kind) : 0;
    }
    return set;
}

int jc_fusion_stage(jc_kernel_kind kind) {
    return kind == JC_KERNEL_BATCH_NORM ? 1
           : kind == JC_KERNEL_ADD      ? 2
           : is_activation(kind)        ? 3
                                        : 0;
}

bool jc_fusion_takes(const jc_fusion *fusion, jc_kernel_kind head, jc_kernel_kind kind) {
    return head < JC_KERNEL_COUNT && kind < JC_KERNEL_COUNT &&
           (fusion->takes_in[head] & BIT(kind)) != 0;
}

bool jc_fusion_is_empty(const jc_fusion *fusion) {
    uint64_t all = 0;
    for (int head = 0; head < JC_KERNEL_COUNT; ++head) {
        all |= fusion->takes_in[head];
    }
    return all == 0;
}

static jc_status fail_kind(const jc_yaml *node, const char *name, bool may_be_taken,
                           const char *file, jc_error *err) {
    jc_suggestion suggestion = {.wanted = name};
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        if (!may_be_taken || jc_fusion_stage((jc_kernel_kind)kind) > 0) {
            jc_suggestion_offer(&suggestion, jc_kernel_name((jc_kernel_kind)kind));
        }
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(err, JC_EPARSE, file, node->line, "fuses: '%.60s' is no kernel%s%s", name,
                        may_be_taken ? " that can be taken in: batch_norm, add, an activation" : "",
                        jc_suggestion_format(&suggestion, close));
}

static jc_status parse_taken(const jc_yaml *list, const char *file, uint64_t *out_set,
                             jc_error *err) {
    char what[80];
    if (list->kind != JC_YAML_SEQUENCE) {
        return jc_error_set(err, JC_EPARSE, file, list->line,
                            "fuses: %.60s is %s; must be a list such as [batch_norm, activation]",
                            list->key, jc_yaml_describe(list, what, sizeof what));
    }
    for (const jc_yaml *item = list->child; item != NULL; item = item->next) {
        const char *name = jc_yaml_text(item);
        const jc_kernel_kind kind = name == NULL ? JC_KERNEL_NONE : jc_kernel_find(name);
        if (name != NULL && strcmp(name, every_activation) == 0) {
            *out_set |= activations();
        } else if (jc_fusion_stage(kind) > 0) {
            *out_set |= BIT(kind);
        } else {
            return fail_kind(item, jc_yaml_describe(item, what, sizeof what), true, file, err);
        }
    }
    return JC_OK;
}

jc_status fusion_parse(const jc_yaml *node, const char *file, jc_fusion *out_fusion,
                       jc_error *err) {
    jc_fusion fusion = {{0}};
    if (node->kind != JC_YAML_MAPPING) {
        char what[80];
        return jc_error_set(err, JC_EPARSE, file, node->line,
                            "fuses is %s; must be a mapping such as {conv2d: [batch_norm, add]}",
                            jc_yaml_describe(node, what, sizeof what));
    }
    for (const jc_yaml *list = node->child; list != NULL; list = list->next) {
        const jc_kernel_kind head = jc_kernel_find(list->key);
        if (head == JC_KERNEL_NONE) {
            return fail_kind(list, list->key, false, file, err);
        }
        const jc_status status = parse_taken(list, file, &fusion.takes_in[head], err);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_fusion = fusion;
    return JC_OK;
}

void fusion_write(jc_yaml_writer *w, const jc_fusion *fusion) {
    if (jc_fusion_is_empty(fusion)) {
        return;
    }
    jc_yaml_write_text(w, "fuses");
    jc_yaml_open_mapping(w, false);
    for (int head = 0; head < JC_KERNEL_COUNT; ++head) {
        uint64_t set = fusion->takes_in[head];
        if (set == 0) {
            continue;
        }
        jc_yaml_write_text(w, jc_kernel_name((jc_kernel_kind)head));
        jc_yaml_open_sequence(w, true);
        const bool has_all = (set & activations()) == activations();
        set &= has_all ? ~activations() : UINT64_MAX;
        for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
            if ((set & BIT(kind)) != 0) {
                jc_yaml_write_text(w, jc_kernel_name((jc_kernel_kind)kind));
            }
        }
        if (has_all) {
            jc_yaml_write_text(w, every_activation);
        }
        jc_yaml_close_sequence(w);
    }
    jc_yaml_close_mapping(w);
}
