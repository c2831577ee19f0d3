// SPDX-License-Identifier: Apache-2.0
// Profiles to files.
#include "format.h"
#include "model.h"

#include "common/atomic_file.h"
#include "common/digest.h"
#include "common/kernel/fusion.h"
#include "common/yaml/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const profile_transforms[MODEL_TRANSFORMS] = {"log", "hinge", "step", "below"};
const char *const profile_sides[2] = {"from", "below"};

const profile_error_field profile_error_fields[PROFILE_ERROR_FIELDS] = {
    {"rmspe", offsetof(jc_errors, rmspe)},
    {"mape", offsetof(jc_errors, mape)},
    {"mdape", offsetof(jc_errors, mdape)},
    {"within_10", offsetof(jc_errors, within_10)},
    {"within_20", offsetof(jc_errors, within_20)},
    {"bias", offsetof(jc_errors, bias)},
    {"coverage_90", offsetof(jc_errors, coverage_90)},
};

const profile_skip profile_skips[PROFILE_SKIPS] = {
    {"skips_weights", offsetof(jc_device, skips_weights)},
    {"skips_inputs", offsetof(jc_device, skips_inputs)},
    {"skips_outputs", offsetof(jc_device, skips_outputs)},
};

static void write_key_text(jc_yaml_writer *w, const char *key, const char *text) {
    jc_yaml_write_text(w, key);
    jc_yaml_write_text(w, text);
}

static void write_key_double(jc_yaml_writer *w, const char *key, double value) {
    jc_yaml_write_text(w, key);
    jc_yaml_write_double(w, value);
}

static void write_key_int64(jc_yaml_writer *w, const char *key, int64_t value) {
    jc_yaml_write_text(w, key);
    jc_yaml_write_int64(w, value);
}

static void write_device(jc_yaml_writer *w, const jc_device *d) {
    jc_yaml_write_text(w, "device");
    jc_yaml_open_mapping(w, false);
    write_key_text(w, "name", d->name);
    write_key_text(w, "machine", d->machine);
    write_key_text(w, "executor", d->executor);
    write_key_text(w, "meter", d->meter);
    write_key_double(w, "meter_step_s", d->meter_step_s);
    write_key_text(w, "date", d->date);
    write_key_text(w, "source", d->source);
    write_key_text(w, "license", d->license);
    for (size_t i = 0; i < PROFILE_SKIPS; ++i) {
        double share = 0;
        memcpy(&share, (const char *)d + profile_skips[i].offset, sizeof share);
        if (share > 0) {
            write_key_double(w, profile_skips[i].name, share);
        }
    }
    fusion_write(w, &d->fuses);
    jc_yaml_close_mapping(w);
}

static void write_provenance(jc_yaml_writer *w, const jc_provenance *p) {
    jc_yaml_write_text(w, "provenance");
    jc_yaml_open_mapping(w, false);
    write_key_text(w, "dataset_digest", p->dataset_digest);
    write_key_text(w, "trainer", p->trainer);
    write_key_int64(w, "seed", (int64_t)p->seed);
    write_key_int64(w, "folds", p->n_folds);
    jc_yaml_close_mapping(w);
}

static void write_errors(jc_yaml_writer *w, const jc_errors *e) {
    jc_yaml_write_text(w, "held_out");
    jc_yaml_open_mapping(w, true);
    write_key_int64(w, "rows", (int64_t)e->rows);
    write_key_int64(w, "terms", (int64_t)e->terms);
    for (size_t f = 0; f < PROFILE_ERROR_FIELDS; ++f) {
        double value = 0;
        memcpy(&value, (const char *)e + profile_error_fields[f].offset, sizeof value);
        write_key_double(w, profile_error_fields[f].name, value);
    }
    jc_yaml_close_mapping(w);
}

static void write_spread(jc_yaml_writer *w, const model_spread *s) {
    jc_yaml_write_text(w, "spread");
    jc_yaml_open_sequence(w, false);
    for (size_t i = 0; i < s->n_bins; ++i) {
        jc_yaml_open_mapping(w, true);
        write_key_double(w, "at", s->at[i]);
        write_key_double(w, "low", s->low[i]);
        write_key_double(w, "high", s->high[i]);
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_sequence(w);
}

static void write_gates(jc_yaml_writer *w, jc_kernel_kind kind, const model_term *term) {
    for (int side = 0; side < 2; ++side) {
        bool is_open = false;
        for (int g = 0; g < term->n_gates; ++g) {
            const model_gate *gate = &term->gates[g];
            if ((int)gate->side != side) {
                continue;
            }
            if (!is_open) {
                jc_yaml_write_text(w, profile_sides[side]);
                jc_yaml_open_mapping(w, true);
                is_open = true;
            }
            write_key_double(w, jc_quantity_name(kind, gate->quantity), gate->at);
        }
        if (is_open) {
            jc_yaml_close_mapping(w);
        }
    }
}

static void write_backbone(jc_yaml_writer *w, jc_kernel_kind kind, const model *m) {
    jc_yaml_write_text(w, "backbone");
    jc_yaml_open_sequence(w, false);
    for (size_t t = 0; t < m->n_backbone; ++t) {
        const model_term *term = &m->backbone[t];
        jc_yaml_open_mapping(w, true);
        write_key_double(w, "coefficient", term->coefficient);
        for (int f = 0; f < term->n_factors; ++f) {
            write_key_int64(w, jc_quantity_name(kind, term->factor[f]), term->exponent[f]);
        }
        write_gates(w, kind, term);
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_sequence(w);
}

static void write_variables(jc_yaml_writer *w, const kernel_model *k, const model *m) {
    jc_yaml_write_text(w, "variables");
    jc_yaml_open_sequence(w, false);
    for (size_t i = 0; i < m->n_variables; ++i) {
        const model_variable *v = &m->variables[i];
        jc_yaml_open_mapping(w, true);
        write_key_text(w, "name", v->name);
        write_key_text(w, profile_transforms[v->transform],
                       jc_quantity_name(k->kind, k->ranges[v->range].quantity));
        write_key_double(w, "at", v->at);
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_sequence(w);
}

// Repeated factors become a power: they stand side by side.
static void write_terms(jc_yaml_writer *w, const model *m) {
    jc_yaml_write_text(w, "terms");
    jc_yaml_open_sequence(w, false);
    for (size_t t = 0; t < m->n_terms; ++t) {
        const model_term *term = &m->terms[t];
        jc_yaml_open_mapping(w, true);
        write_key_double(w, "coefficient", term->coefficient);
        for (int f = 0; f < term->n_factors;) {
            int power = 1;
            while (f + power < term->n_factors && term->factor[f + power] == term->factor[f]) {
                ++power;
            }
            write_key_int64(w, m->variables[term->factor[f]].name, power);
            f += power;
        }
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_sequence(w);
}

static void write_model(jc_yaml_writer *w, const char *key, const kernel_model *k, const model *m) {
    jc_yaml_write_text(w, key);
    jc_yaml_open_mapping(w, false);
    jc_yaml_write_text(w, "limits");
    jc_yaml_open_sequence(w, true);
    jc_yaml_write_double(w, m->low);
    jc_yaml_write_double(w, isinf(m->high) ? (double)NAN : m->high);
    jc_yaml_close_sequence(w);
    write_key_double(w, "bound", m->bound);
    write_backbone(w, k->kind, m);
    write_variables(w, k, m);
    write_terms(w, m);
    write_spread(w, &m->spread);
    write_errors(w, &m->held_out);
    jc_yaml_close_mapping(w);
}

static void write_dropped(jc_yaml_writer *w, const kernel_model *k) {
    jc_yaml_write_text(w, "dropped");
    jc_yaml_open_sequence(w, false);
    for (size_t i = 0; i < k->n_dropped; ++i) {
        jc_yaml_open_mapping(w, true);
        write_key_text(w, "reason", k->dropped[i].reason);
        write_key_int64(w, "rows", k->dropped[i].rows);
        if (k->dropped[i].n_numbers > 0) {
            jc_yaml_write_text(w, "numbers");
            jc_yaml_open_sequence(w, true);
            for (size_t n = 0; n < k->dropped[i].n_numbers; ++n) {
                jc_yaml_write_int64(w, k->dropped[i].numbers[n]);
            }
            jc_yaml_close_sequence(w);
        }
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_sequence(w);
}

static void write_kernel(jc_yaml_writer *w, const kernel_model *k) {
    jc_yaml_open_mapping(w, false);
    if (k->kind != JC_KERNEL_NONE) {
        write_key_text(w, "kernel", jc_kernel_name(k->kind));
        write_key_text(w, "precision", jc_precision_name(k->precision));
    }
    write_key_int64(w, "rows", (int64_t)k->n_rows);
    write_key_int64(w, "configurations", (int64_t)k->n_configurations);
    write_dropped(w, k);
    jc_yaml_write_text(w, "ranges");
    jc_yaml_open_mapping(w, false);
    for (size_t r = 0; r < k->n_ranges; ++r) {
        jc_yaml_write_text(w, jc_quantity_name(k->kind, k->ranges[r].quantity));
        jc_yaml_open_sequence(w, true);
        jc_yaml_write_double(w, k->ranges[r].low);
        jc_yaml_write_double(w, k->ranges[r].high);
        jc_yaml_close_sequence(w);
    }
    jc_yaml_close_mapping(w);
    write_key_double(w, "widening", k->widening);
    jc_yaml_write_text(w, "shared");
    jc_yaml_open_mapping(w, true);
    write_key_double(w, "runtime", k->runtime_shared);
    write_key_double(w, "energy", k->energy_shared);
    jc_yaml_close_mapping(w);
    write_model(w, "runtime", k, &k->runtime);
    if (k->power.n_backbone > 0) {
        write_model(w, "power", k, &k->power);
        jc_yaml_write_text(w, "energy");
        jc_yaml_open_mapping(w, false);
        write_spread(w, &k->energy_spread);
        write_errors(w, &k->energy_held_out);
        jc_yaml_close_mapping(w);
    }
    jc_yaml_close_mapping(w);
}

// Left out where no networks were measured with the rows.
static void write_networks(jc_yaml_writer *w, const jc_profile *profile) {
    bool is_open = false;
    for (int p = 0; p < JC_PRECISION_COUNT; ++p) {
        const jc_network_spread *spread = &profile->networks[p];
        if (spread->rows == 0) {
            continue;
        }
        if (!is_open) {
            jc_yaml_write_text(w, "networks");
            jc_yaml_open_sequence(w, false);
            is_open = true;
        }
        jc_yaml_open_mapping(w, true);
        write_key_text(w, "precision", jc_precision_name((jc_precision)p));
        write_key_int64(w, "rows", spread->rows);
        write_key_double(w, "runtime", spread->runtime);
        write_key_double(w, "energy", spread->energy);
        jc_yaml_close_mapping(w);
    }
    if (is_open) {
        jc_yaml_close_sequence(w);
    }
}

static jc_status write_document(const jc_profile *profile, FILE *file, jc_error *err) {
    jc_yaml_writer *w = jc_yaml_writer_open(file);
    if (w == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_yaml_open_mapping(w, false);
    write_key_text(w, "format", PROFILE_FORMAT);
    write_key_int64(w, "version", PROFILE_VERSION);
    write_device(w, &profile->device);
    write_provenance(w, &profile->provenance);
    jc_yaml_write_text(w, "kernels");
    jc_yaml_open_sequence(w, false);
    for (size_t i = 0; i < profile->n_kernels; ++i) {
        write_kernel(w, &profile->kernels[i]);
    }
    jc_yaml_close_sequence(w);
    jc_yaml_write_text(w, "fallback");
    write_kernel(w, &profile->fallback);
    write_networks(w, profile);
    jc_yaml_close_mapping(w);
    return jc_yaml_writer_close(w, err);
}

// Text and its digest into a file that appears whole.
static jc_status replace_file(const char *path, const char *text, size_t length, jc_error *err) {
    jc_atomic_file out = {0};
    jc_status status = jc_atomic_file_open(path, &out, err);
    if (status != JC_OK) {
        return status;
    }
    char digest[JC_DIGEST_SIZE];
    digest_format(digest_add(DIGEST_BEGIN, text, length), digest, sizeof digest);
    // What cannot be written here is reported by jc_atomic_file_finish.
    (void)fwrite(text, 1, length, out.file);
    (void)fprintf(out.file, PROFILE_DIGEST_KEY "%s\n", digest);
    status = jc_atomic_file_finish(&out, err);
    if (status == JC_OK) {
        status = jc_atomic_file_commit(&out, err);
    }
    jc_atomic_file_abandon(&out);
    return status;
}

jc_status jc_profile_save(const jc_profile *profile, const char *path, jc_error *err) {
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) {
        return jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    jc_status status = write_document(profile, memory, err);
    if (fclose(memory) != 0 && status == JC_OK) {
        status = jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    if (status == JC_OK) {
        status = replace_file(path, text, length, err);
    }
    free(text);
    return status;
}
