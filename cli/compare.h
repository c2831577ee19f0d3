// SPDX-License-Identifier: Apache-2.0
/** @file Private to compare*.c: the command's own options, and its notes for people. */
#ifndef JC_CLI_COMPARE_H
#define JC_CLI_COMPARE_H

#include "comparison.h"
#include "devices.h"

#include "common/arena.h"

enum { MAX_TECHNIQUES = 64, MAX_NOTES = 1024 };

/** The command's own options. */
typedef struct compare_options {
    device_names devices;                   ///< first: see devices.h
    const char *techniques[MAX_TECHNIQUES]; ///< [n_techniques]
    size_t n_techniques;
    bool drop_exits;
    comparison_metrics metrics;
    bool by_energy;       ///< --prune energy
    double target_energy; ///< of the baseline's; NaN = not said
    char pruning[64];     ///< --prune and --target-energy as a technique; "" = none
} compare_options;

compare_options compare_options_default(void);

/** Those of the command, ending with NULL. */
extern const cli_option *const compare_option_list[];

/**
 * Once all options are read: --prune and --target-energy as the technique that they stand for.
 *
 * @return NULL, or what is wrong
 */
const char *compare_combine_options(compare_options *own);

typedef struct compare_run {
    const cli_options *options;
    const compare_options *own;
    jc_arena arena;
    jc_technique *techniques[MAX_TECHNIQUES]; ///< [n_techniques]
    size_t n_techniques;
    device_list devices;
    comparison_row *rows;
    size_t n_rows;
    size_t row_capacity;
    const char *notes[MAX_NOTES + 1];
    size_t n_notes;
    jc_error err;
} compare_run;

/** Say what the table has no room for; rows are in their order, device by device. */
void compare_add_notes(compare_run *run);

#endif
