// SPDX-License-Identifier: Apache-2.0
// joulecast predict: runtime, power and energy of architectures, layer by layer.
#include "command.h"
#include "locate.h"
#include "output.h"
#include "prediction.h"

#include <stdlib.h>

typedef struct predict_run {
    const cli_options *options;
    report_layout layout;
    jc_profile *profile;
    jc_memo *memo;
    output out;
    text_buffer text;
    bool is_first;
} predict_run;

// Predicts a graph and appends its document to the text.
static jc_status print_graph(predict_run *run, const jc_graph *graph) {
    size_t n = 0;
    (void)jc_graph_layers(graph, &n);
    jc_layer_cost *costs = calloc(n + 1, sizeof *costs);
    prediction_report *report = malloc(sizeof *report);
    jc_status status = costs == NULL || report == NULL ? JC_ENOMEM : JC_OK;
    if (status == JC_OK) {
        jc_totals totals;
        jc_analyze(run->memo, graph, &totals, costs);
        const prediction_subject subject = {
            .graph = graph,
            .device = jc_profile_device(run->profile),
            .totals = &totals,
            .costs = costs,
            .n_costs = totals.layers,
        };
        status = prediction_report_init(&subject, report);
        if (status == JC_OK && *(const bool *)run->options->extra) {
            status = prediction_report_kernels(&subject, report);
        }
    }
    if (status == JC_OK) {
        const report_format *format = run->options->format;
        if (run->is_first) {
            format->begin(&run->text, &run->layout, &report->document);
        }
        format->document(&run->text, &run->layout, &report->document, run->is_first);
        run->is_first = false;
        prediction_report_clear(report);
    }
    free(report);
    free(costs);
    return status;
}

static jc_status flush_text(predict_run *run) {
    if (run->text.failed) {
        return JC_ENOMEM;
    }
    (void)output_write(&run->out, run->text.data, run->text.length); // the close reports failures
    text_reset(&run->text);
    return JC_OK;
}

static jc_status predict_one(predict_run *run, const char *name, jc_error *err) {
    const jc_graph_options options = cli_graph_options(run->options);
    jc_graph *graph = NULL;
    jc_status status = locate_graph(name, &options, &graph, err);
    if (status != JC_OK) {
        return status;
    }
    status = print_graph(run, graph);
    jc_graph_free(graph);
    if (status == JC_OK) {
        status = flush_text(run);
    }
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}

static jc_status predict_all(predict_run *run, jc_error *err) {
    jc_status status = JC_OK;
    for (int i = 0; status == JC_OK && i < run->options->n_operands; ++i) {
        status = predict_one(run, run->options->operands[i], err);
    }
    if (status == JC_OK) {
        run->options->format->end(&run->text, &run->layout);
        status = flush_text(run);
    }
    return status;
}

static cli_exit run_predict(const cli_command *self, int argc, char **argv) {
    bool kernels = false;
    cli_options options = {.extra = &kernels};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    predict_run run = {
        .options = &options,
        .layout = {.title = "Joulecast", .width = cli_width(), .several = options.n_operands > 1},
        .is_first = true,
    };
    jc_error err = {0};
    jc_status status = locate_profile(options.profile, &options.power, &run.profile, &err);
    if (status == JC_OK && (status = jc_memo_create(run.profile, &run.memo)) != JC_OK) {
        (void)jc_error_set(&err, status, NULL, 0, "out of memory");
    }
    if (status == JC_OK && (status = output_open(options.output, &run.out, &err)) == JC_OK) {
        jc_error close_err = {0};
        status = predict_all(&run, &err);
        const jc_status close_status = output_close(&run.out, status == JC_OK, &close_err);
        if (status == JC_OK && close_status != JC_OK) {
            err = close_err;
            status = close_status;
        }
    }
    text_clear(&run.text);
    jc_memo_free(run.memo);
    jc_profile_free(run.profile);
    return status == JC_OK ? CLI_OK : cli_report_error(&err);
}

static const char *parse_kernels(cli_options *options, const char *text) {
    (void)text; // takes none
    *(bool *)options->extra = true;
    return NULL;
}

static const cli_option option_kernels = {
    0, "kernels", NULL, "kernels, and which layers became which, instead of layers", parse_kernels};

static const cli_option *const options_of_predict[] = {
    &cli_option_profile,        &cli_option_batch_size,
    &cli_option_precision,      &cli_option_input,
    &cli_option_strict,         &option_kernels,
    &cli_option_power_declared, &cli_option_format,
    &cli_option_output,         NULL,
};

extern const cli_command cli_predict;

const cli_command cli_predict = {
    .name = "predict",
    .summary = "Predict what architectures cost, per layer and in total",
    .operands = "ARCH...",
    .help = "An ARCH is a YAML or ONNX file, or the name of a network of the zoo.\n",
    .min_operands = 1,
    .max_operands = -1,
    .options = options_of_predict,
    .run = run_predict,
};
