// SPDX-License-Identifier: Apache-2.0
// Error tables: of a profile's training, and of a profile on other rows.
#include <joulecast/train.h>

#include "outcomes.h"

#include <stdlib.h>

jc_status jc_profile_errors(const jc_profile *profile, jc_error_table **out_table) {
    jc_error_table *table = NULL;
    const jc_status status = error_table_create(profile->n_kernels * JC_TARGET_COUNT, &table);
    if (status != JC_OK) {
        return status;
    }
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        jc_coverage c;
        jc_profile_coverage(profile, i, &c);
        for (int t = 0; t < JC_TARGET_COUNT; ++t) {
            if (c.held_out[t].rows > 0) {
                table->records[table->n_records++] =
                    (jc_error_record){c.kind, c.precision, (jc_target)t, c.held_out[t], 0};
            }
        }
    }
    *out_table = table;
    return JC_OK;
}

jc_status jc_errors_compute(const jc_outcome *pairs, size_t n, jc_errors *out_errors) {
    outcome *copies = calloc(n + 1, sizeof *copies);
    if (copies == NULL || n == 0) {
        free(copies);
        return n == 0 ? JC_EINVAL : JC_ENOMEM;
    }
    for (size_t i = 0; i < n; ++i) {
        const jc_outcome *o = &pairs[i];
        copies[i] = (outcome){o->measured, o->predicted, o->low, o->high, NULL};
    }
    const jc_status status = statistics_errors(copies, n, out_errors);
    free(copies);
    return status;
}

static jc_status evaluate_kernel(const kernel_model *k, const train_rows *set, outcomes *o,
                                 jc_error_table *table) {
    const size_t terms[JC_TARGET_COUNT] = {
        k->runtime.n_backbone + k->runtime.n_terms, k->power.n_backbone + k->power.n_terms,
        k->runtime.n_backbone + k->runtime.n_terms + k->power.n_backbone + k->power.n_terms};
    outcomes_reset(o);
    for (size_t i = 0; i < set->n_rows; ++i) {
        outcomes_add(o, k, &set->rows[i]);
    }
    return error_table_add(table, set, o, terms);
}

static jc_status evaluate(const jc_profile *profile, const jc_dataset *dataset, outcomes *o,
                          jc_error_table *table) {
    jc_arena arena = {0};
    jc_status status = JC_OK;
    for (size_t i = 0; i < profile->n_kernels && status == JC_OK; ++i) {
        const kernel_model *k = &profile->kernels[i];
        train_rows set;
        status = train_rows_collect(dataset, k->kind, k->precision, &arena, &set);
        if (status == JC_OK) {
            status = evaluate_kernel(k, &set, o, table);
        }
        jc_arena_reset(&arena);
    }
    jc_arena_clear(&arena);
    return status;
}

jc_status jc_evaluate(const jc_profile *profile, const jc_dataset *dataset,
                      jc_error_table **out_table, jc_error *err) {
    jc_error_table *table = NULL;
    outcomes o;
    jc_status status = outcomes_create(dataset->n_rows, &o);
    if (status == JC_OK) {
        status = error_table_create(profile->n_kernels * JC_TARGET_COUNT, &table);
    }
    if (status == JC_OK) {
        status = evaluate(profile, dataset, &o, table);
    }
    outcomes_clear(&o);
    if (status == JC_OK && table->n_records == 0) {
        status = jc_error_set(err, JC_ERANGE, NULL, 0,
                              "the profile of %s has no model for any row of the dataset",
                              profile->device.name);
    } else if (status != JC_OK) {
        status = jc_error_set(err, status, NULL, 0, "%s", jc_status_message(status));
    }
    if (status != JC_OK) {
        jc_error_table_free(table);
        return status;
    }
    *out_table = table;
    return JC_OK;
}
