// SPDX-License-Identifier: Apache-2.0
// YAML text to a tree, by libyaml's events, within bounds.
#include "common/file.h"
#include "common/number.h"
#include "common/text.h"
#include "common/yaml/yaml.h"

#include <string.h>
#include <yaml.h>

typedef struct reader {
    yaml_parser_t parser;
    jc_arena *arena;
    const char *name;
    jc_error *err;
    int n_nodes;
    int depth;
} reader;

static int event_line(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

static jc_status next_event(reader *r, yaml_event_t *event) {
    if (yaml_parser_parse(&r->parser, event)) {
        return JC_OK;
    }
    if (r->parser.error == YAML_MEMORY_ERROR) {
        return jc_error_set(r->err, JC_ENOMEM, r->name, 0, "out of memory");
    }
    const yaml_mark_t mark = r->parser.problem_mark;
    return jc_error_set(r->err, JC_EPARSE, r->name, (int)mark.line + 1, "not valid YAML: %s%s%s",
                        r->parser.problem == NULL ? "unreadable" : r->parser.problem,
                        r->parser.context == NULL ? "" : " ",
                        r->parser.context == NULL ? "" : r->parser.context);
}

static jc_status read_node(reader *r, const yaml_event_t *event, jc_yaml **out_node);

static jc_status read_scalar(reader *r, const yaml_event_t *event, jc_yaml *node) {
    const char *text = (const char *)event->data.scalar.value;
    const size_t length = event->data.scalar.length;
    if (memchr(text, '\0', length) != NULL) {
        return jc_error_set(r->err, JC_EPARSE, r->name, node->line,
                            "a text holds a NUL character, which no text here may");
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = jc_arena_copy_text(r->arena, text, length);
    return node->text == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status read_sequence(reader *r, jc_yaml *node) {
    jc_yaml **tail = &node->child;
    for (;;) {
        yaml_event_t event;
        jc_status status = next_event(r, &event);
        if (status != JC_OK) {
            return status;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return JC_OK;
        }
        status = read_node(r, &event, tail);
        yaml_event_delete(&event);
        if (status != JC_OK) {
            return status;
        }
        tail = &(*tail)->next;
        node->n++;
    }
}

static jc_status read_key(reader *r, const yaml_event_t *event, const jc_yaml *mapping,
                          char **out_key) {
    const int line = event_line(event);
    if (event->type != YAML_SCALAR_EVENT) {
        return jc_error_set(r->err, JC_EPARSE, r->name, line, "a key must be a plain word");
    }
    const char *text = (const char *)event->data.scalar.value;
    for (const jc_yaml *c = mapping->child; c != NULL; c = c->next) {
        if (jc_text_equal(c->key, text)) {
            return jc_error_set(r->err, JC_EPARSE, r->name, line,
                                "key '%.60s' stands twice in one mapping (first in line %d)", text,
                                c->key_line);
        }
    }
    if (mapping->n >= JC_YAML_MAX_KEYS) {
        return jc_error_set(r->err, JC_EPARSE, r->name, line,
                            "a mapping has more than %d keys, the most that is read",
                            JC_YAML_MAX_KEYS);
    }
    *out_key = jc_arena_copy_text(r->arena, text, event->data.scalar.length);
    return *out_key == NULL ? JC_ENOMEM : JC_OK;
}

static jc_status read_mapping(reader *r, jc_yaml *node) {
    jc_yaml **tail = &node->child;
    for (;;) {
        yaml_event_t event;
        jc_status status = next_event(r, &event);
        if (status != JC_OK) {
            return status;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return JC_OK;
        }
        char *key = NULL;
        const int key_line = event_line(&event);
        status = read_key(r, &event, node, &key);
        yaml_event_delete(&event);
        if (status == JC_OK) {
            status = next_event(r, &event);
        }
        if (status != JC_OK) {
            return status;
        }
        jc_yaml *child = NULL;
        status = read_node(r, &event, &child);
        yaml_event_delete(&event);
        if (status != JC_OK) {
            return status;
        }
        child->key = key;
        child->key_line = key_line;
        *tail = child;
        tail = &child->next;
        node->n++;
    }
}

static jc_status refuse_anchor(reader *r, const yaml_event_t *event, const yaml_char_t *anchor,
                               const yaml_char_t *tag) {
    if (event->type == YAML_ALIAS_EVENT || anchor != NULL) {
        return jc_error_set(r->err, JC_EPARSE, r->name, event_line(event),
                            "anchors and aliases (& and *) are not read; an architecture repeats "
                            "structure with blocks");
    }
    if (tag != NULL) {
        return jc_error_set(r->err, JC_EPARSE, r->name, event_line(event),
                            "tags (!) are not read; write the plain value");
    }
    return JC_OK;
}

static jc_status check_limits(reader *r, const yaml_event_t *event) {
    if (++r->n_nodes > JC_YAML_MAX_NODES) {
        return jc_error_set(r->err, JC_EPARSE, r->name, event_line(event),
                            "more than %d values, the most that is read", JC_YAML_MAX_NODES);
    }
    if (r->depth >= JC_YAML_MAX_DEPTH) {
        return jc_error_set(r->err, JC_EPARSE, r->name, event_line(event),
                            "nested deeper than %d, the most that is read", JC_YAML_MAX_DEPTH);
    }
    return JC_OK;
}

static jc_status read_node(reader *r, const yaml_event_t *event, jc_yaml **out_node) {
    jc_status status = check_limits(r, event);
    if (status != JC_OK) {
        return status;
    }
    jc_yaml *node = jc_arena_take(r->arena, 1, sizeof *node);
    if (node == NULL) {
        return jc_error_set(r->err, JC_ENOMEM, r->name, 0, "out of memory");
    }
    *node = (jc_yaml){.line = event_line(event), .text = ""};
    r->depth++;
    // Only these four begin a value; libyaml delivers nothing else in this place.
    if (event->type == YAML_SCALAR_EVENT) {
        node->kind = JC_YAML_SCALAR;
        status = refuse_anchor(r, event, event->data.scalar.anchor, event->data.scalar.tag);
        status = status == JC_OK ? read_scalar(r, event, node) : status;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = JC_YAML_SEQUENCE;
        status = refuse_anchor(r, event, event->data.sequence_start.anchor,
                               event->data.sequence_start.tag);
        status = status == JC_OK ? read_sequence(r, node) : status;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        node->kind = JC_YAML_MAPPING;
        status = refuse_anchor(r, event, event->data.mapping_start.anchor,
                               event->data.mapping_start.tag);
        status = status == JC_OK ? read_mapping(r, node) : status;
    } else {
        status = refuse_anchor(r, event, NULL, NULL);
    }
    r->depth--;
    if (status == JC_OK) {
        *out_node = node;
    }
    return status;
}

// Stream start, document start, one node, document end, stream end.
static jc_status read_stream(reader *r, jc_yaml **out_root) {
    jc_yaml *root = NULL;
    int n_documents = 0;
    for (;;) {
        yaml_event_t event;
        jc_status status = next_event(r, &event);
        if (status != JC_OK) {
            return status;
        }
        const yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && ++n_documents > 1) {
            status = jc_error_set(r->err, JC_EPARSE, r->name, event_line(&event),
                                  "a second document begins here; one file holds one");
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                   type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT) {
            status = read_node(r, &event, &root);
        }
        yaml_event_delete(&event);
        if (status != JC_OK) {
            return status;
        }
        if (type == YAML_STREAM_END_EVENT) {
            break;
        }
    }
    if (root == NULL) {
        root = jc_arena_alloc(r->arena, 1, sizeof *root);
        if (root == NULL) {
            return JC_ENOMEM;
        }
        root->line = 1;
        root->text = "";
    }
    *out_root = root;
    return JC_OK;
}

jc_status jc_yaml_parse(const char *text, size_t length, const char *name, jc_arena *arena,
                        jc_yaml **out_root, jc_error *err) {
    if (length > JC_YAML_MAX_BYTES) {
        return jc_error_set(err, JC_EPARSE, name, 0, "larger than %d MiB, the most that is read",
                            JC_YAML_MAX_BYTES / (1024 * 1024));
    }
    reader r = {.arena = arena, .name = name, .err = err};
    if (!yaml_parser_initialize(&r.parser)) {
        return jc_error_set(err, JC_ENOMEM, name, 0, "out of memory");
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    const jc_status status = read_stream(&r, out_root);
    yaml_parser_delete(&r.parser);
    if (status == JC_ENOMEM) {
        return jc_error_set(err, status, name, 0, "out of memory");
    }
    return status;
}

jc_status jc_yaml_load(const char *path, jc_arena *arena, jc_yaml **out_root, jc_error *err) {
    char *text = NULL;
    size_t length = 0;
    const jc_status status = jc_file_read(path, JC_YAML_MAX_BYTES, arena, &text, &length, err);
    if (status != JC_OK) {
        return status;
    }
    return jc_yaml_parse(text, length, path, arena, out_root, err);
}

bool jc_yaml_is_null(const jc_yaml *node) {
    return node->kind == JC_YAML_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || jc_text_equal(node->text, "null") ||
            jc_text_equal(node->text, "~"));
}

const jc_yaml *jc_yaml_get(const jc_yaml *node, const char *key) {
    if (node == NULL || node->kind != JC_YAML_MAPPING) {
        return NULL;
    }
    for (const jc_yaml *c = node->child; c != NULL; c = c->next) {
        if (jc_text_equal(c->key, key)) {
            return c;
        }
    }
    return NULL;
}

const char *jc_yaml_text(const jc_yaml *node) {
    return node != NULL && node->kind == JC_YAML_SCALAR ? node->text : NULL;
}

static const char *plain_text(const jc_yaml *node) {
    const char *text = jc_yaml_text(node);
    return text == NULL || node->quoted ? "" : text;
}

bool jc_yaml_double(const jc_yaml *node, double *out_value) {
    return jc_parse_double(plain_text(node), out_value);
}

bool jc_yaml_int64(const jc_yaml *node, int64_t *out_value) {
    return jc_parse_int64(plain_text(node), out_value);
}

bool jc_yaml_flag(const jc_yaml *node, bool *out_value) {
    const char *text = plain_text(node);
    const bool is_true = jc_text_equal(text, "true");
    if (!is_true && strcmp(text, "false") != 0) {
        return false;
    }
    *out_value = is_true;
    return true;
}

const char *jc_yaml_describe(const jc_yaml *node, char *buffer, size_t size) {
    if (node->kind == JC_YAML_SEQUENCE) {
        (void)snprintf(buffer, size, "a list");
    } else if (node->kind == JC_YAML_MAPPING) {
        (void)snprintf(buffer, size, "a mapping");
    } else if (jc_yaml_is_null(node)) {
        (void)snprintf(buffer, size, "nothing");
    } else {
        (void)snprintf(buffer, size, "'%.60s'", node->text);
    }
    return buffer;
}
