// SPDX-License-Identifier: Apache-2.0
// Graphs: loading by the reader that fits the file, and looking at the result.
#include "graph_build.h"
#include "onnx/onnx.h"

#include "common/file.h"
#include "common/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Layers to begin with: as many as most networks have, so that few are moved when one grows.
enum { FIRST_CAPACITY = 256, MAX_UNKNOWN = 100 };

// --- Building -------------------------------------------------------------------------------

jc_layer *graph_add_layer(jc_graph *graph, layer_origin origin) {
    jc_layer *layers = jc_arena_grow(&graph->arena, graph->layers, graph->n_layers,
                                     &graph->layer_capacity, sizeof *layers);
    layer_origin *origins = jc_arena_grow(&graph->arena, graph->origins, graph->n_layers,
                                          &graph->origin_capacity, sizeof *origins);
    if (layers == NULL || origins == NULL) {
        return NULL;
    }
    graph->layers = layers;
    graph->origins = origins;
    origins[graph->n_layers] = origin;
    return &layers[graph->n_layers++];
}

bool graph_note_unknown(jc_graph *graph, const char *op) {
    for (size_t i = 0; i < graph->n_unknown; ++i) {
        // A file of a thousand unknown operators is summed up under the last.
        if (strcmp(graph->unknown[i].op, op) == 0 || i + 1 == MAX_UNKNOWN) {
            graph->unknown[i].n_layers++;
            return true;
        }
    }
    jc_graph_unknown *grown = jc_arena_grow(&graph->arena, graph->unknown, graph->n_unknown,
                                            &graph->unknown_capacity, sizeof *grown);
    const char *copy = jc_arena_copy_text(&graph->arena, op, strlen(op));
    if (grown == NULL || copy == NULL) {
        return false;
    }
    graph->unknown = grown;
    graph->unknown[graph->n_unknown++] = (jc_graph_unknown){copy, 1};
    return true;
}

// A file's name without folder and extension.
static const char *name_from_path(const char *path, jc_arena *arena) {
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    return jc_arena_copy_text(arena, base,
                              dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base));
}

// Sizes that the caller gives, instead of those in the file.
static jc_status set_input_shapes(jc_graph *graph, const document *doc, const char *file,
                                  jc_error *err) {
    for (size_t i = 0; i < graph->options.n_inputs; ++i) {
        const jc_input_shape *given = &graph->options.inputs[i];
        for (size_t k = 0; k < doc->n_inputs; ++k) {
            if (strcmp(doc->input_names[k], given->name) != 0) {
                continue;
            }
            if (given->shape.rank < 2) {
                return jc_error_set(err, JC_ESHAPE, file, 0,
                                    "input '%.80s' needs a batch and at least one size",
                                    given->name);
            }
            jc_shape *shape = &doc->input_shapes[k];
            *shape = (jc_shape){.rank = given->shape.rank - 1};
            memcpy(shape->dim, given->shape.dim + 1, (size_t)shape->rank * sizeof *shape->dim);
            if (graph->options.batch_size == 0) {
                graph->options.batch_size = given->shape.dim[0];
            }
        }
    }
    if (graph->options.batch_size == 0) {
        graph->options.batch_size = 1;
    }
    return JC_OK;
}

static jc_status build_tree(jc_graph *graph, const jc_yaml *root, const char *name, jc_error *err) {
    // In the arena: layers are named by their templates for as long as the graph lives.
    document *doc = jc_arena_alloc(&graph->arena, 1, sizeof *doc);
    if (doc == NULL) {
        return jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    }
    jc_status status = document_compile(root, name, &graph->arena, doc, err);
    if (status == JC_OK) {
        status = set_input_shapes(graph, doc, name, err);
    }
    if (status == JC_OK) {
        status = document_expand(doc, graph, err);
    }
    if (status != JC_OK) {
        return status;
    }
    if (doc->error_rate > 0) {
        graph->error_rate = doc->error_rate;
    }
    graph->name = doc->name;
    return JC_OK;
}

// A graph that was built, with a name; or freed where that failed.
static jc_status finish(jc_graph *graph, jc_status status, const char *path, jc_graph **out_graph,
                        jc_error *err) {
    graph->options.inputs = NULL; // borrowed
    graph->options.n_inputs = 0;
    if (status == JC_OK && graph->name == NULL) {
        graph->name = name_from_path(path, &graph->arena);
        status =
            graph->name == NULL ? jc_error_set(err, JC_ENOMEM, path, 0, "out of memory") : JC_OK;
    }
    if (status == JC_OK && (graph_drop_dead(graph) != JC_OK || graph_count_uses(graph) != JC_OK)) {
        status = jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    if (status != JC_OK) {
        jc_graph_free(graph);
        return status;
    }
    *out_graph = graph;
    return JC_OK;
}

static jc_status build(jc_graph *graph, const char *text, size_t length, const char *name,
                       jc_error *err) {
    jc_yaml *root = NULL;
    const jc_status status = jc_yaml_parse(text, length, name, &graph->arena, &root, err);
    return status == JC_OK ? build_tree(graph, root, name, err) : status;
}

static jc_status check_inputs(const jc_graph_options *options, jc_error *err) {
    for (size_t i = 0; i < options->n_inputs; ++i) {
        const jc_shape *shape = &options->inputs[i].shape;
        for (int axis = 0; axis < shape->rank; ++axis) {
            if (shape->dim[axis] < 1 || shape->dim[axis] > LARGEST_SIZE) {
                return jc_error_set(err, JC_EINVAL, NULL, 0,
                                    "input '%.80s': a size is not between 1 and %d",
                                    options->inputs[i].name, LARGEST_SIZE);
            }
        }
    }
    return JC_OK;
}

static jc_status create(const jc_graph_options *options, jc_graph **out_graph, jc_error *err) {
    const jc_status checked = options == NULL ? JC_OK : check_inputs(options, err);
    if (checked != JC_OK) {
        return checked;
    }
    jc_graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    if (options != NULL) {
        graph->options = *options;
    }
    graph->error_rate = (double)NAN; // until a file tells
    graph->layer_capacity = FIRST_CAPACITY;
    graph->origin_capacity = FIRST_CAPACITY;
    if (graph->options.batch_size == 0 && graph->options.n_inputs == 0) {
        graph->options.batch_size = 1;
    }
    if (graph->options.batch_size < 0 || graph->options.batch_size > LARGEST_SIZE) {
        const jc_status status =
            jc_error_set(err, JC_EINVAL, NULL, 0, "batch size %" PRId64 " is not between 1 and %d",
                         graph->options.batch_size, LARGEST_SIZE);
        free(graph);
        return status;
    }
    *out_graph = graph;
    return JC_OK;
}

jc_status jc_graph_parse(const char *text, size_t length, const char *name,
                         const jc_graph_options *options, jc_graph **out_graph, jc_error *err) {
    jc_graph *graph = NULL;
    jc_status status = create(options, &graph, err);
    if (status != JC_OK) {
        return status;
    }
    status = onnx_is_name(name) ? onnx_parse(text, length, name, graph, err)
                                : build(graph, text, length, name, err);
    return finish(graph, status, name, out_graph, err);
}

jc_status graph_from_layers(const jc_yaml *layers, const char *file, const jc_shape *input,
                            jc_graph **out_graph, jc_error *err) {
    char sizes[JC_MAX_RANK][24];
    jc_yaml size[JC_MAX_RANK];
    const int rank = input->rank - 1; // of one sample
    for (int i = 0; i < rank; ++i) {
        (void)snprintf(sizes[i], sizeof sizes[i], "%" PRId64, input->dim[i + 1]);
        size[i] = (jc_yaml){
            .line = layers->line, .text = sizes[i], .next = i + 1 < rank ? &size[i + 1] : NULL};
    }
    jc_yaml shape = {.kind = JC_YAML_SEQUENCE,
                     .line = layers->line,
                     .n = rank,
                     .key = "input",
                     .key_line = layers->line,
                     .child = size};
    jc_yaml list = *layers;
    list.key = "layers";
    list.next = NULL;
    jc_yaml inputs = {.kind = JC_YAML_MAPPING,
                      .line = layers->line,
                      .n = 1,
                      .key = "inputs",
                      .key_line = layers->line,
                      .child = &shape,
                      .next = &list};
    const jc_yaml root = {.kind = JC_YAML_MAPPING, .line = layers->line, .n = 2, .child = &inputs};
    const jc_graph_options options = {.batch_size = input->dim[0]};
    jc_graph *graph = NULL;
    const jc_status status = create(&options, &graph, err);
    return status != JC_OK
               ? status
               : finish(graph, build_tree(graph, &root, file, err), file, out_graph, err);
}

jc_status jc_graph_load(const char *path, const jc_graph_options *options, jc_graph **out_graph,
                        jc_error *err) {
    if (onnx_is_name(path)) {
        jc_graph *graph = NULL;
        const jc_status status = create(options, &graph, err);
        return status != JC_OK ? status
                               : finish(graph, onnx_load(path, graph, err), path, out_graph, err);
    }
    jc_arena arena = {0};
    char *text = NULL;
    size_t length = 0;
    jc_status status = jc_file_read(path, JC_YAML_MAX_BYTES, &arena, &text, &length, err);
    if (status == JC_OK) {
        status = jc_graph_parse(text, length, path, options, out_graph, err);
    }
    jc_arena_clear(&arena);
    return status;
}

void jc_graph_free(jc_graph *graph) {
    if (graph != NULL) {
        jc_arena_clear(&graph->arena);
        free(graph);
    }
}

// --- Looking --------------------------------------------------------------------------------

const char *jc_graph_name(const jc_graph *graph) {
    return graph->name;
}

double jc_graph_error_rate(const jc_graph *graph) {
    return graph->error_rate;
}

const jc_layer *jc_graph_layers(const jc_graph *graph, size_t *out_n) {
    *out_n = graph->n_layers;
    return graph->layers;
}

const uint32_t *jc_graph_outputs(const jc_graph *graph, size_t *out_n) {
    *out_n = graph->n_outputs;
    return graph->outputs;
}

const jc_graph_unknown *jc_graph_unknowns(const jc_graph *graph, size_t *out_n) {
    *out_n = graph->n_unknown;
    return graph->unknown;
}

int64_t jc_graph_batch_size(const jc_graph *graph) {
    return graph->options.batch_size;
}

jc_precision jc_graph_precision(const jc_graph *graph) {
    return graph->options.precision;
}

// --- Names ----------------------------------------------------------------------------------

size_t layer_local_name(const layer_template *t, int repetition, char *buffer, size_t size) {
    size_t n_ops = 0;
    const jc_op *const *ops = jc_ops(&n_ops);
    size_t index = 0;
    if (t->block != NULL) {
        index = n_ops + (size_t)t->block->index;
    } else {
        while (ops[index] != t->op) {
            ++index;
        }
    }
    int used = 0;
    if (t->name != NULL) {
        used = snprintf(buffer, size, "%s", t->name);
    } else if (t->owner->n_uses[index] == 1) {
        used = snprintf(buffer, size, "%s", layer_key(t));
    } else {
        used = snprintf(buffer, size, "%s_%d", layer_key(t), t->use);
    }
    const size_t n = (size_t)used < size ? (size_t)used : size - 1;
    if (!t->has_repeat) {
        return n;
    }
    used = snprintf(buffer + n, size - n, "[%d]", repetition);
    return n + ((size_t)used < size - n ? (size_t)used : size - n - 1);
}

// Put `text` and a dot before what is in buffer[*at..]; false if there is no more room.
static bool prepend(char *buffer, size_t *at, const char *text, size_t length) {
    const size_t dot = buffer[*at] == '\0' ? 0 : 1;
    if (length + dot > *at) {
        return false;
    }
    if (dot == 1) {
        buffer[--*at] = '.';
    }
    *at -= length;
    memcpy(buffer + *at, text, length);
    return true;
}

const char *jc_layer_name(const jc_graph *graph, size_t layer, char *buffer) {
    const layer_origin *origin = &graph->origins[layer];
    if (origin->name != NULL) {
        (void)snprintf(buffer, JC_LAYER_NAME_SIZE, "%s", origin->name);
        return buffer;
    }
    // Innermost part first, written from the end, so that what is cut off is the outermost.
    size_t at = JC_LAYER_NAME_SIZE - 1;
    buffer[at] = '\0';
    char local[JC_LAYER_NAME_SIZE];
    size_t length = layer_local_name(origin->template_, origin->repetition, local, sizeof local);
    const scope *s = origin->scope;
    while (prepend(buffer, &at, local, length) && s != NULL) {
        length = layer_local_name(s->call, s->repetition, local, sizeof local);
        s = s->parent;
    }
    memmove(buffer, buffer + at, JC_LAYER_NAME_SIZE - at);
    return buffer;
}
