// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A mapping, compiled: the grammar of datasets/README.md as structs, all names resolved but those
 * of CSV columns, which are bound when a file is opened.
 *
 * Ownership: everything lives in the arena that was given.
 */
#ifndef JC_IMPORT_MAPPING_H
#define JC_IMPORT_MAPPING_H

#include "common/arena.h"
#include "common/dataset/columns.h"
#include "common/expression.h"
#include "common/yaml/yaml.h"

#include <joulecast/dataset.h>

/** Rules of one file: more would be a program, not a mapping. */
enum { MAPPING_MAX_RULES = 64 };

typedef enum mapping_variable_kind {
    VARIABLE_NUMBER,  ///< cell of a source column, as a number
    VARIABLE_TEXT,    ///< the same, as a text
    VARIABLE_DEFINED, ///< an expression over variables before it
} mapping_variable_kind;

/** A value that changes with the row. */
typedef struct mapping_variable {
    mapping_variable_kind kind;
    const char *name;         ///< in expressions
    const char *column;       ///< of the CSV; NULL if defined
    int line;                 ///< of its first use in the mapping
    jc_expression expression; ///< if defined
} mapping_variable;

/** What a text of the source means to us. */
typedef struct mapping_value {
    const char *source;
    const char *meaning;
    int number; ///< jc_kernel_kind or jc_precision, where it is one
} mapping_value;

/** A text of ours: a constant, or what a source column says. */
typedef struct mapping_text {
    int line;            ///< 0 = the mapping does not give it
    mapping_value fixed; ///< where `variable` is −1
    int variable;        ///< a VARIABLE_TEXT
    mapping_value *values;
    size_t n_values; ///< 0 = texts are taken as they are
} mapping_text;

/** A column of ours. */
typedef struct mapping_column {
    const char *name;
    const char *text; ///< of the expression
    jc_expression expression;
    int line;
} mapping_column;

/** Rows to drop, or fields to set to unknown. */
typedef struct mapping_rule {
    const char *because;
    const char *fields;             ///< names; NULL = the row is dropped
    bool field[N_MEASURED_COLUMNS]; ///< set to unknown
    int variable;                   ///< a VARIABLE_TEXT that is compared; −1 = `when` decides
    const char **texts;             ///< [n_texts] to which it is compared
    size_t n_texts;
    jc_expression when; ///< true where it is not 0 and not NaN
} mapping_rule;

/** One source file. */
typedef struct mapping_file {
    const char *name;
    int line;
    bool is_network; ///< rows go to networks.csv
    char separator;
    mapping_variable *variables;
    size_t n_variables;
    mapping_text kernel;       ///< of kernels' files
    mapping_text architecture; ///< of networks' files
    mapping_text precision;
    mapping_text meter;
    bool kinds[JC_KERNEL_COUNT]; ///< kernels of which the file may have rows
    mapping_column *columns;
    size_t n_columns;
    /// Index + 1 into `columns` of each size of each kernel (networks: batch_size in [0][0]), and
    /// of each measured column; 0 = not given.
    size_t sizes[JC_KERNEL_COUNT][JC_KERNEL_MAX_COLUMNS];
    size_t measured[N_MEASURED_COLUMNS];
    mapping_column input[JC_MAX_RANK]; ///< networks: sizes of one input sample
    int input_rank;
    mapping_rule *rules;
    size_t n_rules;
} mapping_file;

typedef struct mapping {
    const char *path;
    jc_device device;
    mapping_file *files;
    size_t n_files;
} mapping;

/**
 * Compile a mapping.
 *
 * @param path  of the mapping, for messages, and the place from which `device:` is found. Kept.
 * @retval JC_EPARSE  err names the line
 * @retval JC_ENOENT, JC_EPERM, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status mapping_compile(const jc_yaml *root, const char *path, jc_arena *arena,
                                      mapping *out_mapping, jc_error *err);

/** Section of a file by base name; NULL if there is none. */
const mapping_file *mapping_find(const mapping *m, const char *name);

// --- Between the files of this folder -------------------------------------------------------

/** What compilation of one section carries along. */
typedef struct mapping_compiler {
    const char *path;
    jc_arena *arena;
    jc_error *err;
    mapping_file *file;   ///< being compiled
    const jc_yaml *names; ///< aliases of source columns; may be NULL
    size_t variable_capacity;
    int line; ///< of the expression being compiled
} mapping_compiler;

/** Fill the error and return JC_EPARSE. */
jc_status mapping_fail(const mapping_compiler *c, int line, const char *format, ...)
    JC_PRINTF(3, 4);
jc_status mapping_fail_memory(const mapping_compiler *c);

/** Require a mapping whose keys are all of `keys` (ends with NULL). @param noun "a file" */
JC_MUST_USE jc_status mapping_check_keys(const mapping_compiler *c, const jc_yaml *node,
                                         const char *noun, const char *const *keys);

/** Compile an expression over source columns. @param what  for messages: "runtime_s" */
JC_MUST_USE jc_status mapping_compile_expression(mapping_compiler *c, const jc_yaml *node,
                                                 const char *what, jc_expression *out);

/** Take note of `names`, which may be NULL. */
JC_MUST_USE jc_status mapping_compile_names(mapping_compiler *c, const jc_yaml *names);

/** Compile `define`, `columns` (of a section) and `input`; the first and last may be NULL. */
JC_MUST_USE jc_status mapping_compile_definitions(mapping_compiler *c, const jc_yaml *define);
JC_MUST_USE jc_status mapping_compile_columns(mapping_compiler *c, const jc_yaml *section);
JC_MUST_USE jc_status mapping_compile_input(mapping_compiler *c, const jc_yaml *input);

/** Require all that a row needs: precision, sizes, something measured. */
JC_MUST_USE jc_status mapping_check_complete(const mapping_compiler *c, const jc_yaml *section);

/** Variable that is the text of a source column. */
JC_MUST_USE jc_status mapping_text_variable(mapping_compiler *c, const char *name, int line,
                                            int *out_variable);

/** Kinds of text, by what they may mean. */
typedef enum mapping_text_kind {
    MAPPING_KERNEL,
    MAPPING_PRECISION,
    MAPPING_METER,
    MAPPING_ARCHITECTURE
} mapping_text_kind;

/** Compile a text. */
JC_MUST_USE jc_status mapping_compile_text(mapping_compiler *c, const jc_yaml *node,
                                           mapping_text_kind kind, mapping_text *out);

/**
 * What a text of a kind means.
 *
 * @return NULL, or what would be right: "must be f32, tf32, f16, bf16 or int8"
 */
const char *mapping_text_check(mapping_text_kind kind, const char *text, int *out_number);

/** Compile `drop` and `unknown`, each of which may be NULL. */
JC_MUST_USE jc_status mapping_compile_rules(mapping_compiler *c, const jc_yaml *drop,
                                            const jc_yaml *unknown);

#endif
