// SPDX-License-Identifier: Apache-2.0
// Patterns around products: a bias, and attention.
#include "pattern_match.h"

// --- Products with a bias -----------------------------------------------------------------------

// A matrix of weights, possibly turned or quantised on its way.
static bool is_matrix(const matcher *m, int32_t v, onnx_value *out) {
    for (int i = 0; i < 4 && !match_constant(m, v, out); ++i) {
        const onnx_node *node = match_producer(m, v);
        if (!match_is(node, "Transpose") && !match_is(node, "Identity") &&
            !match_is(node, "Cast") && !match_is(node, "QuantizeLinear") &&
            !match_is(node, "DequantizeLinear")) {
            return false;
        }
        v = match_input(node, 0);
    }
    return v != ONNX_NO_VALUE && out->is_constant && out->shape.rank == 2;
}

jc_status match_bias(const matcher *m, onnx_node *product) {
    onnx_value weight = {0};
    onnx_value bias;
    onnx_node *add = match_only_user(m, match_output(product));
    if (product->n_inputs != 2 || !match_is(add, "Add") ||
        !is_matrix(m, match_input(product, 1), &weight)) {
        return JC_OK;
    }
    const int32_t b = match_other_input(add, match_output(product));
    if (!match_constant(m, b, &bias) || bias.shape.rank != 1 ||
        (bias.shape.dim[0] != weight.shape.dim[1] && bias.shape.dim[0] != weight.shape.dim[0]) ||
        m->w->values[b].producer >= 0) {
        return JC_OK;
    }
    int32_t *inputs = jc_arena_alloc(m->w->arena, 3, sizeof *inputs);
    if (inputs == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    const int32_t given[3] = {match_input(product, 0), match_input(product, 1), b};
    add->inputs = inputs;
    add->name = product->name;
    match_become(add, "MatMul", 3, given); // the product is taken where its sum stood
    return JC_OK;
}

// --- Attention ----------------------------------------------------------------------------------

// A number that follows from constants and shapes, such as the root of a size.
static bool is_setting(const matcher *m, int32_t v, int depth) {
    enum { MOST_STEPS = 1000000, DEEPEST = 10 };
    static const char *const ops[] = {"Cast", "Concat", "Constant", "Div",  "Gather",  "Mul",
                                      "Pow",  "Shape",  "Slice",    "Sqrt", "Squeeze", "Unsqueeze"};
    onnx_value value;
    const onnx_node *node = match_producer(m, v);
    if (match_constant(m, v, &value)) {
        return onnx_shape_elements(&value.shape) == 1 || !onnx_type_is_real(value.type);
    }
    if (node == NULL || depth > DEEPEST || ++*m->n_steps > MOST_STEPS) {
        return false;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; ++i) {
        known = known || match_is(node, ops[i]);
    }
    for (size_t i = 0; i < node->n_inputs && known && !match_is(node, "Shape"); ++i) {
        known = is_setting(m, node->inputs[i], depth + 1);
    }
    return known;
}

// Past multiplications by a number.
static int32_t skip_scale(const matcher *m, int32_t v) {
    for (int i = 0; i < 2; ++i) {
        const onnx_node *node = match_producer(m, v);
        const bool scales =
            (match_is(node, "Mul") || match_is(node, "Div")) && match_only_user(m, v) != NULL;
        if (scales && is_setting(m, match_input(node, 1), 0)) {
            v = match_input(node, 0);
        } else if (scales && match_is(node, "Mul") && is_setting(m, match_input(node, 0), 0)) {
            v = match_input(node, 1);
        } else {
            return v;
        }
    }
    return v;
}

// The product that scores come from, and the mask that is added to them or chooses among them.
static onnx_node *find_scores(const matcher *m, int32_t v, int32_t *out_mask) {
    *out_mask = ONNX_NO_VALUE;
    for (int i = 0; i < 4; ++i) {
        v = skip_scale(m, v);
        onnx_node *node = match_producer(m, v);
        if (node == NULL || match_only_user(m, v) == NULL || match_is(node, "MatMul")) {
            return match_is(node, "MatMul") && match_only_user(m, v) != NULL ? node : NULL;
        }
        const bool adds = match_is(node, "Add");
        if ((!adds && !match_is(node, "Where")) || *out_mask != ONNX_NO_VALUE) {
            return NULL;
        }
        const size_t first = adds ? 0 : 1;
        const onnx_node *a = match_producer(m, skip_scale(m, match_input(node, first)));
        const size_t at = match_is(a, "MatMul") ? first : first + 1;
        *out_mask = adds ? match_input(node, 1 - at) : match_input(node, 0);
        v = match_input(node, at);
    }
    return NULL;
}

// The key whose transpose the scores are a product with: as [.., length, size]; ONNX_NO_VALUE if
// unknown.
static int32_t find_key(const matcher *m, int32_t v) {
    v = skip_scale(m, v);
    onnx_node *turn = match_producer(m, v);
    onnx_attribute *perm = NULL;
    for (size_t i = 0; match_is(turn, "Transpose") && i < turn->n_attributes; ++i) {
        perm = onnx_text_is(turn->attributes[i].name, "perm") ? &turn->attributes[i] : perm;
    }
    if (perm == NULL || perm->n_ints < 3 || match_only_user(m, v) == NULL) {
        return ONNX_NO_VALUE;
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
    return match_input(turn, 0);
}

jc_status match_attention(const matcher *m, const onnx_node *softmax) {
    int32_t mask = ONNX_NO_VALUE;
    onnx_node *last = match_only_user(m, match_output(softmax));
    while (match_is(last, "Dropout") || match_is(last, "Identity") || match_is(last, "Cast")) {
        last = match_only_user(m, match_output(last));
    }
    const onnx_node *scores = find_scores(m, match_input(softmax, 0), &mask);
    const int64_t axis =
        onnx_node_attribute(softmax, "axis") == NULL ? -1 : onnx_node_attribute(softmax, "axis")->i;
    if (!match_is(last, "MatMul") || last->n_inputs != 2 || scores == NULL ||
        scores->n_inputs != 2 || scores == last || (axis != -1 && axis < 2)) {
        return JC_OK;
    }
    onnx_value ignored;
    if (match_constant(m, match_input(last, 1), &ignored) ||
        match_constant(m, match_input(scores, 1), &ignored)) {
        return JC_OK; // weights
    }
    const int32_t query = skip_scale(m, match_input(scores, 0));
    const int32_t value = match_input(last, 1);
    int32_t *inputs = jc_arena_alloc(m->w->arena, 4, sizeof *inputs);
    if (inputs == NULL) {
        return onnx_lower_out_of_memory(m->w);
    }
    const int32_t key = find_key(m, match_input(scores, 1));
    if (key == ONNX_NO_VALUE) {
        return JC_OK;
    }
    const int32_t given[4] = {query, key, value, mask};
    last->inputs = inputs;
    match_become(last, "jc:attention", mask == ONNX_NO_VALUE ? 3 : 4, given);
    return JC_OK;
}
