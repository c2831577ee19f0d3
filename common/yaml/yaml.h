// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * YAML documents as a small tree that remembers lines, and a writer.
 *
 * This folder alone includes libyaml. Reading is bounded (bytes, depth, nodes, keys) because
 * libyaml's cost is not: see the limits below. Anchors, aliases and tags are refused; so are
 * duplicate keys and a second document.
 *
 * Ownership: a tree and its texts live in the arena that was given.
 */
#ifndef JC_COMMON_YAML_H
#define JC_COMMON_YAML_H

#include "common/arena.h"

#include <joulecast/status.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    JC_YAML_MAX_BYTES = 16 * 1024 * 1024,
    JC_YAML_MAX_DEPTH = 48,
    JC_YAML_MAX_NODES = 1000000,
    JC_YAML_MAX_KEYS = 2048, ///< keys of one mapping: the check for duplicates compares all pairs
};

typedef enum jc_yaml_kind { JC_YAML_SCALAR, JC_YAML_SEQUENCE, JC_YAML_MAPPING } jc_yaml_kind;

typedef struct jc_yaml {
    jc_yaml_kind kind;
    int line;         ///< 1-based
    int n;            ///< number of children
    bool quoted;      ///< scalar in quotes or block style: never null, number or flag
    const char *text; ///< scalar; "" for an empty one
    const char *key;  ///< of a child of a mapping; else NULL
    int key_line;
    struct jc_yaml *child; ///< first child of a sequence or mapping
    struct jc_yaml *next;  ///< sibling
} jc_yaml;

/**
 * Parse one document.
 *
 * @param name      what errors call the text: a file name. Borrowed for the call.
 * @param out_root  an empty document gives an empty (null) scalar.
 * @retval JC_EPARSE  malformed, over a limit, or a feature that is refused; err has the line
 * @retval JC_ENOMEM
 */
JC_MUST_USE jc_status jc_yaml_parse(const char *text, size_t length, const char *name,
                                    jc_arena *arena, jc_yaml **out_root, jc_error *err);

/** Read and parse a file. @retval JC_ENOENT, JC_EPERM, JC_EIO (err says why) or as jc_yaml_parse.
 */
JC_MUST_USE jc_status jc_yaml_load(const char *path, jc_arena *arena, jc_yaml **out_root,
                                   jc_error *err);

/** True for an empty, `null` or `~` plain scalar. */
bool jc_yaml_is_null(const jc_yaml *node);

/** Child of a mapping by key; NULL if the node is no mapping or has no such key. */
const jc_yaml *jc_yaml_get(const jc_yaml *node, const char *key);

/** Plain scalar as a number, integer or flag (`true`/`false`); false if it is anything else. */
bool jc_yaml_double(const jc_yaml *node, double *out_value);
bool jc_yaml_int64(const jc_yaml *node, int64_t *out_value);
bool jc_yaml_flag(const jc_yaml *node, bool *out_value);

/** Text of a scalar; NULL for anything else (also for a NULL node). */
const char *jc_yaml_text(const jc_yaml *node);

/** What a node is, for messages: "a list", "a mapping", "'text'" (cut when long), "nothing". */
const char *jc_yaml_describe(const jc_yaml *node, char *buffer, size_t size);

/**
 * Every key of a mapping has to be one of `keys` [ends with NULL]; a node of another kind has none.
 *
 * @param what  whose keys: "a technique"
 * @param file  for messages
 * @retval JC_EPARSE  err names file, line and a close key
 */
JC_MUST_USE jc_status jc_yaml_check_keys(const jc_yaml *node, const char *what,
                                         const char *const *keys, const char *file, jc_error *err);

/** Fail with JC_EPARSE: "what must be wanted, not …". */
jc_status jc_yaml_fail_value(const jc_yaml *node, const char *what, const char *wanted,
                             const char *file, jc_error *err);

/**
 * Writer: emit a document as a stream of events, in block style unless a collection is opened
 * `flow` (one line). The first failure sticks and is reported by jc_yaml_writer_close.
 */
typedef struct jc_yaml_writer jc_yaml_writer;

/** @return NULL if out of memory. The file stays the caller's. */
jc_yaml_writer *jc_yaml_writer_open(FILE *file);
void jc_yaml_write_text(jc_yaml_writer *w, const char *text);
void jc_yaml_write_int64(jc_yaml_writer *w, int64_t value);
/** Shortest form that reads back the same; NaN is written as null. */
void jc_yaml_write_double(jc_yaml_writer *w, double value);
void jc_yaml_write_flag(jc_yaml_writer *w, bool value);
void jc_yaml_open_mapping(jc_yaml_writer *w, bool flow);
void jc_yaml_close_mapping(jc_yaml_writer *w);
void jc_yaml_open_sequence(jc_yaml_writer *w, bool flow);
void jc_yaml_close_sequence(jc_yaml_writer *w);
/** Flush, free, and report the first failure. */
JC_MUST_USE jc_status jc_yaml_writer_close(jc_yaml_writer *w, jc_error *err);

#endif
