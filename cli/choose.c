// SPDX-License-Identifier: Apache-2.0
// Drawn and not simply taken from the top: the least known kernels lie close together, and a model
// that is wrong about where it is wrong must not decide alone.
#include "choose.h"

#include <joulecast/train.h>

#include "common/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS = 3 }; // the intervals are to be known roughly, and soon

/** A candidate, and its place in the draw: the smallest ones are taken. */
typedef struct drawn {
    double key;
    size_t kernel;
} drawn;

static int compare_drawn(const void *a, const void *b) {
    const drawn *x = a;
    const drawn *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->kernel > y->kernel) - (x->kernel < y->kernel);
}

// A number from 0 to 1, neither of them, that is the same for a seed and kernel each time.
static double uniform(uint64_t seed, size_t kernel) {
    uint64_t digest = digest_add(DIGEST_BEGIN, &seed, sizeof seed);
    digest = digest_add(digest, &kernel, sizeof kernel);
    return ((double)(digest >> 12) + 0.5) / 4503599627370496.0; // 2^52
}

// How little is known: the squared width of the interval, by ratio.
static double weight(const jc_profile *profile, const jc_kernel *kernel) {
    jc_prediction p;
    jc_profile_predict(profile, kernel, &p);
    if (p.confidence == JC_CONFIDENCE_FALLBACK || p.confidence == JC_CONFIDENCE_FREE) {
        return 0;
    }
    const double width = log(p.runtime_high_s / fmax(p.runtime_low_s, p.runtime_high_s * 1e-3));
    return width * width;
}

// Without replacement, each with a chance by its weight: the n first arrivals of exponential clocks
// (P. S. Efraimidis and P. G. Spirakis, Information Processing Letters 97, 2006).
static void draw(const choice_source *source, const jc_profile *profile, drawn *list,
                 size_t n_list) {
    for (size_t i = 0; i < n_list; ++i) {
        const double w = weight(profile, &source->kernels[list[i].kernel]);
        list[i].key = w > 0 ? -log(uniform(source->seed, list[i].kernel)) / w : (double)INFINITY;
    }
    qsort(list, n_list, sizeof *list, compare_drawn);
}

jc_status choose_least_known(void *context, const size_t *candidates, size_t n_candidates,
                             size_t *out_chosen, size_t n, jc_error *err) {
    const choice_source *source = context;
    jc_train_options options = jc_train_options_default();
    options.n_folds = FOLDS;
    jc_dataset *dataset = NULL;
    jc_profile *profile = NULL;
    drawn *list = calloc(n_candidates + 1, sizeof *list);
    if (list == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    for (size_t i = 0; i < n_candidates; ++i) {
        list[i].kernel = candidates[i];
    }
    jc_status status = jc_dataset_load(source->folder, &dataset, err);
    if (status == JC_OK) {
        status = jc_train(dataset, &options, &profile, err);
    }
    if (status == JC_OK) {
        draw(source, profile, list, n_candidates);
    } else if (status == JC_ERANGE || status == JC_ENOENT) {
        status = JC_OK; // too few rows yet
    }
    for (size_t i = 0; i < n; ++i) {
        out_chosen[i] = list[i].kernel;
    }
    jc_profile_free(profile);
    jc_dataset_free(dataset);
    free(list);
    return status;
}
