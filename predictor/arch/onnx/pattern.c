// SPDX-License-Identifier: Apache-2.0
// Patterns: what exporters write as several nodes and a machine runs as one kernel. The last node
// of a pattern becomes one of the table's jc: operators; the others die for want of a use.
#include "pattern_match.h"

#include <math.h>
#include <string.h>

// --- x times a function of x --------------------------------------------------------------------

static void match_gated(const matcher *m, onnx_node *mul) {
    for (size_t i = 0; i < 2 && mul->n_inputs == 2; ++i) {
        const int32_t x = match_input(mul, i);
        const int32_t gate = match_input(mul, 1 - i);
        const onnx_node *g = match_producer(m, gate);
        if (g == NULL || match_only_user(m, gate) != mul) {
            continue;
        }
        if (match_is(g, "Sigmoid") && match_input(g, 0) == x) {
            match_become(mul, "jc:silu", 1, &x);
        } else if (match_is(g, "HardSigmoid") && match_input(g, 0) == x) {
            match_become(mul, "jc:hardswish", 1, &x);
        } else if (match_is(g, "Tanh") &&
                   match_is(match_producer(m, match_input(g, 0)), "Softplus") &&
                   match_input(match_producer(m, match_input(g, 0)), 0) == x) {
            match_become(mul, "jc:mish", 1, &x);
        } else {
            continue;
        }
        return;
    }
}

// The last node of a product of a value, x and a number, in whatever order and grouping; NULL where
// there is none.
static onnx_node *find_product(const matcher *m, int32_t value, int32_t x, double number) {
    bool has_x = false;
    bool has_number = false;
    for (int step = 0; step < 2; ++step) {
        onnx_node *node = match_only_user(m, value);
        const int32_t other = match_other_input(node, value);
        const onnx_node *before = match_producer(m, other);
        double c = 0;
        if ((match_with_scalar(m, node, "Mul", &c) == value && match_near(c, number)) ||
            (match_with_scalar(m, node, "Div", &c) == value && match_near(1 / c, number))) {
            has_number = true;
        } else if (match_is(node, "Mul") && other == x) {
            has_x = true;
        } else if (match_is(node, "Mul") &&
                   ((match_with_scalar(m, before, "Mul", &c) == x && match_near(c, number)) ||
                    (match_with_scalar(m, before, "Div", &c) == x && match_near(1 / c, number)))) {
            has_x = true;
            has_number = true;
        } else {
            return NULL;
        }
        if (has_x && has_number) {
            return node;
        }
        value = match_output(node);
    }
    return NULL;
}

static bool is_cube(const matcher *m, int32_t value, int32_t x) {
    const onnx_node *node = match_producer(m, value);
    double power = 0;
    if (match_is(node, "Pow")) {
        return match_input(node, 0) == x && match_scalar(m, match_input(node, 1), &power) &&
               match_near(power, 3);
    }
    const onnx_node *square = match_producer(m, match_other_input(node, x));
    return match_is(node, "Mul") &&
           ((match_is(square, "Mul") && match_input(square, 0) == x &&
             match_input(square, 1) == x) ||
            (match_is(square, "Pow") && match_input(square, 0) == x &&
             match_scalar(m, match_input(square, 1), &power) && match_near(power, 2)));
}

// What the error function or the hyperbolic tangent of a GELU is taken of.
static int32_t gelu_argument(const matcher *m, const onnx_node *f) {
    double c = 0;
    const onnx_node *inner = match_producer(m, match_input(f, 0));
    if (match_is(f, "Erf")) { // x / √2
        int32_t x = match_with_scalar(m, inner, "Div", &c);
        if (x != ONNX_NO_VALUE && match_near(c, sqrt(2))) {
            return x;
        }
        x = match_with_scalar(m, inner, "Mul", &c);
        return x != ONNX_NO_VALUE && match_near(c, sqrt(0.5)) ? x : ONNX_NO_VALUE;
    }
    // √(2/π) (x + 0.044715 x³)
    const int32_t sum = match_with_scalar(m, inner, "Mul", &c);
    const onnx_node *add = match_producer(m, sum);
    if (sum == ONNX_NO_VALUE || !match_near(c, 0.797884) || !match_is(add, "Add")) {
        return ONNX_NO_VALUE;
    }
    for (size_t i = 0; i < 2; ++i) {
        const int32_t x = match_input(add, 1 - i);
        const int32_t cube =
            match_with_scalar(m, match_producer(m, match_input(add, i)), "Mul", &c);
        if (cube != ONNX_NO_VALUE && match_near(c, 0.044715) && is_cube(m, cube, x)) {
            return x;
        }
    }
    return ONNX_NO_VALUE;
}

// x/2 (1 + f(x)).
static void match_gelu(const matcher *m, const onnx_node *f) {
    double c = 0;
    const int32_t x = gelu_argument(m, f);
    const onnx_node *add = match_only_user(m, match_output(f));
    if (x == ONNX_NO_VALUE || match_with_scalar(m, add, "Add", &c) == ONNX_NO_VALUE ||
        !match_near(c, 1)) {
        return;
    }
    onnx_node *product = find_product(m, match_output(add), x, 0.5);
    if (product != NULL) {
        match_become(product, "jc:gelu", 1, &x);
    }
}

static bool is_bound(const matcher *m, const onnx_node *clip, const char *name, size_t input,
                     double wanted) {
    const onnx_attribute *a = onnx_node_attribute(clip, name);
    double value = 0;
    if (a != NULL) {
        value = a->f;
    } else if (!match_scalar(m, match_input(clip, input), &value)) {
        return false;
    }
    return match_near(value, wanted);
}

// x/6 · min(max(x + 3, 0), 6).
static void match_hardswish(const matcher *m, const onnx_node *clip) {
    double c = 0;
    const onnx_node *add = match_producer(m, match_input(clip, 0));
    const int32_t x = match_with_scalar(m, add, "Add", &c);
    if (x == ONNX_NO_VALUE || !match_near(c, 3) || !is_bound(m, clip, "min", 1, 0) ||
        !is_bound(m, clip, "max", 2, 6)) {
        return;
    }
    onnx_node *product = find_product(m, match_output(clip), x, 1.0 / 6);
    if (product != NULL) {
        match_become(product, "jc:hardswish", 1, &x);
    }
}

// --- Layer norm ---------------------------------------------------------------------------------

// Axes of a value, as the file tells or as those before it had; 0 where neither tells. It may be
// wrong where a sum broadcasts: whoever relies on it looks again once shapes are known.
static int find_rank(const matcher *m, int32_t v) {
    enum { MOST_STEPS = 64 };
    static const char *const keeping[] = {"Add",
                                          "BatchNormalization",
                                          "Cast",
                                          "Clip",
                                          "Concat",
                                          "Conv",
                                          "Div",
                                          "Dropout",
                                          "Erf",
                                          "Gelu",
                                          "HardSwish",
                                          "Identity",
                                          "LayerNormalization",
                                          "MatMul",
                                          "Mul",
                                          "Pow",
                                          "Relu",
                                          "Sigmoid",
                                          "Softmax",
                                          "Sub",
                                          "Tanh",
                                          "Where",
                                          "jc:gelu",
                                          "jc:hardswish",
                                          "jc:layer_norm",
                                          "jc:silu"};
    int more = 0; // axes that lookups have added on the way
    for (int step = 0; step < MOST_STEPS && v != ONNX_NO_VALUE; ++step) {
        const onnx_node *node = match_producer(m, v);
        const onnx_attribute *perm =
            match_is(node, "Transpose") ? onnx_node_attribute(node, "perm") : NULL;
        onnx_value given = {0};
        if (m->w->values[v].told_rank > 0) {
            return m->w->values[v].told_rank + more;
        }
        if (perm != NULL) {
            return (int)(perm->n_ints < ONNX_MAX_RANK ? perm->n_ints : 0) + more;
        }
        if (match_is(node, "Reshape")) {
            return match_constant(m, match_input(node, 1), &given)
                       ? (int)onnx_shape_elements(&given.shape) + more
                       : 0;
        }
        if (match_is(node, "Gather") && match_constant(m, match_input(node, 0), &given)) {
            more += given.shape.rank - 1;
            v = match_input(node, 1);
            continue;
        }
        bool keeps = false;
        for (size_t i = 0; i < sizeof keeping / sizeof keeping[0]; ++i) {
            keeps = keeps || match_is(node, keeping[i]);
        }
        const bool is_second = keeps && match_constant(m, match_input(node, 0), &given);
        v = keeps ? match_input(node, is_second ? 1 : 0) : ONNX_NO_VALUE;
    }
    return 0;
}

// First of the last axes that a mean is taken of, counted from the end; 0 for others, and where
// axes are counted from the beginning of an unknown number.
static int64_t mean_axis(const matcher *m, const onnx_node *mean, int rank) {
    const onnx_attribute *a = onnx_node_attribute(mean, "axes");
    onnx_value value = {0};
    int64_t axes[ONNX_MAX_RANK];
    size_t n = 0;
    if (a != NULL) {
        for (; n < a->n_ints && n < ONNX_MAX_RANK; ++n) {
            axes[n] = a->ints[n];
        }
    } else if (match_constant(m, match_input(mean, 1), &value) && value.cells != NULL &&
               !onnx_type_is_real(value.type) &&
               onnx_shape_elements(&value.shape) <= ONNX_MAX_RANK) {
        for (; n < (size_t)onnx_shape_elements(&value.shape); ++n) {
            axes[n] = value.cells[n].i;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        const int64_t from_end = axes[i] >= 0 && rank > 0 ? axes[i] - rank : axes[i];
        if (from_end != -(int64_t)n + (int64_t)i) {
            return 0;
        }
    }
    return -(int64_t)n;
}

// (x − mean(x)) / √(mean((x − mean(x))²) + ε), also as a product with the reciprocal of the root;
// then a learned scale and shift.
static jc_status match_layer_norm(const matcher *m, onnx_node *div) {
    double c = 0;
    const onnx_node *sub = match_producer(m, match_input(div, 0));
    const onnx_node *root = match_producer(m, match_input(div, 1));
    if (match_is(div, "Mul")) {
        if (match_is(sub, "Reciprocal")) {
            const onnx_node *reciprocal = sub;
            sub = root;
            root = reciprocal;
        }
        root = match_is(root, "Reciprocal") ? match_producer(m, match_input(root, 0)) : NULL;
    }
    const onnx_node *mean = match_producer(m, match_input(sub, 1));
    if (!match_is(sub, "Sub") || !match_is(root, "Sqrt") || !match_is(mean, "ReduceMean") ||
        match_input(mean, 0) != match_input(sub, 0)) {
        return JC_OK;
    }
    const int32_t variance =
        match_with_scalar(m, match_producer(m, match_input(root, 0)), "Add", &c);
    const onnx_node *mean2 = match_producer(m, variance);
    const onnx_node *square = match_producer(m, match_input(mean2, 0));
    const bool squares = match_input(square, 0) == match_output(sub) &&
                         ((match_is(square, "Pow") && match_scalar(m, match_input(square, 1), &c) &&
                           match_near(c, 2)) ||
                          (match_is(square, "Mul") && match_input(square, 1) == match_output(sub)));
    if (variance == ONNX_NO_VALUE || !match_is(mean2, "ReduceMean") || !squares) {
        return JC_OK;
    }
    const bool from_end = mean_axis(m, mean, 0) != 0 && mean_axis(m, mean2, 0) != 0;
    const int rank = from_end ? 0 : find_rank(m, match_input(sub, 0));
    const int64_t axis = mean_axis(m, mean, rank);
    if (axis == 0 || mean_axis(m, mean2, rank) != axis) {
        return JC_OK;
    }
    onnx_value value;
    onnx_node *last = div;
    int32_t inputs[3] = {match_input(sub, 0), ONNX_NO_VALUE, ONNX_NO_VALUE};
    onnx_node *mul = match_only_user(m, match_output(div));
    if (match_is(mul, "Mul") &&
        match_constant(m, match_other_input(mul, match_output(div)), &value)) {
        inputs[1] = match_other_input(mul, match_output(div));
        last = mul;
        onnx_node *add = match_only_user(m, match_output(mul));
        if (match_is(add, "Add") &&
            match_constant(m, match_other_input(add, match_output(mul)), &value)) {
            inputs[2] = match_other_input(add, match_output(mul));
            last = add;
        }
    }
    onnx_attribute *a = jc_arena_alloc(m->w->arena, 2, sizeof *a);
    int32_t *three = jc_arena_alloc(m->w->arena, 3, sizeof *three);
    if (a == NULL || three == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    a[0] = (onnx_attribute){.name = match_text("axis"), .has_i = true, .i = axis};
    a[1] = (onnx_attribute){.name = match_text("rank"), .has_i = true, .i = rank};
    last->attributes = a;
    last->n_attributes = 2;
    last->inputs = three;
    match_become(last, "jc:layer_norm", 3, inputs);
    return JC_OK;
}

// --- Padding before a window --------------------------------------------------------------------

// Zeros around a plane, which an average counts as its own padding would be.
static jc_status match_padding(const matcher *m, const onnx_node *pad) {
    onnx_node *pool = match_only_user(m, match_output(pad));
    const onnx_attribute *a = onnx_node_attribute(pad, "pads");
    const onnx_attribute *mode = onnx_node_attribute(pad, "mode");
    onnx_value value = {0};
    int64_t pads[8];
    for (int i = 0; i < 8 && a != NULL && a->n_ints == 8; ++i) {
        pads[i] = a->ints[i];
    }
    if (a == NULL && match_constant(m, match_input(pad, 1), &value) && value.cells != NULL &&
        !onnx_type_is_real(value.type) && onnx_shape_elements(&value.shape) == 8) {
        for (int i = 0; i < 8; ++i) {
            pads[i] = value.cells[i].i;
        }
    } else if (a == NULL || a->n_ints != 8) {
        return JC_OK;
    }
    double filler = 0;
    const bool zeros = match_input(pad, 2) == ONNX_NO_VALUE ||
                       (match_scalar(m, match_input(pad, 2), &filler) && match_near(filler, 0));
    bool bare = match_is(pool, "AveragePool") && zeros &&
                (mode == NULL || onnx_text_is(mode->s, "constant")) && pads[0] == 0 &&
                pads[1] == 0 && pads[4] == 0 && pads[5] == 0 &&
                onnx_node_attribute(pool, "auto_pad") == NULL;
    const onnx_attribute *own = bare ? onnx_node_attribute(pool, "pads") : NULL;
    for (size_t i = 0; own != NULL && i < own->n_ints; ++i) {
        bare = bare && own->ints[i] == 0;
    }
    if (!bare) {
        return JC_OK;
    }
    const size_t n = pool->n_attributes;
    onnx_attribute *attributes = jc_arena_alloc(m->w->arena, n + 2, sizeof *attributes);
    int64_t *four = jc_arena_alloc(m->w->arena, 4, sizeof *four);
    if (attributes == NULL || four == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    memcpy(four, pads + 2, 2 * sizeof *four);
    memcpy(four + 2, pads + 6, 2 * sizeof *four);
    // The first of a name holds.
    attributes[0] = (onnx_attribute){.name = match_text("pads"), .n_ints = 4, .ints = four};
    attributes[1] =
        (onnx_attribute){.name = match_text("count_include_pad"), .has_i = true, .i = 1};
    memcpy(attributes + 2, pool->attributes, n * sizeof *attributes);
    pool->attributes = attributes;
    pool->n_attributes = n + 2;
    pool->inputs[0] = match_input(pad, 0);
    return JC_OK;
}

// --- All of them --------------------------------------------------------------------------------

static void count_uses(const matcher *m) {
    const onnx_model *model = m->w->model;
    for (size_t v = 0; v < model->n_values; ++v) {
        m->user[v] = ONNX_NO_VALUE;
        m->n_use[v] = 0;
    }
    for (size_t n = 0; n < model->n_nodes; ++n) {
        const onnx_node *node = &model->nodes[n];
        for (size_t i = 0; i < node->n_inputs && !match_is(node, "Shape"); ++i) {
            if (node->inputs[i] != ONNX_NO_VALUE) {
                m->user[node->inputs[i]] = (int32_t)n;
                m->n_use[node->inputs[i]]++;
            }
        }
    }
    for (size_t i = 0; i < model->n_outputs; ++i) {
        const int32_t v = onnx_find_value(model, model->outputs[i].name);
        if (v != ONNX_NO_VALUE) {
            m->n_use[v] += 2; // never only of use within a pattern
        }
    }
}

jc_status onnx_find_patterns(lowering *w) {
    const onnx_model *model = w->model;
    size_t n_steps = 0;
    matcher m = {
        .w = w,
        .n_steps = &n_steps,
        .user = jc_arena_take(w->arena, model->n_values, sizeof *m.user),
        .n_use = jc_arena_take(w->arena, model->n_values, sizeof *m.n_use),
    };
    if (m.user == NULL || m.n_use == NULL) {
        return onnx_lower_out_of_memory(w);
    }
    count_uses(&m);
    jc_status status = JC_OK;
    for (size_t n = 0; n < model->n_nodes && status == JC_OK; ++n) {
        onnx_node *node = &model->nodes[n];
        if (node->domain.size > 0) {
            continue;
        }
        if (match_is(node, "Mul")) {
            match_gated(&m, node);
            status = match_is(node, "Mul") ? match_layer_norm(&m, node) : JC_OK;
        } else if (match_is(node, "Clip")) {
            match_hardswish(&m, node);
        } else if (match_is(node, "Erf") || match_is(node, "Tanh")) {
            match_gelu(&m, node);
        } else if (match_is(node, "Div")) {
            status = match_layer_norm(&m, node);
        } else if (match_is(node, "Pad")) {
            status = match_padding(&m, node);
        } else if (match_is(node, "Softmax")) {
            status = match_attention(&m, node);
        }
    }
    // Last, for a sum with a bias may be part of what came before.
    count_uses(&m);
    for (size_t n = 0; n < model->n_nodes && status == JC_OK; ++n) {
        onnx_node *node = &model->nodes[n];
        if (node->domain.size == 0 && match_is(node, "MatMul")) {
            status = match_bias(&m, node);
        }
    }
    return status;
}
