// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/arch: an architecture file with every name resolved, before any size is
 * known.
 *
 * Reading a file has two steps. compile.c turns the YAML tree into templates: operators, blocks and
 * parameters looked up, names turned into slots, expressions compiled. expand.c then walks the
 * templates, once for every use of a block, and infers shapes as it goes. Everything lives in the
 * graph's arena.
 */
#ifndef JC_ARCH_TEMPLATE_H
#define JC_ARCH_TEMPLATE_H

#include "common/arena.h"
#include "common/expression.h"
#include "common/yaml/yaml.h"

#include <joulecast/op.h>

enum {
    MAX_PARAMETERS = 64,            ///< of a block, and of a file
    MAX_ARGUMENTS = MAX_PARAMETERS, ///< of one layer: more than any operator has slots
    MAX_BLOCK_NESTING = 32,         ///< blocks within blocks
    LARGEST_SIZE = INT32_MAX        ///< of any number in an architecture
};

/** Variables of expressions, by slot: these, then the file's parameters, then the block's. */
enum {
    VAR_IN_CHANNELS,
    VAR_IN_HEIGHT,
    VAR_IN_WIDTH,
    VAR_IN_FEATURES,
    VAR_INDEX,
    VAR_FIRST_FREE,
    MAX_VARIABLES = VAR_FIRST_FREE + 2 * MAX_PARAMETERS
};

/** A value that has to be evaluated anew for each use of a layer. */
typedef struct argument {
    const char *name; ///< of the parameter
    int line;
    int slot;           ///< value slot of an operator, parameter index of a block
    jc_param_type type; ///< operators only
    const char *text;   ///< as written, for messages
    jc_expression expression;
} argument;

/** Arguments of one layer while it is compiled. */
typedef struct argument_list {
    size_t n;
    argument items[MAX_ARGUMENTS];
} argument_list;

typedef struct layer_template layer_template;

typedef struct layer_list {
    layer_template *layers;
    size_t n;
} layer_list;

/** A list of layers with names of its own: a block, or the network itself. */
typedef struct block_template {
    const char *name; ///< "" for the network
    const jc_yaml *node;
    int index; ///< among the blocks of the file
    enum { BLOCK_NEW, BLOCK_COMPILING, BLOCK_COMPILED } state;
    size_t n_parameters;
    argument *parameters; ///< defaults; text NULL = required
    size_t n_inputs;      ///< the first names are the inputs'
    size_t n_names;
    layer_list body;
    int output;        ///< name slot; −1 = the last layer
    const int *n_uses; ///< [operators, then blocks]: how often the body uses each
} block_template;

/** One entry of a list of layers: an operator or a block, and how it is applied. */
struct layer_template {
    const jc_op *op;             ///< or
    const block_template *block; ///< exactly one is not NULL
    const block_template *owner; ///< whose body it stands in
    int line;
    int use;          ///< 1-based number among the owner's uses of the same thing
    const char *name; ///< given by `name:`, or NULL
    int name_slot;    ///< −1 = unnamed
    size_t n_inputs;
    const int *inputs; ///< name slots; none = the layer before
    size_t n_branches;
    const layer_list *branches;
    bool has_when;
    bool has_repeat;
    bool is_int8;    ///< `precision: int8`
    bool has_params; ///< `params:` holds instead of what the operator counts
    int64_t params;
    jc_expression repeat;
    jc_expression when;
    jc_value value[JC_OP_MAX_SLOTS]; ///< of an operator: defaults and constants
    size_t n_arguments;
    const argument *arguments; ///< what is left to evaluate
};

/** An architecture file. */
typedef struct document {
    const char *file;
    const char *name;  ///< NULL = not given
    double error_rate; ///< 0 = not given
    size_t n_parameters;
    argument *parameters;
    size_t n_inputs;
    const char **input_names;
    jc_shape *input_shapes; ///< of one sample, the batch not in it
    size_t n_blocks;
    block_template *blocks;
    block_template network;
    size_t n_outputs;
    const int *outputs; ///< name slots of the network; none = the last layer
} document;

/** Key under which a layer stands in its list: the operator's or the block's name. */
static inline const char *layer_key(const layer_template *t) {
    return t->op != NULL ? t->op->name : t->block->name;
}

/**
 * Turn a YAML tree into templates.
 *
 * @retval JC_EPARSE  err names file, line and layer
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status document_compile(const jc_yaml *root, const char *file, jc_arena *arena,
                                       document *out_document, jc_error *err);

/** Evaluate the file's parameters into their slots; the sizes of "the input" are NaN there. */
void document_set_parameters(const document *doc, double variables[MAX_VARIABLES]);

/** What argument.c needs to know of the place where a value stands. */
typedef struct argument_site {
    const char *file;
    const char *layer; ///< key of the layer, for messages
    jc_arena *arena;
    jc_expression_resolver *resolve;
    void *context;
    jc_error *err;
} argument_site;

/**
 * Compile the value of an operator's parameter: what is constant goes to `values`
 * [JC_OP_MAX_SLOTS], the rest is appended to `arguments`.
 */
JC_MUST_USE jc_status argument_compile(const argument_site *site, const jc_param *param,
                                       const jc_yaml *node, jc_value *values,
                                       argument_list *arguments);

/** Check a value against its parameter's type and store it; err->message only (no file). */
JC_MUST_USE jc_status argument_store(const argument *a, double value, jc_value *slots,
                                     jc_error *err);

/** Compile an expression; errors are given file, line and layer. */
JC_MUST_USE jc_status argument_expression(const argument_site *site, const jc_yaml *node,
                                          jc_expression *out_expression);

#endif
