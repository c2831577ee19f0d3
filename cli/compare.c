// SPDX-License-Identifier: Apache-2.0
// joulecast compare: what networks cost on devices, beside each other.
#include "command.h"
#include "comparison.h"
#include "locate.h"
#include "prediction.h"

#include "common/arena.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEVICES = 64, MAX_NOTES = 2 * MAX_DEVICES + 8, NOTE_SIZE = 512 };

/** The command's own options. */
typedef struct compare_options {
    const char *profiles[MAX_DEVICES]; ///< [n_profiles]
    size_t n_profiles;
} compare_options;

/** A device with what prices kernels on it. */
typedef struct device {
    const char *name;
    jc_profile *profile;
    jc_source source;
} device;

typedef struct compare_run {
    const cli_options *options;
    jc_arena arena;
    device devices[MAX_DEVICES];
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
        return "one of at most 64 profiles";
    }
    own->profiles[own->n_profiles++] = text;
    return NULL;
}

static jc_status out_of_memory(compare_run *run) {
    return jc_error_set(&run->err, JC_ENOMEM, NULL, 0, "out of memory");
}

static jc_status add_device(compare_run *run, const char *name) {
    device *d = &run->devices[run->n_devices++];
    const jc_status status = locate_profile(name, &d->profile, &run->err);
    if (status != JC_OK) {
        return status;
    }
    const jc_device *described = jc_profile_device(d->profile);
    d->name = described->name[0] == '\0' ? "the profile" : described->name;
    return jc_memo_create(d->profile, &d->source.memo) == JC_OK ? JC_OK : out_of_memory(run);
}

static jc_status add_row(compare_run *run, const jc_graph *graph, const device *d) {
    comparison_row *rows =
        jc_arena_grow(&run->arena, run->rows, run->n_rows, &run->row_capacity, sizeof *rows);
    const char *name = jc_graph_name(graph);
    name = jc_arena_copy_text(&run->arena, name, strlen(name));
    if (rows == NULL || name == NULL) {
        return out_of_memory(run);
    }
    run->rows = rows;
    comparison_row *row = &rows[run->n_rows++];
    *row = (comparison_row){
        .architecture = name,
        .profile = d->name,
        .precision = jc_precision_name(jc_graph_precision(graph)),
        .batch_size = jc_graph_batch_size(graph),
    };
    jc_analyze(d->source.memo, graph, &row->totals, NULL);
    row->energy_source = prediction_energy_source(jc_profile_device(d->profile), &row->totals);
    return JC_OK;
}

static jc_status add_network(compare_run *run, const char *name) {
    const jc_graph_options options = {
        .batch_size = run->options->batch_size,
        .precision = run->options->precision,
    };
    jc_graph *graph = NULL;
    jc_status status = locate_graph(name, &options, &graph, &run->err);
    for (size_t i = 0; status == JC_OK && i < run->n_devices; ++i) {
        status = add_row(run, graph, &run->devices[i]);
    }
    jc_graph_free(graph);
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
    const jc_totals *t = &row->totals;
    const jc_device *described = jc_profile_device(d->profile);
    char modelled[REPORT_QUANTITY_SIZE];
    char text[NOTE_SIZE];
    (void)report_format_quantity(t->runtime_modelled, REPORT_PERCENT, modelled);
    (void)snprintf(text, sizeof text,
                   "On %s (%.160s) %s of the baseline's time is modelled from rows like it; joules "
                   "from: %s.",
                   d->name, described->machine[0] == '\0' ? "machine unknown" : described->machine,
                   modelled, row->energy_source == NULL ? "nowhere" : row->energy_source);
    add_note(run, text);
}

static void add_notes(compare_run *run) {
    const size_t n_networks = run->n_rows / run->n_devices;
    char text[NOTE_SIZE];
    (void)snprintf(text, sizeof text, "Ratios (×) are to %.100s on %s. Batch size %lld, %s.",
                   run->rows[0].architecture,
                   n_networks == 1 || run->n_devices == 1 ? run->rows[0].profile : "each device",
                   (long long)run->rows[0].batch_size, run->rows[0].precision);
    add_note(run, text);
    for (size_t d = 0; d < run->n_devices; ++d) {
        describe_device(run, &run->devices[d], &run->rows[d * n_networks]);
    }
}

static jc_status compare(compare_run *run, const compare_options *own) {
    jc_status status = own->n_profiles == 0 ? add_device(run, NULL) : JC_OK;
    for (size_t i = 0; status == JC_OK && i < own->n_profiles; ++i) {
        status = add_device(run, own->profiles[i]);
    }
    for (int i = 0; status == JC_OK && i < run->options->n_operands; ++i) {
        status = add_network(run, run->options->operands[i]);
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
    }
    jc_arena_clear(&run->arena);
}

static cli_exit run_compare(const cli_command *self, int argc, char **argv) {
    compare_options own = {.n_profiles = 0};
    cli_options options = {.extra = &own};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    compare_run run = {.options = &options};
    if (compare(&run, &own) == JC_OK) {
        const comparison what = {.rows = run.rows, .n_rows = run.n_rows, .notes = run.notes};
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

static const cli_option *const options_of_compare[] = {
    &option_profile,    &cli_option_batch_size, &cli_option_precision,
    &cli_option_format, &cli_option_output,     NULL,
};

extern const cli_command cli_compare;

const cli_command cli_compare = {
    .name = "compare",
    .summary = "Compare what networks cost, in every metric, on one device or several",
    .operands = "ARCH...",
    .help = "The first ARCH is the baseline that ratios refer to.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = options_of_compare,
    .run = run_compare,
};
