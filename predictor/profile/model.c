// SPDX-License-Identifier: Apache-2.0
// Evaluation of models.
#include "model.h"

#include <math.h>
#include <string.h>

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

static bool has_window(jc_kernel_kind kind) {
    return kind == JC_KERNEL_CONV2D || kind == JC_KERNEL_CONV_TRANSPOSE2D ||
           kind == JC_KERNEL_MAX_POOL2D || kind == JC_KERNEL_AVG_POOL2D;
}

static bool is_output_size(jc_kernel_kind kind, int column) {
    return has_window(kind) && (column == JC_WINDOW_OUT_HEIGHT || column == JC_WINDOW_OUT_WIDTH);
}

// Hold sizes (of outputs, or all others) at their ranges; true if one was outside.
static bool hold_sizes(const kernel_model *k, bool outputs, jc_kernel *kernel) {
    bool is_outside = false;
    for (size_t r = 0; r < k->n_ranges; ++r) {
        const model_range *range = &k->ranges[r];
        if (range->quantity < JC_QUANTITY_FIRST_DERIVED &&
            is_output_size(k->kind, range->quantity) == outputs) {
            const double size = (double)kernel->size[range->quantity];
            const double held = clamp(size, range->low, range->high);
            kernel->size[range->quantity] = (int64_t)held;
            is_outside = is_outside || held != size;
        }
    }
    return is_outside;
}

// Where there are other numbers of groups than in the rows, a group keeps its channels: what is
// nearest to a depthwise convolution is one of few channels, not a dense one of as many.
static bool hold_groups(const kernel_model *k, jc_kernel *kernel) {
    if (k->kind != JC_KERNEL_CONV2D && k->kind != JC_KERNEL_CONV_TRANSPOSE2D) {
        return false;
    }
    int64_t *s = kernel->size;
    for (size_t r = 0; r < k->n_ranges; ++r) {
        const model_range *range = &k->ranges[r];
        const int64_t groups = s[JC_WINDOW_GROUPS];
        if (range->quantity == JC_WINDOW_GROUPS && groups > 0) {
            const int64_t held = (int64_t)clamp((double)groups, range->low, range->high);
            s[JC_WINDOW_IN_CHANNELS] = s[JC_WINDOW_IN_CHANNELS] / groups * held;
            s[JC_WINDOW_OUT_CHANNELS] = s[JC_WINDOW_OUT_CHANNELS] / groups * held;
            s[JC_WINDOW_GROUPS] = held;
            return held != groups;
        }
    }
    return false;
}

// Operands of a sum or product go with its result: whole ones, and values for rows of it.
static void hold_operands(const jc_kernel *kernel, jc_kernel *held) {
    const int64_t *s = kernel->size;
    if ((kernel->kind == JC_KERNEL_ADD || kernel->kind == JC_KERNEL_MUL) && s[1] > 0) {
        const int64_t elements = held->size[1];
        const int64_t rows = s[2] % s[1];
        held->size[2] = s[2] / s[1] * elements + (rows < elements ? rows : elements);
    }
}

// Quantities of the nearest kernel whose sizes are inside their ranges: a size that is scaled up
// beyond its range changes none of them. Those of the kernel itself if it is inside.
static void compute_inside(const kernel_model *k, const jc_kernel *kernel, const double *q,
                           double *out_inside) {
    jc_kernel nearest = *kernel;
    bool is_outside = hold_groups(k, &nearest);
    is_outside = hold_sizes(k, false, &nearest) || is_outside;
    hold_operands(kernel, &nearest);
    if (is_outside && has_window(k->kind)) { // the output is as large as the input makes it
        jc_kernel whole = nearest;
        whole.size[JC_WINDOW_OUT_HEIGHT] = 0;
        whole.size[JC_WINDOW_OUT_WIDTH] = 0;
        nearest = jc_kernel_complete(&whole, NULL) == JC_OK ? whole : nearest;
    }
    is_outside = hold_sizes(k, true, &nearest) || is_outside;
    if (is_outside) {
        jc_quantity_compute(&nearest, out_inside);
    } else {
        memcpy(out_inside, q, JC_QUANTITY_COUNT * sizeof *q);
    }
}

void model_point_init(const kernel_model *k, const jc_kernel *kernel, model_point *out_point) {
    jc_quantity_compute(kernel, out_point->q);
    compute_inside(k, kernel, out_point->q, out_point->inside);
    out_point->distance = 0;
    for (size_t r = 0; r < k->n_ranges; ++r) {
        const model_range *range = &k->ranges[r];
        const double q = out_point->q[range->quantity];
        out_point->held[r] = clamp(out_point->inside[range->quantity], range->low, range->high);
        out_point->log_held[r] = out_point->held[r] > 0 ? log(out_point->held[r]) : 0;
        const double end = clamp(q, range->low, range->high);
        // Where weights come from is bounded: a network is larger than all caches, or it fits one.
        if (q != end && range->quantity != JC_QUANTITY_REUSE) {
            // 1 more than both: sizes that may be 0 (padding) have a distance too.
            out_point->distance = fmax(out_point->distance, fabs(log((q + 1) / (end + 1))));
        }
    }
}

double model_variable_value(const model_variable *v, const model_point *point) {
    switch (v->transform) {
    case MODEL_LOG:
        return point->log_held[v->range] - v->log_at;
    case MODEL_HINGE:
        return fmax(0, point->log_held[v->range] - v->log_at);
    case MODEL_STEP:
        return point->held[v->range] >= v->at ? 1 : 0;
    case MODEL_UNDER:
        return point->held[v->range] < v->at ? 1 : 0;
    case MODEL_TRANSFORMS:
        break;
    }
    return 0;
}

bool model_gate_opens(const model_gate *gate, const double *q) {
    return (q[gate->quantity] >= gate->at) == (gate->side == MODEL_FROM);
}

double model_backbone_value(const model_term *term, const double *q, const double *inside) {
    for (int g = 0; g < term->n_gates; ++g) {
        if (!model_gate_opens(&term->gates[g], inside)) {
            return 0;
        }
    }
    double value = 1;
    for (int f = 0; f < term->n_factors; ++f) {
        const double base = q[term->factor[f]];
        for (int e = term->exponent[f]; e > 0; --e) {
            value *= base;
        }
        for (int e = term->exponent[f]; e < 0; ++e) {
            value /= base;
        }
    }
    return value;
}

double model_backbone(const model *m, const model_point *point) {
    double sum = 0;
    for (size_t t = 0; t < m->n_backbone; ++t) {
        sum += m->backbone[t].coefficient *
               model_backbone_value(&m->backbone[t], point->q, point->inside);
    }
    return sum;
}

double model_predict(const model *m, const model_point *point) {
    double value[MODEL_MAX_VARIABLES];
    for (size_t v = 0; v < m->n_variables; ++v) {
        value[v] = model_variable_value(&m->variables[v], point);
    }
    double g = 0;
    for (size_t t = 0; t < m->n_terms; ++t) {
        const model_term *term = &m->terms[t];
        double product = term->coefficient;
        for (int f = 0; f < term->n_factors; ++f) {
            product *= value[term->factor[f]];
        }
        g += product;
    }
    const double b = model_backbone(m, point);
    return clamp(b * exp(clamp(g, -m->bound, m->bound)), m->low, m->high);
}

void model_spread_at(const model_spread *spread, double predicted, double *out_low,
                     double *out_high) {
    const double x = log(predicted);
    size_t i = 0;
    while (i < spread->n_bins && spread->at[i] < x) {
        ++i;
    }
    if (i == 0 || i == spread->n_bins) { // before the first or after the last
        const size_t end = i == 0 ? 0 : i - 1;
        *out_low = spread->low[end];
        *out_high = spread->high[end];
        return;
    }
    const double t = (x - spread->at[i - 1]) / (spread->at[i] - spread->at[i - 1]);
    *out_low = spread->low[i - 1] + t * (spread->low[i] - spread->low[i - 1]);
    *out_high = spread->high[i - 1] + t * (spread->high[i] - spread->high[i - 1]);
}
