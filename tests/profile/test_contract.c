// SPDX-License-Identifier: Apache-2.0
// What predictions promise outside the rows: they are positive, they grow with the work when one
// size is scaled up, and they stay within a factor of 3 of the backbone.
//
// Profiles: the shipped ones, and those that JOULECAST_TEST_PROFILES names (colon-separated).
#include "predictor/profile/model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KERNELS = 200, DOUBLINGS = 8 };

static uint64_t state;

// xorshift64*; uniform in [0, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

static const model_range *find_range(const kernel_model *k, int quantity) {
    for (size_t r = 0; r < k->n_ranges; ++r) {
        if (k->ranges[r].quantity == quantity) {
            return &k->ranges[r];
        }
    }
    return NULL;
}

// A kernel whose sizes lie in the ranges of the rows. Output sizes follow from the others.
static bool draw(const kernel_model *k, jc_kernel *out_kernel) {
    int n = 0;
    const char *const *names = jc_kernel_columns(k->kind, &n);
    jc_kernel kernel = {.kind = k->kind, .precision = k->precision};
    for (int c = 0; c < n; ++c) {
        const model_range *range = find_range(k, c);
        if (range == NULL || strcmp(names[c], "groups") == 0 ||
            strncmp(names[c], "out_h", 5) == 0 || strncmp(names[c], "out_w", 5) == 0) {
            continue;
        }
        kernel.size[c] = (int64_t)floor((range->low + 1) *
                                        pow((range->high + 1) / (range->low + 1), uniform())) -
                         1;
        kernel.size[c] =
            kernel.size[c] < (int64_t)range->low ? (int64_t)range->low : kernel.size[c];
    }
    *out_kernel = kernel;
    return jc_kernel_complete(&kernel, NULL) == JC_OK;
}

// True if all of the work is at least as large, and the multiply-accumulates (for kernels without:
// the tensors) are larger. A window that grows in a plane of the same size writes less: that may be
// faster.
static bool is_more(const jc_work *w, const jc_work *before) {
    return w->macs >= before->macs && w->input_elements >= before->input_elements &&
           w->output_elements >= before->output_elements &&
           w->weight_elements >= before->weight_elements &&
           (w->macs > before->macs ||
            (w->macs == 0 && w->input_elements + w->output_elements >
                                 before->input_elements + before->output_elements));
}

static void check_point(const kernel_model *k, const jc_kernel *kernel, const jc_prediction *p) {
    model_point point;
    model_point_init(k, kernel, &point);
    const double backbone = fmax(model_backbone(&k->runtime, &point), k->runtime.low);
    cr_assert(p->runtime_s > 0 && p->runtime_low_s > 0 && isfinite(p->runtime_high_s));
    cr_assert(p->runtime_low_s <= p->runtime_s && p->runtime_s <= p->runtime_high_s);
    cr_assert(p->runtime_s <= 3.0001 * backbone && p->runtime_s >= backbone / 3.0001);
    if (k->power.n_backbone > 0) {
        cr_assert(p->power_w > 0 && p->energy_low_j > 0 && isfinite(p->energy_high_j));
        cr_assert(p->energy_low_j <= p->energy_j && p->energy_j <= p->energy_high_j);
    }
}

typedef struct fall {
    int points;
    int runtime;
    int energy;
    double deepest; ///< ratio of the runtimes
} fall;

// Scale one size from the end of its range upwards.
static void scan(const kernel_model *k, const jc_kernel *base, int column, fall *f) {
    jc_prediction before = {0};
    jc_work work_before = {0};
    for (int d = 0; d <= DOUBLINGS; ++d) {
        jc_kernel kernel = *base;
        kernel.size[column] = (int64_t)find_range(k, column)->high << d;
        jc_prediction p;
        if (jc_kernel_complete(&kernel, NULL) != JC_OK) {
            continue;
        }
        kernel_model_predict(k, &kernel, &p);
        check_point(k, &kernel, &p);
        const jc_work work = jc_kernel_work(&kernel);
        if (before.runtime_s > 0 && is_more(&work, &work_before)) {
            f->points++;
            f->runtime += p.runtime_s < before.runtime_s * (1 - 1e-9);
            f->energy += p.energy_j < before.energy_j * (1 - 1e-9);
            f->deepest = fmin(f->deepest, p.runtime_s / before.runtime_s);
        }
        before = p;
        work_before = work;
    }
}

static void check_profile(const char *path) {
    jc_profile *profile = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_profile_load(path, &profile, &err), JC_OK, "%s: %s", path, err.message);
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        const kernel_model *k = &profile->kernels[i];
        int n = 0;
        const char *const *names = jc_kernel_columns(k->kind, &n);
        state = 99;
        for (int c = 0; c < n; ++c) {
            fall f = {.deepest = 1};
            for (int j = 0; j < KERNELS && find_range(k, c) != NULL; ++j) {
                jc_kernel base;
                if (draw(k, &base)) {
                    scan(k, &base, c, &f);
                }
            }
            cr_expect(f.runtime == 0 && f.energy == 0,
                      "%s: %s scaled in %s: runtime falls at %d and energy at %d of %d points, "
                      "to %.3f at the deepest",
                      path, jc_kernel_name(k->kind), names[c], f.runtime, f.energy, f.points,
                      f.deepest);
        }
    }
    jc_profile_free(profile);
}

Test(contract, shipped_profiles) {
    static const char *const names[] = {"jetson-pytorch", "raptorlake-pytorch"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/datasets/%s/profile.yaml", JC_TEST_SOURCE_ROOT,
                       names[i]);
        check_profile(path);
    }
}

// A convolution of 1 to 8 samples, 4 to 64 channels and one group; slow where it is small in bytes.
static kernel_model make_model(model_range ranges[5], model_term terms[2]) {
    const int64_t columns[] = {JC_WINDOW_BATCH_SIZE, JC_WINDOW_IN_CHANNELS, JC_WINDOW_OUT_CHANNELS,
                               JC_WINDOW_GROUPS};
    const double lows[] = {1, 4, 4, 1};
    const double highs[] = {8, 64, 64, 1};
    for (int r = 0; r < 4; ++r) {
        ranges[r] = (model_range){(int)columns[r], lows[r], highs[r]};
    }
    for (int t = 0; t < 2; ++t) {
        terms[t] = (model_term){
            .coefficient = t == 0 ? 5e-9 : 1e-9,
            .n_factors = 1,
            .factor = {JC_QUANTITY_MACS},
            .exponent = {1},
            .n_gates = 1,
            .gates = {{JC_QUANTITY_INPUT_BYTES, t == 0 ? MODEL_BELOW : MODEL_FROM, 100000}}};
    }
    return (kernel_model){
        .kind = JC_KERNEL_CONV2D,
        .ranges = ranges,
        .n_ranges = 4,
        .runtime = {.backbone = terms, .n_backbone = 2, .bound = 1, .high = (double)INFINITY}};
}

static jc_kernel make_kernel(int64_t batch_size, int64_t channels, int64_t groups) {
    jc_kernel kernel = {.kind = JC_KERNEL_CONV2D};
    kernel.size[JC_WINDOW_BATCH_SIZE] = batch_size;
    kernel.size[JC_WINDOW_IN_CHANNELS] = channels;
    kernel.size[JC_WINDOW_OUT_CHANNELS] = channels;
    kernel.size[JC_WINDOW_GROUPS] = groups;
    kernel.size[JC_WINDOW_IN_HEIGHT] = kernel.size[JC_WINDOW_IN_WIDTH] = 16;
    kernel.size[JC_WINDOW_KERNEL_H] = kernel.size[JC_WINDOW_KERNEL_W] = 1;
    cr_assert_eq(jc_kernel_complete(&kernel, NULL), JC_OK);
    return kernel;
}

static double predict_runtime(const kernel_model *k, jc_kernel kernel) {
    model_point point;
    model_point_init(k, &kernel, &point);
    return model_predict(&k->runtime, &point);
}

Test(contract, a_size_beyond_its_range_leaves_the_regime_as_it_is) {
    model_range ranges[5];
    model_term terms[2];
    const kernel_model k = make_model(ranges, terms);
    // 8 samples of 8 channels are 65,536 bytes; 16 samples would be beyond the threshold.
    const double end = predict_runtime(&k, make_kernel(8, 8, 1));
    cr_expect_float_eq(end, 5e-9 * 8 * 256 * 64, 1e-15);
    cr_expect_float_eq(predict_runtime(&k, make_kernel(16, 8, 1)), 2 * end, 1e-15);
    cr_expect_float_eq(predict_runtime(&k, make_kernel(80, 8, 1)), 10 * end, 1e-15);
    // Inside the ranges the threshold counts.
    cr_expect_float_eq(predict_runtime(&k, make_kernel(8, 16, 1)), 1e-9 * 8 * 256 * 256, 1e-15);
}

Test(contract, groups_outside_their_range_keep_the_channels_of_a_group) {
    model_range ranges[5];
    model_term terms[2];
    const kernel_model k = make_model(ranges, terms);
    // Depthwise, 64 channels: its group is one of 1 channel, held at 4; 32,768 bytes.
    const double macs = 8 * 256 * 64;
    cr_expect_float_eq(predict_runtime(&k, make_kernel(8, 64, 64)), 5e-9 * macs, 1e-15);
}

// Elements up to 1000: a sum of two tensors stays one of two, and 40 values for rows stay 40.
Test(contract, operands_go_with_a_result_that_is_held_at_its_range) {
    model_range ranges[] = {{0, 1, 8}, {1, 1, 1000}, {2, 2, 1500}};
    const kernel_model k = {.kind = JC_KERNEL_MUL, .ranges = ranges, .n_ranges = 3};
    const struct {
        int64_t size[3];
        double rows, width;
    } cases[] = {
        {{2, 4000, 8000}, 2, 1000}, {{2, 4000, 4040}, 2 * 40, 25}, {{2, 800, 840}, 80, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        jc_kernel kernel = {.kind = JC_KERNEL_MUL};
        memcpy(kernel.size, cases[i].size, sizeof cases[i].size);
        model_point point;
        model_point_init(&k, &kernel, &point);
        cr_expect_eq(point.inside[JC_QUANTITY_ROWS], cases[i].rows, "case %zu", i);
        cr_expect_eq(point.inside[JC_QUANTITY_WIDTH], cases[i].width, "case %zu", i);
    }
}

Test(contract, profiles_named_by_the_environment) {
    const char *list = getenv("JOULECAST_TEST_PROFILES");
    char path[512];
    while (list != NULL && list[0] != '\0') {
        const size_t length = strcspn(list, ":");
        cr_assert_lt(length, sizeof path);
        memcpy(path, list, length);
        path[length] = '\0';
        check_profile(path);
        list += length + (list[length] == ':' ? 1 : 0);
    }
}
