// SPDX-License-Identifier: Apache-2.0
// Columns of what was measured.
#include "columns.h"

#include <limits.h>
#include <math.h>
#include <string.h>

typedef enum domain { POSITIVE, NOT_NEGATIVE, COUNT, TEXT } domain;

static const struct {
    const char *name;
    domain domain;
    size_t offset; ///< of the double in jc_measurement; unused by COUNT and TEXT
} columns[N_MEASURED_COLUMNS] = {
    {"runtime_s", POSITIVE, offsetof(jc_measurement, runtime_s)},
    {"runtime_rel_sd", NOT_NEGATIVE, offsetof(jc_measurement, runtime_rel_sd)},
    {"power_w", POSITIVE, offsetof(jc_measurement, power_w)},
    {"energy_j", POSITIVE, offsetof(jc_measurement, energy_j)},
    {"idle_power_w", NOT_NEGATIVE, offsetof(jc_measurement, idle_power_w)},
    {"iterations", POSITIVE, offsetof(jc_measurement, iterations)},
    {"window_s", POSITIVE, offsetof(jc_measurement, window_s)},
    {"meter", TEXT, 0},
    {"repetition", COUNT, 0},
};

const char *const networks_columns[NETWORKS_COLUMN_COUNT] = {
    [NETWORKS_ARCHITECTURE] = "architecture",
    [NETWORKS_BATCH_SIZE] = "batch_size",
    [NETWORKS_INPUT_SHAPE] = "input_shape",
    [NETWORKS_PRECISION] = "precision",
};

const char *measured_name(int column) {
    return columns[column].name;
}

int measured_find(const char *name) {
    int column = N_MEASURED_COLUMNS - 1;
    while (column >= 0 && strcmp(columns[column].name, name) != 0) {
        --column;
    }
    return column;
}

bool measured_is_text(int column) {
    return columns[column].domain == TEXT;
}

const char *measured_check(int column, double value) {
    if (isnan(value)) {
        return NULL;
    }
    if (isinf(value)) {
        return "must be finite";
    }
    switch (columns[column].domain) {
    case POSITIVE:
        return value > 0 ? NULL : "must be above 0, or empty where it is unknown";
    case NOT_NEGATIVE:
        return value >= 0 ? NULL : "must be 0 or more, or empty where it is unknown";
    case COUNT:
        return value >= 1 && value <= INT_MAX && value == floor(value)
                   ? NULL
                   : "must be a whole number from 1, or empty where it is unknown";
    case TEXT:
        break;
    }
    return NULL;
}

double measured_get(const jc_measurement *measured, int column) {
    if (columns[column].domain == COUNT) {
        return measured->repetition == 0 ? (double)NAN : measured->repetition;
    }
    double value = 0;
    memcpy(&value, (const char *)measured + columns[column].offset, sizeof value);
    return value;
}

void measured_set(jc_measurement *measured, int column, double value) {
    if (columns[column].domain == COUNT) {
        measured->repetition = isnan(value) ? 0 : (int)value;
    } else {
        memcpy((char *)measured + columns[column].offset, &value, sizeof value);
    }
}

jc_measurement measured_unknown(void) {
    jc_measurement measured = {.repetition = 0};
    for (int c = 0; c < N_MEASURED_COLUMNS; ++c) {
        if (!measured_is_text(c)) {
            measured_set(&measured, c, (double)NAN);
        }
    }
    return measured;
}

const char *meter_check(const char *name) {
    return strlen(name) < JC_METER_NAME_SIZE ? NULL : "must be a name of up to 23 characters";
}
