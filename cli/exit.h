// SPDX-License-Identifier: Apache-2.0
/** @file Exit codes of the program, and how library failures map to them. */
#ifndef JC_CLI_EXIT_H
#define JC_CLI_EXIT_H

#include <joulecast/status.h>

typedef enum cli_exit {
    CLI_OK = 0,
    CLI_USAGE = 1,     ///< wrong options or arguments
    CLI_INPUT = 2,     ///< a file or name that cannot be used, or output that cannot be written
    CLI_HARDWARE = 3,  ///< no such hardware, or no permission
    CLI_NUMERICAL = 4, ///< numbers that cannot be solved for
    CLI_INTERNAL = 70, ///< a bug, or no memory left
} cli_exit;

/** Exit code for a status of the library. */
cli_exit cli_exit_of(jc_status status);

/** Print "joulecast: file:line: message" on stderr and return the exit code that fits. */
cli_exit cli_report_error(const jc_error *err);

/** Print "joulecast COMMAND: message" on stderr as one line; @return CLI_USAGE. */
cli_exit cli_report_usage(const char *command, const char *format, ...) JC_PRINTF(2, 3);

#endif
