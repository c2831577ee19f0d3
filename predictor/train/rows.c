// SPDX-License-Identifier: Apache-2.0
// Choice of rows, their noise, and their folds.
#include "rows.h"

#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A power this many robust standard deviations from the median of its kernel (of log power, by the
// median absolute deviation) is a broken reading, if it is also off by OUTLIER_RATIO at least:
// half a machine missing, not a busy layer.
static const double OUTLIER_DEVIATIONS = 10;
static const double OUTLIER_RATIO = 0.15;

enum { DROPPED_NO_RUNTIME, DROPPED_NO_POWER, DROPPED_POWER_OUTLIER, DROPPED_REASONS };

static const char *const dropped_reasons[DROPPED_REASONS] = {
    "no positive runtime",
    "power not positive: used for runtime alone",
    "power beyond 10 robust deviations from the median: used for runtime alone",
};

typedef struct slot {
    uint64_t hash;
    size_t row;
} slot;

static int compare_slots(const void *a, const void *b) {
    const slot *x = a;
    const slot *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

// Equal kernels get equal groups; groups are numbered in the order of their hashes, so that the
// order of rows in a file decides nothing. (A collision of 64-bit hashes would merge two groups:
// they would share a fold, which does no harm.)
static jc_status find_groups(train_rows *set, jc_arena *arena) {
    slot *slots = malloc((set->n_rows + 1) * sizeof *slots);
    set->group_hash = jc_arena_alloc(arena, set->n_rows + 1, sizeof *set->group_hash);
    if (slots == NULL || set->group_hash == NULL) {
        free(slots);
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < set->n_rows; ++i) {
        slots[i] = (slot){jc_kernel_hash(set->rows[i].kernel), i};
    }
    qsort(slots, set->n_rows, sizeof *slots, compare_slots);
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (i == 0 || slots[i].hash != slots[i - 1].hash) {
            set->group_hash[set->n_groups++] = slots[i].hash;
        }
        set->rows[slots[i].row].group = set->n_groups - 1;
    }
    free(slots);
    return JC_OK;
}

static double power_of(const jc_measurement *m) {
    return isnan(m->power_w) && m->energy_j > 0 ? m->energy_j / m->runtime_s : m->power_w;
}

// Where a row does not say its window it is a mean of passes metered one by one, as training loops
// do; how many is not known either. This many are assumed, whose errors average out.
static const double UNKNOWN_PASSES = 100;

// Relative standard deviation of an energy reading: a counter that steps every s seconds, read at
// both ends of a window of w, is off by the sum of two uniform errors: s/(w·√6).
static double counter_noise(const jc_measurement *m, double step_s) {
    if (!(step_s > 0)) {
        return 0;
    }
    return m->window_s > 0 ? step_s / (m->window_s * sqrt(6))
                           : step_s / (m->runtime_s * sqrt(6 * UNKNOWN_PASSES));
}

static train_row make_row(const jc_row *row, double step_s) {
    const jc_measurement *m = &row->measured;
    const double power = power_of(m);
    const double spread = m->runtime_rel_sd > 0 ? m->runtime_rel_sd : 0;
    return (train_row){
        .kernel = &row->kernel,
        .runtime_s = m->runtime_s,
        .power_w = power > 0 && isfinite(power) ? power : (double)NAN,
        .runtime_noise = spread,
        .power_noise = sqrt(spread * spread + pow(counter_noise(m, step_s), 2)),
    };
}

static jc_status drop_outliers(train_rows *set, int64_t *dropped) {
    double *logs = malloc((set->n_rows + 1) * sizeof *logs);
    if (logs == NULL) {
        return JC_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (!isnan(set->rows[i].power_w)) {
            logs[n++] = log(set->rows[i].power_w);
        }
    }
    const double middle = statistics_median(logs, n);
    const double deviation = statistics_deviation(logs, n, middle);
    const double limit = fmax(OUTLIER_DEVIATIONS * deviation, OUTLIER_RATIO);
    free(logs);
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (fabs(log(set->rows[i].power_w) - middle) > limit) {
            set->rows[i].power_w = (double)NAN;
            dropped[DROPPED_POWER_OUTLIER]++;
        }
        set->n_power += isnan(set->rows[i].power_w) ? 0 : 1;
    }
    return JC_OK;
}

static jc_status list_dropped(train_rows *set, const int64_t *dropped, jc_arena *arena) {
    set->dropped = jc_arena_alloc(arena, DROPPED_REASONS, sizeof *set->dropped);
    if (set->dropped == NULL) {
        return JC_ENOMEM;
    }
    for (int r = 0; r < DROPPED_REASONS; ++r) {
        if (dropped[r] > 0) {
            set->dropped[set->n_dropped++] = (jc_dropped){dropped_reasons[r], dropped[r]};
        }
    }
    return JC_OK;
}

jc_status train_rows_collect(const jc_dataset *dataset, jc_kernel_kind kind, jc_precision precision,
                             jc_arena *arena, train_rows *out_rows) {
    train_rows set = {.kind = kind, .precision = precision};
    int64_t dropped[DROPPED_REASONS] = {0};
    set.rows = jc_arena_alloc(arena, dataset->n_rows + 1, sizeof *set.rows);
    if (set.rows == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        const jc_row *row = &dataset->rows[i];
        if (row->kernel.kind != kind || row->kernel.precision != precision) {
            continue;
        }
        if (!(row->measured.runtime_s > 0) || !isfinite(row->measured.runtime_s)) {
            dropped[DROPPED_NO_RUNTIME]++;
            continue;
        }
        const double power = power_of(&row->measured);
        dropped[DROPPED_NO_POWER] += power <= 0;
        set.rows[set.n_rows] = make_row(row, dataset->device.meter_step_s);
        set.rows[set.n_rows++].number = i;
    }
    jc_status status = drop_outliers(&set, dropped);
    if (status == JC_OK) {
        status = find_groups(&set, arena);
    }
    if (status == JC_OK) {
        status = list_dropped(&set, dropped, arena);
    }
    if (status == JC_OK) {
        *out_rows = set;
    }
    return status;
}

// Finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
static uint64_t mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

jc_status train_rows_shuffle(const train_rows *set, uint64_t seed, size_t *out_order) {
    slot *slots = malloc((set->n_groups + 1) * sizeof *slots);
    if (slots == NULL) {
        return JC_ENOMEM;
    }
    for (size_t g = 0; g < set->n_groups; ++g) {
        slots[g] = (slot){mix(set->group_hash[g] ^ mix(seed)), g};
    }
    qsort(slots, set->n_groups, sizeof *slots, compare_slots);
    for (size_t i = 0; i < set->n_groups; ++i) {
        out_order[i] = slots[i].row;
    }
    free(slots);
    return JC_OK;
}

jc_status train_rows_deal(const train_rows *set, const size_t *index, size_t n, int n_folds,
                          uint64_t seed, int *out_fold) {
    size_t *order = malloc((set->n_groups + 1) * sizeof *order);
    int *fold = malloc((set->n_groups + 1) * sizeof *fold);
    bool *present = calloc(set->n_groups + 1, sizeof *present);
    jc_status status = JC_ENOMEM;
    if (order != NULL && fold != NULL && present != NULL) {
        status = train_rows_shuffle(set, seed, order);
    }
    if (status == JC_OK) {
        for (size_t i = 0; i < n; ++i) {
            present[set->rows[index[i]].group] = true;
        }
        size_t k = 0;
        for (size_t i = 0; i < set->n_groups; ++i) {
            if (present[order[i]]) {
                fold[order[i]] = (int)(k++ % (size_t)n_folds);
            }
        }
        for (size_t i = 0; i < n; ++i) {
            out_fold[i] = fold[set->rows[index[i]].group];
        }
    }
    free(order);
    free(fold);
    free(present);
    return status;
}
