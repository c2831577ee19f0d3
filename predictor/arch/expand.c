// SPDX-License-Identifier: Apache-2.0
// Templates to a graph: blocks unrolled, shapes inferred, kernels found.
#include "graph_build.h"

#include "common/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// Uses of blocks, layers left out by `when` and repetitions all count: a file of a few lines can
// ask for 10^30 of them without ever making a layer.
enum { MAX_STEPS = 4 * MAX_LAYERS };

static const uint32_t NO_TENSOR = UINT32_MAX;

/** A body being expanded. */
typedef struct frame {
    const block_template *block;
    const scope *scope;
    uint32_t *tensors; ///< layer index by name slot
    double variables[MAX_VARIABLES];
} frame;

typedef struct expander {
    const document *doc;
    jc_graph *graph;
    jc_error *err;
    size_t n_steps;
} expander;

static jc_status expand_list(expander *x, frame *f, const layer_list *list, uint32_t current,
                             uint32_t *out_current);

// --- Errors ---------------------------------------------------------------------------------

// `file:line: conv2d 'c3': …`, and in which use of which block, where there is one.
static jc_status fail(expander *x, const frame *f, const layer_template *t, jc_status status,
                      const char *message) {
    char place[JC_LAYER_NAME_SIZE] = "";
    for (const scope *s = f->scope; s != NULL; s = s->parent) {
        char local[JC_LAYER_NAME_SIZE];
        (void)layer_local_name(s->call, s->repetition, local, sizeof local / 2);
        const size_t used = strlen(local);
        (void)snprintf(local + used, sizeof local - used, "%s%s", place[0] == '\0' ? "" : ".",
                       place);
        memcpy(place, local, sizeof place);
    }
    const bool named = t->name != NULL;
    return jc_error_set(x->err, status, x->doc->file, t->line, "%s%s%s%s: %s%s%s%s", layer_key(t),
                        named ? " '" : "", named ? t->name : "", named ? "'" : "", message,
                        place[0] == '\0' ? "" : " (in ", place, place[0] == '\0' ? "" : ")");
}

static jc_status out_of_memory(expander *x) {
    return jc_error_set(x->err, JC_ENOMEM, x->doc->file, 0, "out of memory");
}

// --- Variables ------------------------------------------------------------------------------

static void set_input_variables(double *variables, const jc_shape *input) {
    const int rank = input == NULL ? 0 : input->rank;
    variables[VAR_IN_CHANNELS] = rank > 1 ? (double)input->dim[1] : (double)NAN;
    variables[VAR_IN_HEIGHT] = rank > 3 ? (double)input->dim[2] : (double)NAN;
    variables[VAR_IN_WIDTH] = rank > 3 ? (double)input->dim[3] : (double)NAN;
    variables[VAR_IN_FEATURES] = rank > 1 ? (double)input->dim[rank - 1] : (double)NAN;
}

void document_set_parameters(const document *doc, double variables[MAX_VARIABLES]) {
    set_input_variables(variables, NULL);
    variables[VAR_INDEX] = 0;
    for (size_t i = 0; i < doc->n_parameters; ++i) {
        variables[VAR_FIRST_FREE + i] =
            jc_expression_evaluate(&doc->parameters[i].expression, variables);
    }
}

// --- One layer ------------------------------------------------------------------------------

static const jc_shape *shape_of(const expander *x, uint32_t tensor) {
    return tensor == NO_TENSOR ? NULL : &x->graph->layers[tensor].output;
}

static jc_status add_operator(expander *x, frame *f, const layer_template *t, int repetition,
                              const uint32_t *inputs, size_t n_inputs, uint32_t *out_tensor) {
    layer_request request = {
        .origin = {.scope = f->scope, .template_ = t, .repetition = repetition},
        .op = t->op,
        .line = t->line,
        .inputs = inputs,
        .n_inputs = n_inputs,
        .kept_value = t->n_arguments == 0 ? t->value : NULL,
        .is_int8 = t->is_int8,
        .has_params = t->has_params,
        .params = t->params,
    };
    memcpy(request.value, t->value, sizeof request.value);
    jc_error why;
    jc_status status = JC_OK;
    for (size_t i = 0; i < t->n_arguments && status == JC_OK; ++i) {
        const argument *a = &t->arguments[i];
        status = argument_store(a, jc_expression_evaluate(&a->expression, f->variables),
                                request.value, &why);
    }
    if (status == JC_OK) {
        status = graph_apply(x->graph, &request, out_tensor, &why);
    }
    if (status == JC_ENOMEM) {
        return out_of_memory(x);
    }
    return status == JC_OK ? JC_OK : fail(x, f, t, status, why.message);
}

// --- Named tensors --------------------------------------------------------------------------

// Names within branches of a layer that is left out stay without a tensor.
static uint32_t *create_tensors(expander *x, const block_template *block) {
    uint32_t *tensors = jc_arena_take(&x->graph->arena, block->n_names, sizeof *tensors);
    for (size_t i = 0; tensors != NULL && i < block->n_names; ++i) {
        tensors[i] = NO_TENSOR;
    }
    return tensors;
}

// --- One use of a block ---------------------------------------------------------------------

// Arguments are evaluated where the block is used, defaults inside it.
static void set_block_parameters(const frame *caller, const layer_template *t,
                                 size_t n_file_parameters, frame *f) {
    double *variables = f->variables;
    memcpy(variables, caller->variables,
           (VAR_FIRST_FREE + n_file_parameters) * sizeof variables[0]);
    variables[VAR_INDEX] = 0;
    for (size_t i = 0; i < t->block->n_parameters; ++i) {
        double *value = &variables[VAR_FIRST_FREE + MAX_PARAMETERS + i];
        const argument *given = NULL;
        for (size_t a = 0; a < t->n_arguments && given == NULL; ++a) {
            given = t->arguments[a].slot == (int)i ? &t->arguments[a] : NULL;
        }
        *value = given != NULL
                     ? jc_expression_evaluate(&given->expression, caller->variables)
                     : jc_expression_evaluate(&t->block->parameters[i].expression, variables);
    }
}

static jc_status expand_block(expander *x, const frame *caller, const layer_template *t,
                              int repetition, const uint32_t *inputs, uint32_t *out_tensor) {
    const block_template *block = t->block;
    scope *s = jc_arena_alloc(&x->graph->arena, 1, sizeof *s);
    frame f; // not cleared: most of its variables are never used
    f.block = block;
    f.scope = s;
    f.tensors = create_tensors(x, block);
    if (s == NULL || f.tensors == NULL) {
        return out_of_memory(x);
    }
    *s = (scope){.parent = caller->scope, .call = t, .repetition = repetition};
    memcpy(f.tensors, inputs, block->n_inputs * sizeof *inputs);
    set_block_parameters(caller, t, x->doc->n_parameters, &f);
    uint32_t last = NO_TENSOR;
    const jc_status status =
        expand_list(x, &f, &block->body, block->n_inputs == 1 ? inputs[0] : NO_TENSOR, &last);
    if (status != JC_OK) {
        return status;
    }
    *out_tensor = block->output >= 0 ? f.tensors[block->output] : last;
    return *out_tensor != NO_TENSOR
               ? JC_OK
               : fail(x, caller, t, JC_EPARSE,
                      "it has no output: none of its layers is there, or not that of `output:`");
}

// --- Lists ----------------------------------------------------------------------------------

// What a layer takes: its branches' ends, the named tensors (first repetition), or the one before.
static jc_status gather_inputs(expander *x, frame *f, const layer_template *t, int repetition,
                               uint32_t current, uint32_t *inputs, size_t *out_n) {
    if (t->n_branches > 0) {
        for (size_t i = 0; i < t->n_branches; ++i) {
            const jc_status status = expand_list(x, f, &t->branches[i], current, &inputs[i]);
            if (status != JC_OK) {
                return status;
            }
        }
        *out_n = t->n_branches;
    } else if (t->n_inputs > 0 && repetition == 0) {
        for (size_t i = 0; i < t->n_inputs; ++i) {
            inputs[i] = f->tensors[t->inputs[i]];
            if (inputs[i] == NO_TENSOR) {
                return fail(x, f, t, JC_EPARSE,
                            "one of its inputs stands in branches that are left out");
            }
        }
        *out_n = t->n_inputs;
    } else {
        inputs[0] = current;
        *out_n = t->op != NULL && t->op->max_inputs == 0 ? 0 : 1;
    }
    for (size_t i = 0; i < *out_n; ++i) {
        if (inputs[i] == NO_TENSOR) {
            return fail(x, f, t, JC_EPARSE,
                        "there is no layer before it, and more than one input: say which it takes "
                        "with `inputs:`");
        }
    }
    return JC_OK;
}

static jc_status check_arity(expander *x, const frame *f, const layer_template *t, size_t n) {
    const size_t least = t->op != NULL ? t->op->min_inputs : t->block->n_inputs;
    const size_t most = t->op != NULL ? t->op->max_inputs : t->block->n_inputs;
    if (n >= least && n <= most) {
        return JC_OK;
    }
    char message[160];
    (void)snprintf(message, sizeof message,
                   "it takes %s%zu input%s, not %zu; `inputs:` or `branches:` name them",
                   least == most ? "" : "at least ", least, least == 1 ? "" : "s", n);
    return fail(x, f, t, JC_EPARSE, message);
}

static jc_status expand_once(expander *x, frame *f, const layer_template *t, int repetition,
                             uint32_t current, uint32_t *out_tensor) {
    enum { FEW_INPUTS = 16 };
    uint32_t few[FEW_INPUTS];
    uint32_t *inputs = few;
    if (t->n_inputs > FEW_INPUTS || t->n_branches > FEW_INPUTS) {
        inputs = jc_arena_alloc(&x->graph->arena, t->n_inputs + t->n_branches, sizeof *inputs);
        if (inputs == NULL) {
            return out_of_memory(x);
        }
    }
    size_t n = 0;
    jc_status status = gather_inputs(x, f, t, repetition, current, inputs, &n);
    if (status == JC_OK) {
        status = check_arity(x, f, t, n);
    }
    if (status != JC_OK) {
        return status;
    }
    if (t->n_arguments > 0 || t->block != NULL) {
        set_input_variables(f->variables, n == 0 ? NULL : shape_of(x, inputs[0]));
        f->variables[VAR_INDEX] = repetition;
    }
    return t->op != NULL ? add_operator(x, f, t, repetition, inputs, n, out_tensor)
                         : expand_block(x, f, t, repetition, inputs, out_tensor);
}

// Value of `repeat` or `when`, which see the tensor that the layer would take first.
static jc_status evaluate_control(expander *x, frame *f, const layer_template *t,
                                  const jc_expression *expression, const char *what,
                                  uint32_t current, int64_t *out_value) {
    double value = expression->constant;
    if (!expression->is_constant) {
        const uint32_t first = t->n_inputs > 0 ? f->tensors[t->inputs[0]] : current;
        set_input_variables(f->variables, shape_of(x, first));
        f->variables[VAR_INDEX] = 0;
        value = jc_expression_evaluate(expression, f->variables);
    }
    if (!(value >= 0 && value <= LARGEST_SIZE && value == floor(value))) {
        char wanted[64];
        char given[128];
        if (expression == &t->when) {
            (void)snprintf(wanted, sizeof wanted, "true or false");
        } else {
            (void)snprintf(wanted, sizeof wanted, "a whole number from 0 to %d", LARGEST_SIZE);
        }
        if (isnan(value)) {
            (void)snprintf(given, sizeof given, "but has no value here (%s)",
                           "a division by zero, or a size that the input does not have");
        } else {
            (void)snprintf(given, sizeof given, "not %.10g", value);
        }
        char message[256];
        (void)snprintf(message, sizeof message, "%s must be %s, %s", what, wanted, given);
        return fail(x, f, t, JC_EPARSE, message);
    }
    *out_value = (int64_t)value;
    return JC_OK;
}

static jc_status count_step(expander *x, const frame *f, const layer_template *t) {
    if (++x->n_steps <= MAX_STEPS && x->graph->n_layers < MAX_LAYERS) {
        return JC_OK;
    }
    char message[80];
    (void)snprintf(message, sizeof message,
                   "the network has more than %d layers, the most there "
                   "may be",
                   MAX_LAYERS);
    return fail(x, f, t, JC_EPARSE, message);
}

static jc_status expand_layer(expander *x, frame *f, const layer_template *t, uint32_t current,
                              uint32_t *out_current) {
    int64_t wanted = 1;
    int64_t n_repeat = 1;
    jc_status status = count_step(x, f, t);
    if (status == JC_OK && t->has_when) {
        status = evaluate_control(x, f, t, &t->when, "when", current, &wanted);
    }
    if (status == JC_OK && t->has_repeat) {
        status = evaluate_control(x, f, t, &t->repeat, "repeat", current, &n_repeat);
    }
    for (int64_t r = 0; wanted != 0 && r < n_repeat && status == JC_OK; ++r) {
        status = r == 0 ? JC_OK : count_step(x, f, t);
        if (status == JC_OK) {
            status = expand_once(x, f, t, (int)r, current, &current);
        }
    }
    if (status != JC_OK) {
        return status;
    }
    if (t->name_slot >= 0) {
        f->tensors[t->name_slot] = current;
    }
    *out_current = current;
    return JC_OK;
}

static jc_status expand_list(expander *x, frame *f, const layer_list *list, uint32_t current,
                             uint32_t *out_current) {
    for (size_t i = 0; i < list->n; ++i) {
        const jc_status status = expand_layer(x, f, &list->layers[i], current, &current);
        if (status != JC_OK) {
            return status;
        }
    }
    *out_current = current;
    return JC_OK;
}

// --- The network ----------------------------------------------------------------------------

static jc_status add_inputs(expander *x, frame *f) {
    for (size_t i = 0; i < x->doc->n_inputs; ++i) {
        jc_layer *layer = graph_add_layer(x->graph, (layer_origin){.name = x->doc->input_names[i]});
        if (layer == NULL) {
            return out_of_memory(x);
        }
        const jc_shape *sample = &x->doc->input_shapes[i];
        *layer = (jc_layer){.kernel = {.kind = JC_KERNEL_NONE}};
        layer->output.rank = sample->rank + 1;
        layer->output.dim[0] = x->graph->options.batch_size;
        memcpy(&layer->output.dim[1], sample->dim, (size_t)sample->rank * sizeof sample->dim[0]);
        if (jc_shape_elements(&layer->output) > JC_MAX_ELEMENTS) {
            return jc_error_set(x->err, JC_ESHAPE, x->doc->file, 0,
                                "input '%.60s' has more than 2^42 values at batch size %" PRId64,
                                x->doc->input_names[i], x->graph->options.batch_size);
        }
        f->tensors[i] = (uint32_t)i;
    }
    return JC_OK;
}

jc_status document_expand(const document *doc, jc_graph *graph, jc_error *err) {
    expander x = {.doc = doc, .graph = graph, .err = err};
    const block_template *network = &doc->network;
    frame f = {.block = network};
    f.tensors = create_tensors(&x, network);
    if (f.tensors == NULL) {
        return out_of_memory(&x);
    }
    document_set_parameters(doc, f.variables);
    jc_status status = add_inputs(&x, &f);
    uint32_t last = doc->n_inputs == 1 ? 0 : NO_TENSOR;
    if (status == JC_OK) {
        status = expand_list(&x, &f, &network->body, last, &last);
    }
    if (status != JC_OK) {
        return status;
    }
    if (graph->n_layers == doc->n_inputs) {
        return jc_error_set(err, JC_EPARSE, doc->file, network->node->line,
                            "the network has no layers");
    }
    graph->n_outputs = doc->n_outputs > 0 ? doc->n_outputs : 1;
    graph->outputs = jc_arena_alloc(&graph->arena, graph->n_outputs, sizeof *graph->outputs);
    if (graph->outputs == NULL) {
        return out_of_memory(&x);
    }
    for (size_t i = 0; i < doc->n_outputs; ++i) {
        graph->outputs[i] = f.tensors[doc->outputs[i]];
        if (graph->outputs[i] == NO_TENSOR) {
            return jc_error_set(err, JC_EPARSE, doc->file, network->node->line,
                                "an output stands in branches that are left out");
        }
    }
    if (doc->n_outputs == 0) {
        graph->outputs[0] = last;
    }
    return JC_OK;
}
