// SPDX-License-Identifier: Apache-2.0
// Status names and messages, and the filling of error reports.
#include <joulecast/status.h>

#include <stdarg.h>
#include <stdio.h>

const char *jc_status_name(jc_status status) {
    switch (status) {
#define JC_STATUS_NAME(name, value, message)                                                       \
    case JC_##name:                                                                                \
        return "JC_" #name;
        JC_STATUS_MAP(JC_STATUS_NAME)
#undef JC_STATUS_NAME
    }
    return "JC_UNKNOWN";
}

const char *jc_status_message(jc_status status) {
    switch (status) {
#define JC_STATUS_TEXT(name, value, message)                                                       \
    case JC_##name:                                                                                \
        return message;
        JC_STATUS_MAP(JC_STATUS_TEXT)
#undef JC_STATUS_TEXT
    }
    return "unknown status";
}

jc_status jc_error_set(jc_error *err, jc_status status, const char *file, int line,
                       const char *format, ...) {
    if (err == NULL) {
        return status;
    }
    err->status = status;
    err->line = line;
    (void)snprintf(err->file, sizeof err->file, "%s", file == NULL ? "" : file);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

const char *jc_error_format(const jc_error *err, char *buffer, unsigned long size) {
    const char *message = err->message[0] == '\0' ? jc_status_message(err->status) : err->message;
    if (err->file[0] == '\0') {
        (void)snprintf(buffer, size, "%s", message);
    } else if (err->line == 0) {
        (void)snprintf(buffer, size, "%s: %s", err->file, message);
    } else {
        (void)snprintf(buffer, size, "%s:%d: %s", err->file, err->line, message);
    }
    return buffer;
}
