// SPDX-License-Identifier: Apache-2.0
/** @file Private to channels*.c: how channels are kept while they are followed. */
#ifndef JC_ANALYZE_CHANNELS_PRIVATE_H
#define JC_ANALYZE_CHANNELS_PRIVATE_H

#include "channels.h"

/** The channels along one axis of a layer's output. */
typedef struct channel_tensor {
    int axis;
    size_t n;      ///< channels
    int64_t inner; ///< values of each along the axis: more than 1 after a flatten
    const uint32_t *units;
    bool is_made; ///< the layer makes them
} channel_tensor;

/** One channel, or several that are the same by an addition: then only the root counts. */
typedef struct channel_unit {
    uint32_t parent; ///< union-find; the root is the smallest
    uint32_t class_; ///< of a root
    bool is_pinned;  ///< of a root
    bool is_kept;    ///< of a root
    uint32_t seen;   ///< stamp
    uint32_t reason_layer;
    const char *reason;
} channel_unit;

struct channels {
    const jc_graph *graph;
    const jc_layer *layers;
    size_t n_layers;
    jc_arena arena;
    channel_tensor *tensors; ///< [n_layers]
    channel_unit *units;
    size_t n_units;
    size_t n_listed; ///< entries of all tensors' lists
    bool has_too_many;
    size_t unit_capacity;
    channel_class *classes;
    size_t n_classes;
    size_t class_capacity;
};

/** The root that stands for a unit. */
uint32_t channels_root(const channels *c, uint32_t unit);

/** Integer parameter of a layer by name; 0 if it has none of that name. */
int64_t channels_parameter(const jc_layer *layer, const char *name);

/** A parameter that is a list of sizes: first their number, then the sizes. */
const jc_value *channels_sizes(const jc_layer *layer, const char *name);

/** Where an axis is after a reshape that leaves its places side by side, alone or with axes behind
 * it; -1 where they are torn apart or mixed with axes before it. */
int channels_axis_after_reshape(const jc_shape *from, int axis, const jc_shape *to);

/** Groups of channels that have to stay equal: of a convolution that is not depthwise, of a group
 * norm; 1 for any other. */
int64_t channels_groups(const channels *c, size_t layer);

/** True for a convolution with as many groups as input channels, which hands channels on. */
bool channels_is_depthwise(const channels *c, size_t layer);

/** Follow channels through one layer. @retval JC_ENOMEM  also for too many */
JC_MUST_USE jc_status channels_follow(channels *c, size_t layer);

/** Room for a tensor's list of units. @return NULL if out of memory or too many */
uint32_t *channels_list(channels *c, size_t n);

/** New units. @return NULL if out of memory or too many */
uint32_t *channels_make(channels *c, size_t n);

/** Pin all units of a tensor, unless they are. */
void channels_pin(channels *c, const channel_tensor *t, size_t layer, const char *reason);

#endif
