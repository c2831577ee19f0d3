// SPDX-License-Identifier: Apache-2.0
/** @file Private to technique_*.c: the state of a reader of technique files. */
#ifndef JC_ANALYZE_TECHNIQUE_READ_H
#define JC_ANALYZE_TECHNIQUE_READ_H

#include "technique.h"

typedef struct technique_reader {
    jc_technique *technique;
    technique_network *network; ///< whose steps are read
    const char *file;           ///< what errors call it
    const char *folder;         ///< where files that it names are meant, with its slash; "" = here
    int depth;                  ///< of techniques within techniques
    jc_error *err;
} technique_reader;

/** A step, or a list of steps, into the reader's network. */
JC_MUST_USE jc_status technique_read_steps(technique_reader *r, const jc_yaml *node);

/** Fails with file and line. */
jc_status technique_fail(technique_reader *r, int line, const char *format, ...) JC_PRINTF(3, 4);

/** "what must be wanted, not …". */
jc_status technique_fail_value(technique_reader *r, const jc_yaml *node, const char *what,
                               const char *wanted);

/** Every key of a mapping has to be one of the names [ends with NULL]. */
JC_MUST_USE jc_status technique_check_keys(technique_reader *r, const jc_yaml *node,
                                           const char *what, const char *const *names);

/** A number from 0 to 1. */
JC_MUST_USE jc_status technique_read_share(technique_reader *r, const jc_yaml *node,
                                           const char *what, double *out_share);

/** A name or a list of names of layers, into the statement. */
JC_MUST_USE jc_status technique_read_patterns(technique_reader *r, const jc_yaml *node,
                                              statement *s);

/** A copy of a statement, to the reader's network. */
JC_MUST_USE jc_status technique_add_statement(technique_reader *r, const statement *s);

/** Folder of a file, with its slash; NULL if out of memory. */
const char *technique_folder(jc_arena *arena, const char *path);

/** Path of a file that is named in the reader's: beside it, unless it is absolute; NULL if out of
 *  memory. */
char *technique_beside(technique_reader *r, const char *path);

/** A name, and no empty one. */
JC_MUST_USE jc_status technique_read_text(technique_reader *r, const jc_yaml *node,
                                          const char *what, const char **out_text);

/** What the reader's network is about (`architecture`), and its `steps`. */
JC_MUST_USE jc_status technique_read_network(technique_reader *r, const jc_yaml *node);

/** The networks of a file, and where inputs go after each. */
JC_MUST_USE jc_status technique_read_cascade(technique_reader *r, const jc_yaml *root);

/** A validation run's table. @param names [n] what it calls the exits */
JC_MUST_USE jc_status technique_load_run(technique_reader *r, const jc_yaml *file, double threshold,
                                         const char *const *names, size_t n);

/** What failed with `status` on a file as a whole, at the line that names the file; what has a line
 * of its own keeps it. */
jc_status technique_fail_file(technique_reader *r, int line, jc_status status);

/** Fails for want of memory. */
jc_status technique_out_of_memory(technique_reader *r);

/** The step `exits`: rates that are given, or a validation run and a threshold. */
JC_MUST_USE jc_status technique_read_exits(technique_reader *r, const jc_yaml *node, statement *s);

#endif
