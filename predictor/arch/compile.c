// SPDX-License-Identifier: Apache-2.0
// YAML tree to templates: blocks and the file as a whole.
#include "compile.h"

#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
        return compile_out_of_memory(c);
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
            return compile_fail(c, output, "output", "the name of a layer");
        }
        status =
            name_table_use(&b.names, output->text, c->file, output->line, &block->output, c->err);
    } else if (block->name[0] == '\0' && jc_yaml_get(block->node, "outputs") != NULL) {
        status = compile_references(&b, jc_yaml_get(block->node, "outputs"), &c->doc->outputs,
                                    &c->doc->n_outputs);
    }
    return status;
}

static bool is_known_key(const char *key, const char *const *known) {
    for (int i = 0; known[i] != NULL; ++i) {
        if (jc_text_equal(known[i], key)) {
            return true;
        }
    }
    return false;
}

static jc_status check_keys(compiler *c, const jc_yaml *node, const char *where,
                            const char *const *known) {
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        if (!is_known_key(child->key, known)) {
            jc_suggestion suggestion = {.wanted = child->key};
            for (int i = 0; known[i] != NULL; ++i) {
                jc_suggestion_offer(&suggestion, known[i]);
            }
            return compile_fail_unknown_key(c, child, where, suggestion);
        }
    }
    return JC_OK;
}

jc_status compile_block(compiler *c, block_template *block) {
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
        return compile_fail(c, node, "blocks", "a mapping of names to blocks");
    }
    block_template *blocks = jc_arena_alloc(c->arena, (size_t)node->n, sizeof *blocks);
    if (blocks == NULL) {
        return compile_out_of_memory(c);
    }
    for (const jc_yaml *child = node->child; child != NULL; child = child->next) {
        if (!name_is_word(child->key) || jc_op_find(child->key) != NULL) {
            return jc_error_set(c->err, JC_EPARSE, c->file, child->key_line,
                                "'%.60s' cannot be the name of a block: it is an operator, or not "
                                "letters, digits and _",
                                child->key);
        }
        if (child->kind != JC_YAML_MAPPING) {
            return compile_fail(c, child, child->key, "a block: {parameters: ..., layers: [...]}");
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
                                .resolve = compile_resolve_variable,
                                .context = (void *)&v,
                                .err = c->err};
    static const jc_param shape_param = {.name = "the shape of one sample", .type = JC_PARAM_SIZES};
    jc_value values[JC_OP_MAX_SLOTS] = {{0}};
    argument_list arguments;
    arguments.n = 0;
    jc_status status = argument_compile(&site, &shape_param, node, values, &arguments);
    if (status != JC_OK) {
        return status;
    }
    double variables[MAX_VARIABLES];
    document_set_parameters(c->doc, variables);
    for (size_t i = 0; i < arguments.n && status == JC_OK; ++i) {
        jc_error why;
        const double value = jc_expression_evaluate(&arguments.items[i].expression, variables);
        status = argument_store(&arguments.items[i], value, values, &why);
        if (status != JC_OK) {
            return jc_error_set(c->err, status, c->file, node->line, "inputs: %s", why.message);
        }
    }
    jc_shape shape = {.rank = (int)values[0].i};
    if (shape.rank == JC_MAX_RANK) {
        return compile_fail(c, node, "an input", "at most 5 sizes (the batch is not among them)");
    }
    for (int i = 0; i < shape.rank; ++i) {
        shape.dim[i] = values[1 + i].i;
        if (shape.dim[i] < 1) {
            return jc_error_set(c->err, JC_EPARSE, c->file, node->line,
                                "inputs: '%.60s' has the size %" PRId64 ", but each must be at "
                                "least 1 (the batch is not among them)",
                                node->key, shape.dim[i]);
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
        return compile_out_of_memory(c);
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
    static const char *const keys[] = {"name",   "source", "error_rate", "parameters", "inputs",
                                       "blocks", "layers", "outputs",    NULL};
    if (root->kind != JC_YAML_MAPPING) {
        return compile_fail(c, root, "an architecture", "a mapping with `inputs:` and `layers:`");
    }
    document *doc = c->doc;
    jc_status status = check_keys(c, root, "an architecture", keys);
    const jc_yaml *name = jc_yaml_get(root, "name");
    if (status == JC_OK && name != NULL && (jc_yaml_text(name) == NULL || name->text[0] == '\0')) {
        status = compile_fail(c, name, "name", "a text");
    }
    doc->name = jc_yaml_text(name);
    const jc_yaml *error_rate = jc_yaml_get(root, "error_rate");
    if (status == JC_OK && error_rate != NULL &&
        (!jc_yaml_double(error_rate, &doc->error_rate) ||
         !(doc->error_rate > 0 && doc->error_rate <= 1))) {
        status = compile_fail(c, error_rate, "error_rate", "a share above 0, at most 1");
    }
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
