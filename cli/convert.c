// SPDX-License-Identifier: Apache-2.0
// joulecast convert: an exported model as an architecture file to read and edit.
#include "command.h"
#include "locate.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

static jc_status write_graph(const jc_graph *graph, const char *path, jc_error *err) {
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) {
        return jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    jc_status status = jc_graph_write(graph, memory, err);
    if (fclose(memory) != 0 && status == JC_OK) {
        status = jc_error_set(err, JC_ENOMEM, NULL, 0, "out of memory");
    }
    output out;
    if (status == JC_OK && (status = output_open(path, &out, err)) == JC_OK) {
        (void)output_write(&out, text, length); // the close reports failures
        status = output_close(&out, true, err);
    }
    free(text);
    return status;
}

static cli_exit run_convert(const cli_command *self, int argc, char **argv) {
    cli_options options = {0};
    cli_exit code = CLI_OK;
    if (!cli_parse(self, argc, argv, &options, &code)) {
        return code;
    }
    const jc_graph_options graph_options = cli_graph_options(&options);
    jc_graph *graph = NULL;
    jc_error err = {0};
    jc_status status = locate_graph(options.operands[0], &graph_options, &graph, &err);
    if (status == JC_OK) {
        status = write_graph(graph, options.output, &err);
    }
    jc_graph_free(graph);
    return status == JC_OK ? CLI_OK : cli_report_error(&err);
}

static const cli_option *const options_of_convert[] = {&cli_option_input, &cli_option_strict,
                                                       &cli_option_output, NULL};

extern const cli_command cli_convert;

const cli_command cli_convert = {
    .name = "convert",
    .summary = "Write an exported model as an architecture in YAML",
    .operands = "MODEL.onnx",
    .help = "The architecture costs what the model does. Names are kept where a layer needs one.\n",
    .min_operands = 1,
    .max_operands = 1,
    .options = options_of_convert,
    .run = run_convert,
};
