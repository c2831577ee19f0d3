// SPDX-License-Identifier: Apache-2.0
// joulecast compare: what networks cost on devices, beside each other.
#include "compare.h"
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static jc_status out_of_memory(compare_run *run) {
    return jc_error_set(&run->err, JC_ENOMEM, NULL, 0, "out of memory");
}
static jc_status copy_text(compare_run *run, const char *text, const char **out_copy) {
    *out_copy = text == NULL ? NULL : jc_arena_copy_text(&run->arena, text, strlen(text));
    return text == NULL || *out_copy != NULL ? JC_OK : out_of_memory(run);
}

// They live in the evaluation, rows longer.
static jc_status copy_exits(compare_run *run, jc_evaluation *cost) {
    jc_exit_value *exits = jc_arena_alloc(&run->arena, cost->n_exits + 1, sizeof *exits);
    jc_status status = exits == NULL ? out_of_memory(run) : JC_OK;
    for (size_t i = 0; status == JC_OK && i < cost->n_exits; ++i) {
        exits[i] = cost->exits[i];
        status = copy_text(run, cost->exits[i].after, &exits[i].after);
    }
    cost->exits = exits;
    return status;
}

// They live in the evaluation, too.
static jc_status copy_stages(compare_run *run, jc_evaluation *cost) {
    jc_stage_value *stages = jc_arena_alloc(&run->arena, cost->n_stages + 1, sizeof *stages);
    jc_status status = stages == NULL ? out_of_memory(run) : JC_OK;
    for (size_t i = 0; status == JC_OK && i < cost->n_stages; ++i) {
        stages[i] = cost->stages[i];
        status = copy_text(run, cost->stages[i].name, &stages[i].name);
    }
    cost->stages = stages;
    return status;
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
        .batch_size = jc_graph_batch_size(s->graphs[0]),
    };
    const jc_technique_options options = {.drop_exits = run->own->drop_exits};
    jc_status status = jc_evaluate_technique(technique, (const jc_graph *const *)s->graphs,
                                             &d->source, &options, &row.cost, &run->err);
    if (status != JC_OK) {
        return status;
    }
    row.precision = row.cost.precision;
    row.error_rate =
        technique != NULL ? jc_technique_error_rate(technique) : jc_graph_error_rate(s->graphs[0]);
    row.energy_source = device_energy_source(d, &row.cost.totals);
    status = copy_text(run, s->architecture, &row.architecture);
    if (status == JC_OK) {
        status =
            copy_text(run, technique == NULL ? NULL : jc_technique_name(technique), &row.technique);
    }
    if (status == JC_OK) {
        status = copy_text(run, row.cost.reason, &row.note);
    }
    if (status == JC_OK) {
        status = copy_exits(run, &row.cost);
    }
    if (status == JC_OK) {
        status = copy_stages(run, &row.cost);
    }
    jc_evaluation_clear(&(jc_evaluation){.storage = row.cost.storage});
    row.cost.storage = NULL;
    rows[run->n_rows++] = row;
    return status;
}

// A network as it is, or as its own technique makes it; then under each technique of -t.
static jc_status add_operand(compare_run *run, const char *operand) {
    const jc_graph_options options = cli_graph_options(run->options);
    subject s;
    jc_status status = subject_load(operand, &options, &s, &run->err);
    if (status != JC_OK) {
        return status;
    }
    for (size_t d = 0; status == JC_OK && d < run->devices.n; ++d) {
        status = add_row(run, &s, s.technique, &run->devices.items[d]);
    }
    if (status == JC_OK && s.technique != NULL && run->n_techniques > 0 &&
        run->options->n_operands > 1) {
        (void)fprintf(stderr,
                      "joulecast: %s says itself what is done to its networks: -t and --prune are "
                      "not applied to it\n",
                      operand);
    }
    for (size_t t = 0; status == JC_OK && s.technique == NULL && t < run->n_techniques; ++t) {
        for (size_t d = 0; status == JC_OK && d < run->devices.n; ++d) {
            status = add_row(run, &s, run->techniques[t], &run->devices.items[d]);
        }
    }
    subject_clear(&s);
    return status;
}

// Rows come network by network; they are read device by device. The first network of a device is
// what the others are compared with; where there is but one, devices are compared with each other.
static jc_status arrange_rows(compare_run *run) {
    const size_t n_networks = run->n_rows / run->devices.n;
    comparison_row *rows = jc_arena_alloc(&run->arena, run->n_rows, sizeof *rows);
    if (rows == NULL) {
        return out_of_memory(run);
    }
    for (size_t d = 0; d < run->devices.n; ++d) {
        for (size_t n = 0; n < n_networks; ++n) {
            comparison_row *row = &rows[d * n_networks + n];
            *row = run->rows[n * run->devices.n + d];
            row->baseline = n_networks == 1 ? 0 : d * n_networks;
        }
    }
    run->rows = rows;
    return JC_OK;
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
    jc_status status =
        devices_load(&run->own->devices, &run->options->power, &run->devices, &run->err);
    if (status == JC_OK) {
        status = load_techniques(run);
    }
    const size_t n_as_they_are = (size_t)run->options->n_operands * run->devices.n;
    for (int i = 0; status == JC_OK && i < run->options->n_operands; ++i) {
        status = add_operand(run, run->options->operands[i]);
    }
    if (status == JC_OK && run->n_techniques > 0 && run->n_rows == n_as_they_are) {
        status = jc_error_set(&run->err, JC_EPARSE, run->options->operands[0], 0,
                              "it says itself what is done to its networks; write the steps of -t "
                              "or --prune into it");
    }
    if (status == JC_OK) {
        status = arrange_rows(run);
    }
    if (status == JC_OK) {
        compare_add_notes(run);
    }
    return status;
}

static void clear_run(compare_run *run) {
    devices_clear(&run->devices);
    for (size_t i = 0; i < run->n_techniques; ++i) {
        jc_technique_free(run->techniques[i]);
    }
    jc_arena_clear(&run->arena);
}

static cli_exit run_compare(const cli_command *self, int argc, char **argv) {
    compare_options own = compare_options_default();
    cli_options options = {.extra = &own};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    const char *wrong = compare_combine_options(&own);
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
extern const cli_command cli_compare;

const cli_command cli_compare = {
    .name = "compare",
    .summary = "Compare what networks cost, in every metric, on one device or several",
    .operands = "ARCH...",
    .help =
        "The first ARCH is the baseline that ratios refer to. An ARCH is a YAML or ONNX file, the\n"
        "name of a network of the zoo, or a technique file that names its networks.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = compare_option_list,
    .run = run_compare,
};
