// SPDX-License-Identifier: Apache-2.0
/** @file Folders for tests: made under the system's place for temporary files, removed at exit. */
#ifndef JC_TEST_FOLDER_H
#define JC_TEST_FOLDER_H

/** A new empty folder. The text lives as long as the process. */
const char *folder_make(void);

/** Write a file into a folder. */
void folder_put(const char *folder, const char *name, const char *text);

/** Content of a file, terminated; the test fails where there is none. Lives until the next call. */
const char *folder_get(const char *folder, const char *name);

/** Number of files in a folder; −1 if there is no such folder. */
int folder_count(const char *folder);

#endif
