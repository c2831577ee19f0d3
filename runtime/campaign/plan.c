// SPDX-License-Identifier: Apache-2.0
// Plans from YAML. docs/PLAN.md is the grammar.
#include <joulecast/campaign.h>

#include "common/arena.h"
#include "common/suggest.h"
#include "common/yaml/yaml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_ROWS = 1000000,
    MOST_REPETITIONS = 100,
    MOST_METER_STEPS = 10000,
    MOST_NAMES = 10000,
};

struct jc_plan_memory {
    jc_arena arena;
};

typedef struct plan_reader {
    const char *file;
    jc_plan *plan;
} plan_reader;

static jc_status fail(const plan_reader *r, const jc_yaml *node, const char *expected,
                      jc_error *err) {
    char what[80];
    return jc_error_set(err, JC_EPARSE, r->file, node->line, "%s is %s; must be %s",
                        node->key == NULL ? "an entry" : node->key,
                        jc_yaml_describe(node, what, sizeof what), expected);
}

// --- Values ---------------------------------------------------------------------------------

static jc_status read_share(const plan_reader *r, const jc_yaml *node, double *out, jc_error *err) {
    double value = 0;
    if (!jc_yaml_double(node, &value) || !(value >= 0 && value <= 1)) {
        return fail(r, node, "a share from 0 to 1", err);
    }
    *out = value;
    return JC_OK;
}

static jc_status read_limit(const plan_reader *r, const jc_yaml *node, int64_t *out,
                            jc_error *err) {
    double value = 0; // 2e9 is a way to write it
    if (!jc_yaml_double(node, &value) || !(value >= 1 && value <= 1e15)) {
        return fail(r, node, "a number from 1 to 1e15", err);
    }
    *out = (int64_t)value;
    return JC_OK;
}

// Time and memory that a plan would take at the least, in words.
static jc_status refuse_rows(const plan_reader *r, const jc_yaml *node, double rows,
                             jc_error *err) {
    const double days = rows * r->plan->repetitions * 2 * r->plan->window_s / 86400;
    return jc_error_set(err, JC_ERANGE, r->file, node->line,
                        "%.3g rows would take at least %.3g days and %.3g GB of memory; at most %d "
                        "are measured",
                        rows, days, rows * (double)sizeof(jc_kernel) * 2 / 1e9, MOST_ROWS);
}

static jc_status read_rows(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    double rows = 0;
    if (!jc_yaml_double(node, &rows) || !(rows >= 1) || rows != floor(rows)) {
        return fail(r, node, "a whole number of configurations, 1 or more", err);
    }
    if (rows > MOST_ROWS) {
        return refuse_rows(r, node, rows, err);
    }
    r->plan->rows = (size_t)rows;
    return JC_OK;
}

static jc_status read_seed(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    int64_t seed = 0;
    if (!jc_yaml_int64(node, &seed) || seed < 0) {
        return fail(r, node, "a whole number, 0 or more", err);
    }
    r->plan->seed = (uint64_t)seed;
    return JC_OK;
}

static jc_status read_repetitions(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    int64_t n = 0;
    if (!jc_yaml_int64(node, &n) || n < 1 || n > MOST_REPETITIONS) {
        return fail(r, node, "a whole number from 1 to 100", err);
    }
    r->plan->repetitions = (int)n;
    return JC_OK;
}

static jc_status read_meter_steps(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    int64_t n = 0;
    if (!jc_yaml_int64(node, &n) || n < 1 || n > MOST_METER_STEPS) {
        return fail(r, node, "a whole number from 1 to 10000", err);
    }
    r->plan->meter_steps = (int)n;
    return JC_OK;
}

static jc_status read_window(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    double value = 0;
    if (!jc_yaml_double(node, &value) || !(value >= 0.001 && value <= 600)) {
        return fail(r, node, "a number of seconds from 0.001 to 600", err);
    }
    r->plan->window_s = value;
    return JC_OK;
}

static jc_status read_weights(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    const char *text = jc_yaml_text(node);
    for (int state = 0; text != NULL && state < JC_WEIGHTS_COUNT; ++state) {
        if (strcmp(text, jc_weight_state_name((jc_weight_state)state)) == 0) {
            r->plan->weights = (jc_weight_state)state;
            return JC_OK;
        }
    }
    return fail(r, node, "'cold', 'warm' or 'varied'", err);
}

static jc_status read_names(const plan_reader *r, const jc_yaml *node, jc_plan_names *out,
                            jc_error *err) {
    if (node->kind != JC_YAML_SEQUENCE || node->n > MOST_NAMES) {
        return fail(r, node, "a list of networks: [resnet18, my-network.yaml]", err);
    }
    jc_arena *arena = &r->plan->memory->arena;
    const char **names = jc_arena_alloc(arena, (size_t)node->n + 1, sizeof *names);
    if (names == NULL) {
        return jc_error_set(err, JC_ENOMEM, r->file, 0, "out of memory");
    }
    size_t n = 0;
    for (const jc_yaml *entry = node->child; entry != NULL; entry = entry->next) {
        const char *text = jc_yaml_text(entry);
        if (text == NULL || text[0] == '\0') {
            return fail(r, entry, "the name or file of a network", err);
        }
        if ((names[n++] = jc_arena_copy_text(arena, text, strlen(text))) == NULL) {
            return jc_error_set(err, JC_ENOMEM, r->file, 0, "out of memory");
        }
    }
    *out = (jc_plan_names){names, n};
    return JC_OK;
}

static jc_status read_sizes(const plan_reader *r, const jc_yaml *node, jc_plan_sizes *out,
                            jc_error *err) {
    if (node->kind != JC_YAML_SEQUENCE || node->n < 1 || node->n > MOST_NAMES) {
        return fail(r, node, "a list of batch sizes: [1, 8]", err);
    }
    int64_t *sizes = jc_arena_alloc(&r->plan->memory->arena, (size_t)node->n, sizeof *sizes);
    if (sizes == NULL) {
        return jc_error_set(err, JC_ENOMEM, r->file, 0, "out of memory");
    }
    size_t n = 0;
    for (const jc_yaml *entry = node->child; entry != NULL; entry = entry->next) {
        if (!jc_yaml_int64(entry, &sizes[n]) || sizes[n] < 1 || sizes[n] > 1000000) {
            return fail(r, entry, "a batch size from 1 to 1000000", err);
        }
        ++n;
    }
    *out = (jc_plan_sizes){sizes, n};
    return JC_OK;
}

// --- Shares by name -------------------------------------------------------------------------

typedef const char *name_of(int i);

static const char *kernel_name_of(int i) {
    return jc_kernel_name((jc_kernel_kind)i);
}

static const char *precision_name_of(int i) {
    return jc_precision_name((jc_precision)i);
}

// {conv2d: 3, linear: 1}: whatever is not named gets none.
static jc_status read_shares(const plan_reader *r, const jc_yaml *node, name_of *name, int n,
                             double *out, jc_error *err) {
    double sum = 0;
    if (node->kind != JC_YAML_MAPPING) {
        return fail(r, node, "shares by name: {conv2d: 3, linear: 1}", err);
    }
    memset(out, 0, (size_t)n * sizeof *out);
    for (const jc_yaml *entry = node->child; entry != NULL; entry = entry->next) {
        jc_suggestion suggestion = {.wanted = entry->key};
        int i = 0;
        while (i < n && strcmp(name(i), entry->key) != 0) {
            jc_suggestion_offer(&suggestion, name(i++));
        }
        if (i == n) {
            char close[JC_SUGGESTION_TEXT_SIZE];
            return jc_error_set(err, JC_EPARSE, r->file, entry->key_line, "%s has no '%.60s'%s",
                                node->key, entry->key, jc_suggestion_format(&suggestion, close));
        }
        if (!jc_yaml_double(entry, &out[i]) || !(out[i] >= 0 && out[i] <= 1e9)) {
            return fail(r, entry, "a number from 0 to 1e9", err);
        }
        sum += out[i];
    }
    return sum > 0 ? JC_OK : fail(r, node, "shares of which one at least is above 0", err);
}

// --- The file -------------------------------------------------------------------------------

typedef jc_status key_reader(const plan_reader *r, const jc_yaml *node, jc_error *err);

// The keys whose readers take the place to fill as well.
#define READER(key, call)                                                                          \
    static jc_status read_##key(const plan_reader *r, const jc_yaml *node, jc_error *err) {        \
        return call;                                                                               \
    }
READER(rel_error, read_share(r, node, &r->plan->rel_error, err))
READER(exact, read_share(r, node, &r->plan->exact, err))
READER(boundaries, read_share(r, node, &r->plan->boundaries, err))
READER(adaptive, read_share(r, node, &r->plan->adaptive, err))
READER(precisions,
       read_shares(r, node, precision_name_of, JC_PRECISION_COUNT, r->plan->precision, err))
READER(network_precisions,
       read_shares(r, node, precision_name_of, JC_PRECISION_COUNT, r->plan->network_precision, err))
READER(kernels, read_shares(r, node, kernel_name_of, JC_KERNEL_COUNT, r->plan->kernel, err))
READER(max_macs, read_limit(r, node, &r->plan->max_macs, err))
READER(max_bytes, read_limit(r, node, &r->plan->max_bytes, err))
READER(batch_sizes, read_sizes(r, node, &r->plan->batch_sizes, err))
READER(network_batch_sizes, read_sizes(r, node, &r->plan->network_batch_sizes, err))
READER(networks, read_names(r, node, &r->plan->networks, err))
READER(architectures, read_names(r, node, &r->plan->architectures, err))

static const struct {
    const char *name;
    key_reader *read;
} keys[] = {
    {"rows", read_rows},
    {"seed", read_seed},
    {"repetitions", read_repetitions},
    {"window_s", read_window},
    {"meter_steps", read_meter_steps},
    {"rel_error", read_rel_error},
    {"weights", read_weights},
    {"exact", read_exact},
    {"boundaries", read_boundaries},
    {"adaptive", read_adaptive},
    {"precisions", read_precisions},
    {"kernels", read_kernels},
    {"max_macs", read_max_macs},
    {"max_bytes", read_max_bytes},
    {"batch_sizes", read_batch_sizes},
    {"networks", read_networks},
    {"architectures", read_architectures},
    {"network_batch_sizes", read_network_batch_sizes},
    {"network_precisions", read_network_precisions},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static jc_status read_value(const plan_reader *r, const jc_yaml *node, jc_error *err) {
    jc_suggestion suggestion = {.wanted = node->key};
    for (int k = 0; k < N_KEYS; ++k) {
        if (strcmp(keys[k].name, node->key) == 0) {
            return keys[k].read(r, node, err);
        }
        jc_suggestion_offer(&suggestion, keys[k].name);
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(err, JC_EPARSE, r->file, node->key_line, "a plan has no key '%.60s'%s",
                        node->key, jc_suggestion_format(&suggestion, close));
}

static jc_status read_plan(const char *path, jc_plan *plan, jc_error *err) {
    jc_arena arena = {0};
    jc_yaml *root = NULL;
    const plan_reader reader = {.file = path, .plan = plan};
    jc_status status = jc_yaml_load(path, &arena, &root, err);
    if (status == JC_OK && root->kind != JC_YAML_MAPPING && !jc_yaml_is_null(root)) {
        status = fail(&reader, root, "a mapping: rows, kernels, …", err);
    }
    // Twice, for rows are judged by the times that may come after them.
    for (int round = 0; status == JC_OK && round < 2; ++round) {
        const jc_yaml *value = status == JC_OK ? root->child : NULL;
        for (; status == JC_OK && value != NULL; value = value->next) {
            const bool is_rows = strcmp(value->key, "rows") == 0;
            if (!jc_yaml_is_null(value) && is_rows == (round == 1)) {
                status = read_value(&reader, value, err);
            }
        }
    }
    if (status == JC_OK && plan->exact + plan->boundaries > 1) {
        status = jc_error_set(err, JC_EPARSE, path, 0,
                              "exact %g and boundaries %g are more than 1 together", plan->exact,
                              plan->boundaries);
    }
    jc_arena_clear(&arena);
    return status;
}

// Shares of the kinds: the more sizes a kind has that matter, the more rows it needs. What is only
// known by its bytes (`other`) cannot be run.
static const double default_shares[JC_KERNEL_COUNT] = {
    [JC_KERNEL_CONV2D] = 40,       [JC_KERNEL_CONV_TRANSPOSE2D] = 4,
    [JC_KERNEL_LINEAR] = 8,        [JC_KERNEL_MATMUL] = 4,
    [JC_KERNEL_ATTENTION] = 4,     [JC_KERNEL_MAX_POOL2D] = 4,
    [JC_KERNEL_AVG_POOL2D] = 5,    [JC_KERNEL_BATCH_NORM] = 3,
    [JC_KERNEL_LAYER_NORM] = 2,    [JC_KERNEL_LRN] = 1.5,
    [JC_KERNEL_SOFTMAX] = 2,       [JC_KERNEL_RELU] = 2,
    [JC_KERNEL_RELU6] = 1,         [JC_KERNEL_LEAKY_RELU] = 1,
    [JC_KERNEL_PRELU] = 1,         [JC_KERNEL_SIGMOID] = 1.5,
    [JC_KERNEL_TANH] = 1,          [JC_KERNEL_GELU] = 1,
    [JC_KERNEL_SILU] = 1.5,        [JC_KERNEL_HARDSWISH] = 1,
    [JC_KERNEL_HARDSIGMOID] = 1.5, [JC_KERNEL_ADD] = 3,
    [JC_KERNEL_MUL] = 3,           [JC_KERNEL_CONCAT] = 2,
    [JC_KERNEL_COPY] = 2,          [JC_KERNEL_UPSAMPLE] = 1.5,
    [JC_KERNEL_EMBEDDING] = 1.5,   [JC_KERNEL_POINTWISE] = 1,
    [JC_KERNEL_REDUCE] = 1.5,      [JC_KERNEL_GROUP_NORM] = 1,
    [JC_KERNEL_RECURRENT] = 1.5,
};

static void set_defaults(jc_plan *plan) {
    static const int64_t batch_sizes[] = {1, 2, 4, 8}, network_batch_sizes[] = {1};
    plan->seed = 1;
    plan->rows = 2500;
    plan->precision[JC_PRECISION_F32] = 1;
    memcpy(plan->kernel, default_shares, sizeof default_shares);
    plan->exact = 0.35;
    plan->boundaries = 0.15;
    plan->adaptive = 0.3;
    plan->max_macs = INT64_C(4000000000);
    plan->max_bytes = INT64_C(400000000);
    plan->batch_sizes = (jc_plan_sizes){batch_sizes, 4};
    plan->network_batch_sizes = (jc_plan_sizes){network_batch_sizes, 1};
    plan->weights = JC_WEIGHTS_COLD;
    plan->repetitions = 2;
    plan->window_s = 0.1;
    plan->meter_steps = JC_METER_STEPS;
    plan->network_precision[JC_PRECISION_F32] = 1;
    plan->rel_error = 0.02;
}

jc_status jc_plan_load(const char *path, jc_plan **out_plan, jc_error *err) {
    jc_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL || (plan->memory = calloc(1, sizeof *plan->memory)) == NULL) {
        free(plan);
        return jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    set_defaults(plan);
    const jc_status status = path == NULL ? JC_OK : read_plan(path, plan, err);
    if (status != JC_OK) {
        jc_plan_free(plan);
        return status;
    }
    *out_plan = plan;
    return JC_OK;
}

void jc_plan_free(jc_plan *plan) {
    if (plan != NULL) {
        jc_arena_clear(&plan->memory->arena);
        free(plan->memory);
        free(plan);
    }
}
