// SPDX-License-Identifier: Apache-2.0
// joulecast compare: what networks cost on devices, beside each other.
#include "command.h"
#include "comparison.h"
#include "locate.h"
#include "prediction.h"
#include "subject.h"

#include "common/arena.h"
#include "common/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEVICES = 32, MAX_TECHNIQUES = 64, MAX_NOTES = 1024, NOTE_SIZE = 1200, NAME_SIZE = 256 };

#define DEFAULT_ACCELERATOR "eyeriss"

/** The command's own options. */
typedef struct compare_options {
    const char *profiles[MAX_DEVICES]; ///< [n_profiles]
    size_t n_profiles;
    const char *accelerators[MAX_DEVICES]; ///< [n_accelerators]
    size_t n_accelerators;
    const char *techniques[MAX_TECHNIQUES]; ///< [n_techniques]
    size_t n_techniques;
    bool drop_exits;
    comparison_metrics metrics;
    bool is_alpha_given;  ///< then people read the ratio too
    bool by_energy;       ///< --prune energy
    double target_energy; ///< of the baseline's; NaN = not said
    char pruning[64];     ///< --prune and --target-energy as a technique; "" = none
} compare_options;

/** A device with what prices kernels on it: a profile or an accelerator's description. */
typedef struct device {
    const char *name;
    const char *machine;
    jc_profile *profile;
    jc_accelerator *accelerator;
    jc_source source;
} device;

typedef struct compare_run {
    const cli_options *options;
    const compare_options *own;
    jc_arena arena;
    jc_technique *techniques[MAX_TECHNIQUES]; ///< [n_techniques]
    size_t n_techniques;
    device devices[2 * MAX_DEVICES];
    size_t n_devices;
    comparison_row *rows;
    size_t n_rows;
    size_t row_capacity;
    const char *notes[MAX_NOTES + 1];
    size_t n_notes;
    jc_error err;
} compare_run;

static const char *parse_profile(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    if (text[0] == '\0') {
        return "a profile's file or name";
    }
    if (own->n_profiles == MAX_DEVICES) {
        return "one of at most 32 profiles";
    }
    own->profiles[own->n_profiles++] = text;
    return NULL;
}

static const char *parse_accelerator(cli_options *options, const char *text) {
    compare_options *own = options->extra;
    if (text[0] == '\0') {
        return "an accelerator's file or name";
    }
    if (own->n_accelerators == MAX_DEVICES) {
        return "one of at most 32 accelerators";
    }
    own->accelerators[own->n_accelerators++] = text;
    return NULL;
}

static const char *parse_analytic(cli_options *options, const char *text) {
    (void)text;
    return parse_accelerator(options, DEFAULT_ACCELERATOR);
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

// --prune and --target-energy as the technique that they stand for.
static const char *combine_pruning(compare_options *own) {
    if (own->by_energy != isfinite(own->target_energy)) {
        return "--prune energy and --target-energy belong together";
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
    own->is_alpha_given = true;
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

static jc_status out_of_memory(compare_run *run) {
    return jc_error_set(&run->err, JC_ENOMEM, NULL, 0, "out of memory");
}

static jc_status add_profile(compare_run *run, const char *name) {
    device *d = &run->devices[run->n_devices++];
    const jc_status status = locate_profile(name, &d->profile, &run->err);
    if (status != JC_OK) {
        return status;
    }
    const jc_device *described = jc_profile_device(d->profile);
    d->name = described->name[0] == '\0' ? "the profile" : described->name;
    d->machine = described->machine;
    return jc_memo_create(d->profile, &d->source.memo) == JC_OK ? JC_OK : out_of_memory(run);
}

static jc_status add_accelerator(compare_run *run, const char *name) {
    device *d = &run->devices[run->n_devices++];
    const jc_status status = locate_accelerator(name, &d->accelerator, &run->err);
    if (status == JC_OK) {
        d->name = d->accelerator->name;
        d->machine = d->accelerator->machine == NULL ? "" : d->accelerator->machine;
        d->source.accelerator = d->accelerator;
    }
    return status;
}

static jc_status add_devices(compare_run *run) {
    const compare_options *own = run->own;
    jc_status status = JC_OK;
    if (own->n_profiles == 0 && own->n_accelerators == 0) {
        status = add_profile(run, NULL);
    }
    for (size_t i = 0; status == JC_OK && i < own->n_profiles; ++i) {
        status = add_profile(run, own->profiles[i]);
    }
    for (size_t i = 0; status == JC_OK && i < own->n_accelerators; ++i) {
        status = add_accelerator(run, own->accelerators[i]);
    }
    return status;
}

// "conv2d_1: 40 % of all inputs leave; it pays from 13 % on"
static const char *const *describe_exits(compare_run *run, const jc_evaluation *cost) {
    const char **texts = jc_arena_alloc(&run->arena, cost->n_exits + 1, sizeof *texts);
    for (size_t i = 0; texts != NULL && i < cost->n_exits; ++i) {
        const jc_exit_value *e = &cost->exits[i];
        char text[NOTE_SIZE];
        char rate[REPORT_QUANTITY_SIZE];
        char from[REPORT_QUANTITY_SIZE];
        (void)snprintf(rate, sizeof rate, "%.3g %%", 100 * e->rate);
        (void)snprintf(from, sizeof from, "%.2g %%", 100 * e->break_even);
        (void)snprintf(text, sizeof text, "%.160s: %s of all inputs leave; it pays from %s on%s",
                       e->after, rate, isfinite(e->break_even) ? from : "an unknown share",
                       e->is_dropped ? ": dropped" : "");
        texts[i] = jc_arena_copy_text(&run->arena, text, strlen(text));
        if (texts[i] == NULL) {
            return NULL;
        }
    }
    return cost->n_exits == 0 ? NULL : texts;
}

static jc_status copy_text(compare_run *run, const char *text, const char **out_copy) {
    *out_copy = text == NULL ? NULL : jc_arena_copy_text(&run->arena, text, strlen(text));
    return text == NULL || *out_copy != NULL ? JC_OK : out_of_memory(run);
}

static jc_status add_row(compare_run *run, const subject *s, const jc_technique *technique,
                         const device *d) {
    comparison_row *rows =
        jc_arena_grow(&run->arena, run->rows, run->n_rows, &run->row_capacity, sizeof *rows);
    if (rows == NULL) {
        return out_of_memory(run);
    }
    run->rows = rows;
    comparison_row row = {
        .profile = d->name,
        .precision = jc_precision_name(jc_graph_precision(s->graphs[0])),
        .batch_size = jc_graph_batch_size(s->graphs[0]),
    };
    const jc_technique_options options = {.drop_exits = run->own->drop_exits};
    jc_status status = jc_evaluate_technique(technique, (const jc_graph *const *)s->graphs,
                                             &d->source, &options, &row.cost, &run->err);
    if (status != JC_OK) {
        return status;
    }
    row.exits = describe_exits(run, &row.cost);
    row.error_rate =
        technique != NULL ? jc_technique_error_rate(technique) : jc_graph_error_rate(s->graphs[0]);
    row.energy_source =
        d->accelerator != NULL
            ? "analytic"
            : prediction_energy_source(jc_profile_device(d->profile), &row.cost.totals);
    status = copy_text(run, s->architecture, &row.architecture);
    if (status == JC_OK) {
        status =
            copy_text(run, technique == NULL ? NULL : jc_technique_name(technique), &row.technique);
    }
    if (status == JC_OK) {
        status = copy_text(run, row.cost.reason, &row.note);
    }
    jc_evaluation_clear(&(jc_evaluation){.storage = row.cost.storage});
    row.cost.storage = NULL;
    row.cost.exits = NULL; // said in words; they lived in the storage
    row.cost.n_exits = 0;
    rows[run->n_rows++] = row;
    return status;
}

// A network as it is, or as its own technique makes it; then under each technique of -t.
static jc_status add_operand(compare_run *run, const char *operand) {
    const jc_graph_options options = {
        .batch_size = run->options->batch_size,
        .precision = run->options->precision,
    };
    subject s;
    jc_status status = subject_load(operand, &options, &s, &run->err);
    if (status != JC_OK) {
        return status;
    }
    for (size_t d = 0; status == JC_OK && d < run->n_devices; ++d) {
        status = add_row(run, &s, s.technique, &run->devices[d]);
    }
    for (size_t t = 0; status == JC_OK && s.technique == NULL && t < run->n_techniques; ++t) {
        for (size_t d = 0; status == JC_OK && d < run->n_devices; ++d) {
            status = add_row(run, &s, run->techniques[t], &run->devices[d]);
        }
    }
    subject_clear(&s);
    return status;
}

// Rows come network by network; they are read device by device. The first network of a device is
// what the others are compared with; where there is but one, devices are compared with each other.
static jc_status arrange_rows(compare_run *run) {
    const size_t n_networks = run->n_rows / run->n_devices;
    comparison_row *rows = jc_arena_alloc(&run->arena, run->n_rows, sizeof *rows);
    if (rows == NULL) {
        return out_of_memory(run);
    }
    for (size_t d = 0; d < run->n_devices; ++d) {
        for (size_t n = 0; n < n_networks; ++n) {
            comparison_row *row = &rows[d * n_networks + n];
            *row = run->rows[n * run->n_devices + d];
            row->baseline = n_networks == 1 ? 0 : d * n_networks;
        }
    }
    run->rows = rows;
    return JC_OK;
}

static void add_note(compare_run *run, const char *text) {
    char *copy = jc_arena_copy_text(&run->arena, text, strlen(text));
    if (copy != NULL && run->n_notes < MAX_NOTES) {
        run->notes[run->n_notes++] = copy;
    }
}

static void describe_device(compare_run *run, const device *d, const comparison_row *row) {
    char modelled[REPORT_QUANTITY_SIZE];
    char text[NOTE_SIZE];
    const char *machine = d->machine[0] == '\0' ? "machine unknown" : d->machine;
    if (d->accelerator != NULL) {
        (void)snprintf(text, sizeof text,
                       "On %s (%.300s) all is analytic: counts of operations and accesses times "
                       "their energies, %d-bit words at most, without idle power.",
                       d->name, machine, d->accelerator->word_bits);
    } else {
        (void)report_format_quantity(row->cost.totals.runtime_modelled, REPORT_PERCENT, modelled);
        (void)snprintf(text, sizeof text,
                       "On %s (%.160s) %s of the baseline's time is modelled from rows like it; "
                       "joules from: %s.",
                       d->name, machine, modelled,
                       row->energy_source == NULL ? "nowhere" : row->energy_source);
    }
    add_note(run, text);
}

// "resnet18: prune: 0.5"
static const char *name_of(const comparison_row *row, char buffer[NAME_SIZE]) {
    (void)snprintf(buffer, NAME_SIZE, "%.80s%s%.140s",
                   row->architecture == NULL ? "" : row->architecture,
                   row->architecture == NULL || row->technique == NULL ? "" : ": ",
                   row->technique == NULL ? "" : row->technique);
    return buffer;
}

// A year's figure, with all that was assumed.
static void describe_year(compare_run *run, const comparison_row *row) {
    const comparison_metrics *m = &run->own->metrics;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    char carbon[96] = "";
    const double kwh = comparison_year_kwh(row, m);
    if (!isfinite(kwh)) {
        return;
    }
    if (isfinite(m->carbon)) {
        (void)snprintf(carbon, sizeof carbon, ", which are %.3g kg of CO2 at %.4g g for each kWh",
                       kwh * m->carbon / 1000, m->carbon);
    }
    (void)snprintf(
        text, sizeof text,
        "%s on %.60s: %.4g inferences a year, at %.3g J each%s, take %.3g kWh%s. "
        "Assumed: batches of %lld, always full; PUE %.3g; no idle energy.",
        name_of(row, name), row->profile, m->inferences, row->cost.totals.energy_per_sample_j,
        row->energy_source != NULL && strcmp(row->energy_source, "analytic") == 0 ? " (analytic)"
                                                                                  : "",
        kwh, carbon, (long long)row->batch_size, m->pue);
    add_note(run, text);
}

// Error and energy in one number, of networks whose error is known.
static void describe_precision(compare_run *run, const comparison_row *row) {
    const double alpha = run->own->metrics.alpha;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    const double weighed = pow(row->error_rate, alpha) * row->cost.totals.energy_per_sample_j;
    if (run->own->is_alpha_given && isfinite(weighed)) {
        char q[REPORT_QUANTITY_SIZE];
        (void)snprintf(text, sizeof text,
                       "%s on %.60s: energy-precision ratio %s (error %.4g to the power %.3g, "
                       "times the energy per inference; less is better).",
                       name_of(row, name), row->profile,
                       report_format_quantity(weighed, REPORT_JOULES, q), row->error_rate, alpha);
        add_note(run, text);
    }
}

// What the table has no room for: the spread over inputs, exits, and what is not known.
static void describe_row(compare_run *run, const comparison_row *row, bool is_first_device) {
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    const jc_evaluation *c = &row->cost;
    if (c->energy_worst_j > c->energy_p50_j * (1 + 1e-12)) {
        char q[3][REPORT_QUANTITY_SIZE];
        (void)snprintf(text, sizeof text,
                       "%.200s on %.60s, energy of single inputs: half of them take at most %s, 95 "
                       "%% at most %s, the dearest %s.",
                       name_of(row, name), row->profile,
                       report_format_quantity(c->energy_p50_j, REPORT_JOULES, q[0]),
                       report_format_quantity(c->energy_p95_j, REPORT_JOULES, q[1]),
                       report_format_quantity(c->energy_worst_j, REPORT_JOULES, q[2]));
        add_note(run, text);
    }
    for (size_t i = 0; row->exits != NULL && row->exits[i] != NULL; ++i) {
        (void)snprintf(text, sizeof text, "%.200s on %.60s, exit after %.240s.", name_of(row, name),
                       row->profile, row->exits[i]);
        add_note(run, text);
    }
    if (row->note != NULL && (is_first_device || !isfinite(c->totals.runtime_s))) {
        (void)snprintf(text, sizeof text, "%.200s%s%.60s: %.900s", name_of(row, name),
                       isfinite(c->totals.runtime_s) ? "" : " on ",
                       isfinite(c->totals.runtime_s) ? "" : row->profile, row->note);
        add_note(run, text);
    }
}

static void add_notes(compare_run *run) {
    const size_t n_networks = run->n_rows / run->n_devices;
    char text[NOTE_SIZE];
    char name[NAME_SIZE];
    (void)snprintf(text, sizeof text, "Ratios (×) are to %.100s on %s. Batch size %lld, %s.",
                   name_of(&run->rows[0], name),
                   n_networks == 1 || run->n_devices == 1 ? run->rows[0].profile : "each device",
                   (long long)run->rows[0].batch_size, run->rows[0].precision);
    add_note(run, text);
    for (size_t d = 0; d < run->n_devices; ++d) {
        describe_device(run, &run->devices[d], &run->rows[d * n_networks]);
    }
    for (size_t i = 0; i < run->n_rows; ++i) {
        describe_row(run, &run->rows[i], i < n_networks);
        describe_precision(run, &run->rows[i]);
        describe_year(run, &run->rows[i]);
    }
}

static jc_status load_techniques(compare_run *run) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < run->own->n_techniques; ++i) {
        status = subject_load_technique(run->own->techniques[i], &run->techniques[i], &run->err);
        run->n_techniques += status == JC_OK ? 1 : 0;
    }
    return status;
}

static jc_status compare(compare_run *run) {
    jc_status status = add_devices(run);
    if (status == JC_OK) {
        status = load_techniques(run);
    }
    for (int i = 0; status == JC_OK && i < run->options->n_operands; ++i) {
        status = add_operand(run, run->options->operands[i]);
    }
    if (status == JC_OK) {
        status = arrange_rows(run);
    }
    if (status == JC_OK) {
        add_notes(run);
    }
    return status;
}

static void clear_run(compare_run *run) {
    for (size_t i = 0; i < run->n_devices; ++i) {
        jc_memo_free(run->devices[i].source.memo);
        jc_profile_free(run->devices[i].profile);
        jc_accelerator_free(run->devices[i].accelerator);
    }
    for (size_t i = 0; i < run->n_techniques; ++i) {
        jc_technique_free(run->techniques[i]);
    }
    jc_arena_clear(&run->arena);
}

static cli_exit run_compare(const cli_command *self, int argc, char **argv) {
    compare_options own = {
        .target_energy = (double)NAN,
        .metrics = {.alpha = 1, .inferences = (double)NAN, .pue = 1, .carbon = (double)NAN},
    };
    cli_options options = {.extra = &own};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    const char *wrong = combine_pruning(&own);
    if (wrong != NULL) {
        return cli_report_usage(self->name, "%s", wrong);
    }
    compare_run run = {.options = &options, .own = &own};
    if (compare(&run) == JC_OK) {
        const comparison what = {
            .metrics = own.metrics, .rows = run.rows, .n_rows = run.n_rows, .notes = run.notes};
        code = comparison_print(&options, &what);
    } else {
        code = cli_report_error(&run.err);
    }
    clear_run(&run);
    return code;
}

static const cli_option option_profile = {
    'p', "profile", "PROFILE", "a device's profile, as for predict; again for more devices",
    parse_profile};

static const cli_option option_accelerator = {
    'a', "accelerator", "ACCELERATOR", "an accelerator's description: a file or a name; analytic",
    parse_accelerator};

static const cli_option option_analytic = {0, "analytic", NULL, "short for -a " DEFAULT_ACCELERATOR,
                                           parse_analytic};

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

static const cli_option *const options_of_compare[] = {
    &option_profile,
    &option_accelerator,
    &option_analytic,
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
    &cli_option_format,
    &cli_option_output,
    NULL, // the list ends here
};

extern const cli_command cli_compare;

const cli_command cli_compare = {
    .name = "compare",
    .summary = "Compare what networks cost, in every metric, on one device or several",
    .operands = "ARCH...",
    .help = "The first ARCH is the baseline that ratios refer to. An ARCH is a YAML file, the name "
            "of a\n"
            "network of the zoo, or a technique file that names its networks.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = options_of_compare,
    .run = run_compare,
};
