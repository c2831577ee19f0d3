// SPDX-License-Identifier: Apache-2.0
// A line is 16 hexadecimal digits of FNV-1a over the text, a space, the text, and a line feed.
#include "journal.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECKSUM_SIZE = 17, MAX_LINE_BYTES = 4096 };

static const double SYNC_PERIOD_S = 1;

struct journal {
    const char *path;
    int fd;
    off_t length; ///< of the lines that are whole
    double synced_s;
    bool is_dirty;
    char prepared[MAX_LINE_BYTES];
    size_t n_prepared;
};

static jc_status report(const char *path, const char *what, int error, jc_error *err) {
    return jc_error_set(err, jc_status_from_errno(error), path, 0, "%s: %s", what, strerror(error));
}

static void format_checksum(const char *text, size_t length, char buffer[CHECKSUM_SIZE]) {
    (void)snprintf(buffer, CHECKSUM_SIZE, "%016" PRIx64, digest_add(DIGEST_BEGIN, text, length));
}

// Text of a line that is whole and undamaged, terminated in place; else NULL.
static char *check_line(char *line, size_t length) {
    char checksum[CHECKSUM_SIZE];
    if (length < CHECKSUM_SIZE + 1 || line[length - 1] != '\n' || line[CHECKSUM_SIZE - 1] != ' ' ||
        memchr(line, '\0', length) != NULL) {
        return NULL;
    }
    char *text = line + CHECKSUM_SIZE;
    line[length - 1] = '\0';
    format_checksum(text, length - CHECKSUM_SIZE - 1, checksum);
    return memcmp(line, checksum, CHECKSUM_SIZE - 1) == 0 ? text : NULL;
}

// Read all lines; *out_length: bytes of those that are whole, where the last is torn.
static jc_status read_lines(FILE *file, const char *path, journal_visit *visit, void *context,
                            off_t *out_length, jc_error *err) {
    char line[MAX_LINE_BYTES];
    off_t length = 0;
    int bad = 0;
    int number = 0;
    jc_status status = JC_OK;
    while (status == JC_OK && fgets(line, sizeof line, file) != NULL) {
        ++number;
        const off_t end = ftello(file);
        const char *text = bad == 0 ? check_line(line, (size_t)(end - length)) : NULL;
        if (bad != 0) {
            return jc_error_set(err, JC_EFORMAT, path, bad,
                                "the journal is damaged here: its checksum does not fit; what was "
                                "measured before can be kept by cutting the file off at this line");
        }
        if (text == NULL) {
            bad = number;
        } else {
            length = end;
            status = visit(context, text, number, err);
        }
    }
    if (status == JC_OK && ferror(file) != 0) {
        status = report(path, "cannot be read", errno, err);
    }
    *out_length = length;
    return status;
}

static jc_status read_all(journal *j, journal_visit *visit, void *context, jc_error *err) {
    const int copy = fcntl(j->fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = copy < 0 ? NULL : fdopen(copy, "rb");
    if (file == NULL) {
        const int error = errno;
        if (copy >= 0) {
            (void)close(copy); // only read from
        }
        return report(j->path, "cannot be read", error, err);
    }
    jc_status status = read_lines(file, j->path, visit, context, &j->length, err);
    (void)fclose(file); // only read from
    if (status == JC_OK && ftruncate(j->fd, j->length) != 0) {
        status = report(j->path, "cannot be cut", errno, err);
    }
    if (status == JC_OK && lseek(j->fd, 0, SEEK_END) < 0) {
        status = report(j->path, "cannot be read", errno, err);
    }
    return status;
}

jc_status journal_open(const char *path, journal_visit *visit, void *context, journal **out_journal,
                       jc_error *err) {
    const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) {
        return report(path, "cannot be opened", errno, err);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        (void)close(fd); // nothing was written
        return error == EWOULDBLOCK
                   ? jc_error_set(err, JC_EPERM, path, 0,
                                  "another process measures into this folder; wait for its end")
                   : report(path, "cannot be locked", error, err);
    }
    journal *j = malloc(sizeof *j);
    if (j == NULL) {
        (void)close(fd); // nothing was written
        return jc_error_set(err, JC_ENOMEM, path, 0, "out of memory");
    }
    *j = (journal){.path = path, .fd = fd, .synced_s = clock_now_s()};
    const jc_status status = read_all(j, visit, context, err);
    if (status != JC_OK) {
        (void)close(fd); // nothing was written
        free(j);
        return status;
    }
    *out_journal = j;
    return JC_OK;
}

static jc_status sync_lines(journal *j, jc_error *err) {
    if (j->is_dirty && fdatasync(j->fd) != 0) {
        return report(j->path, "cannot be written", errno, err);
    }
    j->is_dirty = false;
    j->synced_s = clock_now_s();
    return JC_OK;
}

// With checksum and line feed. @return its length
static size_t format_line(const char *text, char line[MAX_LINE_BYTES]) {
    char checksum[CHECKSUM_SIZE];
    // Longer texts (an error message) are cut; the checksum is that of what is written.
    const int n = snprintf(line, MAX_LINE_BYTES - 1, "%0*d %s", CHECKSUM_SIZE - 1, 0, text);
    const size_t length = n < MAX_LINE_BYTES - 1 ? (size_t)n : MAX_LINE_BYTES - 2;
    format_checksum(line + CHECKSUM_SIZE, length - CHECKSUM_SIZE, checksum);
    memcpy(line, checksum, CHECKSUM_SIZE - 1);
    line[length] = '\n';
    return length + 1;
}

// 0, or an error's number.
static int write_line(int fd, const char *line, size_t length) {
    size_t written = 0;
    while (written < length) {
        const ssize_t got = write(fd, line + written, length - written);
        if (got > 0) {
            written += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return got == 0 ? ENOSPC : errno;
        }
    }
    return 0;
}

void journal_prepare(journal *j, const char *text) {
    j->n_prepared = format_line(text, j->prepared);
}

bool journal_add_prepared(journal *j) {
    // A torn line is cut off when the journal is opened again.
    return write_line(j->fd, j->prepared, j->n_prepared) == 0 && fdatasync(j->fd) == 0;
}

jc_status journal_add(journal *j, const char *text, jc_error *err) {
    char line[MAX_LINE_BYTES];
    const size_t length = format_line(text, line);
    const int error = write_line(j->fd, line, length);
    if (error != 0) {
        (void)ftruncate(j->fd, j->length); // else opening it again will cut the torn line
        return report(j->path, "cannot be written", error, err);
    }
    j->length += (off_t)length;
    j->is_dirty = true;
    return clock_now_s() - j->synced_s >= SYNC_PERIOD_S ? sync_lines(j, err) : JC_OK;
}

jc_status journal_close(journal *j, jc_error *err) {
    if (j == NULL) {
        return JC_OK;
    }
    jc_status status = sync_lines(j, err);
    if (close(j->fd) != 0 && status == JC_OK) {
        status = report(j->path, "cannot be written", errno, err);
    }
    free(j);
    return status;
}
