// SPDX-License-Identifier: Apache-2.0
// joulecast validate: predicted beside measured on this machine.
#include "hardware.h"
#include "locate.h"
#include "network.h"
#include "progress.h"
#include "validation.h"

#include "common/number.h"

#include <joulecast/campaign.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double WINDOW_S = 0.25, REL_ERROR = 0.01;

typedef struct validate_extra {
    hardware_choice hardware; ///< first, for its options
    bool layers;
    double max_load;
} validate_extra;

/** A kernel that was measured: networks repeat themselves. */
typedef struct known_kernel {
    jc_kernel kernel;
    jc_measurement measured;
} known_kernel;

typedef struct validate_run {
    const validate_extra *extra;
    const cli_options *options;
    const hardware *hardware;
    jc_memo *memo;
    validation_record *records; ///< [n]
    size_t n;
    known_kernel *known; ///< [n_known]
    size_t n_known;
    progress shown;
    double done; ///< share of the networks
} validate_run;

static const char *parse_layers(cli_options *options, const char *text) {
    validate_extra *extra = options->extra;
    (void)text;
    extra->layers = true;
    return NULL;
}

static const char *parse_max_load(cli_options *options, const char *text) {
    validate_extra *extra = options->extra;
    return jc_parse_double(text, &extra->max_load) && extra->max_load >= 0 && extra->max_load <= 1
               ? NULL
               : "a share from 0 to 1";
}

static const cli_option option_layers = {0, "layers", NULL, "each layer by itself, too",
                                         parse_layers};
static const cli_option option_max_load = {
    0, "max-load", "SHARE", "windows with more of other load are measured again (0.05)",
    parse_max_load};

// --- Measuring ------------------------------------------------------------------------------

static void report_skipped(const char *what, const jc_error *why) {
    (void)fprintf(stderr, "joulecast: %s is not measured: %s\n", what, why->message);
}

static jc_status measure_task(const validate_run *run, const char *what, jc_task *task,
                              jc_measurement *out_measured, jc_error *err) {
    const hardware *h = run->hardware;
    const jc_window_options options = {
        .window_s = WINDOW_S, .rel_error = REL_ERROR, .max_load = run->extra->max_load};
    jc_window window;
    const jc_status status =
        jc_window_measure(h->executor, task, h->meter, h->meter_handle, &options, &window, err);
    if (status != JC_OK) {
        return status;
    }
    if (window.load > run->extra->max_load) {
        (void)fprintf(stderr,
                      "joulecast: %s: something else ran for %.0f %% of the time, so its "
                      "measurement is not to be relied on\n",
                      what, 100 * window.load);
    }
    *out_measured = window.measured;
    return JC_OK;
}

// A kernel's measurement, from memory if it is there. Without one, runtime is NaN.
static jc_status measure_kernel(validate_run *run, const jc_kernel *kernel,
                                jc_measurement *out_measured, jc_error *err) {
    const hardware *h = run->hardware;
    for (size_t i = 0; i < run->n_known; ++i) {
        if (jc_kernel_equal(&run->known[i].kernel, kernel)) {
            *out_measured = run->known[i].measured;
            return JC_OK;
        }
    }
    known_kernel *longer = realloc(run->known, (run->n_known + 1) * sizeof *longer);
    if (longer == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    run->known = longer;
    jc_task *task = NULL;
    jc_error why = {.message = ""};
    jc_measurement measured = {.runtime_s = (double)NAN, .energy_j = (double)NAN};
    jc_status status = h->executor->prepare_kernel(h->executor_handle, kernel, &task, &why);
    if (status == JC_OK) {
        status = measure_task(run, jc_kernel_name(kernel->kind), task, &measured, &why);
        h->executor->release(task);
    }
    if (status != JC_OK) {
        report_skipped(jc_kernel_name(kernel->kind), &why);
    }
    run->known[run->n_known++] = (known_kernel){*kernel, measured};
    *out_measured = measured;
    return JC_OK;
}

static validation_record *add_record(validate_run *run, const validation_record *record) {
    validation_record *longer = realloc(run->records, (run->n + 1) * sizeof *longer);
    if (longer != NULL) {
        run->records = longer;
        longer[run->n++] = *record;
    }
    return longer;
}

// Each layer that has work, after its network's record, whose sum of layers is filled in.
static jc_status add_layers(validate_run *run, const jc_graph *graph, const jc_layer_cost *costs,
                            size_t n_costs, jc_error *err) {
    size_t n_layers = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n_layers);
    const int64_t reuse_bytes = jc_graph_reuse_bytes(graph);
    const size_t whole = run->n - 1;
    double sum_s = 0;
    for (size_t i = 0; i < n_costs; ++i) {
        const jc_layer *layer = &layers[costs[i].layer];
        jc_kernel kernel = layer->kernel;
        kernel.reuse_bytes = layer->work.weight_elements > 0 ? reuse_bytes : 0; // as in the whole
        const jc_prediction *p = &costs[i].prediction;
        jc_measurement measured = {.runtime_s = 0};
        if (p->confidence == JC_CONFIDENCE_FREE) {
            continue; // no kernel, or part of another layer's
        }
        const jc_status status = measure_kernel(run, &kernel, &measured, err);
        if (status != JC_OK) {
            return status;
        }
        sum_s += measured.runtime_s;
        validation_record record = run->records[whole];
        record.kernel = jc_kernel_name(kernel.kind);
        record.predicted_runtime_s = p->runtime_s;
        record.runtime_low_s = p->runtime_low_s;
        record.runtime_high_s = p->runtime_high_s;
        record.measured_runtime_s = measured.runtime_s;
        record.runtime_rel_sd = measured.runtime_rel_sd;
        record.predicted_energy_j = p->energy_j;
        record.energy_low_j = p->energy_low_j;
        record.energy_high_j = p->energy_high_j;
        record.measured_energy_j = measured.energy_j;
        char name[JC_LAYER_NAME_SIZE];
        (void)snprintf(record.layer, sizeof record.layer, "%s",
                       jc_layer_name(graph, costs[i].layer, name));
        if (add_record(run, &record) == NULL) {
            return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
        }
        progress_update(&run->shown,
                        run->done +
                            (double)(i + 1) / (double)(n_costs * (size_t)run->options->n_operands));
    }
    run->records[whole].layers_runtime_s = sum_s;
    return JC_OK;
}

static jc_status measure_network(validate_run *run, const jc_graph *graph,
                                 validation_record *record, jc_error *err) {
    const hardware *h = run->hardware;
    jc_network *network = NULL;
    jc_task *task = NULL;
    jc_error why = {.message = ""};
    jc_measurement measured;
    jc_status status = cli_network_create(graph, &network, err);
    if (status != JC_OK) {
        return status;
    }
    status = h->executor->prepare_network(h->executor_handle, network, &task, &why);
    if (status == JC_OK) {
        status = measure_task(run, record->architecture, task, &measured, &why);
        h->executor->release(task);
    }
    if (status == JC_OK) {
        record->measured_runtime_s = measured.runtime_s;
        record->runtime_rel_sd = measured.runtime_rel_sd;
        record->measured_energy_j = measured.energy_j;
    } else if (status == JC_ENOMETER || status == JC_EPERM) {
        *err = why;
    } else {
        report_skipped(record->architecture, &why); // the others are still of use
        status = JC_OK;
    }
    cli_network_free(network);
    return status;
}

static jc_status validate_graph(validate_run *run, const jc_graph *graph, jc_error *err) {
    size_t n = 0;
    jc_totals totals;
    (void)jc_graph_layers(graph, &n);
    jc_layer_cost *costs = calloc(n + 1, sizeof *costs);
    if (costs == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_analyze(run->memo, graph, &totals, costs);
    validation_record record = validation_of_network(graph, &totals);
    jc_status status = measure_network(run, graph, &record, err);
    if (status == JC_OK && add_record(run, &record) == NULL) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    if (status == JC_OK && run->extra->layers) {
        status = add_layers(run, graph, costs, totals.layers, err);
    }
    free(costs);
    return status;
}

static jc_status validate_all(validate_run *run, jc_error *err) {
    const jc_graph_options graph_options = cli_graph_options(run->options);
    jc_status status = JC_OK;
    for (int i = 0; i < run->options->n_operands && status == JC_OK; ++i) {
        jc_graph *graph = NULL;
        status = locate_graph(run->options->operands[i], &graph_options, &graph, err);
        if (status == JC_OK) {
            status = validate_graph(run, graph, err);
            jc_graph_free(graph);
        }
        run->done = (double)(i + 1) / run->options->n_operands;
        progress_update(&run->shown, run->done);
    }
    return status;
}

static cli_exit run_validate(const cli_command *self, int argc, char **argv) {
    validate_extra extra = {.max_load = 0.05, .hardware = {.executor_options = {.seed = 1}}};
    cli_options options = {.extra = &extra};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    extra.hardware.power = options.power;
    jc_error err = {0};
    jc_profile *profile = NULL;
    hardware h;
    validate_run run = {.extra = &extra, .options = &options, .hardware = &h};
    jc_status status = locate_profile(options.profile, NULL, &profile, &err);
    if (status == JC_OK && options.power.is_declared && !jc_profile_has_power(profile)) {
        status = jc_profile_declare_power(profile, options.power.full_w, &err);
    }
    if (status == JC_OK && (status = jc_memo_create(profile, &run.memo)) != JC_OK) {
        (void)jc_error_set(&err, status, NULL, 0, "out of memory");
    }
    if (status == JC_OK && (status = hardware_open(&extra.hardware, &h, &err)) == JC_OK) {
        run.shown = progress_begin("validate");
        status = validate_all(&run, &err);
        progress_end(&run.shown);
        hardware_close(&h);
    }
    code =
        status == JC_OK ? validation_print(&options, run.records, run.n) : cli_report_error(&err);
    free(run.records);
    free(run.known);
    jc_memo_free(run.memo);
    jc_profile_free(profile);
    return code;
}

static const cli_option *const options_of_validate[] = {
    &cli_option_profile,        &hardware_option_executor, &hardware_option_meter,
    &cli_option_power_declared, &cli_option_batch_size,    &cli_option_precision,
    &cli_option_input,          &cli_option_strict,        &option_layers,
    &option_max_load,           &hardware_option_threads,  &hardware_option_timeout,
    &cli_option_format,         &cli_option_output,        NULL,
};

extern const cli_command cli_validate;

const cli_command cli_validate = {
    .name = "validate",
    .summary = "Predicted beside measured on this machine",
    .operands = "ARCH...",
    .help = "An ARCH is a YAML or ONNX file, or the name of a network of the zoo.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = options_of_validate,
    .run = run_validate,
};
