// SPDX-License-Identifier: Apache-2.0
// Exit codes and the lines on stderr that go with them.
#include "exit.h"

#include <stdarg.h>
#include <stdio.h>

cli_exit cli_exit_of(jc_status status) {
    switch (status) {
    case JC_OK:
        return CLI_OK;
    case JC_EIO:
    case JC_EUNSUPPORTED:
    case JC_EPARSE:
    case JC_EFORMAT:
    case JC_ESHAPE:
    case JC_ERANGE:
    case JC_ENOENT:
        return CLI_INPUT;
    case JC_EPERM:
    case JC_ENOMETER:
        return CLI_HARDWARE;
    case JC_ESINGULAR:
    case JC_ENOTCONV:
        return CLI_NUMERICAL;
    case JC_ENOMEM:
    case JC_EINVAL:
        return CLI_INTERNAL;
    }
    return CLI_INTERNAL;
}

// File names may hold anything; a terminal must not be driven by them, nor a line be broken.
static void make_printable(char *text) {
    for (; *text != '\0'; ++text) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

cli_exit cli_report_error(const jc_error *err) {
    char text[JC_ERROR_FILE_SIZE + JC_ERROR_MESSAGE_SIZE + 32];
    (void)jc_error_format(err, text, sizeof text);
    make_printable(text);
    (void)fprintf(stderr, "joulecast: %s\n", text);
    return cli_exit_of(err->status);
}

cli_exit cli_report_usage(const char *command, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
    (void)fprintf(stderr, "joulecast%s%s: %s\n", command == NULL ? "" : " ",
                  command == NULL ? "" : command, text);
    return CLI_USAGE;
}
