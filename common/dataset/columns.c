// SPDX-License-Identifier: Apache-2.0
// Columns of what was measured.
#include "columns.h"

#include <limits.h>
#include <math.h>
#include <string.h>

typedef enum domain { POSITIVE, NOT_NEGATIVE, SHARE, ANY, COUNT, TEXT } domain;

#define NUMBER(field, of)                                                                          \
    { .name = #field, .domain = of, .offset = offsetof(jc_measurement, field) }
#define TEXT_OF(field, right)                                                                      \
    {                                                                                              \
        .name = #field, .domain = TEXT, .offset = offsetof(jc_measurement, field),                 \
        .size = sizeof((jc_measurement *)0)->field, .wanted = right                                \
    }

static const struct {
    const char *name;
    domain domain;
    size_t offset;      ///< in jc_measurement, of a double or a text; unused by COUNT
    size_t size;        ///< of a text
    const char *wanted; ///< of a text
} columns[N_MEASURED_COLUMNS] = {
    NUMBER(runtime_s, POSITIVE),
    NUMBER(runtime_rel_sd, NOT_NEGATIVE),
    NUMBER(power_w, POSITIVE),
    NUMBER(energy_j, POSITIVE),
    NUMBER(idle_power_w, NOT_NEGATIVE),
    NUMBER(iterations, POSITIVE),
    NUMBER(window_s, POSITIVE),
    TEXT_OF(meter, "must be a name of up to 23 characters"),
    {.name = "repetition", .domain = COUNT},
    NUMBER(energy_rel_sd, NOT_NEGATIVE),
    NUMBER(temperature_c, ANY),
    NUMBER(throttled, SHARE),
    NUMBER(throttled_by_heat, SHARE),
    TEXT_OF(algorithm, "must be a text of up to 95 characters"),
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
    case SHARE:
        return value >= 0 && value <= 1 ? NULL
                                        : "must be from 0 to 1, or empty where it is unknown";
    case COUNT:
        return value >= 1 && value <= INT_MAX && value == floor(value)
                   ? NULL
                   : "must be a whole number from 1, or empty where it is unknown";
    case ANY:
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

char *measured_text(jc_measurement *measured, int column, size_t *out_size) {
    *out_size = columns[column].size;
    return (char *)measured + columns[column].offset;
}

const char *measured_check_text(int column, const char *text) {
    return strlen(text) < columns[column].size ? NULL : columns[column].wanted;
}
