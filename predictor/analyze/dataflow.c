// SPDX-License-Identifier: Apache-2.0
// How often a kernel reaches into each level of an accelerator's memory. The equations, with their
// sources and what they leave out, stand in accelerators/README.md under the same names.
#include "source.h"

#include <joulecast/accelerator.h>

#include <math.h>

/** A kernel as the loops of a grouped convolution. */
typedef struct nest {
    double batch;    ///< N
    double groups;   ///< G
    double filters;  ///< K, of a group
    double channels; ///< C, of a group
    double out_h;    ///< E
    double out_w;    ///< F
    double kernel_h; ///< R
    double kernel_w; ///< S
    double stride_h;
    double stride_w;
} nest;

/** Reuse of one operand: uses for each delivery to an element, and elements for each buffer read.
 */
typedef struct reuse {
    double registers;
    double array;
} reuse;

/** What a dataflow makes of a nest. */
typedef struct mapping {
    reuse weights;
    reuse inputs;
    reuse sums;
    double utilization; ///< share of the elements that work
} mapping;

static double at_least_1(double x) {
    return x > 1 ? x : 1;
}

// Share of places that are filled when n things go through them in rounds.
static double filled(double n, double places) {
    return n / (ceil(n / places) * places);
}

// --- Kernels as nests -------------------------------------------------------------------------

static nest nest_of(const jc_kernel *kernel) {
    const int64_t *s = kernel->size;
    nest n = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    switch ((int)kernel->kind) {
    case JC_KERNEL_CONV2D:
    case JC_KERNEL_CONV_TRANSPOSE2D: {
        // The transpose meets each weight at every input position.
        const int plane =
            kernel->kind == JC_KERNEL_CONV2D ? JC_WINDOW_OUT_HEIGHT : JC_WINDOW_IN_HEIGHT;
        n.batch = (double)s[JC_WINDOW_BATCH_SIZE];
        n.groups = (double)s[JC_WINDOW_GROUPS];
        n.filters = (double)s[JC_WINDOW_OUT_CHANNELS] / n.groups;
        n.channels = (double)s[JC_WINDOW_IN_CHANNELS] / n.groups;
        n.out_h = (double)s[plane];
        n.out_w = (double)s[plane + 1];
        n.kernel_h = (double)s[JC_WINDOW_KERNEL_H];
        n.kernel_w = (double)s[JC_WINDOW_KERNEL_W];
        n.stride_h = (double)s[JC_WINDOW_STRIDE_H];
        n.stride_w = (double)s[JC_WINDOW_STRIDE_W];
        break;
    }
    case JC_KERNEL_LINEAR: // batch_size, in_features, out_features
        n.batch = (double)s[0];
        n.channels = (double)s[1];
        n.filters = (double)s[2];
        break;
    case JC_KERNEL_MATMUL: // batch_size, m, k, n: each product has "weights" of its own
        n.groups = (double)s[0];
        n.batch = (double)s[1];
        n.channels = (double)s[2];
        n.filters = (double)s[3];
        break;
    case JC_KERNEL_ATTENTION: // batch_size, heads, query_length, key_length, head_dim, value_dim
        n.groups = (double)s[0] * (double)s[1];
        n.batch = (double)s[2];
        n.filters = (double)s[3];
        n.channels = (double)s[4] + (double)s[5];
        break;
    default:
        break;
    }
    return n;
}

// --- Dataflows --------------------------------------------------------------------------------

// Chen et al., Eyeriss (ISCA 2016, Sec. V): a row of weights stays in an element and slides along a
// row of inputs; q channels and p filters fit its registers, R elements make a column.
static mapping map_rows(const jc_accelerator *a, const nest *n) {
    const double q = fmin(at_least_1(floor((double)a->register_inputs / n->kernel_w)), n->channels);
    const double by_weights = floor((double)a->register_weights / (q * n->kernel_w));
    const double p = fmin(at_least_1(fmin((double)a->register_sums, by_weights)), n->filters);
    const double rows = fmin(n->kernel_h, (double)a->rows);
    const double sets = floor((double)a->rows / rows);
    const double columns = fmin(n->out_h, (double)a->columns);
    const double diagonal = at_least_1(fmin(rows, columns) / n->stride_h);
    const double stacked = fmin(sets, at_least_1(ceil(n->filters / p)));
    return (mapping){
        .weights = {n->out_w, columns},
        .inputs = {at_least_1(n->kernel_w / n->stride_w) * p, diagonal * stacked},
        .sums = {n->kernel_w * q, rows},
        .utilization = stacked * rows / (double)a->rows * filled(n->out_h, (double)a->columns),
    };
}

// As in systolic arrays (Jouppi et al., TPU, ISCA 2017): weights stay, inputs move along the rows,
// sums down the columns.
static mapping map_weights(const jc_accelerator *a, const nest *n) {
    const double depth = n->channels * n->kernel_h * n->kernel_w;
    return (mapping){
        .weights = {n->batch * n->out_h * n->out_w, 1},
        .inputs = {1, fmin(n->filters, (double)a->columns)},
        .sums = {1, fmin(depth, (double)a->rows)},
        .utilization = filled(depth, (double)a->rows) * filled(n->filters, (double)a->columns),
    };
}

// As in ShiDianNao (Du et al., ISCA 2015): an element makes one output; weights are broadcast,
// inputs pass between neighbours.
static mapping map_outputs(const jc_accelerator *a, const nest *n) {
    const double elements = (double)a->rows * (double)a->columns;
    const double places = n->out_h * n->out_w > 1 ? n->out_h * n->out_w : n->filters;
    const double window = n->kernel_h * n->kernel_w / (n->stride_h * n->stride_w);
    const bool is_plane = n->out_h * n->out_w > 1;
    return (mapping){
        .weights = {1, is_plane ? fmin(places, elements) : 1},
        .inputs = {1, is_plane ? at_least_1(window) : fmin(places, elements)},
        .sums = {n->channels * n->kernel_h * n->kernel_w, 1},
        .utilization = filled(places, elements),
    };
}

static mapping map_nest(const jc_accelerator *a, const nest *n) {
    switch (a->dataflow) {
    case JC_DATAFLOW_WEIGHT_STATIONARY:
        return map_weights(a, n);
    case JC_DATAFLOW_OUTPUT_STATIONARY:
        return map_outputs(a, n);
    case JC_DATAFLOW_ROW_STATIONARY:
    case JC_DATAFLOW_COUNT:
        break;
    }
    return map_rows(a, n);
}

// --- Memory -----------------------------------------------------------------------------------

static double bits_of(const jc_accelerator *a, jc_format format) {
    return fmin(jc_format_bits(format), a->word_bits);
}

// Share of the bits that cross to memory: with zeros left out, each value takes a run length of 5
// bits beside it (as in Eyeriss, ISSCC 2016).
static double compressed(bool compresses, double density, double bits) {
    enum { RUN_BITS = 5 };
    return compresses ? fmin(1, density * (bits + RUN_BITS) / bits) : 1;
}

// Bytes to and from memory: half of the buffer holds a part of one operand, past which the other
// streams, in the cheaper of the two orders. Outputs leave once.
static double count_dram_bytes(const jc_accelerator *a, const nest *n, const jc_work *work,
                               const jc_setting *s) {
    const double weight_bits = bits_of(a, s->weights);
    const double input_bits = bits_of(a, s->activations);
    const double weight_bytes =
        weight_bits / 8 * compressed(a->compresses_weights, s->weight_density, weight_bits);
    const double input_bytes =
        input_bits / 8 * compressed(a->compresses_inputs, s->activation_density, input_bits);
    const double second = n->groups * n->filters * n->channels * n->kernel_h * n->kernel_w;
    const double weights = weight_bytes * second;
    const double inputs = // of a product of two activations the second is among the inputs
        input_bytes *
        at_least_1((double)work->input_elements - (work->weight_elements > 0 ? 0 : second));
    const double half = a->buffer_bytes / 2;
    const double inputs_again = ceil(weights / n->groups / half);
    const double weights_again = ceil(inputs / n->groups / half);
    const double streamed = fmin(weights + inputs * inputs_again, inputs + weights * weights_again);
    return streamed + input_bytes * (double)work->output_elements;
}

// Buffer reads of an operand: never fewer than it has values.
static double buffer_reads(double macs, const reuse *r, double values) {
    return fmax(values, macs / (r->registers * r->array));
}

static jc_accesses count_product(const jc_accelerator *a, const jc_kernel *kernel,
                                 const jc_setting *s) {
    const nest n = nest_of(kernel);
    const mapping m = map_nest(a, &n);
    const jc_work work = jc_kernel_work(kernel);
    const double all = (double)work.macs;
    const double worth = (a->skips_inputs ? s->activation_density : 1) *
                         (a->skips_weights ? s->weight_density : 1) *
                         (a->skips_outputs ? s->active : 1);
    const double macs = all * worth;
    const double delivered = a->saves_time ? worth : 1; // gating spares the multiplier alone
    const double sums = all / (m.sums.registers * m.sums.array); // leave the array
    const double outputs = (double)work.output_elements;
    const double elements = (double)a->rows * (double)a->columns;
    return (jc_accesses){
        .macs = macs,
        .registers = 4 * macs, // a weight, an input, a sum read and written
        .array =
            worth * (all / m.weights.registers + all / m.inputs.registers + all / m.sums.registers),
        // A sum that leaves unfinished comes back: written and read.
        .buffer = delivered * (buffer_reads(all, &m.weights, (double)work.weight_elements) +
                               buffer_reads(all, &m.inputs, (double)work.input_elements) + outputs +
                               2 * fmax(0, sums - outputs)),
        .dram_bytes = count_dram_bytes(a, &n, &work, s),
        .cycles = (a->saves_time ? macs : all) / (elements * m.utilization),
    };
}

// Everything else happens to values on their way through the buffer. A table's rows come from
// memory.
static jc_accesses count_stream(const jc_accelerator *a, const jc_kernel *kernel,
                                const jc_setting *s) {
    const jc_work work = jc_kernel_work(kernel);
    const double moved = (double)work.input_elements + (double)work.output_elements;
    const double from_table =
        kernel->kind == JC_KERNEL_EMBEDDING ? (double)work.weight_elements : 0;
    return (jc_accesses){
        .buffer = moved,
        .dram_bytes = from_table * bits_of(a, s->weights) / 8,
        .cycles = moved / ((double)a->rows * (double)a->columns),
    };
}

jc_accesses jc_accelerator_count(const jc_accelerator *accelerator, const jc_kernel *kernel,
                                 const jc_setting *setting) {
    if (kernel->kind == JC_KERNEL_NONE) {
        return (jc_accesses){0};
    }
    return jc_kernel_work(kernel).macs > 0 ? count_product(accelerator, kernel, setting)
                                           : count_stream(accelerator, kernel, setting);
}

// --- Price ------------------------------------------------------------------------------------

void accelerator_price(const jc_accelerator *a, const jc_kernel *kernel, const jc_setting *s,
                       jc_layer_cost *cost) {
    const jc_accesses n = jc_accelerator_count(a, kernel, s);
    const double word = a->word_bits;
    const double weight_bits = bits_of(a, s->weights);
    const double input_bits = bits_of(a, s->activations);
    // A multiplier's energy goes with the product of its operands' widths, a memory's with bits.
    const double mac_j = a->mac_j * weight_bits * input_bits / (word * word);
    const double width = fmax(weight_bits, input_bits) / word;
    const double energy_j =
        n.macs * mac_j +
        width * (n.registers * a->register_j + n.array * a->array_j + n.buffer * a->buffer_j) +
        n.dram_bytes * a->dram_j * 8 / word;
    const double runtime_s = fmax(n.cycles / a->clock_hz, n.dram_bytes / a->dram_bytes_per_s);
    const double unknown = (double)NAN; // a formula has no interval
    cost->prediction = (jc_prediction){.runtime_s = runtime_s,
                                       .runtime_low_s = unknown,
                                       .runtime_high_s = unknown,
                                       .power_w = runtime_s > 0 ? energy_j / runtime_s : unknown,
                                       .energy_j = energy_j,
                                       .energy_low_j = unknown,
                                       .energy_high_j = unknown,
                                       .confidence = JC_CONFIDENCE_MODELLED};
    cost->weight_bytes *= weight_bits / jc_format_bits(s->weights) *
                          compressed(a->compresses_weights, s->weight_density, weight_bits);
    cost->activation_bytes *= input_bits / jc_format_bits(s->activations) *
                              compressed(a->compresses_inputs, s->activation_density, input_bits);
}
