// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Private to predictor/arch: names of tensors within one list of layers.
 *
 * All names of a body are collected before its layers are compiled, so that a reference to a later
 * layer can be told from one to nothing at all.
 */
#ifndef JC_ARCH_COMPILE_NAMES_H
#define JC_ARCH_COMPILE_NAMES_H

#include "common/arena.h"
#include "common/yaml/yaml.h"

#include <joulecast/status.h>

typedef struct name_entry {
    const char *name;
    int line;
    int slot;     ///< inputs first, then in file order
    bool defined; ///< its layer stands before what is being compiled
} name_entry;

typedef struct name_table {
    name_entry *entries; ///< sorted by name
    size_t n;
} name_table;

/** True for letters, digits and _, not beginning with a digit: what an expression can name. */
bool name_is_word(const char *name);

/** Read one name or a list of names. */
JC_MUST_USE jc_status name_list_read(const jc_yaml *node, const char *file, jc_arena *arena,
                                     const char *const **out_names, size_t *out_n, jc_error *err);

/** Collect the inputs' names (defined at once) and those under `name:`, branches included. */
JC_MUST_USE jc_status name_table_collect(name_table *table, const jc_yaml *layers,
                                         const char *const *input_names, size_t n_inputs,
                                         const char *file, jc_arena *arena, jc_error *err);

/** Mark a name as defined from here on. @return its slot */
int name_table_define(name_table *table, const char *name);

/** Slot of a name that is used. @retval JC_EPARSE  unknown, or defined only later */
JC_MUST_USE jc_status name_table_use(const name_table *table, const char *name, const char *file,
                                     int line, int *out_slot, jc_error *err);

#endif
