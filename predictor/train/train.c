// SPDX-License-Identifier: Apache-2.0
// From a dataset to a profile.
#include <joulecast/train.h>

#include "crossval.h"
#include "linalg.h"

#include "common/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAINER "joulecast " JC_VERSION

jc_train_options jc_train_options_default(void) {
    return (jc_train_options){
        .n_folds = 10, .seed = 1, .max_terms = 78, .n_lambdas = 40, .tolerance = 1e-4};
}

static uint64_t digest_double(uint64_t digest, double value) {
    return digest_add(digest, &value, sizeof value);
}

// Sizes and what was measured, row by row.
static uint64_t digest_dataset(const jc_dataset *dataset) {
    uint64_t digest = DIGEST_BEGIN;
    for (size_t i = 0; i < dataset->n_rows; ++i) {
        const uint64_t kernel = jc_kernel_hash(&dataset->rows[i].kernel);
        digest = digest_add(digest, &kernel, sizeof kernel);
        digest = digest_double(digest, dataset->rows[i].measured.runtime_s);
        digest = digest_double(digest, dataset->rows[i].measured.power_w);
        digest = digest_double(digest, dataset->rows[i].measured.energy_j);
    }
    return digest;
}

/** Progress of one kernel as a part of the whole, by rows. */
typedef struct part {
    const jc_train_options *whole;
    double begin; ///< share of the rows before it
    double share; ///< its own
} part;

static void report_part(void *context, double share) {
    const part *p = context;
    p->whole->progress(p->whole->progress_context, p->begin + share * p->share);
}

static jc_status train_kernel(const train_rows *set, const jc_train_options *options,
                              jc_arena *arena, kernel_model *k) {
    size_t *all = calloc(set->n_rows + 1, sizeof *all);
    if (all == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < set->n_rows; ++i) {
        all[i] = i;
    }
    const fit_request request = {
        .set = set, .index = all, .n = set->n_rows, .options = options, .seed = options->seed};
    jc_status status = fit_kernel(&request, arena, k);
    free(all);
    if (status == JC_OK) {
        status = crossval_kernel(set, options, k);
    }
    if (status == JC_OK) {
        status = crossval_widening(set, options, k);
    }
    k->dropped = set->dropped;
    k->n_dropped = set->n_dropped;
    return status;
}

static jc_status train_kernels(const jc_dataset *dataset, const jc_train_options *options,
                               jc_profile *profile, train_rows *sets, size_t *out_n_sets) {
    size_t n_sets = 0;
    size_t n_rows = 0;
    for (int kind = 0; kind < JC_KERNEL_COUNT; ++kind) {
        for (int precision = 0; precision < JC_PRECISION_COUNT; ++precision) {
            train_rows *set = &sets[n_sets];
            jc_status status = train_rows_collect(dataset, (jc_kernel_kind)kind,
                                                  (jc_precision)precision, &profile->arena, set);
            if (status == JC_OK && set->n_groups >= 2) {
                const double total = (double)dataset->n_rows;
                part p = {options, (double)n_rows / total, (double)set->n_rows / total};
                jc_train_options own = *options;
                if (options->progress != NULL) {
                    own.progress = report_part;
                    own.progress_context = &p;
                }
                status =
                    train_kernel(set, &own, &profile->arena, &profile->kernels[profile->n_kernels]);
                profile->n_kernels += status == JC_OK;
            }
            if (status != JC_OK) {
                return status;
            }
            n_rows += set->n_rows;
            n_sets += set->n_rows > 0;
        }
    }
    *out_n_sets = n_sets;
    return n_rows < 2 ? JC_ERANGE : JC_OK;
}

static jc_status fill_profile(const jc_dataset *dataset, const jc_train_options *options,
                              jc_profile *profile) {
    const size_t most = (size_t)JC_KERNEL_COUNT * JC_PRECISION_COUNT;
    train_rows *sets = jc_arena_alloc(&profile->arena, most, sizeof *sets);
    profile->kernels = jc_arena_alloc(&profile->arena, most, sizeof *profile->kernels);
    if (sets == NULL || profile->kernels == NULL) {
        return JC_ENOMEM;
    }
    profile->device = dataset->device;
    profile->provenance.seed = options->seed;
    profile->provenance.n_folds = options->n_folds;
    digest_format(digest_dataset(dataset), profile->provenance.dataset_digest,
                  sizeof profile->provenance.dataset_digest);
    (void)snprintf(profile->provenance.trainer, sizeof profile->provenance.trainer, "%s", TRAINER);
    size_t n_sets = 0;
    jc_status status = train_kernels(dataset, options, profile, sets, &n_sets);
    if (status == JC_OK) {
        status = fit_fallback(sets, n_sets, &profile->arena, &profile->fallback);
    }
    profile_index(profile);
    return status;
}

jc_status jc_train(const jc_dataset *dataset, const jc_train_options *options,
                   jc_profile **out_profile, jc_error *err) {
    const jc_train_options defaults = jc_train_options_default();
    options = options == NULL ? &defaults : options;
    jc_status status = crossval_check(options, err);
    if (status != JC_OK) {
        return status;
    }
    jc_profile *profile = calloc(1, sizeof *profile);
    if (profile == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    const int n_threads = linalg_begin();
    status = fill_profile(dataset, options, profile);
    linalg_end(n_threads);
    if (status != JC_OK) {
        jc_profile_free(profile);
        return jc_error_set(err, status, NULL, 0, "%s",
                            status == JC_ERANGE
                                ? "too few rows with a positive runtime; a fit needs 2 at least"
                                : jc_status_message(status));
    }
    *out_profile = profile;
    return JC_OK;
}
