// SPDX-License-Identifier: Apache-2.0
// Training on rows from a known law, and the profile files that come of it.
#include <joulecast/train.h>

#include "common/digest.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 300 };

static uint64_t state;

// xorshift64*; uniform in [0, 1).
static double uniform(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

static int64_t size_between(double low, double high) {
    return (int64_t)(low * pow(high / low, uniform()));
}

// A machine with a cost of 50 µs a call, 1e11 MAC/s on channels rounded up to 8, 2e10 byte/s;
// 30 W and more the larger the layer; a few per cent of noise.
static double true_runtime(const jc_kernel *kernel) {
    const jc_work w = jc_kernel_work(kernel);
    const double channels = (double)kernel->size[JC_WINDOW_OUT_CHANNELS];
    return 5e-5 + (double)w.macs * ceil(channels / 8) * 8 / channels / 1e11 +
           4.0 * (double)(w.input_elements + w.output_elements) / 2e10;
}

static double true_power(const jc_kernel *kernel) {
    return 30 + 4 * log10((double)jc_kernel_work(kernel).macs);
}

static jc_row make_row(double noise) {
    jc_row row = {.kernel = {.kind = JC_KERNEL_CONV2D}};
    int64_t *s = row.kernel.size;
    s[JC_WINDOW_BATCH_SIZE] = size_between(1, 65);
    s[JC_WINDOW_IN_CHANNELS] = size_between(3, 129);
    s[JC_WINDOW_OUT_CHANNELS] = size_between(3, 129);
    s[JC_WINDOW_IN_HEIGHT] = s[JC_WINDOW_IN_WIDTH] = size_between(7, 65);
    s[JC_WINDOW_KERNEL_H] = s[JC_WINDOW_KERNEL_W] = 1 + 2 * (int64_t)(3 * uniform());
    cr_assert_eq(jc_kernel_complete(&row.kernel, NULL), JC_OK);
    row.measured =
        (jc_measurement){.runtime_s = true_runtime(&row.kernel) * exp(noise * (2 * uniform() - 1)),
                         .power_w = true_power(&row.kernel) * exp(noise * (2 * uniform() - 1)),
                         .runtime_rel_sd = (double)NAN,
                         .energy_j = (double)NAN,
                         .idle_power_w = (double)NAN,
                         .iterations = (double)NAN,
                         .window_s = (double)NAN};
    return row;
}

static jc_row data_rows[ROWS];

static jc_dataset make_dataset(uint64_t seed, double noise) {
    state = seed;
    for (int i = 0; i < ROWS; ++i) {
        data_rows[i] = make_row(noise);
    }
    jc_dataset d = {.rows = data_rows, .n_rows = ROWS};
    strcpy(d.device.name, "made-up");
    strcpy(d.device.source, "a law: \"known\", with: marks # and all");
    d.device.meter_step_s = (double)NAN;
    d.device.skips_outputs = 0.75;
    return d;
}

static jc_profile *train(const jc_dataset *d) {
    jc_profile *profile = NULL;
    jc_error err = {0};
    jc_train_options options = jc_train_options_default();
    options.n_folds = 5;
    cr_assert_eq(jc_train(d, &options, &profile, &err), JC_OK, "%s", err.message);
    return profile;
}

static void make_path(char *path, size_t size) {
    (void)snprintf(path, size, "/tmp/jc-test-profile-%ld.yaml", (long)getpid());
}

Test(train, finds_a_known_law_on_rows_it_has_not_seen) {
    const jc_dataset d = make_dataset(21, 0.05);
    jc_profile *profile = train(&d);
    double worst = 0;
    double sum = 0;
    for (int i = 0; i < 200; ++i) {
        const jc_row row = make_row(0);
        jc_prediction p;
        jc_profile_predict(profile, &row.kernel, &p);
        const double error = fabs(p.runtime_s / row.measured.runtime_s - 1);
        worst = fmax(worst, error);
        sum += error / 200;
        cr_expect_eq(p.energy_j, p.runtime_s * p.power_w);
    }
    cr_expect_lt(sum, 0.03, "mean error %g", sum);
    cr_expect_lt(worst, 0.3, "worst error %g", worst);
    jc_profile_free(profile);
}

Test(train, held_out_errors_are_as_large_as_the_noise) {
    // No model can do better on rows it has not seen than the law itself, but by luck.
    const jc_dataset d = make_dataset(22, 0.2);
    double floor = 0;
    for (int i = 0; i < ROWS; ++i) {
        const jc_row *row = &data_rows[i];
        floor += fabs(true_runtime(&row->kernel) / row->measured.runtime_s - 1) / ROWS;
    }
    jc_profile *profile = train(&d);
    jc_coverage c;
    jc_profile_coverage(profile, 0, &c);
    const jc_errors *e = &c.held_out[JC_TARGET_RUNTIME];
    cr_expect_eq(e->rows, (size_t)ROWS);
    cr_expect_gt(e->mape, 0.97 * floor, "%g, law %g", e->mape, floor);
    cr_expect_lt(e->mape, 1.3 * floor, "%g, law %g", e->mape, floor);
    cr_expect_gt(e->coverage_90, 0.84);
    cr_expect_lt(e->coverage_90, 0.96);
    jc_profile_free(profile);
}

Test(train, is_the_same_every_time) {
    const jc_dataset d = make_dataset(23, 0.1);
    jc_profile *a = train(&d);
    jc_profile *b = train(&d);
    for (int i = 0; i < ROWS; ++i) {
        jc_prediction pa;
        jc_prediction pb;
        jc_profile_predict(a, &data_rows[i].kernel, &pa);
        jc_profile_predict(b, &data_rows[i].kernel, &pb);
        cr_assert_eq(pa.energy_high_j, pb.energy_high_j);
    }
    jc_profile_free(a);
    jc_profile_free(b);
}

Test(train, predictions_outside_the_rows_are_positive_flagged_and_grow) {
    const jc_dataset d = make_dataset(24, 0.1);
    jc_profile *profile = train(&d);
    static const int columns[] = {JC_WINDOW_BATCH_SIZE, JC_WINDOW_IN_CHANNELS,
                                  JC_WINDOW_OUT_CHANNELS};
    for (int i = 0; i < 50; ++i) {
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; ++c) {
            jc_kernel kernel = data_rows[i].kernel;
            kernel.size[columns[c]] = 256;
            double before = 0;
            for (; kernel.size[columns[c]] < INT64_C(1) << 30; kernel.size[columns[c]] *= 2) {
                jc_prediction p;
                jc_profile_predict(profile, &kernel, &p);
                cr_assert_gt(p.runtime_s, before);
                cr_assert_gt(p.power_w, 0);
                cr_assert_eq(p.confidence, JC_CONFIDENCE_EXTRAPOLATED);
                cr_assert_lt(p.energy_low_j, p.energy_j);
                cr_assert_gt(p.energy_high_j, p.energy_j);
                before = p.runtime_s;
            }
        }
    }
    jc_profile_free(profile);
}

Test(train, kernels_without_rows_fall_back) {
    const jc_dataset d = make_dataset(25, 0.1);
    jc_profile *profile = train(&d);
    jc_kernel relu = {.kind = JC_KERNEL_RELU, .size = {8, 100000}};
    jc_prediction p;
    jc_profile_predict(profile, &relu, &p);
    cr_expect_eq(p.confidence, JC_CONFIDENCE_FALLBACK);
    cr_expect_gt(p.runtime_s, 0);
    cr_expect_gt(p.energy_high_j, p.energy_j);
    const jc_kernel none = {.kind = JC_KERNEL_NONE};
    jc_profile_predict(profile, &none, &p);
    cr_expect_eq(p.confidence, JC_CONFIDENCE_FREE);
    cr_expect_eq(p.runtime_s, 0);
    jc_profile_free(profile);
}

Test(train, rows_without_power_train_runtime_alone) {
    jc_dataset d = make_dataset(26, 0.1);
    for (int i = 0; i < ROWS; ++i) {
        data_rows[i].measured.power_w = (double)NAN;
    }
    jc_profile *profile = train(&d);
    jc_prediction p;
    jc_profile_predict(profile, &data_rows[0].kernel, &p);
    cr_expect_gt(p.runtime_s, 0);
    cr_expect(isnan(p.power_w) && isnan(p.energy_j) && isnan(p.energy_low_j));
    const jc_kernel relu = {.kind = JC_KERNEL_RELU, .size = {8, 100000}};
    jc_profile_predict(profile, &relu, &p);
    cr_expect(isnan(p.energy_j));
    jc_profile_free(profile);
}

Test(train, broken_readings_are_dropped_and_said) {
    jc_dataset d = make_dataset(27, 0.02);
    data_rows[3].measured.runtime_s = 0;
    data_rows[4].measured.power_w = -1;
    data_rows[5].measured.power_w = 1e-4;
    jc_profile *profile = train(&d);
    jc_coverage c;
    jc_profile_coverage(profile, 0, &c);
    cr_assert_eq(c.n_dropped, (size_t)3);
    for (size_t i = 0; i < c.n_dropped; ++i) {
        cr_expect_eq(c.dropped[i].rows, 1);
        cr_expect_eq(c.dropped[i].n_numbers, (size_t)1);
    }
    cr_expect_eq(c.held_out[JC_TARGET_RUNTIME].rows, (size_t)ROWS - 1);
    cr_expect_eq(c.held_out[JC_TARGET_POWER].rows, (size_t)ROWS - 3);
    char path[64];
    make_path(path, sizeof path);
    jc_profile *loaded = NULL;
    jc_coverage l;
    cr_assert_eq(jc_profile_save(profile, path, NULL), JC_OK);
    cr_assert_eq(jc_profile_load(path, &loaded, NULL), JC_OK);
    jc_profile_coverage(loaded, 0, &l);
    cr_assert_eq(l.n_dropped, c.n_dropped);
    cr_expect_eq(jc_profile_device(loaded)->skips_outputs, 0.75);
    cr_expect_eq(jc_profile_device(loaded)->skips_inputs, 0);
    for (size_t i = 0; i < c.n_dropped; ++i) {
        cr_expect_eq(l.dropped[i].n_numbers, (size_t)1);
        cr_expect_eq(l.dropped[i].numbers[0], (int64_t)(4 + i));
    }
    jc_profile_free(loaded);
    jc_profile_free(profile);
    (void)remove(path);
}

Test(train, nothing_to_fit_is_an_error) {
    jc_dataset d = make_dataset(28, 0.1);
    jc_profile *profile = NULL;
    jc_error err = {0};
    d.n_rows = 1;
    cr_expect_eq(jc_train(&d, NULL, &profile, &err), JC_ERANGE);
    cr_expect_null(profile);
    d.n_rows = ROWS;
    jc_train_options options = jc_train_options_default();
    options.n_folds = 1;
    cr_expect_eq(jc_train(&d, &options, &profile, &err), JC_EINVAL);
}

Test(train, few_rows_make_a_plain_model) {
    jc_dataset d = make_dataset(29, 0.1);
    for (size_t n = 2; n <= 12; ++n) {
        d.n_rows = n;
        jc_profile *profile = train(&d);
        jc_prediction p;
        jc_profile_predict(profile, &data_rows[20].kernel, &p);
        cr_expect_gt(p.runtime_s, 0);
        cr_expect(isfinite(p.energy_high_j));
        jc_profile_free(profile);
    }
}

Test(train, evaluate_agrees_with_predictions) {
    const jc_dataset d = make_dataset(30, 0.1);
    jc_profile *profile = train(&d);
    jc_error_table *table = NULL;
    cr_assert_eq(jc_evaluate(profile, &d, &table, NULL), JC_OK);
    cr_assert_eq(table->n_records, (size_t)3);
    double sum = 0;
    for (int i = 0; i < ROWS; ++i) {
        jc_prediction p;
        jc_profile_predict(profile, &data_rows[i].kernel, &p);
        sum += fabs(p.runtime_s / data_rows[i].measured.runtime_s - 1) / ROWS;
    }
    cr_expect_float_eq(table->records[0].errors.mape, sum, 1e-12);
    jc_error_table_free(table);
    jc_dataset other = d;
    for (int i = 0; i < ROWS; ++i) {
        data_rows[i].kernel.kind = JC_KERNEL_CONV_TRANSPOSE2D;
    }
    jc_error err = {0};
    cr_expect_eq(jc_evaluate(profile, &other, &table, &err), JC_ERANGE);
    jc_profile_free(profile);
}

Test(train, learning_curves_end_where_training_does_and_fall_to_the_noise) {
    const jc_dataset d = make_dataset(35, 0.1);
    jc_train_options options = jc_train_options_default();
    options.n_folds = 5;
    jc_profile *profile = train(&d);
    jc_error_table *trained = NULL;
    jc_error_table *curve = NULL;
    jc_error err = {0};
    cr_assert_eq(jc_profile_errors(profile, &trained), JC_OK);
    cr_assert_eq(jc_learning_curve(&d, &options, &curve, &err), JC_OK, "%s", err.message);
    // 50, 100 and all 240 rows outside a fold; three targets each.
    static const size_t rows[] = {50, 100, 240};
    cr_assert_eq(curve->n_records, (size_t)9);
    for (size_t p = 0; p < 3; ++p) {
        for (size_t t = 0; t < 3; ++t) {
            const jc_error_record *r = &curve->records[p * 3 + t];
            cr_expect_eq(r->training_rows, rows[p]);
            cr_expect_eq(r->target, (jc_target)t);
            cr_expect_eq(r->errors.rows, (size_t)ROWS);
        }
    }
    for (size_t t = 0; t < 3; ++t) {
        cr_expect_eq(curve->records[6 + t].errors.rmspe, trained->records[t].errors.rmspe);
        cr_expect_gt(curve->records[t].errors.rmspe, curve->records[6 + t].errors.rmspe);
    }
    jc_error_table_free(trained);
    jc_error_table_free(curve);
    jc_profile_free(profile);
}

Test(train, learning_curves_never_split_a_configuration) {
    // Ten configurations with 30 rows each: a row's twin in training would make its error zero.
    jc_dataset d = make_dataset(36, 0);
    for (int i = 0; i < ROWS; ++i) {
        data_rows[i] = data_rows[i % 10];
        data_rows[i].measured.runtime_s *= 1 + (double)(i % 10); // no law of sizes
    }
    jc_error_table *curve = NULL;
    jc_train_options options = jc_train_options_default();
    cr_assert_eq(jc_learning_curve(&d, &options, &curve, NULL), JC_OK);
    for (size_t i = 0; i < curve->n_records; ++i) {
        cr_expect_eq(curve->records[i].training_rows % 30, (size_t)0);
        if (curve->records[i].target == JC_TARGET_RUNTIME) {
            cr_expect_gt(curve->records[i].errors.mape, 0.05);
        }
    }
    jc_error_table_free(curve);
    d.n_rows = 1;
    jc_error err = {0};
    cr_expect_eq(jc_learning_curve(&d, NULL, &curve, &err), JC_ERANGE);
}

// Twice the cost for up to 16 input channels: a regime, which no plain product can follow.
Test(train, finds_a_regime) {
    jc_dataset d = make_dataset(34, 0.02);
    for (int i = 0; i < ROWS; ++i) {
        if (data_rows[i].kernel.size[JC_WINDOW_IN_CHANNELS] <= 16) {
            data_rows[i].measured.runtime_s *= 2;
        }
    }
    jc_profile *profile = train(&d);
    jc_coverage c;
    jc_profile_coverage(profile, 0, &c);
    cr_expect_lt(c.held_out[JC_TARGET_RUNTIME].mape, 0.05, "%g",
                 c.held_out[JC_TARGET_RUNTIME].mape);
    jc_profile_free(profile);
}

// Three times the cost and 1.5 times the power where the larger of both channels is neither small
// nor large: a regime of two conditions, at thresholds that no rule names.
static void add_regime_of_two_conditions(void) {
    for (int i = 0; i < ROWS; ++i) {
        const int64_t *size = data_rows[i].kernel.size;
        const int64_t wide = size[JC_WINDOW_IN_CHANNELS] > size[JC_WINDOW_OUT_CHANNELS]
                                 ? size[JC_WINDOW_IN_CHANNELS]
                                 : size[JC_WINDOW_OUT_CHANNELS];
        if (wide >= 40 && wide < 90) {
            data_rows[i].measured.runtime_s *= 3;
            data_rows[i].measured.power_w *= 1.5;
        }
    }
}

Test(train, finds_a_regime_of_two_conditions) {
    const jc_dataset d = make_dataset(35, 0.02);
    add_regime_of_two_conditions();
    jc_profile *profile = train(&d);
    jc_coverage c;
    jc_profile_coverage(profile, 0, &c);
    cr_expect_lt(c.held_out[JC_TARGET_RUNTIME].mape, 0.1, "%g", c.held_out[JC_TARGET_RUNTIME].mape);
    cr_expect_lt(c.held_out[JC_TARGET_POWER].mape, 0.05, "%g", c.held_out[JC_TARGET_POWER].mape);
    jc_profile_free(profile);
}

// --- Files -------------------------------------------------------------------------------------

static char *read_whole(const char *path, size_t *out_length) {
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    char *text = calloc(1, 1 << 20);
    *out_length = fread(text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    return text;
}

static void write_whole(const char *path, const char *text, size_t length) {
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, length, file), length);
    (void)fclose(file);
}

// Write `text` (up to its digest line) with a digest that fits.
static void write_signed(const char *path, char *text) {
    char *line = strstr(text, "\ndigest: ") + 1;
    char digest[32];
    digest_format(digest_add(DIGEST_BEGIN, text, (size_t)(line - text)), digest, sizeof digest);
    (void)sprintf(line, "digest: %s\n", digest);
    write_whole(path, text, strlen(text));
}

Test(train, saved_profiles_predict_the_same_to_the_bit) {
    const jc_dataset d = make_dataset(31, 0.02);
    add_regime_of_two_conditions(); // models have conditions on both sides
    jc_profile *a = train(&d);
    jc_profile *b = NULL;
    char path[64];
    jc_error err = {0};
    make_path(path, sizeof path);
    cr_assert_eq(jc_profile_save(a, path, &err), JC_OK, "%s", err.message);
    cr_assert_eq(jc_profile_load(path, &b, &err), JC_OK, "%s:%d %s", err.file, err.line,
                 err.message);
    for (int i = 0; i < 2000; ++i) {
        jc_row row = make_row(0.1);
        row.kernel.size[JC_WINDOW_BATCH_SIZE] *= i % 3 == 0 ? 100 : 1;
        row.kernel.precision = i % 10 == 0 ? JC_PRECISION_F16 : JC_PRECISION_F32; // a fallback
        jc_prediction pa = {0};
        jc_prediction pb = {0};
        jc_profile_predict(a, &row.kernel, &pa);
        jc_profile_predict(b, &row.kernel, &pb);
        cr_assert_eq(memcmp(&pa, &pb, sizeof pa), 0);
    }
    cr_expect_str_eq(jc_profile_device(b)->source, d.device.source);
    cr_expect_str_eq(jc_profile_provenance(b)->dataset_digest,
                     jc_profile_provenance(a)->dataset_digest);
    jc_profile_free(a);
    jc_profile_free(b);
    (void)remove(path);
}

static const struct {
    const char *find;
    const char *replace;
    const char *message; ///< part of it
} damages[] = {
    {"version: 1\n", "version: 2\n", "version '2' is not known"},
    {"format: joulecast-profile", "format: joulecast-dataset", "not a profile"},
    {"bound: ", "bount: ", "unknown key 'bount'"},
    {"  widening: ", "  # widening: ", "key 'widening' is missing"},
    {"kernel: conv2d", "kernel: conv9d", "'kernel' is none that is known"},
    {"precision: f32", "precision: f31", "'precision' must be"},
    {"dropped: []", "dropped: [{reason: x, rows: 1, numbers: [-2]}]", "must be an integer from 0"},
    {"dropped: []", "dropped: [{reason: x, rows: 1, numbers: 2}]", "'numbers' must be a list"},
    {"bound: ", "bound: .inf # ", "must be a finite number"},
    {"bound: ", "bound: 1e999 # ", "must be a finite number"},
    {"bound: ", "bound: -1 # ", "'bound' be between"},
    {"  rows: 300", "  rows: -300", "'rows' must be an integer from 0"},
    {"batch_size: [", "batch_sice: [", "'batch_sice' is no quantity of this kernel"},
    {"batch_size: [", "batch_size: [0, 1] # ", "size must rise from at least 1"},
    {"- {coefficient: ", "- {coefficient: -", "must not be negative"},
    {"- {coefficient: ", "- {from: {colour: 3}, coefficient: ", "'colour' is no quantity"},
    {"- {coefficient: ", "- {from: 3, coefficient: ", "mapping of quantities to thresholds"},
    {"- {coefficient: ", "- {below: {macs: x}, coefficient: ", "must be a finite number"},
    {"- {coefficient: ",
     "- {below: {macs: 1, rows: 1, width: 1}, from: {macs: 1, rows: 1}, coefficient: ",
     "4 at most"},
};

Test(train, damaged_profiles_are_refused_by_name) {
    const jc_dataset d = make_dataset(32, 0.1);
    jc_profile *a = train(&d);
    char path[64];
    make_path(path, sizeof path);
    cr_assert_eq(jc_profile_save(a, path, NULL), JC_OK);
    jc_profile_free(a);
    size_t length = 0;
    char *text = read_whole(path, &length);
    char *copy = calloc(1, 1 << 20);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; ++i) {
        const char *at = strstr(text, damages[i].find);
        cr_assert_not_null(at, "%s", damages[i].find);
        (void)sprintf(copy, "%.*s%s%s", (int)(at - text), text, damages[i].replace,
                      at + strlen(damages[i].find));
        write_signed(path, copy);
        jc_profile *b = NULL;
        jc_error err = {0};
        cr_expect_eq(jc_profile_load(path, &b, &err), JC_EFORMAT, "%s", damages[i].replace);
        cr_expect_not_null(strstr(err.message, damages[i].message), "'%s' for '%s'", err.message,
                           damages[i].replace);
        cr_expect_null(b);
    }
    free(copy);
    free(text);
    (void)remove(path);
}

Test(train, every_flipped_or_missing_byte_is_found) {
    const jc_dataset d = make_dataset(33, 0.1);
    jc_profile *a = train(&d);
    char path[64];
    make_path(path, sizeof path);
    cr_assert_eq(jc_profile_save(a, path, NULL), JC_OK);
    jc_profile_free(a);
    size_t length = 0;
    char *text = read_whole(path, &length);
    for (size_t i = 0; i < length; i += 97) {
        jc_profile *b = NULL;
        text[i] ^= 1;
        write_whole(path, text, length);
        cr_expect_neq(jc_profile_load(path, &b, NULL), JC_OK, "byte %zu", i);
        text[i] ^= 1;
        write_whole(path, text, i);
        cr_expect_neq(jc_profile_load(path, &b, NULL), JC_OK, "cut at %zu", i);
        cr_expect_null(b);
    }
    free(text);
    (void)remove(path);
}
