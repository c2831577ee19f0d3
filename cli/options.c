// SPDX-License-Identifier: Apache-2.0
// The options that commands share, and the parsing of a command line.
#include "command.h"

#include "common/number.h"
#include "common/suggest.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_OPTIONS = 24,
    MAX_THREADS = 1024,
    HELP_VALUE = 1,   ///< getopt_long's value of --help, below all letters
    LONG_VALUE = 256, ///< first value of the options, above all letters
};

// Largest batch a network can be run with: more elements than that no tensor may have.
#define MAX_BATCH_SIZE JC_MAX_ELEMENTS

bool cli_parse_integer(const char *text, int64_t least, int64_t most, int64_t *out_value) {
    int64_t value = 0;
    if (!jc_parse_int64(text, &value) || value < least || value > most) {
        return false;
    }
    *out_value = value;
    return true;
}

static const char *parse_profile(cli_options *options, const char *text) {
    options->profile = text;
    return text[0] == '\0' ? "a profile's file or name" : NULL;
}

const cli_option cli_option_profile = {
    'p', "profile", "PROFILE", "a profile: a file, or a name that `profiles` lists", parse_profile};

static const char *parse_batch_size(cli_options *options, const char *text) {
    return cli_parse_integer(text, 1, MAX_BATCH_SIZE, &options->batch_size)
               ? NULL
               : "a whole number of samples, 1 or more";
}

const cli_option cli_option_batch_size = {'b', "batch-size", "BATCH",
                                          "samples of one forward pass (1)", parse_batch_size};

static const char *parse_precision(cli_options *options, const char *text) {
    options->precision = jc_precision_find(text);
    return options->precision == JC_PRECISION_COUNT ? "f32, tf32, f16, bf16 or int8" : NULL;
}

const cli_option cli_option_precision = {0, "precision", "PRECISION",
                                         "number format: f32, tf32, f16, bf16, int8 (f32)",
                                         parse_precision};

static const char *parse_format(cli_options *options, const char *text) {
    options->format = report_format_find(text);
    return options->format == NULL ? "table, csv, json, jsonl, markdown or html" : NULL;
}

const cli_option cli_option_format = {'f', "format", "FORMAT",
                                      "table, csv, json, jsonl, markdown or html", parse_format};

static const char *parse_output(cli_options *options, const char *text) {
    options->output = text;
    return text[0] == '\0' ? "a file name" : NULL;
}

const cli_option cli_option_output = {
    'o', "output", "FILE", "write to FILE, which appears whole or not at all", parse_output};

static const char *parse_threads(cli_options *options, const char *text) {
    int64_t threads = 0;
    if (!cli_parse_integer(text, 1, MAX_THREADS, &threads)) {
        return "a whole number from 1 to 1024";
    }
    options->threads = (int)threads;
    return NULL;
}

const cli_option cli_option_threads = {'j', "threads", "THREADS",
                                       "threads that work (one for each core)", parse_threads};

static const char *parse_strict(cli_options *options, const char *text) {
    (void)text; // takes none
    options->strict = true;
    return NULL;
}

const cli_option cli_option_strict = {
    0, "strict", NULL, "refuse files with operators that are not known", parse_strict};

// NAME=1,3,224,224. The name may have a = of its own.
static const char *parse_input(cli_options *options, const char *text) {
    static const char wanted[] = "an input's name and sizes: image=1,3,224,224";
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text || options->n_inputs == CLI_MAX_INPUTS) {
        return options->n_inputs == CLI_MAX_INPUTS ? "at most 32 inputs" : wanted;
    }
    char *name = options->input_names[options->n_inputs];
    const size_t length = (size_t)(equals - text);
    if (length >= CLI_INPUT_NAME_SIZE) {
        return "a name of at most 255 bytes";
    }
    memcpy(name, text, length);
    name[length] = '\0';
    jc_input_shape *input = &options->inputs[options->n_inputs];
    *input = (jc_input_shape){.name = name};
    for (const char *size = equals; *size != '\0'; size += 1 + strcspn(size + 1, ",")) {
        char digits[24];
        const size_t n = strcspn(size + 1, ",");
        if (n >= sizeof digits || input->shape.rank == JC_MAX_RANK) {
            return wanted;
        }
        (void)snprintf(digits, sizeof digits, "%.*s", (int)n, size + 1);
        if (!cli_parse_integer(digits, 1, INT32_MAX, &input->shape.dim[input->shape.rank++])) {
            return wanted;
        }
    }
    options->n_inputs++;
    return NULL;
}

const cli_option cli_option_input = {
    0, "input", "NAME=SIZES", "sizes of an input with its batch: image=1,3,224,224", parse_input};

// "40,180": watts at rest and at full load.
static const char *parse_power_declared(cli_options *options, const char *text) {
    cli_power power = {.is_declared = true};
    char idle[JC_NUMBER_TEXT_SIZE];
    const size_t n = strcspn(text, ",");
    (void)snprintf(idle, sizeof idle, "%.*s", (int)(n < sizeof idle ? n : sizeof idle - 1), text);
    if (text[n] != ',' || !jc_parse_double(idle, &power.idle_w) ||
        !jc_parse_double(text + n + 1, &power.full_w) || power.idle_w < 0 || power.full_w <= 0 ||
        power.full_w < power.idle_w) {
        return "watts at rest and under full load: 40,180";
    }
    options->power = power;
    return NULL;
}

const cli_option cli_option_power_declared = {
    0, "power-declared", "IDLE,FULL", "watts at rest and under full load, where no meter is",
    parse_power_declared};

jc_graph_options cli_graph_options(const cli_options *options) {
    return (jc_graph_options){.batch_size = options->batch_size,
                              .precision = options->precision,
                              .strict = options->strict,
                              .inputs = options->inputs,
                              .n_inputs = options->n_inputs};
}

static void print_usage(const cli_command *command, FILE *file) {
    (void)fprintf(file, "usage: joulecast %s [OPTION]...%s%s", command->name,
                  command->operands[0] == '\0' ? "" : " ", command->operands);
}

static void print_help(const cli_command *command) {
    print_usage(command, stdout);
    (void)printf("\n\n%s.\n", command->summary);
    if (command->help != NULL) {
        (void)printf("\n%s", command->help);
    }
    (void)printf("\nOptions:\n");
    for (const cli_option *const *o = command->options; *o != NULL; ++o) {
        const cli_option *option = *o;
        char left[64];
        (void)snprintf(left, sizeof left, "%c%c%s--%s%s%s", option->letter == 0 ? ' ' : '-',
                       option->letter == 0 ? ' ' : option->letter,
                       option->letter == 0 ? "  " : ", ", option->name,
                       option->argument == NULL ? "" : " ",
                       option->argument == NULL ? "" : option->argument);
        (void)printf("  %-26s  %s\n", left, option->help);
    }
    (void)printf("  %-26s  %s\n", "-h, --help", "print this help");
    (void)printf("\nSee `man joulecast-%s`.\n", command->name);
}

// getopt_long's two descriptions of the options.
static int describe_options(const cli_command *command, struct option *longs, char *shorts) {
    int n = 0;
    *shorts++ = ':';
    *shorts++ = 'h';
    for (; command->options[n] != NULL && n < MAX_OPTIONS; ++n) {
        const cli_option *option = command->options[n];
        const bool has_argument = option->argument != NULL;
        longs[n] = (struct option){.name = option->name,
                                   .has_arg = has_argument ? required_argument : no_argument,
                                   .val = LONG_VALUE + n};
        if (option->letter != 0) {
            *shorts++ = option->letter;
            if (has_argument) {
                *shorts++ = ':';
            }
        }
    }
    longs[n] = (struct option){.name = "help", .val = HELP_VALUE};
    longs[n + 1] = (struct option){0};
    *shorts = '\0';
    return n;
}

static const cli_option *find_option(const cli_command *command, int value) {
    if (value >= LONG_VALUE) {
        return command->options[value - LONG_VALUE];
    }
    const cli_option *const *option = command->options;
    while (*option != NULL && (*option)->letter != value) {
        ++option;
    }
    return *option;
}

static cli_exit report_unknown_option(const cli_command *command, const char *argument) {
    if (optopt > 0 && optopt < LONG_VALUE && optopt != HELP_VALUE) {
        return cli_report_usage(command->name, "there is no option -%c; see joulecast %s --help",
                                optopt, command->name);
    }
    if (optopt != 0) { // a known long option was given a value that it does not take
        return cli_report_usage(command->name, "option %s takes no value", argument);
    }
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(argument, "="), argument);
    jc_suggestion suggestion = {.wanted = wanted + strspn(wanted, "-")};
    jc_suggestion_offer(&suggestion, "help");
    for (const cli_option *const *option = command->options; *option != NULL; ++option) {
        jc_suggestion_offer(&suggestion, (*option)->name);
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return cli_report_usage(command->name, "there is no option %s, or it is ambiguous%s", wanted,
                            jc_suggestion_format(&suggestion, close));
}

static cli_exit take_option(const cli_command *command, int value, cli_options *options) {
    const cli_option *option = find_option(command, value);
    const char *expected = option->parse(options, optarg);
    if (expected != NULL) {
        return cli_report_usage(command->name, "--%s %.80s: must be %s", option->name,
                                optarg == NULL ? "" : optarg, expected);
    }
    return CLI_OK;
}

static cli_exit parse_options(const cli_command *command, int argc, char **argv,
                              cli_options *options, bool *out_help) {
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 3];
    (void)describe_options(command, longs, shorts);
    opterr = 0;
    optind = 1;
    for (;;) {
        const int before = optind;
        const int value = getopt_long(argc, argv, shorts, longs, NULL);
        cli_exit code = CLI_OK;
        switch (value) {
        case -1:
            return CLI_OK;
        case 'h':
        case HELP_VALUE:
            *out_help = true;
            return CLI_OK;
        case '?':
            return report_unknown_option(command, argv[optind > before ? optind - 1 : before]);
        case ':':
            return cli_report_usage(command->name, "option %s needs a value", argv[optind - 1]);
        default:
            code = take_option(command, value, options);
        }
        if (code != CLI_OK) {
            return code;
        }
    }
}

static cli_exit check_usage(const cli_command *command, const cli_options *options) {
    if (options->n_operands < command->min_operands) {
        return cli_report_usage(command->name, "needs %s; see joulecast %s --help",
                                command->operands, command->name);
    }
    if (command->max_operands >= 0 && options->n_operands > command->max_operands) {
        return cli_report_usage(command->name, "one argument too many: '%.80s'",
                                options->operands[command->max_operands]);
    }
    if (command->streams && !options->format->is_streaming) {
        return cli_report_usage(command->name, "--format %s: must be csv or jsonl",
                                options->format->name);
    }
    return CLI_OK;
}

bool cli_parse(const cli_command *command, int argc, char **argv, cli_options *options,
               cli_exit *out_exit) {
    *options = (cli_options){
        .precision = JC_PRECISION_F32,
        .format = command->default_format == NULL ? report_formats[0] : command->default_format,
        .extra = options->extra,
    };
    bool help = false;
    cli_exit code = parse_options(command, argc, argv, options, &help);
    if (code == CLI_OK && help) {
        print_help(command);
    } else if (code == CLI_OK) {
        options->operands = argv + optind;
        options->n_operands = argc - optind;
        code = check_usage(command, options);
    }
    *out_exit = code;
    return code == CLI_OK && !help;
}
