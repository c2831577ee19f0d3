// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Techniques: what makes a network cheaper, written down and priced.
 *
 * A technique is a set of statements about the layers of a network (which channels go, which layers
 * go, in which number format and how sparsely they run, where inputs leave early), or a graph of
 * networks with the probabilities of going from one to the next. docs/TECHNIQUES.md is the
 * grammar. Statements do not depend on their order, and no two may say different things of one
 * layer.
 *
 * Ownership: what a `load`, `parse` or `create` returns, the caller frees; all else is borrowed. A
 * technique is read-only after loading and may be shared by threads.
 */
#ifndef JC_TECHNIQUE_H
#define JC_TECHNIQUE_H

#include <joulecast/analyze.h>
#include <joulecast/graph.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jc_technique jc_technique;

/**
 * Read a technique file.
 *
 * @retval JC_EPARSE  err names file and line
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status jc_technique_load(const char *path, jc_technique **out_technique,
                                        jc_error *err);

/** The same from text: a file, a list of steps, or a single step ("prune: 0.5"), which is its name,
 * too. @param name what errors call it; files that it names are sought in the working folder. */
JC_MUST_USE jc_status jc_technique_parse(const char *text, size_t length, const char *name,
                                         jc_technique **out_technique, jc_error *err);

void jc_technique_free(jc_technique *technique);

/** True if a YAML file is a technique and no architecture; false also where it cannot be read. */
bool jc_technique_is_file(const char *path);

/** Its `name:`, else the file's name without folder and extension. */
const char *jc_technique_name(const jc_technique *technique);

/** Share of wrong answers that its `error_rate:` says is left under it; NaN = not said. */
double jc_technique_error_rate(const jc_technique *technique);

/** Share of a validation run's samples that leave nowhere before the end, at the threshold; NaN
 * without a run. */
double jc_technique_reach_end(const jc_technique *technique);

/**
 * Set the confidence from which inputs leave, of a technique with a validation run: its exits'
 * rates, or what its networks hand on, and its error rate follow. Does nothing for any other. Not
 * while others use the technique.
 */
void jc_technique_set_threshold(jc_technique *technique, double threshold);

/**
 * Up to n ≥ 2 thresholds worth trying, rising, from one at which all inputs leave at the first exit
 * to one at which none does.
 *
 * @param out_thresholds  [n]
 * @return their number; 0 without a validation run
 */
size_t jc_technique_thresholds(const jc_technique *technique, size_t n, double *out_thresholds);

/** Networks that it is about: 1, or those of a cascade. */
size_t jc_technique_n_networks(const jc_technique *technique);

/** A network of a technique. */
typedef struct jc_technique_network {
    const char *name;         ///< in the cascade; NULL where there is but one
    const char *architecture; ///< file or zoo name; NULL = it holds for any
    const char *file;         ///< where that is written: relative files are meant beside it
    int line;
} jc_technique_network;

/** @param i < jc_technique_n_networks */
jc_technique_network jc_technique_get_network(const jc_technique *technique, size_t i);

/** An exit of a network, on a source. */
typedef struct jc_exit_value {
    const char *after;   ///< layer
    double rate;         ///< share of all inputs that leave here, where no exit is dropped
    double break_even;   ///< share of all inputs from which on it pays; NaN where unknown
    double classifier_j; ///< energy of its classifier, for each input that reaches it
    bool is_dropped;     ///< it does not pay, and was asked to be dropped
} jc_exit_value;

/** What networks cost under a technique. */
/** A network of a cascade. */
typedef struct jc_stage_value {
    const char *name;
    double reach;      ///< share of all inputs that it sees
    double break_even; ///< of those, the share from which on it pays that they end here, against
                       ///< sending all to the next at once; NaN where it is the last, goes on to
                       ///< several, or has exits of its own
} jc_stage_value;

typedef struct jc_evaluation {
    /** Expected costs of a forward pass; params and weight_bytes are of all that is stored. */
    jc_totals totals;
    double energy_p50_j; ///< of the inputs' energies; equal to energy_j where all take one path
    double energy_p95_j;
    double energy_worst_j;
    double runtime_p50_s;
    double runtime_p95_s;
    double runtime_worst_s;
    size_t n_exits;
    const jc_exit_value *exits;   ///< [n_exits], the evaluation's
    size_t n_stages;              ///< 0 where there is one network
    const jc_stage_value *stages; ///< [n_stages], the evaluation's
    const char *precision;        ///< number format of all layers that work, or "mixed"; static
    const char *reason;           ///< why something is not known, or was left as it is; NULL
    void *storage;                ///< private
} jc_evaluation;

typedef struct jc_technique_options {
    bool drop_exits; ///< leave out exits that do not pay
} jc_technique_options;

/**
 * Apply a technique to its networks, and price the result.
 *
 * @param technique  NULL: the network as it is.
 * @param graphs     [number of networks], all of one batch size. Borrowed.
 * @param options    NULL for defaults.
 * @retval JC_EPARSE, JC_ESHAPE, JC_ERANGE  it does not fit the network: err has file and line
 * @retval JC_EUNSUPPORTED                  too many paths, or more channels than can be followed
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_evaluate_technique(const jc_technique *technique,
                                            const jc_graph *const *graphs, const jc_source *source,
                                            const jc_technique_options *options,
                                            jc_evaluation *out_evaluation, jc_error *err);

void jc_evaluation_clear(jc_evaluation *evaluation);

#ifdef __cplusplus
}
#endif

#endif
