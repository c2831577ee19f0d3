// SPDX-License-Identifier: Apache-2.0
// Channels: how many of each class stay, by ratio, by list, or by what they cost.
#include "channels.h"
#include "variant.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Pruning while it is decided. */
typedef struct pruning {
    variant *v;
    channels *found;
    channel_class *classes;
    size_t n_classes;
    const statement **by; ///< [classes] who decided
    bool *matches;        ///< [layers]
    size_t *of_layer;     ///< [classes] scratch
} pruning;

// --- By ratio and by list ---------------------------------------------------------------------

// Channels of a class that a ratio leaves: rounded to the nearest multiple that groups and the
// statement ask for.
static jc_status kept_by_ratio(const statement *s, const channel_class *class_, const char *layer,
                               size_t *out_kept, jc_error *err) {
    const double left = (double)class_->n * (1 - s->number);
    if (s->number <= 0) {
        *out_kept = class_->n;
        return JC_OK;
    }
    if (floor(left + 0.5) < 1) {
        return statement_fail(s, JC_ERANGE, err,
                              "ratio %.6g leaves no channel of the %zu of layer '%.80s'", s->number,
                              class_->n, layer);
    }
    const double multiple = (double)channels_multiple(class_, s->multiple);
    const double kept = fmax(floor(left / multiple + 0.5) * multiple, multiple);
    *out_kept = kept < (double)class_->n ? (size_t)kept : class_->n;
    return JC_OK;
}

static jc_status kept_by_list(const pruning *p, const statement *s, size_t layer, size_t n_classes,
                              size_t *out_kept, jc_error *err) {
    const char *name = p->v->names[layer];
    const channel_class *class_ = &p->classes[p->of_layer[0]];
    if (n_classes != 1) {
        return statement_fail(s, JC_ESHAPE, err,
                              "the channels of '%.80s' belong to %zu groups that other layers "
                              "share; give a ratio",
                              name, n_classes);
    }
    if (s->number > (double)class_->n) {
        return statement_fail(s, JC_ERANGE, err, "'%.80s' has %zu channels, not %.0f to keep", name,
                              class_->n, s->number);
    }
    *out_kept = (size_t)s->number;
    if (*out_kept % (size_t)class_->multiple != 0) {
        return statement_fail(s, JC_ESHAPE, err,
                              "%.0f channels of '%.80s' would break the groups of a convolution; "
                              "keep a multiple of %" PRId64,
                              s->number, name, class_->multiple);
    }
    return JC_OK;
}

static jc_status fail_pinned(const pruning *p, const statement *s, size_t layer,
                             const channel_class *class_, jc_error *err) {
    return statement_fail(s, JC_ESHAPE, err,
                          "channels of '%.80s' cannot be pruned: they reach '%.80s', and %s",
                          p->v->names[layer], p->v->names[class_->reason_layer], class_->reason);
}

// One decision on one class, found through a layer.
static jc_status decide(pruning *p, const statement *s, size_t layer, size_t k, size_t kept,
                        jc_error *err) {
    channel_class *class_ = &p->classes[k];
    const statement *before = p->by[k];
    const bool is_named = s->n_patterns > 0;
    const bool was_named = before != NULL && before->n_patterns > 0;
    if (before != NULL && before != s && was_named == is_named && class_->n_kept != kept) {
        return statement_fail(s, JC_EPARSE, err,
                              "contradicts line %d of %.120s: '%.80s' has channels in common with "
                              "what that prunes",
                              before->line, before->file, p->v->names[layer]);
    }
    if (before == NULL || is_named || !was_named) {
        class_->n_kept = kept;
        p->by[k] = s;
    }
    return JC_OK;
}

static jc_status prune_layer(pruning *p, const statement *s, size_t layer, jc_error *err) {
    const size_t n = channels_of_layer(p->found, layer, p->of_layer);
    bool any = false;
    jc_status status = JC_OK;
    const channel_class *pinned = NULL;
    for (size_t i = 0; status == JC_OK && i < n; ++i) {
        const channel_class *class_ = &p->classes[p->of_layer[i]];
        if (class_->is_pinned) {
            pinned = class_;
            continue;
        }
        any = true;
        size_t kept = 0;
        status = s->kind == STATEMENT_KEEP
                     ? kept_by_list(p, s, layer, n, &kept, err)
                     : kept_by_ratio(s, class_, p->v->names[layer], &kept, err);
        if (status == JC_OK) {
            status = decide(p, s, layer, p->of_layer[i], kept, err);
        }
    }
    // What is named has to go; of a whole network that goes which can.
    const bool is_refused = status == JC_OK && !any && pinned != NULL && s->n_patterns > 0;
    return is_refused && !(s->kind == STATEMENT_PRUNE && s->number <= 0)
               ? fail_pinned(p, s, layer, pinned, err)
               : status;
}

static jc_status prune_by_statement(pruning *p, const statement *s, jc_error *err) {
    jc_status status = variant_match(p->v, s, p->matches, err);
    bool any = false;
    for (size_t i = 0; status == JC_OK && i < p->v->n_layers; ++i) {
        if (p->matches[i] && channels_makes(p->found, i)) {
            any = true;
            status = prune_layer(p, s, i, err);
        }
    }
    return status == JC_OK && !any
               ? statement_fail(s, JC_EPARSE, err, "none of its layers makes channels of its own")
               : status;
}

// --- By energy --------------------------------------------------------------------------------

static jc_status edit(pruning *p, jc_graph **out_graph, jc_error *err) {
    jc_arena arena = {0};
    jc_layer_edit *edits = jc_arena_alloc(&arena, p->v->n_layers + 1, sizeof *edits);
    jc_status status =
        edits == NULL ? variant_out_of_memory(err) : channels_edit(p->found, &arena, edits, err);
    if (status == JC_OK) {
        status = jc_graph_edit(p->v->graph, edits, out_graph, err);
    }
    jc_arena_clear(&arena);
    return status;
}

/** A network on its way to an energy. */
typedef struct descent {
    const statement *s;
    const jc_source *source;
    jc_layer_cost *costs; ///< [layers] of the network as it is now
    double energy_j;
} descent;

static jc_status measure(pruning *p, descent *d, jc_error *err) {
    jc_graph *graph = NULL;
    const jc_status status = edit(p, &graph, err);
    if (status != JC_OK) {
        return status;
    }
    const jc_analysis what = {.graph = graph, .settings = p->v->settings};
    jc_totals totals;
    jc_analyze_part(d->source, &what, &totals, d->costs);
    d->energy_j = totals.energy_j;
    jc_graph_free(graph);
    return isnan(d->energy_j) ? statement_fail(d->s, JC_EUNSUPPORTED, err,
                                               "pruning by energy needs an energy, which the "
                                               "source does not have")
                              : JC_OK;
}

// Channels that a class loses in one step: a tenth of what it began with, in whole groups.
static size_t step_of(const channel_class *class_, const statement *s) {
    const size_t multiple = channels_multiple(class_, s->multiple);
    const size_t tenth = class_->n / 10 / multiple * multiple;
    return tenth > 0 ? tenth : multiple;
}

// Of the layers that can still lose channels, the one that costs most energy: Yang et al. (CVPR
// 2017, Sec. 4) prune in this order, since there pruning saves most.
static size_t dearest_class(pruning *p, const descent *d) {
    size_t best = SIZE_MAX;
    double most_j = 0;
    size_t n_layers = 0;
    const jc_layer *layers = jc_graph_layers(p->v->graph, &n_layers);
    for (size_t i = 0, at = 0; i < n_layers; ++i) {
        if (layers[i].op == NULL) {
            continue;
        }
        const double energy_j = d->costs[at++].prediction.energy_j;
        if (!channels_makes(p->found, i) || !p->matches[i] || !(energy_j > most_j)) {
            continue;
        }
        const size_t n = channels_of_layer(p->found, i, p->of_layer);
        for (size_t k = 0; k < n; ++k) {
            const channel_class *class_ = &p->classes[p->of_layer[k]];
            const statement *by = p->by[p->of_layer[k]];
            // What was pruned as one of all may lose more; what somebody named is as he wants it.
            const bool is_free = by == NULL || by == d->s || by->n_patterns == 0;
            const size_t step = step_of(class_, d->s);
            if (!class_->is_pinned && is_free && class_->n_kept > 2 * step) {
                best = p->of_layer[k];
                most_j = energy_j;
                break;
            }
        }
    }
    return best;
}

// One step down, in whole multiples.
static size_t fewer_channels(const channel_class *class_, const statement *s) {
    const size_t left = class_->n_kept - step_of(class_, s);
    return left - left % channels_multiple(class_, s->multiple);
}

// The last step, from `too_many` channels, went below the energy that is wanted: as many of them as
// that leaves room for stay after all, found by halving.
static jc_status give_back(pruning *p, descent *d, channel_class *class_, size_t too_many,
                           double wanted_j, jc_error *err) {
    const size_t unit = channels_multiple(class_, d->s->multiple);
    size_t enough = class_->n_kept;
    jc_status status = JC_OK;
    while (status == JC_OK && too_many > enough + unit) {
        const size_t between = (too_many - enough - 1) / unit; // multiples that are left to try
        class_->n_kept = enough + (between + 1) / 2 * unit;
        status = measure(p, d, err);
        if (d->energy_j <= wanted_j) {
            enough = class_->n_kept;
        } else {
            too_many = class_->n_kept;
        }
    }
    class_->n_kept = enough;
    return status;
}

static jc_status prune_by_energy(pruning *p, const statement *s, const jc_source *source,
                                 jc_error *err) {
    descent d = {.s = s, .source = source};
    d.costs = calloc(p->v->n_layers + 1, sizeof *d.costs);
    jc_status status =
        d.costs == NULL ? variant_out_of_memory(err) : variant_match(p->v, s, p->matches, err);
    double full_j = 0;
    channel_class *last = NULL;
    size_t before = 0;
    if (status == JC_OK) {
        const jc_analysis what = {.graph = p->v->graph, .settings = p->v->settings};
        jc_totals totals;
        jc_analyze_part(source, &what, &totals, NULL);
        full_j = totals.energy_j;
        status = isnan(full_j) ? statement_fail(s, JC_EUNSUPPORTED, err,
                                                "there are no joules to prune by: the profile has "
                                                "none, or not in this precision")
                               : measure(p, &d, err);
    }
    while (status == JC_OK && d.energy_j > s->number * full_j) {
        const size_t k = dearest_class(p, &d);
        if (k == SIZE_MAX) {
            status = statement_fail(s, JC_ERANGE, err,
                                    "pruning channels brings the energy to %.3g of the original, "
                                    "not to %.3g",
                                    d.energy_j / full_j, s->number);
            break;
        }
        last = &p->classes[k];
        before = last->n_kept;
        last->n_kept = fewer_channels(last, s);
        p->by[k] = s;
        status = measure(p, &d, err);
    }
    if (status == JC_OK && last != NULL) {
        status = give_back(p, &d, last, before, s->number * full_j, err);
    }
    free(d.costs);
    return status;
}

// --- All --------------------------------------------------------------------------------------

static jc_status take_statements(pruning *p, const technique_network *network,
                                 const jc_source *source, jc_error *err) {
    const statement *energy = NULL;
    jc_status status = JC_OK;
    for (size_t i = 0; status == JC_OK && i < network->n_statements; ++i) {
        const statement *s = &network->statements[i];
        if (s->kind == STATEMENT_PRUNE || s->kind == STATEMENT_KEEP) {
            status = prune_by_statement(p, s, err);
        } else if (s->kind == STATEMENT_ENERGY && energy != NULL) {
            status = statement_fail(s, JC_EPARSE, err,
                                    "a network can be pruned to one energy, and line %d of %.120s "
                                    "names one",
                                    energy->line, energy->file);
        } else if (s->kind == STATEMENT_ENERGY) {
            energy = s;
        }
    }
    return status == JC_OK && energy != NULL ? prune_by_energy(p, energy, source, err) : status;
}

// What a person should know of: layers of whole-network pruning that stay as they are.
static void remark_pinned(const pruning *p, const technique_network *network) {
    bool is_whole = false;
    for (size_t i = 0; i < network->n_statements; ++i) {
        const statement *s = &network->statements[i];
        is_whole = is_whole || (s->kind == STATEMENT_PRUNE && s->n_patterns == 0 && s->number > 0);
    }
    size_t n_pinned = 0;
    const channel_class *first = NULL;
    size_t layer = 0;
    for (size_t i = 0; is_whole && i < p->v->n_layers; ++i) {
        const size_t n = channels_of_layer(p->found, i, p->of_layer);
        bool is_pinned = n > 0;
        for (size_t k = 0; k < n; ++k) {
            is_pinned = is_pinned && p->classes[p->of_layer[k]].is_pinned;
        }
        if (is_pinned &&
            strcmp(p->classes[p->of_layer[0]].reason, "they are outputs of the network") != 0) {
            first = n_pinned++ == 0 ? &p->classes[p->of_layer[0]] : first;
            layer = n_pinned == 1 ? i : layer;
        }
    }
    if (n_pinned > 0) {
        variant_remark(
            p->v, "%zu layers keep all channels: those of '%.80s' reach '%.80s', and %s.", n_pinned,
            p->v->names[layer], p->v->names[first->reason_layer], first->reason);
    }
}

static jc_status prune(pruning *p, const technique_network *network, const jc_source *source,
                       jc_error *err) {
    jc_status status = channels_find(p->v->graph, &p->found, err);
    if (status != JC_OK) {
        return status;
    }
    p->classes = channels_classes(p->found, &p->n_classes);
    p->by = calloc(p->n_classes + 1, sizeof *p->by);
    p->of_layer = calloc(p->n_classes + 1, sizeof *p->of_layer);
    p->matches = calloc(p->v->n_layers + 1, sizeof *p->matches);
    if (p->by == NULL || p->of_layer == NULL || p->matches == NULL) {
        return variant_out_of_memory(err);
    }
    status = take_statements(p, network, source, err);
    if (status == JC_OK) {
        status = edit(p, &p->v->narrowed, err);
    }
    if (status == JC_OK) {
        remark_pinned(p, network);
        p->v->graph = p->v->narrowed;
    }
    return status;
}

jc_status variant_prune(variant *v, const technique_network *network, const jc_source *source,
                        jc_error *err) {
    bool any = false;
    const statement *first = NULL;
    for (size_t i = 0; i < network->n_statements; ++i) {
        const statement_kind kind = network->statements[i].kind;
        any = any || kind == STATEMENT_PRUNE || kind == STATEMENT_KEEP || kind == STATEMENT_ENERGY;
        first = any && first == NULL ? &network->statements[i] : first;
    }
    if (!any) {
        return JC_OK;
    }
    pruning p = {.v = v};
    jc_error why = {0};
    const jc_status status = prune(&p, network, source, &why);
    channels_free(p.found);
    free((void *)p.by);
    free(p.of_layer);
    free(p.matches);
    if (status != JC_OK && why.line == 0) { // of the network: the first statement brought it about
        return statement_fail(first, status, err, "%s", why.message);
    }
    if (status != JC_OK && err != NULL) {
        *err = why;
    }
    return status;
}
