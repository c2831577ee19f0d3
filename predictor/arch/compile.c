// SPDX-License-Identifier: Apache-2.0
// YAML tree to templates: lists of layers, blocks, the file.
#include "compile_names.h"
#include "template.h"

#include "common/suggest.h"

#include <stdlib.h>
#include <string.h>

typedef struct compiler {
    const char *file;
    jc_arena *arena;
    jc_error *err;
    document *doc;
    int nesting; // of blocks being compiled
} compiler;

/** A block whose body is being compiled. */
typedef struct body {
    compiler *c;
    block_template *block;
    name_table names;
    int *n_uses; ///< [operators, then blocks]
} body;

static jc_status compile_list(body *b, const jc_yaml *node, layer_list *out_list);
static jc_status compile_block(compiler *c, block_template *block);

static jc_status out_of_memory(compiler *c) {
    return jc_error_set(c->err, JC_ENOMEM, c->file, 0, "out of memory");
}

static jc_status fail(compiler *c, const jc_yaml *node, const char *where, const char *wanted) {
    char given[80];
    return jc_error_set(c->err, JC_EPARSE, c->file, node->line, "%s must be %s, not %s", where,
                        wanted, jc_yaml_describe(node, given, sizeof given));
}

static jc_status fail_unknown_key(compiler *c, const jc_yaml *node, const char *where,
                                  jc_suggestion suggestion) {
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(c->err, JC_EPARSE, c->file, node->key_line, "%s has no '%.60s'%s", where,
                        node->key, jc_suggestion_format(&suggestion, hint));
}

// --- Names in expressions -------------------------------------------------------------------

static const char *const built_in_variables[VAR_FIRST_FREE] = {
    [VAR_IN_CHANNELS] = "in_channels", [VAR_IN_HEIGHT] = "in_height", [VAR_IN_WIDTH] = "in_width",
    [VAR_IN_FEATURES] = "in_features", [VAR_INDEX] = "index",
};

static bool is_text(const char *name, const char *text, size_t length) {
    return strncmp(name, text, length) == 0 && name[length] == '\0';
}

/** Which parameters an expression may use: those of the file, and the first few of a block. */
typedef struct visible {
    const document *doc;
    size_t n_file_parameters;
    const block_template *block; ///< may be NULL
    size_t n_block_parameters;
} visible;

static int resolve_variable(void *context, const char *name, size_t length) {
    const visible *v = context;
    for (size_t i = 0; i < v->n_block_parameters; ++i) {
        if (is_text(v->block->parameters[i].name, name, length)) {
            return VAR_FIRST_FREE + MAX_PARAMETERS + (int)i;
        }
    }
    for (size_t i = 0; i < v->n_file_parameters; ++i) {
        if (is_text(v->doc->parameters[i].name, name, length)) {
            return VAR_FIRST_FREE + (int)i;
        }
    }
    for (int i = 0; i < VAR_FIRST_FREE; ++i) {
        if (is_text(built_in_variables[i], name, length)) {
            return i;
        }
    }
    return -1;
}

static visible visible_in(const body *b) {
    return (visible){.doc = b->c->doc,
                     .n_file_parameters = b->c->doc->n_parameters,
                     .block = b->block,
                     .n_block_parameters = b->block->n_parameters};
}

static argument_site site_in(const body *b, const char *layer, visible *v) {
    return (argument_site){.file = b->c->file,
                           .layer = layer,
                           .arena = b->c->arena,
                           .resolve = resolve_variable,
                           .context = v,
                           .err = b->c->err};
}

// --- Operators and blocks by name -----------------------------------------------------------

static block_template *find_block(const document *doc, const char *name) {
    for (size_t i = 0; i < doc->n_blocks; ++i) {
        if (strcmp(doc->blocks[i].name, name) == 0) {
            return &doc->blocks[i];
        }
    }
    return NULL;
}

static jc_status fail_unknown_operator(body *b, const char *name, int line) {
    jc_suggestion suggestion = {.wanted = name};
    size_t n = 0;
    const jc_op *const *ops = jc_ops(&n);
    for (size_t i = 0; i < n; ++i) {
        jc_suggestion_offer(&suggestion, ops[i]->name);
    }
    for (size_t i = 0; i < b->c->doc->n_blocks; ++i) {
        jc_suggestion_offer(&suggestion, b->c->doc->blocks[i].name);
    }
    char hint[JC_SUGGESTION_TEXT_SIZE];
    return jc_error_set(b->c->err, JC_EPARSE, b->c->file, line,
                        "no operator or block is called '%.60s'%s", name,
                        jc_suggestion_format(&suggestion, hint));
}

// Look the key of a layer up, and number its use in this body.
static jc_status compile_key(body *b, const char *key, layer_template *layer) {
    size_t n_ops = 0;
    const jc_op *const *ops = jc_ops(&n_ops);
    size_t index = 0;
    layer->op = jc_op_find(key);
    if (layer->op != NULL) {
        while (ops[index] != layer->op) {
            ++index;
        }
    } else {
        block_template *block = find_block(b->c->doc, key);
        if (block == NULL) {
            return fail_unknown_operator(b, key, layer->line);
        }
        if (block->state == BLOCK_COMPILING) {
            return jc_error_set(b->c->err, JC_EPARSE, b->c->file, layer->line,
                                "block '%.60s' uses itself here, which would never end", key);
        }
        const jc_status status = compile_block(b->c, block);
        if (status != JC_OK) {
            return status;
        }
        layer->block = block;
        index = n_ops + (size_t)block->index;
    }
    layer->use = ++b->n_uses[index];
    return JC_OK;
}

// --- Layers ---------------------------------------------------------------------------------

static jc_status compile_branches(body *b, const jc_yaml *node, layer_template *layer) {
    if (node->kind != JC_YAML_SEQUENCE || node->n == 0) {
        return fail(b->c, node, "branches", "a list of lists of layers");
    }
    layer_list *branches = jc_arena_alloc(b->c->arena, (size_t)node->n, sizeof *branches);
    if (branches == NULL) {
        return out_of_memory(b->c);
    }
    size_t n = 0;
    for (const jc_yaml *branch = node->child; branch != NULL; branch = branch->next) {
        if (branch->kind != JC_YAML_SEQUENCE) {
            return fail(b->c, branch, "a branch", "a list of layers ([] for the input as it is)");
        }
        const jc_status status = compile_list(b, branch, &branches[n++]);
        if (status != JC_OK) {
            return status;
        }
    }
    layer->n_branches = n;
    layer->branches = branches;
    return JC_OK;
}

static jc_status compile_inputs(body *b, const jc_yaml *node, layer_template *layer) {
    const bool is_list = node->kind == JC_YAML_SEQUENCE && node->n > 0;
    const jc_yaml *item = is_list ? node->child : node;
    const size_t n = is_list ? (size_t)node->n : 1;
    int *slots = jc_arena_alloc(b->c->arena, n, sizeof *slots);
    if (slots == NULL) {
        return out_of_memory(b->c);
    }
    for (size_t i = 0; i < n; ++i, item = item->next) {
        const char *name = jc_yaml_text(item);
        if (name == NULL || name[0] == '\0') {
            return fail(b->c, item, "inputs", "the name of a layer or a list of names");
        }
        const jc_status status =
            name_table_use(&b->names, name, b->c->file, item->line, &slots[i], b->c->err);
        if (status != JC_OK) {
            return status;
        }
    }
    layer->n_inputs = n;
    layer->inputs = slots;
    return JC_OK;
}

// A parameter of the operator or block at hand.
static jc_status compile_parameter(body *b, const jc_yaml *node, layer_template *layer) {
    visible v = visible_in(b);
    const argument_site site = site_in(b, layer_key(layer), &v);
    jc_suggestion suggestion = {.wanted = node->key};
    if (layer->op != NULL) {
        const jc_param *param = jc_op_param(layer->op, node->key);
        if (param != NULL) {
            return argument_compile(&site, param, node, layer);
        }
        for (const jc_param *p = layer->op->params; p->name != NULL; ++p) {
            jc_suggestion_offer(&suggestion, p->name);
        }
    } else {
        for (size_t i = 0; i < layer->block->n_parameters; ++i) {
            const argument *parameter = &layer->block->parameters[i];
            if (strcmp(parameter->name, node->key) == 0) {
                argument *a = &layer->arguments[layer->n_arguments++];
                *a = (argument){.name = parameter->name,
                                .line = node->line,
                                .slot = (int)i,
                                .text = node->text};
                return argument_expression(&site, node, &a->expression);
            }
            jc_suggestion_offer(&suggestion, parameter->name);
        }
    }
    return fail_unknown_key(b->c, node, layer_key(layer), suggestion);
}

static jc_status compile_common_key(body *b, const jc_yaml *node, layer_template *layer,
                                    bool *out_known) {
    *out_known = true;
    if (strcmp(node->key, "name") == 0) {
        return JC_OK; // taken up when the names of the body were collected
    }
    if (strcmp(node->key, "inputs") == 0) {
        return compile_inputs(b, node, layer);
    }
    if (strcmp(node->key, "branches") == 0) {
        return compile_branches(b, node, layer);
    }
    visible v = visible_in(b);
    const argument_site site = site_in(b, layer_key(layer), &v);
    if (strcmp(node->key, "repeat") == 0) {
        layer->has_repeat = true;
        return argument_expression(&site, node, &layer->repeat);
    }
    if (strcmp(node->key, "when") == 0) {
        return argument_expression(&site, node, &layer->when);
    }
    *out_known = false;
    return JC_OK;
}

static jc_status check_required(body *b, const jc_yaml *params, const layer_template *layer) {
    const char *missing = NULL;
    if (layer->op != NULL) {
        for (const jc_param *p = layer->op->params; p->name != NULL && missing == NULL; ++p) {
            missing = p->required && jc_yaml_get(params, p->name) == NULL ? p->name : NULL;
        }
    } else {
        for (size_t i = 0; i < layer->block->n_parameters && missing == NULL; ++i) {
            const argument *p = &layer->block->parameters[i];
            missing = p->text == NULL && jc_yaml_get(params, p->name) == NULL ? p->name : NULL;
        }
    }
    if (missing != NULL) {
        return jc_error_set(b->c->err, JC_EPARSE, b->c->file, layer->line,
                            "%s needs a value for '%s'", layer_key(layer), missing);
    }
    if (layer->n_inputs > 0 && layer->n_branches > 0) {
        return jc_error_set(b->c->err, JC_EPARSE, b->c->file, layer->line,
                            "%s has both inputs and branches; one of them says what it takes",
                            layer_key(layer));
    }
    return JC_OK;
}

static jc_status compile_params(body *b, const jc_yaml *params, layer_template *layer) {
    argument scratch[MAX_ARGUMENTS];
    layer->arguments = scratch;
    for (const jc_yaml *node = params->child; node != NULL; node = node->next) {
        bool known = false;
        jc_status status = compile_common_key(b, node, layer, &known);
        if (status == JC_OK && !known) {
            status = compile_parameter(b, node, layer);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    argument *kept = jc_arena_alloc(b->c->arena, layer->n_arguments, sizeof *kept);
    if (kept == NULL) {
        return out_of_memory(b->c);
    }
    memcpy(kept, scratch, layer->n_arguments * sizeof *kept);
    layer->arguments = kept;
    return JC_OK;
}

// One entry of a list: `relu`, or a mapping of one key to parameters.
static jc_status compile_layer(body *b, const jc_yaml *node, layer_template *layer) {
    static const jc_yaml no_params = {.kind = JC_YAML_MAPPING};
    const jc_yaml *params = &no_params;
    const char *key = jc_yaml_text(node);
    layer->line = node->line;
    if (node->kind == JC_YAML_MAPPING && node->n == 1) {
        key = node->child->key;
        layer->line = node->child->key_line;
        if (node->child->kind == JC_YAML_MAPPING) {
            params = node->child;
        } else if (!jc_yaml_is_null(node->child)) {
            return fail(b->c, node->child, key, "followed by its parameters, {name: value, ...}");
        }
    } else if (key == NULL || key[0] == '\0') {
        return fail(b->c, node, "a layer",
                    "an operator's name or one `operator: {parameters}` (a list item each)");
    }
    layer->owner = b->block;
    layer->when = jc_expression_constant(1);
    layer->repeat = jc_expression_constant(1);
    jc_status status = compile_key(b, key, layer);
    if (status != JC_OK) {
        return status;
    }
    if (layer->op != NULL) {
        jc_op_call call = {0};
        jc_op_set_defaults(layer->op, &call);
        memcpy(layer->value, call.value, sizeof layer->value);
    }
    status = compile_params(b, params, layer);
    if (status == JC_OK) {
        status = check_required(b, params, layer);
    }
    layer->name = jc_yaml_text(jc_yaml_get(params, "name"));
    layer->name_slot = layer->name == NULL ? -1 : name_table_define(&b->names, layer->name);
    return status;
}

static jc_status compile_list(body *b, const jc_yaml *node, layer_list *out_list) {
    layer_list list = {.layers = jc_arena_alloc(b->c->arena, (size_t)node->n, sizeof *list.layers)};
    if (list.layers == NULL) {
        return out_of_memory(b->c);
    }
    for (const jc_yaml *item = node->child; item != NULL; item = item->next) {
        const jc_status status = compile_layer(b, item, &list.layers[list.n++]);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_list = list;
    return JC_OK;
}

// --- Blocks ---------------------------------------------------------------------------------

// The body of a block or of the network: its names first, then its layers, then its outputs.
static jc_status compile_body(compiler *c, block_template *block, const jc_yaml *layers,
                              const char *const *input_names, size_t n_inputs) {
    if (layers == NULL || layers->kind != JC_YAML_SEQUENCE) {
        return jc_error_set(c->err, JC_EPARSE, c->file,
                            layers == NULL ? block->node->line : layers->line,
                            "%s%s%s needs a list of layers under `layers:`",
                            block->name[0] == '\0' ? "the architecture" : "block '", block->name,
                            block->name[0] == '\0' ? "" : "'");
    }
    size_t n_ops = 0;
    (void)jc_ops(&n_ops);
    body b = {.c = c, .block = block};
    b.n_uses = jc_arena_alloc(c->arena, n_ops + c->doc->n_blocks, sizeof *b.n_uses);
    if (b.n_uses == NULL) {
        return out_of_memory(c);
    }
    jc_status status =
        name_table_collect(&b.names, layers, input_names, n_inputs, c->file, c->arena, c->err);
    if (status == JC_OK) {
        status = compile_list(&b, layers, &block->body);
    }
    if (status != JC_OK) {
        return status;
    }
    block->n_inputs = n_inputs;
    block->n_names = b.names.n;
    block->n_uses = b.n_uses;
    block->output = -1;
    const jc_yaml *output = jc_yaml_get(block->node, "output");
    if (block->name[0] != '\0' && output != NULL) {
        if (jc_yaml_text(output) == NULL) {
            return fail(c, output, "output", "the name of a layer");
        }
        status =
            name_table_use(&b.names, output->text, c->file, output->line, &block->output, c->err);
    } else if (block->name[0] == '\0' && jc_yaml_get(block->node, "outputs") != NULL) {
        layer_template outputs = {0};
        status = compile_inputs(&b, jc_yaml_get(block->node, "outputs"), &outputs);
        if (status == JC_OK) {
            c->doc->n_outputs = outputs.n_inputs;
            c->doc->outputs = outputs.inputs;
        }
    }
    return status;
}

static bool is_reserved_variable(const char *name) {
    static const char *const words[] = {"true", "false",  "and",      "or",     "not",  "if",
                                        "else", "min",    "max",      "floor",  "ceil", "round_to",
                                        "name", "inputs", "branches", "repeat", "when", NULL};
    for (int i = 0; words[i] != NULL; ++i) {
        if (strcmp(words[i], name) == 0) {
            return true;
        }
    }
    for (int i = 0; i < VAR_FIRST_FREE; ++i) {
        if (strcmp(built_in_variables[i], name) == 0) {
            return true;
        }
    }
    return false;
}

// `parameters:` of a block (v->block) or of the file: names with default expressions, each of which
// may use those before it.
static jc_status compile_parameters(compiler *c, const jc_yaml *node, visible v,
                                    argument **out_parameters, size_t *n_visible) {
    const char *where = v.block == NULL ? "the architecture" : v.block->name;
    if (node->kind != JC_YAML_MAPPING || node->n > MAX_PARAMETERS) {
        return fail(c, node, "parameters", "a mapping of at most 64 names to default values");
    }
    argument *parameters = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *parameters);
    if (parameters == NULL) {
        return out_of_memory(c);
    }
    *out_parameters = parameters;
    size_t *n = v.block == NULL ? &v.n_file_parameters : &v.n_block_parameters;
    const argument_site site = {.file = c->file,
                                .layer = where,
                                .arena = c->arena,
                                .resolve = resolve_variable,
                                .context = &v,
                                .err = c->err};
    for (const jc_yaml *p = node->child; p != NULL; p = p->next) {
        if (!name_is_word(p->key) || is_reserved_variable(p->key)) {
            return jc_error_set(
                c->err, JC_EPARSE, c->file, p->key_line,
                "'%.60s' cannot be the name of a parameter: it has a meaning of its "
                "own, or is not letters, digits and _",
                p->key);
        }
        argument *a = &parameters[*n];
        *a = (argument){.name = p->key, .line = p->key_line};
        if (!jc_yaml_is_null(p)) {
            a->text = jc_yaml_text(p);
            const jc_status status = argument_expression(&site, p, &a->expression);
            if (status != JC_OK) {
                return status;
            }
        } else if (v.block == NULL) {
            return fail(c, p, p->key, "given a value");
        }
        *n_visible = ++*n;
    }
    return JC_OK;
}

static jc_status check_keys(compiler *c, const jc_yaml *node, const char *where,
                            const char *const *known) {
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        jc_suggestion suggestion = {.wanted = child->key};
        bool found = false;
        for (int i = 0; known[i] != NULL && !found; ++i) {
            found = strcmp(known[i], child->key) == 0;
            jc_suggestion_offer(&suggestion, known[i]);
        }
        if (!found) {
            return fail_unknown_key(c, child, where, suggestion);
        }
    }
    return JC_OK;
}

static jc_status compile_block(compiler *c, block_template *block) {
    static const char *const keys[] = {"parameters", "inputs", "layers", "output", NULL};
    static const char *const one_input[] = {"input"};
    if (block->state == BLOCK_COMPILED) {
        return JC_OK;
    }
    if (c->nesting >= MAX_BLOCK_NESTING) {
        return jc_error_set(c->err, JC_EPARSE, c->file, block->node->line,
                            "blocks are nested deeper than %d", MAX_BLOCK_NESTING);
    }
    block->state = BLOCK_COMPILING;
    c->nesting++;
    jc_status status = check_keys(c, block->node, block->name, keys);
    const jc_yaml *parameters = jc_yaml_get(block->node, "parameters");
    if (status == JC_OK && parameters != NULL && !jc_yaml_is_null(parameters)) {
        const visible v = {
            .doc = c->doc, .n_file_parameters = c->doc->n_parameters, .block = block};
        status = compile_parameters(c, parameters, v, &block->parameters, &block->n_parameters);
    }
    const char *const *names = one_input;
    size_t n_names = 1;
    const jc_yaml *inputs = jc_yaml_get(block->node, "inputs");
    if (status == JC_OK && inputs != NULL) {
        status = name_list_read(inputs, c->file, c->arena, &names, &n_names, c->err);
    }
    if (status == JC_OK) {
        status = compile_body(c, block, jc_yaml_get(block->node, "layers"), names, n_names);
    }
    c->nesting--;
    block->state = BLOCK_COMPILED;
    return status;
}

static jc_status collect_blocks(compiler *c, const jc_yaml *node) {
    if (node->kind != JC_YAML_MAPPING) {
        return fail(c, node, "blocks", "a mapping of names to blocks");
    }
    block_template *blocks = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *blocks);
    if (blocks == NULL) {
        return out_of_memory(c);
    }
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        if (!name_is_word(child->key) || jc_op_find(child->key) != NULL) {
            return jc_error_set(c->err, JC_EPARSE, c->file, child->key_line,
                                "'%.60s' cannot be the name of a block: it is an operator, or not "
                                "letters, digits and _",
                                child->key);
        }
        if (child->kind != JC_YAML_MAPPING) {
            return fail(c, child, child->key, "a block: {parameters: ..., layers: [...]}");
        }
        blocks[c->doc->n_blocks] =
            (block_template){.name = child->key, .node = child, .index = (int)c->doc->n_blocks};
        c->doc->n_blocks++;
    }
    c->doc->blocks = blocks;
    return JC_OK;
}

// --- The file -------------------------------------------------------------------------------

static jc_status compile_input_shape(compiler *c, const jc_yaml *node, jc_shape *out_shape) {
    const visible v = {.doc = c->doc, .n_file_parameters = c->doc->n_parameters};
    const argument_site site = {.file = c->file,
                                .layer = "inputs",
                                .arena = c->arena,
                                .resolve = resolve_variable,
                                .context = (void *)&v,
                                .err = c->err};
    static const jc_param shape_param = {.name = "the shape of one sample", .type = JC_PARAM_SIZES};
    argument scratch[MAX_ARGUMENTS];
    layer_template values = {.arguments = scratch};
    jc_status status = argument_compile(&site, &shape_param, node, &values);
    if (status != JC_OK) {
        return status;
    }
    double variables[MAX_VARIABLES];
    document_set_parameters(c->doc, variables);
    for (size_t i = 0; i < values.n_arguments && status == JC_OK; ++i) {
        jc_error why = {0};
        const double value = jc_expression_evaluate(&scratch[i].expression, variables);
        status = argument_store(&scratch[i], value, values.value, &why);
        if (status != JC_OK) {
            return jc_error_set(c->err, status, c->file, node->line, "inputs: %s", why.message);
        }
    }
    jc_shape shape = {.rank = (int)values.value[0].i};
    if (shape.rank == JC_MAX_RANK) {
        return fail(c, node, "an input", "at most 5 sizes (the batch is not among them)");
    }
    for (int i = 0; i < shape.rank; ++i) {
        shape.dim[i] = values.value[1 + i].i;
        if (shape.dim[i] < 1) {
            return fail(c, node, "an input", "sizes of at least 1 each");
        }
    }
    *out_shape = shape;
    return JC_OK;
}

static jc_status compile_file_inputs(compiler *c, const jc_yaml *root) {
    const jc_yaml *node = jc_yaml_get(root, "inputs");
    if (node == NULL || node->kind != JC_YAML_MAPPING || node->n == 0) {
        return jc_error_set(c->err, JC_EPARSE, c->file, node == NULL ? root->line : node->line,
                            "the architecture needs `inputs:` with the shape of one sample, for "
                            "instance `inputs: {image: [3, 224, 224]}`");
    }
    document *doc = c->doc;
    doc->input_names = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *doc->input_names);
    doc->input_shapes = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *doc->input_shapes);
    if (doc->input_names == NULL || doc->input_shapes == NULL) {
        return out_of_memory(c);
    }
    for (const jc_yaml *input = node->child; input != NULL; input = input->next) {
        doc->input_names[doc->n_inputs] = input->key;
        const jc_status status = compile_input_shape(c, input, &doc->input_shapes[doc->n_inputs]);
        if (status != JC_OK) {
            return status;
        }
        doc->n_inputs++;
    }
    return JC_OK;
}

static jc_status compile_document(compiler *c, const jc_yaml *root) {
    static const char *const keys[] = {"name",   "source", "parameters", "inputs",
                                       "blocks", "layers", "outputs",    NULL};
    if (root->kind != JC_YAML_MAPPING) {
        return fail(c, root, "an architecture", "a mapping with `inputs:` and `layers:`");
    }
    document *doc = c->doc;
    jc_status status = check_keys(c, root, "an architecture", keys);
    const jc_yaml *name = jc_yaml_get(root, "name");
    if (status == JC_OK && name != NULL && (jc_yaml_text(name) == NULL || name->text[0] == '\0')) {
        status = fail(c, name, "name", "a text");
    }
    doc->name = jc_yaml_text(name);
    const jc_yaml *parameters = jc_yaml_get(root, "parameters");
    if (status == JC_OK && parameters != NULL) {
        const visible v = {.doc = doc};
        status = compile_parameters(c, parameters, v, &doc->parameters, &doc->n_parameters);
    }
    if (status == JC_OK) {
        status = compile_file_inputs(c, root);
    }
    const jc_yaml *blocks = jc_yaml_get(root, "blocks");
    if (status == JC_OK && blocks != NULL) {
        status = collect_blocks(c, blocks);
    }
    // Blocks that nothing uses are checked all the same.
    for (size_t i = 0; i < doc->n_blocks && status == JC_OK; ++i) {
        status = compile_block(c, &doc->blocks[i]);
    }
    if (status == JC_OK) {
        doc->network = (block_template){.name = "", .node = root};
        status = compile_body(c, &doc->network, jc_yaml_get(root, "layers"), doc->input_names,
                              doc->n_inputs);
    }
    return status;
}

jc_status document_compile(const jc_yaml *root, const char *file, jc_arena *arena,
                           document *out_document, jc_error *err) {
    *out_document = (document){.file = file};
    compiler c = {.file = file, .arena = arena, .err = err, .doc = out_document};
    return compile_document(&c, root);
}
