// SPDX-License-Identifier: Apache-2.0
// Choice of rows, their noise, and their folds.
#include "rows.h"

#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is this many robust standard deviations (of logarithms, by the median absolute deviation)
// from its median and off by OUTLIER_RATIO at least stands out. A power, from the median of its
// kernel: a broken reading, half a machine missing, not a busy layer. A runtime, from the median of
// its repetitions: the machine did two different things, and no rule says which is the right one.
static const double OUTLIER_DEVIATIONS = 10;
static const double OUTLIER_RATIO = 0.15;

enum {
    DROPPED_NO_RUNTIME,
    DROPPED_NO_POWER,
    DROPPED_POWER_OUTLIER,
    DROPPED_REPETITION,
    DROPPED_REASONS
};

static const char *const dropped_reasons[DROPPED_REASONS] = {
    "no positive runtime",
    "power not positive: used for runtime alone",
    "power beyond 10 robust deviations from the median: used for runtime alone",
    "runtime beyond 10 robust deviations from its repetitions: counts less, by their spread",
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
    const double reading = m->energy_rel_sd > 0 ? m->energy_rel_sd : counter_noise(m, step_s);
    return (train_row){
        .kernel = &row->kernel,
        .runtime_s = m->runtime_s,
        .power_w = power > 0 && isfinite(power) ? power : (double)NAN,
        .runtime_noise = spread,
        .power_noise = sqrt(spread * spread + reading * reading),
    };
}

static void drop(jc_dropped *dropped, int reason, size_t number) {
    jc_dropped *d = &dropped[reason];
    if (d->n_numbers < JC_DROPPED_NUMBERS) {
        d->numbers[d->n_numbers++] = (int64_t)number;
    }
    d->rows++;
}

// Largest distance of a logarithm from `middle` that does not stand out.
static double find_limit(const double *logs, size_t n, double middle) {
    return fmax(OUTLIER_DEVIATIONS * statistics_deviation(logs, n, middle), OUTLIER_RATIO);
}

static jc_status drop_outliers(train_rows *set, size_t first, jc_dropped *dropped) {
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
    const double limit = find_limit(logs, n, middle);
    free(logs);
    for (size_t i = 0; i < set->n_rows; ++i) {
        train_row *row = &set->rows[i];
        if (fabs(log(row->power_w) - middle) > limit) {
            row->power_w = (double)NAN;
            drop(dropped, DROPPED_POWER_OUTLIER, row->number - first + 1);
        }
        set->n_power += isnan(row->power_w) ? 0 : 1;
    }
    return JC_OK;
}

// --- Repetitions -------------------------------------------------------------------------------

/** Rows of a set, those of a configuration beside each other, and the logarithms of a target. */
typedef struct repetitions {
    size_t *row;  ///< [n_rows]
    double *logs; ///< [n_rows]: ln of the target in that order, then its distance from the median
    double *copy; ///< [n_rows]: scratch
} repetitions;

static double standard_deviation(const double *values, size_t n) {
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
        mean += values[i] / (double)n;
    }
    for (size_t i = 0; i < n; ++i) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    return n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

// A row is no better known than its repetitions agree.
static void add_spread(train_rows *set, repetitions *r, size_t from, size_t to) {
    size_t n = 0;
    for (size_t i = from; i < to; ++i) {
        r->logs[i] = log(set->rows[r->row[i]].runtime_s);
    }
    const double runtime_spread = standard_deviation(r->logs + from, to - from);
    for (size_t i = from; i < to; ++i) {
        const double power_w = set->rows[r->row[i]].power_w;
        if (!isnan(power_w)) {
            r->copy[n++] = log(power_w);
        }
    }
    const double power_spread = standard_deviation(r->copy, n);
    for (size_t i = from; i < to; ++i) {
        train_row *row = &set->rows[r->row[i]];
        row->runtime_noise = fmax(row->runtime_noise, runtime_spread);
        row->power_noise = fmax(row->power_noise, power_spread);
    }
    memcpy(r->copy, r->logs + from, (to - from) * sizeof *r->copy);
    const double middle = statistics_median(r->copy, to - from);
    for (size_t i = from; i < to; ++i) {
        r->logs[i] -= middle;
    }
}

static void list_repetitions(const train_rows *set, const repetitions *r, size_t first,
                             jc_dropped *dropped) {
    const double limit = find_limit(r->logs, set->n_rows, 0);
    for (size_t i = 0; i < set->n_rows; ++i) {
        if (fabs(r->logs[i]) > limit) {
            drop(dropped, DROPPED_REPETITION, set->rows[r->row[i]].number - first + 1);
        }
    }
}

static jc_status weigh_repetitions(train_rows *set, size_t first, jc_dropped *dropped) {
    repetitions r = {.row = malloc((set->n_rows + 1) * sizeof *r.row),
                     .logs = malloc((set->n_rows + 1) * sizeof *r.logs),
                     .copy = malloc((set->n_rows + 1) * sizeof *r.copy)};
    slot *slots = malloc((set->n_rows + 1) * sizeof *slots);
    const bool done = r.row != NULL && r.logs != NULL && r.copy != NULL && slots != NULL;
    if (done) {
        for (size_t i = 0; i < set->n_rows; ++i) {
            slots[i] = (slot){set->rows[i].group, i};
        }
        qsort(slots, set->n_rows, sizeof *slots, compare_slots);
        size_t from = 0;
        for (size_t i = 0; i < set->n_rows; ++i) {
            r.row[i] = slots[i].row;
            if (i + 1 == set->n_rows || slots[i + 1].hash != slots[i].hash) {
                add_spread(set, &r, from, i + 1);
                from = i + 1;
            }
        }
        list_repetitions(set, &r, first, dropped);
    }
    free(slots);
    free(r.row);
    free(r.logs);
    free(r.copy);
    return done ? JC_OK : JC_ENOMEM;
}

// --- Collecting --------------------------------------------------------------------------------

static int compare_numbers(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static jc_status list_dropped(train_rows *set, jc_dropped *dropped, jc_arena *arena) {
    set->dropped = jc_arena_alloc(arena, DROPPED_REASONS, sizeof *set->dropped);
    if (set->dropped == NULL) {
        return JC_ENOMEM;
    }
    for (int r = 0; r < DROPPED_REASONS; ++r) {
        if (dropped[r].rows > 0) {
            dropped[r].reason = dropped_reasons[r];
            qsort(dropped[r].numbers, dropped[r].n_numbers, sizeof *dropped[r].numbers,
                  compare_numbers);
            set->dropped[set->n_dropped++] = dropped[r];
        }
    }
    return JC_OK;
}

static void choose_rows(const jc_dataset *dataset, size_t first, train_rows *set,
                        jc_dropped *dropped) {
    for (size_t i = first; i < dataset->n_rows; ++i) {
        const jc_row *row = &dataset->rows[i];
        if (row->kernel.kind != set->kind || row->kernel.precision != set->precision) {
            continue;
        }
        if (!(row->measured.runtime_s > 0) || !isfinite(row->measured.runtime_s)) {
            drop(dropped, DROPPED_NO_RUNTIME, i - first + 1);
            continue;
        }
        if (power_of(&row->measured) <= 0) {
            drop(dropped, DROPPED_NO_POWER, i - first + 1);
        }
        set->rows[set->n_rows] = make_row(row, dataset->device.meter_step_s);
        set->rows[set->n_rows++].number = i;
    }
}

jc_status train_rows_collect(const jc_dataset *dataset, jc_kernel_kind kind, jc_precision precision,
                             jc_arena *arena, train_rows *out_rows) {
    train_rows set = {.kind = kind, .precision = precision};
    jc_dropped dropped[DROPPED_REASONS] = {{0}};
    set.rows = jc_arena_alloc(arena, dataset->n_rows + 1, sizeof *set.rows);
    if (set.rows == NULL) {
        return JC_ENOMEM;
    }
    size_t first = 0; // rows of a kind stand together: its file begins here
    while (first < dataset->n_rows && dataset->rows[first].kernel.kind != kind) {
        ++first;
    }
    choose_rows(dataset, first, &set, dropped);
    jc_status status = drop_outliers(&set, first, dropped);
    if (status == JC_OK) {
        status = find_groups(&set, arena);
    }
    if (status == JC_OK) {
        status = weigh_repetitions(&set, first, dropped);
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
