// SPDX-License-Identifier: Apache-2.0
// Classes of channels, and what becomes of the layers when some of them go.
#include "channels_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Far above every real network (ResNet-152 makes 1e5 channels): bounds the memory of hostile ones.
enum { MAX_UNITS = 1 << 22, MAX_LISTED = 1 << 25 };

uint32_t channels_root(const channels *c, uint32_t unit) {
    while (c->units[unit].parent != unit) {
        c->units[unit].parent = c->units[c->units[unit].parent].parent;
        unit = c->units[unit].parent;
    }
    return unit;
}

int64_t channels_parameter(const jc_layer *layer, const char *name) {
    const jc_param *param = layer->op == NULL ? NULL : jc_op_param(layer->op, name);
    return param == NULL || layer->values == NULL ? 0 : layer->values[param->slot].i;
}

const jc_value *channels_sizes(const jc_layer *layer, const char *name) {
    return &layer->values[jc_op_param(layer->op, name)->slot];
}

int channels_axis_after_reshape(const jc_shape *from, int axis, const jc_shape *to) {
    int64_t before = 1;
    for (int i = 1; i < axis; ++i) {
        before *= from->dim[i];
    }
    int64_t before_it = 1;
    for (int b = 1; b < to->rank; before_it *= to->dim[b++]) {
        int64_t joined = from->dim[axis];
        for (int i = axis + 1; i < from->rank && joined < to->dim[b]; ++i) {
            joined *= from->dim[i];
        }
        if (before_it == before && joined == to->dim[b]) {
            return b;
        }
    }
    return -1;
}

int64_t channels_groups(const channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const int64_t of_norm = channels_parameter(l, "num_groups");
    const int64_t of_convolution = c->tensors[layer].is_made ? channels_parameter(l, "groups") : 0;
    const int64_t groups = of_norm > 1 ? of_norm : of_convolution;
    return groups > 1 ? groups : 1;
}

bool channels_is_depthwise(const channels *c, size_t layer) {
    const jc_layer *l = &c->layers[layer];
    const int64_t groups = channels_parameter(l, "groups");
    return groups > 1 && groups == c->layers[l->inputs[0]].output.dim[1];
}

uint32_t *channels_list(channels *c, size_t n) {
    if (n > MAX_LISTED - c->n_listed) {
        c->has_too_many = true;
        return NULL;
    }
    c->n_listed += n;
    return jc_arena_take(&c->arena, n + 1, sizeof(uint32_t));
}

uint32_t *channels_make(channels *c, size_t n) {
    if (n > MAX_UNITS - c->n_units) {
        c->has_too_many = true;
        return NULL;
    }
    uint32_t *made = channels_list(c, n);
    if (made == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < n; ++i) {
        channel_unit *units =
            jc_arena_grow(&c->arena, c->units, c->n_units, &c->unit_capacity, sizeof *units);
        if (units == NULL) {
            return NULL;
        }
        c->units = units;
        made[i] = (uint32_t)c->n_units;
        units[c->n_units++] = (channel_unit){.parent = made[i], .is_kept = true};
    }
    return made;
}

// --- Classes --------------------------------------------------------------------------------

static bool add_class(channels *c) {
    channel_class *classes =
        jc_arena_grow(&c->arena, c->classes, c->n_classes, &c->class_capacity, sizeof *classes);
    if (classes == NULL) {
        return false;
    }
    c->classes = classes;
    classes[c->n_classes++] = (channel_class){.multiple = 1};
    return true;
}

/** Successors of classes in one round of refinement: those of a round have its stamp. */
typedef struct refinement {
    uint32_t *successor; ///< [most classes]
    uint32_t *stamp;
} refinement;

// Moves a root to the successor of its class in this round.
static bool refine(channels *c, refinement *r, uint32_t root, uint32_t round) {
    channel_unit *u = &c->units[root];
    if (u->seen == round) {
        return true;
    }
    u->seen = round;
    if (r->stamp[u->class_] != round) {
        r->stamp[u->class_] = round;
        r->successor[u->class_] = (uint32_t)c->n_classes;
        if (!add_class(c)) {
            return false;
        }
    }
    u->class_ = r->successor[u->class_];
    return true;
}

// Two roots end in one class if every layer makes both or neither, and both or neither are pinned.
static bool divide(channels *c, refinement *r) {
    uint32_t round = 1;
    bool ok = add_class(c);
    for (size_t i = 0; ok && i < c->n_layers; ++i) {
        const channel_tensor *t = &c->tensors[i];
        for (size_t u = 0; ok && t->is_made && u < t->n; ++u) {
            ok = refine(c, r, channels_root(c, t->units[u]), round);
        }
        round += t->is_made ? 1 : 0;
    }
    for (uint32_t u = 0; ok && u < c->n_units; ++u) {
        if (c->units[u].parent == u && c->units[u].is_pinned) {
            ok = refine(c, r, u, round);
        }
    }
    return ok;
}

// Drops the empty classes, and counts.
static void number_classes(channels *c, uint32_t *renumbered) {
    for (uint32_t u = 0; u < c->n_units; ++u) {
        if (c->units[u].parent == u) {
            c->classes[c->units[u].class_].n++;
        }
    }
    size_t n = 0;
    for (size_t k = 0; k < c->n_classes; ++k) {
        if (c->classes[k].n > 0) {
            renumbered[k] = (uint32_t)n;
            c->classes[n++] = c->classes[k];
        }
    }
    c->n_classes = n;
    for (uint32_t u = 0; u < c->n_units; ++u) {
        channel_unit *unit = &c->units[u];
        if (unit->parent == u) {
            unit->class_ = renumbered[unit->class_];
            channel_class *class_ = &c->classes[unit->class_];
            class_->n_kept = class_->n;
            if (unit->is_pinned && !class_->is_pinned) {
                class_->is_pinned = true;
                class_->reason = unit->reason;
                class_->reason_layer = unit->reason_layer;
            }
        }
    }
}

static int64_t gcd(int64_t a, int64_t b) {
    return b == 0 ? a : gcd(b, a % b);
}

// What meets groups, of a convolution or a norm, is left in multiples of them.
static void add_multiples(channels *c) {
    for (size_t i = 0; i < c->n_layers; ++i) {
        const int64_t groups = channels_groups(c, i);
        if (groups == 1) {
            continue;
        }
        const channel_tensor *sides[2] = {&c->tensors[i], &c->tensors[c->layers[i].inputs[0]]};
        for (int s = 0; s < 2; ++s) {
            for (size_t u = 0; u < sides[s]->n; ++u) {
                const uint32_t root = channels_root(c, sides[s]->units[u]);
                channel_class *class_ = &c->classes[c->units[root].class_];
                // More than there are leaves them all: no need to count beyond.
                const int64_t multiple =
                    class_->multiple * (groups / gcd(class_->multiple, groups));
                class_->multiple = multiple < MAX_UNITS ? multiple : MAX_UNITS;
            }
        }
    }
}

static jc_status classify(channels *c) {
    size_t most = 2;
    for (size_t i = 0; i < c->n_layers; ++i) {
        most += c->tensors[i].is_made ? c->tensors[i].n : 0;
    }
    most += c->n_units;
    refinement r = {.successor = calloc(most, sizeof *r.successor),
                    .stamp = calloc(most, sizeof *r.stamp)};
    const bool ok = r.successor != NULL && r.stamp != NULL && divide(c, &r);
    if (ok) {
        number_classes(c, r.successor);
        add_multiples(c);
    }
    free(r.successor);
    free(r.stamp);
    return ok ? JC_OK : JC_ENOMEM;
}

// --- From outside -----------------------------------------------------------------------------

static jc_status follow_all(channels *c) {
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < c->n_layers; ++i) {
        status = channels_follow(c, i);
    }
    size_t n_outputs = 0;
    const uint32_t *outputs = jc_graph_outputs(c->graph, &n_outputs);
    for (size_t i = 0; status == JC_OK && i < n_outputs; ++i) {
        channels_pin(c, &c->tensors[outputs[i]], outputs[i], "they are outputs of the network");
    }
    return status == JC_OK ? classify(c) : status;
}

jc_status channels_find(const jc_graph *graph, channels **out_channels, jc_error *err) {
    channels *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    c->graph = graph;
    c->layers = jc_graph_layers(graph, &c->n_layers);
    c->tensors = jc_arena_alloc(&c->arena, c->n_layers + 1, sizeof *c->tensors);
    const jc_status status = c->tensors == NULL ? JC_ENOMEM : follow_all(c);
    if (status != JC_OK) {
        const bool has_too_many = c->has_too_many;
        channels_free(c);
        return has_too_many ? jc_error_set(err, JC_EUNSUPPORTED, NULL, 0,
                                           "the network has more channels than can be followed")
                            : jc_error_set(err, status, NULL, 0, "out of memory");
    }
    *out_channels = c;
    return JC_OK;
}

void channels_free(channels *c) {
    if (c != NULL) {
        jc_arena_clear(&c->arena);
        free(c);
    }
}

channel_class *channels_classes(channels *c, size_t *out_n) {
    *out_n = c->n_classes;
    return c->classes;
}

bool channels_makes(const channels *c, size_t layer) {
    return c->tensors[layer].is_made;
}

size_t channels_of_layer(const channels *c, size_t layer, size_t *out_classes) {
    const channel_tensor *t = &c->tensors[layer];
    size_t n = 0;
    for (size_t u = 0; t->is_made && u < t->n; ++u) {
        const size_t class_ = c->units[channels_root(c, t->units[u])].class_;
        size_t i = n; // the last classes first: channels of one class are neighbours
        while (i > 0 && out_classes[i - 1] != class_) {
            --i;
        }
        if (i == 0) {
            out_classes[n++] = class_;
        }
    }
    return n;
}

size_t channels_multiple(const channel_class *class_, int64_t also) {
    return (size_t)(class_->multiple / gcd(class_->multiple, also) * also);
}

// --- Edits ----------------------------------------------------------------------------------

static size_t count_kept(const channels *c, const channel_tensor *t, size_t from, size_t to) {
    size_t n = 0;
    for (size_t u = from; u < to; ++u) {
        n += c->units[channels_root(c, t->units[u])].is_kept;
    }
    return n;
}

static size_t kept(const channels *c, const channel_tensor *t) {
    return count_kept(c, t, 0, t->n);
}

// Unit p of the n in a class stays if ⌊(p + 1)·k/n⌋ > ⌊p·k/n⌋.
static bool choose_kept(channels *c) {
    size_t *position = calloc(c->n_classes + 1, sizeof *position);
    for (uint32_t u = 0; position != NULL && u < c->n_units; ++u) {
        channel_unit *unit = &c->units[u];
        if (unit->parent == u) {
            const channel_class *k = &c->classes[unit->class_];
            const size_t p = position[unit->class_]++;
            unit->is_kept = (p + 1) * k->n_kept / k->n > p * k->n_kept / k->n;
        }
    }
    free(position);
    return position != NULL;
}

static void set(const jc_layer *layer, jc_value *values, const char *name, size_t value) {
    const jc_param *param = jc_op_param(layer->op, name);
    if (param != NULL) {
        values[param->slot].i = (int64_t)value;
    }
}

static jc_status check_groups(const channels *c, size_t layer, const channel_tensor *t,
                              const char *what, jc_error *err) {
    const size_t groups = (size_t)channels_groups(c, layer);
    for (size_t g = 0; g < groups; ++g) {
        const size_t n = count_kept(c, t, g * (t->n / groups), (g + 1) * (t->n / groups));
        if (n * groups != kept(c, t)) {
            char name[JC_LAYER_NAME_SIZE];
            return jc_error_set(err, JC_ESHAPE, NULL, 0,
                                "layer '%s' has %zu groups, of whose %s group %zu would keep %zu "
                                "of %zu in all: groups have to stay equal",
                                jc_layer_name(c->graph, layer, name), groups, what, g + 1, n,
                                kept(c, t));
        }
    }
    return JC_OK;
}

static jc_status edit_convolution(const channels *c, size_t layer, jc_value *values,
                                  jc_error *err) {
    const jc_layer *l = &c->layers[layer];
    const channel_tensor *in = &c->tensors[l->inputs[0]];
    if (channels_is_depthwise(c, layer)) {
        set(l, values, "groups", kept(c, in));
        return JC_OK;
    }
    const jc_status status = check_groups(c, layer, in, "input channels", err);
    return status == JC_OK ? check_groups(c, layer, &c->tensors[layer], "output channels", err)
                           : status;
}

static jc_status edit_narrow(const channels *c, size_t layer, jc_value *values, jc_error *err) {
    const jc_layer *l = &c->layers[layer];
    const channel_tensor *in = &c->tensors[l->inputs[0]];
    const channel_tensor *out = &c->tensors[layer];
    if (out->units == in->units && out->n == in->n) {
        return JC_OK; // it narrows another axis, or nothing
    }
    const size_t length = kept(c, out);
    if (length == 0) {
        char name[JC_LAYER_NAME_SIZE];
        return jc_error_set(err, JC_ESHAPE, NULL, 0, "nothing would be left for layer '%s'",
                            jc_layer_name(c->graph, layer, name));
    }
    set(l, values, "start", count_kept(c, in, 0, (size_t)(out->units - in->units)));
    set(l, values, "length", length);
    return JC_OK;
}

// Where the channels are among the sizes; a size that is derived stays so.
static void edit_reshape(const channels *c, size_t layer, jc_value *values) {
    const channel_tensor *out = &c->tensors[layer];
    jc_value *size = &values[jc_op_param(c->layers[layer].op, "shape")->slot +
                             out->axis]; // the batch is not one
    if (size->i > 0) {
        size->i = (int64_t)kept(c, out) * out->inner;
    }
}

static jc_status edit_values(const channels *c, size_t layer, jc_value *values, jc_error *err) {
    const jc_layer *l = &c->layers[layer];
    const channel_tensor *in = l->n_inputs == 0 ? NULL : &c->tensors[l->inputs[0]];
    if (c->tensors[layer].is_made) {
        set(l, values, "out_channels", kept(c, &c->tensors[layer]));
        set(l, values, "out_features", kept(c, &c->tensors[layer]));
        set(l, values, "embedding_dim", kept(c, &c->tensors[layer]));
    }
    // Sizes that the shape rule derives; where they were written they would be wrong now.
    set(l, values, "in_channels", JC_SIZE_DERIVED);
    set(l, values, "in_features", JC_SIZE_DERIVED);
    set(l, values, "num_features", JC_SIZE_DERIVED);
    if (channels_parameter(l, "normalized_shape") == 1) {
        set(l, values, "normalized_shape", 0);
    }
    if (channels_parameter(l, "num_parameters") > 1) {
        set(l, values, "num_parameters", kept(c, in));
    }
    if (strcmp(l->op->name, "conv2d") == 0 || strcmp(l->op->name, "conv_transpose2d") == 0) {
        set(l, values, "out_channels", kept(c, &c->tensors[layer]));
        return edit_convolution(c, layer, values, err);
    }
    if (strcmp(l->op->name, "channel_shuffle") == 0) {
        // Channels that no longer divide are gathered by an index list: it moves the same bytes.
        set(l, values, "groups",
            (size_t)gcd(channels_parameter(l, "groups"), (int64_t)kept(c, in)));
    }
    if (channels_parameter(l, "num_groups") > 1) {
        return check_groups(c, layer, in, "channels", err);
    }
    if (strcmp(l->op->name, "reshape") == 0) {
        edit_reshape(c, layer, values);
    }
    return strcmp(l->op->name, "narrow") == 0 ? edit_narrow(c, layer, values, err) : JC_OK;
}

jc_status channels_edit(channels *c, jc_arena *arena, jc_layer_edit *edits, jc_error *err) {
    bool changes = false;
    for (size_t k = 0; k < c->n_classes; ++k) {
        changes = changes || c->classes[k].n_kept < c->classes[k].n;
    }
    if (!changes) {
        return JC_OK;
    }
    if (!choose_kept(c)) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    for (size_t i = 0; i < c->n_layers; ++i) {
        const jc_layer *l = &c->layers[i];
        if (l->op == NULL || l->op->params[0].name == NULL || l->values == NULL) {
            continue;
        }
        jc_value *values = jc_arena_take(arena, JC_OP_MAX_SLOTS, sizeof *values);
        if (values == NULL) {
            return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
        }
        memcpy(values, l->values, JC_OP_MAX_SLOTS * sizeof *values);
        const jc_status status = edit_values(c, i, values, err);
        if (status != JC_OK) {
            return status;
        }
        edits[i].values = values;
    }
    return JC_OK;
}
