// SPDX-License-Identifier: Apache-2.0
// Reading the models of a profile.
#include "format.h"
#include "load.h"

#include <math.h>
#include <string.h>

static jc_status load_numbers(loader *l, const jc_yaml *node, jc_dropped *d) {
    const jc_yaml *list = jc_yaml_get(node, "numbers");
    if (list == NULL) {
        return JC_OK;
    }
    jc_status status = load_list(l, node, "numbers", JC_DROPPED_NUMBERS);
    for (const jc_yaml *item = status == JC_OK ? list->child : NULL; item != NULL;
         item = item->next) {
        status = load_int64(l, item, NULL, INT64_MAX, &d->numbers[d->n_numbers++]);
        if (status != JC_OK) {
            return status;
        }
    }
    return status;
}

static jc_status load_dropped(loader *l, const jc_yaml *node, kernel_model *k) {
    static const char *const keys[] = {"reason", "rows", NULL};
    static const char *const optional[] = {"numbers", NULL};
    jc_status status = load_list(l, node, "dropped", 1000);
    if (status != JC_OK) {
        return status;
    }
    const jc_yaml *list = jc_yaml_get(node, "dropped");
    k->dropped = load_alloc(l, (size_t)list->n, sizeof *k->dropped);
    if (k->dropped == NULL) {
        return JC_ENOMEM;
    }
    for (const jc_yaml *item = list->child; item != NULL; item = item->next) {
        jc_dropped *d = &k->dropped[k->n_dropped];
        status = load_check_keys(l, item, keys, optional);
        if (status == JC_OK) {
            status = load_int64(l, item, "rows", INT64_MAX, &d->rows);
        }
        if (status == JC_OK) {
            status = load_numbers(l, item, d);
        }
        if (status != JC_OK) {
            return status;
        }
        const char *reason = jc_yaml_text(jc_yaml_get(item, "reason"));
        if (reason == NULL) {
            return load_fail(l, item, "'reason' must be a text");
        }
        d->reason = load_copy_text(l, reason);
        if (d->reason == NULL) {
            return JC_ENOMEM;
        }
        k->n_dropped++;
    }
    return JC_OK;
}

static int find_range(const kernel_model *k, int quantity) {
    for (size_t r = 0; r < k->n_ranges; ++r) {
        if (k->ranges[r].quantity == quantity) {
            return (int)r;
        }
    }
    return -1;
}

static jc_status load_ranges(loader *l, const jc_yaml *node, kernel_model *k) {
    const jc_yaml *map = jc_yaml_get(node, "ranges");
    if (map->kind != JC_YAML_MAPPING || map->n > MODEL_MAX_RANGES) {
        return load_fail(l, map, "'ranges' must be a mapping of at most 64 quantities");
    }
    k->ranges = load_alloc(l, (size_t)map->n, sizeof *k->ranges);
    if (k->ranges == NULL) {
        return JC_ENOMEM;
    }
    for (const jc_yaml *c = map->child; c != NULL; c = c->next) {
        model_range *range = &k->ranges[k->n_ranges];
        range->quantity = jc_quantity_find(k->kind, c->key);
        if (range->quantity < 0) {
            return jc_error_set(l->err, JC_EFORMAT, l->path, c->key_line,
                                "'%.60s' is no quantity of this kernel", c->key);
        }
        if (c->kind != JC_YAML_SEQUENCE || c->n != 2) {
            return load_fail(l, c, "a range must be a list of two numbers");
        }
        jc_status status = load_double(l, c->child, NULL, &range->low);
        if (status == JC_OK) {
            status = load_double(l, c->child->next, NULL, &range->high);
        }
        if (status != JC_OK) {
            return status;
        }
        // Sizes divide each other; only padding may be 0.
        const bool is_divisor = range->quantity < JC_QUANTITY_FIRST_DERIVED &&
                                strncmp(c->key, "padding", strlen("padding")) != 0;
        const double least = is_divisor ? 1 : 0;
        if (!(range->low >= least) || range->low > range->high) {
            return load_fail(l, c,
                             is_divisor ? "the range of a size must rise from at least 1"
                                        : "a range must rise from at least 0");
        }
        k->n_ranges++;
    }
    return JC_OK;
}

static jc_status load_spread(loader *l, const jc_yaml *node, model_spread *out_spread) {
    static const char *const keys[] = {"at", "low", "high", NULL};
    jc_status status = load_list(l, node, "spread", MODEL_MAX_BINS);
    const jc_yaml *list = jc_yaml_get(node, "spread");
    if (status == JC_OK && list->n == 0) {
        status = load_fail(l, list, "'spread' must have an item");
    }
    size_t n = 0;
    for (const jc_yaml *item = list->child; item != NULL && status == JC_OK; item = item->next) {
        status = load_check_keys(l, item, keys, NULL);
        if (status == JC_OK) {
            status = load_double(l, item, "at", &out_spread->at[n]);
        }
        if (status == JC_OK) {
            status = load_double(l, item, "low", &out_spread->low[n]);
        }
        if (status == JC_OK) {
            status = load_double(l, item, "high", &out_spread->high[n]);
        }
        if (status == JC_OK && (out_spread->low[n] > out_spread->high[n] ||
                                (n > 0 && out_spread->at[n] <= out_spread->at[n - 1]))) {
            status = load_fail(l, item, "'at' must rise, and 'low' not exceed 'high'");
        }
        ++n;
    }
    out_spread->n_bins = n;
    return status;
}

static jc_status load_errors(loader *l, const jc_yaml *node, jc_errors *out_errors) {
    const char *keys[PROFILE_ERROR_FIELDS + 3] = {"rows", "terms"};
    for (size_t f = 0; f < PROFILE_ERROR_FIELDS; ++f) {
        keys[2 + f] = profile_error_fields[f].name;
    }
    const jc_yaml *map = jc_yaml_get(node, "held_out");
    int64_t rows = 0;
    int64_t terms = 0;
    jc_status status = load_check_keys(l, map, keys, NULL);
    if (status == JC_OK) {
        status = load_int64(l, map, "rows", INT64_MAX, &rows);
    }
    if (status == JC_OK) {
        status = load_int64(l, map, "terms", INT64_MAX, &terms);
    }
    out_errors->rows = (size_t)rows;
    out_errors->terms = (size_t)terms;
    for (size_t f = 0; f < PROFILE_ERROR_FIELDS && status == JC_OK; ++f) {
        double value = 0;
        status = load_double_or_null(l, map, profile_error_fields[f].name, &value);
        memcpy((char *)out_errors + profile_error_fields[f].offset, &value, sizeof value);
    }
    return status;
}

// Exponent under a child of a term; 0 is no exponent.
static jc_status load_exponent(loader *l, const jc_yaml *c, int64_t lowest, int64_t *out_exponent) {
    if (!jc_yaml_int64(c, out_exponent) || *out_exponent == 0 || *out_exponent < lowest ||
        *out_exponent > MODEL_MAX_EXPONENT) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, c->line,
                            "an exponent must be an integer from %d to %d and not 0", (int)lowest,
                            MODEL_MAX_EXPONENT);
    }
    return JC_OK;
}

// `from` or `below`: quantities and their thresholds.
static jc_status add_gates(loader *l, const kernel_model *k, const jc_yaml *c, model_side side,
                           model_term *term) {
    if (c->kind != JC_YAML_MAPPING || c->n == 0 || term->n_gates + c->n > MODEL_MAX_GATES) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, c->line,
                            "the regime of a term is a mapping of quantities to thresholds, %d at "
                            "most",
                            MODEL_MAX_GATES);
    }
    jc_status status = JC_OK;
    for (const jc_yaml *g = c->child; g != NULL && status == JC_OK; g = g->next) {
        const int quantity = jc_quantity_find(k->kind, g->key);
        if (quantity < 0) {
            return jc_error_set(l->err, JC_EFORMAT, l->path, g->key_line,
                                "'%.60s' is no quantity of this kernel", g->key);
        }
        model_gate *gate = &term->gates[term->n_gates++];
        *gate = (model_gate){.quantity = (short)quantity, .side = side};
        status = load_double(l, g, NULL, &gate->at);
    }
    return status;
}

static jc_status add_quantity(loader *l, const kernel_model *k, const jc_yaml *c,
                              model_term *term) {
    for (int side = 0; side < 2; ++side) {
        if (strcmp(c->key, profile_sides[side]) == 0) {
            return add_gates(l, k, c, (model_side)side, term);
        }
    }
    const int quantity = jc_quantity_find(k->kind, c->key);
    int64_t exponent = 0;
    if (quantity < 0) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, c->key_line,
                            "'%.60s' is no quantity of this kernel", c->key);
    }
    if (term->n_factors == MODEL_MAX_FACTORS) {
        return load_fail(l, c, "a term has too many factors");
    }
    const jc_status status = load_exponent(l, c, -MODEL_MAX_EXPONENT, &exponent);
    if (status == JC_OK) {
        term->factor[term->n_factors] = (short)quantity;
        term->exponent[term->n_factors++] = (short)exponent;
    }
    return status;
}

static jc_status add_variable(loader *l, const model *m, const jc_yaml *c, model_term *term) {
    size_t v = 0;
    while (v < m->n_variables && strcmp(m->variables[v].name, c->key) != 0) {
        ++v;
    }
    if (v == m->n_variables) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, c->key_line,
                            "'%.60s' is not among the variables", c->key);
    }
    int64_t power = 0;
    const jc_status status = load_exponent(l, c, 1, &power);
    if (status == JC_OK && term->n_factors + power > MODEL_MAX_FACTORS) {
        return load_fail(l, c, "a term has too many factors");
    }
    for (; status == JC_OK && power > 0; --power) {
        term->factor[term->n_factors++] = (short)v;
    }
    return status;
}

// `backbone` (is_backbone) or `terms`.
static jc_status load_terms(loader *l, const jc_yaml *list, const kernel_model *k, model *m,
                            bool is_backbone) {
    model_term *terms = load_alloc(l, (size_t)list->n, sizeof *terms);
    if (terms == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    double sum = 0;
    for (const jc_yaml *item = list->child; item != NULL; item = item->next) {
        model_term *term = &terms[n++];
        if (jc_yaml_get(item, "coefficient") == NULL) {
            return load_fail(l, item, "a term must be a mapping with a 'coefficient'");
        }
        jc_status status = load_double(l, item, "coefficient", &term->coefficient);
        for (const jc_yaml *c = item->child; c != NULL && status == JC_OK; c = c->next) {
            if (strcmp(c->key, "coefficient") != 0) {
                status = is_backbone ? add_quantity(l, k, c, term) : add_variable(l, m, c, term);
            }
        }
        if (status != JC_OK) {
            return status;
        }
        if (is_backbone && term->coefficient < 0) {
            return load_fail(l, item, "a coefficient of the backbone must not be negative");
        }
        sum += fabs(term->coefficient);
    }
    if (is_backbone && !(sum > 0)) {
        return load_fail(l, list, "'backbone' must have a coefficient above 0");
    }
    *(is_backbone ? &m->backbone : &m->terms) = terms;
    *(is_backbone ? &m->n_backbone : &m->n_terms) = n;
    return JC_OK;
}

static jc_status load_variable(loader *l, const jc_yaml *item, const kernel_model *k,
                               model_variable *v) {
    static const char *const required[] = {"name", "at", NULL};
    static const char *const optional[] = {"log", "hinge", "step", "below", NULL};
    jc_status status = load_check_keys(l, item, required, optional);
    if (status == JC_OK) {
        status = load_double(l, item, "at", &v->at);
    }
    if (status != JC_OK) {
        return status;
    }
    const char *name = jc_yaml_text(jc_yaml_get(item, "name"));
    const char *quantity = NULL;
    for (int t = 0; t < MODEL_TRANSFORMS; ++t) {
        const jc_yaml *c = jc_yaml_get(item, profile_transforms[t]);
        if (c != NULL) {
            v->transform = (model_transform)t;
            quantity = jc_yaml_text(c);
        }
    }
    if (name == NULL || quantity == NULL || item->n != 3 || !(v->at > 0)) {
        return load_fail(l, item,
                         "a variable must have a name, one of log, hinge, step and below "
                         "with a quantity, and 'at' above 0");
    }
    v->log_at = log(v->at);
    v->range = find_range(k, jc_quantity_find(k->kind, quantity));
    if (v->range < 0) {
        return jc_error_set(l->err, JC_EFORMAT, l->path, item->line,
                            "'%.60s' is not among the ranges", quantity);
    }
    const bool is_logarithm = v->transform == MODEL_LOG || v->transform == MODEL_HINGE;
    if (is_logarithm && !(k->ranges[v->range].low > 0)) {
        return load_fail(l, item, "a logarithm needs a range above 0");
    }
    v->name = load_copy_text(l, name);
    return v->name == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status load_variables(loader *l, const jc_yaml *node, const kernel_model *k, model *m) {
    const jc_yaml *list = jc_yaml_get(node, "variables");
    m->variables = load_alloc(l, (size_t)list->n, sizeof *m->variables);
    if (m->variables == NULL) {
        return JC_ENOMEM;
    }
    for (const jc_yaml *item = list->child; item != NULL; item = item->next) {
        const jc_status status = load_variable(l, item, k, &m->variables[m->n_variables]);
        if (status != JC_OK) {
            return status;
        }
        m->n_variables++;
    }
    return JC_OK;
}

static jc_status load_limits(loader *l, const jc_yaml *node, model *m) {
    const jc_yaml *limits = jc_yaml_get(node, "limits");
    if (limits->kind != JC_YAML_SEQUENCE || limits->n != 2) {
        return load_fail(l, limits, "'limits' must be a list of two numbers");
    }
    jc_status status = load_double(l, limits->child, NULL, &m->low);
    m->high = (double)INFINITY;
    if (status == JC_OK && !jc_yaml_is_null(limits->child->next)) {
        status = load_double(l, limits->child->next, NULL, &m->high);
    }
    if (status == JC_OK) {
        status = load_double(l, node, "bound", &m->bound);
    }
    if (status == JC_OK && (!(m->low > 0) || m->low > m->high || m->bound < 0 || m->bound > 100)) {
        status = load_fail(l, limits,
                           "'limits' must rise from above 0, and 'bound' be between 0 "
                           "and 100");
    }
    return status;
}

static jc_status load_model(loader *l, const jc_yaml *node, const kernel_model *k, model *m) {
    static const char *const keys[] = {"limits", "bound",  "backbone", "variables",
                                       "terms",  "spread", "held_out", NULL};
    jc_status status = load_check_keys(l, node, keys, NULL);
    if (status == JC_OK) {
        status = load_limits(l, node, m);
    }
    if (status == JC_OK) {
        status = load_list(l, node, "backbone", MODEL_MAX_TERMS);
    }
    if (status == JC_OK) {
        status = load_list(l, node, "variables", MODEL_MAX_VARIABLES);
    }
    if (status == JC_OK) {
        status = load_list(l, node, "terms", MODEL_MAX_TERMS);
    }
    if (status == JC_OK) {
        status = load_terms(l, jc_yaml_get(node, "backbone"), k, m, true);
    }
    if (status == JC_OK) {
        status = load_variables(l, node, k, m);
    }
    if (status == JC_OK) {
        status = load_terms(l, jc_yaml_get(node, "terms"), k, m, false);
    }
    if (status == JC_OK) {
        status = load_spread(l, node, &m->spread);
    }
    return status == JC_OK ? load_errors(l, node, &m->held_out) : status;
}

static jc_status load_power(loader *l, const jc_yaml *node, kernel_model *k) {
    static const char *const keys[] = {"spread", "held_out", NULL};
    const jc_yaml *power = jc_yaml_get(node, "power");
    const jc_yaml *energy = jc_yaml_get(node, "energy");
    if ((power == NULL) != (energy == NULL)) {
        return load_fail(l, node, "'power' and 'energy' stand together or not at all");
    }
    if (power == NULL) {
        return JC_OK;
    }
    jc_status status = load_model(l, power, k, &k->power);
    if (status == JC_OK) {
        status = load_check_keys(l, energy, keys, NULL);
    }
    if (status == JC_OK) {
        status = load_spread(l, energy, &k->energy_spread);
    }
    return status == JC_OK ? load_errors(l, energy, &k->energy_held_out) : status;
}

static jc_status load_kind(loader *l, const jc_yaml *node, kernel_model *k) {
    const char *kernel = jc_yaml_text(jc_yaml_get(node, "kernel"));
    const char *precision = jc_yaml_text(jc_yaml_get(node, "precision"));
    k->kind = kernel == NULL ? JC_KERNEL_NONE : jc_kernel_find(kernel);
    k->precision = precision == NULL ? JC_PRECISION_COUNT : jc_precision_find(precision);
    if (k->kind == JC_KERNEL_NONE) {
        return load_fail(l, jc_yaml_get(node, "kernel"), "'kernel' is none that is known");
    }
    if (k->precision == JC_PRECISION_COUNT) {
        return load_fail(l, jc_yaml_get(node, "precision"),
                         "'precision' must be f32, tf32, f16, bf16 or int8");
    }
    return JC_OK;
}

static jc_status load_counts(loader *l, const jc_yaml *node, kernel_model *k) {
    int64_t rows = 0;
    int64_t configurations = 0;
    jc_status status = load_int64(l, node, "rows", INT64_MAX, &rows);
    if (status == JC_OK) {
        status = load_int64(l, node, "configurations", INT64_MAX, &configurations);
    }
    if (status == JC_OK) {
        status = load_double(l, node, "widening", &k->widening);
    }
    if (status == JC_OK && k->widening < 0) {
        status = load_fail(l, node, "'widening' must not be negative");
    }
    k->n_rows = (size_t)rows;
    k->n_configurations = (size_t)configurations;
    return status;
}

static jc_status load_shared(loader *l, const jc_yaml *node, kernel_model *k) {
    static const char *const keys[] = {"runtime", "energy", NULL};
    const jc_yaml *shared = jc_yaml_get(node, "shared");
    k->runtime_shared = 1;
    k->energy_shared = 1;
    if (shared == NULL) {
        return JC_OK;
    }
    jc_status status = load_check_keys(l, shared, keys, NULL);
    if (status == JC_OK) {
        status = load_double(l, shared, "runtime", &k->runtime_shared);
    }
    if (status == JC_OK) {
        status = load_double(l, shared, "energy", &k->energy_shared);
    }
    if (status == JC_OK && !(k->runtime_shared >= 0 && k->runtime_shared <= 1 &&
                             k->energy_shared >= 0 && k->energy_shared <= 1)) {
        status = load_fail(l, shared, "'shared' must be from 0 to 1");
    }
    return status;
}

jc_status load_kernel_model(loader *l, const jc_yaml *node, bool is_fallback, kernel_model *out_k) {
    static const char *const with_kind[] = {"kernel",         "precision", "rows",
                                            "configurations", "dropped",   "ranges",
                                            "widening",       "runtime",   NULL};
    static const char *const optional[] = {"shared", "power", "energy", NULL};
    // The fallback has the same keys but for the first two.
    const char *const *required = is_fallback ? with_kind + 2 : with_kind;
    out_k->kind = JC_KERNEL_NONE;
    jc_status status = load_check_keys(l, node, required, optional);
    if (status == JC_OK && !is_fallback) {
        status = load_kind(l, node, out_k);
    }
    if (status == JC_OK) {
        status = load_counts(l, node, out_k);
    }
    if (status == JC_OK) {
        status = load_dropped(l, node, out_k);
    }
    if (status == JC_OK) {
        status = load_shared(l, node, out_k);
    }
    if (status == JC_OK) {
        status = load_ranges(l, node, out_k);
    }
    if (status == JC_OK) {
        status = load_model(l, jc_yaml_get(node, "runtime"), out_k, &out_k->runtime);
    }
    return status == JC_OK ? load_power(l, node, out_k) : status;
}
