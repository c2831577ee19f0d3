// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Models: how a kernel's quantities become a runtime or a power. Shared with the trainer, so that
 * cross-validation predicts with the code that users run.
 *
 * y(x) = clamp(b(x)·exp(clamp(g(x), ±bound)), low, high), where the backbone b is a sum of products
 * of quantities with non-negative coefficients and g a sum of products of variables: logarithms,
 * hinges and steps of quantities, each held at the range of the training rows. A term of b may be
 * that of a regime, which is the nearest kernel's inside the rows. So y is positive everywhere, and
 * outside that range it grows with the backbone. docs/METHOD.md has the equations.
 */
#ifndef JC_PROFILE_MODEL_H
#define JC_PROFILE_MODEL_H

#include "common/arena.h"
#include "quantity.h"

#include <joulecast/profile.h>

#include <stddef.h>

enum {
    MODEL_MAX_FACTORS = 6, ///< of one term
    MODEL_MAX_GATES = 4,   ///< of one term
    MODEL_MAX_VARIABLES = 512,
    MODEL_MAX_TERMS = 1024,
    MODEL_MAX_RANGES = 64,
    MODEL_MAX_BINS = 64,
    MODEL_MAX_EXPONENT = 3,
};

/** Values of a quantity in the training rows. */
typedef struct model_range {
    int quantity;
    double low; ///< > 0 where a variable takes its logarithm
    double high;
} model_range;

typedef enum model_transform {
    MODEL_LOG,   ///< log(q/at)
    MODEL_HINGE, ///< max(0, log(q/at))
    MODEL_STEP,  ///< 1 if q ≥ at, else 0
    MODEL_UNDER, ///< 1 if q < at, else 0
    MODEL_TRANSFORMS,
} model_transform;

/** A function of one quantity, which is held at its range first. */
typedef struct model_variable {
    const char *name; ///< in the file: "macs", "macs>4096", "width>=9"
    model_transform transform;
    int range; ///< index
    double at; ///< > 0
    double log_at;
} model_variable;

/** On which side of a threshold a quantity must lie. */
typedef enum model_side {
    MODEL_FROM,  ///< at least the threshold
    MODEL_BELOW, ///< less
} model_side;

/** A condition of a regime. */
typedef struct model_gate {
    short quantity;
    model_side side;
    double at;
} model_gate;

/** coefficient · Π quantity^exponent where all gates are open, or coefficient · Π variable. */
typedef struct model_term {
    double coefficient;
    int n_factors;
    short factor[MODEL_MAX_FACTORS];   ///< quantities of a backbone; variables of g, repeated for
                                       ///< powers
    short exponent[MODEL_MAX_FACTORS]; ///< of a backbone; unused in g
    int n_gates;                       ///< of a backbone: its regime; 0 = everywhere. None in g
    model_gate gates[MODEL_MAX_GATES];
} model_term;

/** Quantiles of log(measured/predicted) out of fold, by the size of the prediction. */
typedef struct model_spread {
    size_t n_bins;
    double at[MODEL_MAX_BINS]; ///< log of the prediction, rising
    double low[MODEL_MAX_BINS];
    double high[MODEL_MAX_BINS];
} model_spread;

typedef struct model {
    model_term *backbone;
    size_t n_backbone;
    model_variable *variables;
    size_t n_variables;
    model_term *terms;
    size_t n_terms;
    double bound; ///< |g| never exceeds it
    double low;   ///< the result never leaves [low, high]
    double high;
    model_spread spread;
    jc_errors held_out;
} model;

/** Everything about one kernel in one precision; the fallback has kind JC_KERNEL_NONE. */
typedef struct kernel_model {
    jc_kernel_kind kind;
    jc_precision precision;
    size_t n_rows;
    size_t n_configurations;
    jc_dropped *dropped;
    size_t n_dropped;
    model_range *ranges;
    size_t n_ranges;
    double widening;       ///< of the interval, per unit of log distance outside the ranges
    double runtime_shared; ///< share of squared half-widths that sums over kernels keep, 0 to 1
    double energy_shared;
    model runtime;
    model power; ///< n_backbone = 0: no meter
    model_spread energy_spread;
    jc_errors energy_held_out;
} kernel_model;

/** Logarithms of a kernel's quantities within ranges, and how far outside the kernel lies. */
typedef struct model_point {
    double q[JC_QUANTITY_COUNT];
    double inside[JC_QUANTITY_COUNT];  ///< of the nearest kernel whose sizes are in their ranges
    double held[MODEL_MAX_RANGES];     ///< by range: the quantity inside, then itself held at it
    double log_held[MODEL_MAX_RANGES]; ///< its logarithm; 0 where the quantity may be 0
    double distance;                   ///< largest |log excess| over ranges; 0 = inside
} model_point;

/** Quantities of a kernel under the ranges of its model. */
void model_point_init(const kernel_model *k, const jc_kernel *kernel, model_point *out_point);

/** Value of one variable. */
double model_variable_value(const model_variable *v, const model_point *point);

/** Whether a gate is open at quantities. */
bool model_gate_opens(const model_gate *gate, const double *q);

/** Value of one backbone term without its coefficient.
 *  @param inside  quantities that decide whether its gates are open: q itself for training rows. */
double model_backbone_value(const model_term *term, const double *q, const double *inside);

/** The backbone alone. */
double model_backbone(const model *m, const model_point *point);

/** Predicted value. */
double model_predict(const model *m, const model_point *point);

/** Quantiles of log(measured/predicted) for a predicted value. */
void model_spread_at(const model_spread *spread, double predicted, double *out_low,
                     double *out_high);

/** A profile; the arena holds what hangs from it. */
struct jc_profile {
    jc_arena arena;
    jc_device device;
    jc_provenance provenance;
    kernel_model *kernels;
    size_t n_kernels;
    kernel_model fallback;
    jc_network_spread networks[JC_PRECISION_COUNT];
    double declared_w; ///< under load, given by the user; 0 = not given
    kernel_model *find[JC_KERNEL_COUNT][JC_PRECISION_COUNT]; ///< NULL = no model
};

/** Fill the table of a profile whose kernels are complete. */
void profile_index(jc_profile *profile);

/** Price a kernel with one of the profile's models. */
void kernel_model_predict(const kernel_model *k, const jc_kernel *kernel,
                          jc_prediction *out_prediction);

#endif
