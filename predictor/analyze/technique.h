// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/analyze: a technique as it is read. */
#ifndef JC_ANALYZE_TECHNIQUE_H
#define JC_ANALYZE_TECHNIQUE_H

#include "confidence.h"

#include "common/arena.h"
#include "common/yaml/yaml.h"

#include <joulecast/technique.h>

typedef enum statement_kind {
    STATEMENT_PRUNE,     ///< `number` of the channels go
    STATEMENT_KEEP,      ///< `number` channels stay
    STATEMENT_ENERGY,    ///< channels go until the energy is `number` of the original
    STATEMENT_DEPTH,     ///< `number` of the repetitions of blocks go
    STATEMENT_DROP,      ///< layers go
    STATEMENT_SPARSITY,  ///< density `number` of weights, `second` of activations
    STATEMENT_PRECISION, ///< `weights`, `activations`
    STATEMENT_ACTIVE,    ///< `number` of the positions or units are computed
    STATEMENT_EXIT,      ///< `number` of all inputs leave after the layer
} statement_kind;

typedef struct statement {
    statement_kind kind;
    const char *file;
    int line;
    const char *const *patterns; ///< [n_patterns]; none = wherever it can hold
    size_t n_patterns;
    double number;
    double second;    ///< NaN = not said
    int64_t multiple; ///< channels stay in multiples of it
    jc_format weights;
    jc_format activations;
    double threshold;          ///< of confidence; NaN = rates are given
    const jc_yaml *classifier; ///< list of layers; NULL = by default
} statement;

/** Where a network hands its inputs on to. */
typedef struct technique_route {
    size_t to; ///< index of a later network
    double probability;
} technique_route;

typedef struct technique_network {
    jc_technique_network about;
    statement *statements;
    size_t n_statements;
    size_t capacity;
    technique_route *routes; ///< the rest is done
    size_t n_routes;
} technique_network;

struct jc_technique {
    jc_arena arena;
    const char *name;
    double error_rate;            ///< NaN = not said
    const statement *measured_by; ///< where a validation run is named; NULL = nowhere
    confidence_table run;
    technique_network *run_network; ///< whose exits it is about; NULL = the networks are its exits
    size_t run_first;               ///< these statements, as many as the run has exits
    double reach_end;               ///< share of its samples that leave nowhere; NaN without one
    technique_network *networks;    ///< [n_networks]
    size_t n_networks;
};

enum {
    TECHNIQUE_MAX_NETWORKS = 16,
    TECHNIQUE_MAX_EXITS = 64, ///< of one validation run
    TECHNIQUE_MAX_DEPTH = 8,  ///< techniques that name techniques
};

/** The statement's place as an error: `file:line: message`. */
jc_status statement_fail(const statement *s, jc_status status, jc_error *err, const char *format,
                         ...) JC_PRINTF(4, 5);

#endif
