// SPDX-License-Identifier: Apache-2.0
// Values of operator parameters: how each type is written, and what it may be.
#include "template.h"

#include "common/text.h"

#include "common/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static jc_status fail(const argument_site *site, const jc_param *param, const jc_yaml *node,
                      const char *wanted) {
    char given[80];
    return jc_error_set(site->err, JC_EPARSE, site->file, node->line, "%s: %s must be %s, not %s",
                        site->layer, param->name, wanted,
                        jc_yaml_describe(node, given, sizeof given));
}

jc_status argument_expression(const argument_site *site, const jc_yaml *node,
                              jc_expression *out_expression) {
    if (node->kind != JC_YAML_SCALAR || jc_yaml_is_null(node)) {
        char given[80];
        return jc_error_set(site->err, JC_EPARSE, site->file, node->line,
                            "%s: %s must be a number or an expression, not %s", site->layer,
                            node->key == NULL ? "a value" : node->key,
                            jc_yaml_describe(node, given, sizeof given));
    }
    jc_error why;
    const jc_status status = jc_expression_compile(node->text, site->resolve, site->context,
                                                   site->arena, out_expression, &why);
    if (status != JC_OK) {
        return jc_error_set(site->err, status, site->file, node->line, "%s: %s: %s", site->layer,
                            node->key == NULL ? "a value" : node->key, why.message);
    }
    return JC_OK;
}

static int64_t smallest(jc_param_type type) {
    switch (type) {
    case JC_PARAM_SIZE:
    case JC_PARAM_PAIR:
        return 1;
    case JC_PARAM_SIZES: // −1 is "what is left"; 0 is refused besides
        return -1;
    case JC_PARAM_INTEGER:
        return -LARGEST_SIZE;
    case JC_PARAM_OFFSETS:
    case JC_PARAM_PADDING:
    case JC_PARAM_FLAG:
    case JC_PARAM_REAL:
    case JC_PARAM_CHOICE:
        break;
    }
    return 0;
}

jc_status argument_store(const argument *a, double value, jc_value *slots, jc_error *err) {
    if (a->type == JC_PARAM_REAL && isfinite(value)) {
        slots[a->slot].real = value;
        return JC_OK;
    }
    const int64_t least = smallest(a->type);
    const double most = a->type == JC_PARAM_FLAG ? 1 : LARGEST_SIZE;
    const bool listed_zero = a->type == JC_PARAM_SIZES && value == 0;
    if (value >= (double)least && value <= most && value == (double)(int64_t)value &&
        !listed_zero) {
        slots[a->slot].i = (int64_t)value;
        return JC_OK;
    }
    char wanted[80];
    if (a->type == JC_PARAM_FLAG) {
        (void)snprintf(wanted, sizeof wanted, "true or false");
    } else if (a->type == JC_PARAM_REAL) {
        (void)snprintf(wanted, sizeof wanted, "a number");
    } else if (a->type == JC_PARAM_SIZES) {
        (void)snprintf(wanted, sizeof wanted, "whole numbers from 1 to %d (or -1 once)",
                       LARGEST_SIZE);
    } else {
        (void)snprintf(wanted, sizeof wanted, "a whole number from %" PRId64 " to %d", least,
                       LARGEST_SIZE);
    }
    if (isnan(value)) {
        return jc_error_set(err, JC_EPARSE, NULL, a->line,
                            "%s must be %s, but '%.60s' has no value here (a division by zero, or "
                            "a size that the input does not have)",
                            a->name, wanted, a->text);
    }
    double written = 0;
    if (jc_parse_double(a->text, &written)) {
        return jc_error_set(err, JC_EPARSE, NULL, a->line, "%s must be %s, not %.60s", a->name,
                            wanted, a->text);
    }
    return jc_error_set(err, JC_EPARSE, NULL, a->line, "%s must be %s, but '%.60s' is %.10g",
                        a->name, wanted, a->text, value);
}

// One scalar, into one slot.
static jc_status compile_slot(const argument_site *site, const jc_param *param, int slot,
                              const jc_yaml *node, jc_value *values, argument_list *arguments) {
    argument a = {.name = param->name,
                  .line = node->line,
                  .slot = slot,
                  .type = param->type,
                  .text = node->text};
    if (node->kind != JC_YAML_SCALAR || jc_yaml_is_null(node)) {
        return fail(site, param, node, "a number or an expression");
    }
    jc_status status = argument_expression(site, node, &a.expression);
    if (status != JC_OK) {
        return status;
    }
    if (!a.expression.is_constant) {
        arguments->items[arguments->n++] = a;
        return JC_OK;
    }
    jc_error why;
    status = argument_store(&a, a.expression.constant, values, &why);
    if (status != JC_OK) {
        return jc_error_set(site->err, status, site->file, node->line, "%s: %s", site->layer,
                            why.message);
    }
    return JC_OK;
}

static jc_status compile_choice(const argument_site *site, const jc_param *param,
                                const jc_yaml *node, jc_value *values) {
    const char *text = jc_yaml_text(node);
    for (int i = 0; text != NULL && param->choices[i] != NULL; ++i) {
        if (jc_text_equal(text, param->choices[i])) {
            values[param->slot].i = i;
            return JC_OK;
        }
    }
    char wanted[160] = "one of";
    for (int i = 0; param->choices[i] != NULL; ++i) {
        const size_t used = strlen(wanted);
        (void)snprintf(wanted + used, sizeof wanted - used, "%s %s", i == 0 ? "" : ",",
                       param->choices[i]);
    }
    return fail(site, param, node, wanted);
}

static jc_status compile_sizes(const argument_site *site, const jc_param *param,
                               const jc_yaml *node, jc_value *values, argument_list *arguments) {
    if (node->kind == JC_YAML_SCALAR) {
        values[param->slot].i = 1;
        return compile_slot(site, param, param->slot + 1, node, values, arguments);
    }
    if (node->kind != JC_YAML_SEQUENCE || node->n > JC_MAX_RANK) {
        return fail(site, param, node, "a list of at most 6 sizes");
    }
    values[param->slot].i = node->n;
    int slot = param->slot + 1;
    for (const jc_yaml *item = node->child; item != NULL; item = item->next) {
        const jc_status status = compile_slot(site, param, slot++, item, values, arguments);
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

// A scalar for all slots, or a list: two items are vertical and horizontal, four (padding only)
// are the slots themselves.
static jc_status compile_slots(const argument_site *site, const jc_param *param,
                               const jc_yaml *node, jc_value *values, argument_list *arguments) {
    const int n_slots = jc_param_slots(param->type);
    const bool is_list = node->kind == JC_YAML_SEQUENCE;
    if (is_list && node->n != 2 && node->n != n_slots) {
        return fail(site, param, node,
                    n_slots == 2 ? "one number or two: [vertical, horizontal]"
                                 : "one number, [vertical, horizontal], "
                                   "[top, left, bottom, right], same or valid");
    }
    const jc_yaml *item = is_list ? node->child : node;
    for (int i = 0; i < n_slots; ++i) {
        if (is_list && i > 0) {
            item = i % node->n == 0 ? node->child : item->next;
        }
        const jc_status status =
            compile_slot(site, param, param->slot + i, item, values, arguments);
        if (status != JC_OK) {
            return status;
        }
    }
    return JC_OK;
}

jc_status argument_compile(const argument_site *site, const jc_param *param, const jc_yaml *node,
                           jc_value *values, argument_list *arguments) {
    const char *text = jc_yaml_text(node);
    switch (param->type) {
    case JC_PARAM_CHOICE:
        return compile_choice(site, param, node, values);
    case JC_PARAM_SIZES:
        return compile_sizes(site, param, node, values, arguments);
    case JC_PARAM_PADDING:
        if (text != NULL && jc_text_equal(text, "same")) {
            values[param->slot].i = JC_PADDING_SAME;
            return JC_OK;
        }
        if (text != NULL && jc_text_equal(text, "valid")) {
            return JC_OK; // the default, 0
        }
        return compile_slots(site, param, node, values, arguments);
    case JC_PARAM_PAIR:
    case JC_PARAM_OFFSETS:
        return compile_slots(site, param, node, values, arguments);
    case JC_PARAM_SIZE:
    case JC_PARAM_INTEGER:
    case JC_PARAM_FLAG:
    case JC_PARAM_REAL:
        break;
    }
    return compile_slot(site, param, param->slot, node, values, arguments);
}
