// SPDX-License-Identifier: Apache-2.0
// The kernels of a plan. Each kind has its own Sobol points, whose coordinates choose a pattern (a
// kernel of a network) and how it is varied; kinds take turns in proportion to their shares.
#include <joulecast/campaign.h>

#include "vary.h"

#include "common/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Points in a row that give nothing new after which a kind is held to be exhausted.
enum { MOST_TRIES = 500 };

// 256 KiB, the weights of a LeNet-5, to 512 MiB, those of a VGG.
static const double LEAST_REUSE = 0x1p18;
static const double MOST_REUSE = 0x1p29;

enum { MORE_TO_CHOOSE_FROM = 3 }; ///< kernels for each adaptive row

/** Set of kernels: positions in a list, by hash. */
typedef struct kernel_set {
    size_t *slot; ///< [mask + 1] position + 1; 0 = free
    size_t mask;
} kernel_set;

typedef struct pattern_list {
    jc_kernel *kernels; ///< [n]
    size_t n;
    size_t n_exact; ///< of them already taken as they are
    double share;   ///< of the rows; 0 = exhausted
    size_t taken;
    uint32_t next_point;
} pattern_list;

typedef struct sampler {
    const jc_plan *plan;
    pattern_list lists[JC_KERNEL_COUNT];
    jc_kernel *kernels; ///< [n] result
    size_t n;
    kernel_set known;
} sampler;

static bool create_set(size_t n, kernel_set *out_set) {
    size_t size = 64;
    while (size < 2 * n + 2) {
        size *= 2;
    }
    *out_set = (kernel_set){.slot = calloc(size, sizeof *out_set->slot), .mask = size - 1};
    return out_set->slot != NULL;
}

// True if the kernel was not in the set; it is put there as position n of the list.
static bool add_new(kernel_set *set, const jc_kernel *list, const jc_kernel *kernel, size_t n) {
    size_t at = (size_t)jc_kernel_hash(kernel) & set->mask;
    while (set->slot[at] != 0) {
        if (jc_kernel_equal(&list[set->slot[at] - 1], kernel)) {
            return false;
        }
        at = (at + 1) & set->mask;
    }
    set->slot[at] = n + 1;
    return true;
}

static bool is_within_limits(const jc_plan *plan, const jc_kernel *kernel) {
    const jc_work work = jc_kernel_work(kernel);
    const int64_t elements = jc_add_saturating(
        jc_add_saturating(work.input_elements, work.output_elements),
        kernel->kind == JC_KERNEL_EMBEDDING ? jc_mul_saturating(kernel->size[1], kernel->size[2])
                                            : work.weight_elements);
    return work.macs <= plan->max_macs &&
           jc_mul_saturating(elements, jc_precision_bytes(kernel->precision)) <= plan->max_bytes;
}

// --- Patterns -------------------------------------------------------------------------------

static void shuffle(jc_kernel *kernels, size_t n, uint64_t seed) {
    uint64_t state = seed;
    for (size_t i = n; i > 1; --i) {
        const size_t j = (size_t)(random_next(&state) % i);
        const jc_kernel kept = kernels[i - 1];
        kernels[i - 1] = kernels[j];
        kernels[j] = kept;
    }
}

// Different kernels that were seen, by kind; a kind without any gets patterns made up from
// convolutions.
static bool fill_lists(sampler *s, const jc_kernel *seen, size_t n_seen) {
    static const jc_kernel plain_conv = {
        .kind = JC_KERNEL_CONV2D, .size = {1, 64, 56, 56, 56, 56, 3, 3, 1, 1, 1, 1, 1, 1, 64, 1}};
    kernel_set set;
    jc_kernel *different = calloc(n_seen + 1, sizeof *different);
    if (different == NULL || !create_set(n_seen, &set)) {
        free(different);
        return false;
    }
    size_t n = 0;
    size_t counts[JC_KERNEL_COUNT] = {0};
    for (size_t i = 0; i < n_seen; ++i) {
        jc_kernel kernel = seen[i];
        kernel.precision = JC_PRECISION_F32;
        if (kernel.kind != JC_KERNEL_NONE && add_new(&set, different, &kernel, n)) {
            different[n++] = kernel;
            ++counts[kernel.kind];
        }
    }
    free(set.slot);
    const size_t n_convs = counts[JC_KERNEL_CONV2D];
    bool ok = true;
    for (int kind = 0; ok && kind < JC_KERNEL_COUNT; ++kind) {
        pattern_list *list = &s->lists[kind];
        const bool made_up = counts[kind] == 0;
        list->share = s->plan->kernel[kind];
        list->kernels = calloc((made_up ? n_convs : counts[kind]) + 1, sizeof *list->kernels);
        ok = list->kernels != NULL;
        for (size_t i = 0; ok && i < n; ++i) {
            if (made_up && different[i].kind == JC_KERNEL_CONV2D) {
                list->kernels[list->n++] = vary_pattern((jc_kernel_kind)kind, &different[i]);
            } else if ((int)different[i].kind == kind) {
                list->kernels[list->n++] = different[i];
            }
        }
        if (ok && list->n == 0) {
            list->kernels[list->n++] = vary_pattern((jc_kernel_kind)kind, &plain_conv);
        }
        if (ok) {
            shuffle(list->kernels, list->n, s->plan->seed + (uint64_t)kind);
        }
    }
    free(different);
    return ok;
}

// --- Rows -----------------------------------------------------------------------------------

static jc_precision choose_precision(const jc_plan *plan, double u) {
    double sum = 0;
    for (int p = 0; p < JC_PRECISION_COUNT; ++p) {
        sum += plan->precision[p];
    }
    double left = u * sum;
    int chosen = JC_PRECISION_F32;
    for (int p = 0; p < JC_PRECISION_COUNT; ++p) {
        if (plan->precision[p] > 0) {
            chosen = p;
            if (left < plan->precision[p]) {
                break;
            }
        }
        left -= plan->precision[p];
    }
    return (jc_precision)chosen;
}

// A kernel by the coordinates of a point; false if there is none.
static bool make_kernel(const jc_plan *plan, pattern_list *list, const double *point,
                        jc_kernel *out_kernel) {
    const double family = point[POINT_FAMILY];
    bool ok = true;
    jc_kernel kernel;
    if (family < plan->exact && list->n_exact < list->n * plan->batch_sizes.n) {
        kernel = list->kernels[list->n_exact++ % list->n];
    } else {
        kernel = list->kernels[(size_t)(point[POINT_PATTERN] * (double)list->n)];
        ok = family < plan->exact + plan->boundaries ? vary_to_boundary(&kernel, point)
                                                     : vary_sizes(&kernel, point);
    }
    // The first of n batch sizes for 1/√n of the rows, each further one for fewer.
    const double u = point[POINT_BATCH] * point[POINT_BATCH];
    const size_t b = (size_t)(u * (double)plan->batch_sizes.n);
    kernel.size[0] = jc_mul_saturating(kernel.size[0], plan->batch_sizes.size[b]);
    kernel.precision = choose_precision(plan, point[POINT_PRECISION]);
    // Only products are made in tf32: everything else is f32.
    if (kernel.precision == JC_PRECISION_TF32 && jc_kernel_work(&kernel).macs == 0) {
        kernel.precision = JC_PRECISION_F32;
    }
    *out_kernel = kernel;
    return ok && is_within_limits(plan, &kernel);
}

// Bytes of weights between two uses of one, evenly in their logarithm from the smallest network to
// one that leaves all caches.
static void vary_reuse(const jc_plan *plan, jc_kernel *kernel) {
    const int64_t own = jc_mul_saturating(jc_kernel_work(kernel).weight_elements,
                                          jc_precision_bytes(kernel->precision));
    if (plan->weights == JC_WEIGHTS_VARIED && own > 0) {
        uint64_t state = plan->seed ^ jc_kernel_hash(kernel);
        const double low = fmax((double)own, LEAST_REUSE);
        const double high = fmax((double)own, MOST_REUSE);
        const double u = (double)(random_next(&state) >> 11) * 0x1p-53;
        kernel->reuse_bytes = (int64_t)(low * pow(high / low, u));
    }
}

// Add a kernel of a kind; false if no new one is found.
static bool add_kernel(sampler *s, int kind) {
    pattern_list *list = &s->lists[kind];
    for (int tries = 0; tries < MOST_TRIES; ++tries) {
        double point[SOBOL_DIMENSIONS];
        sobol_point(s->plan->seed * 64 + (uint64_t)kind, list->next_point++, point);
        jc_kernel *kernel = &s->kernels[s->n];
        if (!make_kernel(s->plan, list, point, kernel)) {
            continue;
        }
        vary_reuse(s->plan, kernel);
        if (add_new(&s->known, s->kernels, kernel, s->n)) {
            ++s->n;
            ++list->taken;
            return true;
        }
    }
    return false;
}

// The kind that is most behind its share; −1 if all are exhausted.
static int choose_kind(const sampler *s) {
    int chosen = -1;
    double least = 0;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        const pattern_list *list = &s->lists[kind];
        if (list->share > 0) {
            const double turn = ((double)list->taken + 0.5) / list->share;
            if (chosen < 0 || turn < least) {
                chosen = kind;
                least = turn;
            }
        }
    }
    return chosen;
}

size_t jc_plan_adaptive_rows(const jc_plan *plan) {
    return (size_t)(plan->adaptive * (double)plan->rows);
}

jc_status jc_plan_kernels(const jc_plan *plan, const jc_kernel *seen, size_t n_seen,
                          jc_kernel **out_kernels, size_t *out_n, jc_error *err) {
    sampler s = {.plan = plan};
    const size_t n = plan->rows + MORE_TO_CHOOSE_FROM * jc_plan_adaptive_rows(plan);
    s.kernels = calloc(n + 1, sizeof *s.kernels);
    const bool ok = s.kernels != NULL && create_set(n, &s.known) && fill_lists(&s, seen, n_seen);
    while (ok && s.n < n) {
        const int kind = choose_kind(&s);
        if (kind < 0) {
            break;
        }
        if (!add_kernel(&s, kind)) {
            s.lists[kind].share = 0;
        }
    }
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        free(s.lists[kind].kernels);
    }
    free(s.known.slot);
    if (!ok) {
        free(s.kernels);
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory for %zu rows", n);
    }
    *out_kernels = s.kernels;
    *out_n = s.n;
    return JC_OK;
}
