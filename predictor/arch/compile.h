// SPDX-License-Identifier: Apache-2.0
/** @file Private to predictor/arch: what the parts of the compiler share. See template.h. */
#ifndef JC_ARCH_COMPILE_H
#define JC_ARCH_COMPILE_H

#include "compile_names.h"
#include "template.h"

#include "common/suggest.h"

typedef struct compiler {
    const char *file;
    jc_arena *arena;
    jc_error *err;
    document *doc;
    int nesting; ///< of blocks being compiled
} compiler;

/** A block whose body is being compiled. */
typedef struct body {
    compiler *c;
    block_template *block;
    name_table names;
    int *n_uses; ///< [operators, then blocks]
} body;

/** Which parameters an expression may use: those of the file, and the first few of a block. */
typedef struct visible {
    const document *doc;
    size_t n_file_parameters;
    const block_template *block; ///< may be NULL
    size_t n_block_parameters;
} visible;

/** jc_expression_resolver over a `visible`. */
int compile_resolve_variable(void *context, const char *name, size_t length);

/** True for words that cannot be the name of a parameter. */
bool compile_is_reserved(const char *name);

/** `parameters:` of a block (v.block) or of the file: names with default expressions, each of which
 *  may use those before it. *n_visible counts up as they are read. */
JC_MUST_USE jc_status compile_parameters(compiler *c, const jc_yaml *node, visible v,
                                         argument **out_parameters, size_t *n_visible);

/** A list of layers. */
JC_MUST_USE jc_status compile_list(body *b, const jc_yaml *node, layer_list *out_list);

/** One name or a list of names of earlier layers. */
JC_MUST_USE jc_status compile_references(body *b, const jc_yaml *node, const int **out_slots,
                                         size_t *out_n);

/** A block, unless that has been done. */
JC_MUST_USE jc_status compile_block(compiler *c, block_template *block);

jc_status compile_out_of_memory(compiler *c);

/** "`where` must be `wanted`, not …" */
jc_status compile_fail(compiler *c, const jc_yaml *node, const char *where, const char *wanted);

jc_status compile_fail_unknown_key(compiler *c, const jc_yaml *node, const char *where,
                                   jc_suggestion suggestion);

#endif
