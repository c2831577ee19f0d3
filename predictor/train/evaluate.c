// SPDX-License-Identifier: Apache-2.0
// Error tables: of a profile's training, and of a profile on other rows.
#include <joulecast/train.h>

#include "rows.h"
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

void jc_error_table_free(jc_error_table *table) {
    if (table != NULL) {
        free(table->records);
        free(table);
    }
}

static jc_status table_create(size_t most, jc_error_table **out_table) {
    jc_error_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return JC_ENOMEM;
    }
    table->records = calloc(most + 1, sizeof *table->records);
    if (table->records == NULL) {
        free(table);
        return JC_ENOMEM;
    }
    *out_table = table;
    return JC_OK;
}

jc_status jc_profile_errors(const jc_profile *profile, jc_error_table **out_table) {
    jc_error_table *table = NULL;
    const jc_status status = table_create(profile->n_kernels * JC_TARGET_COUNT, &table);
    if (status != JC_OK) {
        return status;
    }
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        jc_coverage c;
        jc_profile_coverage(profile, i, &c);
        for (int t = 0; t < JC_TARGET_COUNT; ++t) {
            if (c.held_out[t].rows > 0) {
                table->records[table->n_records++] =
                    (jc_error_record){c.kind, c.precision, (jc_target)t, c.held_out[t]};
            }
        }
    }
    *out_table = table;
    return JC_OK;
}

typedef struct outcomes {
    outcome *by[JC_TARGET_COUNT];
    size_t n[JC_TARGET_COUNT];
} outcomes;

static void predict_row(const kernel_model *k, const train_row *row, outcomes *o) {
    jc_prediction p;
    kernel_model_predict(k, row->kernel, &p);
    o->by[JC_TARGET_RUNTIME][o->n[JC_TARGET_RUNTIME]++] =
        (outcome){row->runtime_s, p.runtime_s, p.runtime_low_s, p.runtime_high_s, row};
    if (isnan(row->power_w) || isnan(p.power_w)) {
        return;
    }
    double low = 0;
    double high = 0;
    model_spread_at(&k->power.spread, p.power_w, &low, &high);
    o->by[JC_TARGET_POWER][o->n[JC_TARGET_POWER]++] =
        (outcome){row->power_w, p.power_w, p.power_w * exp(low), p.power_w * exp(high), row};
    o->by[JC_TARGET_ENERGY][o->n[JC_TARGET_ENERGY]++] =
        (outcome){row->power_w * row->runtime_s, p.energy_j, p.energy_low_j, p.energy_high_j, row};
}

static jc_status evaluate_kernel(const kernel_model *k, const train_rows *set, outcomes *o,
                                 jc_error_table *table) {
    const size_t terms[JC_TARGET_COUNT] = {
        k->runtime.n_backbone + k->runtime.n_terms, k->power.n_backbone + k->power.n_terms,
        k->runtime.n_backbone + k->runtime.n_terms + k->power.n_backbone + k->power.n_terms};
    *o->n = 0;
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        o->n[t] = 0;
    }
    for (size_t i = 0; i < set->n_rows; ++i) {
        predict_row(k, &set->rows[i], o);
    }
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        if (o->n[t] == 0) {
            continue;
        }
        jc_error_record *record = &table->records[table->n_records];
        *record = (jc_error_record){set->kind, set->precision, (jc_target)t, {0}};
        const jc_status status = statistics_errors(o->by[t], o->n[t], &record->errors);
        if (status != JC_OK) {
            return status;
        }
        record->errors.terms = terms[t];
        table->n_records++;
    }
    return JC_OK;
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
    outcomes o = {0};
    jc_status status = table_create(profile->n_kernels * JC_TARGET_COUNT, &table);
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        o.by[t] = calloc(dataset->n_rows + 1, sizeof *o.by[t]);
        status = o.by[t] == NULL ? JC_ENOMEM : status;
    }
    if (status == JC_OK) {
        status = evaluate(profile, dataset, &o, table);
    }
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        free(o.by[t]);
    }
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
