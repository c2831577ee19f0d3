// SPDX-License-Identifier: Apache-2.0
// Lists of layers: each an operator or a block, and how it is applied.
#include "compile.h"

#include "common/text.h"

#include <string.h>

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
                           .resolve = compile_resolve_variable,
                           .context = v,
                           .err = b->c->err};
}

// --- Operators and blocks by name -----------------------------------------------------------

static block_template *find_block(const document *doc, const char *name) {
    for (size_t i = 0; i < doc->n_blocks; ++i) {
        if (jc_text_equal(doc->blocks[i].name, name)) {
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
        return compile_fail(b->c, node, "branches", "a list of lists of layers");
    }
    layer_list *branches = jc_arena_alloc(b->c->arena, (size_t)node->n, sizeof *branches);
    if (branches == NULL) {
        return compile_out_of_memory(b->c);
    }
    size_t n = 0;
    for (const jc_yaml *branch = node->child; branch != NULL; branch = branch->next) {
        if (branch->kind != JC_YAML_SEQUENCE) {
            return compile_fail(b->c, branch, "a branch",
                                "a list of layers ([] for the input as it is)");
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

jc_status compile_references(body *b, const jc_yaml *node, const int **out_slots, size_t *out_n) {
    const bool is_list = node->kind == JC_YAML_SEQUENCE && node->n > 0;
    const jc_yaml *item = is_list ? node->child : node;
    const size_t n = is_list ? (size_t)node->n : 1;
    int *slots = jc_arena_alloc(b->c->arena, n, sizeof *slots);
    if (slots == NULL) {
        return compile_out_of_memory(b->c);
    }
    for (size_t i = 0; i < n; ++i, item = item->next) {
        const char *name = jc_yaml_text(item);
        if (name == NULL || name[0] == '\0') {
            return compile_fail(b->c, item, "inputs", "the name of a layer or a list of names");
        }
        const jc_status status =
            name_table_use(&b->names, name, b->c->file, item->line, &slots[i], b->c->err);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_slots = slots;
    *out_n = n;
    return JC_OK;
}

static jc_status fail_unknown_parameter(body *b, const jc_yaml *node, const layer_template *layer) {
    jc_suggestion suggestion = {.wanted = node->key};
    for (const jc_param *p = layer->op == NULL ? NULL : layer->op->params;
         p != NULL && p->name != NULL; ++p) {
        jc_suggestion_offer(&suggestion, p->name);
    }
    for (size_t i = 0; layer->block != NULL && i < layer->block->n_parameters; ++i) {
        jc_suggestion_offer(&suggestion, layer->block->parameters[i].name);
    }
    return compile_fail_unknown_key(b->c, node, layer_key(layer), suggestion);
}

// Index of a parameter of a block; -1 if it has none of that name.
static int find_block_parameter(const block_template *block, const char *name) {
    for (size_t i = 0; i < block->n_parameters; ++i) {
        if (jc_text_equal(block->parameters[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

// A parameter of the operator or block at hand.
static jc_status compile_parameter(body *b, const jc_yaml *node, layer_template *layer,
                                   argument_list *arguments) {
    visible v = visible_in(b);
    const argument_site site = site_in(b, layer_key(layer), &v);
    if (layer->op != NULL) {
        const jc_param *param = jc_op_param(layer->op, node->key);
        return param == NULL ? fail_unknown_parameter(b, node, layer)
                             : argument_compile(&site, param, node, layer->value, arguments);
    }
    const int index = find_block_parameter(layer->block, node->key);
    if (index < 0) {
        return fail_unknown_parameter(b, node, layer);
    }
    argument *a = &arguments->items[arguments->n++];
    *a = (argument){.name = layer->block->parameters[index].name,
                    .line = node->line,
                    .slot = index,
                    .text = node->text};
    return argument_expression(&site, node, &a->expression);
}

static jc_status compile_common_key(body *b, const jc_yaml *node, layer_template *layer,
                                    bool *out_known) {
    *out_known = true;
    if (jc_text_equal(node->key, "name")) {
        return JC_OK; // taken up when the names of the body were collected
    }
    if (jc_text_equal(node->key, "inputs")) {
        return compile_references(b, node, &layer->inputs, &layer->n_inputs);
    }
    if (jc_text_equal(node->key, "branches")) {
        return compile_branches(b, node, layer);
    }
    visible v = visible_in(b);
    const argument_site site = site_in(b, layer_key(layer), &v);
    if (jc_text_equal(node->key, "repeat")) {
        layer->has_repeat = true;
        return argument_expression(&site, node, &layer->repeat);
    }
    if (jc_text_equal(node->key, "when")) {
        layer->has_when = true;
        return argument_expression(&site, node, &layer->when);
    }
    if (layer->op != NULL && jc_text_equal(node->key, "params")) {
        layer->has_params = true;
        return jc_yaml_int64(node, &layer->params) && layer->params >= 0
                   ? JC_OK
                   : compile_fail(b->c, node, "params", "a whole number from 0 on");
    }
    if (layer->op != NULL && jc_text_equal(node->key, "precision")) {
        layer->is_int8 = true;
        return jc_yaml_text(node) != NULL && jc_text_equal(node->text, "int8")
                   ? JC_OK
                   : compile_fail(b->c, node, "precision", "int8");
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
    argument_list arguments;
    arguments.n = 0;
    for (const jc_yaml *node = params->child; node != NULL; node = node->next) {
        bool known = false;
        jc_status status = compile_common_key(b, node, layer, &known);
        if (status == JC_OK && !known) {
            status = compile_parameter(b, node, layer, &arguments);
        }
        if (status != JC_OK) {
            return status;
        }
    }
    argument *kept = jc_arena_alloc(b->c->arena, arguments.n, sizeof *kept);
    if (kept == NULL) {
        return compile_out_of_memory(b->c);
    }
    memcpy(kept, arguments.items, arguments.n * sizeof *kept);
    layer->arguments = kept;
    layer->n_arguments = arguments.n;
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
            return compile_fail(b->c, node->child, key,
                                "followed by its parameters, {name: value, ...}");
        }
    } else if (node->kind == JC_YAML_MAPPING && node->n > 1) {
        return jc_error_set(b->c->err, JC_EPARSE, b->c->file, node->line,
                            "a layer is one `operator: {parameters}`, but '%.60s' and '%.60s' "
                            "stand side by side; indent parameters deeper than their operator, "
                            "and begin each layer with '-'",
                            node->child->key, node->child->next->key);
    } else if (key == NULL || key[0] == '\0') {
        return compile_fail(
            b->c, node, "a layer",
            "an operator's name or one `operator: {parameters}` (a list item each)");
    }
    layer->owner = b->block;
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

jc_status compile_list(body *b, const jc_yaml *node, layer_list *out_list) {
    layer_list list = {.layers = jc_arena_alloc(b->c->arena, (size_t)node->n, sizeof *list.layers)};
    if (list.layers == NULL) {
        return compile_out_of_memory(b->c);
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
