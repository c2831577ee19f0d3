// SPDX-License-Identifier: Apache-2.0
// A graph as an architecture file: one layer after the other, sizes as numbers; what repeats itself
// as a block.
#include "write_repeats.h"

#include "common/yaml/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = JC_LAYER_NAME_SIZE + 24 };

/** A graph being written. */
typedef struct writing {
    const jc_graph *graph;
    jc_yaml_writer *w;
    char (*names)[NAME_SIZE]; ///< [n_layers] "" = none is needed
    repeats *repeats;         ///< [n_repeats] written as blocks
    size_t n_repeats;
    size_t block; ///< first layer of the block being written; 0 = none
} writing;

// What the layer before a block is called within it, and blocks are.
static const char block_input[] = "input";
static const char block_stem[] = "repeated";

// --- Names ----------------------------------------------------------------------------------

// An operator's name, perhaps with a number: such names are the program's to give.
static bool looks_automatic(const char *name) {
    char stem[NAME_SIZE];
    (void)snprintf(stem, sizeof stem, "%s", name);
    size_t n = strlen(stem);
    while (n > 0 && stem[n - 1] >= '0' && stem[n - 1] <= '9') {
        --n;
    }
    if (n > 0 && n < strlen(stem) && stem[n - 1] == '_') {
        stem[n - 1] = '\0';
    }
    return jc_op_find(stem) != NULL || jc_op_find(name) != NULL || strcmp(stem, block_stem) == 0 ||
           strcmp(name, block_input) == 0;
}

// Letters, digits and _, not beginning with a digit, and unlike any other: the index makes it so.
static void make_name(const writing *x, size_t i) {
    char full[JC_LAYER_NAME_SIZE];
    char *name = x->names[i];
    (void)jc_layer_name(x->graph, i, full);
    size_t n = 0;
    if ((full[0] >= '0' && full[0] <= '9') || full[0] == '\0') {
        name[n++] = '_';
    }
    for (const char *c = full; *c != '\0'; ++c) {
        const bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                             (*c >= '0' && *c <= '9') || *c == '_';
        name[n++] = '_';
        if (is_word) {
            name[n - 1] = *c;
        }
    }
    name[n] = '\0';
    if (looks_automatic(name)) {
        (void)snprintf(name + n, NAME_SIZE - n, "_at");
    }
}

static int compare_names(const void *a, const void *b) {
    const char *one = *(const char *const *)a;
    const char *other = *(const char *const *)b;
    const int order = strcmp(one, other);
    return order != 0 ? order : (one > other) - (one < other);
}

// Equal names are told apart by the index of their layer; the last keeps its own: what
// a node needs beforehand stands before it.
static jc_status make_unique(const writing *x) {
    const size_t n = x->graph->n_layers;
    char **sorted = calloc(n + 1, sizeof *sorted);
    if (sorted == NULL) {
        return JC_ENOMEM;
    }
    for (size_t i = 0; i < n; ++i) {
        sorted[i] = x->names[i];
    }
    qsort((void *)sorted, n, sizeof *sorted, compare_names);
    for (size_t i = 0; i + 1 < n; ++i) {
        if (sorted[i][0] != '\0' && strcmp(sorted[i], sorted[i + 1]) == 0) {
            const size_t index = (size_t)(sorted[i] - x->names[0]) / NAME_SIZE;
            const size_t length = strlen(sorted[i]);
            (void)snprintf(sorted[i] + length, NAME_SIZE - length, "_n%zu", index);
        }
    }
    free((void *)sorted);
    return JC_OK;
}

// Layers that another takes which does not stand behind them, and outputs, need a name.
static void name_needed(const writing *x) {
    const jc_graph *g = x->graph;
    for (size_t i = 0; i < g->n_layers; ++i) {
        const jc_layer *layer = &g->layers[i];
        if (layer->op == NULL) {
            make_name(x, i);
            continue;
        }
        for (size_t k = 0; k < layer->n_inputs; ++k) {
            const uint32_t in = layer->inputs[k];
            if ((layer->n_inputs != 1 || in + 1 != i) && x->names[in][0] == '\0') {
                make_name(x, in);
            }
        }
    }
    for (size_t i = 0; i < g->n_outputs; ++i) {
        if (x->names[g->outputs[i]][0] == '\0') {
            make_name(x, g->outputs[i]);
        }
    }
}

// All others keep theirs, but for those of blocks: a name says which of the repetitions it is from.
static jc_status name_layers(const writing *x) {
    name_needed(x);
    size_t r = 0;
    for (size_t i = 0; i < x->graph->n_layers; ++i) {
        if (r < x->n_repeats && x->repeats[r].first == i) {
            i += x->repeats[r].count * x->repeats[r].length - 1;
            ++r;
        } else if (x->names[i][0] == '\0') {
            make_name(x, i);
        }
    }
    return make_unique(x);
}

// --- Layers ---------------------------------------------------------------------------------

static void write_slot(jc_yaml_writer *w, jc_param_type type, jc_value value) {
    if (type == JC_PARAM_FLAG) {
        jc_yaml_write_flag(w, value.i != 0);
    } else if (type == JC_PARAM_REAL) {
        jc_yaml_write_double(w, value.real);
    } else {
        jc_yaml_write_int64(w, value.i);
    }
}

// Several slots as a list; as one number where all are equal.
static void write_slots(jc_yaml_writer *w, const jc_param *p, const jc_value *v, int n) {
    bool equal = p->type != JC_PARAM_SIZES;
    for (int i = 1; i < n && equal; ++i) {
        equal = v[i].i == v[0].i;
    }
    if (equal) {
        write_slot(w, p->type, v[0]);
        return;
    }
    jc_yaml_open_sequence(w, true);
    for (int i = 0; i < n; ++i) {
        write_slot(w, JC_PARAM_INTEGER, v[i]);
    }
    jc_yaml_close_sequence(w);
}

static void write_param(jc_yaml_writer *w, const jc_param *p, const jc_value *values) {
    const jc_value *v = values + p->slot;
    jc_yaml_write_text(w, p->name);
    if (p->type == JC_PARAM_CHOICE) {
        jc_yaml_write_text(w, p->choices[v->i]);
    } else if (p->type == JC_PARAM_SIZES) {
        write_slots(w, p, v + 1, (int)v->i);
    } else if (p->type == JC_PARAM_PADDING && v->i == JC_PADDING_SAME) {
        jc_yaml_write_text(w, "same");
    } else {
        write_slots(w, p, v, jc_param_slots(p->type));
    }
}

static bool is_default(const jc_param *p, const jc_value *values, const jc_value *defaults) {
    const int n = p->type == JC_PARAM_SIZES ? 1 + (int)values[p->slot].i : jc_param_slots(p->type);
    return memcmp(values + p->slot, defaults + p->slot, (size_t)n * sizeof *values) == 0;
}

static const char *name_of(const writing *x, uint32_t layer) {
    return layer < x->block ? block_input : x->names[layer];
}

static void write_inputs(const writing *x, size_t i) {
    const jc_layer *layer = &x->graph->layers[i];
    jc_yaml_write_text(x->w, "inputs");
    if (layer->n_inputs == 1) {
        jc_yaml_write_text(x->w, name_of(x, layer->inputs[0]));
        return;
    }
    jc_yaml_open_sequence(x->w, true);
    for (size_t k = 0; k < layer->n_inputs; ++k) {
        jc_yaml_write_text(x->w, name_of(x, layer->inputs[k]));
    }
    jc_yaml_close_sequence(x->w);
}

// Whether a layer takes anything but the one before it; of several inputs none stands before.
static bool is_linked(const writing *x, size_t i) {
    const jc_layer *layer = &x->graph->layers[i];
    const bool is_behind = layer->n_inputs == 1 && layer->inputs[0] + 1 == i &&
                           (i == 1 || x->graph->layers[i - 1].op != NULL);
    return layer->n_inputs > 0 && !is_behind;
}

static bool is_converted(const writing *x, const jc_layer *layer) {
    return layer->kernel.kind != JC_KERNEL_NONE &&
           layer->kernel.precision != x->graph->options.precision;
}

// An operator as it is by default, behind the one it takes.
static bool is_bare(const writing *x, size_t i, const jc_value *defaults) {
    const jc_layer *layer = &x->graph->layers[i];
    bool bare = x->names[i][0] == '\0' && !is_linked(x, i) && !layer->params_given &&
                !is_converted(x, layer);
    for (const jc_param *p = layer->op->params; p->name != NULL && bare; ++p) {
        bare = !p->required && is_default(p, layer->values, defaults);
    }
    return bare;
}

static void write_layer(const writing *x, size_t i) {
    const jc_layer *layer = &x->graph->layers[i];
    jc_yaml_writer *w = x->w;
    jc_op_call call;
    memset(&call, 0, sizeof call);
    jc_op_set_defaults(layer->op, &call);
    if (is_bare(x, i, call.value)) {
        jc_yaml_write_text(w, layer->op->name);
        return;
    }
    jc_yaml_open_mapping(w, false);
    jc_yaml_write_text(w, layer->op->name);
    jc_yaml_open_mapping(w, true);
    if (x->names[i][0] != '\0') {
        jc_yaml_write_text(w, "name");
        jc_yaml_write_text(w, x->names[i]);
    }
    if (is_linked(x, i)) {
        write_inputs(x, i);
    }
    for (const jc_param *p = layer->op->params; p->name != NULL; ++p) {
        if (p->required || !is_default(p, layer->values, call.value)) {
            write_param(w, p, layer->values);
        }
    }
    if (layer->params_given) {
        jc_yaml_write_text(w, "params");
        jc_yaml_write_int64(w, layer->params);
    }
    if (is_converted(x, layer)) {
        jc_yaml_write_text(w, "precision");
        jc_yaml_write_text(w, jc_precision_name(layer->kernel.precision));
    }
    jc_yaml_close_mapping(w);
    jc_yaml_close_mapping(w);
}

// --- The document ---------------------------------------------------------------------------

static void name_block(size_t r, char *buffer, size_t size) {
    (void)snprintf(buffer, size, "%s_%zu", block_stem, r + 1);
}

static void write_blocks(writing *x) {
    if (x->n_repeats == 0) {
        return;
    }
    jc_yaml_write_text(x->w, "blocks");
    jc_yaml_open_mapping(x->w, false);
    for (size_t r = 0; r < x->n_repeats; ++r) {
        char name[NAME_SIZE];
        name_block(r, name, sizeof name);
        jc_yaml_write_text(x->w, name);
        jc_yaml_open_mapping(x->w, false);
        jc_yaml_write_text(x->w, "layers");
        jc_yaml_open_sequence(x->w, false);
        const repeats *block = &x->repeats[r];
        x->block = block->first;
        // What follows takes the last layer by the name of the whole.
        x->names[block->first + block->length - 1][0] = '\0';
        for (size_t i = 0; i < block->length; ++i) {
            write_layer(x, block->first + i);
        }
        x->block = 0;
        jc_yaml_close_sequence(x->w);
        jc_yaml_close_mapping(x->w);
    }
    jc_yaml_close_mapping(x->w);
}

static void write_repeated(const writing *x, size_t r) {
    const repeats *block = &x->repeats[r];
    const char *last = x->names[block->first + block->count * block->length - 1];
    char name[NAME_SIZE];
    name_block(r, name, sizeof name);
    jc_yaml_open_mapping(x->w, false);
    jc_yaml_write_text(x->w, name);
    jc_yaml_open_mapping(x->w, true);
    if (last[0] != '\0') {
        jc_yaml_write_text(x->w, "name");
        jc_yaml_write_text(x->w, last);
    }
    jc_yaml_write_text(x->w, "repeat");
    jc_yaml_write_int64(x->w, (int64_t)block->count);
    jc_yaml_close_mapping(x->w);
    jc_yaml_close_mapping(x->w);
}

static void write_layers(const writing *x) {
    jc_yaml_write_text(x->w, "layers");
    jc_yaml_open_sequence(x->w, false);
    size_t r = 0;
    for (size_t i = 0; i < x->graph->n_layers; ++i) {
        if (r < x->n_repeats && x->repeats[r].first == i) {
            i += x->repeats[r].count * x->repeats[r].length - 1;
            write_repeated(x, r++);
        } else if (x->graph->layers[i].op != NULL) {
            write_layer(x, i);
        }
    }
    jc_yaml_close_sequence(x->w);
}

static void write_document(writing *x) {
    const jc_graph *g = x->graph;
    jc_yaml_writer *w = x->w;
    jc_yaml_open_mapping(w, false);
    jc_yaml_write_text(w, "name");
    jc_yaml_write_text(w, g->name);
    jc_yaml_write_text(w, "inputs");
    jc_yaml_open_mapping(w, false);
    for (size_t i = 0; i < g->n_layers && g->layers[i].op == NULL; ++i) {
        const jc_shape *shape = &g->layers[i].output;
        jc_yaml_write_text(w, x->names[i]);
        jc_yaml_open_sequence(w, true);
        for (int axis = 1; axis < shape->rank; ++axis) {
            jc_yaml_write_int64(w, shape->dim[axis]);
        }
        jc_yaml_close_sequence(w);
    }
    jc_yaml_close_mapping(w);
    write_blocks(x);
    write_layers(x);
    jc_yaml_write_text(w, "outputs");
    jc_yaml_open_sequence(w, true);
    for (size_t i = 0; i < g->n_outputs; ++i) {
        jc_yaml_write_text(w, x->names[g->outputs[i]]);
    }
    jc_yaml_close_sequence(w);
    jc_yaml_close_mapping(w);
}

jc_status jc_graph_write(const jc_graph *graph, FILE *file, jc_error *err) {
    writing x = {.graph = graph, .w = jc_yaml_writer_open(file)};
    x.names = calloc(graph->n_layers + 1, sizeof *x.names);
    jc_status status = x.w == NULL || x.names == NULL ? JC_ENOMEM : JC_OK;
    for (size_t i = 0; status == JC_OK && i < graph->n_layers; ++i) {
        if (graph->layers[i].op != NULL && graph->layers[i].values == NULL) {
            status = JC_EUNSUPPORTED;
        }
    }
    if (status == JC_OK) {
        status = repeats_find(graph, &x.repeats, &x.n_repeats);
    }
    if (status == JC_OK) {
        status = name_layers(&x);
    }
    if (status == JC_OK) {
        write_document(&x);
    } else {
        (void)jc_error_set(err, status, NULL, 0, "%s", jc_status_message(status));
    }
    if (x.w != NULL) {
        const jc_status closed = jc_yaml_writer_close(x.w, status == JC_OK ? err : NULL);
        status = status == JC_OK ? closed : status;
    }
    free(x.names);
    free(x.repeats);
    return status;
}
