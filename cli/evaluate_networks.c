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

/** Outcomes of one precision and target. */
typedef struct outcome_list {
    jc_outcome *pairs; ///< [n]
    size_t *group;     ///< [n] the architecture's first row
    size_t n;
} outcome_list;

typedef struct network_run {
    jc_memo *memo;
    outcome_list runtime[JC_PRECISION_COUNT];
    outcome_list energy[JC_PRECISION_COUNT];
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

static void add(outcome_list *list, size_t group, const jc_outcome *pair) {
    list->group[list->n] = group;
    list->pairs[list->n++] = *pair;
}

static void compare(network_run *run, const jc_network_row *row, size_t group, const jc_totals *t) {
    const jc_measurement *m = &row->measured;
    if (m->runtime_s > 0) {
        add(&run->runtime[row->precision], group,
            &(jc_outcome){m->runtime_s, t->runtime_s, t->runtime_low_s, t->runtime_high_s});
    }
    if (m->energy_j > 0 && !isnan(t->energy_j)) {
        add(&run->energy[row->precision], group,
            &(jc_outcome){m->energy_j, t->energy_j, t->energy_low_j, t->energy_high_j});
    }
}

static void clear(network_run *run) {
    jc_memo_free(run->memo);
    for (int p = 0; p < JC_PRECISION_COUNT; ++p) {
        free(run->runtime[p].pairs);
        free(run->runtime[p].group);
        free(run->energy[p].pairs);
        free(run->energy[p].group);
    }
}

static bool create_list(size_t n, outcome_list *out_list) {
    out_list->pairs = calloc(n, sizeof *out_list->pairs);
    out_list->group = calloc(n, sizeof *out_list->group);
    return out_list->pairs != NULL && out_list->group != NULL;
}

static jc_status create(const jc_profile *profile, size_t n, network_run *out_run) {
    bool ok = true;
    for (int p = 0; p < JC_PRECISION_COUNT && ok; ++p) {
        ok = create_list(n, &out_run->runtime[p]) && create_list(n, &out_run->energy[p]);
    }
    return ok ? jc_memo_create(profile, &out_run->memo) : JC_ENOMEM;
}

// The first row of the same architecture: networks of one stand and fall together.
static size_t find_group(const jc_dataset *dataset, size_t row) {
    size_t first = 0;
    while (strcmp(dataset->networks[first].architecture, dataset->networks[row].architecture) !=
           0) {
        ++first;
    }
    return first;
}

// Price all networks of a dataset.
static jc_status collect(const jc_profile *profile, const jc_dataset *dataset,
                         network_run *out_run) {
    const jc_status status = create(profile, dataset->n_networks, out_run);
    jc_totals totals = {0};
    bool is_known = false;
    for (size_t i = 0; i < dataset->n_networks && status == JC_OK; ++i) {
        const jc_network_row *row = &dataset->networks[i];
        if (i == 0 || !same_network(row, row - 1)) { // repetitions stand together
            is_known = predict(out_run, row, &totals);
        }
        if (is_known) {
            compare(out_run, row, find_group(dataset, i), &totals);
        }
    }
    return status;
}

static jc_status summarise(const outcome_list *list, int precision, jc_target target,
                           jc_error_record *records, size_t *n) {
    if (list->n == 0) {
        return JC_OK;
    }
    records[*n] = (jc_error_record){
        .kind = JC_KERNEL_NONE, .precision = (jc_precision)precision, .target = target};
    return jc_errors_compute(list->pairs, list->n, &records[(*n)++].errors);
}

static jc_status summarise_all(const network_run *run, jc_error_record *records, size_t *out_n) {
    jc_status status = JC_OK;
    *out_n = 0;
    for (int p = 0; p < JC_PRECISION_COUNT && status == JC_OK; ++p) {
        status = summarise(&run->runtime[p], p, JC_TARGET_RUNTIME, records, out_n);
        if (status == JC_OK) {
            status = summarise(&run->energy[p], p, JC_TARGET_ENERGY, records, out_n);
        }
    }
    return status;
}

jc_status evaluate_networks(const jc_profile *profile, const jc_dataset *dataset,
                            jc_error_record *records, size_t *out_n, jc_error *err) {
    network_run run = {.memo = NULL};
    *out_n = 0;
    jc_status status = dataset->n_networks == 0 ? JC_OK : collect(profile, dataset, &run);
    if (status == JC_OK) {
        status = summarise_all(&run, records, out_n);
    }
    clear(&run);
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}

// Where energy was not measured with the networks, it is taken to be off as their runtime is.
static jc_status find_spread(network_run *run, int precision, jc_network_spread *out_spread) {
    outcome_list *runtime = &run->runtime[precision];
    outcome_list *energy = &run->energy[precision];
    *out_spread = (jc_network_spread){.rows = (int64_t)runtime->n};
    jc_status status =
        jc_network_spread_find(runtime->pairs, runtime->group, runtime->n, &out_spread->runtime);
    out_spread->energy = out_spread->runtime;
    if (status == JC_OK && energy->n > 0) {
        status =
            jc_network_spread_find(energy->pairs, energy->group, energy->n, &out_spread->energy);
    }
    return status;
}

jc_status calibrate_networks(jc_profile *profile, const jc_dataset *dataset,
                             jc_error_record *records, size_t *out_n, jc_error *err) {
    network_run run = {.memo = NULL};
    *out_n = 0;
    jc_status status = dataset->n_networks == 0 ? JC_OK : collect(profile, dataset, &run);
    for (int p = 0; p < JC_PRECISION_COUNT && status == JC_OK; ++p) {
        jc_network_spread spread;
        status = find_spread(&run, p, &spread);
        if (status == JC_OK && spread.rows > 0) {
            jc_profile_set_network_spread(profile, (jc_precision)p, &spread);
        }
    }
    if (status == JC_OK) {
        status = summarise_all(&run, records, out_n);
    }
    clear(&run);
    return status == JC_OK ? JC_OK : jc_error_set(err, status, NULL, 0, "out of memory");
}
