// SPDX-License-Identifier: Apache-2.0
// Whole networks: predicted beside measured.
#include "evaluate_networks.h"

#include "exit.h"
#include "locate.h"

#include <joulecast/analyze.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct network_run {
    jc_memo *memo;
    jc_outcome *runtime; ///< [n_runtime]
    size_t n_runtime;
    jc_outcome *energy; ///< [n_energy]
    size_t n_energy;
} network_run;

static bool same_network(const jc_network_row *a, const jc_network_row *b) {
    return strcmp(a->architecture, b->architecture) == 0 && a->batch_size == b->batch_size &&
           a->precision == b->precision && a->input.rank == b->input.rank &&
           memcmp(a->input.dim, b->input.dim, sizeof a->input.dim) == 0;
}

// True if the architecture's only input is that of the row, or the row says nothing of it.
static bool takes_input(const jc_graph *graph, const jc_network_row *row) {
    size_t n = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    if (row->input.rank == 0) {
        return true;
    }
    const jc_shape *own = &layers[0].output; // the batch comes first
    if ((n > 1 && layers[1].op == NULL) || own->rank != row->input.rank + 1) {
        return false;
    }
    return memcmp(own->dim + 1, row->input.dim,
                  (size_t)row->input.rank * sizeof row->input.dim[0]) == 0;
}

// Price a network; false if it is left out, which is said.
static bool predict(network_run *run, const jc_network_row *row, jc_totals *out_totals) {
    const jc_graph_options options = {.batch_size = row->batch_size, .precision = row->precision};
    jc_graph *graph = NULL;
    jc_error err = {0};
    if (locate_graph(row->architecture, &options, &graph, &err) != JC_OK) {
        (void)cli_report_error(&err);
        return false;
    }
    const bool takes = takes_input(graph, row);
    if (takes) {
        jc_analyze(run->memo, graph, out_totals, NULL);
    } else {
        (void)fprintf(stderr,
                      "joulecast: network %s was measured with another input than the architecture "
                      "takes: left out\n",
                      row->architecture);
    }
    jc_graph_free(graph);
    return takes;
}

static void compare(network_run *run, const jc_measurement *m, const jc_totals *t) {
    if (m->runtime_s > 0) {
        run->runtime[run->n_runtime++] =
            (jc_outcome){m->runtime_s, t->runtime_s, t->runtime_low_s, t->runtime_high_s};
    }
    if (m->energy_j > 0 && !isnan(t->energy_j)) {
        run->energy[run->n_energy++] =
            (jc_outcome){m->energy_j, t->energy_j, t->energy_low_j, t->energy_high_j};
    }
}

static jc_status summarise(const network_run *run, const jc_dataset *dataset,
                           jc_error_record *records, size_t *out_n) {
    const jc_precision precision = dataset->networks[0].precision;
    jc_status status = JC_OK;
    *out_n = 0;
    if (run->n_runtime > 0) {
        records[*out_n] = (jc_error_record){
            .kind = JC_KERNEL_NONE, .precision = precision, .target = JC_TARGET_RUNTIME};
        status = jc_errors_compute(run->runtime, run->n_runtime, &records[(*out_n)++].errors);
    }
    if (run->n_energy > 0 && status == JC_OK) {
        records[*out_n] = (jc_error_record){
            .kind = JC_KERNEL_NONE, .precision = precision, .target = JC_TARGET_ENERGY};
        status = jc_errors_compute(run->energy, run->n_energy, &records[(*out_n)++].errors);
    }
    return status;
}

jc_status evaluate_networks(const jc_profile *profile, const jc_dataset *dataset,
                            jc_error_record *records, size_t *out_n, jc_error *err) {
    *out_n = 0;
    if (dataset->n_networks == 0) {
        return JC_OK;
    }
    network_run run = {.runtime = calloc(dataset->n_networks, sizeof *run.runtime),
                       .energy = calloc(dataset->n_networks, sizeof *run.energy)};
    jc_status status = JC_ENOMEM;
    if (run.runtime != NULL && run.energy != NULL) {
        status = jc_memo_create(profile, &run.memo);
    }
    jc_totals totals = {0};
    bool is_known = false;
    for (size_t i = 0; i < dataset->n_networks && status == JC_OK; ++i) {
        const jc_network_row *row = &dataset->networks[i];
        if (i == 0 || !same_network(row, row - 1)) { // repetitions stand together
            is_known = predict(&run, row, &totals);
        }
        if (is_known) {
            compare(&run, &row->measured, &totals);
        }
    }
    if (status == JC_OK) {
        status = summarise(&run, dataset, records, out_n);
    }
    jc_memo_free(run.memo);
    free(run.runtime);
    free(run.energy);
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}
