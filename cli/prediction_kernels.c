// SPDX-License-Identifier: Apache-2.0
// The prediction of one architecture as kernels: which layers became which.
#include "prediction.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    KERNEL_PLACE, // the first layer's name and the operators of the others
    KERNEL_NAME,
    KERNEL_LAYERS,
    KERNEL_SIZES,
    KERNEL_PRECISION,
    KERNEL_MACS,
    KERNEL_RUNTIME,
    KERNEL_POWER,
    KERNEL_ENERGY,
    KERNEL_ENERGY_LOW,
    KERNEL_ENERGY_HIGH,
    KERNEL_SHARE,
    KERNEL_STATUS,
    KERNEL_STATUS_WORD,
    KERNEL_COLUMNS,
};

static const report_column kernel_columns[KERNEL_COLUMNS] = {
    [KERNEL_PLACE] = {.name = NULL,
                      .heading = "layers",
                      .type = REPORT_TEXT,
                      .narrowest = 24,
                      .fit = REPORT_WRAP},
    [KERNEL_NAME] = {.name = "kernel", .heading = "kernel", .type = REPORT_TEXT},
    [KERNEL_LAYERS] = {.name = "layers", .heading = NULL, .type = REPORT_LIST},
    [KERNEL_SIZES] = {.name = "sizes", .heading = NULL, .type = REPORT_TEXT},
    [KERNEL_PRECISION] = {.name = "precision", .heading = NULL, .type = REPORT_TEXT},
    [KERNEL_MACS] = {.name = "macs",
                     .heading = "MACs",
                     .type = REPORT_INTEGER,
                     .unit = REPORT_COUNT},
    [KERNEL_RUNTIME] = {.name = "runtime_s",
                        .heading = "runtime",
                        .type = REPORT_REAL,
                        .unit = REPORT_SECONDS},
    [KERNEL_POWER] = {.name = "power_w", .type = REPORT_REAL},
    [KERNEL_ENERGY] = {.name = "energy_j",
                       .heading = "energy",
                       .type = REPORT_REAL,
                       .unit = REPORT_JOULES},
    [KERNEL_ENERGY_LOW] = {.name = "energy_low_j", .type = REPORT_REAL},
    [KERNEL_ENERGY_HIGH] = {.name = "energy_high_j", .type = REPORT_REAL},
    [KERNEL_SHARE] = {.name = NULL,
                      .heading = "share",
                      .type = REPORT_REAL,
                      .unit = REPORT_PERCENT},
    [KERNEL_STATUS] = {.name = "status", .type = REPORT_TEXT},
    [KERNEL_STATUS_WORD] = {.name = NULL, .heading = "status", .type = REPORT_TEXT},
};

/** Layers that share a kernel, or have none: a row. */
typedef struct group {
    size_t first;   ///< cost of the layer whose kernel it is
    size_t n;       ///< layers
    size_t n_names; ///< of them in the list so far
    const char **names;
} group;

typedef struct grouping {
    const prediction_subject *subject;
    const jc_layer *layers;
    prediction_report *report;
    group *groups; ///< [n_groups]
    size_t n_groups;
    size_t *of_layer; ///< [layers] the group of a layer that has a kernel of its own
} grouping;

static bool is_free(const grouping *g, size_t cost) {
    return g->layers[g->subject->costs[cost].layer].kernel.kind == JC_KERNEL_NONE;
}

static uint32_t kernel_of(const grouping *g, size_t cost) {
    return jc_graph_kernel_of(g->subject->graph, &g->subject->device->fuses,
                              (uint32_t)g->subject->costs[cost].layer);
}

// The group a layer belongs to. A kernel stands before what is fused into it; what has no kernel
// comes last.
static group *group_of(const grouping *g, size_t cost) {
    return is_free(g, cost) ? &g->groups[g->n_groups] : &g->groups[g->of_layer[kernel_of(g, cost)]];
}

static void count_groups(grouping *g) {
    for (size_t i = 0; i < g->subject->n_costs; ++i) {
        const size_t layer = g->subject->costs[i].layer;
        if (!is_free(g, i) && kernel_of(g, i) == layer) {
            g->groups[g->n_groups].first = i;
            g->of_layer[layer] = g->n_groups++;
        }
    }
    for (size_t i = 0; i < g->subject->n_costs; ++i) {
        group_of(g, i)->n++;
    }
}

static jc_status fill_names(grouping *g) {
    for (size_t i = 0; i < g->subject->n_costs; ++i) {
        group *own = group_of(g, i);
        if (own->names == NULL) {
            own->names = jc_arena_alloc(&g->report->arena, own->n + 1, sizeof *own->names);
        }
        if (own->names == NULL) {
            return JC_ENOMEM;
        }
        own->names[own->n_names++] = g->report->names[i];
    }
    return JC_OK;
}

// "bottleneck[0].conv_bn_3 + batch_norm + add + relu"; of those without a kernel how many.
static const char *describe_place(const grouping *g, const group *own) {
    text_buffer text = {0};
    if (own == &g->groups[g->n_groups]) {
        text_append_integer(&text, (int64_t)own->n);
        text_append(&text, own->n == 1 ? " layer without work" : " layers without work");
    } else {
        text_append(&text, g->report->places[own->first]);
    }
    for (size_t i = own->first + 1, n = 1; n < own->n && own != &g->groups[g->n_groups]; ++i) {
        if (group_of(g, i) == own) {
            text_append(&text, " + ");
            text_append(&text, g->layers[g->subject->costs[i].layer].op->name);
            ++n;
        }
    }
    char *copy = text.failed ? NULL : jc_arena_copy_text(&g->report->arena, text.data, text.length);
    text_clear(&text);
    return copy;
}

static const char *describe_sizes(const grouping *g, const jc_kernel *kernel) {
    int n = 0;
    const char *const *columns = jc_kernel_columns(kernel->kind, &n);
    text_buffer text = {0};
    for (int c = 0; c < n; ++c) {
        text_append(&text, c == 0 ? "" : " ");
        text_append(&text, columns[c]);
        text_append_char(&text, '=');
        text_append_integer(&text, kernel->size[c]);
    }
    char *copy = text.failed ? NULL : jc_arena_copy_text(&g->report->arena, text.data, text.length);
    text_clear(&text);
    return copy;
}

static jc_status fill_row(const grouping *g, const group *own, report_value *v) {
    const jc_layer_cost *cost = &g->subject->costs[own->first];
    const jc_layer *layer = &g->layers[cost->layer];
    const jc_prediction free_of_work = {.confidence = JC_CONFIDENCE_FREE};
    const bool has_kernel = own != &g->groups[g->n_groups];
    const jc_prediction *p = has_kernel ? &cost->prediction : &free_of_work;
    const jc_totals *t = g->subject->totals;
    v[KERNEL_PLACE].text = describe_place(g, own);
    v[KERNEL_NAME].text = has_kernel ? jc_kernel_name(layer->kernel.kind) : NULL;
    v[KERNEL_LAYERS].list = own->names;
    v[KERNEL_SIZES].text = has_kernel ? describe_sizes(g, &layer->kernel) : NULL;
    v[KERNEL_PRECISION].text = has_kernel ? jc_precision_name(layer->kernel.precision) : NULL;
    v[KERNEL_MACS].integer = has_kernel ? cost->macs : 0;
    v[KERNEL_RUNTIME].real = p->runtime_s;
    v[KERNEL_POWER].real = has_kernel ? p->power_w : (double)NAN;
    v[KERNEL_ENERGY].real = p->energy_j;
    v[KERNEL_ENERGY_LOW].real = p->energy_low_j;
    v[KERNEL_ENERGY_HIGH].real = p->energy_high_j;
    v[KERNEL_SHARE].real =
        isfinite(t->energy_j) ? p->energy_j / t->energy_j : p->runtime_s / t->runtime_s;
    v[KERNEL_STATUS].text = jc_confidence_name(p->confidence);
    v[KERNEL_STATUS_WORD].text = prediction_status_word(p->confidence);
    return v[KERNEL_PLACE].text == NULL || (has_kernel && v[KERNEL_SIZES].text == NULL) ? JC_ENOMEM
                                                                                        : JC_OK;
}

jc_status prediction_report_kernels(const prediction_subject *subject, prediction_report *report) {
    size_t n_layers = 0;
    grouping g = {.subject = subject, .report = report};
    g.layers = jc_graph_layers(subject->graph, &n_layers);
    g.groups = jc_arena_alloc(&report->arena, n_layers + 1, sizeof *g.groups);
    g.of_layer = jc_arena_alloc(&report->arena, n_layers + 1, sizeof *g.of_layer);
    report_value *values =
        jc_arena_alloc(&report->arena, n_layers + 1, KERNEL_COLUMNS * sizeof *values);
    if (g.groups == NULL || g.of_layer == NULL || values == NULL) {
        return JC_ENOMEM;
    }
    count_groups(&g);
    jc_status status = fill_names(&g);
    const size_t n_rows = g.n_groups + (g.groups[g.n_groups].n > 0 ? 1 : 0);
    for (size_t r = 0; r < n_rows && status == JC_OK; ++r) {
        status = fill_row(&g, &g.groups[r], values + r * KERNEL_COLUMNS);
    }
    report->document.layers_name = "kernels";
    report->document.layers = (report_table){
        .columns = kernel_columns,
        .n_columns = KERNEL_COLUMNS,
        .values = values,
        .n_rows = n_rows,
    };
    return status;
}
