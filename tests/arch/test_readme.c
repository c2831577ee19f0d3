// SPDX-License-Identifier: Apache-2.0
// architectures/README.md against the reader: each example gives what its last line says, each
// operator and parameter is described with its default, and the table of the zoo is right.
#include <joulecast/graph.h>
#include <joulecast/op.h>

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zoo_folder[] = JC_TEST_SOURCE_ROOT "/architectures";
static char readme[1 << 18];

static void read_readme(void) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/README.md", zoo_folder);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    const size_t length = fread(readme, 1, sizeof readme - 1, file);
    (void)fclose(file);
    cr_assert_lt(length, sizeof readme - 1);
    readme[length] = '\0';
}

TestSuite(readme, .init = read_readme);

/** A fenced block marked yaml. */
typedef struct example {
    const char *text;
    size_t length;
    int line;        ///< of the README, where the block begins
    char claim[256]; ///< the last line, without "# "
} example;

// Find the next example at or after *at, and move *at behind it.
static bool next_example(const char **at, example *out_example) {
    static const char opening[] = "\n```yaml\n";
    const char *start = strstr(*at, opening);
    if (start == NULL) {
        return false;
    }
    *out_example = (example){.text = start + sizeof opening - 1, .line = 1};
    const char *end = strstr(out_example->text, "\n```");
    cr_assert_not_null(end);
    out_example->length = (size_t)(end + 1 - out_example->text);
    for (const char *c = readme; c < out_example->text; ++c) {
        out_example->line += *c == '\n';
    }
    const char *last = end;
    while (last > out_example->text && last[-1] != '\n') {
        --last;
    }
    cr_assert(strncmp(last, "# ", 2) == 0, "the example in line %d ends without a claim",
              out_example->line);
    (void)snprintf(out_example->claim, sizeof out_example->claim, "%.*s", (int)(end - last - 2),
                   last + 2);
    *at = end;
    return true;
}

// "64x112x112 and 10, 9472 parameters": outputs of one sample.
static void describe(const jc_graph *graph, char *buffer, size_t size) {
    size_t n = 0;
    size_t n_outputs = 0;
    const jc_layer *layers = jc_graph_layers(graph, &n);
    const uint32_t *outputs = jc_graph_outputs(graph, &n_outputs);
    int64_t params = 0;
    for (size_t i = 0; i < n; ++i) {
        params += layers[i].params;
    }
    size_t used = 0;
    for (size_t i = 0; i < n_outputs; ++i) {
        char shape[JC_SHAPE_TEXT_SIZE];
        (void)jc_shape_format(&layers[outputs[i]].output, shape);
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i == 0 ? "" : " and ",
                                 strchr(shape, 'x') + 1);
    }
    (void)snprintf(buffer + used, size - used, ", %" PRId64 " parameters", params);
}

static jc_status run(const example *e, jc_graph **out_graph, jc_error *err) {
    return jc_graph_parse(e->text, e->length, "example.yaml", NULL, out_graph, err);
}

Test(readme, every_example_gives_what_it_says) {
    example e;
    int n_right = 0;
    int n_wrong = 0;
    for (const char *at = readme; next_example(&at, &e);) {
        jc_graph *graph = NULL;
        jc_error err = {0};
        const jc_status status = run(&e, &graph, &err);
        char result[JC_ERROR_MESSAGE_SIZE + 64];
        if (status != JC_OK) {
            ++n_wrong;
            (void)snprintf(result, sizeof result, "error %d: %s", err.line, err.message);
            cr_expect(strstr(result, e.claim) == result, "line %d: %s\nnot %s", e.line, result,
                      e.claim);
            continue;
        }
        ++n_right;
        char outcome[256];
        describe(graph, outcome, sizeof outcome);
        (void)snprintf(result, sizeof result, "gives %s", outcome);
        cr_expect_str_eq(result, e.claim, "line %d: %s\nnot %s", e.line, result, e.claim);
        jc_graph_free(graph);
    }
    cr_expect_gt(n_right, 30);
    cr_expect_gt(n_wrong, 8);
}

Test(readme, every_operator_has_an_example) {
    size_t n_ops = 0;
    const jc_op *const *ops = jc_ops(&n_ops);
    bool *used = calloc(n_ops, sizeof *used);
    cr_assert_not_null(used);
    example e;
    for (const char *at = readme; next_example(&at, &e);) {
        jc_graph *graph = NULL;
        if (run(&e, &graph, NULL) != JC_OK) {
            continue;
        }
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(graph, &n);
        for (size_t i = 0; i < n; ++i) {
            for (size_t op = 0; op < n_ops; ++op) {
                used[op] = used[op] || ops[op] == layers[i].op;
            }
        }
        jc_graph_free(graph);
    }
    for (size_t op = 0; op < n_ops; ++op) {
        cr_expect(used[op], "%s", ops[op]->name);
    }
    free(used);
}

// The part of the README under the heading that names an operator; NULL if there is none.
static char *copy_section(const char *op_name) {
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "`%s`", op_name);
    for (const char *h = strstr(readme, "\n### "); h != NULL; h = strstr(h + 1, "\n### ")) {
        const char *name = strstr(h, quoted);
        if (name != NULL && name < h + 1 + strcspn(h + 1, "\n")) {
            const char *end = strstr(h + 1, "\n#");
            return strndup(h, end == NULL ? strlen(h) : (size_t)(end - h));
        }
    }
    return NULL;
}

// How the README must give a default; empty for those that follow from the input.
static void format_default(const jc_param *p, char *buffer, size_t size) {
    const bool is_derived = p->default_value == JC_SIZE_DERIVED &&
                            (p->type == JC_PARAM_SIZE || p->type == JC_PARAM_PAIR ||
                             p->type == JC_PARAM_SIZES || strcmp(p->name, "scale_factor") == 0);
    if (p->required) {
        (void)snprintf(buffer, size, "required");
    } else if (is_derived) {
        buffer[0] = '\0';
    } else if (p->type == JC_PARAM_FLAG) {
        (void)snprintf(buffer, size, "%s", p->default_value == 0 ? "false" : "true");
    } else if (p->type == JC_PARAM_CHOICE) {
        (void)snprintf(buffer, size, "%s", p->choices[(int)p->default_value]);
    } else {
        (void)snprintf(buffer, size, "%.10g", p->default_value);
    }
}

// A row `| name | kind | default | remark |`.
static void expect_row(const char *section, const jc_op *op, const jc_param *p) {
    char start[80];
    char expected[32];
    (void)snprintf(start, sizeof start, "\n| `%s` | ", p->name);
    const char *row = strstr(section, start);
    cr_expect_not_null(row, "%s: %s is not described", op->name, p->name);
    format_default(p, expected, sizeof expected);
    if (row == NULL || expected[0] == '\0') {
        return;
    }
    const char *cell = strstr(row + strlen(start), "| ");
    cr_assert_not_null(cell);
    char given[32];
    (void)snprintf(given, sizeof given, "%.*s", (int)strcspn(cell + 2, " \n"), cell + 2);
    cr_expect_str_eq(given, expected, "%s: the default of %s is %s, not %s", op->name, p->name,
                     expected, given);
}

Test(readme, every_parameter_is_described_with_its_default) {
    size_t n_ops = 0;
    const jc_op *const *ops = jc_ops(&n_ops);
    for (size_t i = 0; i < n_ops; ++i) {
        char *section = copy_section(ops[i]->name);
        cr_expect_not_null(section, "%s has no heading", ops[i]->name);
        if (section == NULL) {
            continue;
        }
        for (const jc_param *p = ops[i]->params; p->name != NULL; ++p) {
            expect_row(section, ops[i], p);
        }
        free(section);
    }
}

// "61,706" as a number.
static int64_t parse_grouped(const char *text) {
    int64_t value = 0;
    for (; *text != '\0'; ++text) {
        value = *text == ',' ? value : 10 * value + (*text - '0');
    }
    return value;
}

Test(readme, the_table_of_the_zoo_is_right) {
    const char *row = strstr(readme, "\n# The zoo\n");
    cr_assert_not_null(row);
    int n_rows = 0;
    for (row = strstr(row, "\n| ["); row != NULL; row = strstr(row + 1, "\n| [")) {
        char name[64];
        char file[64];
        char params_text[32];
        char macs_text[32];
        cr_assert_eq(sscanf(row, "\n| [%63[^]]](%63[^)]) | %31[0-9,] | %31[0-9,] |", name, file,
                            params_text, macs_text),
                     4);
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", zoo_folder, file);
        jc_graph *graph = NULL;
        jc_error err = {0};
        cr_assert_eq(jc_graph_load(path, NULL, &graph, &err), JC_OK, "%s", err.message);
        cr_expect_str_eq(jc_graph_name(graph), name);
        size_t n = 0;
        const jc_layer *layers = jc_graph_layers(graph, &n);
        int64_t params = 0;
        int64_t macs = 0;
        for (size_t i = 0; i < n; ++i) {
            params += layers[i].params;
            macs += layers[i].work.macs;
        }
        cr_expect_eq(params, parse_grouped(params_text), "%s", name);
        cr_expect_eq(macs, parse_grouped(macs_text), "%s", name);
        jc_graph_free(graph);
        ++n_rows;
    }
    cr_expect_eq(n_rows, 28);
}
