// SPDX-License-Identifier: Apache-2.0
// Building programs: tensors, instructions. Nothing is allocated on the GPU here.
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cu_fail(cu_program *p, jc_status status, const char *format, ...) {
    if (p->status != JC_OK) {
        return;
    }
    char text[JC_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->status = jc_error_set(&p->error, status, NULL, 0, "%s", text);
}

bool cu_ok(cu_program *p, jc_status status, const jc_error *err) {
    if (status != JC_OK) {
        cu_fail(p, status, "%s", err->message);
    }
    return p->status == JC_OK;
}

static bool is_noted(const char *list, const char *algorithm) {
    const size_t length = strlen(algorithm);
    for (const char *at = list; at != NULL; at = strstr(at, "; ")) {
        at += at == list ? 0 : 2;
        if (strncmp(at, algorithm, length) == 0 && (at[length] == '\0' || at[length] == ';')) {
            return true;
        }
    }
    return false;
}

void cu_note(cu_program *p, const char *algorithm) {
    static const char more[] = "; ...";
    const size_t used = strlen(p->algorithm);
    const size_t room = sizeof p->algorithm - sizeof more; // which always fits
    if (is_noted(p->algorithm, algorithm) || is_noted(p->algorithm, "...")) {
        return;
    }
    const char *between = used == 0 ? "" : "; ";
    const bool fits = used + strlen(between) + strlen(algorithm) <= room;
    (void)snprintf(p->algorithm + used, sizeof p->algorithm - used, "%s%s", between,
                   fits ? algorithm : "...");
}

// Room for one more element of a growing array; NULL after a failure.
static void *grow(cu_program *p, void *array, size_t n, size_t *capacity, size_t size) {
    if (p->status != JC_OK) {
        return NULL;
    }
    if (n < *capacity) {
        return array;
    }
    const size_t wanted = *capacity == 0 ? 16 : 2 * *capacity;
    void *moved = realloc(array, wanted * size);
    if (moved == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        return NULL;
    }
    *capacity = wanted;
    return moved;
}

// --- Tensors ---------------------------------------------------------------------------------

static tensor_id add_tensor(cu_program *p, const cu_tensor *row) {
    cu_tensor *tensors = grow(p, p->tensors, p->n_tensors, &p->tensor_capacity, sizeof *tensors);
    if (tensors == NULL) {
        return 0;
    }
    p->tensors = tensors;
    tensors[p->n_tensors] = *row;
    return (tensor_id)p->n_tensors++;
}

static uint32_t add_buffer(cu_program *p, tensor_role role) {
    buffer *buffers = grow(p, p->buffers, p->n_buffers, &p->buffer_capacity, sizeof *buffers);
    if (buffers == NULL) {
        return 0;
    }
    p->buffers = buffers;
    buffers[p->n_buffers] = buffer_unused(role);
    return (uint32_t)p->n_buffers++;
}

tensor_id cu_constant(cu_program *p, tensor_role role, cu_type type, int rank, const int64_t *dims,
                      double low, double high) {
    return add_tensor(p, &(cu_tensor){.role = role,
                                      .md = layout_plain(type, rank, dims),
                                      .buffer = add_buffer(p, role),
                                      .low = low,
                                      .high = high});
}

static tensor_id add_written(cu_program *p, tensor_role role, const layout *md) {
    const uint32_t place = add_buffer(p, role);
    return add_tensor(p, &(cu_tensor){.role = role, .laid_out = true, .md = *md, .buffer = place});
}

tensor_id cu_result(cu_program *p, const layout *md) {
    return add_written(p, TENSOR_ACTIVATION, md);
}

tensor_id cu_scratch(cu_program *p, size_t bytes) {
    if (bytes == 0) {
        return NO_TENSOR;
    }
    const layout md = layout_plain(CU_S8, 1, (int64_t[]){(int64_t)bytes});
    return add_written(p, TENSOR_SCRATCH, &md);
}

tensor_id cu_alias(cu_program *p, tensor_id t, const layout *md) {
    if (p->status != JC_OK) {
        return 0;
    }
    cu_tensor row = p->tensors[t];
    row.md = *md;
    row.is_view = true;
    // The memory must hold the whole tensor even if only a part of it is ever used.
    buffer *place = &p->buffers[row.buffer];
    const size_t bytes = layout_bytes(&p->tensors[t].md);
    place->bytes = bytes > place->bytes ? bytes : place->bytes;
    return add_tensor(p, &row);
}

void cu_lay_out(cu_program *p, tensor_id t, const layout *md) {
    if (p->status == JC_OK && !p->tensors[t].laid_out) {
        p->tensors[t].md = *md;
        p->tensors[t].laid_out = true;
    }
}

const layout *cu_md(const cu_program *p, tensor_id t) {
    static const layout none = {.rank = 1, .dim = {1}, .stride = {1}};
    return p->status == JC_OK ? &p->tensors[t].md : &none;
}

void cu_output(cu_program *p, tensor_id t) {
    tensor_id *outputs = grow(p, p->outputs, p->n_outputs, &p->output_capacity, sizeof *outputs);
    if (outputs != NULL) {
        p->outputs = outputs;
        outputs[p->n_outputs++] = t;
    }
}

// --- Instructions ----------------------------------------------------------------------------

void cu_add(cu_program *p, const cu_instruction *row, size_t n_args, const tensor_id *args) {
    cu_instruction *instructions =
        grow(p, p->instructions, p->n_instructions, &p->instruction_capacity, sizeof *instructions);
    tensor_id *copies = instructions == NULL ? NULL : calloc(n_args, sizeof *copies);
    p->instructions = instructions != NULL ? instructions : p->instructions;
    if (copies == NULL) {
        cu_fail(p, JC_ENOMEM, "out of memory");
        row->release(row->state);
        return;
    }
    memcpy(copies, args, n_args * sizeof *copies);
    for (size_t i = 0; i < n_args; ++i) {
        if (args[i] != NO_TENSOR) {
            const cu_tensor *t = &p->tensors[args[i]];
            buffer_use(&p->buffers[t->buffer], (uint32_t)p->n_instructions, layout_bytes(&t->md));
        }
    }
    instructions[p->n_instructions] = *row;
    instructions[p->n_instructions].n_args = n_args;
    instructions[p->n_instructions].args = copies;
    instructions[p->n_instructions].data = NULL;
    p->n_instructions++;
}
