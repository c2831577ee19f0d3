// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Status codes and error reports: the one error convention of the library.
 *
 * Every function that can fail returns a jc_status: JC_OK (0) or a negative code. Outputs come last
 * and are written on success only. Where a reader needs more than a code, a final `jc_error *err`
 * (caller's storage, may be NULL) is filled on failure only.
 */
#ifndef JC_STATUS_H
#define JC_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

// One list from which the enum, the names and the messages are generated, so they cannot drift.
#define JC_STATUS_MAP(X)                                                                           \
    X(OK, 0, "success")                                                                            \
    X(ENOMEM, -1, "out of memory")                                                                 \
    X(EINVAL, -2, "invalid argument")                                                              \
    X(EIO, -3, "file cannot be read or written")                                                   \
    X(EPERM, -4, "permission denied")                                                              \
    X(ENOMETER, -5, "no such meter on this machine")                                               \
    X(EUNSUPPORTED, -6, "not supported")                                                           \
    X(EPARSE, -7, "malformed text")                                                                \
    X(EFORMAT, -8, "wrong format or version")                                                      \
    X(ESHAPE, -9, "sizes do not fit together")                                                     \
    X(ESINGULAR, -10, "matrix is singular")                                                        \
    X(ENOTCONV, -11, "iteration did not converge")                                                 \
    X(ERANGE, -12, "value out of range")                                                           \
    X(ENOENT, -13, "no such file or name")

typedef enum jc_status {
#define JC_STATUS_ENUM(name, value, message) JC_##name = value,
    JC_STATUS_MAP(JC_STATUS_ENUM)
#undef JC_STATUS_ENUM
} jc_status;

#if defined(__GNUC__)
#define JC_MUST_USE           __attribute__((warn_unused_result))
#define JC_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define JC_MUST_USE
#define JC_PRINTF(fmt, first)
#endif

enum { JC_ERROR_FILE_SIZE = 512, JC_ERROR_MESSAGE_SIZE = 512 };

/** What went wrong, where, and what would be right. Longer texts are cut, never overrun. */
typedef struct jc_error {
    jc_status status;                    ///< JC_OK where nothing was reported
    int line;                            ///< 1-based line in `file`; 0 = the file as a whole
    char file[JC_ERROR_FILE_SIZE];       ///< empty where no file is involved
    char message[JC_ERROR_MESSAGE_SIZE]; ///< without file and line
} jc_error;

/** Symbolic name of a status such as "JC_ESHAPE"; "JC_UNKNOWN" for a value that is none. */
const char *jc_status_name(jc_status status);

/** One-line meaning of a status; never NULL. */
const char *jc_status_message(jc_status status);

/**
 * Fill an error and return its status, so that a failing function ends in `return jc_error_set(…)`.
 *
 * @param err   may be NULL: then only the status is returned.
 * @param file  may be NULL.
 * @param line  1-based; 0 where no line is known.
 */
jc_status jc_error_set(jc_error *err, jc_status status, const char *file, int line,
                       const char *format, ...) JC_PRINTF(5, 6);

/**
 * Format an error as `file:line: message` (parts that are not known are left out).
 *
 * @param buffer  [size] bytes, always terminated if size > 0.
 * @return        buffer
 */
const char *jc_error_format(const jc_error *err, char *buffer, unsigned long size);

#ifdef __cplusplus
}
#endif

#endif
