// SPDX-License-Identifier: Apache-2.0
// Recursive-descent compiler to postfix code, and its evaluation on a small stack.
#include "common/expression.h"

#include "common/number.h"

#include <math.h>
#include <string.h>

// Nesting of parentheses and the like, so that recursion is bounded; and operands that wait at one
// time during evaluation, counted as the code is emitted.
enum { MAX_NESTING = 32, MAX_STACK = 64 };

typedef enum step_code {
    STEP_NUMBER,
    STEP_VARIABLE,
    STEP_NEGATE,
    STEP_NOT,
    STEP_FLOOR,
    STEP_CEIL,
    STEP_ADD, // from here on: two operands
    STEP_SUBTRACT,
    STEP_MULTIPLY,
    STEP_DIVIDE,
    STEP_FLOOR_DIVIDE,
    STEP_MODULO,
    STEP_EQUAL,
    STEP_NOT_EQUAL,
    STEP_LESS,
    STEP_LESS_EQUAL,
    STEP_GREATER,
    STEP_GREATER_EQUAL,
    STEP_AND,
    STEP_OR,
    STEP_MIN,
    STEP_MAX,
    STEP_ROUND_TO,
    STEP_SELECT, // three operands: value, condition, alternative
} step_code;

struct jc_expression_step {
    step_code code;
    int slot;      // STEP_VARIABLE
    double number; // STEP_NUMBER
};
typedef struct jc_expression_step step;

typedef struct compiler {
    const char *text;
    const char *at;
    jc_expression_resolver *resolve;
    void *context;
    jc_arena *arena;
    jc_error *err;
    step *steps;
    size_t n_steps;
    size_t capacity;
    int nesting;
    int stack; // operands waiting after the steps so far
    bool has_variable;
} compiler;

static jc_status fail(compiler *c, const char *what) {
    return jc_error_set(c->err, JC_EPARSE, NULL, 0, "%s at '%.30s' in expression '%.80s'", what,
                        *c->at == '\0' ? "the end" : c->at, c->text);
}

static jc_status emit(compiler *c, step s) {
    const int operands = s.code <= STEP_VARIABLE ? 0
                         : s.code < STEP_ADD     ? 1
                         : s.code < STEP_SELECT  ? 2
                                                 : 3;
    c->stack += 1 - operands;
    if (c->stack > MAX_STACK) {
        return fail(c, "too many operands");
    }
    step *steps = jc_arena_grow(c->arena, c->steps, c->n_steps, &c->capacity, sizeof *steps);
    if (steps == NULL) {
        return jc_error_set(c->err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    c->steps = steps;
    c->steps[c->n_steps++] = s;
    return JC_OK;
}

static jc_status emit_code(compiler *c, step_code code) {
    return emit(c, (step){.code = code});
}

// --- Scanning -------------------------------------------------------------------------------

static bool is_digit(char ch) {
    return ch >= '0' && ch <= '9';
}

static bool is_name_start(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static void skip_space(compiler *c) {
    while (*c->at == ' ' || *c->at == '\t' || *c->at == '\n') {
        ++c->at;
    }
}

static size_t name_length(const char *at) {
    size_t n = 0;
    if (is_name_start(at[0])) {
        while (is_name_start(at[n]) || is_digit(at[n])) {
            ++n;
        }
    }
    return n;
}

// Accept a symbol; longer symbols must be tried before their beginnings.
static bool accept(compiler *c, const char *symbol) {
    skip_space(c);
    const size_t n = strlen(symbol);
    if (strncmp(c->at, symbol, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

static bool accept_word(compiler *c, const char *word) {
    skip_space(c);
    const size_t n = name_length(c->at);
    if (n != strlen(word) || strncmp(c->at, word, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

// --- Grammar --------------------------------------------------------------------------------

static jc_status compile_choice(compiler *c);

static jc_status compile_number(compiler *c) {
    char token[64];
    size_t n = 0;
    while (is_digit(c->at[n]) || c->at[n] == '.' ||
           ((c->at[n] == 'e' || c->at[n] == 'E') && n > 0) ||
           ((c->at[n] == '+' || c->at[n] == '-') && n > 0 && strchr("eE", c->at[n - 1]) != NULL)) {
        if (n + 1 >= sizeof token) {
            return fail(c, "number too long");
        }
        token[n] = c->at[n];
        ++n;
    }
    token[n] = '\0';
    double value = 0;
    if (!jc_parse_double(token, &value)) {
        return fail(c, "not a number");
    }
    c->at += n;
    return emit(c, (step){.code = STEP_NUMBER, .number = value});
}

static const struct {
    const char *name;
    step_code code;
    int n_arguments;
} functions[] = {
    {"min", STEP_MIN, 2},   {"max", STEP_MAX, 2},           {"floor", STEP_FLOOR, 1},
    {"ceil", STEP_CEIL, 1}, {"round_to", STEP_ROUND_TO, 2},
};

static jc_status compile_call(compiler *c, step_code code, int n_arguments) {
    for (int i = 0; i < n_arguments; ++i) {
        if (i > 0 && !accept(c, ",")) {
            return fail(c, "a ',' and another argument are missing");
        }
        const jc_status status = compile_choice(c);
        if (status != JC_OK) {
            return status;
        }
    }
    return accept(c, ")") ? emit_code(c, code) : fail(c, "a ')' is missing");
}

static jc_status compile_name(compiler *c) {
    const char *name = c->at;
    const size_t n = name_length(name);
    c->at += n;
    skip_space(c);
    if (*c->at == '(') {
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; ++f) {
            if (strlen(functions[f].name) == n && strncmp(functions[f].name, name, n) == 0) {
                ++c->at;
                return compile_call(c, functions[f].code, functions[f].n_arguments);
            }
        }
        c->at = name;
        return fail(c, "no such function (there are min, max, floor, ceil, round_to)");
    }
    if ((n == 4 && strncmp(name, "true", n) == 0) || (n == 5 && strncmp(name, "false", n) == 0)) {
        return emit(c, (step){.code = STEP_NUMBER, .number = n == 4});
    }
    const int slot = c->resolve == NULL ? -1 : c->resolve(c->context, name, n);
    if (slot < 0) {
        return jc_error_set(c->err, JC_EPARSE, NULL, 0,
                            "nothing is called '%.*s' here, in expression '%.80s'", (int)n, name,
                            c->text);
    }
    c->has_variable = true;
    return emit(c, (step){.code = STEP_VARIABLE, .slot = slot});
}

static jc_status compile_primary(compiler *c) {
    skip_space(c);
    if (accept(c, "(")) {
        const jc_status status = compile_choice(c);
        if (status != JC_OK) {
            return status;
        }
        return accept(c, ")") ? JC_OK : fail(c, "a ')' is missing");
    }
    if (is_digit(*c->at) || *c->at == '.') {
        return compile_number(c);
    }
    return name_length(c->at) > 0 ? compile_name(c) : fail(c, "a number or a name is missing");
}

static jc_status compile_unary(compiler *c) {
    int n_minus = 0;
    while (accept(c, "-")) {
        ++n_minus;
    }
    jc_status status = compile_primary(c);
    if (status == JC_OK && n_minus % 2 == 1) {
        status = emit_code(c, STEP_NEGATE);
    }
    return status;
}

static jc_status compile_product(compiler *c) {
    jc_status status = compile_unary(c);
    while (status == JC_OK) {
        step_code code = STEP_MULTIPLY;
        if (accept(c, "//")) {
            code = STEP_FLOOR_DIVIDE;
        } else if (accept(c, "/")) {
            code = STEP_DIVIDE;
        } else if (accept(c, "%")) {
            code = STEP_MODULO;
        } else if (!accept(c, "*")) {
            return JC_OK;
        }
        status = compile_unary(c);
        status = status == JC_OK ? emit_code(c, code) : status;
    }
    return status;
}

static jc_status compile_sum(compiler *c) {
    jc_status status = compile_product(c);
    while (status == JC_OK) {
        step_code code = STEP_ADD;
        if (accept(c, "-")) {
            code = STEP_SUBTRACT;
        } else if (!accept(c, "+")) {
            return JC_OK;
        }
        status = compile_product(c);
        status = status == JC_OK ? emit_code(c, code) : status;
    }
    return status;
}

static jc_status compile_comparison(compiler *c) {
    // Two-character symbols first: '<' would match the beginning of '<='.
    static const struct {
        const char *symbol;
        step_code code;
    } comparisons[] = {{"==", STEP_EQUAL},         {"!=", STEP_NOT_EQUAL}, {"<=", STEP_LESS_EQUAL},
                       {">=", STEP_GREATER_EQUAL}, {"<", STEP_LESS},       {">", STEP_GREATER}};
    jc_status status = compile_sum(c);
    if (status != JC_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; ++i) {
        if (accept(c, comparisons[i].symbol)) {
            status = compile_sum(c);
            return status == JC_OK ? emit_code(c, comparisons[i].code) : status;
        }
    }
    return JC_OK;
}

static jc_status compile_not(compiler *c) {
    int n_not = 0;
    while (accept_word(c, "not")) {
        ++n_not;
    }
    jc_status status = compile_comparison(c);
    for (; n_not > 0 && status == JC_OK; --n_not) {
        status = emit_code(c, STEP_NOT);
    }
    return status;
}

static jc_status compile_and(compiler *c) {
    jc_status status = compile_not(c);
    while (status == JC_OK && accept_word(c, "and")) {
        status = compile_not(c);
        status = status == JC_OK ? emit_code(c, STEP_AND) : status;
    }
    return status;
}

static jc_status compile_or(compiler *c) {
    jc_status status = compile_and(c);
    while (status == JC_OK && accept_word(c, "or")) {
        status = compile_and(c);
        status = status == JC_OK ? emit_code(c, STEP_OR) : status;
    }
    return status;
}

// x if c else y: the loosest, and the way back in from parentheses.
static jc_status compile_choice(compiler *c) {
    if (++c->nesting > MAX_NESTING) {
        return fail(c, "nested too deeply");
    }
    jc_status status = compile_or(c);
    if (status == JC_OK && accept_word(c, "if")) {
        status = compile_or(c);
        if (status == JC_OK && !accept_word(c, "else")) {
            status = fail(c, "an 'else' is missing");
        }
        status = status == JC_OK ? compile_choice(c) : status;
        status = status == JC_OK ? emit_code(c, STEP_SELECT) : status;
    }
    --c->nesting;
    return status;
}

// --- Evaluation -----------------------------------------------------------------------------

// The rounding of channel counts in the MobileNet papers' code: nearest multiple, never below 90 %.
static double round_to_multiple(double x, double multiple) {
    const double nearest = fmax(multiple, floor((x + multiple / 2) / multiple) * multiple);
    return nearest < 0.9 * x ? nearest + multiple : nearest;
}

static double apply(step_code code, double a, double b) {
    switch (code) {
    case STEP_ADD:
        return a + b;
    case STEP_SUBTRACT:
        return a - b;
    case STEP_MULTIPLY:
        return a * b;
    case STEP_DIVIDE:
        return b == 0 ? (double)NAN : a / b;
    case STEP_FLOOR_DIVIDE:
        return b == 0 ? (double)NAN : floor(a / b);
    case STEP_MODULO:
        return b == 0 ? (double)NAN : a - b * floor(a / b);
    case STEP_EQUAL:
        return a == b;
    case STEP_NOT_EQUAL:
        return a != b;
    case STEP_LESS:
        return a < b;
    case STEP_LESS_EQUAL:
        return a <= b;
    case STEP_GREATER:
        return a > b;
    case STEP_GREATER_EQUAL:
        return a >= b;
    case STEP_AND:
        return a != 0 && b != 0;
    case STEP_OR:
        return a != 0 || b != 0;
    case STEP_MIN:
        return a < b ? a : b;
    case STEP_MAX:
        return a > b ? a : b;
    case STEP_ROUND_TO:
        return b > 0 ? round_to_multiple(a, b) : (double)NAN;
    case STEP_NUMBER:
    case STEP_VARIABLE:
    case STEP_NEGATE:
    case STEP_NOT:
    case STEP_FLOOR:
    case STEP_CEIL:
    case STEP_SELECT:
        break; // not of two operands: handled by the caller
    }
    return (double)NAN;
}

static double run(const step *steps, size_t n_steps, const double *variables) {
    double stack[MAX_STACK + 1];
    size_t n = 0;
    for (size_t i = 0; i < n_steps; ++i) {
        const step *s = &steps[i];
        switch (s->code) {
        case STEP_NUMBER:
            stack[n++] = s->number;
            break;
        case STEP_VARIABLE:
            stack[n++] = variables[s->slot];
            break;
        case STEP_NEGATE:
            stack[n - 1] = -stack[n - 1];
            break;
        case STEP_NOT:
            stack[n - 1] = stack[n - 1] == 0;
            break;
        case STEP_FLOOR:
            stack[n - 1] = floor(stack[n - 1]);
            break;
        case STEP_CEIL:
            stack[n - 1] = ceil(stack[n - 1]);
            break;
        case STEP_SELECT:
            stack[n - 3] = stack[n - 2] != 0 ? stack[n - 3] : stack[n - 1];
            n -= 2;
            break;
        case STEP_ADD:
        case STEP_SUBTRACT:
        case STEP_MULTIPLY:
        case STEP_DIVIDE:
        case STEP_FLOOR_DIVIDE:
        case STEP_MODULO:
        case STEP_EQUAL:
        case STEP_NOT_EQUAL:
        case STEP_LESS:
        case STEP_LESS_EQUAL:
        case STEP_GREATER:
        case STEP_GREATER_EQUAL:
        case STEP_AND:
        case STEP_OR:
        case STEP_MIN:
        case STEP_MAX:
        case STEP_ROUND_TO:
            stack[n - 2] = apply(s->code, stack[n - 2], stack[n - 1]);
            --n;
            break;
        }
    }
    return stack[0];
}

// --- Public ---------------------------------------------------------------------------------

jc_expression jc_expression_constant(double value) {
    return (jc_expression){.is_constant = true, .constant = value};
}

jc_status jc_expression_compile(const char *text, jc_expression_resolver *resolve, void *context,
                                jc_arena *arena, jc_expression *out_expression, jc_error *err) {
    double number = 0;
    if (jc_parse_double(text, &number)) {
        *out_expression = jc_expression_constant(number);
        return JC_OK;
    }
    compiler c = {.text = text,
                  .at = text,
                  .resolve = resolve,
                  .context = context,
                  .arena = arena,
                  .err = err};
    // Most expressions are one name: no need to descend through the grammar to find it.
    const bool is_name = text[0] != '\0' && text[name_length(text)] == '\0';
    jc_status status = is_name ? compile_name(&c) : compile_choice(&c);
    skip_space(&c);
    if (status == JC_OK && *c.at != '\0') {
        status = fail(&c, "an operator is missing");
    }
    if (status != JC_OK) {
        return status;
    }
    *out_expression = c.has_variable ? (jc_expression){.n_steps = c.n_steps, .steps = c.steps}
                                     : jc_expression_constant(run(c.steps, c.n_steps, NULL));
    return JC_OK;
}

double jc_expression_evaluate(const jc_expression *expression, const double *variables) {
    if (expression->is_constant) {
        return expression->constant;
    }
    // A single step that is no constant is a name, as most expressions are.
    return expression->n_steps == 1 ? variables[expression->steps[0].slot]
                                    : run(expression->steps, expression->n_steps, variables);
}
