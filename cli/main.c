// SPDX-License-Identifier: Apache-2.0
// The program: finds the command and runs it.
#include "anew.h"
#include "command.h"

#include "common/suggest.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

extern const cli_command cli_predict, cli_batch, cli_compare, cli_trace, cli_import, cli_measure,
    cli_calibrate, cli_validate, cli_train, cli_evaluate, cli_profiles, cli_executors, cli_meters,
    cli_ops, cli_convert;

const cli_command *const cli_commands[] = {
    &cli_predict,   &cli_batch,    &cli_compare, &cli_trace,    &cli_import,   &cli_measure,
    &cli_calibrate, &cli_validate, &cli_train,   &cli_evaluate, &cli_profiles, &cli_executors,
    &cli_meters,    &cli_ops,      &cli_convert, NULL,
};

static void print_help(void) {
    (void)printf("usage: joulecast COMMAND [OPTION]... [ARGUMENT]...\n"
                 "       joulecast --help | --version\n\n"
                 "Predicts runtime, power and energy of neural networks, layer by layer.\n\n"
                 "Commands:\n");
    for (const cli_command *const *command = cli_commands; *command != NULL; ++command) {
        (void)printf("  %-10s  %s\n", (*command)->name, (*command)->summary);
    }
    (void)printf("\nSee `joulecast COMMAND --help`, and `man joulecast`.\n");
}

static const cli_command *find_command(const char *name) {
    const cli_command *const *command = cli_commands;
    while (*command != NULL && strcmp((*command)->name, name) != 0) {
        ++command;
    }
    return *command;
}

static cli_exit report_unknown_command(const char *name) {
    jc_suggestion suggestion = {.wanted = name};
    for (const cli_command *const *command = cli_commands; *command != NULL; ++command) {
        jc_suggestion_offer(&suggestion, (*command)->name);
    }
    char close[JC_SUGGESTION_TEXT_SIZE];
    return cli_report_usage(NULL, "there is no command '%.80s'%s", name,
                            suggestion.best == NULL ? "; see joulecast --help"
                                                    : jc_suggestion_format(&suggestion, close));
}

static cli_exit run(int argc, char **argv) {
    if (argc < 2) {
        return cli_report_usage(NULL, "needs a command; see joulecast --help");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("joulecast %s\n", JC_VERSION);
        return CLI_OK;
    }
    const cli_command *command = find_command(argv[1]);
    if (command == NULL) {
        return report_unknown_command(argv[1]);
    }
    return command->run(command, argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    // A reader that went away is an error like a full disk: reported, not a silent death.
    (void)signal(SIGPIPE, SIG_IGN);
    anew_remember(argv);
    cli_exit code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == CLI_OK) {
        const jc_error err = {
            .status = JC_EIO, .file = "standard output", .message = "cannot be written"};
        code = cli_report_error(&err);
    }
    return (int)code;
}
