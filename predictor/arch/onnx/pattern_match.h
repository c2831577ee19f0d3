// SPDX-License-Identifier: Apache-2.0
/** @file Private to pattern*.c: walking along the links of a model, nodes rewritten. */
#ifndef JC_ARCH_ONNX_PATTERN_MATCH_H
#define JC_ARCH_ONNX_PATTERN_MATCH_H

#include "pattern.h"

/** Links of a model, to walk along. */
typedef struct matcher {
    lowering *w;
    int32_t *user;   ///< [n_values] a node that takes it
    uint32_t *n_use; ///< [n_values] uses of its contents (Shape asks for none)
    size_t *n_steps; ///< taken so far by is_setting
} matcher;

// All take NULL for a node that is not there, and ONNX_NO_VALUE for a value.

/** The node that gives a value; NULL if it is an input or initializer. */
onnx_node *match_producer(const matcher *m, int32_t v);
bool match_is(const onnx_node *node, const char *op);
int32_t match_input(const onnx_node *node, size_t i);
int32_t match_output(const onnx_node *node);

/** The one node that takes a value; NULL where there are none or several. */
onnx_node *match_only_user(const matcher *m, int32_t v);

/** Whether a value is a constant, from an initializer or a Constant node. */
bool match_constant(const matcher *m, int32_t v, onnx_value *out);

/** Whether it is one number. */
bool match_scalar(const matcher *m, int32_t v, double *out);

/** The tensor that a node of two inputs combines with a number; ONNX_NO_VALUE if it does not. */
int32_t match_with_scalar(const matcher *m, const onnx_node *node, const char *op, double *out);

/** Of a node of two inputs, the one that is not `v`; ONNX_NO_VALUE if neither is. */
int32_t match_other_input(const onnx_node *node, int32_t v);

/** Whether a is b as far as exporters round. */
bool match_near(double a, double b);

onnx_text match_text(const char *word);

/** Make a node another one, of the default domain. @param n  at most as many inputs as it has. */
void match_become(onnx_node *node, const char *op, size_t n, const int32_t *inputs);

/** Parts of onnx_find_patterns: the product of a bias's sum, and attention from its softmax. */
JC_MUST_USE jc_status match_bias(const matcher *m, onnx_node *product);
JC_MUST_USE jc_status match_attention(const matcher *m, const onnx_node *softmax);

#endif
