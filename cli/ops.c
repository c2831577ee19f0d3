// SPDX-License-Identifier: Apache-2.0
// joulecast ops: the operators that architectures may use.
#include "command.h"

#include <joulecast/op.h>

#include <stdlib.h>

enum { OP_NAME, OP_PARAMETERS, OP_SUMMARY, OP_COLUMNS };

static const report_column columns[OP_COLUMNS] = {
    [OP_NAME] = {.name = "op", .heading = "op", .type = REPORT_TEXT},
    [OP_PARAMETERS] = {.name = "parameters",
                       .heading = "parameters",
                       .type = REPORT_LIST,
                       .narrowest = 20,
                       .fit = REPORT_WRAP},
    [OP_SUMMARY] = {.name = "summary",
                    .heading = "summary",
                    .type = REPORT_TEXT,
                    .narrowest = 20,
                    .fit = REPORT_WRAP},
};

// Names of an operator's parameters, ending with NULL.
static const char **list_parameters(const jc_op *op) {
    size_t n = 0;
    while (op->params != NULL && op->params[n].name != NULL) {
        ++n;
    }
    const char **names = calloc(n + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < n; ++i) {
        names[i] = op->params[i].name;
    }
    return names;
}

static bool fill_values(const jc_op *const *ops, size_t n, report_value *values) {
    for (size_t i = 0; i < n; ++i) {
        report_value *row = values + i * OP_COLUMNS;
        row[OP_NAME].text = ops[i]->name;
        row[OP_SUMMARY].text = ops[i]->summary;
        row[OP_PARAMETERS].list = list_parameters(ops[i]);
        if (row[OP_PARAMETERS].list == NULL) {
            return false;
        }
    }
    return true;
}

static cli_exit run_ops(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    size_t n = 0;
    const jc_op *const *ops = jc_ops(&n);
    report_value *values = calloc(n + 1, OP_COLUMNS * sizeof *values);
    if (values == NULL || !fill_values(ops, n, values)) {
        const jc_error err = {.status = JC_ENOMEM};
        code = cli_report_error(&err);
    } else {
        const report_table table = {columns, OP_COLUMNS, values, n};
        code = cli_print_table(&options, "Operators", &table);
    }
    for (size_t i = 0; values != NULL && i < n; ++i) {
        free((void *)values[i * OP_COLUMNS + OP_PARAMETERS].list);
    }
    free(values);
    return code;
}

static const cli_option *const options_of_ops[] = {&cli_option_format, &cli_option_output, NULL};

extern const cli_command cli_ops;

const cli_command cli_ops = {
    .name = "ops",
    .summary = "List the operators that architectures may use",
    .operands = "",
    .options = options_of_ops,
    .run = run_ops,
};
