// SPDX-License-Identifier: Apache-2.0
// Building programs: tensors, layouts, instructions. Nothing is allocated for data here.
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Failures --------------------------------------------------------------------------------

void program_fail(program *p, jc_status status, const char *format, ...) {
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

bool program_check(program *p, dnnl_status_t status, const char *what) {
    if (status == dnnl_out_of_memory) {
        program_fail(p, JC_ENOMEM, "oneDNN is out of memory for %s", what);
    } else if (status != dnnl_success) {
        program_fail(p, JC_EUNSUPPORTED, "oneDNN refuses %s in %s: %s", what,
                     jc_precision_name(p->precision),
                     status == dnnl_unimplemented ? "not implemented for this machine"
                                                  : "it takes these sizes for invalid");
    }
    return p->status == JC_OK;
}

// Room for one more element of a growing array; NULL after a failure.
static void *grow(program *p, void *array, size_t n, size_t *capacity, size_t size) {
    if (p->status != JC_OK) {
        return NULL;
    }
    if (n < *capacity) {
        return array;
    }
    const size_t wanted = *capacity == 0 ? 16 : 2 * *capacity;
    void *moved = realloc(array, wanted * size);
    if (moved == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
        return NULL;
    }
    *capacity = wanted;
    return moved;
}

// --- Memory descriptors ----------------------------------------------------------------------

dnnl_memory_desc_t md_plain(int rank, const int64_t *dims, dnnl_data_type_t type) {
    dnnl_dims_t all = {0}; // the library reads the whole array
    dnnl_dims_t strides = {0};
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; --i) {
        all[i] = dims[i];
        strides[i] = stride;
        stride *= dims[i];
    }
    dnnl_memory_desc_t md = {0};
    (void)dnnl_memory_desc_init_by_strides(&md, rank, all, type, strides); // fails later if at all
    return md;
}

dnnl_memory_desc_t md_any(int rank, const int64_t *dims, dnnl_data_type_t type) {
    dnnl_dims_t all = {0};
    memcpy(all, dims, (size_t)rank * sizeof *dims);
    dnnl_memory_desc_t md = {0};
    (void)dnnl_memory_desc_init_by_tag(&md, rank, all, type, dnnl_format_tag_any);
    return md;
}

// The same layout with the strides that row-major order gives to axes of size 1, whose strides mean
// nothing: the library compares and chooses by them. Other layouts are returned as they are.
static dnnl_memory_desc_t settle(const dnnl_memory_desc_t *md) {
    dnnl_memory_desc_t plain = md_plain(md->ndims, md->dims, md->data_type);
    if (md->format_kind != dnnl_blocked || md->format_desc.blocking.inner_nblks != 0) {
        return *md;
    }
    for (int i = 0; i < md->ndims; ++i) {
        if (md->dims[i] != 1 &&
            md->format_desc.blocking.strides[i] != plain.format_desc.blocking.strides[i]) {
            return *md;
        }
    }
    plain.offset0 = md->offset0;
    return plain;
}

int64_t md_elements(const dnnl_memory_desc_t *md) {
    int64_t n = 1;
    for (int i = 0; i < md->ndims; ++i) {
        n *= md->dims[i];
    }
    return n;
}

// --- Tensors ---------------------------------------------------------------------------------

static tensor_id add_tensor(program *p, const tensor *row) {
    tensor *tensors = grow(p, p->tensors, p->n_tensors, &p->tensor_capacity, sizeof *tensors);
    if (tensors == NULL) {
        return 0;
    }
    p->tensors = tensors;
    tensors[p->n_tensors] = *row;
    return (tensor_id)p->n_tensors++;
}

static uint32_t add_buffer(program *p, tensor_role role) {
    buffer *buffers = grow(p, p->buffers, p->n_buffers, &p->buffer_capacity, sizeof *buffers);
    if (buffers == NULL) {
        return 0;
    }
    p->buffers = buffers;
    buffers[p->n_buffers] = buffer_unused(role);
    return (uint32_t)p->n_buffers++;
}

tensor_id program_constant(program *p, tensor_role role, dnnl_data_type_t type, int rank,
                           const int64_t *dims, double low, double high) {
    return add_tensor(p, &(tensor){.role = role,
                                   .md = md_any(rank, dims, type),
                                   .buffer = add_buffer(p, role),
                                   .low = low,
                                   .high = high});
}

tensor_id program_result(program *p, const dnnl_memory_desc_t *md) {
    const uint32_t place = add_buffer(p, TENSOR_ACTIVATION);
    return add_tensor(
        p, &(tensor){.role = TENSOR_ACTIVATION, .laid_out = true, .md = *md, .buffer = place});
}

tensor_id program_alias(program *p, tensor_id t, const dnnl_memory_desc_t *md) {
    if (p->status != JC_OK) {
        return 0;
    }
    tensor row = p->tensors[t];
    row.md = *md;
    row.is_view = true;
    // The memory must hold the whole tensor even if only a part of it is ever used.
    buffer *place = &p->buffers[row.buffer];
    const size_t bytes = dnnl_memory_desc_get_size(&p->tensors[t].md);
    place->bytes = bytes > place->bytes ? bytes : place->bytes;
    return add_tensor(p, &row);
}

const dnnl_memory_desc_t *program_md(const program *p, tensor_id t) {
    static const dnnl_memory_desc_t none = {0};
    return p->status == JC_OK ? &p->tensors[t].md : &none;
}

void program_lay_out(program *p, tensor_id t, const dnnl_memory_desc_t *md) {
    if (p->status == JC_OK && !p->tensors[t].laid_out) {
        p->tensors[t].md = *md;
        p->tensors[t].laid_out = true;
    }
}

// The tensor, times a factor, written anew in this layout and type.
static tensor_id add_reorder(program *p, tensor_id t, const dnnl_memory_desc_t *md, double scale) {
    const char *what = "a reorder";
    const dnnl_memory_desc_t from = *program_md(p, t);
    const float factor = (float)scale;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    if (p->status == JC_OK && program_check(p, dnnl_primitive_attr_create(&attr), what) &&
        program_check(p, dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
                      what) &&
        (scale == 1 ||
         program_check(p, dnnl_primitive_attr_set_output_scales(attr, 1, 0, &factor), what))) {
        (void)program_check(
            p, dnnl_reorder_primitive_desc_create(&pd, &from, p->engine, md, p->engine, attr),
            what);
    }
    (void)dnnl_primitive_attr_destroy(attr);
    const tensor_id result = program_result(p, md);
    if (p->status == JC_OK) {
        p->tensors[result].rms = p->tensors[t].rms * scale;
    }
    program_add(p, pd, 2, (instruction_arg[]){{DNNL_ARG_FROM, t}, {DNNL_ARG_TO, result}});
    return result;
}

tensor_id program_as(program *p, tensor_id t, const dnnl_memory_desc_t *md) {
    program_lay_out(p, t, md);
    if (p->status != JC_OK || dnnl_memory_desc_equal(program_md(p, t), md)) {
        return t;
    }
    const dnnl_memory_desc_t from = *program_md(p, t);
    const dnnl_memory_desc_t from_settled = settle(&from);
    const dnnl_memory_desc_t to_settled = settle(md);
    if (dnnl_memory_desc_equal(&from_settled, &to_settled)) {
        return program_alias(p, t, md);
    }
    return add_reorder(p, t, md, 1);
}

tensor_id program_convert(program *p, tensor_id t, dnnl_data_type_t type, double scale) {
    dnnl_memory_desc_t md = *program_md(p, t);
    if (md.data_type == type && scale == 1) {
        return t;
    }
    md.data_type = type;
    return add_reorder(p, program_dense(p, t), &md, scale);
}

tensor_id program_copy(program *p, tensor_id t) {
    const dnnl_memory_desc_t md = *program_md(p, t);
    return add_reorder(p, t, &md, 1);
}

tensor_id program_plain(program *p, tensor_id t) {
    const dnnl_memory_desc_t *md = program_md(p, t);
    const dnnl_memory_desc_t plain = md_plain(md->ndims, md->dims, md->data_type);
    return program_as(p, t, &plain);
}

tensor_id program_dense(program *p, tensor_id t) {
    const dnnl_memory_desc_t *md = program_md(p, t);
    const bool has_gaps =
        md->offset0 != 0 ||
        (p->status == JC_OK && p->tensors[t].is_view && md->format_desc.blocking.inner_nblks == 0 &&
         dnnl_memory_desc_get_size(md) >
             (size_t)md_elements(md) * dnnl_data_type_size(md->data_type));
    return has_gaps ? program_plain(p, t) : t;
}

tensor_id program_reshape(program *p, tensor_id t, int rank, const int64_t *dims) {
    t = program_plain(p, t);
    const dnnl_memory_desc_t md = md_plain(rank, dims, program_md(p, t)->data_type);
    return program_alias(p, t, &md);
}

tensor_id program_settle(program *p, tensor_id t) {
    const dnnl_memory_desc_t md = *program_md(p, t);
    const dnnl_memory_desc_t settled = settle(&md);
    // dnnl_memory_desc_equal would find them equal.
    const bool same = memcmp(md.format_desc.blocking.strides, settled.format_desc.blocking.strides,
                             (size_t)md.ndims * sizeof md.dims[0]) == 0;
    return p->status != JC_OK || same ? t : program_alias(p, t, &settled);
}

void program_output(program *p, tensor_id t) {
    tensor_id *outputs = grow(p, p->outputs, p->n_outputs, &p->output_capacity, sizeof *outputs);
    if (outputs != NULL) {
        p->outputs = outputs;
        outputs[p->n_outputs++] = t;
    }
}

// --- Instructions ----------------------------------------------------------------------------

dnnl_primitive_desc_t program_describe(program *p, const_dnnl_op_desc_t op_desc,
                                       const_dnnl_post_ops_t post_ops, double scale,
                                       const char *what) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    const float factor = (float)scale;
    if (p->status != JC_OK || !program_check(p, dnnl_primitive_attr_create(&attr), what)) {
        return NULL;
    }
    // The scratchpad is ours: so it is counted, and shared by all instructions.
    (void)program_check(p, dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
                        what);
    if (scale != 1) {
        (void)program_check(p, dnnl_primitive_attr_set_output_scales(attr, 1, 0, &factor), what);
    }
    if (post_ops != NULL) {
        (void)program_check(p, dnnl_primitive_attr_set_post_ops(attr, post_ops), what);
    }
    if (p->status == JC_OK) {
        (void)program_check(p, dnnl_primitive_desc_create(&pd, op_desc, attr, p->engine, NULL),
                            what);
    }
    (void)dnnl_primitive_attr_destroy(attr);
    return pd;
}

dnnl_memory_desc_t program_query_at(program *p, const_dnnl_primitive_desc_t pd, dnnl_query_t what,
                                    int index) {
    const dnnl_memory_desc_t *md = NULL;
    if (p->status == JC_OK) {
        md = dnnl_primitive_desc_query_md(pd, what, index);
    }
    return md == NULL ? (dnnl_memory_desc_t){0} : *md;
}

dnnl_memory_desc_t program_query(program *p, const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
    return program_query_at(p, pd, what, 0);
}

// Extend a buffer's life to an instruction, and its size to the tensor's.
static void use_tensor(program *p, tensor_id t, size_t instruction_index) {
    tensor *used = &p->tensors[t];
    buffer_use(&p->buffers[used->buffer], (uint32_t)instruction_index,
               dnnl_memory_desc_get_size(&used->md));
}

static void append(program *p, instruction row, size_t n_args, const instruction_arg *args) {
    instruction *instructions =
        grow(p, p->instructions, p->n_instructions, &p->instruction_capacity, sizeof *instructions);
    row.args = instructions == NULL ? NULL : calloc(n_args, sizeof *row.args);
    if (row.args == NULL) {
        program_fail(p, JC_ENOMEM, "out of memory");
        (void)dnnl_primitive_destroy(row.primitive);
        p->instructions = instructions != NULL ? instructions : p->instructions;
        return;
    }
    p->instructions = instructions;
    for (size_t i = 0; i < n_args; ++i) {
        if (args[i].tensor != NO_TENSOR) {
            row.args[row.n_args++] = args[i];
            use_tensor(p, args[i].tensor, p->n_instructions);
        }
    }
    instructions[p->n_instructions++] = row;
}

void program_add(program *p, dnnl_primitive_desc_t pd, size_t n_args, const instruction_arg *args) {
    enum { MOST_ARGS = 64 };
    instruction_arg all[MOST_ARGS];
    instruction row = {0};
    if (p->status == JC_OK && n_args < MOST_ARGS &&
        program_check(p, dnnl_primitive_create(&row.primitive, pd), "a primitive")) {
        memcpy(all, args, n_args * sizeof *args);
        const dnnl_memory_desc_t scratch = program_query(p, pd, dnnl_query_scratchpad_md);
        if (scratch.ndims > 0) {
            const tensor_id t = program_result(p, &scratch);
            if (p->status == JC_OK) {
                p->tensors[t].role = TENSOR_SCRATCH;
                p->buffers[p->tensors[t].buffer].role = TENSOR_SCRATCH;
            }
            all[n_args++] = (instruction_arg){DNNL_ARG_SCRATCHPAD, t};
        }
        append(p, row, n_args, all);
    } else if (p->status == JC_OK) {
        program_fail(p, JC_EUNSUPPORTED, "more than %d operands", MOST_ARGS - 2);
    }
    (void)dnnl_primitive_desc_destroy(pd);
}

void program_add_plain(program *p, plain_function plain, const int64_t *sizes, size_t n_args,
                       const instruction_arg *args) {
    instruction row = {.plain = plain};
    memcpy(row.sizes, sizes, sizeof row.sizes);
    if (p->status == JC_OK) {
        append(p, row, n_args, args);
    }
}
