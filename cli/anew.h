// SPDX-License-Identifier: Apache-2.0
/** @file Beginning the program anew in the same process, where a library has crashed. */
#ifndef JC_CLI_ANEW_H
#define JC_CLI_ANEW_H

/** Keep what it takes. @param argv  main's, borrowed for good */
void anew_remember(char **argv);

/** Seconds since the process was first asked this, however often the program began anew. */
double anew_elapsed_s(void);

/** Begin anew with the same arguments; returns where that cannot be. Async-signal-safe. */
void anew_begin(void);

#endif
