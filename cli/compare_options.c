// SPDX-License-Identifier: Apache-2.0
// The options of compare.
#include "compare.h"

#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

compare_options compare_options_default(void) {
    return (compare_options){
        .target_energy = (double)NAN,
        .metrics = {.alpha = 1, .inferences = (double)NAN, .pue = 1, .carbon = (double)NAN},
    };
}

static const char *parse_technique(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    if (text[0] == '\0') {
        return "a technique's file, or its steps: 'prune: 0.5'";
    }
    if (own->n_techniques == MAX_TECHNIQUES) {
        return "one of at most 64 techniques";
    }
    own->techniques[own->n_techniques++] = text;
    return NULL;
}

static const char *parse_prune(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    double ratio = 0;
    own->by_energy = strcmp(text, "energy") == 0;
    if (!own->by_energy && !(jc_parse_double(text, &ratio) && ratio >= 0 && ratio <= 1)) {
        return "energy, or a ratio from 0 to 1";
    }
    if (!own->by_energy) {
        (void)snprintf(own->pruning, sizeof own->pruning, "prune: %.30s", text);
    }
    return NULL;
}

static const char *parse_target_energy(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    return jc_parse_double(text, &own->target_energy) && own->target_energy >= 0 &&
                   own->target_energy <= 1
               ? NULL
               : "a share of the baseline's energy, from 0 to 1";
}

const char *compare_combine_options(compare_options *own) {
    if (own->by_energy != isfinite(own->target_energy)) {
        return "--prune energy and --target-energy belong together";
    }
    if (isnan(own->metrics.inferences) && (isfinite(own->metrics.carbon) || own->metrics.pue > 1)) {
        return "--carbon and --pue are of a year's figures, and need --inferences";
    }
    if (own->by_energy) {
        (void)snprintf(own->pruning, sizeof own->pruning, "prune: {energy: %.10g}",
                       own->target_energy);
    }
    if (own->pruning[0] != '\0' && own->n_techniques == MAX_TECHNIQUES) {
        return "there are more than 64 techniques";
    }
    if (own->pruning[0] != '\0') {
        own->techniques[own->n_techniques++] = own->pruning;
    }
    return NULL;
}

static bool parse_positive(const char *text, double *out_value) {
    return jc_parse_double(text, out_value) && *out_value > 0;
}

static const char *parse_alpha(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    return parse_positive(text, &own->metrics.alpha) ? NULL : "a number above 0";
}

static const char *parse_inferences(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    return parse_positive(text, &own->metrics.inferences) ? NULL : "a number a year, above 0";
}

static const char *parse_carbon(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    return jc_parse_double(text, &own->metrics.carbon) && own->metrics.carbon >= 0
               ? NULL
               : "grams of CO2 for each kWh";
}

static const char *parse_pue(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    return jc_parse_double(text, &own->metrics.pue) && own->metrics.pue >= 1
               ? NULL
               : "the building's energy for each joule of the device, 1 or more";
}

static const char *parse_prune_exits(cli_options *options, const char *text) {
    (void)text;
    ((compare_options *)options->extra)->drop_exits = true;
    return NULL;
}
static const cli_option option_technique = {
    't', "technique", "TECHNIQUE",
    "beside each ARCH: a technique's file, or its steps ('prune: 0.5')", parse_technique};

static const cli_option option_prune = {
    0, "prune", "RATIO|energy", "as -t 'prune: RATIO', or by energy, to a target", parse_prune};

static const cli_option option_target_energy = {
    0, "target-energy", "SHARE", "of --prune energy: what is to be left", parse_target_energy};

static const cli_option option_alpha = {
    0, "alpha", "ALPHA", "weight of the error in energy_precision: error^ALPHA times J (1)",
    parse_alpha};

static const cli_option option_inferences = {0, "inferences", "N", "a year's figures for N of them",
                                             parse_inferences};

static const cli_option option_carbon = {0, "carbon", "G", "of a year: grams of CO2 for each kWh",
                                         parse_carbon};

static const cli_option option_pue = {
    0, "pue", "X", "of a year: the building's joules for each of the device (1)", parse_pue};

static const cli_option option_prune_exits = {0, "prune-exits", NULL,
                                              "leave out exits that do not pay", parse_prune_exits};

const cli_option *const compare_option_list[] = {
    &cli_option_profiles,
    &cli_option_accelerators,
    &cli_option_analytic,
    &option_technique,
    &option_prune,
    &option_target_energy,
    &option_prune_exits,
    &option_alpha,
    &option_inferences,
    &option_carbon,
    &option_pue,
    &cli_option_batch_size,
    &cli_option_precision,
    &cli_option_input,
    &cli_option_strict,
    &cli_option_power_declared,
    &cli_option_format,
    &cli_option_output,
    NULL, // the list ends here
};
