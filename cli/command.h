// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Commands and their options: what a command's file declares, and how its command line is parsed.
 *
 * A command is one file with one const cli_command, and one line in the table of main.c. Options
 * that several commands share are declared once, in options.c.
 */
#ifndef JC_CLI_COMMAND_H
#define JC_CLI_COMMAND_H

#include "exit.h"
#include "report/report.h"

#include <joulecast/graph.h>

enum { CLI_MAX_INPUTS = 32, CLI_INPUT_NAME_SIZE = 256 };

/** Watts that the user gives where there is no meter. */
typedef struct cli_power {
    bool is_declared;
    double idle_w; ///< at rest
    double full_w; ///< under full load
} cli_power;

/** What the options of a command line say. */
typedef struct cli_options {
    const char *profile; ///< -p; NULL = the default one
    int64_t batch_size;  ///< -b; 0 = not said: as the inputs of --input, else 1
    jc_precision precision;
    const report_format *format;           ///< -f
    const char *output;                    ///< -o; NULL = standard output
    int threads;                           ///< -j; 0 = one for each core
    bool strict;                           ///< --strict: operators that are not known are errors
    jc_input_shape inputs[CLI_MAX_INPUTS]; ///< [n_inputs] --input
    char input_names[CLI_MAX_INPUTS][CLI_INPUT_NAME_SIZE]; ///< theirs
    size_t n_inputs;
    cli_power power; ///< --power-declared
    void *extra;     ///< the command's own options, for the parsers it declares
    char **operands; ///< [n_operands] what is no option
    int n_operands;
} cli_options;

/** An option. */
typedef struct cli_option {
    char letter;          ///< 0 = none
    const char *name;     ///< long name
    const char *argument; ///< placeholder in the help; NULL = takes none
    const char *help;     ///< one line

    /**
     * Take the option into account.
     *
     * @param text  the argument; NULL where there is none. Lives as long as the program.
     * @return NULL, or what would be right: "a whole number from 1 to 64"
     */
    const char *(*parse)(cli_options *options, const char *text);
} cli_option;

extern const cli_option cli_option_profile, cli_option_batch_size, cli_option_precision,
    cli_option_format, cli_option_output, cli_option_threads, cli_option_strict, cli_option_input,
    cli_option_power_declared;

/** A command. */
typedef struct cli_command {
    const char *name;
    const char *summary;  ///< one line
    const char *operands; ///< as in the usage line: "ARCH..."; "" = none
    const char *help;     ///< more lines for --help; NULL = none
    int min_operands;
    int max_operands;                    ///< -1 = any number
    const cli_option *const *options;    ///< ends with NULL
    const report_format *default_format; ///< NULL = the table
    bool streams;                        ///< only formats that stream are accepted by -f
    cli_exit (*run)(const struct cli_command *self, int argc, char **argv);
} cli_command;

/** All commands, ending with NULL. */
extern const cli_command *const cli_commands[];

/**
 * Parse a command line; argv[0] is the command's name.
 *
 * @param options  `extra` is the caller's, all else is set.
 * @param out_exit  set where the answer is false: help was printed, or a usage error was reported.
 * @return true if the command is to go on.
 */
bool cli_parse(const cli_command *command, int argc, char **argv, cli_options *options,
               cli_exit *out_exit);

/** How architectures are to be read: -b, --precision, --strict, --input. */
jc_graph_options cli_graph_options(const cli_options *options);

/** Parse a whole number within bounds, for options' parsers. */
bool cli_parse_integer(const char *text, int64_t least, int64_t most, int64_t *out_value);

/** Print a table as -f and -o say. @param title for formats that have one. */
cli_exit cli_print_table(const cli_options *options, const char *title, const report_table *table);

/**
 * The same, and notes for people before it.
 *
 * @param notes  ends with NULL
 * @param plot   for formats that can draw it; NULL = none
 */
cli_exit cli_print_notes(const cli_options *options, const char *title, const char *const *notes,
                         const report_plot *plot, const report_table *table);

/** Columns of the terminal, or 80 where standard output is none. */
size_t cli_width(void);

#endif
