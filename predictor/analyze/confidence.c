// SPDX-License-Identifier: Apache-2.0
// Validation runs: reading, and the rates that a threshold of confidence gives.
#include "confidence.h"

#include "common/csv/csv.h"
#include "common/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct record {
    const char *sample;
    size_t exit;
    double confidence;
    bool correct;
    int line;
} record;

typedef struct record_list {
    record *items;
    size_t n;
    size_t capacity;
} record_list;

enum { SAMPLE, EXIT, CONFIDENCE, CORRECT, COLUMNS };

static const char *const column_names[COLUMNS] = {"sample", "exit", "confidence", "correct"};

// --- Records ----------------------------------------------------------------------------------

static jc_status fail(const jc_csv *csv, jc_error *err, const char *what, const char *wanted,
                      const char *given) {
    return jc_error_set(err, JC_EPARSE, jc_csv_name(csv), jc_csv_line(csv),
                        "%s must be %s, not '%.60s'", what, wanted, given);
}

static bool read_flag(const char *text, bool *out_flag) {
    const bool yes = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    *out_flag = yes;
    return yes || strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
}

static jc_status read_record(const jc_csv *csv, const size_t *columns, const char *const *exits,
                             size_t n_exits, record *r, jc_error *err) {
    const char *exit = jc_csv_field(csv, columns[EXIT]);
    const char *confidence = jc_csv_field(csv, columns[CONFIDENCE]);
    const char *correct = jc_csv_field(csv, columns[CORRECT]);
    r->line = jc_csv_line(csv);
    r->exit = 0;
    while (r->exit < n_exits && strcmp(exits[r->exit], exit) != 0) {
        r->exit++;
    }
    if (r->exit == n_exits && strcmp(exit, "final") != 0) {
        return fail(csv, err, "exit",
                    "one of the exits (an `after`, or a network but the last), or final", exit);
    }
    // The end answers whatever its confidence.
    if (r->exit < n_exits && !(jc_parse_double(confidence, &r->confidence) && r->confidence >= 0 &&
                               r->confidence <= 1)) {
        return fail(csv, err, "confidence", "a number from 0 to 1", confidence);
    }
    return read_flag(correct, &r->correct) ? JC_OK : fail(csv, err, "correct", "0 or 1", correct);
}

static jc_status read_records(jc_csv *csv, const char *const *exits, size_t n_exits,
                              jc_arena *arena, record_list *list, jc_error *err) {
    size_t columns[COLUMNS];
    for (int c = 0; c < COLUMNS; ++c) {
        const jc_status status = jc_csv_find(csv, column_names[c], &columns[c], err);
        if (status != JC_OK) {
            return status;
        }
        if (columns[c] == JC_CSV_NO_COLUMN) {
            return jc_error_set(err, JC_EPARSE, jc_csv_name(csv), 1, "there is no column '%s'",
                                column_names[c]);
        }
    }
    bool more = false;
    jc_status status = jc_csv_next(csv, &more, err);
    while (status == JC_OK && more) {
        record *items = jc_arena_grow(arena, list->items, list->n, &list->capacity, sizeof *items);
        const char *sample = jc_csv_field(csv, columns[SAMPLE]);
        const char *copy = jc_arena_copy_text(arena, sample, strlen(sample));
        if (items == NULL || copy == NULL) {
            return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
        }
        list->items = items;
        record *r = &items[list->n++];
        *r = (record){.sample = copy};
        status = read_record(csv, columns, exits, n_exits, r, err);
        if (status == JC_OK) {
            status = jc_csv_next(csv, &more, err);
        }
    }
    return status;
}

// --- Table ------------------------------------------------------------------------------------

static int compare_records(const void *a, const void *b) {
    const record *left = a;
    const record *right = b;
    const int by_sample = strcmp(left->sample, right->sample);
    return by_sample != 0 ? by_sample : (left->exit > right->exit) - (left->exit < right->exit);
}

static jc_status fill_table(const char *path, const record_list *list, confidence_table *t,
                            jc_error *err) {
    const size_t per_sample = t->n_exits + 1;
    for (size_t i = 0; i < list->n; ++i) {
        const record *r = &list->items[i];
        const size_t sample = i / per_sample;
        const record *first = &list->items[sample * per_sample];
        if (r->exit != i % per_sample || strcmp(r->sample, first->sample) != 0) {
            return jc_error_set(err, JC_EPARSE, path, r->line,
                                "sample '%.60s' must have one record for each exit and one for "
                                "final, which it or the one before it has not",
                                r->sample);
        }
        t->correct[i] = r->correct;
        if (r->exit < t->n_exits) {
            t->confidence[sample * t->n_exits + r->exit] = r->confidence;
        }
    }
    return JC_OK;
}

jc_status confidence_load(const char *path, const char *const *exits, size_t n_exits,
                          jc_arena *arena, confidence_table *out_table, jc_error *err) {
    jc_csv *csv = NULL;
    record_list list = {.n = 0};
    jc_status status = jc_csv_open(path, ',', &csv, err);
    if (status == JC_OK) {
        status = read_records(csv, exits, n_exits, arena, &list, err);
    }
    jc_csv_close(csv);
    if (status != JC_OK) {
        return status;
    }
    if (list.n == 0 || list.n % (n_exits + 1) != 0) {
        return jc_error_set(err, JC_EPARSE, path, 0,
                            "%zu records are no whole number of samples with %zu exits and final",
                            list.n, n_exits);
    }
    qsort(list.items, list.n, sizeof *list.items, compare_records);
    confidence_table t = {.n_exits = n_exits, .n_samples = list.n / (n_exits + 1)};
    t.confidence = jc_arena_alloc(arena, t.n_samples * n_exits + 1, sizeof *t.confidence);
    t.correct = jc_arena_alloc(arena, list.n, sizeof *t.correct);
    if (t.confidence == NULL || t.correct == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    status = fill_table(path, &list, &t, err);
    if (status == JC_OK) {
        *out_table = t;
    }
    return status;
}

// --- Thresholds -------------------------------------------------------------------------------

double confidence_follow(const confidence_table *table, double threshold, double *out_rates) {
    size_t n_wrong = 0;
    for (size_t e = 0; e < table->n_exits; ++e) {
        out_rates[e] = 0;
    }
    for (size_t s = 0; s < table->n_samples; ++s) {
        size_t e = 0;
        while (e < table->n_exits && table->confidence[s * table->n_exits + e] < threshold) {
            ++e;
        }
        if (e < table->n_exits) {
            out_rates[e] += 1;
        }
        n_wrong += !table->correct[s * (table->n_exits + 1) + e];
    }
    for (size_t e = 0; e < table->n_exits; ++e) {
        out_rates[e] /= (double)table->n_samples;
    }
    return (double)n_wrong / (double)table->n_samples;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t confidence_thresholds(const confidence_table *table, size_t n, double *out_thresholds) {
    const size_t n_values = table->n_samples * table->n_exits;
    double *sorted = malloc((n_values + 1) * sizeof *sorted);
    size_t n_out = 0;
    if (sorted == NULL || n < 2) {
        free(sorted);
        return 0;
    }
    memcpy(sorted, table->confidence, n_values * sizeof *sorted);
    qsort(sorted, n_values, sizeof *sorted, compare_doubles);
    out_thresholds[n_out++] = 0;
    for (size_t i = 1; i + 1 < n && n_values > 0; ++i) {
        const double at = sorted[(i * n_values) / (n - 1)];
        if (at > out_thresholds[n_out - 1]) {
            out_thresholds[n_out++] = at;
        }
    }
    out_thresholds[n_out++] = nextafter(1, 2);
    free(sorted);
    return n_out;
}
