// SPDX-License-Identifier: Apache-2.0
// YAML out, by libyaml's emitter.
#include "common/number.h"
#include "common/yaml/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

// Wide enough that a term of a model stays on one line.
enum { LINE_WIDTH = 160 };

struct jc_yaml_writer {
    yaml_emitter_t emitter;
    jc_status status; ///< of the first failure
    const char *message;
};

static void fail(jc_yaml_writer *w, jc_status status, const char *message) {
    if (w->status == JC_OK) {
        w->status = status;
        w->message = message;
    }
}

// Emit an event that was made (or not, for lack of memory); the emitter takes it over.
static void emit(jc_yaml_writer *w, int made, yaml_event_t *event) {
    if (!made) {
        fail(w, JC_ENOMEM, "out of memory");
    } else if (w->status != JC_OK) {
        yaml_event_delete(event);
    } else if (!yaml_emitter_emit(&w->emitter, event)) {
        const bool memory = w->emitter.error == YAML_MEMORY_ERROR;
        const bool io = w->emitter.error == YAML_WRITER_ERROR;
        fail(w,
             memory ? JC_ENOMEM
             : io   ? JC_EIO
                    : JC_EINVAL,
             w->emitter.problem == NULL ? "cannot be written" : w->emitter.problem);
    }
}

jc_yaml_writer *jc_yaml_writer_open(FILE *file) {
    jc_yaml_writer *w = calloc(1, sizeof *w);
    if (w == NULL || !yaml_emitter_initialize(&w->emitter)) {
        free(w);
        return NULL;
    }
    yaml_emitter_set_output_file(&w->emitter, file);
    yaml_emitter_set_unicode(&w->emitter, 1);
    yaml_emitter_set_width(&w->emitter, LINE_WIDTH);
    yaml_event_t event;
    emit(w, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    emit(w, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
    return w;
}

static void write_scalar(jc_yaml_writer *w, const char *text, yaml_scalar_style_t style) {
    // The initialiser copies the text and does not write to it; its type predates const.
    union {
        const char *in;
        yaml_char_t *out;
    } value = {.in = text};
    yaml_event_t event;
    emit(
        w,
        yaml_scalar_event_initialize(&event, NULL, NULL, value.out, (int)strlen(text), 1, 1, style),
        &event);
}

// A plain text that reads back as something else than a text.
static bool reads_as_value(const char *text) {
    double number = 0;
    return text[0] == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0 ||
           strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
           jc_parse_double(text, &number);
}

void jc_yaml_write_text(jc_yaml_writer *w, const char *text) {
    write_scalar(w, text,
                 reads_as_value(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

void jc_yaml_write_int64(jc_yaml_writer *w, int64_t value) {
    char buffer[JC_NUMBER_TEXT_SIZE];
    (void)snprintf(buffer, sizeof buffer, "%lld", (long long)value);
    write_scalar(w, buffer, YAML_PLAIN_SCALAR_STYLE);
}

void jc_yaml_write_double(jc_yaml_writer *w, double value) {
    char buffer[JC_NUMBER_TEXT_SIZE];
    if (isinf(value)) {
        fail(w, JC_EINVAL, "an infinite number cannot be written");
        return;
    }
    write_scalar(w, isnan(value) ? "null" : jc_format_double(value, buffer),
                 YAML_PLAIN_SCALAR_STYLE);
}

void jc_yaml_write_flag(jc_yaml_writer *w, bool value) {
    write_scalar(w, value ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
}

void jc_yaml_open_mapping(jc_yaml_writer *w, bool flow) {
    yaml_event_t event;
    emit(w,
         yaml_mapping_start_event_initialize(
             &event, NULL, NULL, 1, flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE),
         &event);
}

void jc_yaml_close_mapping(jc_yaml_writer *w) {
    yaml_event_t event;
    emit(w, yaml_mapping_end_event_initialize(&event), &event);
}

void jc_yaml_open_sequence(jc_yaml_writer *w, bool flow) {
    yaml_event_t event;
    emit(w,
         yaml_sequence_start_event_initialize(
             &event, NULL, NULL, 1, flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE),
         &event);
}

void jc_yaml_close_sequence(jc_yaml_writer *w) {
    yaml_event_t event;
    emit(w, yaml_sequence_end_event_initialize(&event), &event);
}

jc_status jc_yaml_writer_close(jc_yaml_writer *w, jc_error *err) {
    yaml_event_t event;
    emit(w, yaml_document_end_event_initialize(&event, 1), &event);
    emit(w, yaml_stream_end_event_initialize(&event), &event);
    jc_status status = w->status;
    if (status != JC_OK) {
        status = jc_error_set(err, status, NULL, 0, "%s", w->message);
    }
    yaml_emitter_delete(&w->emitter);
    free(w);
    return status;
}
