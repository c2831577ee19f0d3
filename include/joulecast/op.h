// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Operators: the vocabulary in which architectures are written.
 *
 * Names, parameters and defaults are PyTorch's. Each operator is one row of one table
 * (common/op/op.c): its parameters, its shape rule, its learned parameters and the kernel it asks
 * of the machine. MACs and bytes follow from that kernel (joulecast/kernel.h).
 */
#ifndef JC_OP_H
#define JC_OP_H

#include <joulecast/kernel.h>
#include <joulecast/shape.h>
#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How a parameter is written and how many value slots it takes. */
typedef enum jc_param_type {
    JC_PARAM_SIZE,    ///< one integer ≥ 1
    JC_PARAM_INTEGER, ///< one integer of either sign (a dimension, an index)
    JC_PARAM_PAIR,    ///< two integers ≥ 1, vertical first; written `3` or `[3, 5]`
    JC_PARAM_OFFSETS, ///< two integers ≥ 0, written like a pair
    JC_PARAM_PADDING, ///< four integers ≥ 0: top, left, bottom, right; written `1`, `[1, 2]`,
                      ///< `[1, 2, 1, 2]`, `same` or `valid`
    JC_PARAM_FLAG,    ///< 0 or 1; written `true` or `false`
    JC_PARAM_REAL,    ///< a real number
    JC_PARAM_CHOICE,  ///< index into `choices`
    JC_PARAM_SIZES, ///< a list: count, then up to JC_MAX_RANK integers ≥ 1, or −1 once for "what
                    ///< is left"
} jc_param_type;

enum {
    JC_OP_MAX_SLOTS = 16,
    JC_PADDING_SAME = -1, ///< in the first slot of a padding
    JC_SIZE_DERIVED = 0,  ///< default of a size that the shape rule derives (in_channels, …)
};

typedef union jc_value {
    int64_t i;
    double real; ///< of JC_PARAM_REAL
} jc_value;

/** A parameter of an operator. */
typedef struct jc_param {
    const char *name;
    jc_param_type type;
    int slot; ///< first value slot
    bool required;
    double default_value;       ///< of every slot of the parameter
    const char *const *choices; ///< NULL-terminated; JC_PARAM_CHOICE only
} jc_param;

/** An operator applied to tensors. */
typedef struct jc_op_call {
    jc_value value[JC_OP_MAX_SLOTS]; ///< parameters, as laid out by the operator's table row
    int64_t batch_size;              ///< of the network
    size_t n_inputs;
    const jc_shape *const *inputs; ///< [n_inputs], borrowed; each with the batch in front
} jc_op_call;

/** A row of the operator table. */
typedef struct jc_op {
    const char *name;
    const char *summary; ///< one line
    size_t min_inputs;
    size_t max_inputs;      ///< SIZE_MAX = any number
    const jc_param *params; ///< ends with a NULL name

    /**
     * Shape rule. Derives the parameters that follow from the inputs (in_channels, `same` padding,
     * a stride that defaults to the kernel), checks the others against the inputs, and computes the
     * output shape.
     *
     * @retval JC_ESHAPE  err->message names the two sizes that disagree
     */
    jc_status (*infer)(jc_op_call *call, jc_shape *out_shape, jc_error *err);

    /** Number of learned parameters; NULL = none. Called after infer. */
    int64_t (*count_params)(const jc_op_call *call);

    jc_kernel_kind kernel; ///< what the operator asks of a machine; JC_KERNEL_NONE = no work

    /** Sizes of that kernel, called after infer; NULL if there is none. out_size is zeroed. */
    void (*kernel_sizes)(const jc_op_call *call, const jc_shape *output,
                         int64_t out_size[JC_KERNEL_MAX_COLUMNS]);
} jc_op;

/** All operators, sorted by name. */
const jc_op *const *jc_ops(size_t *out_n);

/** Find an operator by name; NULL if there is none of that name. */
const jc_op *jc_op_find(const char *name);

/** Find a parameter of an operator by name; NULL if it has none of that name. */
const jc_param *jc_op_param(const jc_op *op, const char *name);

/** Number of value slots a parameter takes. */
int jc_param_slots(jc_param_type type);

/** Fill all slots of a call with the operator's defaults. */
void jc_op_set_defaults(const jc_op *op, jc_op_call *call);

#ifdef __cplusplus
}
#endif

#endif
