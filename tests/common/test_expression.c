// SPDX-License-Identifier: Apache-2.0
// Arithmetic in configuration files: values known from its grammar, and every way to get it wrong.
#include "common/expression.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const char *const names[] = {"width", "stride", "x"};
static const double variables[] = {64, 2, -7};

static int resolve(void *context, const char *name, size_t length) {
    (void)context;
    for (int i = 0; i < 3; ++i) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
            return i;
        }
    }
    return -1;
}

static double value_of(const char *text) {
    jc_arena arena = {0};
    jc_expression expression;
    jc_error err = {0};
    const jc_status status = jc_expression_compile(text, resolve, NULL, &arena, &expression, &err);
    cr_assert_eq(status, JC_OK, "%s: %s", text, err.message);
    const double value = jc_expression_evaluate(&expression, variables);
    jc_arena_clear(&arena);
    return value;
}

Test(expression, computes_as_python_does) {
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"3", 3},
        {"-3", -3},
        {"1e-6 * 1000000", 1},
        {"2 + 3 * 4", 14},
        {"(2 + 3) * 4", 20},
        {"2 - 3 - 4", -5},
        {"7 / 2", 3.5},
        {"7 // 2", 3},
        {"x // 2", -4}, // floor, not truncation
        {"x % 3", 2},   // the sign of the divisor
        {"- - 3", 3},
        {"-width + 1", -63},
        {"width == 64", 1},
        {"width != 64", 0},
        {"1 < 2 and 2 <= 2", 1},
        {"1 > 2 or 2 >= 3", 0},
        {"not 1 == 2", 1},
        {"not not 0", 0},
        {"1 if stride == 2 else 5", 1},
        {"1 if stride == 1 else 5 if width > 64 else 9", 9},
        {"min(3, width)", 3},
        {"max(3, width // 8)", 8},
        {"floor(-2.5)", -3},
        {"ceil(2.1)", 3},
        {"true", 1},
        {"false or true", 1},
        {"  width*stride ", 128},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        cr_expect_eq(value_of(cases[i].text), cases[i].value, "%s gave %g", cases[i].text,
                     value_of(cases[i].text));
    }
}

// MobileNetV2 and V3 channel counts that the papers' rounding gives.
Test(expression, rounds_channels_as_mobilenet_does) {
    cr_expect_eq(value_of("round_to(32 * 0.75, 8)"), 24);
    cr_expect_eq(value_of("round_to(24 * 0.35, 8)"), 8);
    cr_expect_eq(value_of("round_to(16 * 0.35, 8)"), 8);
    cr_expect_eq(value_of("round_to(72 / 4, 8)"), 24); // 16 would be below 90 % of 18
    cr_expect_eq(value_of("round_to(1, 8)"), 8);
}

Test(expression, what_is_undefined_is_nan) {
    cr_expect(isnan(value_of("1 / 0")));
    cr_expect(isnan(value_of("x // (width - 64)")));
    cr_expect(isnan(value_of("5 % 0")));
    cr_expect(isnan(value_of("round_to(5, 0)")));
    cr_expect_eq(value_of("1 / 0 == 1 / 0"), 0);
}

Test(expression, says_what_is_wrong_and_where) {
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "a number or a name is missing at 'the end'"},
        {"1 +", "a number or a name is missing at 'the end'"},
        {"1 2", "an operator is missing at '2'"},
        {"(1", "a ')' is missing"},
        {"1)", "an operator is missing at ')'"},
        {"height", "nothing is called 'height' here"},
        {"sqrt(2)", "no such function"},
        {"min(1)", "a ',' and another argument are missing"},
        {"1 if 2", "an 'else' is missing"},
        {"1.2.3", "not a number"},
        {"1e999", "not a number"},
        {"a = 3", "nothing is called 'a'"},
        {"\xff\xfe", "a number or a name is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        jc_arena arena = {0};
        jc_expression expression;
        jc_error err = {0};
        const jc_status status =
            jc_expression_compile(cases[i].text, resolve, NULL, &arena, &expression, &err);
        cr_expect_eq(status, JC_EPARSE, "%s", cases[i].text);
        cr_expect(strstr(err.message, cases[i].message) != NULL, "%s: %s", cases[i].text,
                  err.message);
        jc_arena_clear(&arena);
    }
}

// Recursion and the evaluation stack are bounded, whatever comes.
Test(expression, deep_nesting_is_refused) {
    enum { DEPTH = 100000 };
    static char text[2 * DEPTH + 2];
    static const char *const fillers[] = {"(", "1+(", "min(1,", "not "};
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; ++f) {
        const size_t n = strlen(fillers[f]);
        for (size_t at = 0; at + n < sizeof text; at += n) {
            memcpy(text + at, fillers[f], n);
            text[at + n] = '\0';
        }
        jc_arena arena = {0};
        jc_expression expression;
        cr_expect_eq(jc_expression_compile(text, NULL, NULL, &arena, &expression, NULL), JC_EPARSE);
        jc_arena_clear(&arena);
    }
}
