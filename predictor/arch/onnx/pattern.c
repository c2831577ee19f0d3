// SPDX-License-Identifier: Apache-2.0
// Patterns: what exporters write as several nodes and a machine runs as one kernel. The last node
// of a pattern becomes one of the table's jc: operators; the others die for want of a use.
#include "pattern.h"

#include <math.h>
#include <string.h>

/** Links of a model, to walk along. */
typedef struct matcher {
    lowering *w;
    int32_t *user;   ///< [n_values] a node that takes it
    uint32_t *n_use; ///< [n_values] uses of its contents (Shape asks for none)
    size_t *n_steps; ///< taken so far by is_setting
} matcher;

static const int32_t NONE = ONNX_NO_VALUE;

static onnx_node *producer(const matcher *m, int32_t v) {
    const int32_t p = v == NONE ? -1 : m->w->values[v].producer;
    return p < 0 ? NULL : &m->w->model->nodes[p];
}

static bool is(const onnx_node *node, const char *op) {
    return node != NULL && onnx_text_is(node->op_type, op);
}

static int32_t input(const onnx_node *node, size_t i) {
    return node != NULL && i < node->n_inputs ? node->inputs[i] : NONE;
}

static int32_t output(const onnx_node *node) {
    return node != NULL && node->n_outputs > 0 ? node->outputs[0] : NONE;
}

// The one node that takes a value; NULL where there are none or several.
static onnx_node *only_user(const matcher *m, int32_t v) {
    return v != NONE && m->n_use[v] == 1 && m->user[v] >= 0 ? &m->w->model->nodes[m->user[v]]
                                                            : NULL;
}

// A constant, from an initializer or a Constant node.
static bool constant(const matcher *m, int32_t v, onnx_value *out) {
    if (v == NONE) {
        return false;
    }
    if (m->w->values[v].is_known) {
        *out = m->w->values[v];
        return out->is_constant;
    }
    const onnx_node *node = producer(m, v);
    const onnx_attribute *a = is(node, "Constant") ? onnx_node_attribute(node, "value") : NULL;
    *out = (onnx_value){0};
    return a != NULL && a->tensor != NULL && onnx_tensor_to_value(m->w, a->tensor, out) == JC_OK;
}

static bool scalar(const matcher *m, int32_t v, double *out) {
    onnx_value value;
    return constant(m, v, &value) && onnx_value_real(&value, out);
}

// The tensor that a node of two inputs combines with a number; NONE if it does not.
static int32_t with_scalar(const matcher *m, const onnx_node *node, const char *op, double *out) {
    if (!is(node, op)) {
        return NONE;
    }
    if (scalar(m, input(node, 1), out)) {
        return input(node, 0);
    }
    return strcmp(op, "Div") != 0 && scalar(m, input(node, 0), out) ? input(node, 1) : NONE;
}

// Of a node of two inputs, the one that is not `v`; NONE if neither is.
static int32_t other_input(const onnx_node *node, int32_t v) {
    return input(node, 0) == v ? input(node, 1) : input(node, 1) == v ? input(node, 0) : NONE;
}

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-3 * fabs(b) + 1e-30;
}

static onnx_text text_of(const char *word) {
    return (onnx_text){word, strlen(word)};
}

static void become(onnx_node *node, const char *op, size_t n, const int32_t *inputs) {
    node->op_type = text_of(op);
    node->domain = (onnx_text){0};
    for (size_t i = 0; i < n; ++i) {
        node->inputs[i] = inputs[i];
    }
    node->n_inputs = n;
}

// --- x times a function of x --------------------------------------------------------------------

static void match_gated(const matcher *m, onnx_node *mul) {
    for (size_t i = 0; i < 2 && mul->n_inputs == 2; ++i) {
        const int32_t x = input(mul, i);
        const int32_t gate = input(mul, 1 - i);
        const onnx_node *g = producer(m, gate);
        if (g == NULL || only_user(m, gate) != mul) {
            continue;
        }
        if (is(g, "Sigmoid") && input(g, 0) == x) {
            become(mul, "jc:silu", 1, &x);
        } else if (is(g, "HardSigmoid") && input(g, 0) == x) {
            become(mul, "jc:hardswish", 1, &x);
        } else if (is(g, "Tanh") && is(producer(m, input(g, 0)), "Softplus") &&
                   input(producer(m, input(g, 0)), 0) == x) {
            become(mul, "jc:mish", 1, &x);
        } else {
            continue;
        }
        return;
    }
}

// What the error function or the hyperbolic tangent of a GELU is taken of.
static int32_t gelu_argument(const matcher *m, const onnx_node *f) {
    double c = 0;
    const onnx_node *inner = producer(m, input(f, 0));
    if (is(f, "Erf")) { // x / √2
        int32_t x = with_scalar(m, inner, "Div", &c);
        if (x != NONE && near(c, sqrt(2))) {
            return x;
        }
        x = with_scalar(m, inner, "Mul", &c);
        return x != NONE && near(c, sqrt(0.5)) ? x : NONE;
    }
    // √(2/π) (x + 0.044715 x³)
    const int32_t sum = with_scalar(m, inner, "Mul", &c);
    const onnx_node *add = producer(m, sum);
    if (sum == NONE || !near(c, 0.797884) || !is(add, "Add")) {
        return NONE;
    }
    for (size_t i = 0; i < 2; ++i) {
        const int32_t cube = with_scalar(m, producer(m, input(add, i)), "Mul", &c);
        if (cube != NONE && near(c, 0.044715) && is(producer(m, cube), "Pow")) {
            return input(add, 1 - i);
        }
    }
    return NONE;
}

// x/2 (1 + f(x)), multiplied in any order.
static void match_gelu(const matcher *m, const onnx_node *f) {
    double c = 0;
    const int32_t x = gelu_argument(m, f);
    onnx_node *add = only_user(m, output(f));
    if (x == NONE || add == NULL || with_scalar(m, add, "Add", &c) == NONE || !near(c, 1)) {
        return;
    }
    onnx_node *mul = only_user(m, output(add));
    if (!is(mul, "Mul")) {
        return;
    }
    const int32_t factor = other_input(mul, output(add));
    if (with_scalar(m, producer(m, factor), "Mul", &c) == x && near(c, 0.5)) {
        become(mul, "jc:gelu", 1, &x);
        return;
    }
    onnx_node *half = only_user(m, output(mul));
    if (factor == x && half != NULL && with_scalar(m, half, "Mul", &c) != NONE && near(c, 0.5)) {
        become(half, "jc:gelu", 1, &x);
    }
}

// --- Layer norm ---------------------------------------------------------------------------------

// First of the last axes that a mean is taken of, counted from the end; 0 for others.
static int64_t mean_axis(const matcher *m, const onnx_node *mean) {
    const onnx_attribute *a = onnx_node_attribute(mean, "axes");
    onnx_value value = {0};
    int64_t axes[ONNX_MAX_RANK];
    size_t n = 0;
    if (a != NULL) {
        for (; n < a->n_ints && n < ONNX_MAX_RANK; ++n) {
            axes[n] = a->ints[n];
        }
    } else if (constant(m, input(mean, 1), &value) && value.cells != NULL &&
               !onnx_type_is_real(value.type) &&
               onnx_shape_elements(&value.shape) <= ONNX_MAX_RANK) {
        for (; n < (size_t)onnx_shape_elements(&value.shape); ++n) {
            axes[n] = value.cells[n].i;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        if (axes[i] != -(int64_t)n + (int64_t)i) {
            return 0;
        }
    }
    return -(int64_t)n;
}

// (x − mean(x)) / √(mean((x − mean(x))²) + ε), then a learned scale and shift.
static jc_status match_layer_norm(const matcher *m, onnx_node *div) {
    double c = 0;
    const onnx_node *sub = producer(m, input(div, 0));
    const onnx_node *root = producer(m, input(div, 1));
    const onnx_node *mean = producer(m, input(sub, 1));
    if (!is(sub, "Sub") || !is(root, "Sqrt") || !is(mean, "ReduceMean") ||
        input(mean, 0) != input(sub, 0)) {
        return JC_OK;
    }
    const int32_t variance = with_scalar(m, producer(m, input(root, 0)), "Add", &c);
    const onnx_node *mean2 = producer(m, variance);
    const onnx_node *square = producer(m, input(mean2, 0));
    const int64_t axis = mean_axis(m, mean);
    const bool squares =
        (is(square, "Pow") || (is(square, "Mul") && input(square, 1) == output(sub))) &&
        input(square, 0) == output(sub);
    if (variance == NONE || !is(mean2, "ReduceMean") || !squares || axis == 0 ||
        mean_axis(m, mean2) != axis) {
        return JC_OK;
    }
    onnx_value value;
    onnx_node *last = div;
    int32_t inputs[3] = {input(sub, 0), NONE, NONE};
    onnx_node *mul = only_user(m, output(div));
    if (is(mul, "Mul") && constant(m, other_input(mul, output(div)), &value)) {
        inputs[1] = other_input(mul, output(div));
        last = mul;
        onnx_node *add = only_user(m, output(mul));
        if (is(add, "Add") && constant(m, other_input(add, output(mul)), &value)) {
            inputs[2] = other_input(add, output(mul));
            last = add;
        }
    }
    onnx_attribute *a = jc_arena_alloc(m->w->arena, 1, sizeof *a);
    int32_t *three = jc_arena_alloc(m->w->arena, 3, sizeof *three);
    if (a == NULL || three == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    *a = (onnx_attribute){.name = text_of("axis"), .has_i = true, .i = axis};
    last->attributes = a;
    last->n_attributes = 1;
    last->inputs = three;
    become(last, "jc:layer_norm", 3, inputs);
    return JC_OK;
}

// --- Padding before a window --------------------------------------------------------------------

// Zeros around a plane, which an average counts as its own padding would be.
static jc_status match_padding(const matcher *m, const onnx_node *pad) {
    onnx_node *pool = only_user(m, output(pad));
    const onnx_attribute *a = onnx_node_attribute(pad, "pads");
    const onnx_attribute *mode = onnx_node_attribute(pad, "mode");
    onnx_value value = {0};
    int64_t pads[8];
    for (int i = 0; i < 8 && a != NULL && a->n_ints == 8; ++i) {
        pads[i] = a->ints[i];
    }
    if (a == NULL && constant(m, input(pad, 1), &value) && value.cells != NULL &&
        !onnx_type_is_real(value.type) && onnx_shape_elements(&value.shape) == 8) {
        for (int i = 0; i < 8; ++i) {
            pads[i] = value.cells[i].i;
        }
    } else if (a == NULL || a->n_ints != 8) {
        return JC_OK;
    }
    double filler = 0;
    const bool zeros =
        input(pad, 2) == NONE || (scalar(m, input(pad, 2), &filler) && near(filler, 0));
    bool bare = is(pool, "AveragePool") && zeros &&
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
    attributes[0] = (onnx_attribute){.name = text_of("pads"), .n_ints = 4, .ints = four};
    attributes[1] = (onnx_attribute){.name = text_of("count_include_pad"), .has_i = true, .i = 1};
    memcpy(attributes + 2, pool->attributes, n * sizeof *attributes);
    pool->attributes = attributes;
    pool->n_attributes = n + 2;
    pool->inputs[0] = input(pad, 0);
    return JC_OK;
}

// --- Products with a bias -----------------------------------------------------------------------

// A matrix of weights, possibly turned or quantised on its way.
static bool is_matrix(const matcher *m, int32_t v, onnx_value *out) {
    for (int i = 0; i < 4 && !constant(m, v, out); ++i) {
        const onnx_node *node = producer(m, v);
        if (!is(node, "Transpose") && !is(node, "Identity") && !is(node, "Cast") &&
            !is(node, "QuantizeLinear") && !is(node, "DequantizeLinear")) {
            return false;
        }
        v = input(node, 0);
    }
    return v != NONE && out->is_constant && out->shape.rank == 2;
}

static jc_status match_bias(const matcher *m, onnx_node *product) {
    onnx_value weight = {0};
    onnx_value bias;
    onnx_node *add = only_user(m, output(product));
    if (product->n_inputs != 2 || !is(add, "Add") || !is_matrix(m, input(product, 1), &weight)) {
        return JC_OK;
    }
    const int32_t b = other_input(add, output(product));
    if (!constant(m, b, &bias) || bias.shape.rank != 1 ||
        (bias.shape.dim[0] != weight.shape.dim[1] && bias.shape.dim[0] != weight.shape.dim[0]) ||
        m->w->values[b].producer >= 0) {
        return JC_OK;
    }
    int32_t *inputs = jc_arena_alloc(m->w->arena, 3, sizeof *inputs);
    if (inputs == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    const int32_t given[3] = {input(product, 0), input(product, 1), b};
    add->inputs = inputs;
    add->name = product->name;
    become(add, "MatMul", 3, given); // the product is taken where its sum stood
    return JC_OK;
}

// --- Attention ----------------------------------------------------------------------------------

// A number that follows from constants and shapes, such as the root of a size.
static bool is_setting(const matcher *m, int32_t v, int depth) {
    enum { MOST_STEPS = 1000000, DEEPEST = 10 };
    static const char *const ops[] = {"Cast", "Concat", "Constant", "Div",  "Gather",  "Mul",
                                      "Pow",  "Shape",  "Slice",    "Sqrt", "Squeeze", "Unsqueeze"};
    onnx_value value;
    const onnx_node *node = producer(m, v);
    if (constant(m, v, &value)) {
        return onnx_shape_elements(&value.shape) == 1 || !onnx_type_is_real(value.type);
    }
    if (node == NULL || depth > DEEPEST || ++*m->n_steps > MOST_STEPS) {
        return false;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; ++i) {
        known = known || is(node, ops[i]);
    }
    for (size_t i = 0; i < node->n_inputs && known && !is(node, "Shape"); ++i) {
        known = is_setting(m, node->inputs[i], depth + 1);
    }
    return known;
}

// Past multiplications by a number.
static int32_t skip_scale(const matcher *m, int32_t v) {
    for (int i = 0; i < 2; ++i) {
        const onnx_node *node = producer(m, v);
        const bool scales = (is(node, "Mul") || is(node, "Div")) && only_user(m, v) != NULL;
        if (scales && is_setting(m, input(node, 1), 0)) {
            v = input(node, 0);
        } else if (scales && is(node, "Mul") && is_setting(m, input(node, 0), 0)) {
            v = input(node, 1);
        } else {
            return v;
        }
    }
    return v;
}

// The product that scores come from, and the mask that is added to them or chooses among them.
static onnx_node *find_scores(const matcher *m, int32_t v, int32_t *out_mask) {
    *out_mask = NONE;
    for (int i = 0; i < 4; ++i) {
        v = skip_scale(m, v);
        onnx_node *node = producer(m, v);
        if (node == NULL || only_user(m, v) == NULL || is(node, "MatMul")) {
            return is(node, "MatMul") && only_user(m, v) != NULL ? node : NULL;
        }
        const bool adds = is(node, "Add");
        if ((!adds && !is(node, "Where")) || *out_mask != NONE) {
            return NULL;
        }
        const size_t first = adds ? 0 : 1;
        const onnx_node *a = producer(m, skip_scale(m, input(node, first)));
        const size_t at = is(a, "MatMul") ? first : first + 1;
        *out_mask = adds ? input(node, 1 - at) : input(node, 0);
        v = input(node, at);
    }
    return NULL;
}

// The key whose transpose the scores are a product with: as [.., length, size]; NONE if unknown.
static int32_t find_key(const matcher *m, int32_t v) {
    v = skip_scale(m, v);
    onnx_node *turn = producer(m, v);
    onnx_attribute *perm = NULL;
    for (size_t i = 0; is(turn, "Transpose") && i < turn->n_attributes; ++i) {
        perm = onnx_text_is(turn->attributes[i].name, "perm") ? &turn->attributes[i] : perm;
    }
    if (perm == NULL || perm->n_ints < 3 || only_user(m, v) == NULL) {
        return NONE;
    }
    // Without the exchange of the last two axes; what is left is another transpose, or nothing.
    const size_t n = perm->n_ints;
    const int64_t last = perm->ints[n - 1];
    perm->ints[n - 1] = perm->ints[n - 2];
    perm->ints[n - 2] = last;
    for (size_t i = 0; i < n; ++i) {
        if (perm->ints[i] != (int64_t)i) {
            return v;
        }
    }
    return input(turn, 0);
}

static jc_status match_attention(const matcher *m, const onnx_node *softmax) {
    int32_t mask = NONE;
    onnx_node *last = only_user(m, output(softmax));
    while (is(last, "Dropout") || is(last, "Identity") || is(last, "Cast")) {
        last = only_user(m, output(last));
    }
    const onnx_node *scores = find_scores(m, input(softmax, 0), &mask);
    const int64_t axis =
        onnx_node_attribute(softmax, "axis") == NULL ? -1 : onnx_node_attribute(softmax, "axis")->i;
    if (!is(last, "MatMul") || last->n_inputs != 2 || scores == NULL || scores->n_inputs != 2 ||
        scores == last || (axis != -1 && axis < 2)) {
        return JC_OK;
    }
    onnx_value ignored;
    if (constant(m, input(last, 1), &ignored) || constant(m, input(scores, 1), &ignored)) {
        return JC_OK; // weights
    }
    const int32_t query = skip_scale(m, input(scores, 0));
    const int32_t value = input(last, 1);
    int32_t *inputs = jc_arena_alloc(m->w->arena, 4, sizeof *inputs);
    if (inputs == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    const int32_t key = find_key(m, input(scores, 1));
    if (key == NONE) {
        return JC_OK;
    }
    const int32_t given[4] = {query, key, value, mask};
    last->inputs = inputs;
    become(last, "jc:attention", mask == NONE ? 3 : 4, given);
    return JC_OK;
}

// --- All of them --------------------------------------------------------------------------------

static void count_uses(const matcher *m) {
    const onnx_model *model = m->w->model;
    for (size_t v = 0; v < model->n_values; ++v) {
        m->user[v] = NONE;
        m->n_use[v] = 0;
    }
    for (size_t n = 0; n < model->n_nodes; ++n) {
        const onnx_node *node = &model->nodes[n];
        for (size_t i = 0; i < node->n_inputs && !is(node, "Shape"); ++i) {
            if (node->inputs[i] != NONE) {
                m->user[node->inputs[i]] = (int32_t)n;
                m->n_use[node->inputs[i]]++;
            }
        }
    }
    for (size_t i = 0; i < model->n_outputs; ++i) {
        const int32_t v = onnx_find_value(model, model->outputs[i].name);
        if (v != NONE) {
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
        if (is(node, "Mul")) {
            match_gated(&m, node);
        } else if (is(node, "Erf") || is(node, "Tanh")) {
            match_gelu(&m, node);
        } else if (is(node, "Div")) {
            status = match_layer_norm(&m, node);
        } else if (is(node, "Pad")) {
            status = match_padding(&m, node);
        } else if (is(node, "Softmax")) {
            status = match_attention(&m, node);
        }
    }
    // Last, for a sum with a bias may be part of what came before.
    count_uses(&m);
    for (size_t n = 0; n < model->n_nodes && status == JC_OK; ++n) {
        onnx_node *node = &model->nodes[n];
        if (node->domain.size == 0 && is(node, "MatMul")) {
            status = match_bias(&m, node);
        }
    }
    return status;
}
