// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Arithmetic in configuration files: sizes in an architecture, columns in an import mapping.
 *
 * Grammar, loosest first, with the meaning Python gives it, on doubles; true is 1, false is 0:
 *
 *     x if c else y   or   and   not   == != < <= > >=   + -   * / // %   unary -
 *     numbers, names, true, false, ( ), min(a, b), max(a, b), floor(x), ceil(x),
 *     round_to(x, m): nearest multiple of m, at least m and at least 0.9 x (MobileNet's rounding)
 *
 * An expression is compiled once and evaluated many times. Both sides of `if`, `and` and `or` are
 * evaluated; that is harmless, for evaluation has no effects and cannot fail: what is undefined
 * (0/0, an unknown cell) is NaN and carries through; comparisons with NaN are false.
 *
 * Ownership: a compiled expression lives in the arena that was given.
 */
#ifndef JC_COMMON_EXPRESSION_H
#define JC_COMMON_EXPRESSION_H

#include "common/arena.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct jc_expression {
    bool is_constant;
    double constant; ///< if is_constant
    size_t n_steps;
    const struct jc_expression_step *steps; ///< postfix code
} jc_expression;

/** Slot of a name among the variables given to evaluation, or −1 if there is no such name. */
typedef int jc_expression_resolver(void *context, const char *name, size_t length);

/**
 * Compile.
 *
 * @param resolve  NULL: no names.
 * @retval JC_EPARSE  err->message says what is wrong and where; no file, the caller knows it
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_expression_compile(const char *text, jc_expression_resolver *resolve,
                                            void *context, jc_arena *arena,
                                            jc_expression *out_expression, jc_error *err);

/** An expression that is a number. */
jc_expression jc_expression_constant(double value);

/** Evaluate. @param variables  indexed by the slots that the resolver gave. */
double jc_expression_evaluate(const jc_expression *expression, const double *variables);

#endif
