// SPDX-License-Identifier: Apache-2.0
/** @file What a comparison prices: networks as they are, under techniques, and cascades of them. */
#ifndef JC_CLI_SUBJECT_H
#define JC_CLI_SUBJECT_H

#include <joulecast/technique.h>

/** Something to price; the graphs live as long as it does. */
typedef struct subject {
    const char *architecture;      ///< name; of a cascade NULL
    const jc_technique *technique; ///< NULL = as it is
    jc_technique *own;             ///< the technique, where the operand itself is one; else NULL
    jc_graph **graphs;             ///< [n_graphs]
    size_t n_graphs;
} subject; ///< safe at {0}

/** An operand: a network's file or name, or a technique that names its networks. */
JC_MUST_USE jc_status subject_load(const char *operand, const jc_graph_options *options,
                                   subject *out_subject, jc_error *err);
void subject_clear(subject *s);

/** The value of -t: a file, or a technique written out ("prune: 0.5"). */
JC_MUST_USE jc_status subject_load_technique(const char *text, jc_technique **out_technique,
                                             jc_error *err);

#endif
