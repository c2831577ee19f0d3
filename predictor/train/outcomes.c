// SPDX-License-Identifier: Apache-2.0
// Outcomes of predictions, by target.
#include "outcomes.h"

#include <math.h>
#include <stdlib.h>

jc_status outcomes_create(size_t n, outcomes *out_outcomes) {
    outcomes o = {0};
    jc_status status = JC_OK;
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        o.by[t] = calloc(n + 1, sizeof *o.by[t]);
        status = o.by[t] == NULL ? JC_ENOMEM : status;
    }
    *out_outcomes = o;
    return status;
}

void outcomes_clear(outcomes *o) {
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        free(o->by[t]);
    }
    *o = (outcomes){0};
}

void outcomes_reset(outcomes *o) {
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        o->n[t] = 0;
    }
}

static void add(outcomes *o, jc_target target, outcome value) {
    o->by[target][o->n[target]++] = value;
}

void outcomes_add(outcomes *o, const kernel_model *k, const train_row *row) {
    jc_prediction p;
    kernel_model_predict(k, row->kernel, &p);
    add(o, JC_TARGET_RUNTIME,
        (outcome){row->runtime_s, p.runtime_s, p.runtime_low_s, p.runtime_high_s, row});
    if (isnan(row->power_w) || isnan(p.power_w)) {
        return;
    }
    double low = 0;
    double high = 0;
    model_spread_at(&k->power.spread, p.power_w, &low, &high);
    add(o, JC_TARGET_POWER,
        (outcome){row->power_w, p.power_w, p.power_w * exp(low), p.power_w * exp(high), row});
    add(o, JC_TARGET_ENERGY,
        (outcome){row->power_w * row->runtime_s, p.energy_j, p.energy_low_j, p.energy_high_j, row});
}

void jc_error_table_free(jc_error_table *table) {
    if (table != NULL) {
        free(table->records);
        free(table);
    }
}

jc_status error_table_create(size_t most, jc_error_table **out_table) {
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

jc_status error_table_add(jc_error_table *table, const train_rows *set, const outcomes *o,
                          const size_t terms[JC_TARGET_COUNT]) {
    for (int t = 0; t < JC_TARGET_COUNT; ++t) {
        if (o->n[t] == 0) {
            continue;
        }
        jc_error_record *record = &table->records[table->n_records];
        *record = (jc_error_record){
            .kind = set->kind, .precision = set->precision, .target = (jc_target)t};
        const jc_status status = statistics_errors(o->by[t], o->n[t], &record->errors);
        if (status != JC_OK) {
            return status;
        }
        record->errors.terms = terms[t];
        table->n_records++;
    }
    return JC_OK;
}
