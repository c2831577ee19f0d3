// SPDX-License-Identifier: Apache-2.0
/** @file Held-out predictions, row by row: what `train --held-out` writes. */
#ifndef JC_CLI_HELD_OUT_H
#define JC_CLI_HELD_OUT_H

#include "exit.h"

#include <joulecast/train.h>

#include <stdbool.h>

/** Predictions as training tells them. {0} is empty; freed by held_out_clear. */
typedef struct held_out_list {
    jc_held_out *items;
    size_t n;
    size_t room;
    bool failed; ///< memory ran out: the list is not whole
} held_out_list;

/** Append, for jc_train_options.held_out. @param context  a held_out_list */
void held_out_add(void *context, const jc_held_out *held_out);

/**
 * Write the list as CSV, sorted by row and target: kernel, precision, the sizes of all kernels in
 * the list (empty where a kernel has no such size), the row's number in its file, fold, target,
 * measured, predicted, low, high.
 *
 * @param dataset  what was trained on
 * @param path  appears whole or not at all
 */
cli_exit held_out_write(held_out_list *list, const jc_dataset *dataset, const char *path);

void held_out_clear(held_out_list *list);

#endif
