// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The journal of a campaign: lines that are only ever added, each with a checksum.
 *
 * What was added survives the death of the process at once, and that of the machine after the next
 * sync, which comes a second later at most. A last line that was torn is cut off when the journal
 * is opened again; damage anywhere else is an error. One process at a time has it open.
 */
#ifndef JC_CAMPAIGN_JOURNAL_H
#define JC_CAMPAIGN_JOURNAL_H

#include <joulecast/status.h>

#include <stdbool.h>

typedef struct journal journal;

/** Told each line that is in the journal, without checksum and end. A status other than JC_OK ends
 *  the reading and is that of journal_open. @param line  1-based number */
typedef jc_status journal_visit(void *context, const char *text, int line, jc_error *err);

/**
 * Open a journal, which is created, and read it.
 *
 * @param path   borrowed until it is closed.
 * @retval JC_EPERM    no permission, or another process has it open
 * @retval JC_EFORMAT  a line before the last is damaged: err has its number
 * @retval JC_ENOENT, JC_EIO, JC_ENOMEM
 */
JC_MUST_USE jc_status journal_open(const char *path, journal_visit *visit, void *context,
                                   journal **out_journal, jc_error *err);

/** Add a line, which has no line end in it. @retval JC_EIO  err has the reason: a full disk */
JC_MUST_USE jc_status journal_add(journal *j, const char *text, jc_error *err);

/** Have a line ready for journal_add_prepared. */
void journal_prepare(journal *j, const char *text);

/** Add the line that was prepared last, and sync. For handlers of signals: async-signal-safe.
 *  @return whether it is there */
bool journal_add_prepared(journal *j);

/** Sync and close; NULL is allowed. @retval JC_EIO */
JC_MUST_USE jc_status journal_close(journal *j, jc_error *err);

#endif
