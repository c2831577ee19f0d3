// SPDX-License-Identifier: Apache-2.0
// Evaluation of models.
#include "model.h"

#include <math.h>

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

void model_point_init(const kernel_model *k, const jc_kernel *kernel, model_point *out_point) {
    jc_quantity_compute(kernel, out_point->q);
    out_point->distance = 0;
    for (size_t r = 0; r < k->n_ranges; ++r) {
        const model_range *range = &k->ranges[r];
        const double q = out_point->q[range->quantity];
        const double held = clamp(q, range->low, range->high);
        out_point->held[r] = held;
        out_point->log_held[r] = held > 0 ? log(held) : 0;
        if (q != held) {
            // 1 more than both: sizes that may be 0 (padding) have a distance too.
            out_point->distance = fmax(out_point->distance, fabs(log((q + 1) / (held + 1))));
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
    }
    return 0;
}

double model_backbone_value(const model_term *term, const double *q) {
    if (term->gate != MODEL_GATE_NONE &&
        (q[term->gate_quantity] >= term->gate_at) != (term->gate == MODEL_GATE_FROM)) {
        return 0;
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

double model_backbone(const model *m, const double *q) {
    double sum = 0;
    for (size_t t = 0; t < m->n_backbone; ++t) {
        sum += m->backbone[t].coefficient * model_backbone_value(&m->backbone[t], q);
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
    const double b = model_backbone(m, point->q);
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
