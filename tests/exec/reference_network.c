// SPDX-License-Identifier: Apache-2.0
#include "reference_network.h"

#include "reference.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct evaluation {
    harness *h;
    const jc_network *network;
    tensor_id next; ///< the constants are in the order of the steps
    float *norm[4]; ///< of a folded batch normalisation, until it is its turn
    float **values;
} evaluation;

/** A step at hand. */
typedef struct at_step {
    const jc_network_step *step;
    const int64_t *size;   ///< of its kernel
    const float *x;        ///< first input
    const jc_shape *shape; ///< of the first input
    double *y;
    size_t n;
} at_step;

static float *next_constant(evaluation *e) {
    return harness_next_constant(e->h, &e->next);
}

static int64_t integer(const at_step *at, const char *name) {
    return at->step->call.value[jc_op_param(at->step->op, name)->slot].i;
}

static bool is_folded(const evaluation *e, const at_step *at) {
    const size_t next = (size_t)(at->step - e->network->steps) + 1;
    return next < e->network->n_steps &&
           e->network->steps[next].kernel.kind == JC_KERNEL_BATCH_NORM;
}

static void layer_with_weights(evaluation *e, const at_step *at) {
    const jc_kernel_kind kind = at->step->kernel.kind;
    const bool folded = kind != JC_KERNEL_LINEAR && is_folded(e, at);
    float *weights = next_constant(e);
    const size_t outputs = (size_t)at->size[kind == JC_KERNEL_LINEAR ? 2 : JC_WINDOW_OUT_CHANNELS];
    float *bias =
        integer(at, "bias") != 0 || folded ? next_constant(e) : calloc(outputs, sizeof *bias);
    for (int i = 0; folded && i < 4; ++i) {
        e->norm[i] = next_constant(e);
    }
    if (kind == JC_KERNEL_LINEAR) {
        reference_linear(at->size, at->x, weights, bias, at->y);
    } else if (kind == JC_KERNEL_CONV2D) {
        reference_conv(at->size, at->x, weights, bias, at->y);
    } else {
        reference_conv_transpose(at->size, at->x, weights, bias, at->y);
    }
    free(weights);
    free(bias);
}

static void norm(evaluation *e, const at_step *at) {
    if (at->step->kernel.kind == JC_KERNEL_LAYER_NORM ||
        at->step->kernel.kind == JC_KERNEL_GROUP_NORM) {
        float *scale = next_constant(e);
        float *shift = next_constant(e);
        at->step->kernel.kind == JC_KERNEL_LAYER_NORM
            ? reference_layer_norm(at->size, at->x, scale, shift, at->y)
            : reference_group_norm(at->size, at->x, scale, shift, at->y);
        free(scale);
        free(shift);
        return;
    }
    for (int i = 0; i < 4; ++i) {
        e->norm[i] = e->norm[i] == NULL ? next_constant(e) : e->norm[i];
    }
    reference_batch_norm(at->size, at->x, (const float *const *)e->norm, at->y);
    for (int i = 0; i < 4; ++i) {
        free(e->norm[i]);
        e->norm[i] = NULL;
    }
}

// Index of an element of `shape` aligned at the last axis, from the index within a wider one.
static size_t broadcast_index(size_t index, const jc_shape *wide, const jc_shape *shape) {
    size_t result = 0;
    size_t stride = 1;
    for (int i = shape->rank - 1, w = wide->rank - 1; i >= 0; --i, --w) {
        const size_t at = index % (size_t)wide->dim[w];
        index /= (size_t)wide->dim[w];
        result += shape->dim[i] == 1 ? 0 : at * stride;
        stride *= (size_t)shape->dim[i];
    }
    return result;
}

static double combined(const char *op, double a, double b) {
    return strcmp(op, "add") == 0       ? a + b
           : strcmp(op, "sub") == 0     ? a - b
           : strcmp(op, "mul") == 0     ? a * b
           : strcmp(op, "div") == 0     ? a / b
           : strcmp(op, "maximum") == 0 ? fmax(a, b)
           : strcmp(op, "minimum") == 0 ? fmin(a, b)
                                        : (double)NAN;
}

static void combine(const evaluation *e, const at_step *at) {
    for (size_t i = 0; i < at->n; ++i) {
        for (size_t k = 0; k < at->step->n_inputs; ++k) {
            const uint32_t input = at->step->inputs[k];
            const double value = (double)e->values[input][broadcast_index(
                i, &at->step->output, &e->network->steps[input].output)];
            at->y[i] = k == 0 ? value : combined(at->step->op->name, at->y[i], value);
        }
    }
}

/** Sizes before, along and after an axis. */
typedef struct around {
    size_t outer, axis, inner;
} around;

static around around_axis(const jc_shape *shape, int64_t axis) {
    around a = {1, 1, 1};
    axis = axis < 0 ? axis + shape->rank : axis;
    for (int i = 0; i < shape->rank; ++i) {
        size_t *part = i < axis ? &a.outer : i == axis ? &a.axis : &a.inner;
        *part *= (size_t)shape->dim[i];
    }
    return a;
}

static void concat(const evaluation *e, const at_step *at) {
    const around all = around_axis(&at->step->output, integer(at, "dim"));
    size_t before = 0;
    for (size_t k = 0; k < at->step->n_inputs; ++k) {
        const uint32_t input = at->step->inputs[k];
        const around part = around_axis(&e->network->steps[input].output, integer(at, "dim"));
        const size_t run = part.axis * part.inner;
        for (size_t i = 0; i < part.outer * run; ++i) {
            at->y[i / run * all.axis * all.inner + before * all.inner + i % run] =
                (double)e->values[input][i];
        }
        before += part.axis;
    }
}

// A part of an axis: narrow, and select, which is narrow to one.
static void part(const at_step *at, size_t start, size_t length, size_t step) {
    const around whole = around_axis(at->shape, integer(at, "dim"));
    for (size_t i = 0; i < at->n; ++i) {
        const size_t index = start + i / whole.inner % length * step;
        const size_t outer = i / (length * whole.inner);
        at->y[i] = (double)at->x[(outer * whole.axis + index) * whole.inner + i % whole.inner];
    }
}

static void transpose(const at_step *at) {
    jc_shape out = at->step->output;
    int64_t a = integer(at, "dim0");
    int64_t b = integer(at, "dim1");
    a = a < 0 ? a + out.rank : a;
    b = b < 0 ? b + out.rank : b;
    for (size_t i = 0; i < at->n; ++i) {
        size_t index[JC_MAX_RANK];
        size_t rest = i;
        for (int axis = out.rank - 1; axis >= 0; --axis) {
            index[axis] = rest % (size_t)out.dim[axis];
            rest /= (size_t)out.dim[axis];
        }
        const size_t swapped = index[a];
        index[a] = index[b];
        index[b] = swapped;
        size_t from = 0;
        for (int axis = 0; axis < out.rank; ++axis) {
            from = from * (size_t)at->shape->dim[axis] + index[axis];
        }
        at->y[i] = (double)at->x[from];
    }
}

// Axis i of the result is axis dims[i] of the input.
static void permute(const at_step *at) {
    const jc_value *dims = at->step->call.value;
    const jc_shape *out = &at->step->output;
    for (size_t i = 0; i < at->n; ++i) {
        size_t index[JC_MAX_RANK] = {0};
        size_t rest = i;
        for (int axis = out->rank - 1; axis >= 0; --axis) {
            index[axis == 0 ? 0 : dims[axis].i] = rest % (size_t)out->dim[axis];
            rest /= (size_t)out->dim[axis];
        }
        size_t from = 0;
        for (int axis = 0; axis < out->rank; ++axis) {
            from = from * (size_t)at->shape->dim[axis] + index[axis];
        }
        at->y[i] = (double)at->x[from];
    }
}

// Mean of one axis.
static void reduce(const at_step *at) {
    const around a = around_axis(at->shape, at->step->call.value[1].i);
    for (size_t i = 0; i < at->n; ++i) {
        at->y[i] = 0;
        for (size_t k = 0; k < a.axis; ++k) {
            at->y[i] += (double)at->x[(i / a.inner * a.axis + k) * a.inner + i % a.inner];
        }
        at->y[i] /= (double)a.axis;
    }
}

static double real(const at_step *at, const char *name) {
    return at->step->call.value[jc_op_param(at->step->op, name)->slot].real;
}

static double pointwise(const at_step *at, double x) {
    const char *op = at->step->op->name;
    return strcmp(op, "exp") == 0          ? exp(x)
           : strcmp(op, "abs") == 0        ? fabs(x)
           : strcmp(op, "neg") == 0        ? -x
           : strcmp(op, "softplus") == 0   ? log1p(exp(x))
           : strcmp(op, "reciprocal") == 0 ? 1 / x
           : strcmp(op, "pow_scalar") == 0 ? pow(x, real(at, "other"))
           : strcmp(op, "add_scalar") == 0 ? x + real(at, "other")
           : strcmp(op, "mul_scalar") == 0 ? x * real(at, "other")
           : strcmp(op, "clamp") == 0      ? fmin(fmax(x, real(at, "min")), real(at, "max"))
                                           : (double)NAN;
}

// Channel c of the result is channel c/groups of group c mod groups.
static void shuffle(const at_step *at) {
    const size_t groups = (size_t)integer(at, "groups");
    const size_t channels = (size_t)at->shape->dim[1];
    const size_t plane = (size_t)(at->shape->dim[2] * at->shape->dim[3]);
    for (size_t i = 0; i < at->n; ++i) {
        const size_t c = i / plane % channels;
        const size_t from = c % groups * (channels / groups) + c / groups;
        at->y[i] = (double)at->x[(i / plane / channels * channels + from) * plane + i % plane];
    }
}

static void move(const evaluation *e, const at_step *at) {
    const char *name = at->step->op->name;
    if (strcmp(name, "concat") == 0) {
        concat(e, at);
    } else if (strcmp(name, "transpose") == 0) {
        transpose(at);
    } else if (strcmp(name, "permute") == 0) {
        permute(at);
    } else if (strcmp(name, "channel_shuffle") == 0) {
        shuffle(at);
    } else if (strcmp(name, "narrow") == 0) {
        part(at, (size_t)integer(at, "start"), (size_t)integer(at, "length"),
             (size_t)integer(at, "step"));
    } else if (strcmp(name, "select") == 0) {
        part(at, (size_t)integer(at, "index"), 1, 1);
    } else {
        for (size_t i = 0; i < at->n; ++i) {
            at->y[i] = (double)at->x[i];
        }
    }
}

static void evaluate(evaluation *e, const at_step *at) {
    const jc_kernel *kernel = &at->step->kernel;
    const uint32_t *inputs = at->step->inputs;
    switch ((int)kernel->kind) {
    case JC_KERNEL_CONV2D:
    case JC_KERNEL_CONV_TRANSPOSE2D:
    case JC_KERNEL_LINEAR:
        layer_with_weights(e, at);
        break;
    case JC_KERNEL_BATCH_NORM:
    case JC_KERNEL_GROUP_NORM:
    case JC_KERNEL_LAYER_NORM:
        norm(e, at);
        break;
    case JC_KERNEL_MAX_POOL2D:
    case JC_KERNEL_AVG_POOL2D:
        reference_pool(kernel, true, at->x, at->y);
        break;
    case JC_KERNEL_SOFTMAX:
        reference_softmax(at->size, at->x, at->y);
        break;
    case JC_KERNEL_MATMUL:
        reference_matmul(at->size, at->x, e->values[inputs[1]], at->y);
        break;
    case JC_KERNEL_ATTENTION:
        reference_attention(at->size, at->x, e->values[inputs[1]], e->values[inputs[2]],
                            integer(at, "is_causal") != 0, at->y);
        break;
    case JC_KERNEL_ADD:
    case JC_KERNEL_MUL:
        combine(e, at);
        break;
    case JC_KERNEL_UPSAMPLE:
        reference_upsample(at->size, at->x, at->y);
        break;
    case JC_KERNEL_CONCAT:
    case JC_KERNEL_COPY:
    case JC_KERNEL_NONE:
        move(e, at);
        break;
    case JC_KERNEL_REDUCE:
        reduce(at);
        break;
    default:
        for (size_t i = 0; i < at->n; ++i) {
            const double x = (double)at->x[i];
            at->y[i] = kernel->kind == JC_KERNEL_POINTWISE ? pointwise(at, x)
                                                           : reference_activation(kernel->kind, x);
        }
    }
}

float **reference_network(harness *h, const jc_network *network) {
    evaluation e = {
        .h = h, .network = network, .values = calloc(network->n_steps, sizeof *e.values)};
    for (size_t i = 0; i < network->n_steps; ++i) {
        const jc_network_step *step = &network->steps[i];
        if (step->n_inputs == 0) { // an input of the network, or a parameter
            e.values[i] = next_constant(&e);
            continue;
        }
        const size_t n = (size_t)jc_shape_elements(&step->output);
        const at_step at = {.step = step,
                            .size = step->kernel.size,
                            .x = e.values[step->inputs[0]],
                            .shape = &network->steps[step->inputs[0]].output,
                            .y = calloc(n, sizeof(double)),
                            .n = n};
        evaluate(&e, &at);
        e.values[i] = calloc(n, sizeof *e.values[i]);
        for (size_t k = 0; k < n; ++k) {
            e.values[i][k] = (float)at.y[k];
        }
        free(at.y);
    }
    return e.values;
}
