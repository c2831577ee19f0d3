// SPDX-License-Identifier: Apache-2.0
// The prediction of one architecture as records for machines.
#include "prediction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const report_column head_columns[PREDICTION_HEAD_COLUMNS] = {
    {.name = "architecture", .type = REPORT_TEXT},
    {.name = "profile", .type = REPORT_TEXT},
    {.name = "batch_size", .type = REPORT_INTEGER},
    {.name = "precision", .type = REPORT_TEXT},
};

static const report_column totals_columns[PREDICTION_TOTALS_COLUMNS] = {
    {.name = "params", .type = REPORT_INTEGER},
    {.name = "macs", .type = REPORT_INTEGER},
    {.name = "weight_bytes", .type = REPORT_REAL},
    {.name = "activation_bytes", .type = REPORT_REAL},
    {.name = "runtime_s", .type = REPORT_REAL},
    {.name = "power_w", .type = REPORT_REAL},
    {.name = "energy_j", .type = REPORT_REAL},
    {.name = "energy_low_j", .type = REPORT_REAL},
    {.name = "energy_high_j", .type = REPORT_REAL},
    {.name = "energy_per_sample_j", .type = REPORT_REAL},
    {.name = "layers", .type = REPORT_INTEGER},
    {.name = "layers_unmodelled", .type = REPORT_INTEGER},
    {.name = "layers_extrapolated", .type = REPORT_INTEGER},
    {.name = "energy_source", .type = REPORT_TEXT},
};

enum {
    LAYER_PLACE, // the name without the operator, which stands beside it
    LAYER_NAME,
    LAYER_OP,
    LAYER_KERNEL,
    LAYER_INPUT_SHAPE,
    LAYER_OUTPUT_SHAPE,
    LAYER_PARAMS,
    LAYER_MACS,
    LAYER_RUNTIME,
    LAYER_POWER,
    LAYER_ENERGY,
    LAYER_ENERGY_LOW,
    LAYER_ENERGY_HIGH,
    LAYER_STATUS,
    LAYER_SHARE,
    LAYER_STATUS_WORD,
    LAYER_COLUMNS,
};

static const report_column layer_columns[LAYER_COLUMNS] = {
    [LAYER_PLACE] = {.name = NULL,
                     .heading = "layer",
                     .type = REPORT_TEXT,
                     .narrowest = 12,
                     .fit = REPORT_CUT_FRONT},
    [LAYER_NAME] = {.name = "name", .heading = NULL, .type = REPORT_TEXT},
    [LAYER_OP] = {.name = "op", .heading = "op", .type = REPORT_TEXT, .narrowest = 8},
    [LAYER_KERNEL] = {.name = "kernel", .heading = NULL, .type = REPORT_TEXT},
    [LAYER_INPUT_SHAPE] = {.name = "input_shape", .heading = NULL, .type = REPORT_SHAPE},
    [LAYER_OUTPUT_SHAPE] = {.name = "output_shape", .heading = "output", .type = REPORT_SHAPE},
    [LAYER_PARAMS] = {.name = "params", .heading = NULL, .type = REPORT_INTEGER},
    [LAYER_MACS] = {.name = "macs",
                    .heading = "MACs",
                    .type = REPORT_INTEGER,
                    .unit = REPORT_COUNT},
    [LAYER_RUNTIME] = {.name = "runtime_s",
                       .heading = "runtime",
                       .type = REPORT_REAL,
                       .unit = REPORT_SECONDS},
    [LAYER_POWER] = {.name = "power_w", .heading = NULL, .type = REPORT_REAL, .unit = REPORT_WATTS},
    [LAYER_ENERGY] = {.name = "energy_j",
                      .heading = "energy",
                      .type = REPORT_REAL,
                      .unit = REPORT_JOULES},
    [LAYER_ENERGY_LOW] = {.name = "energy_low_j",
                          .heading = NULL,
                          .type = REPORT_REAL,
                          .unit = REPORT_JOULES},
    [LAYER_ENERGY_HIGH] = {.name = "energy_high_j",
                           .heading = NULL,
                           .type = REPORT_REAL,
                           .unit = REPORT_JOULES},
    [LAYER_STATUS] = {.name = "status", .heading = NULL, .type = REPORT_TEXT},
    [LAYER_SHARE] = {.name = NULL, .heading = "share", .type = REPORT_REAL, .unit = REPORT_PERCENT},
    [LAYER_STATUS_WORD] = {.name = NULL, .heading = "status", .type = REPORT_TEXT},
};

report_document prediction_prototype(bool with_layers) {
    return (report_document){
        .head = {.columns = head_columns, .n_columns = PREDICTION_HEAD_COLUMNS},
        .totals = {.columns = totals_columns, .n_columns = PREDICTION_TOTALS_COLUMNS},
        .layers = {.columns = layer_columns, .n_columns = with_layers ? LAYER_COLUMNS : 0},
    };
}

const char *prediction_energy_source(const jc_device *device, const jc_totals *totals) {
    static const char *const sources[] = {"rapl",     "nvml",     "hwmon",
                                          "external", "declared", "analytic"};
    if (!isfinite(totals->energy_j) || device->meter[0] == '\0' ||
        strcmp(device->meter, "none") == 0) {
        return NULL;
    }
    if (totals->is_declared) {
        return "declared";
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; ++i) {
        if (strcmp(device->meter, sources[i]) == 0) {
            return sources[i];
        }
    }
    return "external"; // a meter that is not this program's
}

void prediction_report_totals(const prediction_subject *subject, prediction_report *out_report) {
    const jc_totals *t = subject->totals;
    prediction_report *r = out_report;
    r->document = prediction_prototype(false);
    r->document.title = jc_graph_name(subject->graph);
    r->head[0].text = jc_graph_name(subject->graph);
    r->head[1].text = subject->device->name[0] == '\0' ? NULL : subject->device->name;
    r->head[2].integer = jc_graph_batch_size(subject->graph);
    r->head[3].text = jc_precision_name(jc_graph_precision(subject->graph));
    const report_value totals[PREDICTION_TOTALS_COLUMNS] = {
        {.integer = t->params},
        {.integer = t->macs},
        {.real = t->weight_bytes},
        {.real = t->activation_bytes},
        {.real = t->runtime_s},
        {.real = t->power_w},
        {.real = t->energy_j},
        {.real = t->energy_low_j},
        {.real = t->energy_high_j},
        {.real = t->energy_per_sample_j},
        {.integer = (int64_t)t->layers},
        {.integer = (int64_t)t->layers_unmodelled},
        {.integer = (int64_t)t->layers_extrapolated},
        {.text = prediction_energy_source(subject->device, t)},
    };
    memcpy(r->totals, totals, sizeof totals);
    r->document.head.values = r->head;
    r->document.head.n_rows = 1;
    r->document.totals.values = r->totals;
    r->document.totals.n_rows = 1;
}

const char *prediction_status_word(jc_confidence confidence) {
    return confidence == JC_CONFIDENCE_EXTRAPOLATED ? "extrap." : jc_confidence_name(confidence);
}

// Share of the total energy; of the time where energy is not known.
static double share_of(const jc_prediction *p, const jc_totals *totals) {
    return isfinite(totals->energy_j) ? p->energy_j / totals->energy_j
                                      : p->runtime_s / totals->runtime_s;
}

// "stage.conv_bn_2" for the conv2d "stage.conv_bn_2.conv2d"; other names as they are.
static const char *shorten_name(const char *name, const char *op, char *buffer) {
    const char *dot = strrchr(name, '.');
    const size_t length =
        dot != NULL && strcmp(dot + 1, op) == 0 ? (size_t)(dot - name) : strlen(name);
    memcpy(buffer, name, length);
    buffer[length] = '\0';
    return buffer;
}

static void fill_layer(const prediction_subject *subject, size_t i, prediction_report *r) {
    size_t n = 0;
    const jc_layer_cost *cost = &subject->costs[i];
    const jc_layer *layers = jc_graph_layers(subject->graph, &n);
    const jc_layer *layer = &layers[cost->layer];
    const jc_prediction *p = &cost->prediction;
    report_value *v = r->layers + i * LAYER_COLUMNS;
    v[LAYER_NAME].text = jc_layer_name(subject->graph, cost->layer, r->names[i]);
    v[LAYER_PLACE].text = shorten_name(v[LAYER_NAME].text, layer->op->name, r->places[i]);
    v[LAYER_OP].text = layer->op->name;
    v[LAYER_KERNEL].text =
        p->confidence == JC_CONFIDENCE_FREE ? NULL : jc_kernel_name(layer->kernel.kind);
    v[LAYER_INPUT_SHAPE].shape = layer->n_inputs == 0 ? NULL : &layers[layer->inputs[0]].output;
    v[LAYER_OUTPUT_SHAPE].shape = &layer->output;
    v[LAYER_PARAMS].integer = cost->params;
    v[LAYER_MACS].integer = cost->macs;
    v[LAYER_RUNTIME].real = p->runtime_s;
    v[LAYER_POWER].real = // of no energy in no time there is no power
        p->confidence == JC_CONFIDENCE_FREE ? (double)NAN : p->power_w;
    v[LAYER_ENERGY].real = p->energy_j;
    v[LAYER_ENERGY_LOW].real = p->energy_low_j;
    v[LAYER_ENERGY_HIGH].real = p->energy_high_j;
    v[LAYER_STATUS].text = jc_confidence_name(p->confidence);
    v[LAYER_SHARE].real = share_of(p, subject->totals);
    v[LAYER_STATUS_WORD].text = prediction_status_word(p->confidence);
}

jc_status prediction_report_init(const prediction_subject *subject, prediction_report *out_report) {
    prediction_report *r = out_report;
    *r = (prediction_report){0};
    prediction_report_totals(subject, r);
    prediction_describe(subject, r);
    r->layers = calloc(subject->n_costs + 1, LAYER_COLUMNS * sizeof *r->layers);
    r->names = calloc(subject->n_costs + 1, sizeof *r->names);
    r->places = calloc(subject->n_costs + 1, sizeof *r->places);
    if (r->layers == NULL || r->names == NULL || r->places == NULL) {
        prediction_report_clear(r);
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < subject->n_costs; ++i) {
        fill_layer(subject, i, r);
    }
    r->document.layers = (report_table){
        .columns = layer_columns,
        .n_columns = LAYER_COLUMNS,
        .values = r->layers,
        .n_rows = subject->n_costs,
    };
    return JC_OK;
}

void prediction_report_clear(prediction_report *report) {
    jc_arena_clear(&report->arena);
    free(report->layers);
    free(report->names);
    free(report->places);
    report->layers = NULL;
    report->names = NULL;
    report->places = NULL;
}
