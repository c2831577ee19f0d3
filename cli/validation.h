// SPDX-License-Identifier: Apache-2.0
/** @file Predictions beside measurements of whole networks, and of their layers. */
#ifndef JC_CLI_VALIDATION_H
#define JC_CLI_VALIDATION_H

#include "command.h"

#include <joulecast/analyze.h>

enum { VALIDATION_LAYER_SIZE = JC_LAYER_NAME_SIZE };

/** A network or one of its layers. NaN = unknown. */
typedef struct validation_record {
    char architecture[64];
    char layer[VALIDATION_LAYER_SIZE]; ///< "" = the whole network
    const char *kernel;                ///< of a layer; NULL = the whole network
    int64_t batch_size;
    jc_precision precision;
    double predicted_runtime_s, runtime_low_s, runtime_high_s, measured_runtime_s;
    double runtime_rel_sd;
    double predicted_energy_j, energy_low_j, energy_high_j, measured_energy_j;
    double layers_runtime_s; ///< sum of the network's layers, each measured alone
} validation_record;

/** How far whole networks were off. */
typedef struct validation_summary {
    size_t n;
    double mape;      ///< of the runtime
    double worst;     ///< largest error of the runtime
    double within_20; ///< shares
    double in_interval;
} validation_summary;

/** A record of a network with its prediction; nothing is measured yet. */
validation_record validation_of_network(const jc_graph *graph, const jc_totals *totals);

/** Summary of the records of whole networks. */
validation_summary validation_summarise(const validation_record *records, size_t n);

/** Say the summary on standard error. */
void validation_report(const validation_summary *summary);

/** Print records as -f and -o say. */
cli_exit validation_print(const cli_options *options, const validation_record *records, size_t n);

#endif
